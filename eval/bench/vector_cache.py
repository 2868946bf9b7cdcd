"""Vectors of benchmark texts, kept between runs and shared by the indexes of one run: embedding is most of a benchmark's time."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kb.embed import Vectors, embedder_fingerprint, get_embedder
from kb.settings import Settings


class CachedEmbedder:
    """The embedder of the settings, asked only for texts that it has not seen in an earlier run with the same `folder`."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.fingerprint = embedder_fingerprint(settings)
        self._settings = settings
        self._store = sqlite3.connect(folder / "vectors.sqlite", isolation_level=None)
        self._store.execute("PRAGMA journal_mode = WAL")
        self._store.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """(texts, dimensions), unit length."""
        keys = [hashlib.blake2b(f"{self.fingerprint}\0{text}".encode("utf-8", "replace"), digest_size=16).digest() for text in texts]
        known = {key: row[0] for key in keys for row in self._store.execute("SELECT vector FROM vectors WHERE key = ?", (key,))}
        missing = [(key, text) for key, text in zip(keys, texts, strict=True) if key not in known]
        if missing:
            made = get_embedder(self._settings).embed_passages([text for _, text in missing], progress)
            known.update((key, vector.tobytes()) for (key, _), vector in zip(missing, made, strict=True))
            self._store.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", [(key, known[key]) for key, _ in missing])
        if progress is not None:
            progress(len(texts))
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        return np.frombuffer(b"".join(known[key] for key in keys), dtype=np.float32).reshape(len(texts), -1)
