"""Turns the bundled weights into what can run: a sentence-transformers folder, and an ONNX graph that needs no PyTorch.

Both come from the same numbers. The graph keeps all weights in 4 bits, as they are delivered, and unpacks what a text needs:
the values are the same, the file is 68 MB where fp32 would be 470 MB, and a question, for which reading the weights takes
longer than multiplying with them, takes 14 ms where fp32 products took 19 (measured in one run, 2 cores).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from kb.embed_pieces import PieceTokenizer
from kb.embed_wheel import WheelModel, build_tokenizer, read_model

MODEL_NAME = "multilingual-e5-small"
PROMPTS = {"query": "query: ", "document": "passage: "}
_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_NORMS = ("aln", "oln")


def write_folder(folder: Path) -> None:
    """Write a complete sentence-transformers model (fp32, safetensors) into an existing empty folder."""
    from safetensors.numpy import save_file

    model = read_model()
    save_file(_named_tensors(model), folder / "model.safetensors", metadata={"format": "pt"})
    _write_tokenizer(model, folder)
    _write_json(
        folder / "config.json",
        {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "attention_probs_dropout_prob": 0.1,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "hidden_size": model.hidden,
            "initializer_range": 0.02,
            "intermediate_size": model.feed_forward,
            "layer_norm_eps": model.layer_norm_eps,
            "max_position_embeddings": model.positions,
            "num_attention_heads": model.heads,
            "num_hidden_layers": model.layers,
            "pad_token_id": 0,
            "tokenizer_class": "XLMRobertaTokenizer",
            "type_vocab_size": model.token_types,
            "vocab_size": model.vocabulary,
        },
    )
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": model.positions, "do_lower_case": False})
    _write_json(folder / "config_sentence_transformers.json", {"prompts": PROMPTS, "similarity_fn_name": "cosine"})
    parts = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling"), ("2", "2_Normalize", "Normalize")]
    modules = [{"idx": int(name), "name": name, "path": path, "type": f"sentence_transformers.models.{kind}"} for name, path, kind in parts]
    _write_json(folder / "modules.json", modules)
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    _write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": model.hidden, "pooling_mode_mean_tokens": True})


def write_graph(folder: Path) -> None:
    """Write the graph (`model.onnx` and `weights.bin`, which is mapped into memory, not read) and its tokenizers.

    Input `input_ids` (texts, tokens) without padding, output `embedding` (texts, dimensions), L2-normalised.
    """
    model = read_model()
    _GraphBuilder(model).save(folder / "model.onnx")
    build_tokenizer(model).save(str(folder / "tokenizer.json"))
    PieceTokenizer.save(folder, model.pieces, model.scores.tolist())


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _write_tokenizer(model: WheelModel, folder: Path) -> None:
    build_tokenizer(model).save(str(folder / "tokenizer.json"))
    names = {"bos_token": model.bos, "eos_token": model.eos, "pad_token": model.pad, "unk_token": model.unknown}
    tokens = {name: model.pieces[id_] for name, id_ in names.items()} | {
        "cls_token": model.pieces[model.bos],
        "sep_token": model.pieces[model.eos],
    }
    _write_json(
        folder / "tokenizer_config.json",
        {
            **tokens,
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": model.positions,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
        },
    )
    _write_json(folder / "special_tokens_map.json", tokens)


def _named_tensors(model: WheelModel) -> dict[str, Any]:
    """The weights under the names that a BERT checkpoint has."""
    words = np.zeros((model.vocabulary, model.hidden), dtype=np.float32)
    stored = model.quantised("emb.word").dense()
    words[: len(stored)] = stored
    named: dict[str, Any] = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": model.plain("emb.pos").reshape(model.positions, model.hidden),
        "embeddings.token_type_embeddings.weight": model.plain("emb.type").reshape(model.token_types, model.hidden),
        "embeddings.LayerNorm.weight": model.plain("emb.ln.w"),
        "embeddings.LayerNorm.bias": model.plain("emb.ln.b"),
    }
    for layer in range(model.layers):
        for short, long in _LAYER_TENSORS.items():
            weight = f"l{layer}.{short}.w"
            named[f"encoder.layer.{layer}.{long}.weight"] = model.plain(weight) if short in _NORMS else model.quantised(weight).dense()
            named[f"encoder.layer.{layer}.{long}.bias"] = model.plain(f"l{layer}.{short}.b")
    return {name: np.ascontiguousarray(tensor) for name, tensor in named.items()}


class _GraphBuilder:
    """Builds the encoder out of ONNX Runtime's fused operators (attention, skip + layer norm, bias + GELU)."""

    _FUSED = "com.microsoft"

    def __init__(self, model: WheelModel) -> None:
        self.model = model
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def save(self, path: Path) -> None:
        """Build and write the graph."""
        import onnx
        from onnx import TensorProto, helper

        state = self._embeddings()
        for layer in range(self.model.layers):
            state = self._layer(layer, state)
        self._add("ReduceMean", [state, self._weight("token_axis", np.array([1]))], "pooled", keepdims=0)
        self._add("LpNormalization", ["pooled"], "embedding", axis=-1, p=2)
        graph = helper.make_graph(
            self.nodes,
            MODEL_NAME,
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", self.model.hidden])],
            self.weights,
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(self._FUSED, 1)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        onnx.save(made, path, save_as_external_data=True, location="weights.bin", size_threshold=1024)

    def _weight(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _add(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def _embeddings(self) -> str:
        """Unpacks the rows of the 4-bit word embeddings, adds positions (and token type 0) and normalises."""
        from onnx import TensorProto

        model, words = self.model, self.model.quantised("emb.word")
        blocks = model.hidden // 32
        self._add("Gather", [self._weight("words", words.halves()), "input_ids"], "packed", axis=0)
        self._add("Gather", [self._weight("word_scales", words.scales), "input_ids"], "scales16", axis=0)
        self._add("BitwiseAnd", ["packed", self._weight("low_half", np.array(15, np.uint8))], "low")
        self._add("BitShift", ["packed", self._weight("half_bits", np.array(4, np.uint8))], "high", direction="RIGHT")
        last = self._weight("last_axis", np.array([3]))
        self._add("Unsqueeze", ["low", last], "low_column")
        self._add("Unsqueeze", ["high", last], "high_column")
        self._add("Concat", ["low_column", "high_column"], "pairs", axis=3)
        self._add("Reshape", ["pairs", self._weight("as_blocks", np.array([0, 0, blocks, 32]))], "blocks")
        self._add("Cast", ["blocks"], "blocks32", to=TensorProto.FLOAT)
        self._add("Sub", ["blocks32", self._weight("stored_plus", np.array(8, np.float32))], "centred")
        self._add("Cast", ["scales16"], "scales32", to=TensorProto.FLOAT)
        self._add("Unsqueeze", ["scales32", last], "scale_column")
        self._add("Mul", ["centred", "scale_column"], "scaled")
        self._add("Reshape", ["scaled", self._weight("as_rows", np.array([0, 0, model.hidden]))], "word_rows")
        positions = model.plain("emb.pos").reshape(model.positions, model.hidden) + model.plain("emb.type")[: model.hidden]
        self._add("Shape", ["input_ids"], "tokens", start=1, end=2)
        zero = self._weight("zero", np.array([0]))
        self._add("Slice", [self._weight("positions", positions), zero, "tokens", zero], "position_rows")
        self._add("Add", ["word_rows", "position_rows"], "summed")
        gain, shift = self._weight("embed_gain", model.plain("emb.ln.w")), self._weight("embed_shift", model.plain("emb.ln.b"))
        return self._add("LayerNormalization", ["summed", gain, shift], "state", axis=-1, epsilon=model.layer_norm_eps)

    def _product(self, state: str, weight: str) -> str:
        """A product with weights left in 4 bits. `accuracy_level` 1: multiplied as fp32, so that vectors stay what fp32 weights give."""
        stored = self.model.quantised(weight)
        outputs, blocks = stored.scales.shape
        inputs = [
            state,
            self._weight(weight, stored.halves().reshape(outputs, blocks, -1)),
            self._weight(weight + ".scales", stored.scales.astype(np.float32).reshape(-1)),
        ]
        sizes = {"K": stored.columns, "N": outputs, "bits": 4, "block_size": stored.columns // blocks}
        return self._add("MatMulNBits", inputs, weight + ".out", self._FUSED, accuracy_level=1, **sizes)

    def _skip_norm(self, update: str, state: str, norm: str, bias: str, output: str) -> str:
        names = [norm + ".w", norm + ".b", bias]
        inputs = [update, state, *(self._weight(name, self.model.plain(name)) for name in names)]
        return self._add("SkipLayerNormalization", inputs, output, self._FUSED, epsilon=self.model.layer_norm_eps)

    def _layer(self, layer: int, state: str) -> str:
        at = f"l{layer}."
        projections = [self._product(state, f"{at}{name}.w") for name in "qkv"]
        bias = self._weight(at + "qkv.b", np.concatenate([self.model.plain(f"{at}{name}.b") for name in "qkv"]))
        attended = self._add("MultiHeadAttention", [*projections, bias], at + "attended", self._FUSED, num_heads=self.model.heads)
        middle = self._skip_norm(self._product(attended, at + "ao.w"), state, at + "aln", at + "ao.b", at + "middle")
        wide = self._product(middle, at + "fi.w")
        active = self._add("BiasGelu", [wide, self._weight(at + "fi.b", self.model.plain(at + "fi.b"))], at + "active", self._FUSED)
        return self._skip_norm(self._product(active, at + "fo.w"), middle, at + "oln", at + "fo.b", at + "state")
