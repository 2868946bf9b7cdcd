"""The index as readers see it: search, chunks, documents. What another process ingests is seen without a restart.

The manifest decides what exists; search indexes only rank. Where both are is the store's affair, see `kb.store`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from kb.confidence import Evidence, estimate
from kb.embed import Embedder, embedder_fingerprint, get_query_embedder
from kb.errors import IndexMissingError
from kb.generations import check_fingerprints, repair_if_abandoned
from kb.manifest import ALSO_IN, DocumentRow, Manifest
from kb.search import distinct, fuse
from kb.settings import Settings, get_settings
from kb.shipped_vectors import shipped_vectors
from kb.store import StoreView, store_for
from kb.types import Chunk, SearchHit

if TYPE_CHECKING:
    from kb.rerank import Reranker

CANDIDATES = 100
"""Candidates that each leg hands to the fusion."""

RERANK_DEPTH = 30
"""Hits that the reranker looks at; the rest keep their order behind them."""

Legs = Literal["both", "dense", "lexical"]

_QUERY_CHARS = 2000
_REMEMBERED = 1024
_FEW = 16
"""More texts than this at once are no questions but the catalog's own words, which may have been embedded beforehand."""
_CHUNKS_KEPT = 4096
_BUSY_SHARE = 10.0
_ATTEMPTS = 5
_T = TypeVar("_T")


class Index:
    """Reads one store. Safe to share between threads."""

    def __init__(self, manifest: Manifest, settings: Settings, embedder: Callable[[], Embedder]) -> None:
        self.home = manifest.home
        self.manifest = manifest
        self._store = store_for(settings)
        self._settings = settings
        self._make_embedder = embedder
        self._embedder: Embedder | None = None
        self._reranker: Reranker | None = None
        self._queries: OrderedDict[str, npt.NDArray[np.float32]] = OrderedDict()
        self._guard = threading.RLock()
        self._load_guard = threading.Lock()
        self._view = self._store.view(manifest)

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
        store = store_for(chosen)
        manifest = store.open()
        if not manifest.generation or not manifest.chunk_count():
            manifest.close()
            where = f"index {chosen.store_name!r}" if chosen.milvus_url else f"index in {chosen.home}"
            raise IndexMissingError(f"the {where} is empty; run `advisor ingest`")
        check_fingerprints(manifest, embedder=embedder.fingerprint if embedder else embedder_fingerprint(chosen))
        repair_if_abandoned(manifest, store)
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
        background = view.background(self.embed_queries([query])[0])
        evidence = Evidence.collect(query[:_QUERY_CHARS], hits, view.document_frequency, len(view), background)
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
        return len(self._current())

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
            if is_whole or self.manifest.state() == view.stamp:
                break
            self._renew()
        return hits

    def _search_once(
        self,
        view: StoreView,
        query: str,
        vector: npt.NDArray[np.float32],
        k: int,
        sources: Collection[str] | None,
        kinds: Collection[str] | None,
        legs: Legs,
    ) -> tuple[list[SearchHit], bool]:
        """The hits of one state, and whether every candidate was still there to be read."""
        selection = view.select(sources, kinds)
        if selection.is_empty:
            return [], True
        wide = max(CANDIDATES, 3 * k)
        lexical = {} if legs == "dense" else view.words(query[:_QUERY_CHARS], wide, selection)
        dense = view.nearest(vector, wide, selection, lexical)
        lexical = {id_: score for id_, score in lexical.items() if id_ in dense}
        ranked = sorted(lexical.items(), key=lambda pair: -pair[1]) if legs == "lexical" else fuse(dense, lexical)
        ranked = ranked[: 4 * k + 20]
        chunks = self._chunks(view, [id_ for id_, _ in ranked])
        ranked = self._look_again(query, ranked, chunks)
        scores = dict(ranked)
        chosen = distinct((_under(chunks[id_], selection.wanted) for id_, _ in ranked if id_ in chunks), k)
        hits = [
            SearchHit(chunk, rank, scores[chunk.id], dense.get(chunk.id), lexical.get(chunk.id))
            for rank, chunk in enumerate(chosen, start=1)
        ]
        return hits, len(chunks) == len(ranked) and not selection.lost

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

    def _chunks(self, view: StoreView, ids: Sequence[str]) -> dict[str, Chunk]:
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

    def _current(self) -> StoreView:
        """The view, renewed if the manifest changed. While documents stream in, one that is dear to make is not renewed every time."""
        view = self._view
        stamp = self.manifest.state()
        if stamp == view.stamp:
            return view
        if stamp[0] == view.stamp[0] and time.monotonic() - view.made < _BUSY_SHARE * view.seconds:
            return view
        return self._renew()

    def _renew(self) -> StoreView:
        with self._guard:
            if self._view.stamp != self.manifest.state():
                self._view = self._store.view(self.manifest, self._view)
            return self._view


def _under(chunk: Chunk, wanted: Container[str] | None) -> Chunk:
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
