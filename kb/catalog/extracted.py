"""Claims that ingestion drafted from the user's own documents: kept beside the documents in the manifest, unreviewed.

Read straight from the manifest, so that a catalog can be loaded without opening the search indexes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from kb.catalog.schema import CatalogFile
from kb.errors import CatalogError, IndexMissingError
from kb.settings import Settings

if TYPE_CHECKING:
    from kb.manifest import SqlConnection

MANIFEST_NAME = "manifest.sqlite"


@contextmanager
def _connected(settings: Settings) -> Iterator[SqlConnection | None]:
    """The manifest to read from, None where there is none."""
    if settings.milvus_url:
        from kb.store import store_for

        try:
            yield store_for(settings).open().connection
        except IndexMissingError:
            yield None
        return
    path = settings.home / MANIFEST_NAME
    if not path.is_file():
        yield None
        return
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        yield connection


def shipped_corpus_is_active(settings: Settings) -> bool:
    """Whether the shipped entities belong to this index: its default corpus was ingested, or nothing was yet."""
    with _connected(settings) as connection:
        if connection is None:
            return True
        try:
            row = connection.execute("SELECT value FROM meta WHERE key = 'shipped'").fetchone()
            if row is not None:
                return str(row[0]) == "1"
            return connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None
        except sqlite3.Error:
            return True


def drafts_stamp(settings: Settings) -> tuple[int, int, int] | None:
    """Changes whenever the drafts may have; None where there is no manifest."""
    if settings.milvus_url:
        from kb.store import store_for

        try:
            return (*store_for(settings).open().state(), 0)
        except IndexMissingError:
            return None
    path = settings.home / MANIFEST_NAME
    try:
        state = path.stat()
    except OSError:
        return None
    try:
        log = path.with_name(path.name + "-wal").stat()
        return state.st_mtime_ns, state.st_size, log.st_mtime_ns ^ log.st_size
    except OSError:
        return state.st_mtime_ns, state.st_size, 0


def read_extracted(settings: Settings) -> list[tuple[str, CatalogFile]]:
    """(source, draft) of every document that has one, in source order."""
    query = "SELECT source, draft FROM documents WHERE draft != '' AND corpus != 'shipped' ORDER BY source"
    with _connected(settings) as connection:
        try:
            rows = connection.execute(query).fetchall() if connection is not None else []
        except sqlite3.Error:
            return []
    found = []
    for source, text in rows:
        try:
            found.append((str(source), CatalogFile.model_validate_json(text)))
        except ValidationError as error:
            raise CatalogError(
                f"{source}:1: the draft kept for this document is not readable ({error.error_count()} problems);"
                " expected the current form; run `advisor ingest --rebuild`"
            ) from None
    return found
