"""A large index: latency, recall of the approximate vectors, memory. Real text; vectors may be invented to save hours."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.bench.data import read_texts
from eval.bench.startup import environment
from eval.bench.tables import Table
from eval.stats import percentile
from kb.errors import UsageError
from kb.generations import open_writer
from kb.settings import Settings
from kb.store import store_for
from kb.types import Chunk, Document, Place
from kb.writer import Entry, FileState

NAME = "scale"
_TEXTS_A_BATCH = 500
_DIM = 384
_TOPICS = 400


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument(
        "--texts", type=Path, metavar="FILE", help="real texts, one a line, cut into chunks and repeated in new orders (scale)"
    )
    parser.add_argument("--chunks", type=int, nargs="+", default=[1000, 100_000], metavar="N", help="sizes to build (scale)")
    parser.add_argument(
        "--fake-vectors", action="store_true", help="clustered random vectors for the chunks instead of embedding them (scale)"
    )


def run(options: argparse.Namespace) -> list[Table]:
    """One row a size. Searching happens in a process of its own, so that its memory is that of a server."""
    if not options.texts:
        return []
    columns = ["documents", "chunks", "build s", "build CPU s", "documents a CPU s", "open s", "search p50 ms", "p95 ms", "search CPU ms"]
    table = Table("Scale", [*columns, "dense recall@50", "memory MB", "build memory MB", "disk MB", "manifest MB"])
    for size in options.chunks:
        home = options.work / f"home-scale-{size}{'-fake' if options.fake_vectors else ''}"
        built = _built(home, options.texts, size, options.fake_vectors)
        command = [sys.executable, "-m", "eval.bench.scale_child", "search"]
        result = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=True)
        found = json.loads(result.stdout.splitlines()[-1])
        p50, p95 = (f"{percentile(found['seconds'], part) * 1000:.1f}" for part in (0.5, 0.95))
        disk = sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / 1e6
        cells = [
            f"{built['documents']:,.0f}",
            f"{size:,}",
            f"{built['seconds']:.0f}",
            f"{built['cpu_s']:.0f}",
            f"{built['documents'] / built['cpu_s']:.0f}",
            f"{found['open_s']:.1f}",
            p50,
            p95,
            f"{found['cpu_ms']:.1f}",
            f"{found['recall']:.3f}",
            f"{found['memory_mb']:.0f}",
            f"{built['peak_mb']:.0f}",
            f"{disk:.0f}",
            f"{found['manifest_mb']:.0f}",
        ]
        table.rows.append(cells)
    if options.fake_vectors:
        table.notes.append(
            f"vectors of the chunks are invented ({_TOPICS} clusters, {_DIM} dimensions); texts and the embedding of questions are real"
        )
    table.notes.append("build: manifest and search indexes, without embedding where vectors are invented; kept from the run that built it")
    table.notes.append("CPU: of the process itself, all its threads; what other processes do to the clock does not count in it")
    table.notes.append("search: embedding the question, both legs, fusion; recall: of the path that the size takes, against exact search")
    return [table]


def _built(home: Path, texts: Path, size: int, fake: bool) -> dict[str, float]:
    """What building cost, in a process of its own so that its peak memory is known."""
    note = home / "built.json"
    if not note.exists():
        command = [sys.executable, "-m", "eval.bench.scale_child", "build", str(texts), str(size), *(["--fake"] if fake else [])]
        done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=True)
        home.mkdir(parents=True, exist_ok=True)
        note.write_text(done.stdout.splitlines()[-1], encoding="utf-8")
    cost: dict[str, float] = json.loads(note.read_text(encoding="utf-8"))
    return cost


def build(settings: Settings, texts: Path, size: int, fake: bool) -> dict[str, float]:
    """Fill the store with `size` chunks; seconds and documents."""
    embed, fingerprint = _embedding(settings, fake)
    store = store_for(settings)
    began, busy, documents = time.perf_counter(), time.process_time(), 0
    with open_writer(settings.home, store.caches, embedder=fingerprint, chunker="bench", store=store) as writer:
        for batch in _batches(_entries(list(read_texts(texts).values()), size)):
            chunks = [chunk for entry in batch for chunk in entry.chunks]
            missing = writer.missing_texts([chunk.indexed_text for chunk in chunks])
            if missing:
                writer.save_vectors(missing, embed(missing))
            writer.write(batch)
            documents += len(batch)
    return {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - busy, "documents": documents}


def _embedding(settings: Settings, fake: bool) -> tuple[Callable[[Sequence[str]], npt.NDArray[np.float32]], str]:
    from kb.embed import embedder_fingerprint, get_embedder

    if not fake:
        return get_embedder(settings).embed_passages, embedder_fingerprint(settings)
    random = np.random.default_rng(7)
    topics = random.standard_normal((_TOPICS, _DIM)) + 2.0

    def invent(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        vectors = topics[random.integers(0, _TOPICS, len(texts))] + random.standard_normal((len(texts), _DIM))
        scaled: npt.NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return scaled

    return invent, embedder_fingerprint(settings)


def _entries(texts: Sequence[str], size: int, chunk_chars: int = 400, chunks_a_document: int = 5) -> Iterator[Entry]:
    """`size` chunks of real sentences; where the texts are used up, their pieces come again in other company."""
    pieces = [text[i : i + chunk_chars // 2] for text in texts for i in range(0, len(text), chunk_chars // 2) if len(text[i:]) > 40]
    if not pieces:
        raise UsageError("the file given with --texts holds no text of more than 40 characters")
    random = np.random.default_rng(11)
    for number in range(-(-size // chunks_a_document)):
        source, content = f"text-{number:07}.txt", f"bench-{number}"
        chunks = []
        for ordinal in range(min(chunks_a_document, size - number * chunks_a_document)):
            first, second = (pieces[i] for i in random.integers(0, len(pieces), 2))
            chunks.append(
                Chunk(f"{number}-{ordinal}", source, ordinal, "text", f"{first}\n{second}", "", (), Place((ordinal + 1, ordinal + 1)))
            )
        yield Entry(source, f"/bench/{source}", "bench", content, FileState(), Document(source, source, content, ()), chunks)


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _TEXTS_A_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
