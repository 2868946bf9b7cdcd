"""Embedding with sentence-transformers on PyTorch: any model name or folder that it loads. Import this module lazily."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kb.embed import (
    BUILTIN,
    Progress,
    Vectors,
    clean,
    cpu_count,
    embedder_fingerprint,
    has_native_bf16,
    model_folder,
    model_name,
    prepared,
    say,
)
from kb.embed_onnx import export_from_torch, unit
from kb.errors import EmbedderError
from kb.settings import Settings

_BATCH_TOKENS = 4096
"""Tokens a batch, padding included. Batches of 2,000-8,000 are equally fast on two cores; larger ones leave the cache."""

_QUERY_PROMPTS = ("query",)
_PASSAGE_PROMPTS = ("document", "passage", "corpus")


class TorchEmbedder:
    """Length-sorted batches within a token budget. A text longer than the model reads is embedded in averaged windows."""

    def __init__(self, model: Any, name: str, fingerprint: str) -> None:
        self._model = model
        self.name = name
        self.fingerprint = fingerprint
        self.dim = int(model.get_embedding_dimension())
        self.max_tokens = int(min(model.max_seq_length or 512, 8192))
        self.query_prefix, self.passage_prefix = _prefixes(model, name)

    def embed_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """(texts, dim), unit length."""
        return self._embed(texts, self.passage_prefix, progress)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """(texts, dim), unit length."""
        return self._embed(texts, self.query_prefix, None)

    def _embed(self, texts: Sequence[str], prefix: str, progress: Progress | None) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        owners, weights, parts = self._windows([clean(text) for text in texts], prefix)
        vectors = np.zeros((len(parts), self.dim), dtype=np.float32)
        left = np.bincount(owners, minlength=len(texts))
        for batch in _by_budget(sorted(range(len(parts)), key=weights.__getitem__), weights):
            encoded = self._model.encode(
                [prefix + parts[i] for i in batch],
                batch_size=len(batch),
                normalize_embeddings=True,
                convert_to_tensor=True,
                show_progress_bar=False,
            )
            vectors[batch] = encoded.float().cpu().numpy()
            np.subtract.at(left, [owners[i] for i in batch], 1)
            if progress is not None:
                progress(int((left == 0).sum()))
        summed = np.zeros((len(texts), self.dim), dtype=np.float32)
        np.add.at(summed, owners, vectors * np.asarray(weights, dtype=np.float32)[:, None])
        return unit(summed)

    def _windows(self, texts: Sequence[str], prefix: str) -> tuple[list[int], list[int], list[str]]:
        """Parts to run, with the text that each belongs to and its length in tokens."""
        tokenizer = self._model.tokenizer
        room = self.max_tokens - tokenizer.num_special_tokens_to_add() - len(tokenizer.encode(prefix, add_special_tokens=False)) - 1
        spans = tokenizer(list(texts), add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False)[
            "offset_mapping"
        ]
        owners: list[int] = []
        weights: list[int] = []
        parts: list[str] = []
        for owner, (text, offsets) in enumerate(zip(texts, spans, strict=True)):
            for first in range(0, max(len(offsets), 1), room):
                piece = offsets[first : first + room]
                owners.append(owner)
                weights.append(max(len(piece), 1))
                parts.append(text[piece[0][0] : piece[-1][1]] if len(offsets) > room else text)
        return owners, weights, parts

    def export(self, graph: Path, tokenizer: Path) -> None:
        """Write the model as an ONNX graph (`input_ids`, `attention_mask` -> unit vectors) and its fast tokenizer."""
        import torch

        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns about operators of packages that are not used
        model = self._model.float()

        class Whole(torch.nn.Module):
            def forward(self, input_ids: Any, attention_mask: Any) -> Any:
                found = model({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]
                return torch.nn.functional.normalize(found, dim=-1)

        ids = torch.randint(5, 100, (2, 12))
        texts, tokens = torch.export.Dim("texts", min=1), torch.export.Dim("tokens", min=2, max=self.max_tokens)
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Whole().eval(),
                (ids, torch.ones_like(ids)),
                str(graph),
                input_names=["input_ids", "attention_mask"],
                output_names=["unit_vectors"],
                dynamic_shapes={"input_ids": {0: texts, 1: tokens}, "attention_mask": {0: texts, 1: tokens}},
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        self._model.tokenizer.backend_tokenizer.save(str(tokenizer))


def load_torch_embedder(settings: Settings) -> TorchEmbedder:
    """Load the model that the settings name, and export it for questions if that was not done yet.

    Raises:
        EmbedderError: it cannot be found, downloaded or loaded.
    """
    name = model_name(settings)
    fingerprint = embedder_fingerprint(settings)
    location = (
        str(builtin_folder(settings)) if name == BUILTIN else str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name
    )
    if settings.hf_endpoint:
        os.environ.setdefault("HF_ENDPOINT", settings.hf_endpoint)
    say(f"loading {name} with sentence-transformers ...")
    # Every shape of a batch leaves a compiled kernel behind, by default 1,024 of them: hundreds of megabytes over some thousand documents.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(settings.embed_threads or cpu_count())
    quiet: Any = transformers.utils.logging
    quiet.set_verbosity_error()
    quiet.disable_progress_bar()
    dtype = torch.bfloat16 if has_native_bf16() else torch.float32
    try:
        model = SentenceTransformer(location, device="cpu", model_kwargs={"dtype": dtype}, trust_remote_code=False)
    except Exception as error:  # the hub, safetensors and model code each raise their own types
        first_line = (str(error).splitlines() or [""])[0]
        raise EmbedderError(
            f"cannot load the embedding model {name!r} ({type(error).__name__}: {first_line}); "
            "ADVISOR_EMBED_MODEL must be `builtin`, a folder, or a model name that sentence-transformers can download "
            "(set ADVISOR_HF_ENDPOINT to use a mirror)"
        ) from error
    embedder = TorchEmbedder(model.eval(), MODEL_NAMES.get(name, name), fingerprint)
    if name != BUILTIN:
        export_from_torch(embedder, settings)
        if dtype == torch.bfloat16:
            model.to(dtype)
    return embedder


MODEL_NAMES = {BUILTIN: "multilingual-e5-small"}


def builtin_folder(settings: Settings) -> Path:
    """The bundled weights as a sentence-transformers folder, unpacked when it is first asked for."""
    from kb.embed_builtin import write_folder

    folder = model_folder(settings, "sentence-transformers")
    if not folder.is_dir():
        say("unpacking the embedding model (once, a few seconds) ...")
        with prepared(folder) as draft:
            write_folder(draft)
    return folder


def _prefixes(model: Any, name: str) -> tuple[str, str]:
    """What goes before a question and before a passage: the model's own prompts, or e5's, which its published files lack."""
    prompts = model.prompts or {}
    query = next((prompts[key] for key in _QUERY_PROMPTS if prompts.get(key)), "")
    passage = next((prompts[key] for key in _PASSAGE_PROMPTS if prompts.get(key)), "")
    if not query and not passage and "e5-" in name.lower() and "instruct" not in name.lower():
        return "query: ", "passage: "
    return query, passage


def _by_budget(order: Sequence[int], tokens: Sequence[int]) -> list[list[int]]:
    """Batches whose size times longest text stays within the budget; `order` is by length."""
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * tokens[i] <= _BATCH_TOKENS:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
