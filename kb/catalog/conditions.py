"""What a claim's `when` means: under which circumstances it holds, and whether two claims can hold at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

_BOUND = re.compile(r"^\s*(<=|>=|<|>|=)?\s*(\d+(?:\.\d+)?)\s*$")


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from `low` to `high`; None is open. `low_open`/`high_open`: the end itself is not in it."""

    low: Decimal | None = None
    high: Decimal | None = None
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: Decimal) -> bool:
        """Whether the number is inside."""
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        return not (self.high is not None and (value > self.high or (self.high_open and value == self.high)))

    def overlaps(self, other: Interval) -> bool:
        """Whether any number is in both."""
        return not (_below(self, other) or _below(other, self))


def _below(a: Interval, b: Interval) -> bool:
    if a.high is None or b.low is None:
        return False
    return a.high < b.low or (a.high == b.low and (a.high_open or b.low_open))


def parse_interval(text: str) -> Interval | None:
    """`<=128000`, `>128000`, `8000` or `>32000,<=128000`; None for a condition in words."""
    result = Interval()
    for part in text.split(","):
        match = _BOUND.match(part)
        if match is None:
            return None
        number = Decimal(match[2])
        match match[1]:
            case "<=" | "<":
                result = Interval(result.low, number, result.low_open, match[1] == "<")
            case ">=" | ">":
                result = Interval(number, result.high, match[1] == ">", result.high_open)
            case _:
                result = Interval(number, number)
    return result


def compatible(a: Mapping[str, str], b: Mapping[str, str]) -> bool:
    """Whether some circumstances satisfy both: a key that only one of them has does not exclude the other."""
    return all(_meets(value, b[key]) for key, value in a.items() if key in b)


def _meets(a: str, b: str) -> bool:
    if a == b:
        return True
    first, second = parse_interval(a), parse_interval(b)
    return first is not None and second is not None and first.overlaps(second)


def holds(when: Mapping[str, str], facts: Mapping[str, str | Decimal]) -> bool:
    """Whether the known facts (`context_tokens`: a number, `channel`: a code) satisfy every condition that they speak of."""
    for key, value in when.items():
        if key not in facts:
            continue
        fact = facts[key]
        interval = parse_interval(value)
        if isinstance(fact, Decimal) and interval is not None:
            if not interval.holds(fact):
                return False
        elif str(fact) != value:
            return False
    return True
