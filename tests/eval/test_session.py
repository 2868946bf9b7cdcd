"""`advisor eval` from the command line to the report, with a scripted agent in place of the real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from channels.cli.main import run as advisor
from eval import session
from eval.corpora import write_corpus
from eval.suite import Case, load_suite, write_suite
from kb.settings import get_settings
from tests.eval.fakes import Scripted, right_answer

CASES = [
    Case.model_validate({"id": f"c{n}", "lang": "zh", "category": "price", "turns": [f"第{n}问"], "expect": {"all_of": [[f"答{n}"]]}})
    for n in range(4)
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    answers = {c.turns[-1]: right_answer(c) for c in CASES}
    monkeypatch.setattr(session, "AgentFactory", lambda mode, homes: Scripted(answers))
    yield tmp_path
    get_settings.cache_clear()


def test_a_suite_is_run_and_reported(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(home / "mine.jsonl", CASES)
    assert advisor(["eval", "mine.jsonl", "--out", "run"]) == 0
    captured = capsys.readouterr()
    assert "mine" in captured.out and "4/4" in captured.out
    assert "report: run/report.html" in captured.err
    assert (home / "run" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_gate_that_does_not_hold_is_exit_code_1_and_names_the_slice(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(home / "mine.jsonl", [*CASES[:3], CASES[3].model_copy(update={"turns": ["没人会的"]})])
    (home / "gate.yaml").write_text("floors: {mine/price: {accuracy: 0.9}}\n", encoding="utf-8")
    assert advisor(["eval", "mine.jsonl", "--out", "run", "--gate", "gate.yaml", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["slices"]["mine"]["correct"] == 3
    assert "gate: mine/price: accuracy 0.75, expected >= 0.9" in captured.err


def test_two_runs_are_compared(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(home / "mine.jsonl", CASES)
    assert advisor(["eval", "mine.jsonl", "--out", "a"]) == 0
    assert advisor(["eval", "run", "mine.jsonl", "--out", "b", "--compare", "a"]) == 0
    assert "0 fixed, 0 broken" in capsys.readouterr().out
    assert advisor(["eval", "mine.jsonl", "--out", "b", "--compare", "b"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["eval", "none.jsonl"], "no such suite"),
        (["eval", "mine.jsonl", "--gate", "none.yaml"], "no such gate file"),
        (["eval", "mine.jsonl", "--compare", "none"], "no run there"),
        (["eval", "mine.jsonl", "sub/mine.jsonl"], "two suites are called mine"),
        (["eval", "new", "--out", "mine.jsonl"], "--force"),
        (["eval", "new", "--out", "x.jsonl", "--lang", "fr"], "expected zh, en"),
        (["eval", "collect", "--out", "x.jsonl"], "give a CSV or XLSX"),
    ],
)
def test_wrong_use_is_exit_code_2_with_one_line(arguments: list[str], said: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(home / "mine.jsonl", CASES)
    assert advisor(arguments) == 2
    assert said in capsys.readouterr().err


def test_suites_are_drafted_and_collected(home: Path) -> None:
    assert advisor(["eval", "new", "--out", "drafted.jsonl", "--lang", "en"]) == 0
    assert {c.lang for c in load_suite(home / "drafted.jsonl")} == {"en"}
    (home / "q.csv").write_text("question,answer\nkimi 价格,12 元\n", encoding="utf-8")
    assert advisor(["eval", "collect", "q.csv", "--out", "q.jsonl"]) == 0
    assert load_suite(home / "q.jsonl")[0].expect.numbers[0].value == 12


def test_help_shows_examples_and_the_subcommands(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert advisor(["eval", "--help"]) == 0
    text = capsys.readouterr().out
    assert "advisor eval advisor --gate eval/gate.yaml" in text
    assert all(name in text for name in ("run", "new", "collect"))


def test_a_corpus_is_written_under_a_name_that_changes_with_its_content(tmp_path: Path) -> None:
    from eval.corpora import Corpus

    corpus = Corpus(texts={"a.md": "# A\n\ntext\n"}, noise=0.5)
    documents, home = write_corpus(corpus, tmp_path, tmp_path / "corpora")
    assert sorted(p.name for p in documents.iterdir()) == ["a.md", "noise-000.md"]
    again, _ = write_corpus(corpus, tmp_path, tmp_path / "corpora")
    other, _ = write_corpus(Corpus(texts={"a.md": "# A\n\nother\n"}), tmp_path, tmp_path / "corpora")
    assert again == documents and other != documents and home.parent == documents.parent


def test_without_a_folder_a_run_becomes_the_last_one_and_is_compared_with_the_one_before(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(home / "mine.jsonl", [*CASES[:3], CASES[3].model_copy(update={"turns": ["没人会的"]})])
    assert advisor(["eval", "mine.jsonl"]) == 0
    assert "compared" not in capsys.readouterr().out
    write_suite(home / "mine.jsonl", CASES)
    assert advisor(["eval", "mine.jsonl"]) == 0
    assert "0 fixed, 0 broken" in capsys.readouterr().out  # the changed question is not compared
    folder = home / "home" / "eval"
    assert {p.name for p in folder.iterdir() if p.is_dir()} == {"last", "previous"}
    summary = json.loads((folder / "last" / "summary.json").read_text(encoding="utf-8"))
    assert summary["change"]["shared"] == 3 and summary["gate"] is None
    assert summary["baselines"]["echo"]["accuracy"] == 0.0


def test_the_last_run_stays_until_the_next_is_finished(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_suite(home / "mine.jsonl", CASES)
    assert advisor(["eval", "mine.jsonl"]) == 0
    report = home / "home" / "eval" / "last" / "report.html"
    before = report.read_text(encoding="utf-8")

    def breaks(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "check_gate", breaks)
    (home / "gate.yaml").write_text("floors: {}\n", encoding="utf-8")
    assert advisor(["eval", "mine.jsonl", "--gate", "gate.yaml"]) == 130
    assert report.read_text(encoding="utf-8") == before


def test_two_evaluations_do_not_write_to_one_data_folder(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from eval.latest import Folders, only_one

    write_suite(home / "mine.jsonl", CASES)
    with only_one(Folders.of(home / "home")):
        assert advisor(["eval", "mine.jsonl"]) == 2
    assert "another evaluation" in capsys.readouterr().err


def test_the_language_model_mode_needs_a_language_model(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_suite(home / "mine.jsonl", CASES)
    assert advisor(["eval", "mine.jsonl", "--mode", "llm"]) == 2
    assert "ADVISOR_LLM_BASE_URL" in capsys.readouterr().err


def test_answers_without_the_language_model_are_counted_where_it_was_asked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADVISOR_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("ADVISOR_LLM_MODEL", "some-model")
    get_settings.cache_clear()
    write_suite(home / "mine.jsonl", CASES)
    assert advisor(["eval", "mine.jsonl", "--mode", "llm", "--out", "run"]) == 0
    assert "4 of 4 answers stand without the language model's words" in capsys.readouterr().err


def test_cases_that_expect_nothing_yet_are_passed_over_and_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = Case.model_validate({"id": "open-1", "lang": "zh", "category": "feedback", "turns": ["那豆包呢"], "expect": {}})
    write_suite(home / "mine.jsonl", [*CASES, empty])
    assert advisor(["eval", "mine.jsonl", "--out", "run"]) == 0
    captured = capsys.readouterr()
    assert "4/4" in captured.out and "open-1" in captured.err
    write_suite(home / "mine.jsonl", [empty])
    assert advisor(["eval", "mine.jsonl", "--out", "run"]) == 2
    assert "no case is left" in capsys.readouterr().err


def test_suites_of_the_data_folder_are_asked_where_none_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "holds_other_documents", lambda folder: True)
    monkeypatch.setattr("channels.cli.chat.ensure_index", lambda settings: pytest.fail("the shipped documents are not asked about"))
    write_suite(home / "home" / "suites" / "mine.jsonl", CASES)
    assert advisor(["eval"]) == 0
    summary = json.loads((home / "home" / "eval" / "last" / "summary.json").read_text(encoding="utf-8"))
    assert summary["suites"] == {"mine": 4}
