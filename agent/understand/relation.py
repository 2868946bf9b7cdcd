"""What a question asserts of two things named in it: "A 比 B 便宜一半", "A is twice the price of B", "is A dearer than B"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kb.quantities import Bound, Quantity

_COMPARED_WITH = re.compile(r"(?:比起|相比(?:于|起)?|对比|较之|compared (?:to|with)|relative to|than)\s*$", re.IGNORECASE)
"""Before the first name: the second one is what is spoken of ("相比 B，A 便宜一半")."""
_LESS = r"便宜|低廉|低|省(?!份)|(?<!多)少|(?<!大)小(?!时|模型)|短(?!信)|cheaper|(?:less|not as) (?:expensive|costly|dear)|lower|less|smaller|shorter|fewer"
_MORE = r"贵|高(?!峰|级)|多(?!少|模态|轮|次|久)|大(?!小|约|概|致|模型|家)|长(?!期|度|文)|dearer|pricier|costlier|(?:more )?expensive|more|higher|larger|bigger|longer|greater"
_DIRECTION = re.compile(rf"(?P<less>{_LESS})|(?P<more>{_MORE})", re.IGNORECASE)
_DENIED = re.compile(r"不比|没有?比|不如|没有.{0,16}(?:贵|便宜|高|低|大|小|长|短)|\b(?:not|n't|isn't)\b(?! as )", re.IGNORECASE)
_BUYS = re.compile(r"(?:价钱?|价格|钱)(?:就|能|可以|够|得)*(?:买|拿|用)(?:得?到|得?起|上|下)", re.IGNORECASE)
"""Between the names: a part of the first one's price is held against the second one's."""
_FRACTION = re.compile(r"分之")
_APART = re.compile(r"相?差(?!不多)|\bdiffer", re.IGNORECASE)
"""Says of two figures how far apart they are and not which is the larger one."""
_WORDS = (
    (re.compile(r"\bhalf\b(?! price)|\bhalf (?:the )?price", re.IGNORECASE), Decimal("0.5")),
    (re.compile(r"\b(?:twice|double)\b|双倍|翻倍", re.IGNORECASE), Decimal(2)),
    (re.compile(r"\b(?:triple|thrice)\b", re.IGNORECASE), Decimal(3)),
    (re.compile(r"\b(?:a|one) third\b", re.IGNORECASE), Decimal(1) / Decimal(3)),
    (re.compile(r"\b(?:a|one) quarter\b", re.IGNORECASE), Decimal("0.25")),
)
"""Words that say how many times the one is the other."""
_TIMES = re.compile(r"\s*(?:x|times)\b", re.IGNORECASE)
_SAME = re.compile(r"一样|相同|同价|相等|持平|差不多|\b(?:same|equal|as much as)\b", re.IGNORECASE)
_ROUGH = re.compile(r"约|大概|差不多|左右|将近|近乎|roughly|about|around|nearly|almost|approximately", re.IGNORECASE)
_EXACT, _ROUGHLY = Decimal("0.02"), Decimal("0.1")
"""How far, as a part of the asserted ratio or difference, the real one may lie from it: people round, and more where they say so."""


@dataclass(frozen=True, slots=True)
class Relation:
    """The first or the second thing named is the subject. `ratios` are what "subject ÷ other" may be for the assertion to hold, as the
    words are used ("贵 3 倍" is said of three times and of four times as much); empty where only the direction is asserted."""

    subject_first: bool
    more: bool | None
    ratios: tuple[Decimal, ...]
    tolerance: Decimal
    at_most: bool = False
    """Whether the subject may also be cheaper ("A 一半的价钱能买到 B")."""
    bound: Bound = ""
    """How the difference is bounded: at least ("贵 40% 以上") or at most ("便宜不到三成"); "" where it is stated."""

    def holds(self, first: Decimal, second: Decimal) -> bool:
        """Whether it holds of the two positive figures, in the order in which their owners are named."""
        subject, other = (first, second) if self.subject_first else (second, first)
        if not self.ratios:
            return subject > other if self.more else subject < other
        real = subject / other
        if self.at_most:
            return real <= max(self.ratios) * (1 + self.tolerance)
        if self.bound:
            return self._within(real)
        return any(abs(real - ratio) <= max(ratio, abs(1 - ratio)) * self.tolerance for ratio in self.ratios)

    def _within(self, real: Decimal) -> bool:
        """Whether a ratio lies on the stated side of the bound, and on the stated side of 1."""
        nearest = min(self.ratios, key=lambda ratio: abs(ratio - 1))
        if self.more:
            return real >= nearest if self.bound == "min" else 1 < real <= nearest
        return real <= nearest if self.bound == "min" else nearest <= real < 1


def relation_of(text: str, first: tuple[int, int], second: tuple[int, int], quantities: Sequence[Quantity]) -> Relation | None:
    """The relation that `text` states between what is named at the spans `first` and `second`; None where it states none."""
    if _DENIED.search(text):
        return None
    rest = text[first[1] :]
    found = _DIRECTION.search(rest)
    more = None if found is None else found["more"] is not None
    cue = None if found is None else (first[1] + found.start(), first[1] + found.end())
    ratios = _stated(text, first[1], cue, more, quantities)
    if ratios is None or more is None and not ratios:
        return Relation(True, None, (Decimal(1),), _ROUGHLY if _ROUGH.search(rest) else _EXACT) if _SAME.search(rest) else None
    degree = next(iter(_degrees(text, first[1], quantities)), None)
    tolerance = _ROUGHLY if _ROUGH.search(rest) else _EXACT
    buys = bool(_BUYS.search(text[first[1] : second[0]])) and bool(ratios)
    return Relation(not buys and not _COMPARED_WITH.search(text[: first[0]]), more, ratios, tolerance, buys, degree.bound if degree is not None and more is not None else "")


def _stated(
    text: str, begin: int, cue: tuple[int, int] | None, more: bool | None, quantities: Sequence[Quantity]
) -> tuple[Decimal, ...] | None:
    """The ratios that would fit; () if no degree is stated, None if one is stated that cannot be read."""
    for pattern, ratio in _WORDS:
        if pattern.search(text, begin):
            return (1 + ratio,) if ratio == Decimal("0.5") and more and cue and pattern.search(text, cue[1]) else (ratio,)
    degrees = _degrees(text, begin, quantities)
    fraction = _fraction(text, begin, quantities)
    if fraction is not None:
        return _changed(fraction, more) if cue is not None and text[cue[1] : cue[1] + 2].strip(" 了约") else (fraction,)
    if len(degrees) != 1:
        return () if not degrees else None
    degree = degrees[0]
    value = degree.value / 100 if degree.unit == "percent" else degree.value
    if value <= 0:
        return None
    beside = cue is not None and _adjoin(text, cue, degree)
    if not beside or more is None:
        return (value, 1 / value) if more is None and _APART.search(text, begin) else (value,)
    if degree.unit == "percent":
        return _changed(value, more)
    if value == 1:
        return (Decimal(2),) if more else (Decimal("0.5"),)
    as_much = re.search(r"\bas\b", text[degree.end : cue[0]] if cue else "", re.IGNORECASE)
    times = (value,) if as_much else (value, value + 1)
    return times if more else tuple(1 / t for t in times)


def _degrees(text: str, begin: int, quantities: Sequence[Quantity]) -> list[Quantity]:
    """The quantities that say how many times or by which part."""
    return [q for q in quantities if q.start >= begin and (q.unit in ("times", "percent") or _TIMES.match(text, q.end))]


def _changed(part: Decimal, more: bool | None) -> tuple[Decimal, ...]:
    """ "贵 30%" is 1.3 times, "便宜 30%" 0.7 times; more than all of it cannot be less."""
    if more is None:
        return (part,)
    return (1 + part,) if more else (1 - part,) if part < 1 else (Decimal(0),)


def _fraction(text: str, begin: int, quantities: Sequence[Quantity]) -> Decimal | None:
    mark = _FRACTION.search(text, begin)
    if mark is None:
        return None
    below = next((q.value for q in quantities if q.end == mark.start()), None)
    above = next((q.value for q in quantities if q.start == mark.end()), None)
    return above / below if above and below else None


def _adjoin(text: str, cue: tuple[int, int], degree: Quantity) -> bool:
    """Whether a degree belongs to the word of direction: "便宜了约 30%", "30% cheaper", "3 times more expensive"."""
    between = text[cue[1] : degree.start] if degree.start >= cue[1] else text[degree.end : cue[0]]
    return bool(re.fullmatch(r"(?:\s|了|出|约|大概|差不多|整整|将近|近|至少|超过|不到|不足|x|times|as|about|roughly|much|by|is|的?价格?)*", between, re.IGNORECASE))
