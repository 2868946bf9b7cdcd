"""Advisors over the shipped corpus, over a user's own invented one and over a hostile one, each indexed once a run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_documents
import invented_world
import pytest
import yaml
from filelock import FileLock

from agent.session import Advisor, open_advisor
from agent.understand.question import Reader
from agent.work import Work
from kb.catalog.load import load_catalog
from kb.settings import Settings

ROOT = Path(__file__).parent.parent.parent


def run_cli(home: Path, *arguments: str, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    """`advisor ARGUMENTS` as a user runs it, with a data folder and nothing else of the developer's settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_")} | {
        "ADVISOR_HOME": str(home),
        "PYTHONIOENCODING": "utf-8",
    }
    given = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "channels.cli.main", *arguments], input=given, env=environment, cwd=ROOT, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def _indexed(build: Callable[[Path], None], base: Path, name: str) -> Path:
    """A data folder with the documents of `build` ingested; parallel workers share it."""
    root = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name
    with FileLock(f"{root}.lock"):
        if not (root / "complete").exists():
            build(root / "documents")
            done = run_cli(root / "home", "ingest", str(root / "documents"))
            assert done.returncode == 0, done.stderr
            (root / "complete").touch()
    return root


@pytest.fixture(scope="session")
def advisor(shipped_index: Path) -> Advisor:
    """Over the shipped corpus; it keeps nothing between conversations, so tests may share it."""
    return _warm(Settings(home=shipped_index))


@pytest.fixture(scope="session")
def own_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `documents` and the `home` they were ingested into."""
    return _indexed(invented_world.build, tmp_path_factory.getbasetemp(), "own-corpus")


@pytest.fixture(scope="session")
def own_advisor(own_corpus: Path) -> Advisor:
    return _warm(Settings(home=own_corpus / "home"))


@pytest.fixture(scope="session")
def hostile_advisor(tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    """Over documents that try to give orders."""
    return _warm(Settings(home=_indexed(hostile_documents.build, tmp_path_factory.getbasetemp(), "hostile-corpus") / "home"))


def _warm(settings: Settings) -> Advisor:
    """An advisor that has loaded what the first question loads."""
    opened = open_advisor(settings)
    opened.ask(["哪个模型适合做客服？"])
    return opened


MakeWork = Callable[..., Work]


@pytest.fixture
def make_work(tmp_path: Path) -> MakeWork:
    """`make_work(question, {entity name: {field: [claims]}})`: a turn at work over a small catalog and no index."""

    def make(question: str, entities: dict[str, dict[str, list[dict[str, Any]]]]) -> Work:
        records = [{"id": f"e{i}", "name": name, "claims": claims} for i, (name, claims) in enumerate(entities.items())]
        folder = tmp_path / "small"
        folder.mkdir(exist_ok=True)
        (folder / "c.yaml").write_text(yaml.safe_dump({"entities": records}, allow_unicode=True), encoding="utf-8")
        reader = Reader(load_catalog(folders=[folder]))
        return Work(reader.read(question), reader, None)

    return make
