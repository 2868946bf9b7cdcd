"""Runs a plan: read -> parse -> chunk (one thread) -> embed in windows across documents -> one transaction a document."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import environ
from typing import Protocol

from ingest.chunk import chunk_document
from ingest.errors import ParseError
from ingest.parse import parse_bytes, read_limited
from ingest.plan import Action, content_key
from ingest.progress import Reporter
from ingest.scan import USER, printable
from kb.errors import AdvisorError
from kb.manifest import Matrix
from kb.shipped_vectors import shipped_vectors
from kb.types import Chunk, Document
from kb.writer import Entry, FileState, IndexWriter

WINDOW_TEXTS = 256
"""Texts that are collected before they are embedded together: batches of similar length need some choice."""
SAVE_TEXTS = 256
"""Texts after which vectors are saved; what a crash can cost of one huge document."""
AHEAD_BYTES = 16 * 1024 * 1024
"""Source bytes that may be parsed ahead of embedding; bounds memory, together with the parsers' limit for one file."""


class Embedder(Protocol):
    """What ingestion needs of an embedder."""

    @property
    def fingerprint(self) -> str: ...

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Matrix: ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not be ingested, and why."""

    path: str
    source: str
    error: str


@dataclass(slots=True)
class Outcome:
    """What was done. `done` counts by kind of action."""

    done: dict[str, int] = field(default_factory=dict)
    failed: list[Failure] = field(default_factory=list)
    embedded_texts: int = 0

    def count(self, kind: str, number: int = 1) -> None:
        """Add to a kind."""
        self.done[kind] = self.done.get(kind, 0) + number


@dataclass(slots=True)
class Read:
    """A document on its way into the index, or why it did not get there. `weight` is the size of its source in bytes."""

    action: Action
    entry: Entry | None = None
    error: str = ""
    weight: int = 0


Draft = Callable[[Document], str]
"""Catalog entries that a document proposes, as JSON; empty where it proposes none."""
Fetch = Callable[[str], tuple[bytes, Document]]
"""A page's bytes and parsed form."""
Stored = Callable[[str], Document | None]
"""The parsed form that the index keeps of a source."""


class Engine(Protocol):
    """Carries out a plan, as `run_actions` does."""

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
    ) -> Outcome: ...


def run_actions(
    writer: IndexWriter,
    actions: Sequence[Action],
    embedder: Embedder,
    reporter: Reporter,
    *,
    draft: Draft,
    fetch: Fetch,
    stored: Stored | None = None,
) -> Outcome:
    """Carry out the added, updated, renamed and removed actions of a plan.

    One file's failure is recorded and the rest goes on; a failure of the store or the embedder ends the run, and every
    document is then as it was before or complete.
    """
    outcome = Outcome()
    remove_first(writer, actions, outcome)
    todo = [action for action in actions if action.kind in ("added", "updated", "renamed")]
    reporter.start(len(todo))
    try:
        reader = _Reader(todo, writer, draft, fetch, stored)
        for window in reader.windows():
            embed_and_write(writer, window, embedder, reporter, outcome)
    finally:
        reporter.stop()
    return outcome


def remove_first(writer: IndexWriter, actions: Sequence[Action], outcome: Outcome) -> None:
    """Carry out the removals of a plan."""
    removed = [action.source for action in actions if action.kind == "removed"]
    if removed:
        writer.write([], removed)
        outcome.count("removed", len(removed))


def read_document(action: Action, draft: Draft, fetch: Fetch, stored: Stored | None = None) -> Entry:
    """Read, parse and chunk one file or page.

    Raises:
        AdvisorError: naming what is wrong with it.
    """
    found = action.found
    if found is None:
        document = stored(action.source) if stored else None
        if document is None:
            raise ParseError(f"{action.source}: the file is gone, and nothing is kept of it")
        content, state = action.content, FileState()
    elif found.file is None:
        data, document = fetch(found.path)
        content, state = content_key(data, found.path + ".html"), FileState(size=len(data), checked_ns=time.time_ns())
    else:
        checked_ns = time.time_ns()
        data = read_limited(found.file, action.source)
        document = parse_bytes(data, action.source)
        content, state = content_key(data, found.name), replace(found.state, size=len(data), checked_ns=checked_ns)
    chunks = chunk_document(document)
    if not chunks:
        raise ParseError(f"{action.source}: there is no text in it; expected at least one sentence")
    proposed = draft(document) if action.corpus == USER else ""  # the shipped documents have a reviewed catalog
    return Entry(action.source, action.path, action.corpus, content, state, document, chunks, proposed, action.old_source)


_END = "end"
_FULL = "full"


class _Reader:
    """Reads and parses in a thread of its own, no further ahead than `AHEAD_BYTES`."""

    def __init__(self, actions: Sequence[Action], writer: IndexWriter, draft: Draft, fetch: Fetch, stored: Stored | None) -> None:
        self._actions = actions
        self._known = {action.source: moved_document(writer, action) for action in actions if action.kind == "renamed"}
        self._draft, self._fetch, self._stored = draft, fetch, stored
        self._queue: queue.SimpleQueue[Read | str] = queue.SimpleQueue()
        self._room = threading.Condition()
        self._ahead = 0
        self._stopped = False

    def windows(self) -> Iterator[list[Read]]:
        """The documents in the order of the plan, in groups with enough texts to embed together."""
        thread = threading.Thread(target=self._work, name="parse", daemon=True)
        thread.start()
        window: list[Read] = []
        texts = 0
        try:
            while (item := self._queue.get()) != _END:
                if isinstance(item, Read):
                    window.append(item)
                    texts += len(item.entry.chunks) if item.entry else 0
                if window and (texts >= WINDOW_TEXTS or item == _FULL):
                    yield window
                    self._release(window)
                    window, texts = [], 0
            if window:
                yield window
        finally:
            with self._room:
                self._stopped = True
                self._room.notify()
            thread.join()

    def _release(self, done: Sequence[Read]) -> None:
        with self._room:
            self._ahead -= sum(item.weight for item in done)
            self._room.notify()

    def _work(self) -> None:
        try:
            for action in self._actions:
                weight = action.found.state.size if action.found else 0
                with self._room:
                    if self._ahead and self._ahead + weight > AHEAD_BYTES:
                        self._queue.put(_FULL)  # what is waiting may be too few texts for a window, and nothing more would come
                    while self._ahead and self._ahead + weight > AHEAD_BYTES and not self._stopped:
                        self._room.wait()
                    if self._stopped:
                        return
                    self._ahead += weight
                self._queue.put(self._read(action, weight))
        finally:
            self._queue.put(_END)

    def _read(self, action: Action, weight: int) -> Read:
        if action.kind == "renamed":
            return Read(action, self._known[action.source], weight=weight)
        read = try_document(action, self._draft, self._fetch, self._stored, weight)
        return read if not read.error else replace(read, entry=kept_document(action, self._draft, self._stored))


def try_document(action: Action, draft: Draft, fetch: Fetch, stored: Stored | None = None, weight: int = 0) -> Read:
    """`read_document`, or why that failed: a parser's bug with one file must not cost the others."""
    try:
        return Read(action, read_document(action, draft, fetch, stored), weight=weight)
    except AdvisorError as error:
        reason = str(error)
    except Exception as error:
        if environ.get("ADVISOR_DEBUG"):
            traceback.print_exc()
        reason = f"reading it failed unexpectedly ({type(error).__name__}: {printable(str(error))[:200]}); ADVISOR_DEBUG=1 shows where"
    return Read(action, error=reason, weight=weight)


def kept_document(action: Action, draft: Draft, stored: Stored | None) -> Entry | None:
    """In a rebuild, a file that cannot be read any more stays with what was read of it before."""
    document = stored(action.source) if stored else None
    if document is None:
        return None
    state = FileState()  # matches no file, so that it is tried again
    chunks = chunk_document(document)
    proposed = draft(document) if action.corpus == USER else ""
    return Entry(action.source, action.path, action.corpus, action.content, state, document, chunks, proposed)


def moved_document(writer: IndexWriter, action: Action) -> Entry:
    """The entry of a document that only gets another name."""
    key = (writer.generation, action.old_source or action.source)
    row = writer.manifest.connection.execute("SELECT draft FROM document_rows WHERE generation = ? AND source = ?", key).fetchone()
    state = action.found.state if action.found else FileState()
    kept = str(row[0]) if row else ""
    return Entry(action.source, action.path, action.corpus, action.content, state, draft=kept, replaces=action.old_source)


def embed_and_write(writer: IndexWriter, window: Sequence[Read], embedder: Embedder, reporter: Reporter, outcome: Outcome) -> None:
    """Embed what is missing of some documents, store them one transaction each, and tell what became of each."""
    entries = [item.entry for item in window if item.entry is not None and not _is_same_page(item)]
    outcome.embedded_texts += embed_missing(
        writer, [chunk for entry in entries for chunk in entry.chunks], embedder, _watch(window, reporter, outcome)
    )
    writer.write(entries)
    for item in window:
        if item.error:
            outcome.failed.append(Failure(item.action.path, item.action.source, item.error))
            reporter.failed(item.action.source, item.error)
        elif item.entry is not None:
            kind = "unchanged" if _is_same_page(item) else item.action.kind
            outcome.count(kind)
            reporter.finished(item.action.source, kind, len(item.entry.chunks))


def _is_same_page(item: Read) -> bool:
    """A page can only be compared after it was fetched."""
    is_page = item.action.found is not None and item.action.found.is_url
    return is_page and item.entry is not None and item.action.kind == "updated" and item.entry.content == item.action.content


def embed_missing(writer: IndexWriter, chunks: Sequence[Chunk], embedder: Embedder, watch: Callable[[float], None]) -> int:
    """Embed what was never embedded, here or beforehand; `watch` hears the done share of it. Returns the number of texts."""
    missing = _without_shipped(writer, writer.missing_texts(chunk.indexed_text for chunk in chunks))
    done = 0
    for start in range(0, len(missing), SAVE_TEXTS):
        part = missing[start : start + SAVE_TEXTS]

        def embedded(count: int, before: int = done) -> None:
            watch((before + count) / len(missing))

        writer.save_vectors(part, embedder.embed_passages(part, embedded))
        done += len(part)
        watch(done / len(missing))
    return len(missing)


def _without_shipped(writer: IndexWriter, missing: list[str]) -> list[str]:
    """The texts that are left after the vectors that come with the shipped corpus have been taken."""
    import numpy as np

    known = shipped_vectors(writer.embedder, "passage", missing)
    for start in range(0, len(known), SAVE_TEXTS):
        part = list(known)[start : start + SAVE_TEXTS]
        writer.save_vectors(part, np.stack([known[text] for text in part]))
    return [text for text in missing if text not in known] if known else missing


def _watch(window: Sequence[Read], reporter: Reporter, outcome: Outcome) -> Callable[[float], None]:
    before = sum(outcome.done.get(kind, 0) for kind in ("added", "updated", "renamed", "unchanged")) + len(outcome.failed)

    def watch(share: float) -> None:
        position = min(len(window) - 1, int(share * len(window)))
        reporter.working(window[position].action.source, before + share * len(window))

    return watch
