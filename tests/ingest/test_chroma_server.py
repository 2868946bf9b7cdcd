"""The same store behind a Chroma server on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_fakes import HashEmbedder

from ingest import session
from ingest.progress import SilentReporter
from ingest.session import Report, Request
from kb.manifest import Manifest
from kb.settings import Settings
from kb.vectors import VectorStore, VectorStoreError, collection_name


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = shutil.which("chroma", path=str(Path(sys.executable).parent)) or "chroma"
    command = [program, "run", "--path", str(tmp_path_factory.mktemp("server")), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "the server did not start"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def ingest(home: Path, url: str, docs: Path) -> Report:
    request = Request((str(docs),))
    return session.ingest(Settings(home=home, chroma_url=url), request, SilentReporter(), embedder=HashEmbedder())


def store_of(home: Path, url: str) -> VectorStore:
    manifest = Manifest.open(home)
    return VectorStore(home, collection_name(manifest.meta("store_id"), manifest.generation), url=url, create=False)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("Falcon", "Heron", "Crane"):
        (folder / f"{name}.md").write_text(f"# {name}\n\nThe {name} model costs 3 yuan.\n", encoding="utf-8")
    return folder


def test_vectors_live_in_the_server_and_data_folders_do_not_meet(tmp_path: Path, docs: Path, server: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert ingest(one, server, docs).exit_code == 0
    (docs / "Falcon.md").unlink()
    assert ingest(two, server, docs).exit_code == 0
    assert not (one / "chroma").exists()
    manifest = Manifest.open(one)
    ids, vectors = manifest.vectors()
    assert store_of(one, server).ids() == set(ids)
    assert store_of(one, server).query(vectors[1], 1)[0][0] == ids[1]
    assert store_of(two, server).count() == 2


def test_a_server_that_lost_its_data_is_refilled_without_embedding(tmp_path: Path, docs: Path, server: str) -> None:
    home = tmp_path / "home"
    ingest(home, server, docs)
    store_of(home, server).drop()
    report = ingest(home, server, docs)
    assert report.embedded_texts == 0
    assert store_of(home, server).count() == Manifest.open(home).chunk_count()


def test_a_server_that_is_down_is_one_clear_failure(tmp_path: Path, docs: Path) -> None:
    with pytest.raises(VectorStoreError, match="127.0.0.1:9"):
        ingest(tmp_path / "home", "http://127.0.0.1:9", docs)
