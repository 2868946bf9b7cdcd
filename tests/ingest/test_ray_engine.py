"""Ingestion on a Ray cluster of this machine, with two workers in each pool: the same end state as in one process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from store_fakes import HashEmbedder, file_caches

from ingest.pipeline import Engine, run_actions
from ingest.progress import LineReporter, SilentReporter
from ingest.session import Report, Request, ingest
from kb.manifest import Manifest, Matrix
from kb.settings import Settings

pytest.importorskip("ray", reason="Ray is not installed (pip install 'llm-advisor[ray]')")
from ingest.ray_engine import RayEngine

ROOT = Path(__file__).parents[2]
PATIENCE = {"RAY_agent_register_timeout_ms": "300000", "RAY_worker_register_timeout_seconds": "300"}
"""Ray takes a machine that is slow to start its processes for a broken one."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"),  # Ray's own
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster whose workers find the project and these tests."""
    import ray

    places = os.pathsep.join(str(path) for path in (ROOT, ROOT / "tests", ROOT / "tests" / "ingest"))
    # Workers give way to everything else by default, which on a busy machine is for ever.
    patch = pytest.MonkeyPatch()
    for name, value in {"PYTHONPATH": places, "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0", **PATIENCE}.items():
        patch.setenv(name, value)
    quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    for left in reversed(range(5)):  # it gives its own processes 30 seconds to start, which a busy machine may not manage
        try:
            context = ray.init(address="local", num_cpus=2, object_store_memory=10**9, _node_ip_address="127.0.0.1", **quiet)
            break
        except Exception:
            ray.shutdown()
            if not left:
                raise
    yield context.address_info["gcs_address"]
    ray.shutdown()
    patch.undo()


class DiesOnce(HashEmbedder):
    """Takes the worker that it runs in down with it, once, in the middle of the work."""

    def __init__(self, marker: Path) -> None:
        super().__init__()
        self.marker = marker

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Matrix:
        if any("M40 " in text for text in texts):
            try:
                self.marker.touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:
                pass
        return super().embed_passages(texts, progress)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Seventy documents, two of them alike, one broken, one empty."""
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    for number in range(68):
        text = f"# Model M{number}\n\nM{number} costs {number} yuan.\n\n| tier | yuan |\n|---|---|\n| small | {number} |\n| large | {number + 1} |\n"
        (folder / f"m{number:02}.md").write_text(text, encoding="utf-8")
    (folder / "deep" / "copy.md").write_bytes((folder / "m03.md").read_bytes())
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 cut off")
    (folder / "empty.md").write_bytes(b"")
    return folder


def run(home: Path, docs: Path, engine: Engine, embedder: HashEmbedder | None = None, **more: Any) -> Report:
    settings = Settings(home=home)
    request = Request((str(docs),), **more)
    return ingest(settings, request, SilentReporter(), embedder=embedder or HashEmbedder(), make_caches=file_caches(home), engine=engine)


def state(home: Path) -> dict[str, Any]:
    """Everything that an index holds, but for when and where."""
    manifest = Manifest.open(home)
    ids, vectors = manifest.vectors()
    held = {
        "documents": [(d.source, d.corpus, d.content_hash, d.title, d.chunk_count) for d in manifest.documents()],
        "chunks": [chunk for batch in manifest.each_chunk() for chunk in batch],
        "drafts": manifest.connection.execute("SELECT source, draft FROM documents ORDER BY source").fetchall(),
        "vectors": (ids, vectors.tobytes(), manifest.connection.execute("SELECT count(*) FROM vectors").fetchone()),
        "cache": file_caches(home)(manifest, manifest.generation)[0].ids(),
        "failures": [source for source, _, _ in manifest.failures()],
        "pending": manifest.pending(),
    }
    manifest.close()
    return held


def test_ray_leads_to_the_same_index_as_one_process(cluster: str, docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = RayEngine(Settings(home=tmp_path / "ray"), workers=2)
    here, there = run(tmp_path / "here", docs, run_actions), run(tmp_path / "ray", docs, engine)
    assert state(tmp_path / "ray") == state(tmp_path / "here")
    assert (there.done, there.exit_code, there.embedded_texts) == (here.done, here.exit_code, here.embedded_texts)
    assert [failure.source for failure in there.failed] == [failure.source for failure in here.failed]

    (docs / "m00.md").rename(docs / "renamed.md")
    (docs / "m01.md").write_text("# Model M1\n\nM1 is free now.\n", encoding="utf-8")
    (docs / "m02.md").unlink()
    here, there = run(tmp_path / "here", docs, run_actions, prune=True), run(tmp_path / "ray", docs, engine, prune=True)
    assert there.done == here.done == {"unchanged": 66, "renamed": 1, "updated": 1, "removed": 1}
    assert there.embedded_texts == here.embedded_texts == 1
    assert state(tmp_path / "ray") == state(tmp_path / "here")


def test_a_worker_that_is_killed_in_the_middle_costs_nothing(cluster: str, docs: Path, tmp_path: Path) -> None:
    run(tmp_path / "here", docs, run_actions)
    mortal = DiesOnce(tmp_path / "died")
    run(tmp_path / "ray", docs, RayEngine(Settings(home=tmp_path / "ray"), workers=2), mortal)
    assert mortal.marker.exists()
    assert state(tmp_path / "ray") == state(tmp_path / "here")


def test_a_driver_that_is_killed_goes_on_where_it_was(cluster: str, docs: Path, tmp_path: Path) -> None:
    """It reaches the cluster by its address, as one of several machines would."""
    run(tmp_path / "here", docs, run_actions)
    home = tmp_path / "ray"
    command = [sys.executable, str(ROOT / "tests" / "ingest" / "ray_child.py"), str(home), str(docs), cluster]
    killed = subprocess.run([*command, "20"], capture_output=True, text=True, check=False, timeout=600)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    manifest = Manifest.open(home)
    assert 0 < manifest.document_count() < 69
    manifest.close()
    resumed = subprocess.run([*command, "0"], capture_output=True, text=True, check=False, timeout=600)
    assert resumed.returncode == 0, resumed.stderr
    assert "'unchanged'" in resumed.stdout
    assert state(home) == state(tmp_path / "here")


def test_progress_is_that_of_the_local_engine(cluster: str, docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings, home = Settings(home=tmp_path / "ray"), tmp_path / "ray"
    reporter = LineReporter(sys.stderr)
    engine = RayEngine(settings, workers=2)
    request = Request((str(docs / "m00.md"), str(docs / "broken.pdf"), str(docs / "m01.md")))
    ingest(settings, request, reporter, embedder=HashEmbedder(), make_caches=file_caches(home), engine=engine)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("[")]
    assert [line.split(" (")[0][:20] for line in lines] == ["[1/3] added m00.md", "[2/3] failed broken.", "[3/3] added m01.md"]


def test_ray_is_imported_only_when_it_is_asked_for() -> None:
    code = "import sys, ingest.ray_engine, ingest.session, channels.cli.main as m; m.build_app(); print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "False\n", done.stderr
