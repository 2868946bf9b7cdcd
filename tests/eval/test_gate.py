"""Gates that are written from a run, and what they allow a later run to lose."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from eval.gate import Gate, check_gate, load_baseline, load_gate
from eval.gate_draft import draft_gate, write_gate
from eval.outcome import Outcome, Result
from eval.run import Suite, run
from eval.suite import Case
from kb.errors import UsageError
from tests.eval.fakes import Scripted, right_answer

CASES = [
    Case.model_validate({"id": f"c{n}", "lang": "zh", "category": "price", "turns": [f"第{n}问"], "expect": {"all_of": [[f"答{n}"]]}})
    for n in range(20)
]


def results(out: Path, wrong: int = 0) -> tuple[Result, ...]:
    answers = {c.turns[-1]: right_answer(c) for c in CASES} | {c.turns[-1]: Outcome("不知道。") for c in CASES[:wrong]}
    return run([Suite("mine", CASES)], Scripted(answers), out).results


def test_floors_are_the_lower_end_of_what_was_measured_and_hold_for_the_run_they_come_from(tmp_path: Path) -> None:
    good = results(tmp_path, wrong=2)
    gate = Gate.model_validate(yaml.safe_load(draft_gate(good, "")) | {"baseline": ""})
    assert gate.floors["mine/price"]["accuracy"] == pytest.approx(0.69)  # Wilson, 18 of 20: 0.699
    assert gate.ceilings["all"]["errors"] == 0
    assert check_gate(gate, good, good) == []


def test_a_written_gate_brings_its_baseline(tmp_path: Path) -> None:
    good = results(tmp_path / "good")
    verdicts = write_gate(good, tmp_path / "gate.yaml")
    gate = load_gate(tmp_path / "gate.yaml")
    before = load_baseline(gate, tmp_path / "gate.yaml")
    assert [v.name for v in before] == [r.name for r in good] and verdicts.name == "gate.baseline.jsonl"
    assert check_gate(gate, results(tmp_path / "one", wrong=1), before) == []
    lost = check_gate(gate, results(tmp_path / "two", wrong=2), before)
    assert [(v.slice, "mine/c0, mine/c1" in v.text) for v in lost] == [("mine/price", True)]


def test_a_baseline_that_is_missing_or_damaged_is_an_error(tmp_path: Path) -> None:
    write_gate(results(tmp_path / "good"), tmp_path / "gate.yaml")
    (tmp_path / "gate.baseline.jsonl").write_text("{}\n", encoding="utf-8")
    gate = load_gate(tmp_path / "gate.yaml")
    with pytest.raises(UsageError, match="not verdicts"):
        load_baseline(gate, tmp_path / "gate.yaml")
    (tmp_path / "gate.baseline.jsonl").unlink()
    with pytest.raises(UsageError, match="advisor eval gate"):
        load_baseline(gate, tmp_path / "gate.yaml")


def test_a_category_of_few_cases_gets_no_floor(tmp_path: Path) -> None:
    few = results(tmp_path)[:5]
    assert "mine/price" not in yaml.safe_load(draft_gate(few, "b"))["floors"]
