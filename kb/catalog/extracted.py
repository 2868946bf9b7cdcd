"""Claims that ingestion drafted from the user's own documents: kept beside the documents in the manifest, unreviewed.

Read straight from the manifest's file, so that a catalog can be loaded without opening the store.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from kb.catalog.schema import CatalogFile
from kb.errors import CatalogError

MANIFEST_NAME = "manifest.sqlite"


def _connect(home: Path) -> sqlite3.Connection | None:
    path = home / MANIFEST_NAME
    if not path.is_file():
        return None
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)


def shipped_corpus_is_active(home: Path) -> bool:
    """Whether the shipped entities belong to this home: its default corpus was ingested, or nothing was yet."""
    connection = _connect(home)
    if connection is None:
        return True
    with closing(connection):
        try:
            row = connection.execute("SELECT value FROM meta WHERE key = 'shipped'").fetchone()
            if row is not None:
                return str(row[0]) == "1"
            return connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None
        except sqlite3.Error:
            return True


def drafts_stamp(home: Path) -> tuple[int, int, int] | None:
    """Changes whenever the drafts may have; None where there is no manifest."""
    path = home / MANIFEST_NAME
    try:
        state = path.stat()
    except OSError:
        return None
    try:
        log = path.with_name(path.name + "-wal").stat()
        return state.st_mtime_ns, state.st_size, log.st_mtime_ns ^ log.st_size
    except OSError:
        return state.st_mtime_ns, state.st_size, 0


def read_extracted(home: Path) -> list[tuple[str, CatalogFile]]:
    """(source, draft) of every document that has one, in source order."""
    connection = _connect(home)
    if connection is None:
        return []
    with closing(connection):
        try:
            rows = connection.execute(
                "SELECT source, draft FROM documents WHERE draft != '' AND corpus != 'shipped' ORDER BY source"
            ).fetchall()
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
