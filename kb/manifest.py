"""The truth about what is indexed: documents, their chunks and the chunks' vectors, in one SQLite file.

Vector and lexical indexes are caches of this file. Content is stored once however many sources have it; a chunk's
vector is stored under a hash of the embedder and the embedded text, so a text that was embedded once is never embedded
again. Readers see one generation, the current one; a rebuild fills the next beside it and one transaction switches.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from kb.errors import AdvisorError, IndexMissingError
from kb.manifest_schema import SCHEMA, SCHEMA_VERSION
from kb.types import Chunk, ChunkKind, Place

MANIFEST_NAME = "manifest.sqlite"
ALSO_IN = "also_in"
"""Chunk metadata key: further sources with the same content, one a line."""

_NOTHING = "no index in {home}: nothing was ingested yet; run `advisor ingest`"
_BUSY_MS = 15_000
_SQL_VARIABLES = 500
_CHUNK_COLUMNS = "id, content, ordinal, kind, text, context, headings, first_line, last_line, page, sheet, parent, metadata"

Matrix = npt.NDArray[np.float32]
_T = TypeVar("_T")


class ManifestError(AdvisorError):
    """The manifest could not be read or written: the disk is full, the file is damaged or from another version."""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """What is known of an indexed document. `path` is an absolute path, a URL, `shipped:NAME` or `record:NAME`."""

    source: str
    path: str
    corpus: str
    content_hash: str
    title: str
    size: int
    ingested_at: str
    metadata: Mapping[str, str]
    chunk_count: int = 0


class Rows(Protocol):
    """What a statement found."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class SqlConnection(Protocol):
    """What the manifest's SQL runs on. Statements are such as SQLite and PostgreSQL both understand, values stand for `?`."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Rows: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object: ...


class Manifest:
    """Reading side. Each thread gets its own connection; every call sees the last committed state."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        self.path = path
        self.home = path.parent
        self._writable = writable
        self._local = threading.local()
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._guard = threading.Lock()

    @classmethod
    def open(cls, home: Path) -> Manifest:
        """The manifest of a data folder, for reading.

        Raises:
            IndexMissingError: nothing was ever ingested into this folder.
        """
        path = home / MANIFEST_NAME
        if not path.is_file():
            raise IndexMissingError(_NOTHING.format(home=home))
        manifest = cls(path)
        manifest._check_schema()
        return manifest

    @classmethod
    def create(cls, home: Path) -> Manifest:
        """The manifest of a data folder, for reading and writing; made if there is none."""
        home.mkdir(parents=True, exist_ok=True)
        manifest = cls(home / MANIFEST_NAME, writable=True)
        with translated(manifest.path):
            connection = manifest._sqlite()
            connection.execute("PRAGMA journal_mode = WAL")
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            connection.execute("INSERT INTO meta VALUES ('store_id', ?) ON CONFLICT DO NOTHING", (uuid.uuid4().hex[:12],))
        manifest._check_schema()
        return manifest

    @property
    def connection(self) -> SqlConnection:
        """This thread's connection, in autocommit mode."""
        return self._sqlite()

    def _sqlite(self) -> sqlite3.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA synchronous = NORMAL")
            if not self._writable:
                connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            with self._guard:
                self._close_where(lambda thread: not thread.is_alive())  # servers start and end threads all day
                self._opened.append((threading.current_thread(), connection))
        return cast(sqlite3.Connection, connection)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._guard:
            self._close_where(lambda thread: True)
            self._local = threading.local()

    def _close_where(self, is_over: Callable[[threading.Thread], bool]) -> None:
        for entry in [entry for entry in self._opened if is_over(entry[0])]:
            entry[1].close()
            self._opened.remove(entry)

    def meta(self, key: str, default: str = "") -> str:
        """A remembered fact, e.g. `shipped` ("1": the default corpus is in), `store_id`."""
        row = self._one("SELECT value FROM meta WHERE key = ?", (key,))
        return str(row[0]) if row else default

    @property
    def generation(self) -> int:
        """The generation that readers see; 0 while there is none."""
        return int(self.meta("generation", "0"))

    @property
    def change_counter(self) -> int:
        """Grows with every change to what readers see; one indexed look-up."""
        return int(self.meta("changes", "0"))

    def fingerprints(self, generation: int | None = None) -> tuple[str, str]:
        """Embedder and chunker that made a generation, the current one by default; empty strings where there is none."""
        chosen = self.generation if generation is None else generation
        row = self._one("SELECT embedder, chunker FROM generations WHERE id = ?", (chosen,))
        return (str(row[0]), str(row[1])) if row else ("", "")

    def generations(self) -> list[int]:
        """All generations; one above the current is a rebuild that is not finished."""
        return [int(row[0]) for row in self._all("SELECT id FROM generations ORDER BY id")]

    def documents(self, corpus: str | None = None) -> list[DocumentRow]:
        """The indexed documents by source, records of the catalog included (corpus `record`)."""
        rows = self._all(
            f"""SELECT d.source, d.path, d.corpus, d.content_hash, d.title, d.size, d.ingested_at, d.metadata,
                (SELECT count(*) FROM chunks c WHERE c.content = d.content_hash)
                FROM documents d {"" if corpus is None else "WHERE d.corpus = ?"} ORDER BY d.source""",
            () if corpus is None else (corpus,),
        )
        return [
            DocumentRow(source, path, corpus, content, title, size, at, json.loads(metadata), count)
            for source, path, corpus, content, title, size, at, metadata, count in rows
        ]

    def document_count(self) -> int:
        """Documents in the current generation, records of the catalog not counted."""
        row = self._one("SELECT count(*) FROM documents WHERE corpus != 'record'")
        return int(row[0]) if row else 0

    def chunk_count(self, generation: int | None = None) -> int:
        """Chunks of a generation, the current one by default: what each cache must hold."""
        chosen = self.generation if generation is None else generation
        row = self._one("SELECT count(*) FROM chunk_rows WHERE generation = ?", (chosen,))
        return int(row[0]) if row else 0

    def chunk_ids(self, generation: int | None = None) -> list[str]:
        """Ids of the chunks of a generation, sorted."""
        chosen = self.generation if generation is None else generation
        return [row[0] for row in self._all("SELECT id FROM chunk_rows WHERE generation = ? ORDER BY id", (chosen,))]

    def chunks(self, ids: Sequence[str], generation: int | None = None) -> dict[str, Chunk]:
        """Chunks by id. An id that is not (or no longer) in the manifest is left out: caches may run ahead or behind."""
        chosen = self.generation if generation is None else generation
        found: dict[str, Chunk] = {}
        for part in _batches(ids):
            marks = ",".join("?" * len(part))
            rows = self._all(f"SELECT {_CHUNK_COLUMNS} FROM chunk_rows WHERE generation = ? AND id IN ({marks})", (chosen, *part))
            found.update((chunk.id, chunk) for chunk in self._to_chunks(rows, chosen))
        return found

    def chunks_of(self, source: str) -> list[Chunk]:
        """All chunks of one source in reading order; empty if the source is not indexed."""
        generation = self.generation
        rows = self._all(
            f"""SELECT {_CHUNK_COLUMNS} FROM chunk_rows WHERE generation = ? AND content =
                (SELECT content FROM document_rows WHERE generation = ? AND source = ?) ORDER BY ordinal""",
            (generation, generation, source),
        )
        return [replace(chunk, source=source) for chunk in self._to_chunks(rows, generation)]

    def each_chunk(self, generation: int | None = None, batch: int = 512) -> Iterator[list[Chunk]]:
        """All chunks in batches, in id order: what a cache is refilled from."""
        ids = self.chunk_ids(generation)
        for start in range(0, len(ids), batch):
            found = self.chunks(ids[start : start + batch], generation)
            yield [found[id_] for id_ in ids[start : start + batch] if id_ in found]

    def vectors(self, ids: Sequence[str] | None = None, generation: int | None = None) -> tuple[list[str], Matrix]:
        """(ids, float32 matrix of one row an id) of a generation, all of it by default.

        Raises:
            ManifestError: a chunk has no vector, which no committed state can have.
        """
        chosen = self.generation if generation is None else generation
        query = "SELECT c.id, v.vector FROM chunk_rows c LEFT JOIN vectors v ON v.key = c.vector WHERE c.generation = ?"
        if ids is None:
            rows = self._all(query + " ORDER BY c.id", (chosen,))
        else:
            rows = [
                row for part in _batches(ids) for row in self._all(f"{query} AND c.id IN ({','.join('?' * len(part))})", (chosen, *part))
            ]
        lost = [row[0] for row in rows if row[1] is None]
        if lost:
            raise ManifestError(f"{self.path}: {len(lost)} chunks have no vector; run `advisor ingest --rebuild`")
        if not rows:
            return [], np.zeros((0, 0), dtype=np.float32)
        matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.float32).reshape(len(rows), -1)
        return [row[0] for row in rows], matrix

    def vector(self, key: bytes) -> Matrix:
        """One stored vector by its key."""
        row = self._one("SELECT vector FROM vectors WHERE key = ?", (key,))
        return np.frombuffer(row[0] if row else b"", dtype=np.float32)

    def known_vectors(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of the vector keys that are stored."""
        found: set[bytes] = set()
        for part in _batches(list(keys)):
            found.update(row[0] for row in self._all(f"SELECT key FROM vectors WHERE key IN ({','.join('?' * len(part))})", part))
        return found

    def first_chunks(self, limit: int, generation: int) -> list[Chunk]:
        """The first chunks by id. Ids are hashes, so they are as good as drawn at random."""
        rows = self._all(f"SELECT {_CHUNK_COLUMNS} FROM chunk_rows WHERE generation = ? ORDER BY id LIMIT ?", (generation, limit))
        return self._to_chunks(rows, generation)

    def state(self) -> tuple[int, int]:
        """Generation and change counter, in one look: changes with whatever readers see."""
        rows = dict(self._all("SELECT key, value FROM meta WHERE key IN ('generation', 'changes')"))
        return int(rows.get("generation", "0")), int(rows.get("changes", "0"))

    def size_bytes(self) -> int:
        """What the manifest takes up."""
        return self.path.stat().st_size

    def damage(self) -> str:
        """What is wrong with the stored data itself; empty where it is sound."""
        row = self._one("PRAGMA quick_check")
        return "" if row is None or row[0] == "ok" else str(row[0])

    def pending(self, generation: int | None = None) -> list[str]:
        """Chunk ids that a writer was about to change in the caches. Non-empty without a writer: it died; caches need repair."""
        chosen = self.generation if generation is None else generation
        return [row[0] for row in self._all("SELECT id FROM touched WHERE generation = ?", (chosen,))]

    def failures(self) -> list[tuple[str, str, str]]:
        """(source, error, when) of the files that the last attempt could not read."""
        return [(row[0], row[1], row[2]) for row in self._all("SELECT source, error, at FROM failures ORDER BY source")]

    def _to_chunks(self, rows: Sequence[tuple[Any, ...]], generation: int) -> list[Chunk]:
        contents = self._contents({row[1] for row in rows}, generation)
        chunks = []
        for id_, content, ordinal, kind, text, context, headings, first, last, page, sheet, parent, metadata in rows:
            if content not in contents:
                continue
            sources, title = contents[content]
            extra = json.loads(metadata)
            if len(sources) > 1:
                extra[ALSO_IN] = "\n".join(sources[1:])
            place = Place((first, last), page=page, sheet=sheet)
            path = tuple(json.loads(headings))
            chunks.append(Chunk(id_, sources[0], ordinal, cast(ChunkKind, kind), text, context, path, place, title, parent, extra))
        return chunks

    def _contents(self, hashes: set[str], generation: int) -> dict[str, tuple[list[str], str]]:
        """Content hash -> (sources in order, title)."""
        found: dict[str, tuple[list[str], str]] = {}
        for part in _batches(sorted(hashes)):
            rows = self._all(
                f"""SELECT d.content, d.source, c.title FROM document_rows d
                    JOIN contents c ON c.generation = d.generation AND c.hash = d.content
                    WHERE d.generation = ? AND d.content IN ({",".join("?" * len(part))})""",
                (generation, *part),
            )
            # Sorted here: for an ORDER BY, SQLite would rather go through every document in order.
            for content, source, title in sorted(rows, key=lambda row: str(row[1])):
                found.setdefault(content, ([], title))[0].append(source)
        return found

    def _one(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        with translated(self.path):
            return cast("tuple[Any, ...] | None", self.connection.execute(sql, values).fetchone())

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with translated(self.path):
            return self.connection.execute(sql, values).fetchall()

    def _check_schema(self) -> None:
        row = self._one("PRAGMA user_version")
        found = int(row[0]) if row else 0
        if found == 0 and not self._one("SELECT 1 FROM sqlite_master"):  # a writer died before it had made the tables
            raise IndexMissingError(_NOTHING.format(home=self.path.parent))
        if found != SCHEMA_VERSION:
            raise ManifestError(
                f"{self.path} has format {found}, this version expects {SCHEMA_VERSION}; move the file away and run `advisor ingest` again"
            )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as `ManifestError`, naming the cause and what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        cause = str(error)
        if "full" in cause:
            hint = "free some space and run the command again; every document is as it was before or complete"
        elif "locked" in cause:
            hint = "another process is writing; try again when it has finished"
        elif "malformed" in cause or "not a database" in cause:
            hint = "the file is damaged: move it away and run `advisor ingest` again"
        else:
            hint = "check the disk and the permissions of the data folder"
        raise ManifestError(f"{path}: {cause}; {hint}") from error


def _batches(values: Sequence[_T], size: int = _SQL_VARIABLES) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
