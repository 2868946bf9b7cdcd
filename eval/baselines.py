"""Answerers that know nothing, scored beside every run: what a suite gives away, and what a figure has to be compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eval.score import Answered, score
from eval.suite import Case

Name = str

BASELINES: Mapping[Name, Callable[[Case], Answered]] = {
    "refuse": lambda case: Answered("资料里没有相关内容，无法回答。 The documents do not say.", refused=True),
    "echo": lambda case: Answered("\n".join(case.turns)),
}
"""`refuse` refuses everything; `echo` repeats the conversation."""


def baselines(cases: Sequence[Case], entities: Callable[[str], Sequence[Sequence[str]]]) -> dict[Name, dict[str, Any]]:
    """For each baseline: `correct` of `n`, `accuracy`, and `answerable`: its share of the questions that have an answer."""
    names = {corpus: entities(corpus) for corpus in {case.corpus for case in cases}}
    figures: dict[Name, dict[str, Any]] = {}
    for name, answer in BASELINES.items():
        right = [(score(case.expect, answer(case), names[case.corpus]).correct, bool(case.expect.refuse)) for case in cases]
        answerable = [correct for correct, to_refuse in right if not to_refuse]
        correct = sum(is_right for is_right, _ in right)
        figures[name] = {
            "correct": correct,
            "n": len(right),
            "accuracy": round(correct / max(1, len(right)), 4),
            "answerable": round(sum(answerable) / max(1, len(answerable)), 4),
        }
    return figures
