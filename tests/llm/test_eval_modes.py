"""Two modes side by side."""

from __future__ import annotations

from eval.modes import side_by_side, table_lines
from eval.outcome import Result


def result(number: int, correct: bool, **values: object) -> Result:
    return Result(
        suite="s", id=f"c{number}", key="k", category="price", lang="zh", turns=["问"], expect={}, correct=correct, checks={},
        answer="答", refused=False, **values,
    )  # fmt: skip


def test_both_modes_are_measured_over_the_cases_they_share() -> None:
    offline = [result(n, n != 1, ms=20.0) for n in range(4)]
    usage = {"input_tokens": 900, "output_tokens": 100}
    with_model = [result(n, True, ms=30_000.0, mode="llm", usage=usage, unsupported_numbers=n) for n in range(3)]
    rows = side_by_side(offline, with_model)
    assert [(r["n"], r["right"]) for r in rows] == [(3, 2), (3, 3)]
    assert rows[1]["removed"] == 3 and rows[1]["tokens in"] == 900 and rows[1]["p50 s"] == 30.0
    lines = table_lines(rows)
    assert len(lines) == 3 and lines[2].startswith("llm (3 of 3 in its words)") and len(set(map(len, lines))) == 1


def test_two_offline_runs_are_not_two_modes() -> None:
    assert side_by_side([result(1, True)], [result(1, True)]) == []
    assert side_by_side([], [result(1, True, mode="llm", usage={"input_tokens": 1})]) == []
