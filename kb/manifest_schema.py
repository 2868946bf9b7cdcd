"""Tables of the manifest. Every generation of the index has its own rows; the `documents` and `chunks` views show the current one."""

from __future__ import annotations

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS generations (
    id INTEGER PRIMARY KEY,
    embedder TEXT NOT NULL,
    chunker TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS document_rows (
    generation INTEGER NOT NULL,
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    corpus TEXT NOT NULL,
    content TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    checked_ns INTEGER NOT NULL,
    ingested_at TEXT NOT NULL,
    draft TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (generation, source)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS document_by_content ON document_rows (generation, content);

CREATE TABLE IF NOT EXISTS contents (
    generation INTEGER NOT NULL,
    hash TEXT NOT NULL,
    title TEXT NOT NULL,
    metadata TEXT NOT NULL,
    parsed BLOB NOT NULL,
    PRIMARY KEY (generation, hash)
);

CREATE TABLE IF NOT EXISTS chunk_rows (
    generation INTEGER NOT NULL,
    id TEXT NOT NULL,
    content TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    context TEXT NOT NULL,
    headings TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    page INTEGER,
    sheet TEXT,
    parent TEXT,
    metadata TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (generation, id)
);
CREATE INDEX IF NOT EXISTS chunk_by_content ON chunk_rows (generation, content, ordinal);
CREATE INDEX IF NOT EXISTS chunk_by_vector ON chunk_rows (vector);

CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL);

CREATE TABLE IF NOT EXISTS touched (generation INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (generation, id)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS failures (path TEXT PRIMARY KEY, source TEXT NOT NULL, error TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;

CREATE VIEW IF NOT EXISTS documents AS
    SELECT d.source, d.path, d.corpus, d.content AS content_hash, d.size, d.ingested_at, d.draft, c.title, c.metadata
    FROM document_rows d JOIN contents c ON c.generation = d.generation AND c.hash = d.content
    WHERE d.generation = (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'generation');

CREATE VIEW IF NOT EXISTS chunks AS
    SELECT * FROM chunk_rows
    WHERE generation = (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'generation');
"""
