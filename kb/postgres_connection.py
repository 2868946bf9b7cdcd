"""PostgreSQL as the manifest's SQL sees it: statements with `?`, autocommit outside a transaction, errors as `ManifestError`.

Readers take a connection out of the pool for each statement, so a server that was restarted is found again by itself. A writer
keeps one connection to itself, the one that holds the lock: with it every later transaction fails, so that nobody writes unlocked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kb.manifest import ManifestError, Rows

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


class Found(Rows):
    """Rows that were fetched, plain tuples as SQLite gives them."""

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows = iter(rows)

    def fetchone(self) -> Any:
        """The next row, None after the last."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class PooledConnection:
    """For readers: one statement, one connection of the pool."""

    in_transaction = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Found:
        """Rows of a statement that changes nothing."""
        with translated_sql(self._engine), self._engine.connect() as connection:
            return _run(connection, sql, values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Not for readers."""
        raise ManifestError("this connection reads only")


class OwnConnection:
    """For a writer: everything on one connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with translated_sql(engine):
            self._connection = engine.connect()
        self.in_transaction = False

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Found:
        """One statement; `BEGIN IMMEDIATE`, `COMMIT` and `ROLLBACK` frame a transaction."""
        with translated_sql(self._engine):
            found = _run(self._connection, sql.replace("BEGIN IMMEDIATE", "BEGIN"), values)
        if sql in ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"):
            self.in_transaction = sql == "BEGIN IMMEDIATE"
        return found

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object:
        """One statement for each row, sent in one go."""
        given = [_storable(row) for row in rows]
        if given:
            with translated_sql(self._engine):
                self._connection.exec_driver_sql(_marks(sql), given)
        return None

    def close(self) -> None:
        """Gives up what this connection held, its locks too."""
        self._connection.invalidate()
        self._connection.close()


def _run(connection: Connection, sql: str, values: Sequence[Any]) -> Found:
    result = connection.exec_driver_sql(_marks(sql), _storable(values))
    return Found([tuple(row) for row in result.fetchall()] if result.returns_rows else ())


@lru_cache(maxsize=512)
def _marks(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _storable(values: Sequence[Any]) -> tuple[Any, ...]:
    """PostgreSQL's text holds no NUL; parsers leave none, and a file's name cannot have one."""
    return tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in values)


@contextmanager
def translated_sql(engine: Engine) -> Iterator[None]:
    """Errors of the server as `ManifestError`, without the password."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        where = engine.url.render_as_string(hide_password=True)
        raise ManifestError(f"{where}: {cause}; check ADVISOR_DATABASE_URL, and that the server runs and has room") from error
