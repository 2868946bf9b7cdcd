"""What makes a suite worthless: cases with nothing to check, and cases that a parrot would pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from eval.figures import matches, read_figures
from eval.score import occurs
from eval.suite import Case


def lint(cases: Sequence[Case], names: Iterable[str] = ()) -> list[str]:
    """Problems in words. `names` are identifiers whose digits are not figures."""
    names = list(names)
    problems = []
    for case in cases:
        expect = case.expect
        said = expect.numbers or expect.all_of or expect.refuse or expect.conflict is not None or expect.models
        if not (said or expect.of_search_alone):
            problems.append(f"{case.id}: nothing is expected")
        if stated := states_answer(case, names):
            problems.append(f"{case.id}: the question states {stated}")
        if len({t.strip() for t in case.turns}) != len(case.turns):
            problems.append(f"{case.id}: a turn is repeated")
    asked_twice = Counter((c.corpus, *c.turns) for c in cases)
    problems += [f"asked twice: {' / '.join(key[1:])!r}" for key, count in asked_twice.items() if count > 1]
    return problems


def states_answer(case: Case, names: Iterable[str] = ()) -> str:
    """What of the expectation the question already says, so that repeating it would count; "" where nothing is given away."""
    expect, asked = case.expect, " \n ".join(case.turns)
    figures = read_figures(asked, names)
    if expect.numbers and all(any(matches(f, n.value, n.unit, n.rel_tol) for f in figures) for n in expect.numbers):
        return "every expected figure"
    only_words = expect.all_of and not (expect.numbers or expect.models or expect.conflict)
    if only_words and all(any(occurs(form, asked) for form in group) for group in expect.all_of):
        return "every expected fact"
    return ""
