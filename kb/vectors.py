"""Vectors in Chroma, on disk or in a server. The only module that knows chromadb; its types never leave it.

Index parameters come from a recall test: see `HNSW`. Chroma is a cache of the manifest, which also holds every vector, so a
damaged or lost collection is refilled without embedding anything again.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from kb.errors import AdvisorError, SettingsError
from kb.manifest import Matrix
from kb.types import Chunk

HNSW: Mapping[str, Any] = {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 400}


class VectorStoreError(AdvisorError):
    """Chroma could not be reached, read or written."""


class VectorStore:
    """One generation's collection. Cosine similarity, exact up to the recall of the graph index."""

    def __init__(self, home: Path, collection: str, *, url: str = "", create: bool = True) -> None:
        """Opens (and with `create` makes) the collection in the folder `home`/chroma, or in the server at `url`.

        Raises:
            VectorStoreError: Chroma cannot be opened, or the collection is missing and `create` is false.
        """
        self.location = url or str(home / "chroma")
        self.name = collection
        with self._translated():
            self._client = _connect(home / "chroma", url)
            self._release = weakref.finalize(self, _hang_up, self._client) if url else None
            if create:
                self._collection = self._client.get_or_create_collection(
                    collection, embedding_function=None, configuration={"hnsw": dict(HNSW)}
                )
            else:
                self._collection = self._client.get_collection(collection, embedding_function=None)
            self._batch = min(2000, int(self._client.get_max_batch_size()))

    def add(self, chunks: Sequence[Chunk], vectors: Matrix) -> None:
        """Insert or replace chunks; durable when this returns."""
        self.upsert(
            [chunk.id for chunk in chunks],
            vectors,
            [{"source": chunk.source.encode("utf-8", "replace").decode("utf-8"), "kind": chunk.kind} for chunk in chunks],
        )

    def upsert(self, ids: Sequence[str], vectors: Matrix, metadatas: Sequence[Mapping[str, str]]) -> None:
        """Insert or replace vectors with what they can be filtered by."""
        with self._translated():
            for start in range(0, len(ids), self._batch):
                part = slice(start, start + self._batch)
                self._collection.upsert(
                    ids=list(ids[part]),
                    embeddings=np.asarray(vectors[part], dtype=np.float32),
                    metadatas=[dict(row) for row in metadatas[part]],
                )

    def delete(self, ids: Sequence[str]) -> None:
        """Take vectors out; unknown ids are ignored."""
        with self._translated():
            for start in range(0, len(ids), self._batch):
                self._collection.delete(ids=list(ids[start : start + self._batch]))

    def commit(self) -> None:
        """Nothing to do: Chroma logs every change before it returns."""

    def query(self, vector: npt.NDArray[np.float32], k: int) -> list[tuple[str, float]]:
        """The `k` nearest as (id, cosine), nearest first."""
        with self._translated():
            k = min(k, int(self._collection.count()))
            if k <= 0:
                return []
            found = self._collection.query(
                query_embeddings=np.asarray(vector, dtype=np.float32).reshape(1, -1), n_results=k, include=["distances"]
            )
            return [(id_, 1.0 - float(distance)) for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def count(self) -> int:
        """How many vectors it holds."""
        with self._translated():
            return int(self._collection.count())

    def ids(self) -> set[str]:
        """Ids of all vectors."""
        with self._translated():
            return set(self._collection.get(include=[])["ids"])

    def drop(self) -> None:
        """Delete the collection."""
        with self._translated():
            self._client.delete_collection(self.name)

    def close(self) -> None:
        """Ends the connections to a server. A folder has nothing to release: chromadb shares it in the whole process."""
        if self._release is not None:
            self._release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AdvisorError:
            raise
        except Exception as error:  # chromadb, its Rust core and httpx share no base class
            raise VectorStoreError(
                f"Chroma at {self.location} failed ({type(error).__name__}: {(str(error).splitlines() or [''])[0]}); check that it can be "
                "reached and written, or delete the folder and run `advisor ingest`, which refills it without embedding again"
            ) from error


def collection_name(store_id: str, generation: int) -> str:
    """Unique among data folders, which may share a Chroma server."""
    return f"advisor-{store_id}-{generation}"


def _connect(folder: Path, url: str) -> Any:
    import chromadb
    from chromadb.config import Settings

    quiet = Settings(anonymized_telemetry=False)
    if not url:
        folder.mkdir(parents=True, exist_ok=True)
        return chromadb.PersistentClient(str(folder), settings=quiet)
    parts = urlsplit(url if "//" in url else f"http://{url}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise SettingsError(f"ADVISOR_CHROMA_URL is {url!r}; expected e.g. http://127.0.0.1:8000")
    secure = parts.scheme == "https"
    return chromadb.HttpClient(host=parts.hostname, port=port or (443 if secure else 8000), ssl=secure, settings=quiet)


def _hang_up(client: Any) -> None:
    """Close a client of a server with its kept-alive connections, which chromadb's own `close` leaves to the garbage collector."""
    for part in (client, getattr(client, "_admin_client", None)):
        session = getattr(getattr(part, "_server", None), "_session", None)
        if session is not None:
            session.close()
    client.close()


def forget_open_stores() -> None:
    """Drop chromadb's process-wide cache of open folders, so that the next open sees what other processes wrote."""
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient.clear_system_cache()
