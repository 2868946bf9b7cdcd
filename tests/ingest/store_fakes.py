"""A fast embedder and caches on disk for tests of the store; both behave the same in every process."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from kb.caches import CacheFactory
from kb.manifest import Manifest, Matrix
from kb.types import Chunk

DIMENSION = 16


class HashEmbedder:
    """A vector a text out of its hash. `embedded` counts texts."""

    name = "hash"
    dim = DIMENSION

    def __init__(self, fingerprint: str = "hash-16") -> None:
        self.fingerprint = fingerprint
        self.embedded: list[str] = []

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Matrix:
        self.embedded.extend(texts)
        rows = [np.frombuffer(hashlib.shake_128(text.encode()).digest(DIMENSION * 2), dtype=np.uint16) for text in texts]
        matrix = np.asarray(rows, dtype=np.float32) - 32768.0
        if progress is not None:
            progress(len(texts))
        return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        return self.embed_passages(texts)


class FileCache:
    """A cache in a SQLite file of its own, outside the manifest's transactions, as the real ones are."""

    def __init__(self, home: Path, generation: int) -> None:
        self.path = home / f"cache-{generation}.sqlite"
        self._run("CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, text TEXT, vector BLOB)")

    def add(self, chunks: Sequence[Chunk], vectors: Matrix) -> None:
        rows = [(chunk.id, chunk.indexed_text, vector.tobytes()) for chunk, vector in zip(chunks, vectors, strict=True)]
        self._run("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", rows)

    def delete(self, ids: Sequence[str]) -> None:
        self._run("DELETE FROM items WHERE id = ?", [(id_,) for id_ in ids])

    def commit(self) -> None:
        """Every statement is committed already."""

    def ids(self) -> set[str]:
        return {row[0] for row in self._run("SELECT id FROM items")}

    def count(self) -> int:
        return len(self.ids())

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)

    def _run(self, sql: str, rows: Sequence[tuple[Any, ...]] | None = None) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            if rows is None:
                return connection.execute(sql).fetchall()
            connection.execute("BEGIN")
            connection.executemany(sql, rows)
            connection.execute("COMMIT")
            return []


def file_caches(home: Path) -> CacheFactory:
    """Caches of a data folder."""

    def make(manifest: Manifest, generation: int) -> list[FileCache]:
        return [FileCache(home, generation)]

    return make
