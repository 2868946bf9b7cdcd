"""Which figures of an answer stand nowhere in its evidence: a check of the agent's checker that shares nothing with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from eval.figures import Figure, read_figures

_EVIDENCE_REL_TOL = 0.01
_DERIVED_REL_TOL = 0.005
_SMALL_COUNT = 31
"""Whole numbers up to here without a unit, or counting things, months or days, are counts and calendar constants, not figures."""
_MARKED = re.compile(r"(?:[^\s，。；：,;]|,(?=\d))*\s*[(（](?:未核实|unverified)[)）]")
"""A figure that the agent's checker let stand with its mark: said to be without evidence, and counted by the checker itself."""
_PER = ("person", "request")
_RESULT = re.compile(r"[=＝≈]\s*([^=＝≈\n|]*)")


def untraced(answer: str, evidence: Iterable[str], names: Sequence[str] = ()) -> list[str]:
    """The answer's figures, as written, that no text of `evidence` states and that no step shown in the answer leads to.

    A step is an equation's right side, the sum, difference, ratio or share of two traced amounts in one currency, the twelvefold of one,
    or one divided by a traced number of users or requests.
    """
    answer = _MARKED.sub(" ", answer)
    known = [figure for text in evidence for figure in read_figures(text, names)]
    known += [figure for match in _RESULT.finditer(answer) for figure in read_figures(match[1], names)[:1]]
    open_figures = []
    for figure in read_figures(answer, names):
        if figure.value and not _is_count(figure) and not any(_same(figure, k, _EVIDENCE_REL_TOL) for k in known):
            open_figures.append(figure)
    amounts = [f for f in {(f.kind, f.value): f for f in known if f.kind.startswith("money:")}.values()]
    amounts += [f for f in open_figures if f.kind.startswith("money:")]
    counts = [f for f in known + read_figures(answer, names) if f.kind in _PER]
    return [f.text for f in open_figures if not _derived(f, amounts, counts)]


def _is_count(figure: Figure) -> bool:
    if figure.kind == "token" and figure.value in (10**3, 10**6):
        return True  # what a price is per
    return figure.kind in ("", "month", "second", "request", "card") and figure.value == int(figure.value) and figure.value <= _SMALL_COUNT


def _same(figure: Figure, other: Figure, rel_tol: float) -> bool:
    if figure.kind and other.kind and figure.kind != other.kind:
        return False
    return _close(other.value * other.factor, figure.value * figure.factor, rel_tol) or _close(other.value, figure.value, rel_tol)


def _derived(figure: Figure, amounts: Sequence[Figure], counts: Sequence[Figure]) -> bool:
    for a in amounts:
        if a is figure:
            continue
        if a.kind == figure.kind and _close(a.value * 12, figure.value, _DERIVED_REL_TOL):
            return True
        if a.kind == figure.kind and any(n.value and _close(a.value / n.value, figure.value, _DERIVED_REL_TOL) for n in counts):
            return True
        for b in amounts:
            if b is figure or a.kind != b.kind or not b.value:
                continue
            made = {"percent": (1 - a.value / b.value) * 100, "ratio": a.value / b.value}.get(figure.kind)
            if figure.kind == a.kind:
                made = a.value - b.value
                if _close(a.value + b.value, figure.value, _DERIVED_REL_TOL):
                    return True
            if made is not None and _close(made, figure.value, _DERIVED_REL_TOL):
                return True
    return False


def _close(found: float, wanted: float, rel_tol: float) -> bool:
    return abs(found - wanted) <= rel_tol * abs(wanted)
