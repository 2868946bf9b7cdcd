"""Two runs of the same questions: what got fixed, what broke, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.metrics import slices
from eval.outcome import Result, Verdict
from eval.stats import mcnemar_exact


@dataclass(frozen=True, slots=True)
class Change:
    """Names ("suite/id") that went from wrong to right (`fixed`) and from right to wrong (`broken`) among `shared` cases; exact p."""

    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    shared: int
    p: float

    def is_regression(self, p_below: float) -> bool:
        return len(self.broken) > len(self.fixed) and self.p < p_below


def compare(before: Sequence[Verdict], after: Sequence[Verdict]) -> Change:
    """Only cases that are word for word the same in both runs are compared."""
    was = {(r.suite, r.id, r.key): r.correct for r in before}
    pairs = [(r.name, was[r.suite, r.id, r.key], r.correct) for r in after if (r.suite, r.id, r.key) in was]
    fixed = tuple(name for name, old, new in pairs if new and not old)
    broken = tuple(name for name, old, new in pairs if old and not new)
    return Change(fixed, broken, len(pairs), mcnemar_exact(len(fixed), len(broken)))


def compare_by_slice(before: Sequence[Verdict], after: Sequence[Result]) -> dict[str, Change]:
    return {name: compare(before, part) for name, part in slices(after).items()}
