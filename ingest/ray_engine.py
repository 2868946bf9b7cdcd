"""Carries out a plan on a Ray cluster: parsing and embedding in pools of actors, storing in this process alone.

Documents go through as small blocks, in the order of the plan. Only this process writes, one transaction a document as ever, so a
worker that dies costs its block's work, and this process, started again, goes on where the manifest says. Ray holds back what is
ahead when storing cannot keep up. Workers need this project installed, and see the files under the same paths (a mounted share).
"""

from __future__ import annotations

import logging
import math
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.pipeline import (
    Draft,
    Embedder,
    Fetch,
    Outcome,
    Read,
    Stored,
    embed_and_write,
    kept_document,
    moved_document,
    remove_first,
    try_document,
)
from ingest.plan import Action
from ingest.progress import Reporter
from kb.embed import cpu_count
from kb.errors import AdvisorError, SettingsError
from kb.manifest import Manifest
from kb.settings import Settings, get_settings, without_secrets
from kb.shipped_vectors import shipped_vectors
from kb.store import store_for
from kb.writer import IndexWriter, vector_key

DOCUMENTS_A_BLOCK = 16
"""What one task parses or embeds, and what is done again if its worker dies."""

_WINDOW_DOCUMENTS = 64
_SECTION_DOCUMENTS = 50_000
"""Documents of one Ray data set; what Ray keeps in mind of tasks is bounded by it."""
_BLOCK_BYTES = 16 * 1024 * 1024
_OBJECT_STORE_BYTES = 1024 * 1024 * 1024


class RayError(AdvisorError):
    """The cluster could not be reached, or was lost."""


@dataclass(frozen=True, slots=True)
class RayEngine:
    """An `ingest.pipeline.Engine`. `address` as `ray.init` takes it (`auto`, `ray://host:10001`), empty: a cluster of this machine.

    `workers` is the size of each pool, 0: half of the cluster's processors.
    """

    settings: Settings
    address: str = ""
    workers: int = 0

    def __call__(
        self,
        writer: IndexWriter,
        actions: Sequence[Action],
        embedder: Embedder,
        reporter: Reporter,
        *,
        draft: Draft,
        fetch: Fetch,
        stored: Stored | None = None,
    ) -> Outcome:
        """See `ingest.pipeline.run_actions`.

        Raises:
            RayError: the cluster cannot be reached, or was lost.
        """
        outcome = Outcome()
        remove_first(writer, actions, outcome)
        todo = [action for action in actions if action.kind in ("added", "updated", "renamed")]
        reporter.start(len(todo))
        try:
            if todo:
                with self._cluster() as workers:
                    for start in range(0, len(todo), _SECTION_DOCUMENTS):
                        section = todo[start : start + _SECTION_DOCUMENTS]
                        self._run(section, workers, _Sink(writer, embedder, reporter, outcome, draft, fetch, stored))
        finally:
            reporter.stop()
        return outcome

    def _run(self, actions: Sequence[Action], workers: int, sink: _Sink) -> None:
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context.execution_options.preserve_order = True
        context.target_max_block_size = _BLOCK_BYTES
        known = _Known(without_secrets(self.settings), sink.writer.manifest.meta("store_id"), sink.writer.generation)
        pool: dict[str, Any] = {"num_cpus": 0.5, "batch_format": "numpy"}
        rows = [{"item": pickle.dumps(action)} for action in actions]
        blocks = math.ceil(len(rows) / DOCUMENTS_A_BLOCK)
        pool |= {"batch_size": None, "compute": ray.data.ActorPoolStrategy(size=min(workers, blocks))}
        read = ray.data.from_items(rows, override_num_blocks=blocks)
        parsed = read.map_batches(ParseDocuments, fn_constructor_args=(sink.draft, sink.fetch), **pool)
        embedded = parsed.map_batches(EmbedDocuments, fn_constructor_args=(sink.embedder, known), **pool)
        for row in embedded.iter_rows():
            sink.take(row["item"])
        sink.finish()

    @contextmanager
    def _cluster(self) -> Iterator[int]:
        """Connected for the time being; the number of actors in a pool."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
            import ray.exceptions
        except ModuleNotFoundError:
            raise SettingsError("--engine ray needs Ray, which is not installed; install it with: pip install 'llm-advisor[ray]'") from None
        mine = not ray.is_initialized()
        try:
            if mine:
                self._connect()
            resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
            yield self.workers or max(1, int(resources.get("CPU", 1)) // 2)
        except ray.exceptions.RayError as error:
            raise RayError(f"Ray gave up ({_cause(error)}); what was stored stays: run the command again to go on") from error
        finally:
            if mine and ray.is_initialized():
                ray.shutdown()

    def _connect(self) -> None:
        import ray

        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self.address:
            options |= {"address": self.address}
        else:
            options |= {"address": "local", "num_cpus": max(2, self.workers, cpu_count()), "include_dashboard": False}
            options |= {"object_store_memory": _OBJECT_STORE_BYTES, "_node_ip_address": "127.0.0.1"}
        try:
            ray.init(**options)
        except Exception as error:  # Ray raises plain exceptions here
            where = f"the cluster at {self.address}" if self.address else "a cluster on this machine"
            raise RayError(f"cannot start or reach {where} ({_cause(error)}); check --ray-address, and that its processes run") from error


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[-1][:300]}"


class ParseDocuments:
    """An actor that reads, parses and chunks. What needs the index (renamed documents, files that are gone) passes through."""

    def __init__(self, draft: Draft, fetch: Fetch) -> None:
        self._draft, self._fetch = draft, fetch

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Actions in, `Read`s out, pickled."""
        return {"item": [pickle.dumps(self._read(pickle.loads(item))) for item in batch["item"]]}

    def _read(self, action: Action) -> Read:
        if action.kind == "renamed" or action.found is None:
            return Read(action)
        return try_document(action, self._draft, self._fetch, weight=action.found.state.size)


class EmbedDocuments:
    """An actor that embeds what the index has no vector of yet, as far as it can see the index from where it runs."""

    def __init__(self, embedder: Embedder, known: _Known) -> None:
        self._embedder, self._known = embedder, known

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """`Read`s in, (`Read`, key -> vector) out, pickled."""
        reads: list[Read] = [pickle.loads(item) for item in batch["item"]]
        keys = {vector_key(self._embedder.fingerprint, text): text for read in reads for text in _texts(read)}
        wanted = self._known.missing(self._embedder.fingerprint, keys)
        vectors = self._embedder.embed_passages(list(wanted.values())) if wanted else np.zeros((0, 0), dtype=np.float32)
        rows = dict(zip(wanted, vectors, strict=True))
        return {"item": [pickle.dumps((read, self._taken(read, rows))) for read in reads]}

    def _taken(self, read: Read, rows: dict[bytes, Any]) -> dict[bytes, Any]:
        """The vectors that go with a document; those of a text that several have go with the first."""
        keys = {vector_key(self._embedder.fingerprint, text) for text in _texts(read)}
        return {key: rows.pop(key) for key in keys & rows.keys()}


@dataclass
class _Known:
    """The vectors that an index has, looked up where the index can be reached. Its address is the worker's own, if it is secret."""

    settings: Settings
    store_id: str
    generation: int
    _manifest: Manifest | None = None
    _tried: bool = False

    def missing(self, fingerprint: str, keys: dict[bytes, str]) -> dict[bytes, str]:
        """Those whose vector is neither stored nor shipped; all of them where nobody can tell: the process that stores drops repeats."""
        manifest = self._open()
        there = manifest.known_vectors(keys) if manifest is not None else set()
        missing = {key: text for key, text in keys.items() if key not in there}
        shipped = shipped_vectors(fingerprint, "passage", list(missing.values()))
        return {key: text for key, text in missing.items() if text not in shipped}

    def _open(self) -> Manifest | None:
        if not self._tried:
            self._tried = True
            try:
                manifest = store_for(self.settings.model_copy(update={"database_url": get_settings().database_url})).open()
                self._manifest = manifest if manifest.meta("store_id") == self.store_id else None
            except AdvisorError:
                self._manifest = None
        return self._manifest


class _Sink:
    """Stores what comes back, in windows of documents."""

    def __init__(
        self,
        writer: IndexWriter,
        embedder: Embedder,
        reporter: Reporter,
        outcome: Outcome,
        draft: Draft,
        fetch: Fetch,
        stored: Stored | None,
    ) -> None:
        self.writer, self.embedder, self.draft, self.fetch = writer, embedder, draft, fetch
        self._reporter, self._outcome, self._stored = reporter, outcome, stored
        self._window: list[Read] = []
        self._vectors: dict[bytes, Any] = {}

    def take(self, item: bytes) -> None:
        """One document with the vectors that were made with it."""
        read, vectors = pickle.loads(item)
        self._window.append(self._completed(read))
        self._vectors.update(vectors)
        if len(self._window) >= _WINDOW_DOCUMENTS:
            self.finish()

    def finish(self) -> None:
        """Store what is waiting."""
        texts = {vector_key(self.writer.embedder, text): text for read in self._window for text in _texts(read)}
        made = [text for text in self.writer.missing_texts(texts.values()) if vector_key(self.writer.embedder, text) in self._vectors]
        if made:
            self.writer.save_vectors(made, np.stack([self._vectors[vector_key(self.writer.embedder, text)] for text in made]))
        self._outcome.embedded_texts += len(made)
        embed_and_write(self.writer, self._window, self.embedder, self._reporter, self._outcome)
        self._window, self._vectors = [], {}

    def _completed(self, read: Read) -> Read:
        action = read.action
        if action.kind == "renamed":
            return Read(action, moved_document(self.writer, action))
        if action.found is None:
            read = try_document(action, self.draft, self.fetch, self._stored)
        return read if not read.error else Read(action, kept_document(action, self.draft, self._stored), read.error)


def _texts(read: Read) -> list[str]:
    return [chunk.indexed_text for chunk in read.entry.chunks] if read.entry else []
