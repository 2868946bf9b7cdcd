"""The SQL database of what people said and did, through SQLAlchemy: a file in the data folder, or a server's.

The index keeps its own manifest (kb/manifest.py); this is where conversations, feedback, deliveries and limits live, so that
several processes and several machines share them when `ADVISOR_DATABASE_URL` names a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kb.errors import SettingsError
from kb.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

FILE_NAME = "state.sqlite"
BUSY_TIMEOUT_MS = 15_000
_EXPECTED = "postgresql://user:password@host/database or sqlite:////path/file"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def database_url(settings: Settings) -> str:
    """The address asked for, with the driver this project uses; without one, the SQLite file of the data folder."""
    asked = settings.database_url.get_secret_value()
    if not asked:
        return f"sqlite:///{settings.home / FILE_NAME}"
    scheme, separator, rest = asked.partition("://")
    if not separator:
        raise SettingsError(f"ADVISOR_DATABASE_URL: no address; expected {_EXPECTED}")
    return f"{_DRIVERS.get(scheme, scheme)}://{rest}"


def make_engine(settings: Settings) -> Engine:
    """An engine on `database_url`. Nothing is connected to yet.

    Raises:
        SettingsError: the address has no driver that is installed; names the extra that brings it.
    """
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    url = database_url(settings)
    try:
        if not url.startswith("sqlite"):
            return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
        settings.home.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    except ModuleNotFoundError as error:
        how = "install it with: pip install 'llm-advisor[postgres]'" if error.name == "psycopg" else "install its driver"
        raise SettingsError(f"ADVISOR_DATABASE_URL: the driver {error.name!r} is not installed; {how}") from None
    except (ArgumentError, NoSuchModuleError) as error:
        raise SettingsError(f"ADVISOR_DATABASE_URL: {error}; expected {_EXPECTED}") from None

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling would begin them late and without a write lock.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A reader that turns writer inside its transaction would fail at once instead of waiting.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
