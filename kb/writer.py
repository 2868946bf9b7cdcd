"""The one writer of the index. It keeps every document either old or new at every moment, for readers and for a crash.

A batch of changes is written in this order: note which chunks will be touched; put new chunks into the caches (readers
ignore what the manifest does not know); one manifest transaction a document; take old chunks out of the caches; forget
the note. A writer that dies in between leaves the note, from which the next one repairs the caches without embedding.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.caches import CACHE_BATCH, Cache, Settling, repair_caches, rewrite_lexical
from kb.manifest import Manifest, Matrix, translated
from kb.types import Chunk, Document

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_CHEAP_CHUNKS = 1000
"""Up to here the lexical index is written anew within a second after every change."""
_STALE_SHARE = 0.05

SET_META = "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells cheaply that a file is as it was: size in bytes, modification time, inode, and when the content was read."""

    size: int = 0
    mtime_ns: int = 0
    inode: int = 0
    checked_ns: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One document to store under `source`. `content` identifies bytes and kind; equal contents are stored once.

    `document` is None where the content is in the index already. `replaces` names the source that it had before.
    """

    source: str
    path: str
    corpus: str
    content: str
    state: FileState
    document: Document | None = None
    chunks: Sequence[Chunk] = ()
    draft: str = ""
    replaces: str = ""


def chunk_id(content: str, ordinal: int) -> str:
    """The id of the chunk at a position of a content: the same in every run, whatever the file is called."""
    return hashlib.blake2b(f"{content}\0{ordinal}".encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def vector_key(embedder: str, text: str) -> bytes:
    """Under which the vector of a text is stored."""
    return hashlib.blake2b(f"{embedder}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


class IndexWriter:
    """Writes one generation. Use `kb.generations.open_writer`, which holds the lock, checks fingerprints and repairs what a crash left."""

    def __init__(self, manifest: Manifest, generation: int, caches: Sequence[Cache], embedder: str) -> None:
        self.manifest = manifest
        self.generation = generation
        self.embedder = embedder
        self._caches = caches

    @property
    def is_rebuild(self) -> bool:
        """Whether this writes a generation that readers do not see yet."""
        return self.generation != self.manifest.generation

    def missing_texts(self, texts: Iterable[str]) -> list[str]:
        """Those of the texts that were never embedded, each once, in order."""
        keys = {vector_key(self.embedder, text): text for text in texts}
        known = self.manifest.known_vectors(keys)
        return [text for key, text in keys.items() if key not in known]

    def save_vectors(self, texts: Sequence[str], vectors: Matrix) -> None:
        """Keep vectors (one row a text) at once, so that a crash later costs no embedding."""
        rows = [
            (vector_key(self.embedder, text), np.ascontiguousarray(row, dtype=np.float32).tobytes())
            for text, row in zip(texts, vectors, strict=True)
        ]
        with self._transaction() as connection:
            connection.executemany("INSERT INTO vectors VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET vector = excluded.vector", rows)
            self._want_sweep(connection)

    def write(self, entries: Sequence[Entry], remove: Sequence[str] = ()) -> None:
        """Store documents and take others out. Every text of a new chunk must have its vector saved before."""
        fresh = self._new_chunks(entries)
        leaving = [source for entry in entries for source in (entry.source, entry.replaces) if source] + list(remove)
        old = [id_ for part in self._batches(leaving) for id_ in self._ids_of("d.source", part)]
        shared = [id_ for part in self._batches([entry.content for entry in entries]) for id_ in self._ids_of("d.content", part)]
        with self._transaction() as connection:
            touched = {*old, *shared, *(chunk.id for chunk in fresh)}
            rows = [(self.generation, id_) for id_ in sorted(touched)]
            connection.executemany("INSERT INTO touched VALUES (?, ?) ON CONFLICT DO NOTHING", rows)
            self._want_sweep(connection)
            self._count_stale(connection, 1 + len({*old, *shared}))
        self._fill_caches(fresh)
        for entry in entries:
            with self._transaction() as connection:
                self._store(connection, entry)
        for source in remove:
            with self._transaction() as connection:
                self._remove(connection, source)
        there = self._still_there(sorted({*old, *shared}))
        self._fill_caches(list(self.manifest.chunks(sorted(there), self.generation).values()))  # their source may be another now
        self._settle([id_ for id_ in old if id_ not in there])

    def touch(self, states: Sequence[tuple[str, FileState]]) -> None:
        """Remember that unchanged sources were looked at again."""
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE document_rows SET size = ?, mtime_ns = ?, inode = ?, checked_ns = ? WHERE generation = ? AND source = ?",
                [(s.size, s.mtime_ns, s.inode, s.checked_ns, self.generation, source) for source, s in states],
            )

    def set_draft(self, source: str, draft: str) -> None:
        """Replace the catalog entries that were drafted from a document."""
        with self._transaction() as connection:
            connection.execute("UPDATE document_rows SET draft = ? WHERE generation = ? AND source = ?", (draft, self.generation, source))
            self._changed(connection)

    def record_failures(self, failures: Sequence[tuple[str, str, str]], tried: Iterable[str]) -> None:
        """Replace what is known of the paths that were tried by (path, source, error) of those that failed."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM failures WHERE path = ?", [(path,) for path in tried])
            connection.executemany(
                """INSERT INTO failures VALUES (?, ?, ?, ?) ON CONFLICT (path)
                   DO UPDATE SET source = excluded.source, error = excluded.error, at = excluded.at""",
                [(path, source, error, now_text()) for path, source, error in failures],
            )

    def set_meta(self, key: str, value: str, *, visible: bool = True) -> None:
        """Remember a fact about the index; `visible` ones count as a change for readers."""
        if self.manifest.meta(key) == value:
            return
        with self._transaction() as connection:
            connection.execute(SET_META, (key, value))
            if visible:
                self._changed(connection)

    def parsed(self, source: str, generation: int) -> Document | None:
        """The parsed form that is kept of a document, for a rebuild whose file is gone."""
        row = self.manifest.connection.execute(
            """SELECT c.parsed FROM contents c JOIN document_rows d ON d.generation = c.generation AND d.content = c.hash
               WHERE d.generation = ? AND d.source = ?""",
            (generation, source),
        ).fetchone()
        return None if row is None else _unpack(row[0])

    def publish(self) -> None:
        """Make this generation the one that readers see, in one transaction."""
        for cache in self._caches:
            cache.commit()
        with self._transaction() as connection:
            connection.execute(SET_META, ("generation", str(self.generation)))
            self._changed(connection)

    def sweep(self) -> None:
        """Delete vectors that no chunk uses any more."""
        if self.manifest.meta("sweep") != "1":
            return
        with self._transaction() as connection:
            connection.execute("DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunk_rows WHERE chunk_rows.vector = vectors.key)")
            connection.execute("DELETE FROM meta WHERE key = 'sweep'")

    def settle_order(self) -> None:
        """Write the lexical index anew in id order, where that is cheap or many deleted chunks still count in its statistics.

        Equal scores are ranked by position in the index, so the same content then gives the same results however it got there.
        """
        key = f"stale-{self.generation}"
        stale, total = int(self.manifest.meta(key, "0")), self.manifest.chunk_count(self.generation)
        if stale and (total <= _CHEAP_CHUNKS or stale >= _STALE_SHARE * (total + 1) + 1):
            rewrite_lexical(self.manifest, self.generation, self._caches)
            self.set_meta(key, "0", visible=False)

    def recover(self) -> int:
        """Finish what a dead writer had begun in the caches and refill a cache that lost or gained chunks; returns repairs."""
        pending = self.manifest.pending(self.generation)
        if pending:
            with self._transaction() as connection:
                self._count_stale(connection, len(pending))
            there = self._still_there(pending)
            self._fill_caches(list(self.manifest.chunks(sorted(there), self.generation).values()))
            self._settle([id_ for id_ in pending if id_ not in there])
        return len(pending) + repair_caches(self.manifest, self.generation, self._caches)

    def close(self) -> None:
        """The writer has finished for now."""
        for cache in self._caches:
            if isinstance(cache, Settling):
                cache.settle()

    # -- one document ---------------------------------------------------------------------------------------------

    def _store(self, connection: Any, entry: Entry) -> None:
        generation = self.generation
        if entry.document is not None and not self._has_content(entry.content):
            document = entry.document
            connection.execute(
                "INSERT INTO contents VALUES (?, ?, ?, ?, ?)",
                (generation, entry.content, document.title, _json(dict(document.metadata)), _pack(document)),
            )
            connection.executemany(
                f"INSERT INTO chunk_rows VALUES ({','.join('?' * 15)})",
                [self._chunk_row(entry.content, chunk) for chunk in self._keyed(entry)],
            )
        for source in dict.fromkeys((entry.source, entry.replaces)):
            if source:
                self._remove(connection, source, keep=entry.content)
        s = entry.state
        connection.execute(
            f"INSERT INTO document_rows VALUES ({','.join('?' * 11)})",
            (
                *(generation, entry.source, entry.path, entry.corpus, entry.content),
                *(s.size, s.mtime_ns, s.inode, s.checked_ns, now_text(), entry.draft),
            ),
        )
        connection.execute("DELETE FROM failures WHERE path = ?", (entry.path,))
        self._changed(connection)

    def _remove(self, connection: Any, source: str, keep: str = "") -> None:
        key = (self.generation, source)
        row = connection.execute("SELECT content FROM document_rows WHERE generation = ? AND source = ?", key).fetchone()
        if row is None:
            return
        connection.execute("DELETE FROM document_rows WHERE generation = ? AND source = ?", key)
        used = connection.execute("SELECT 1 FROM document_rows WHERE generation = ? AND content = ? LIMIT 1", (self.generation, row[0]))
        if row[0] != keep and used.fetchone() is None:
            connection.execute("DELETE FROM contents WHERE generation = ? AND hash = ?", (self.generation, row[0]))
            connection.execute("DELETE FROM chunk_rows WHERE generation = ? AND content = ?", (self.generation, row[0]))
        self._changed(connection)

    def _chunk_row(self, content: str, chunk: Chunk) -> tuple[Any, ...]:
        return (
            *(self.generation, chunk.id, content, chunk.ordinal, chunk.kind, chunk.text, chunk.context, _json(list(chunk.headings))),
            *(*chunk.place.lines, chunk.place.page, chunk.place.sheet, chunk.parent, _json(dict(chunk.metadata))),
            vector_key(self.embedder, chunk.indexed_text),
        )

    def _keyed(self, entry: Entry) -> list[Chunk]:
        """The chunks under their stored ids."""
        ids = {chunk.id: chunk_id(entry.content, position) for position, chunk in enumerate(entry.chunks)}
        return [
            replace(chunk, id=ids[chunk.id], ordinal=position, parent=ids[chunk.parent] if chunk.parent else None)
            for position, chunk in enumerate(entry.chunks)
        ]

    # -- caches ---------------------------------------------------------------------------------------------------

    def _new_chunks(self, entries: Sequence[Entry]) -> list[Chunk]:
        fresh: dict[str, list[Chunk]] = {}
        for entry in entries:
            if entry.document is not None and entry.content not in fresh and not self._has_content(entry.content):
                fresh[entry.content] = self._keyed(entry)
        return [chunk for chunks in fresh.values() for chunk in chunks]

    def _fill_caches(self, chunks: Sequence[Chunk]) -> None:
        if not chunks:
            return
        for start in range(0, len(chunks), CACHE_BATCH):
            part = chunks[start : start + CACHE_BATCH]
            vectors = self._vectors_of(part)
            for cache in self._caches:
                cache.add(part, vectors)
        for cache in self._caches:
            cache.commit()

    def _vectors_of(self, chunks: Sequence[Chunk]) -> Matrix:
        keys = [vector_key(self.embedder, chunk.indexed_text) for chunk in chunks]
        stored: dict[bytes, bytes] = {}
        with translated(self.manifest.path):
            for part in self._batches(keys):
                marks = ",".join("?" * len(part))
                stored.update(self.manifest.connection.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part))
        return np.frombuffer(b"".join(stored[key] for key in keys), dtype=np.float32).reshape(len(keys), -1)

    def _settle(self, gone: Sequence[str]) -> None:
        if gone:
            for cache in self._caches:
                cache.delete(gone)
                cache.commit()
        with self._transaction() as connection:
            connection.execute("DELETE FROM touched WHERE generation = ?", (self.generation,))

    # -- small look-ups -------------------------------------------------------------------------------------------

    def _has_content(self, content: str) -> bool:
        key = (self.generation, content)
        row = self.manifest.connection.execute("SELECT 1 FROM contents WHERE generation = ? AND hash = ?", key).fetchone()
        return row is not None

    def _ids_of(self, column: str, values: Sequence[str]) -> list[str]:
        """Ids of the chunks of documents by `d.source` or `d.content`."""
        marks = ",".join("?" * len(values))
        return [
            row[0]
            # Not as a join: without statistics SQLite would go through every chunk for it.
            for row in self.manifest.connection.execute(
                f"""SELECT id FROM chunk_rows WHERE generation = ? AND content IN
                    (SELECT d.content FROM document_rows d WHERE d.generation = ? AND {column} IN ({marks}))""",
                (self.generation, self.generation, *values),
            )
        ]

    def _still_there(self, ids: Sequence[str]) -> set[str]:
        there: set[str] = set()
        for part in self._batches(ids):
            marks = ",".join("?" * len(part))
            rows = self.manifest.connection.execute(
                f"SELECT id FROM chunk_rows WHERE generation = ? AND id IN ({marks})", (self.generation, *part)
            )
            there.update(row[0] for row in rows)
        return there

    def _changed(self, connection: Any) -> None:
        if self.generation == self.manifest.generation:
            connection.execute(
                """INSERT INTO meta VALUES ('changes', '1') ON CONFLICT (key)
                   DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)"""
            )

    def _count_stale(self, connection: Any, number: int) -> None:
        if number:
            connection.execute(
                """INSERT INTO meta VALUES (?, ?) ON CONFLICT (key)
                   DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + CAST(excluded.value AS BIGINT) AS TEXT)""",
                (f"stale-{self.generation}", str(number)),
            )

    @staticmethod
    def _want_sweep(connection: Any) -> None:
        connection.execute(SET_META, ("sweep", "1"))

    @staticmethod
    def _batches(values: Sequence[Any], size: int = 500) -> Iterator[Sequence[Any]]:
        for start in range(0, len(values), size):
            yield values[start : start + size]

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with transaction(self.manifest) as connection:
            yield connection


@contextmanager
def transaction(manifest: Manifest) -> Iterator[Any]:
    """One immediate transaction: all of it or nothing, also when the disk is full."""
    with translated(manifest.path):
        connection = manifest.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


@lru_cache(maxsize=1)
def _document_adapter() -> TypeAdapter[Document]:
    from pydantic import TypeAdapter

    return TypeAdapter(Document)


def _pack(document: Document) -> bytes:
    return zlib.compress(_document_adapter().dump_json(document), 3)


def _unpack(blob: bytes) -> Document:
    return _document_adapter().validate_json(zlib.decompress(blob))


def now_text() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
