"""An embedder of hashed words and an index built with the real writer, Chroma and tantivy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.generations import open_writer
from kb.settings import Settings
from kb.store import store_for
from kb.text import index_tokens
from kb.types import Chunk, Document, Place
from kb.writer import Entry, FileState


class HashedWords:
    """Texts that share words are near each other; the same in every process."""

    name = "hashed words"
    dim = 128
    fingerprint = "hashed-words/1"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> npt.NDArray[np.float32]:
        return np.stack([self._vector(text) for text in texts]) if texts else np.zeros((0, self.dim), dtype=np.float32)

    def embed_queries(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.calls.append(list(texts))
        return self.embed_passages(texts)

    def _vector(self, text: str) -> npt.NDArray[np.float32]:
        vector = np.full(self.dim, 0.05, dtype=np.float32)
        for token in index_tokens(text):
            digest = hashlib.blake2b(token.encode(), digest_size=4).digest()
            vector[int.from_bytes(digest[:2], "big") % self.dim] += 1 if digest[2] % 2 else -1
        return vector / np.float32(np.linalg.norm(vector))


def chunk(id_: str, text: str, source: str = "a.md", ordinal: int = 0, **more: object) -> Chunk:
    """A chunk with the least that is needed. The writer gives it another id; `label` stays in its metadata."""
    values: dict[str, object] = {"kind": "text", "context": "", "headings": (), "place": Place((1, 1)), "metadata": {"label": id_}} | more
    return Chunk(id=id_, source=source, ordinal=ordinal, text=text, **values)  # type: ignore[arg-type]


def write_index(home: Path, documents: dict[str, list[Chunk]], remove: Sequence[str] = (), rebuild: bool = False) -> None:
    """Store documents (source -> chunks) as ingestion would. Sources with equal chunk ids share their content."""
    write_store(Settings(home=home), documents, remove, rebuild)


def write_store(settings: Settings, documents: dict[str, list[Chunk]], remove: Sequence[str] = (), rebuild: bool = False) -> None:
    """The same in the store of the settings."""
    store = store_for(settings)
    embedder = HashedWords()
    about: dict[str, Any] = {"embedder": embedder.fingerprint, "chunker": "test", "rebuild": rebuild, "store": store}
    with open_writer(settings.home, store.caches, **about) as writer:
        entries = []
        for source, chunks in documents.items():
            content = hashlib.blake2b("".join(c.id + c.text for c in chunks).encode(), digest_size=20).hexdigest()
            texts = writer.missing_texts([c.indexed_text for c in chunks])
            if texts:
                writer.save_vectors(texts, embedder.embed_passages(texts))
            entries.append(Entry(source, f"/{source}", "test", content, FileState(), Document(source, source, content, ()), chunks))
        writer.write(entries, remove)
        if writer.is_rebuild:
            writer.publish()
