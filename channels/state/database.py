"""Opening the database: one engine a process and address, its tables brought up to date before anything is read."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from kb.database import database_url, make_engine
from kb.errors import AdvisorError
from kb.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ENGINES: dict[str, Engine] = {}
_LOCK = threading.Lock()
_MIGRATION_LOCK = 7_310_571
"""Key of the server's advisory lock, so that replicas that start together do not migrate together."""


class DatabaseError(AdvisorError):
    """The database cannot be reached or brought up to date; callers show the message, which holds no password."""


def open_database(settings: Settings) -> Engine:
    """The process's engine on the database of these settings, with all tables.

    Raises:
        DatabaseError: the server does not answer, or the database is newer than this version.
    """
    url = database_url(settings)
    with _LOCK:
        if url not in _ENGINES:
            engine = make_engine(settings)
            try:
                migrate(engine)
            except DatabaseError:
                engine.dispose()
                raise
            _ENGINES[url] = engine
        return _ENGINES[url]


def close_databases() -> None:
    """Give back every connection; the next `open_database` opens anew."""
    with _LOCK:
        for engine in _ENGINES.values():
            engine.dispose()
        _ENGINES.clear()


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing, all or none of them."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    config = Config()
    config.set_main_option("script_location", "channels.state:")
    config.set_main_option("version_locations", "channels:migrations")
    config.set_main_option("path_separator", "newline")
    try:
        with ExitStack() as stack:
            connection = stack.enter_context(engine.begin())
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise DatabaseError(f"{engine.url!r}: cannot be brought up to date ({error}); was it used by a newer version?") from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DatabaseError(f"{engine.url!r}: the database does not answer ({reason}); check ADVISOR_DATABASE_URL") from None
