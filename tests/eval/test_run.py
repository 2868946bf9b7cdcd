"""Running suites with a scripted answerer: results, resuming, errors, comparison, gates, report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from eval.build import SUITES
from eval.compare import compare
from eval.gate import Gate, check_gate, load_gate
from eval.outcome import Answerer, Outcome, Place, Result
from eval.report import render
from eval.run import Suite, read_results, run
from eval.suite import Case, load_suite
from kb.errors import IndexMissingError, UsageError
from tests.eval.fakes import Scripted, right_answer

CASES = [c for c in load_suite(SUITES / "advisor.jsonl") if c.category in ("price", "unanswerable", "conflict", "lookup")][:40:2]
TWELVE_YUAN = {"numbers": [{"value": 12, "unit": "CNY"}], "sources": ["a.md > 价"]}
PRICED = Case.model_validate({"id": "p", "lang": "zh", "category": "price", "turns": ["问"], "expect": TWELVE_YUAN})


def scripted(wrong: int = 0, asked: list[str] | None = None) -> Scripted:
    answers = {c.turns[-1]: right_answer(c) for c in CASES}
    answers |= {c.turns[-1]: Outcome("不知道。") for c in CASES[:wrong]}
    return Scripted(answers, asked)


def one(case: Case, outcome: Outcome, out: Path) -> Result:
    return run([Suite("s", [case])], Scripted({case.turns[-1]: outcome}), out).results[0]


def test_a_run_writes_results_in_order_and_a_summary(tmp_path: Path) -> None:
    done = run([Suite("advisor", CASES)], scripted(wrong=3), tmp_path)
    assert [r.id for r in done.results] == [c.id for c in CASES]
    assert done.summary["slices"]["all"]["correct"] == len(CASES) - 3
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["slices"]["all"]["n"] == len(CASES)
    assert [r.id for r in read_results(tmp_path)] == [c.id for c in CASES]


def test_worker_processes_give_the_same_results_as_one(tmp_path: Path) -> None:
    alone = run([Suite("advisor", CASES)], scripted(wrong=2), tmp_path / "one", workers=1)
    two = run([Suite("advisor", CASES)], scripted(wrong=2), tmp_path / "two", workers=2)
    assert [r.model_dump() for r in alone.results] == [r.model_dump() for r in two.results]


def test_a_run_that_was_broken_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    run([Suite("advisor", CASES)], scripted(), tmp_path)
    (tmp_path / "summary.json").unlink()
    lines = (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "results.jsonl").write_text("\n".join(lines[:7]) + "\n" + lines[7][:50], encoding="utf-8")
    asked: list[str] = []
    done = run([Suite("advisor", CASES)], scripted(asked=asked), tmp_path)
    assert len(asked) == len(CASES) - 7
    assert done.summary["resumed"] == 7
    assert [r.id for r in read_results(tmp_path)] == [c.id for c in CASES]


def test_a_case_that_changed_is_asked_again_and_a_finished_run_starts_afresh(tmp_path: Path) -> None:
    run([Suite("advisor", CASES)], scripted(), tmp_path)
    asked: list[str] = []
    run([Suite("advisor", CASES)], scripted(asked=asked), tmp_path)
    assert len(asked) == len(CASES)
    (tmp_path / "summary.json").unlink()
    changed = [CASES[0].model_copy(update={"why": "changed"}), *CASES[1:]]
    asked.clear()
    run([Suite("advisor", changed)], scripted(asked=asked), tmp_path)
    assert asked == [CASES[0].turns[-1]]


def broken_off(out: Path, mode: str) -> None:
    run([Suite("advisor", CASES)], scripted(), out, settings={"mode": mode})
    (out / "summary.json").unlink()


def test_answers_given_under_other_settings_are_not_taken_over(tmp_path: Path) -> None:
    broken_off(tmp_path, "offline")
    with pytest.raises(UsageError, match="another mode"):
        run([Suite("advisor", CASES)], scripted(), tmp_path, settings={"mode": "llm"}, resume=True)
    asked: list[str] = []
    run([Suite("advisor", CASES)], scripted(asked=asked), tmp_path, settings={"mode": "llm"})
    assert len(asked) == len(CASES)


def test_resuming_can_be_demanded_and_declined(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run there was broken off"):
        run([Suite("advisor", CASES)], scripted(), tmp_path, resume=True)
    broken_off(tmp_path, "offline")
    asked: list[str] = []
    run([Suite("advisor", CASES)], scripted(asked=asked), tmp_path, settings={"mode": "offline"}, resume=False)
    assert len(asked) == len(CASES)
    (tmp_path / "summary.json").unlink()
    asked.clear()
    run([Suite("advisor", CASES)], scripted(asked=asked), tmp_path, settings={"mode": "offline"}, resume=True)
    assert asked == []


def test_an_answerer_that_raises_costs_one_case_and_is_counted_apart(tmp_path: Path) -> None:
    done = run([Suite("advisor", CASES)], Scripted({c.turns[-1]: right_answer(c) for c in CASES[1:]}), tmp_path)
    assert done.summary["slices"]["all"]["errors"] == 1
    assert done.results[0].reason == "error"
    assert "KeyError" in done.results[0].failed


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome("资料没有写。", refused=True, hits=(Place("b.md", "x"),)), "retrieval"),
        (Outcome("资料没有写。", refused=True, hits=(Place("a.md", "价"),)), "understanding"),
        (Outcome("很便宜。", citations=(Place("a.md", "价", "输入 ¥12.00"),)), "wording"),
        (Outcome("1.2 元", tools=({"name": "api_cost", "output": {"total": "1.2"}},), hits=(Place("a.md", "价"),)), "calculation"),
        (Outcome("不清楚", hits=(Place("b.md", "x"),)), "retrieval"),
        (Outcome("", failed="timeout"), "error"),
    ],
)
def test_a_failure_says_where_it_went_wrong(outcome: Outcome, reason: str, tmp_path: Path) -> None:
    assert one(PRICED, outcome, tmp_path).reason == reason


def test_evidence_metrics_are_kept_and_untraced_figures_named(tmp_path: Path) -> None:
    got = Outcome(
        "输入 12 元 [1]，输出 99 元。",
        citations=(Place("a.md", "文 > 价", "输入 ¥12.00"), Place("b.md", "x", "别的")),
        hits=(Place("b.md", "x"), Place("a.md", "文 > 价")),
    )
    result = one(PRICED, got, tmp_path)
    assert result.correct
    assert result.retrieval == pytest.approx(
        {"recall_at_5": 1.0, "recall_at_10": 1.0, "mrr": 0.5, "ndcg_at_10": 0.6309297, "citation_precision": 0.5, "citation_recall": 1.0}
    )
    assert result.untraced == ["99 元"]


def test_where_only_sources_are_expected_the_first_five_hits_must_hold_them(tmp_path: Path) -> None:
    expect = {"sources": ["a.md > 价", "b.md"], "refuse": None}
    case = Case.model_validate({"id": "s", "lang": "zh", "category": "keywords", "turns": ["问"], "expect": expect})
    there = Outcome("", refused=True, hits=(Place("a.md", "文 > 价"), Place("b.md", "x")))
    assert one(case, there, tmp_path / "a").correct
    late = Outcome("b 价", hits=(Place("a.md", "文 > 价"), *[Place("c.md", "x")] * 4, Place("b.md", "x")))
    missed = one(case, late, tmp_path / "b")
    assert not missed.correct and missed.reason == "retrieval"


def test_refusals_and_disagreements_are_measured(tmp_path: Path) -> None:
    summary = run([Suite("advisor", CASES)], scripted(), tmp_path).summary["slices"]["all"]
    assert summary["accuracy"] == 1.0
    always = {c.turns[-1]: Outcome("无法回答", refused=True) for c in CASES}
    refusing = run([Suite("advisor", CASES)], Scripted(always), tmp_path / "r").summary["slices"]["all"]
    unanswerable = sum(bool(c.expect.refuse) for c in CASES)
    if unanswerable:
        assert refusing["refusal_recall"] == 1.0
    assert refusing["refusal_precision"] == pytest.approx(unanswerable / len(CASES), abs=1e-4)


def test_a_comparison_names_what_was_fixed_and_broken(tmp_path: Path) -> None:
    before = run([Suite("advisor", CASES)], scripted(wrong=2), tmp_path / "a").results
    after = run([Suite("advisor", CASES)], scripted(wrong=9), tmp_path / "b").results
    change = compare(before, after)
    assert (len(change.fixed), len(change.broken), change.shared) == (0, 7, len(CASES))
    assert change.p == pytest.approx(2 / 2**7)
    assert change.is_regression(0.05)
    assert not compare(after, before).is_regression(0.05)


def test_a_gate_holds_floors_ceilings_and_forbids_significant_regression(tmp_path: Path) -> None:
    good = run([Suite("advisor", CASES)], scripted(), tmp_path / "a").results
    bad = run([Suite("advisor", CASES)], scripted(wrong=9), tmp_path / "b").results
    gate = Gate(floors={"advisor": {"accuracy": 0.9}, "other": {"accuracy": 1.0}}, ceilings={"all": {"errors": 0}})
    assert check_gate(gate, good, good) == []
    assert {v.slice for v in check_gate(gate, bad)} == {"advisor"}
    assert "all" in {v.slice for v in check_gate(Gate(), bad, good)}
    assert check_gate(Gate(regression_p=0), bad, good) == []


def test_a_floor_on_something_that_was_not_measured_is_a_violation(tmp_path: Path) -> None:
    results = run([Suite("s", [PRICED])], Scripted({"问": Outcome("12 元")}), tmp_path).results
    found = check_gate(Gate(floors={"s": {"mrr": 0.5}, "s/none": {"accuracy": 0.1}}), results)
    assert {(v.slice, v.text.split(";")[0]) for v in found} == {("s", "mrr was not measured"), ("s/none", "the slice has no cases")}


def test_a_gate_file_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("floor: {all: {accuracy: 1}}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="expected `floors`"):
        load_gate(tmp_path / "gate.yaml")
    assert load_gate(SUITES.parent / "gate.yaml").floors["advisor"]["accuracy"] >= 0.9


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_report_is_one_page_that_needs_nothing_else(lang: str, tmp_path: Path) -> None:
    case = PRICED.model_copy(update={"turns": ["<script>alert(1)</script> 问"]})
    before = one(case, Outcome("12 元"), tmp_path / "a")
    wrong = Outcome("<b>99</b> 元", citations=(Place("a.md", "价", "¥12"),))
    done = run([Suite("s", [case])], Scripted({case.turns[-1]: wrong}), tmp_path / "b")
    gate = Gate(floors={"s": {"accuracy": 0.9}})
    html = render(
        done.summary,
        done.results,
        change=compare([before], done.results),
        compared_with="a",
        violations=check_gate(gate, done.results),
        lang=lang,
    )
    assert "<script>alert" not in html and "&lt;script&gt;alert" in html and "<b>99" not in html
    assert not [word for word in ("http://", "https://", "src=", "@import", "url(") if word in html]
    assert "prefers-color-scheme: dark" in html and "s/p" in html
    assert ("弄坏的: 1" if lang == "zh" else "Broken: 1") in html


def test_errors_in_a_suite_name_file_line_and_fault(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(PRICED.to_line() + '\n{"id": "x", "lang": "fr", "category": "c", "turns": ["a"], "expect": {}}\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"s\.jsonl:2: lang"):
        load_suite(path)
    path.write_text(PRICED.to_line() + "\n" + PRICED.to_line() + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="more than once: p"):
        load_suite(path)
    with pytest.raises(UsageError, match="no such suite"):
        load_suite(tmp_path / "none.jsonl")


@dataclass(frozen=True)
class Unopenable:
    def __call__(self, corpus: str) -> Answerer:
        raise IndexMissingError("nothing was ingested; run `advisor ingest`")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_whose_agent_cannot_be_opened_ends_with_its_reason(workers: int, tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="nothing was ingested"):
        run([Suite("advisor", CASES)], Unopenable(), tmp_path, workers=workers)
