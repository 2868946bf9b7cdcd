"""One ingestion from what the user named to the report: lock, plan, run, the catalog's records, clean-up."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ingest.chunk import CHUNKER_VERSION
from ingest.pipeline import Embedder, Engine, Failure, Outcome, embed_missing, run_actions
from ingest.plan import Action, Known, Plan, known_documents, make_plan, plan_removal
from ingest.progress import Reporter
from ingest.scan import SHIPPED, Found, Scan, file_state, is_url, scan_paths, scan_shipped
from kb.caches import CacheFactory
from kb.errors import AdvisorError, IndexMissingError
from kb.generations import open_writer
from kb.manifest import Manifest, Matrix
from kb.settings import Settings, without_secrets
from kb.store import store_for
from kb.types import Document
from kb.writer import Entry, FileState, IndexWriter

RECORD = "record"
"""Corpus of the catalog's records."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ingest: `paths` empty means the shipped corpus and catalog. `remove` names documents to take out instead."""

    paths: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    prune: bool = False
    rebuild: bool = False
    allow_private: bool = False
    wait_s: float = 600.0


@dataclass(slots=True)
class Report:
    """What was planned and done. `done` counts documents by kind; `chunks` is what the index holds now."""

    plan: Plan
    done: dict[str, int] = field(default_factory=dict)
    failed: list[Failure] = field(default_factory=list)
    chunks: int = 0
    embedded_texts: int = 0
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 all done, 3 some failed, 1 nothing but failures."""
        if not self.failed:
            return 0
        return 3 if any(self.done.get(kind) for kind in ("added", "updated", "unchanged", "renamed", "removed")) else 1

    def as_json(self) -> dict[str, object]:
        """The shape of `advisor ingest --json`; a renamed document is an updated one."""
        return {
            "documents": {
                "added": self.done.get("added", 0),
                "updated": self.done.get("updated", 0) + self.done.get("renamed", 0),
                "unchanged": self.done.get("unchanged", 0),
                "removed": self.done.get("removed", 0),
                "failed": [{"source": failure.source, "error": failure.error} for failure in self.failed],
            },
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
        }


def preview(settings: Settings, request: Request) -> Report:
    """The plan alone: nothing is written, no lock is taken, no model is loaded."""
    began = time.monotonic()
    scan = _scan(request, settings)
    try:
        manifest = store_for(settings).open()
    except IndexMissingError:
        return _finished(Report(_plan(request, scan, [], [])), None, began)
    try:
        scan = scan or _rebuild_scan(request, manifest)
        known = known_documents(manifest, manifest.generation)
        report = Report(_plan(request, scan, known, _record_sources(manifest, manifest.generation)))
        return _finished(report, manifest, began)
    finally:
        manifest.close()


def ingest(
    settings: Settings,
    request: Request,
    reporter: Reporter,
    *,
    embedder: Embedder | None = None,
    make_caches: CacheFactory | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    engine: Engine = run_actions,
) -> Report:
    """Bring the index up to date with what was requested. `engine` carries a plan out: in this process, or on several machines.

    Raises:
        UsageError: a path does not exist, or nothing to remove goes by a name.
        IndexLockedError: another process is writing.
        IndexMismatchError: the index was made by another embedder or chunker.
    """
    began = time.monotonic()
    scan = _scan(request, settings)
    model = embedder or _ModelWhenNeeded(settings)
    store = store_for(settings)
    with open_writer(
        settings.home,
        make_caches or store.caches,
        embedder=model.fingerprint,
        chunker=CHUNKER_VERSION,
        rebuild=request.rebuild,
        wait_s=request.wait_s,
        on_wait=reporter.message,
        store=store,
    ) as writer:
        run = _Run(settings, request, reporter, model, writer, engine)
        if request.rebuild and writer.manifest.generation != writer.generation:
            scan = scan or _rebuild_scan(request, writer.manifest)
            run.rebuild()
        report = run.update(scan or scan_shipped(), on_plan)
        if isinstance(model, _ModelWhenNeeded) and (report.done.get("added") or report.done.get("updated") or model.is_loaded):
            model.prepare_questions()
        return _finished(report, writer.manifest, began)


class _Run:
    def __init__(
        self, settings: Settings, request: Request, reporter: Reporter, embedder: Embedder, writer: IndexWriter, engine: Engine
    ) -> None:
        self._settings, self._request, self._reporter = settings, request, reporter
        self._embedder, self._writer, self._engine = embedder, writer, engine
        self._failed: list[Failure] = []
        self._rebuilt = 0

    def rebuild(self) -> None:
        """Everything that is known, once more, into the new generation; then readers switch."""
        writer, old = self._writer, self._writer.manifest.generation
        begun = {known.source: known for known in known_documents(writer.manifest, writer.generation)}
        current = known_documents(writer.manifest, old)
        actions = [_again(known) for known in current if not _is_done(known, begun.get(known.source))]
        left = begun.keys() - {known.source for known in current}  # taken out after an earlier rebuild was interrupted
        actions += [Action("removed", source, begun[source].path) for source in sorted(left)]
        self._reporter.message(f"rebuilding {len(actions)} documents; searches go on with the old index until it is complete")
        outcome = self._run(actions, stored=lambda source: writer.parsed(source, old))
        self._failed, self._rebuilt = outcome.failed, outcome.done.get("updated", 0)
        self._sync_records()
        writer.publish()
        self._reporter.message("the new index is in use")

    def update(self, scan: Scan, on_plan: Callable[[Plan], None] | None) -> Report:
        """Plan and run; then the records and the clean-up, also if some documents failed."""
        writer = self._writer
        known = known_documents(writer.manifest, writer.generation)
        plan = _plan(self._request, scan, known, _record_sources(writer.manifest, writer.generation))
        if on_plan is not None and (plan.counts() or not self._request.rebuild):
            on_plan(plan)
        report = Report(plan, done={"unchanged": len(plan.of("unchanged")), "updated": self._rebuilt}, failed=list(self._failed))
        report.failed += [Failure(*failure) for failure in plan.failed]
        looked_at = [
            (action.source, action.found.state) for action in plan.of("unchanged") if action.found and action.found.state.checked_ns
        ]
        if looked_at:
            writer.touch(looked_at)
        work = plan.of("added", "updated", "renamed", "removed")
        if work:
            outcome = self._run(work)
            report.failed += outcome.failed
            report.embedded_texts = outcome.embedded_texts
            for kind, number in outcome.done.items():
                report.done[kind] = report.done.get(kind, 0) + number
        if report.failed or writer.manifest.failures():
            tried = [action.path for action in plan.actions] + [failure.path for failure in report.failed]
            writer.record_failures([(failure.path, failure.source, failure.error) for failure in report.failed], tried)
        self._remember_shipped()
        if writer.manifest.generation == writer.generation:
            from ingest.redraft import redraft

            redraft(writer)
        report.failed += self._sync_records()
        writer.settle_order()
        writer.sweep()
        return report

    def _run(self, actions: Sequence[Action], stored: Callable[[str], Document | None] | None = None) -> Outcome:
        fetch = partial(_fetch, self._request.allow_private)
        return self._engine(self._writer, actions, self._embedder, self._reporter, draft=_draft, fetch=fetch, stored=stored)

    def _remember_shipped(self) -> None:
        generation = self._writer.generation
        query = "SELECT 1 FROM document_rows WHERE generation = ? AND corpus = ? LIMIT 1"
        there = self._writer.manifest.connection.execute(query, (generation, SHIPPED)).fetchone() is not None
        self._writer.set_meta("shipped", "1" if there else "0")

    def _sync_records(self) -> list[Failure]:
        """Bring the catalog's records up to date with the catalog that is active; a broken catalog is reported, not fatal."""
        from ingest.records import record_documents
        from kb.catalog.load import load_catalog

        writer = self._writer
        key, stamp = f"records-{writer.generation}", self._records_stamp()
        if writer.manifest.meta(key) == stamp:
            return []
        try:
            records = record_documents(load_catalog(self._settings))
        except AdvisorError as error:
            self._reporter.message(f"catalog: {error}")
            return [Failure("catalog", "catalog", str(error))]
        query = "SELECT source, content FROM document_rows WHERE generation = ? AND corpus = ?"
        have = dict(writer.manifest.connection.execute(query, (writer.generation, RECORD)).fetchall())
        entries = []
        for document, chunks in records:
            content = f"{document.content_hash[:40]}.{RECORD}"
            if have.get(document.source) != content and chunks:
                path = f"{RECORD}:{document.source}"
                entries.append(Entry(document.source, path, RECORD, content, FileState(), document, chunks))
        wanted = {document.source for document, chunks in records if chunks}
        gone = [source for source in have if source not in wanted]
        if entries or gone:
            count = sum(len(entry.chunks) for entry in entries)
            self._reporter.message(f"catalog records: {count} to bring up to date")
            embed_missing(writer, [chunk for entry in entries for chunk in entry.chunks], self._embedder, lambda share: None)
            writer.write(entries, gone)
        writer.set_meta(key, self._records_stamp(), visible=False)
        return []

    def _records_stamp(self) -> str:
        """Changes when a catalog file, the drafts or which corpora are in may have."""
        from kb.catalog.load import SHIPPED_FOLDER, catalog_files, overlay_folder

        paths = [*catalog_files(SHIPPED_FOLDER), *catalog_files(overlay_folder(self._settings))]
        states = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
        digest = hashlib.blake2b(repr(states).encode(), digest_size=8).hexdigest()
        return f"{self._writer.manifest.change_counter}:{digest}"


def _scan(request: Request, settings: Settings) -> Scan | None:
    """What the request names; None where that depends on what is indexed."""
    if request.remove:
        return Scan()
    if request.paths:
        return scan_paths(request.paths, (settings.home, settings.cache_dir))
    return None if request.rebuild else scan_shipped()


def _rebuild_scan(request: Request, manifest: Manifest) -> Scan:
    """A rebuild without paths concerns what is indexed; the default corpus if nothing is."""
    return Scan() if manifest.document_count() else scan_shipped()


def _plan(request: Request, scan: Scan | None, known: Sequence[Known], taken: Sequence[str]) -> Plan:
    if request.remove:
        return plan_removal(request.remove, known)
    return make_plan(scan or scan_shipped(), known, taken, prune=request.prune)


def _again(known: Known) -> Action:
    """Read a known document again, from its file where there still is one."""
    if is_url(known.path):
        return Action("updated", known.source, known.path, known.corpus, known.content)
    if known.corpus == SHIPPED:
        now = {found.path: found for found in scan_shipped().found}.get(known.path)
        return Action("updated", known.source, known.path, known.corpus, known.content, found=now)
    file = Path(known.path)
    try:
        found = Found(known.source, known.path, known.corpus, file_state(file.stat()), file, "")
    except OSError:
        return Action("updated", known.source, known.path, known.corpus, known.content)
    return Action("updated", known.source, known.path, known.corpus, known.content, found=found)


def _is_done(old: Known, new: Known | None) -> bool:
    """Whether an interrupted rebuild got this far already."""
    return new is not None and new.path == old.path and new.content == old.content


def _record_sources(manifest: Manifest, generation: int) -> list[str]:
    query = "SELECT source FROM document_rows WHERE generation = ? AND corpus = ?"
    return [row[0] for row in manifest.connection.execute(query, (generation, RECORD))]


def _finished(report: Report, manifest: Manifest | None, began: float) -> Report:
    report.chunks = manifest.chunk_count() if manifest else 0
    report.seconds = time.monotonic() - began
    return report


def _draft(document: Document) -> str:
    from ingest.draft import extract_json

    return extract_json(document)


def _fetch(allow_private: bool, url: str) -> tuple[bytes, Document]:
    from ingest.fetch import fetch_document

    return fetch_document(url, allow_private=allow_private)


class _ModelWhenNeeded:
    """The embedder of the settings, loaded at the first text: finding that nothing changed must not wait for a model."""

    def __init__(self, settings: Settings) -> None:
        from kb.embed import embedder_fingerprint

        self._settings = settings
        self._model: Embedder | None = None
        self.fingerprint = embedder_fingerprint(settings)

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Matrix:
        if self._model is None:
            from kb.embed import get_embedder

            self._model = get_embedder(self._settings)
        return self._model.embed_passages(texts, progress)

    def __reduce__(self) -> tuple[type[_ModelWhenNeeded], tuple[Settings]]:
        """Sent to another process, it is loaded there. Secrets stay here: an embedder needs none."""
        return _ModelWhenNeeded, (without_secrets(self._settings),)

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    def prepare_questions(self) -> None:
        """Make what answering needs to embed questions without this model's library."""
        from kb.embed import get_query_embedder

        get_query_embedder(self._settings)
