"""Embedding in ONNX Runtime, and making the graph it runs. Importing this never imports PyTorch; exporting does."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.embed import (
    BUILTIN,
    MIN_EXPORT_COSINE,
    Progress,
    Vectors,
    clean,
    cpu_count,
    embedder_fingerprint,
    model_folder,
    model_name,
    prepared,
    say,
)
from kb.embed_pieces import PieceTokenizer
from kb.errors import EmbedderError
from kb.settings import Settings

if TYPE_CHECKING:
    from kb.embed_torch import TorchEmbedder

EXPORT = "graph-3"
"""Kind of the prepared folder; its number grows with the layout of the files."""

_CARD = "embedder.json"
_BATCH_TOKENS = 1024
_SHORT_CHARS = 20_000
"""Texts of up to this many characters together are split without loading the tokenizer library (10,000 characters a second)."""

_FAILED = "export-failed.txt"


class OnnxEmbedder:
    """Runs texts of exactly the same length in tokens together: no padding is computed, and no mask slows attention down.

    A text longer than the model reads is cut into windows, each with the model's prefix, whose vectors are averaged by
    length. Safe to call from several threads.
    """

    def __init__(self, folder: Path, *, threads: int = 0, spinning: bool = True) -> None:
        import onnxruntime

        card = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        self.name: str = card["name"]
        self.dim: int = card["dim"]
        self.fingerprint: str = card["fingerprint"]
        self._query_prefix: str = card["query_prefix"]
        self._passage_prefix: str = card["passage_prefix"]
        self._max_tokens: int = card["max_tokens"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or cpu_count()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if not spinning:
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._folder = folder
        self._guard = threading.Lock()
        self._library_tokenizer: Any = None
        ends: dict[str, int] | None = card.get("pieces")
        self._ends = (ends["bos"], ends["eos"]) if ends else None
        self._pieces = PieceTokenizer.load(folder, list(ends.values()), ends["unknown"]) if ends else None

    def embed_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """(texts, dim), unit length."""
        return self._embed(texts, self._passage_prefix, progress)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """(texts, dim), unit length."""
        return self._embed(texts, self._query_prefix, None)

    @property
    def _tokenizer(self) -> Any:
        """The library's tokenizer, loaded when long text is first seen."""
        with self._guard:
            if self._library_tokenizer is None:
                from tokenizers import Tokenizer

                loaded = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
                loaded.no_padding()
                loaded.no_truncation()
                self._library_tokenizer = loaded
            return self._library_tokenizer

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens that each passage has for this model, prefix and special ones included."""
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch([self._passage_prefix + clean(text) for text in texts])]

    def _embed(self, texts: Sequence[str], prefix: str, progress: Progress | None) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        cleaned = [clean(text) for text in texts]
        owners, weights, rows = self._short(cleaned, prefix) or self._windows(cleaned, prefix)
        done = np.zeros((len(rows), self.dim), dtype=np.float32)
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        left = np.bincount(owners, minlength=len(texts))
        finished = 0
        for batch in _equal_lengths(order, rows):
            done[batch] = self._run(np.array([rows[row] for row in batch], dtype=np.int64))
            np.subtract.at(left, [owners[row] for row in batch], 1)
            if progress is not None and (total := int((left == 0).sum())) != finished:
                finished = total
                progress(finished)
        summed = np.zeros((len(texts), self.dim), dtype=np.float32)
        np.add.at(summed, owners, done * np.asarray(weights, dtype=np.float32)[:, None])
        return unit(summed)

    def _run(self, ids: Any) -> Vectors:
        feed = {"input_ids": ids}
        for name in self._inputs:
            if name == "attention_mask":
                feed[name] = np.ones_like(ids)
            elif name == "token_type_ids":
                feed[name] = np.zeros_like(ids)
        vectors: Vectors = np.asarray(self._session.run(None, feed)[0], dtype=np.float32)
        return vectors

    def _short(self, texts: Sequence[str], prefix: str) -> tuple[list[int], list[int], list[list[int]]] | None:
        """As `_windows`, for a few short texts and without the library; None where that does not fit."""
        if self._pieces is None or self._ends is None or self._library_tokenizer is not None or sum(map(len, texts)) > _SHORT_CHARS:
            return None
        rows = [[self._ends[0], *self._pieces.encode(prefix + text), self._ends[1]] for text in texts]
        if max(map(len, rows)) > self._max_tokens:
            return None
        return list(range(len(rows))), [len(row) for row in rows], rows

    def _windows(self, texts: Sequence[str], prefix: str) -> tuple[list[int], list[int], list[list[int]]]:
        """Token rows to run, with the text that each belongs to and its weight."""
        encoded = self._tokenizer.encode_batch([prefix + text for text in texts])
        prefix_tokens = len(self._tokenizer.encode(prefix, add_special_tokens=False).ids) if prefix else 0
        room = self._max_tokens - self._tokenizer.num_special_tokens_to_add(False)
        owners: list[int] = []
        weights: list[int] = []
        rows: list[list[int]] = []
        for owner, encoding in enumerate(encoded):
            ids = encoding.ids
            if len(ids) <= self._max_tokens:
                owners.append(owner)
                weights.append(len(ids))
                rows.append(ids)
                continue
            special = encoding.special_tokens_mask
            head = next(i for i, is_special in enumerate(special) if not is_special)
            content = [id_ for id_, is_special in zip(ids, special, strict=True) if not is_special]
            tail = len(ids) - head - len(content)
            start, body = content[:prefix_tokens], content[prefix_tokens:]
            step = room - prefix_tokens
            for cut in range(0, len(body), step):
                part = body[cut : cut + step]
                owners.append(owner)
                weights.append(len(part))
                rows.append([*ids[:head], *start, *part, *ids[len(ids) - tail :]])
        return owners, weights, rows


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = np.divide(vectors, np.maximum(lengths, 1e-12), dtype=np.float32)
    return scaled


def _equal_lengths(order: Sequence[int], rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Batches of rows of one length, each within the token budget; `order` is by length."""
    batches: list[list[int]] = []
    for row in order:
        length = len(rows[row])
        if batches and len(rows[batches[-1][0]]) == length and (len(batches[-1]) + 1) * length <= _BATCH_TOKENS:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


_guard = threading.Lock()


def load_onnx_embedder(settings: Settings, *, threads: int = 0, spinning: bool = True) -> OnnxEmbedder:
    """The current model's export; the bundled model's is made on first use (seconds), others need `export_from_torch` first.

    Raises:
        EmbedderError: there is no export and none can be made without PyTorch, or it cannot be loaded.
    """
    folder = model_folder(settings, EXPORT)
    with _guard:
        if not has_export(settings):
            if model_name(settings) != BUILTIN:
                raise EmbedderError(f"{model_name(settings)} has no ONNX export in {folder}; run `advisor ingest`, which makes it")
            _export_builtin(settings, folder)
    try:
        return OnnxEmbedder(folder, threads=threads, spinning=spinning)
    except Exception as error:  # ONNX Runtime and tokenizers raise their own bare types
        raise EmbedderError(f"cannot load the embedding model in {folder} ({error}); delete the folder and try again") from error


def has_export(settings: Settings) -> bool:
    """Whether the current model has a usable export."""
    return (model_folder(settings, EXPORT) / _CARD).is_file()


def _export_builtin(settings: Settings, folder: Path) -> None:
    from kb.embed_builtin import MODEL_NAME, PROMPTS, write_graph
    from kb.embed_wheel import read_model

    say("preparing the embedding model (once, a few seconds) ...")
    model = read_model()
    with prepared(folder) as draft:
        write_graph(draft)
        ends = {"bos": model.bos, "eos": model.eos, "pad": model.pad, "unknown": model.unknown}
        _write_card(
            draft,
            MODEL_NAME,
            embedder_fingerprint(settings),
            model.hidden,
            model.positions,
            PROMPTS["query"],
            PROMPTS["document"],
            pieces=ends,
        )
    say(f"embedding model ready in {folder}")


def _write_card(
    folder: Path, name: str, fingerprint: str, dim: int, max_tokens: int, query_prefix: str, passage_prefix: str, **more: object
) -> None:
    card = more | {
        "name": name,
        "fingerprint": fingerprint,
        "dim": dim,
        "max_tokens": max_tokens,
        "query_prefix": query_prefix,
        "passage_prefix": passage_prefix,
    }
    (folder / _CARD).write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


_SAMPLES = (
    "多少钱？",
    "Which model is the cheapest for long documents?",
    "大模型的输入价格按每百万 tokens 计算，输出价格通常更高。",
    "A100 80GB, qwen2.5-72b, ¥0.6: " * 8,
)


def export_from_torch(embedder: TorchEmbedder, settings: Settings) -> bool:
    """Export a sentence-transformers model so that questions need no PyTorch. False (with a warning) where it cannot be
    exported, or where the export's vectors differ from the model's; then questions use PyTorch."""
    folder = model_folder(settings, EXPORT)
    if has_export(settings):
        return True
    if (folder / _FAILED).is_file():
        return False
    say(f"exporting {embedder.name} for fast questions (once) ...")
    with prepared(folder) as draft:
        try:
            embedder.export(draft / "model.onnx", draft / "tokenizer.json")
            _write_card(
                draft,
                embedder.name,
                embedder.fingerprint,
                embedder.dim,
                embedder.max_tokens,
                embedder.query_prefix,
                embedder.passage_prefix,
            )
            exported = OnnxEmbedder(draft, threads=1)
            cosine = float((exported.embed_queries(_SAMPLES) * embedder.embed_queries(_SAMPLES)).sum(axis=1).min())
            problem = "" if cosine >= MIN_EXPORT_COSINE else f"its vectors differ (cosine {cosine:.4f}, expected {MIN_EXPORT_COSINE})"
        except Exception as error:  # the exporter raises whatever the model's code does
            problem = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        if problem:
            for path in draft.iterdir():
                path.unlink()
            (draft / _FAILED).write_text(problem + "\n", encoding="utf-8")
    if problem:
        say(f"warning: {embedder.name} has no ONNX export, {problem}; questions will use PyTorch (slower to start)")
    return not problem
