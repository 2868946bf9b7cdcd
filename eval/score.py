"""Scoring one answer against one case, without a judge.

The rules are fixed so that figures can be compared between versions and between programs: text is NFKC-normalised, lower-cased,
spaces and thousands separators dropped; a question counts only if all its expectations hold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from eval.figures import matches, read_figures
from eval.suite import Expect

_THOUSANDS = re.compile(r"(?<=\d)[,\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_SPACE = re.compile(r"\s+")
_CONFLICT_WORDS = (
    "冲突", "矛盾", "不一致", "不符", "有出入", "出入", "对不上", "说法不", "不相同", "不同说法", "互相", "分歧", "错误", "有误", "算错",
    "不吻合", "并非", "而不是", "口径", "conflict", "contradict", "inconsisten", "disagree", "discrepan", "differ", "doesnotmatch",
    "doesn'tmatch",
    "mismatch", "notthesame", "wrong", "incorrect",
)  # fmt: skip
_CHOICE_WORDS = re.compile(
    r"推荐|建议|首选|优先|选择|选用|应选|可选|宜用|适合|最合适|符合|满足|胜出|靠前|领先|更高|更低|最低|最高|便宜|"
    r"更省|最省|省钱|划算|recommend|suggest|best|choose|choice|pick|go with|cheap|lowest|highest|winner|ranks? higher|suit|fits?\b|"
    r"meets?\b|matches"
)
_AGAINST = re.compile(
    r"不便宜|不推荐|不建议|不适合|不符合|不满足|排除|淘汰|更贵|最贵|not recommend|"
    r"excluded|ruled out|does not|more expensive|dearer|instead of|rather than"
)


@lru_cache(maxsize=8192)
def normalise(text: str) -> str:
    """NFKC, lower case, no white space, no thousands separators."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", _THOUSANDS.sub("", text)).lower())


def occurs(form: str, text: str) -> bool:
    return normalise(form) in normalise(text)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the scorer needs of an answer, however it was got."""

    answer: str
    refused: bool = False
    conflicts: int = 0
    failed: str = ""
    """Our own failure's text; a failed answer is wrong whatever it says."""


@dataclass(frozen=True, slots=True)
class Score:
    """`checks` maps each expectation to whether it holds; `misses` says in words what was expected and not found."""

    checks: dict[str, bool] = field(default_factory=dict)
    misses: tuple[str, ...] = ()

    @property
    def correct(self) -> bool:
        return bool(self.checks) and all(self.checks.values())


def score(expect: Expect, got: Answered, entities: Sequence[Sequence[str]] = ()) -> Score:
    """Check every expectation. `entities` are the names (with aliases) of each known thing, to tell figures and choices from names."""
    names = [name for group in entities for name in group]
    figures = read_figures(got.answer, names)
    text = normalise(got.answer)
    checks: dict[str, bool] = {}
    misses: list[str] = []

    def check(name: str, holds: bool, miss: str) -> None:
        checks[name] = checks.get(name, True) and holds
        if not holds:
            misses.append(miss)

    if got.failed:
        check("answered", False, f"failed: {got.failed}")
    for number in expect.numbers:
        found = any(matches(figure, number.value, number.unit, number.rel_tol) for figure in figures)
        check("numbers", found, f"number {number.value:g} {number.unit}".rstrip())
    for group in expect.all_of:
        check("facts", any(normalise(form) in text for form in group), "any of: " + " / ".join(group[:6]))
    for form in expect.none_of:
        check("must_not", normalise(form) not in text, f"must not say: {form}")
    if expect.refuse is not None:
        check("refusal", got.refused == expect.refuse, "a refusal" if expect.refuse else "an answer, not a refusal")
    if expect.conflict is not None:
        reported = got.conflicts > 0 and any(word in text for word in _CONFLICT_WORDS)
        if expect.conflict:
            check("conflict", reported, "a disagreement reported and named in the answer")
        else:
            check("conflict", got.conflicts == 0, "no disagreement reported")
    if expect.models:
        check("choice", is_choice(got.answer, expect.models, entities), "as the choice: " + " / ".join(expect.models))
    return Score(checks, tuple(misses))


def is_choice(answer: str, wanted: Sequence[str], entities: Sequence[Sequence[str]] = ()) -> bool:
    """Whether the answer's opening names one of `wanted` as what to take, rather than merely listing it.

    It does when a wanted name is the first model named there, or stands in a clause that recommends it with no other model before it.
    """
    opening = _opening(answer)
    wanted_forms = [normalise(form) for form in wanted]
    others = [
        form
        for group in entities
        if not any(normalise(n) in wanted_forms or any(w in normalise(n) or normalise(n) in w for w in wanted_forms) for n in group)
        for n in group
        if len(form := normalise(n)) > 1
    ]
    first_wanted = _first(wanted_forms, normalise(opening))
    if first_wanted is None:
        return False
    first_other = _first(others, normalise(opening))
    first_clause = next((c for c in _clauses(opening) if _first(wanted_forms, normalise(c)) is not None), "")
    if (first_other is None or first_wanted <= first_other) and not _AGAINST.search(first_clause.lower()):
        return True
    for clause in _clauses(opening):
        text = normalise(clause)
        at, other = _first(wanted_forms, text), _first(others, text)
        named_first = at is not None and (other is None or at <= other)
        if named_first and _CHOICE_WORDS.search(clause.lower()) and not _AGAINST.search(clause.lower()):
            return True
    return False


def _opening(answer: str) -> str:
    """The first paragraph that says something, at most 400 characters; a heading goes with what follows it."""
    paragraphs = [p for p in re.split(r"\n\s*\n", answer.strip()) if p.strip()]
    taken = ""
    for paragraph in paragraphs:
        taken += paragraph + "\n"
        if len(taken) >= 40 and not paragraph.lstrip().startswith("#"):
            break
    return taken[:400]


def _clauses(text: str) -> list[str]:
    return [c for c in re.split(r"[，。；;！？!?\n|()（）]|,\s|\.\s", text) if c.strip()]


def _first(forms: Sequence[str], text: str) -> int | None:
    places = [at for form in forms if (at := text.find(form)) >= 0]
    return min(places) if places else None
