"""The manifest's tables, the same as SQLite's (kb/manifest_schema.py says what they hold)."""

from __future__ import annotations

from alembic import op

revision = "m0001"
down_revision: str | None = None

_TEXT = 'TEXT COLLATE "C"'
"""Compared byte by byte, as SQLite and Python do: the order of ids and sources is part of results."""

_TABLES = f"""
CREATE TABLE meta (key {_TEXT} PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE generations (id BIGINT PRIMARY KEY, embedder TEXT NOT NULL, chunker TEXT NOT NULL, created_at TEXT NOT NULL);

CREATE TABLE document_rows (
    generation BIGINT NOT NULL,
    source {_TEXT} NOT NULL,
    path {_TEXT} NOT NULL,
    corpus TEXT NOT NULL,
    content {_TEXT} NOT NULL,
    size BIGINT NOT NULL,
    mtime_ns BIGINT NOT NULL,
    inode BIGINT NOT NULL,
    checked_ns BIGINT NOT NULL,
    ingested_at TEXT NOT NULL,
    draft TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (generation, source)
);
CREATE INDEX document_by_content ON document_rows (generation, content);

CREATE TABLE contents (
    generation BIGINT NOT NULL,
    hash {_TEXT} NOT NULL,
    title TEXT NOT NULL,
    metadata TEXT NOT NULL,
    parsed BYTEA NOT NULL,
    PRIMARY KEY (generation, hash)
);

CREATE TABLE chunk_rows (
    generation BIGINT NOT NULL,
    id {_TEXT} NOT NULL,
    content {_TEXT} NOT NULL,
    ordinal BIGINT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    context TEXT NOT NULL,
    headings TEXT NOT NULL,
    first_line BIGINT NOT NULL,
    last_line BIGINT NOT NULL,
    page BIGINT,
    sheet TEXT,
    parent TEXT,
    metadata TEXT NOT NULL,
    vector BYTEA NOT NULL,
    PRIMARY KEY (generation, id)
);
CREATE INDEX chunk_by_content ON chunk_rows (generation, content, ordinal);
CREATE INDEX chunk_by_vector ON chunk_rows (vector);

CREATE TABLE vectors (key BYTEA PRIMARY KEY, vector BYTEA NOT NULL);
ALTER TABLE vectors ALTER COLUMN vector SET STORAGE EXTERNAL;

CREATE TABLE touched (generation BIGINT NOT NULL, id {_TEXT} NOT NULL, PRIMARY KEY (generation, id));

CREATE TABLE failures (path {_TEXT} PRIMARY KEY, source {_TEXT} NOT NULL, error TEXT NOT NULL, at TEXT NOT NULL);

CREATE VIEW documents AS
    SELECT d.source, d.path, d.corpus, d.content AS content_hash, d.size, d.ingested_at, d.draft, c.title, c.metadata
    FROM document_rows d JOIN contents c ON c.generation = d.generation AND c.hash = d.content
    WHERE d.generation = (SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'generation');

CREATE VIEW chunks AS
    SELECT * FROM chunk_rows WHERE generation = (SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'generation')
"""


def upgrade() -> None:
    for statement in _TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    for view in ("chunks", "documents"):
        op.execute(f"DROP VIEW {view}")
    for table in ("failures", "touched", "vectors", "chunk_rows", "contents", "document_rows", "generations", "meta"):
        op.execute(f"DROP TABLE {table}")
