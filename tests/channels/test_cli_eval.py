"""`advisor eval collect --feedback`: thumbs of the database become a suite to be reviewed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.cli.main import run
from channels.state.database import close_databases, open_database
from channels.state.feedback import Feedback, Opinion
from kb.settings import get_settings


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_databases()


def test_answers_marked_down_in_the_database_become_cases(tmp_path: Path) -> None:
    feedback = Feedback(open_database(get_settings()))
    feedback.store(Opinion("account:li", "page", "t1", "down", ["Kimi 多少钱", "那豆包呢"], "价格过时", "12 元"))
    feedback.store(Opinion("slack:C1", "slack", "t2", "up", ["GLM 多少钱"]))
    out = tmp_path / "suite.jsonl"
    assert run(["eval", "collect", "--feedback", "--out", str(out)]) == 0
    (case,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert case["turns"] == ["Kimi 多少钱", "那豆包呢"] and "价格过时" in case["why"]


def test_without_any_opinion_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "collect", "--feedback", "--out", str(tmp_path / "suite.jsonl")]) == 2
    assert "nobody has rated an answer yet" in capsys.readouterr().err
