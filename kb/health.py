"""Checks of the knowledge base that a person can act on. Each looks, none repairs; a check that cannot run says so."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from kb.errors import AdvisorError, IndexMissingError
from kb.manifest import Manifest
from kb.settings import Settings

State = Literal["ok", "warning", "failed"]
_LOW_DISK_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `advice` says what to do, empty where there is nothing to do."""

    name: str
    state: State
    message: str
    advice: str = ""


def knowledge_checks(settings: Settings, chunker: str) -> Iterator[Check]:
    """Data folder, index, its caches, embedder and catalog, in the order in which they depend on each other."""
    yield _guarded("data folder", lambda: _check_home(settings))
    from kb.store import store_for

    store = store_for(settings)
    manifest: Manifest | None = None
    try:
        manifest = store.open()
        manifest_ = manifest
        yield _guarded("index", lambda: _check_index(manifest_, store.writer()))
        yield _guarded("index matches settings", lambda: _check_match(manifest_, settings, chunker))
        yield from _guarded_all("search indexes", store.checks(manifest))
    except IndexMissingError as error:
        yield Check("index", "failed", str(error).split(";")[0], "run `advisor ingest`")
    except AdvisorError as error:
        yield Check("index", "failed", str(error))
    finally:
        if manifest is not None:
            manifest.close()
    yield _guarded("embedding model", lambda: _check_embedder(settings))
    yield _guarded("catalog", lambda: _check_catalog(settings))


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except AdvisorError as error:
        return Check(name, "failed", str(error))
    except Exception as error:  # a library's own error is a finding here, not a crash
        return Check(name, "failed", f"{type(error).__name__}: {error}", "ADVISOR_DEBUG=1 with `advisor ingest status` may show more")


def _guarded_all(name: str, checks: Iterator[Check]) -> Iterator[Check]:
    """The same for checks that come together."""
    while True:
        found: list[Check] = []

        def look(found: list[Check] = found) -> Check:
            found.append(next(checks, _END))
            return found[0]

        check = _guarded(name, look)
        if found and found[0] is _END:
            return
        yield check
        if not found:
            return


_END = Check("", "ok", "")


def _check_home(settings: Settings) -> Check:
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        return Check("data folder", "failed", f"{home} cannot be written ({error.strerror})", "set ADVISOR_HOME to a folder of yours")
    free = shutil.disk_usage(home).free
    if free < _LOW_DISK_BYTES:
        return Check("data folder", "warning", f"{home}, only {free / 1e6:.0f} MB free", "free some space before ingesting more")
    return Check("data folder", "ok", f"{home}, {free / 1e9:.0f} GB free")


def _check_index(manifest: Manifest, writer: str) -> Check:
    damage = manifest.damage()
    if damage:
        return Check("index", "failed", f"{manifest.path} is damaged: {damage}", "move it away and run `advisor ingest` on your folders")
    held = f"{manifest.document_count()} documents, {manifest.chunk_count()} chunks"
    if not manifest.chunk_count():
        return Check("index", "failed", "nothing is indexed", "run `advisor ingest`")
    if writer:
        return Check("index", "ok", f"{held}; being written by {writer}")
    if manifest.pending():
        return Check("index", "warning", f"{held}; a writer died before it had finished", "run the same `advisor ingest` again")
    if any(number > manifest.generation for number in manifest.generations()):
        return Check("index", "warning", f"{held}; a rebuild was begun and not finished", "run `advisor ingest --rebuild` again")
    failures = len(manifest.failures())
    if failures:
        return Check("index", "warning", f"{held}; {failures} files failed", "`advisor ingest status` names them")
    return Check("index", "ok", held)


def _check_match(manifest: Manifest, settings: Settings, chunker: str) -> Check:
    from kb.embed import embedder_fingerprint
    from kb.generations import check_fingerprints

    check_fingerprints(manifest, embedder=embedder_fingerprint(settings), chunker=chunker)
    return Check("index matches settings", "ok", f"embedder {manifest.fingerprints()[0]}, chunker {manifest.fingerprints()[1]}")


def compared(name: str, held: int, expected: int, being_written: bool) -> Check:
    """A search index against the manifest."""
    if held == expected:
        return Check(name, "ok", f"{held} chunks")
    if being_written:
        return Check(name, "ok", f"{held} of {expected} chunks, being written")
    return Check(name, "warning", f"holds {held} chunks, the index {expected}", "run `advisor ingest`; it repairs this without embedding")


def _check_embedder(settings: Settings) -> Check:
    from kb.embed import get_query_embedder

    model = get_query_embedder(settings)
    vector = model.embed_queries(["ping"])
    return Check("embedding model", "ok", f"{model.name}, {vector.shape[1]} dimensions, {os.cpu_count()} processors")


def _check_catalog(settings: Settings) -> Check:
    from kb.catalog.load import load_catalog

    catalog = load_catalog(settings)
    count = f"{len(catalog.entities)} entities, {sum(len(catalog.claims(entity)) for entity in catalog.entities)} claims"
    if not catalog.entities:
        return Check("catalog", "warning", "no entities", "ingest documents that state prices, or put YAML into ADVISOR_HOME/catalog")
    if catalog.warnings:
        return Check("catalog", "warning", f"{count}; {len(catalog.warnings)} warnings", "`advisor catalog validate` shows them")
    return Check("catalog", "ok", count)
