"""The search indexes as caches of the manifest: what each must offer, and how one is put right."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from kb.errors import AdvisorError
from kb.manifest import Manifest, Matrix
from kb.settings import Settings
from kb.types import Chunk

if TYPE_CHECKING:
    from kb.lexical import LexicalIndex
    from kb.vectors import VectorStore

CACHE_BATCH = 1024
"""Chunks that are handed to a cache at once."""


class Cache(Protocol):
    """A search index of one generation that can be refilled from the manifest at any time."""

    def add(self, chunks: Sequence[Chunk], vectors: Matrix) -> None:
        """Insert or replace chunks; `vectors` has one row a chunk."""

    def delete(self, ids: Sequence[str]) -> None:
        """Take chunks out; unknown ids are ignored."""

    def commit(self) -> None:
        """Make everything so far durable and visible to readers."""

    def ids(self) -> set[str]:
        """Ids of all chunks that it holds."""

    def count(self) -> int:
        """How many chunks it holds."""

    def drop(self) -> None:
        """Delete this generation's index."""


@runtime_checkable
class Settling(Protocol):
    """A cache that has something to do when a writer has finished for now."""

    def settle(self) -> None:
        """Seal what was written, so that it is searched at full speed."""


CacheFactory = Callable[[Manifest, int], Sequence[Cache]]
"""(manifest, generation) -> the caches of that generation, made if they are missing."""


def repair_caches(manifest: Manifest, generation: int, caches: Sequence[Cache]) -> int:
    """Probe by count; where it differs from the manifest's, compare ids and put right what differs. Returns repaired chunks."""
    expected = manifest.chunk_count(generation)
    broken = [cache for cache in caches if cache.count() != expected]
    if not broken:
        return 0
    wanted = set(manifest.chunk_ids(generation))
    repaired = 0
    for cache in broken:
        held = cache.ids()
        extra, lost = sorted(held - wanted), sorted(wanted - held)
        if extra:
            cache.delete(extra)
        for start in range(0, len(lost), CACHE_BATCH):
            chunks = manifest.chunks(lost[start : start + CACHE_BATCH], generation)
            ids, vectors = manifest.vectors(list(chunks), generation)
            cache.add([chunks[id_] for id_ in ids], vectors)
        cache.commit()
        repaired += len(extra) + len(lost)
    return repaired


def rewrite_lexical(manifest: Manifest, generation: int, caches: Sequence[Cache]) -> None:
    """Write the lexical index anew in id order, in one commit. Until then deleted chunks count in its document frequencies."""
    from kb.lexical import LexicalIndex

    for cache in caches:
        if isinstance(cache, LexicalIndex):
            for chunks in manifest.each_chunk(generation):
                cache.add(chunks)  # takes out the former entry of each
            cache.commit()


def cache_factory(settings: Settings) -> CacheFactory:
    """Chroma and tantivy of a data folder. A local one that cannot be opened or queried is deleted and begun again, empty."""

    def make(manifest: Manifest, generation: int) -> Sequence[Cache]:
        return [_open_vectors(settings, manifest, generation), _open_lexical(settings, generation)]

    return make


def _open_vectors(settings: Settings, manifest: Manifest, generation: int) -> VectorStore:
    from kb.vectors import VectorStore, collection_name, forget_open_stores

    name = collection_name(manifest.meta("store_id"), generation)
    try:
        store = VectorStore(settings.home, name, url=settings.chroma_url)
        sample = manifest.connection.execute("SELECT vector FROM chunk_rows WHERE generation = ? LIMIT 1", (generation,)).fetchone()
        if sample is not None and store.count():
            store.query(manifest.vector(sample[0]), 1)
    except AdvisorError:
        if settings.chroma_url:
            raise  # a server's data is not ours to delete
        forget_open_stores()
        shutil.rmtree(settings.home / "chroma", ignore_errors=True)
        return VectorStore(settings.home, name)
    return store


def _open_lexical(settings: Settings, generation: int) -> LexicalIndex:
    from kb.lexical import LexicalIndex, lexical_folder

    folder = lexical_folder(settings.home, generation)
    try:
        index = LexicalIndex(folder)
        index.search("1", 1)
    except AdvisorError:
        shutil.rmtree(folder, ignore_errors=True)
        return LexicalIndex(folder)
    return index
