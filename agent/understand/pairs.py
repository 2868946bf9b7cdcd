"""Exchange rates between any two currencies as a question states them: `at 1.17 EUR per GBP`, `1 欧元=7.8 元`, `EUR/USD 1.17`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from kb.quantities import lexicon
from kb.text import normalise

_AMBIGUOUS = frozenset({"pound", "won", "¥", "￥", "$", "块", "元"})


@dataclass(frozen=True, slots=True)
class Pair:
    """One unit of `base` is `rate` units of `quote`."""

    base: str
    quote: str
    rate: Decimal
    text: str

    def convert(self, value: Decimal, source: str, target: str) -> Decimal | None:
        """The value in the other currency of the pair; None for any other two."""
        if (source, target) == (self.base, self.quote):
            return value * self.rate
        return value / self.rate if (source, target) == (self.quote, self.base) else None

    @property
    def codes(self) -> frozenset[str]:
        return frozenset({self.base, self.quote})


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], str]:
    words = sorted(lexicon().currency_of, key=len, reverse=True)
    parts = [re.escape(word) if not word[0].isascii() or not word[0].isalpha() else rf"(?<![a-z]){re.escape(word)}(?![a-z])" for word in words]
    return re.compile("|".join(parts)), f"(?:{'|'.join(parts)})"


def currency_words(text: str) -> list[tuple[int, str]]:
    """Every currency that a text names or marks with its sign, with its place."""
    of = lexicon().currency_of
    return [(match.start(), of[match[0]]) for match in _patterns()[0].finditer(normalise(text).lower())]


def stated_pair(text: str) -> Pair | None:
    """The rate between two currencies that a question states; None if it states none."""
    text = normalise(text).lower()
    any_of, number = _patterns()[1], r"(\d+(?:\.\d+)?)"
    for pattern, order in _forms(any_of, number):
        for match in pattern.finditer(text):
            of = lexicon().currency_of
            first, second = of[match[order[0]]], of[match[order[1]]]
            rate = Decimal(match[order[2]])
            if first != second and rate > 0:
                return Pair(first, second, rate, match[0].strip())
    return None


@lru_cache(maxsize=1)
def _forms(any_of: str, number: str) -> tuple[tuple[re.Pattern[str], tuple[int, int, int]], ...]:
    """Patterns with the groups of base, quote and rate."""
    return (
        (re.compile(rf"{number}\s*({any_of})\s*(?:per|for (?:one|1|each|every)|to the|to one|to 1|a|je|pro|/|兑|每)\s*1?\s*({any_of})"), (3, 2, 1)),
        (
            re.compile(rf"(?<![\d.])(?:1|one|一)?\s*({any_of})\s*(?:=|equals?|is(?: worth)?|等于|兑换?|换|合|折合|对|:)\s*(?:约\s*)?{number}\s*({any_of})"),
            (1, 3, 2),
        ),
        (re.compile(rf"(?<![\d.])(?:1|one|一)\s*({any_of})\s*(?:=|equals?|is(?: worth)?|等于|兑换?|换|合|折合|对|:)\s*({any_of})\s*{number}"), (1, 2, 3)),
        (re.compile(rf"({any_of})\s*1\s*=\s*({any_of})\s*{number}"), (1, 2, 3)),
        (re.compile(rf"({any_of})\s*/\s*({any_of})\s*(?:at|is|=|:|按|为|汇率|rate)?\s*{number}(?!\s*(?:k|m|万|亿|百万|million|tokens?))"), (1, 2, 3)),
    )
