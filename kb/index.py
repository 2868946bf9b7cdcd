"""The index as readers see it: search, chunks, documents. What another process ingests is seen without a restart.

The manifest decides what exists; the caches only rank. Vectors of an index of ordinary size are searched exactly, in memory;
beyond `kb.snapshot.EXACT_LIMIT` Chroma is asked.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from kb.caches import cache_factory
from kb.confidence import Evidence, estimate
from kb.embed import Embedder, embedder_fingerprint, get_query_embedder
from kb.errors import IndexMissingError
from kb.generations import check_fingerprints, repair_if_abandoned
from kb.manifest import ALSO_IN, DocumentRow, Manifest
from kb.search import distinct, fuse
from kb.settings import Settings, get_settings
from kb.shipped_vectors import shipped_vectors
from kb.snapshot import Snapshot, caches_are_whole, load_snapshot
from kb.types import Chunk, SearchHit

if TYPE_CHECKING:
    from kb.rerank import Reranker

CANDIDATES = 100
"""Candidates that each leg hands to the fusion."""

RERANK_DEPTH = 30
"""Hits that the reranker looks at; the rest keep their order behind them."""

Legs = Literal["both", "dense", "lexical"]

_QUERY_CHARS = 2000
_OVERFETCH = 20
_EXACT_FILTERED = 5000
_REMEMBERED = 1024
_FEW = 16
"""More texts than this at once are no questions but the catalog's own words, which may have been embedded beforehand."""
_CHUNKS_KEPT = 4096
_BUSY_SHARE = 10.0
_ATTEMPTS = 5
_T = TypeVar("_T")


class Index:
    """Reads one data folder. Safe to share between threads."""

    def __init__(self, manifest: Manifest, settings: Settings, embedder: Callable[[], Embedder]) -> None:
        self.home = manifest.path.parent
        self.manifest = manifest
        self._settings = settings
        self._make_embedder = embedder
        self._embedder: Embedder | None = None
        self._reranker: Reranker | None = None
        self._queries: OrderedDict[str, npt.NDArray[np.float32]] = OrderedDict()
        self._guard = threading.RLock()
        self._load_guard = threading.Lock()
        self._snapshot = load_snapshot(manifest, settings)

    @classmethod
    def open(cls, home: Path | None = None, *, settings: Settings | None = None, embedder: Embedder | None = None) -> Index:
        """The index of a data folder, by default that of the settings. The embedding model is loaded at the first question.

        Raises:
            IndexMissingError: nothing is indexed there.
            IndexMismatchError: another embedder made it.
        """
        chosen = settings or get_settings()
        if home is not None:
            chosen = chosen.model_copy(update={"home": home})
        manifest = Manifest.open(chosen.home)
        if not manifest.generation or not manifest.chunk_count():
            manifest.close()
            raise IndexMissingError(f"the index in {chosen.home} is empty; run `advisor ingest`")
        check_fingerprints(manifest, embedder=embedder.fingerprint if embedder else embedder_fingerprint(chosen))
        repair_if_abandoned(manifest, cache_factory(chosen), probe=lambda: caches_are_whole(manifest, chosen))
        return cls(manifest, chosen, (lambda: embedder) if embedder else (lambda: get_query_embedder(chosen)))

    # -- search ---------------------------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        sources: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
        legs: Legs = "both",
    ) -> list[SearchHit]:
        """The best `k` distinct chunks, best first. Empty for a blank query.

        `sources` are names as `documents()` gives them, folders ending in `/`, or patterns with `*`; `kinds` are chunk kinds.
        `legs` other than both are for measuring what each contributes.
        """
        if not query.strip() or k <= 0:
            return []
        return self._search(query, self.embed_queries([query])[0], k, sources, kinds, legs)

    def search_each(
        self, queries: Sequence[str], k: int = 5, *, sources: Collection[str] | None = None, kinds: Collection[str] | None = None
    ) -> list[list[SearchHit]]:
        """One search a query, embedded together: for a comparison, where each entity must be found by itself."""
        asked = [query for query in queries if query.strip()]
        vectors = dict(zip(asked, self.embed_queries(asked), strict=True))
        return [self._search(query, vectors[query], k, sources, kinds) if query in vectors else [] for query in queries]

    def confidence(self, query: str, hits: Sequence[SearchHit]) -> float:
        """How likely it is (0 to 1) that the hits hold an answer to the query; calibrated, see `kb.confidence`."""
        if not hits or not query.strip() or not len(self):
            return 0.0
        view = self._current()
        cosines = view.background @ self.embed_queries([query])[0]
        background = float(cosines.mean()), float(cosines.std())
        evidence = Evidence.collect(query[:_QUERY_CHARS], hits, view.lexical.document_frequency, len(view.ids), background)
        return estimate(evidence, self.embedder.name)

    def embed_queries(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(texts, dimensions), unit length. Recent ones are remembered."""
        cut = [text[:_QUERY_CHARS] for text in texts]
        with self._guard:
            missing = [text for text in dict.fromkeys(cut) if text not in self._queries]
        made = shipped_vectors(self.embedder.fingerprint, "query", missing) if len(missing) > _FEW else {}
        missing = [text for text in missing if text not in made]
        if missing:
            made.update(zip(missing, self.embedder.embed_queries(missing), strict=True))
        with self._guard:
            made.update((text, self._queries[text]) for text in cut if text in self._queries)
            for text in cut:
                _remember(self._queries, text, made[text], _REMEMBERED)
        return np.stack([made[text] for text in cut]) if cut else np.zeros((0, self.embedder.dim), dtype=np.float32)

    def forget_queries(self) -> None:
        """Forget the vectors of past questions, so that timing them again means something."""
        with self._guard:
            self._queries.clear()

    @property
    def settings(self) -> Settings:
        """What the index was opened with."""
        return self._settings

    @property
    def embedder(self) -> Embedder:
        """The model for questions, loaded when it is first needed."""
        with self._load_guard:
            if self._embedder is None:
                self._embedder = self._make_embedder()
            return self._embedder

    def warm_up(self) -> None:
        """Load the model and run it once, so that the first question is as fast as the others."""
        self.search("热身 warm up", 1)

    # -- look-ups -------------------------------------------------------------------------------------------------

    def chunk(self, id_: str) -> Chunk:
        """One chunk.

        Raises:
            KeyError: there is none of that id.
        """
        return self._chunks(self._current(), [id_])[id_]

    def chunks_of(self, source: str) -> tuple[Chunk, ...]:
        """All chunks of a source in reading order; empty if it is not indexed."""
        view = self._current()
        if source not in view.listed:
            view.listed[source] = tuple(self.manifest.chunks_of(source))
        return view.listed[source]

    def section_of(self, chunk: Chunk) -> tuple[Chunk, ...]:
        """The chunks under the same heading path of the same source, in reading order, `chunk` among them: text and whole
        tables, without the single rows that repeat a table."""
        same = [other for other in self.chunks_of(chunk.source) if other.headings == chunk.headings]
        return tuple(other for other in same if other.kind != "row" or other.id == chunk.id)

    def documents(self) -> list[DocumentRow]:
        """The indexed documents."""
        return self.manifest.documents()

    def meta(self, key: str) -> str | None:
        """A fact that ingestion left, None if there is none."""
        return self.manifest.meta(key) or None

    def __len__(self) -> int:
        return len(self._current().ids)

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes whenever the content of the index does."""
        return self._current().stamp

    def close(self) -> None:
        """Close the manifest."""
        self.manifest.close()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _search(
        self,
        query: str,
        vector: npt.NDArray[np.float32],
        k: int,
        sources: Collection[str] | None,
        kinds: Collection[str] | None,
        legs: Legs = "both",
    ) -> list[SearchHit]:
        """Searched again where a writer replaced a candidate in between: a document is found as it was or as it is now."""
        for _ in range(_ATTEMPTS):
            view = self._current()
            hits, is_whole = self._search_once(view, query, vector, k, sources, kinds, legs)
            if is_whole or self._stamp() == view.stamp:
                break
            self._renew()
        return hits

    def _search_once(
        self,
        view: Snapshot,
        query: str,
        vector: npt.NDArray[np.float32],
        k: int,
        sources: Collection[str] | None,
        kinds: Collection[str] | None,
        legs: Legs,
    ) -> tuple[list[SearchHit], bool]:
        """The hits of one state, and whether every candidate was still there to be read."""
        passing, wanted = view.filter(sources, kinds)
        if not view.ids or passing is not None and not passing.any():
            return [], True
        wide = max(CANDIDATES, 3 * k)

        def accept(id_: str) -> bool:
            row = view.row_of.get(id_)
            return row is not None and (passing is None or bool(passing[row]))

        lexical = {} if legs == "dense" else dict(view.lexical.search(query[:_QUERY_CHARS], wide, accept))
        dense = self._dense(view, vector, wide, lexical, passing, accept)
        ranked = sorted(lexical.items(), key=lambda pair: -pair[1]) if legs == "lexical" else fuse(dense, lexical)
        ranked = ranked[: 4 * k + 20]
        chunks = self._chunks(view, [id_ for id_, _ in ranked])
        ranked = self._look_again(query, ranked, chunks)
        scores = dict(ranked)
        chosen = distinct((_under(chunks[id_], wanted) for id_, _ in ranked if id_ in chunks), k)
        hits = [
            SearchHit(chunk, rank, scores[chunk.id], dense.get(chunk.id), lexical.get(chunk.id))
            for rank, chunk in enumerate(chosen, start=1)
        ]
        return hits, len(chunks) == len(ranked)

    def _look_again(self, query: str, ranked: list[tuple[str, float]], chunks: dict[str, Chunk]) -> list[tuple[str, float]]:
        """The best hits in the reranker's order, if there is one. They keep falling scores: the rest stays behind them."""
        if not self._settings.rerank_model:
            return ranked
        with self._load_guard:
            if self._reranker is None:
                from kb.rerank import get_reranker

                self._reranker = get_reranker(self._settings)
        if self._reranker is None:
            return ranked
        best = [id_ for id_, _ in ranked[:RERANK_DEPTH] if id_ in chunks]
        found = dict(zip(best, self._reranker.scores(query, [chunks[id_].indexed_text for id_ in best]), strict=True))
        order = sorted(best, key=lambda id_: -found[id_])
        return list(zip(order, (score for _, score in ranked), strict=False)) + [pair for pair in ranked if pair[0] not in found]

    def _dense(
        self,
        view: Snapshot,
        vector: npt.NDArray[np.float32],
        wide: int,
        lexical: dict[str, float],
        passing: npt.NDArray[np.bool_] | None,
        accept: Callable[[str], bool],
    ) -> dict[str, float]:
        """Cosine of the nearest chunks and of every lexical candidate."""
        if view.matrix is not None:
            cosines = view.matrix @ vector
            rows = np.arange(len(cosines)) if passing is None else np.flatnonzero(passing)
            if len(rows) > wide:
                rows = rows[np.argpartition(-cosines[rows], wide)[:wide]]
            nearest = {view.ids[row]: float(cosines[row]) for row in rows}
            nearest.update((id_, float(cosines[view.row_of[id_]])) for id_ in lexical)
            return nearest
        if passing is not None and int(passing.sum()) <= _EXACT_FILTERED:
            nearest, others = {}, [view.ids[row] for row in np.flatnonzero(passing)]
        else:
            assert view.vectors is not None
            reach = wide if passing is None else _OVERFETCH * wide
            nearest = {id_: cosine for id_, cosine in view.vectors.query(vector, reach) if accept(id_)}
            others = [id_ for id_ in lexical if id_ not in nearest]
        if others:
            ids, vectors = self.manifest.vectors(others, view.stamp[0])
            exact = dict(zip(ids, (vectors @ vector).tolist(), strict=True))
            nearest.update(exact)
        best = sorted(nearest, key=lambda id_: -nearest[id_])[:wide]
        return {id_: nearest[id_] for id_ in {*best, *lexical} if id_ in nearest}

    def _chunks(self, view: Snapshot, ids: Sequence[str]) -> dict[str, Chunk]:
        with self._guard:
            found = {id_: view.chunks[id_] for id_ in ids if id_ in view.chunks}
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            read = self.manifest.chunks(missing, view.stamp[0])
            found.update(read)
            with self._guard:
                for id_, chunk in read.items():
                    _remember(view.chunks, id_, chunk, _CHUNKS_KEPT)
        return found

    def _stamp(self) -> tuple[int, int]:
        return self.manifest.generation, self.manifest.change_counter

    def _current(self) -> Snapshot:
        """The snapshot, renewed if the manifest changed. While documents stream in, a large one is not renewed every time."""
        view = self._snapshot
        stamp = self._stamp()
        if stamp == view.stamp:
            return view
        if stamp[0] == view.stamp[0] and time.monotonic() - view.made < _BUSY_SHARE * view.seconds:
            return view
        return self._renew()

    def _renew(self) -> Snapshot:
        with self._guard:
            if self._snapshot.stamp != self._stamp():
                self._snapshot = load_snapshot(self.manifest, self._settings)
            return self._snapshot


def _under(chunk: Chunk, wanted: Collection[str] | None) -> Chunk:
    """The chunk under a source that was asked for, where several sources have the same content."""
    if wanted is None or chunk.source in wanted:
        return chunk
    others = [source for source in chunk.metadata.get(ALSO_IN, "").split("\n") if source in wanted]
    return replace(chunk, source=others[0]) if others else chunk


def _remember(cache: OrderedDict[str, _T], key: str, value: _T, limit: int) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > limit:
        cache.popitem(last=False)
