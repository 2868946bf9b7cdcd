"""Every test has a data folder of its own, no key, no model hub and no network but loopback."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from milvus_server import running_milvus
from postgres_server import MISSING, PostgresServer, programs, running_postgres

if TYPE_CHECKING:
    from kb.settings import Settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

_KEPT = {"ADVISOR_CHROMIUM", "ADVISOR_TEST_HOME"}


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No `ADVISOR_*` of the developer's shell reaches a test; the data folder is temporary."""
    from kb.settings import get_settings

    for name in [name for name in os.environ if name.startswith("ADVISOR_") and name not in _KEPT]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def no_leftovers() -> Iterator[None]:
    """Gradio leaves event loops and their sockets to the garbage collector, which would blame whatever test runs by then."""
    yield
    if "gradio" in sys.modules:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture(scope="session")
def shipped_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the shipped corpus indexed by the real command, once a run; read it, do not write to it.

    `ADVISOR_TEST_HOME` names one that exists already, which saves a developer the wait.
    """
    given = os.environ.get("ADVISOR_TEST_HOME")
    if given:
        return Path(given)
    base = tmp_path_factory.getbasetemp()
    # Parallel workers have folders side by side and share one index.
    home = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shipped-index"
    with FileLock(f"{home}.lock"):
        if not (home / "complete").exists():
            environment = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_")} | {"ADVISOR_HOME": str(home)}
            command = [sys.executable, "-m", "channels.cli.main", "ingest"]
            done = subprocess.run(command, env=environment, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (home / "complete").touch()
    return home


@pytest.fixture
def indexed_home(shipped_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped index as this test's own data folder."""
    home = tmp_path / "home"
    shutil.copytree(shipped_index, home)
    monkeypatch.setenv("ADVISOR_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started once a run; every database that a test asks it for is new."""
    if programs() is None:
        pytest.skip(MISSING)
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def state_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty state database: the data folder's own file, then a server's."""
    from pydantic import SecretStr

    from kb.settings import Settings

    if request.param == "sqlite":
        return Settings(home=tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return Settings(home=tmp_path, database_url=SecretStr(server.database()))


@pytest.fixture(scope="session")
def milvus() -> Iterator[str]:
    """The address of a Milvus server (the embedded one, in a process of its own), started once a run."""
    with running_milvus() as address:
        yield address


@pytest.fixture(params=["local", "distributed"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty store: a data folder, then servers."""
    from kb.settings import Settings

    return Settings(home=tmp_path / "home") if request.param == "local" else request.getfixturevalue("distributed_settings")


@pytest.fixture
def distributed_settings(milvus: str, postgres: PostgresServer, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an empty store on servers."""
    from pydantic import SecretStr

    from kb.postgres_manifest import forget_engines
    from kb.settings import Settings

    yield Settings(home=tmp_path / "home", milvus_url=milvus, database_url=SecretStr(postgres.database()))
    forget_engines()
