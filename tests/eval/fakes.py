"""A scripted answerer: picklable, so that worker processes can make it too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.outcome import Answerer, Outcome
from eval.suite import Case


@dataclass(frozen=True)
class Scripted:
    """Answers by the last turn; a missing question is our own failure."""

    answers: Mapping[str, Outcome]
    asked: list[str] | None = None

    def __call__(self, corpus: str) -> Answerer:
        return self.answer

    def answer(self, turns: Sequence[str]) -> Outcome:
        if self.asked is not None:
            self.asked.append(turns[-1])
        return self.answers[turns[-1]]


def right_answer(case: Case) -> Outcome:
    """An answer made from the case's own expectations."""
    expect = case.expect
    parts = [f"推荐 {expect.models[0]}。"] if expect.models else []
    parts += [group[0] for group in expect.all_of]
    for n in expect.numbers:
        unit = "%" if n.unit == "percent" else f" {n.unit}"
        parts.append(f"{n.value:.9f}{unit}")
    if expect.conflict:
        parts.append("两处说法不一致。")
    conflicts = ({"about": "x", "claims": [], "verdict": "differ"},) if expect.conflict else ()
    return Outcome("；".join(parts) or "资料没有写。", refused=bool(expect.refuse), conflicts=conflicts)
