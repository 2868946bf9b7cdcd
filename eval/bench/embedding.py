"""How fast texts are embedded, beside what the same processor does in bare matrix products at the same moment."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np

from eval.bench.tables import Table
from kb.embed import Embedder, cpu_count, get_embedder, has_native_bf16, model_name
from kb.embed_onnx import OnnxEmbedder
from kb.settings import get_settings

NAME = "embedding"
_ROUNDS = 3
_MATRIX = 1536
_ENCODER_WEIGHTS = 21_233_664
_LAYERS, _HIDDEN = 12, 384


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--passages", type=int, default=24, metavar="N", help="passages to embed in a round (embedding)")


def run(options: argparse.Namespace) -> list[Table]:
    """Best of several rounds, in which ceiling and embedders take turns, since other work on the machine only makes them slower."""
    settings = get_settings()
    texts = _passages(options.passages)
    embedders = {"ONNX Runtime": get_embedder(settings.model_copy(update={"embed_backend": "onnx"}))}
    if options.torch:
        embedders["sentence-transformers"] = get_embedder(settings.model_copy(update={"embed_backend": "torch"}))
    reference = next(embedder for embedder in embedders.values() if isinstance(embedder, OnnxEmbedder))
    tokens = reference.token_counts(texts)
    work = sum(count * 2 * _ENCODER_WEIGHTS + 4 * _LAYERS * _HIDDEN * count * count for count in tokens)
    ceiling, best = 0.0, dict.fromkeys(embedders, float("inf"))
    for _ in range(_ROUNDS):
        ceiling = max(ceiling, matrix_product_rate())
        for name, embedder in embedders.items():
            best[name] = min(best[name], _seconds(embedder.embed_passages, texts))
    table = Table("Embedding throughput", ["backend", "passages/s", "tokens/s", "GFLOP/s", "of the ceiling", "cosine to the other"])
    for name, seconds in best.items():
        rate = work / seconds / 1e9
        agreement = _agreement(embedders[name], embedders, texts[:4])
        table.rows.append(
            [name, f"{len(texts) / seconds:.1f}", f"{sum(tokens) / seconds:.0f}", f"{rate:.0f}", f"{rate / ceiling:.0%}", agreement]
        )
    table.notes.append(f"matrix-product ceiling of the same run: {ceiling:.0f} GFLOP/s fp32 ({_MATRIX} x {_MATRIX}), {cpu_count()} threads")
    table.notes.append(
        f"model {model_name(settings)}, {len(texts)} passages of {sum(tokens) / len(texts):.0f} tokens; best of {_ROUNDS} rounds"
    )
    table.notes.append(f"the processor {'has' if has_native_bf16() else 'has no'} native bf16")
    return [table]


def matrix_product_rate(rounds: int = 8) -> float:
    """The best GFLOP/s of large fp32 products in NumPy's BLAS."""
    random = np.random.default_rng(0)
    left, right = (random.standard_normal((_MATRIX, _MATRIX)).astype(np.float32) for _ in range(2))
    left @ right
    seconds = min(_seconds(lambda pair: pair[0] @ pair[1], (left, right)) for _ in range(rounds))
    return 2 * _MATRIX**3 / seconds / 1e9


def _seconds(action: Callable[..., object], value: object) -> float:
    began = time.perf_counter()
    action(value)
    return time.perf_counter() - began


def _agreement(embedder: Embedder, embedders: dict[str, Embedder], texts: Sequence[str]) -> str:
    others = [other for other in embedders.values() if other is not embedder]
    if not others:
        return "-"
    return f"{float((embedder.embed_passages(texts) * others[0].embed_passages(texts)).sum(axis=1).min()):.5f}"


def _passages(count: int) -> list[str]:
    """Passages of the shipped corpus, joined to the size that chunks of long documents have."""
    from ingest.chunk import chunk_document
    from ingest.parse import parse_bytes
    from ingest.scan import scan_shipped

    pieces = [
        chunk.indexed_text
        for found in scan_shipped().found
        if found.file is not None
        for chunk in chunk_document(parse_bytes(found.file.read_bytes(), found.name))
    ]
    passages: list[str] = []
    current = ""
    for piece in pieces:
        current += piece + "\n"
        if len(current) > 600:
            passages.append(current[:600])
            current = ""
    return (passages * (1 + count // max(1, len(passages))))[:count]
