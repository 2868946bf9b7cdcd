"""The Quality tab: what it shows of the last evaluation, and who may run one."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from channels.page.accounts import Account, Gate
from channels.page.backend import Backend
from channels.page.quality_job import Controls, EvaluationJob, JobState
from channels.page.quality_view import progress_html, quality_html, read_last
from kb.errors import AdvisorError

FIGURES = {"n": 4, "correct": 3, "accuracy": 0.75, "interval": [0.3, 0.954], "errors": 0, "p50_ms": 12.0, "p95_ms": 80.0, "numbers": 0.5}
RESULT = {
    "suite": "mine", "id": "c1", "category": "price", "turns": ["先问", "<b>Orla</b> 多少钱"], "correct": False, "misses": ["number 12 CNY"],
    "reason": "retrieval", "answer": "<script>x</script>", "citations": [{"source": "a<b>.md", "section": "价", "text": "t"}], "why": "12",
}  # fmt: skip


def write_run(folder: Path, **more: Any) -> None:
    folder.mkdir(parents=True)
    summary = {
        "started": "2026-11-22T09:00:01+00:00", "seconds": 31.5, "settings": {"mode": "offline"}, "suites": {"mine": 4},
        "slices": {"all": FIGURES, "mine": FIGURES, "mine/price": FIGURES, "lang/zh": FIGURES},
        "titles": {"price": {"zh": "单价", "en": "prices"}}, "gate": None, "change": None,
        "baselines": {"refuse": {"accuracy": 0.124}, "echo": {"accuracy": 0.006}},
    } | more  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    right = RESULT | {"id": "c2", "correct": True, "turns": ["Tarn 多少钱"], "reason": ""}
    (folder / "results.jsonl").write_text("".join(json.dumps(r) + "\n" for r in (RESULT, right)), encoding="utf-8")


def shown(folder: Path) -> str:
    return quality_html(read_last(folder), can_run=False)


def test_a_run_is_shown_with_its_interval_categories_and_failures(tmp_path: Path) -> None:
    write_run(tmp_path / "last")
    html = shown(tmp_path / "last")
    for text in ("75.0%", "答对 3 / 4 题", "95% interval 30.0% – 95.4%", "单价", "prices", "未设门槛", "12.4%", "number 12 CNY", "检索"):
        assert text in html, text
    assert "Tarn" not in html


def test_text_of_questions_answers_and_documents_is_shown_as_text(tmp_path: Path) -> None:
    write_run(tmp_path / "last")
    html = shown(tmp_path / "last")
    assert "<script>" not in html and "<b>Orla" not in html and "a<b>.md" not in html
    assert "&lt;script&gt;x" in html and "a&lt;b&gt;.md" in html


def test_what_the_gate_says_is_shown_in_both_languages(tmp_path: Path) -> None:
    missed = {"slice": "mine/price", "text": "t", "metric": "accuracy", "value": 0.75, "limit": 0.9, "is_floor": True}
    other = {"slice": "mine", "text": "2 broken, 0 fixed since the compared run"}
    write_run(tmp_path / "red", gate={"file": "g", "violations": [missed, other]})
    html = shown(tmp_path / "red")
    for text in ("门槛未达标：2 项", "75.0%，下限 90.0%", "75.0%, floor 90.0%", "2 broken, 0 fixed"):
        assert text in html, text
    write_run(tmp_path / "green", gate={"file": "g", "violations": []})
    assert "门槛全部达标" in shown(tmp_path / "green")


def test_what_changed_is_shown_with_its_questions(tmp_path: Path) -> None:
    change = {"with": "2026-11-21T09:00:01+00:00", "fixed": ["mine/c2"], "broken": ["mine/c1"], "shared": 4, "p": 1.0}
    write_run(tmp_path / "last", change=change)
    html = shown(tmp_path / "last")
    assert "修好 1 题" in html and "1 broken" in html and "Tarn 多少钱" in html and "2026-11-21 09:00" in html


def test_without_a_run_the_tab_says_what_an_evaluation_is_and_who_starts_one(tmp_path: Path) -> None:
    assert read_last(tmp_path / "last") is None
    assert "还没有评测过" in quality_html(None, can_run=True) and "button above" in quality_html(None, can_run=True)
    assert "maintainer" in quality_html(None, can_run=False)


def test_a_run_that_cannot_be_read_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    write_run(tmp_path / "last")
    (tmp_path / "last" / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(AdvisorError, match="run `advisor eval` again"):
        read_last(tmp_path / "last")


def test_progress_is_told_in_words_and_as_a_share() -> None:
    html = progress_html(JobState(running=True, done=120, total=480, wrong=3, seconds=12.4))
    assert 'value="0.250"' in html and "已问 120 / 480 题，答错 3" in html
    assert "正在准备" in progress_html(JobState(running=True)) and progress_html(JobState()) == ""
    assert "&lt;b&gt;" in progress_html(JobState(error="<b>"))


def job(home: Path, script: str) -> EvaluationJob:
    return EvaluationJob(home, (sys.executable, "-c", script))


def ended(running: EvaluationJob) -> JobState:
    deadline = time.monotonic() + 30
    while (state := running.state()).running and time.monotonic() < deadline:
        time.sleep(0.02)
    return state


def test_a_run_is_followed_from_its_start_to_its_report(tmp_path: Path) -> None:
    release = tmp_path / "go"
    script = f"""
import pathlib, sys, time
home = pathlib.Path({str(tmp_path)!r}) / "eval"
(home / "running").mkdir(parents=True)
(home / "running" / "progress.json").write_text('{{"done": 1, "total": 4, "wrong": 0}}')
while not pathlib.Path({str(release)!r}).exists(): time.sleep(0.01)
(home / "last").mkdir(); (home / "last" / "summary.json").write_text("{{}}")
sys.exit(1)
"""
    running = job(tmp_path, script)
    assert running.state() == JobState()
    running.start()
    deadline = time.monotonic() + 30
    while not running.state().total and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (running.state().running, running.state().done, running.state().total) == (True, 1, 4)
    running.start()  # a second one does nothing
    release.touch()
    assert ended(running) == JobState()  # exit code 1: outside the gate, which the report shows


def test_a_run_that_fails_shows_its_last_line_and_one_that_is_stopped_says_so(tmp_path: Path) -> None:
    failing = job(tmp_path, "import sys; print('advisor: no suite'); sys.exit(2)")
    failing.start()
    assert ended(failing).error == "advisor: no suite"
    waiting = job(tmp_path, "import time; time.sleep(60)")
    waiting.start()
    waiting.stop()
    assert waiting.state() == JobState(stopped=True)


@pytest.fixture
def accounts() -> Gate:
    return Gate({"li": Account("li", "reader", "x"), "han": Account("han", "maintainer", "x")})


def test_only_maintainers_run_an_evaluation_where_people_sign_in(accounts: Gate, tmp_path: Path) -> None:
    assert [accounts.is_maintainer(name) for name in ("han", "li", "nobody", None)] == [True, False, False, False]
    alone = Backend(lambda: None, dict, lambda citation: "", tmp_path, choices={})  # type: ignore[arg-type, return-value]
    assert alone.is_maintainer(None) and not alone.is_maintainer("li")


def test_a_reader_cannot_start_one_by_calling_the_event(tmp_path: Path, accounts: Gate) -> None:
    controls = Controls(job(tmp_path, "import time; time.sleep(60)"), accounts.is_maintainer)
    for user in ("li", None):
        controls.start(user)
    assert not controls.job.state().running
    controls.start("han")
    controls.stop("li")
    assert controls.job.state().running
    controls.stop("han")
    assert controls.job.state().stopped
