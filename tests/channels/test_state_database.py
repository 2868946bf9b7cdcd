"""The database of conversations and deliveries: made when it is first opened, the same as its declared shape."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from postgres_server import PostgresServer
from pydantic import SecretStr
from sqlalchemy import inspect, text

from channels.state.database import DatabaseError, close_databases, migrate, open_database
from channels.state.schema import metadata
from kb.database import make_engine
from kb.errors import SettingsError
from kb.settings import Settings


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_databases()


def test_migrations_lead_to_the_declared_tables(state_settings: Settings) -> None:
    engine = open_database(state_settings)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert set(metadata.tables) < set(inspect(connection).get_table_names())


def test_opening_again_keeps_what_is_there(state_settings: Settings) -> None:
    settings = state_settings
    with open_database(settings).begin() as connection:
        connection.execute(text("INSERT INTO limits VALUES ('user:a', 3.5, 10.0)"))
    close_databases()
    with open_database(settings).connect() as connection:
        assert connection.execute(text("SELECT tokens FROM limits")).scalar() == 3.5


def test_a_database_of_a_newer_version_is_refused_and_kept(state_settings: Settings) -> None:
    settings = state_settings
    with open_database(settings).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    close_databases()
    with pytest.raises(DatabaseError, match="newer version"):
        open_database(settings)


def test_an_address_without_a_scheme_is_refused_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="postgresql://user:password@host/database"):
        open_database(Settings(home=tmp_path, database_url=SecretStr("localhost")))


def test_an_unreachable_server_is_an_error_without_the_password(tmp_path: Path) -> None:
    address = SecretStr("postgresql://advisor:hunter2@127.0.0.1:9/none")
    with pytest.raises((DatabaseError, SettingsError)) as caught:
        open_database(Settings(home=tmp_path, database_url=address))
    assert "hunter2" not in str(caught.value)


def test_replicas_that_start_together_migrate_once(postgres: PostgresServer, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=SecretStr(postgres.database()))
    engines = [make_engine(settings) for _ in range(4)]
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(migrate, engines))
    with engines[0].connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    for engine in engines:
        engine.dispose()


def test_a_wrong_password_is_an_error_that_does_not_show_it(postgres: PostgresServer, tmp_path: Path) -> None:
    address = postgres.database().replace("s3cret", "hunter2")
    with pytest.raises(DatabaseError, match="password authentication failed") as caught:
        open_database(Settings(home=tmp_path, database_url=SecretStr(address)))
    assert "hunter2" not in str(caught.value)
