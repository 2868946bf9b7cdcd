"""The store on servers that several machines share: PostgreSQL holds the truth, Milvus ranks. No folder is shared.

A view holds no list of chunks: what Milvus finds is looked up in the manifest, which has the last word, and filters that leave few
chunks are resolved there, so that they are exact. What a view does keep is a sample of the index, for confidence and rare characters.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property

from kb import postgres_manifest
from kb.errors import AdvisorError
from kb.health import Check, compared
from kb.lexical import wanted_tokens
from kb.manifest import Manifest, Matrix
from kb.milvus import MilvusIndex, collection_name
from kb.settings import Settings
from kb.source_filter import Narrowed, SourceFilter, narrow
from kb.store import Selection, StoreView, Vector
from kb.text import index_tokens
from kb.types import Chunk

SAMPLE_CHUNKS = 5_000
"""Chunks whose words are counted for document frequencies: up to here they are exact, beyond it estimated."""

_BACKGROUND = 2_000
_SAMPLE_DRIFT = 0.02
_OVERFETCH = 20
_NOTICEABLE_S = 0.05


class DistributedStore:
    """See `kb.store.Store`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self) -> Manifest:
        """The manifest in PostgreSQL."""
        return postgres_manifest.PostgresManifest.of(self._settings)

    def writing(self, *, wait_s: float, on_wait: Callable[[str], None] | None = None) -> AbstractContextManager[Manifest]:
        """The manifest under the server's lock."""
        return postgres_manifest.writing(self._settings, wait_s=wait_s, on_wait=on_wait)

    def writer(self) -> str:
        """Out of the server's locks."""
        return postgres_manifest.writer_of(self._settings)

    def caches(self, manifest: Manifest, generation: int) -> Sequence[MilvusIndex]:
        """One collection."""
        return [self._index(manifest, generation)]

    def view(self, manifest: Manifest, before: StoreView | None = None) -> DistributedView:
        """Cheap but for counting; the sample is taken anew where the index has grown or shrunk noticeably."""
        began = time.monotonic()
        stamp = manifest.state()
        count = manifest.chunk_count(stamp[0])
        seconds = time.monotonic() - began
        old = before if isinstance(before, DistributedView) and before.stamp[0] == stamp[0] else None
        index = old.index if old else self._index(manifest, stamp[0])
        same = old is not None and abs(count - old.sample.of) <= _SAMPLE_DRIFT * count
        sample = old.sample if old and same else Sample(manifest, stamp[0], count)
        return DistributedView(manifest, index, stamp, count, sample, seconds if seconds > _NOTICEABLE_S else 0.0)

    def is_whole(self, manifest: Manifest) -> bool:
        """Counts."""
        try:
            return self._index(manifest, manifest.generation).count() == manifest.chunk_count()
        except AdvisorError:
            return False

    def checks(self, manifest: Manifest) -> Iterator[Check]:
        """Milvus against the manifest."""
        held = self._index(manifest, manifest.generation).count()
        yield compared(f"Milvus at {self._settings.milvus_url}", held, manifest.chunk_count(), bool(self.writer()))

    def _index(self, manifest: Manifest, generation: int) -> MilvusIndex:
        return MilvusIndex(self._settings, collection_name(manifest.meta("store_id"), generation))


class Sample:
    """Chunks drawn at random out of `of`, read when they are first needed."""

    def __init__(self, manifest: Manifest, generation: int, of: int) -> None:
        self.of = of
        self._manifest = manifest
        self._generation = generation

    @cached_property
    def vectors(self) -> Matrix:
        """Of up to `_BACKGROUND` chunks."""
        ids = [chunk.id for chunk in self._manifest.first_chunks(_BACKGROUND, self._generation)]
        return self._manifest.vectors(ids, self._generation)[1]

    @cached_property
    def _words(self) -> tuple[Counter[str], int]:
        chunks = self._manifest.first_chunks(SAMPLE_CHUNKS, self._generation)
        return Counter(token for chunk in chunks for token in set(index_tokens(chunk.indexed_text))), len(chunks)

    def document_frequency(self, token: str) -> int:
        """Exact where the sample is all there is. A token outside a larger index's sample may still be in a few chunks."""
        counts, drawn = self._words
        if drawn >= self.of or not drawn:
            return counts[token]
        return round(max(counts[token], 0.5) * self.of / drawn)


@dataclass(eq=False)
class DistributedView:
    """See `kb.store.StoreView`."""

    manifest: Manifest
    index: MilvusIndex
    stamp: tuple[int, int]
    count: int
    sample: Sample
    seconds: float
    made: float = field(default_factory=time.monotonic)
    chunks: OrderedDict[str, Chunk] = field(default_factory=OrderedDict)
    listed: dict[str, tuple[Chunk, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.count

    def select(self, sources: Collection[str] | None, kinds: Collection[str] | None) -> Selection:
        """Few passing chunks by their ids, many by what Milvus knows of them."""
        if sources is None and kinds is None:
            return Selection(not self.count)
        asked = None if sources is None else SourceFilter.of(sources, self.manifest, self.stamp[0])
        narrowed = narrow(self.manifest, self.stamp[0], asked, kinds)
        return Selection(narrowed.ids is not None and not narrowed.ids, asked, narrowed)

    def words(self, query: str, k: int, selection: Selection) -> dict[str, float]:
        """Milvus's, which may hold chunks that the manifest does not know: `nearest` has the last word."""
        narrowed = _narrowed(selection)
        tokens = wanted_tokens(query, self.document_frequency, self.count)
        return dict(self.index.words(tokens, k * _reach(narrowed), narrowed.where))

    def nearest(self, vector: Vector, k: int, selection: Selection, also: Collection[str]) -> dict[str, float]:
        """Milvus's candidates as far as the manifest knows them and they pass."""
        narrowed = _narrowed(selection)
        found = dict(self.index.nearest(vector.tolist(), k * _reach(narrowed), narrowed.where))
        others = [id_ for id_ in also if id_ not in found]
        if others:
            ids, vectors = self.manifest.vectors(others, self.stamp[0])
            found.update(zip(ids, (vectors @ vector).tolist() if ids else (), strict=True))
        known = narrowed.passing(self.manifest, self.stamp[0], list(found))
        selection.lost.update((found.keys() | set(also)) - set(known))
        best = [id_ for id_ in sorted(known, key=lambda id_: -found[id_]) if id_ not in also][:k]
        return {id_: found[id_] for id_ in {*best, *(id_ for id_ in also if id_ in known)}}

    def background(self, vector: Vector) -> tuple[float, float]:
        """Over the sample."""
        cosines = self.sample.vectors @ vector
        return float(cosines.mean()), float(cosines.std())

    def document_frequency(self, token: str) -> int:
        """Out of the sample."""
        return self.sample.document_frequency(token)


def _narrowed(selection: Selection) -> Narrowed:
    return selection.passing if isinstance(selection.passing, Narrowed) else Narrowed()


def _reach(narrowed: Narrowed) -> int:
    return 1 if narrowed.is_exact else _OVERFETCH
