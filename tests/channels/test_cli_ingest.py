"""`advisor ingest` as people and scripts see it, on a fast embedder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from channels.cli.main import run
from kb.lock import write_lock
from kb.settings import get_settings


class FastEmbedder:
    name = "fast"
    dim = 8
    fingerprint = "fast-8"

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> npt.NDArray[np.float32]:
        rows = [np.frombuffer(hashlib.blake2b(text.encode(), digest_size=8).digest(), dtype=np.uint8) for text in texts]
        matrix = np.asarray(rows, dtype=np.float32) - 127.5
        return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two documents, beside an empty data folder."""
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    monkeypatch.setattr("kb.embed.get_embedder", lambda settings: FastEmbedder())
    monkeypatch.setattr("kb.embed.embedder_fingerprint", lambda settings: FastEmbedder.fingerprint)
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("# Falcon\n\nThe Falcon model costs 3 yuan.\n", encoding="utf-8")
    (folder / "sub/b.txt").write_text("The Heron model is free.\n", encoding="utf-8")
    return folder


def json_of(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    result: dict[str, object] = json.loads(capsys.readouterr().out)
    return result


def test_the_summary_has_the_promised_shape_and_stdout_holds_nothing_else(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "docs", "--json"]) == 0
    summary = json_of(capsys)
    assert list(summary) == ["documents", "chunks", "seconds"]
    assert summary["documents"] == {"added": 2, "updated": 0, "unchanged": 0, "removed": 0, "failed": []}
    assert summary["chunks"] == 2


def test_progress_is_one_line_a_document_on_stderr(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "docs"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "[1/2] added a.md (1 chunks)" in shown.err
    assert "[2/2] added sub/b.txt (1 chunks)" in shown.err


def test_some_failures_are_exit_code_3_and_named_in_the_summary(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (docs / "empty\nname.md").write_bytes(b"")
    assert run(["ingest", "docs", "--json"]) == 3
    shown = capsys.readouterr()
    (failure,) = json.loads(shown.out)["documents"]["failed"]
    assert failure["source"] == "empty\nname.md" and "empty" in failure["error"]
    assert "empty\\nname.md" in shown.err and "1 failed" in shown.err


def test_only_failures_are_exit_code_1(docs: Path) -> None:
    (docs / "empty.md").write_bytes(b"")
    assert run(["ingest", "docs/empty.md"]) == 1


@pytest.mark.parametrize(
    "arguments", [["nowhere"], ["--remove", "nowhere.md"], ["--remove", "a.md", "docs"], ["ftp://example.org/a"], ["docs", "nowhere"]]
)
def test_wrong_use_is_exit_code_2_with_one_line(docs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(["ingest", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and shown.err.startswith("advisor: ")


def test_a_dry_run_shows_the_plan_and_changes_nothing(docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "docs", "--dry-run", "--json"]) == 0
    shown = capsys.readouterr()
    assert "+ added    a.md" in shown.err
    assert json.loads(shown.out)["documents"]["added"] == 2
    assert not (tmp_path / "home").exists()


def test_prune_and_remove_take_documents_out(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["ingest", "docs"])
    (docs / "a.md").unlink()
    capsys.readouterr()
    assert run(["ingest", "docs"]) == 0
    assert "--prune removes it" in capsys.readouterr().err
    assert run(["ingest", "docs", "--prune", "--json"]) == 0
    assert json_of(capsys)["documents"] == {"added": 0, "updated": 0, "unchanged": 1, "removed": 1, "failed": []}
    assert run(["ingest", "--remove", "docs/sub", "--json"]) == 0
    assert json_of(capsys)["chunks"] == 0


def test_status_says_what_is_there_and_who_is_writing(docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "status"]) == 0
    assert "nothing indexed" in capsys.readouterr().out
    (docs / "empty.md").write_bytes(b"")
    run(["ingest", "docs"])
    capsys.readouterr()
    assert run(["ingest", "status", "--all"]) == 0
    shown = capsys.readouterr().out
    assert "documents     2 (2 user)" in shown and "a.md" in shown and "empty.md" in shown
    with write_lock(tmp_path / "home"):
        assert run(["ingest", "status", "--json"]) == 0
    assert "process" in str(json_of(capsys)["writer"])


def test_a_folder_called_status_is_ingested(docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docs.rename(tmp_path / "status")
    assert run(["ingest", "status", "--json"]) == 0
    assert json_of(capsys)["chunks"] == 2


def test_a_second_writer_is_told_who_is_writing(docs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with write_lock(tmp_path / "home"):
        assert run(["ingest", "docs", "--lock-timeout", "0.2"]) == 1
    shown = capsys.readouterr().err
    assert "waiting for process" in shown and "is being written by process" in shown


def test_an_index_of_another_embedder_names_the_command_that_fixes_it(
    docs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["ingest", "docs"])
    monkeypatch.setattr("kb.embed.embedder_fingerprint", lambda settings: "other")
    capsys.readouterr()
    assert run(["ingest", "docs"]) == 1
    assert "advisor ingest --rebuild" in capsys.readouterr().err
    assert run(["ingest", "--rebuild", "--json"]) == 0
    assert json_of(capsys)["documents"]["updated"] == 2  # type: ignore[index]
