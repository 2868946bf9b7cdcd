"""One state of the index, loaded from the manifest: which chunks exist, their vectors, and the caches that rank them."""

from __future__ import annotations

import fnmatch
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kb.errors import AdvisorError
from kb.lexical import LexicalIndex, lexical_folder
from kb.manifest import Manifest, Matrix, translated
from kb.settings import Settings
from kb.store import Selection
from kb.types import Chunk
from kb.vectors import VectorStore, collection_name, forget_open_stores

EXACT_LIMIT = 30_000
"""Chunks up to which vectors are compared one by one (46 MB, 3 ms on two cores at the limit), with a recall of 1 by nature and
without Chroma's two seconds of import; above it the graph index is faster and smaller."""

_BACKGROUND = 2000
_SMALL = 5000
"""Up to this many chunks a snapshot loads in a few milliseconds, so every change is seen at once."""


_OVERFETCH = 20
_EXACT_FILTERED = 5000


@dataclass(eq=False)
class Snapshot:
    """What is known of one state of the manifest. Never changed after it was made, but for what it has read of chunks so far."""

    manifest: Manifest
    stamp: tuple[int, int]
    ids: list[str]
    row_of: dict[str, int]
    contents: npt.NDArray[np.object_]
    kinds: npt.NDArray[np.object_]
    sources_of: dict[str, list[str]]
    matrix: Matrix | None
    sample: Matrix
    """Vectors of up to `_BACKGROUND` chunks, spread evenly: what the index is like at large."""
    lexical: LexicalIndex
    vectors: VectorStore | None
    seconds: float = 0.0
    made: float = field(default_factory=time.monotonic)
    chunks: OrderedDict[str, Chunk] = field(default_factory=OrderedDict)
    listed: dict[str, tuple[Chunk, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, sources: Collection[str] | None, kinds: Collection[str] | None) -> Selection:
        """Which rows pass, and the sources that were asked for."""
        if sources is None and kinds is None:
            return Selection(not self.ids, None, None)
        passing = np.ones(len(self.ids), dtype=np.bool_)
        wanted: set[str] | None = None
        if sources is not None:
            wanted = _matching({source for names in self.sources_of.values() for source in names}, sources)
            allowed = [content for content, names in self.sources_of.items() if not wanted.isdisjoint(names)]
            passing &= np.isin(self.contents, np.array(allowed, dtype=object))
        if kinds is not None:
            passing &= np.isin(self.kinds, np.array(list(kinds), dtype=object))
        return Selection(not passing.any(), wanted, passing)

    def words(self, query: str, k: int, selection: Selection) -> dict[str, float]:
        """Out of tantivy, which may hold chunks that the manifest does not know."""
        return dict(self.lexical.search(query, k, lambda id_: self._accepts(id_, selection.passing)))

    def nearest(self, vector: npt.NDArray[np.float32], k: int, selection: Selection, also: Collection[str]) -> dict[str, float]:
        """One by one in memory, or out of Chroma, which may hold chunks that the manifest does not know."""
        passing: npt.NDArray[np.bool_] | None = selection.passing
        if self.matrix is not None:
            cosines = self.matrix @ vector
            rows = np.arange(len(cosines)) if passing is None else np.flatnonzero(passing)
            if len(rows) > k:
                rows = rows[np.argpartition(-cosines[rows], k)[:k]]
            nearest = {self.ids[row]: float(cosines[row]) for row in rows}
            nearest.update((id_, float(cosines[self.row_of[id_]])) for id_ in also)
            return nearest
        if passing is not None and int(passing.sum()) <= _EXACT_FILTERED:
            nearest, others = {}, [self.ids[row] for row in np.flatnonzero(passing)]
        else:
            assert self.vectors is not None
            reach = k if passing is None else _OVERFETCH * k
            nearest = {id_: cosine for id_, cosine in self.vectors.query(vector, reach) if self._accepts(id_, passing)}
            others = [id_ for id_ in also if id_ not in nearest]
        if others:
            ids, vectors = self.manifest.vectors(others, self.stamp[0])
            exact = dict(zip(ids, (vectors @ vector).tolist(), strict=True))
            nearest.update(exact)
        best = sorted(nearest, key=lambda id_: -nearest[id_])[:k]
        return {id_: nearest[id_] for id_ in {*best, *also} if id_ in nearest}

    def background(self, vector: npt.NDArray[np.float32]) -> tuple[float, float]:
        """Over the sample."""
        cosines = self.sample @ vector
        return float(cosines.mean()), float(cosines.std())

    def document_frequency(self, token: str) -> int:
        """As tantivy counts."""
        return self.lexical.document_frequency(token)

    def _accepts(self, id_: str, passing: npt.NDArray[np.bool_] | None) -> bool:
        row = self.row_of.get(id_)
        return row is not None and (passing is None or bool(passing[row]))


def load_snapshot(manifest: Manifest, settings: Settings) -> Snapshot:
    """The manifest's current state. Read again where a writer got in between."""
    while True:
        began = time.monotonic()
        stamp = manifest.generation, manifest.change_counter
        contents, sources_of = _listing(manifest, stamp[0])
        ids, matrix, store = list(contents), None, None
        if len(ids) <= EXACT_LIMIT:
            ids, matrix = manifest.vectors(None, stamp[0])
        else:
            forget_open_stores()
            name = collection_name(manifest.meta("store_id"), stamp[0])
            store = VectorStore(settings.home, name, url=settings.chroma_url, create=False)
        if stamp == (manifest.generation, manifest.change_counter) and len(ids) == len(contents):
            break
    seconds = time.monotonic() - began
    return Snapshot(
        manifest=manifest,
        stamp=stamp,
        ids=ids,
        row_of={id_: row for row, id_ in enumerate(ids)},
        contents=np.array([contents[id_][0] for id_ in ids], dtype=object),
        kinds=np.array([contents[id_][1] for id_ in ids], dtype=object),
        sources_of=sources_of,
        matrix=matrix,
        sample=_background(manifest, stamp[0], ids, matrix),
        lexical=LexicalIndex(lexical_folder(manifest.home, stamp[0])),
        vectors=store,
        seconds=seconds if len(ids) > _SMALL else 0.0,
    )


def caches_are_whole(manifest: Manifest, settings: Settings) -> bool:
    """Whether the caches that a snapshot would use hold as many chunks as the manifest: the probe of a reader's start."""
    generation, expected = manifest.generation, manifest.chunk_count()
    try:
        if LexicalIndex(lexical_folder(manifest.home, generation)).count() != expected:
            return False
        if expected <= EXACT_LIMIT:
            return True
        name = collection_name(manifest.meta("store_id"), generation)
        return VectorStore(settings.home, name, url=settings.chroma_url, create=False).count() == expected
    except AdvisorError:
        return False


def _background(manifest: Manifest, generation: int, ids: list[str], matrix: Matrix | None) -> Matrix:
    step = max(1, -(-len(ids) // _BACKGROUND))
    if matrix is not None:
        return np.ascontiguousarray(matrix[::step])
    return manifest.vectors(ids[::step], generation)[1]


def _listing(manifest: Manifest, generation: int) -> tuple[dict[str, tuple[str, str]], dict[str, list[str]]]:
    """Chunk id -> (content, kind), by id; content -> its sources, in order."""
    with translated(manifest.path):
        query = manifest.connection.execute
        chunks = query("SELECT id, content, kind FROM chunk_rows WHERE generation = ? ORDER BY id", (generation,)).fetchall()
        documents = query("SELECT content, source FROM document_rows WHERE generation = ? ORDER BY source", (generation,)).fetchall()
    sources_of: dict[str, list[str]] = {}
    for content, source in documents:
        sources_of.setdefault(content, []).append(source)
    return {id_: (content, kind) for id_, content, kind in chunks}, sources_of


def _matching(sources: Collection[str], wanted: Collection[str]) -> set[str]:
    """The indexed sources that the names, folders and patterns mean."""
    there = set(sources)
    found: set[str] = set()
    for name in wanted:
        if name.endswith("/"):
            found.update(source for source in there if source.startswith(name))
        elif name in there:
            found.add(name)
        elif any(mark in name for mark in "*?["):
            found.update(source for source in there if fnmatch.fnmatchcase(source, name))
    return found
