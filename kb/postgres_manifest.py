"""The manifest in PostgreSQL, for several machines: the same tables and statements as SQLite's, in a schema of the index's name.

The right to write is an advisory lock of the connection that writes, so the server takes it back when that process or its
machine is gone, and a writer that lost its connection cannot go on.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from kb.errors import IndexLockedError, IndexMissingError, SettingsError
from kb.manifest import Manifest, ManifestError, SqlConnection
from kb.postgres_connection import OwnConnection, PooledConnection, translated_sql
from kb.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ENGINES: dict[tuple[str, str], Engine] = {}
_GUARD = threading.Lock()
_LOCK_SPACE = 7_310_572
_POLL_S = 0.2
_NOTE = "writer"


class PostgresManifest(Manifest):
    """Reading and, opened by `writing`, the one writer's side."""

    def __init__(self, settings: Settings, own: OwnConnection | None = None) -> None:
        self.home = settings.home
        self.path = settings.home / "manifest"  # named in no message: nothing lies there
        self._engine = _engine(settings)
        self._own = own
        self._thread = threading.get_ident()
        self._pooled = PooledConnection(self._engine)

    @classmethod
    def of(cls, settings: Settings) -> PostgresManifest:
        """The manifest that these settings name, for reading.

        Raises:
            IndexMissingError: nothing was ever ingested into it.
            ManifestError: the server does not answer.
        """
        manifest = cls(settings)
        row = manifest.connection.execute("SELECT to_regclass('meta')").fetchone()
        if row is None or row[0] is None:
            raise IndexMissingError(f"no index {settings.store_name!r} in the database: nothing was ingested yet; run `advisor ingest`")
        return manifest

    @property
    def connection(self) -> SqlConnection:
        """The writer's own connection in the thread that writes, one of the pool otherwise."""
        if self._own is not None and threading.get_ident() == self._thread:
            return self._own
        return self._pooled

    def close(self) -> None:
        """Nothing: connections belong to the pool."""

    def size_bytes(self) -> int:
        """What the tables and their indexes take up."""
        row = self._one("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace")
        return int(row[0] or 0) if row else 0

    def damage(self) -> str:
        """The server checks its own pages."""
        return ""


@contextmanager
def writing(settings: Settings, *, wait_s: float, on_wait: Callable[[str], None] | None = None) -> Iterator[PostgresManifest]:
    """The manifest for the one writer, made or brought up to date first.

    Raises:
        IndexLockedError: somebody else still writes after `wait_s` seconds.
    """
    own = OwnConnection(_engine(settings))
    try:
        _lock(own, settings, wait_s, on_wait)
        _migrate(settings)
        own.execute("INSERT INTO meta VALUES ('store_id', ?) ON CONFLICT DO NOTHING", (uuid.uuid4().hex[:12],))
        own.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (_NOTE, _note()))
        yield PostgresManifest(settings, own)
    finally:
        own.close()


def writer_of(settings: Settings) -> str:
    """Who is writing now, in words; empty if nobody is."""
    reader = PooledConnection(_engine(settings))
    query = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ? AND objid = ? AND database = ?"
    database = reader.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()[0]
    if reader.execute(query, (_LOCK_SPACE, _lock_key(settings) % 2**32, database)).fetchone() is None:
        return ""
    try:
        note = json.loads(reader.execute("SELECT value FROM meta WHERE key = ?", (_NOTE,)).fetchone()[0])
        since = datetime.fromtimestamp(note["since"]).strftime("%Y-%m-%d %H:%M:%S")
        return f"process {note['pid']} on host {note['host']} ({note['command']}) since {since}"
    except (ManifestError, TypeError, ValueError, KeyError):  # the first writer of all has no table for its note yet
        return "another process"


def forget_engines() -> None:
    """Close the pools of this process; the next manifest opens its own."""
    with _GUARD:
        for engine in _ENGINES.values():
            engine.dispose()
        _ENGINES.clear()


def _engine(settings: Settings) -> Engine:
    """The process's pool on the index's schema, in autocommit mode."""
    from sqlalchemy import event

    from kb.database import database_url, make_engine

    url = database_url(settings)
    if not url.startswith("postgresql"):
        raise SettingsError(
            "ADVISOR_MILVUS_URL is set, and ADVISOR_DATABASE_URL names no PostgreSQL: documents that several machines share are kept "
            "there; expected e.g. postgresql://user:password@host/database"
        )
    with _GUARD:
        key = url, settings.store_name
        if key not in _ENGINES:
            engine = make_engine(settings)

            @event.listens_for(engine, "connect")
            def _set_up(connection: object, _record: object) -> None:
                connection.autocommit = True  # type: ignore[attr-defined]
                connection.execute(f"SET search_path TO {schema_name(settings)}")  # type: ignore[attr-defined]

            _ENGINES[key] = engine.execution_options(isolation_level="AUTOCOMMIT")
        return _ENGINES[key]


def schema_name(settings: Settings) -> str:
    """The PostgreSQL schema of an index."""
    return f"advisor_{settings.store_name}"


def _migrate(settings: Settings) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    engine, schema = _engine(settings), schema_name(settings)
    config = Config()
    config.set_main_option("script_location", "kb:")
    config.set_main_option("version_locations", "kb:migrations")
    config.set_main_option("path_separator", "newline")
    config.attributes["schema"] = schema
    with translated_sql(engine):
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                what = f"the index {settings.store_name!r} cannot be brought up to date ({error})"
                raise ManifestError(f"{what}; was it written by a newer version?") from None


def _lock(own: OwnConnection, settings: Settings, wait_s: float, on_wait: Callable[[str], None] | None) -> None:
    deadline, told = time.monotonic() + wait_s, False
    while not own.execute("SELECT pg_try_advisory_lock(?, ?)", (_LOCK_SPACE, _lock_key(settings))).fetchone()[0]:
        holder = writer_of(settings) or "another process"
        if on_wait is not None and wait_s > 0 and not told:
            on_wait(f"waiting for {holder}")
            told = True
        if time.monotonic() >= deadline:
            raise IndexLockedError(
                f"the index {settings.store_name!r} is being written by {holder}; "
                f"still busy after {wait_s:.0f} s: try again when it has finished, or stop it"
            )
        time.sleep(min(_POLL_S, max(0.0, deadline - time.monotonic())))


def _lock_key(settings: Settings) -> int:
    return int.from_bytes(hashlib.blake2b(schema_name(settings).encode(), digest_size=4).digest(), "big", signed=True)


def _note() -> str:
    command = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])[:200].encode("utf-8", "replace").decode()
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "command": command})
