"""Numbers as a caller may give them, made exact and checked: nothing negative, infinite or absurd goes further.

Numbers may be int, float, Decimal, Fraction, a numeric string or a quantity in words ("70B", "1.2亿 tokens", "24GB", "5万元").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from agent.sizing.errors import SizingError

GB = 10**9
GIB = 2**30
HOURS_PER_MONTH = 730
"""365 * 24 / 12."""

Number = int | float | Decimal | Fraction | str

MAX_TOKENS = 10**18
MAX_CONTEXT = 10**9
MAX_BYTES = 10**18
MAX_PARAMETERS = 10**15
MAX_COUNT = 10**6
MAX_MONEY = 10**15

_TOKENS = {"": 1, "token": 1, "parameter": 1}
_MEMORY = {"": 1, "mb": 10**6, "gb": GB, "gib": GIB, "tb": 10**12}
_UNIT_FACTORS: dict[str, Mapping[str, int | Fraction]] = {
    "bytes": _MEMORY,
    "gb": {"": 1, "gb": 1, "gib": Fraction(GIB, GB), "tb": 1000, "mb": Fraction(1, 1000)},
    "gib": {"": 1, "gib": 1, "gb": Fraction(GB, GIB), "tb": Fraction(10**12, GIB)},
    "tokens": _TOKENS,
    "parameters": {"": 1, "parameter": 1},
    "share": {"": 1, "percent": Fraction(1, 100)},
    "hours": {"": 1, "hour": 1, "day": 24, "month": HOURS_PER_MONTH, "year": 8760},
    "months": {"": 1, "month": 1, "year": 12},
    "years": {"": 1, "year": 1, "month": Fraction(1, 12)},
    "seconds": {"": 1, "second": 1, "ms": Fraction(1, 1000), "minute": 60},
    "kw": {"": 1, "kw": 1, "watt": Fraction(1, 1000)},
    "watts": {"": 1, "watt": 1, "kw": 1000},
}


def _of_text(text: str, name: str, kind: str) -> Fraction:
    plain = text.strip().replace(",", "").replace("_", "")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return _of_words(text, name, kind)
    return _finite(value, name)


def _of_words(text: str, name: str, kind: str) -> Fraction:
    from kb.quantities import find_quantities

    found = find_quantities(text)
    if len(found) != 1 or found[0].high is not None:
        raise SizingError(f"{name}: {text!r} is not one number; give a number, or one quantity such as 70B, 1.2亿 or 24GB")
    quantity = found[0]
    if quantity.is_money or quantity.unit == "":
        factor: int | Fraction | None = 1
    else:
        factors = _UNIT_FACTORS.get(kind)
        factor = factors.get(quantity.unit) if factors is not None else 1
    if factor is None:
        raise SizingError(f"{name}: {text!r} is in {quantity.unit}, which does not measure {kind}")
    if text.strip().startswith("-") and quantity.value > 0:
        raise SizingError(f"{name} is {text}; it cannot be negative", f"{name} 是 {text}，不能为负数")
    return Fraction(quantity.value) * factor


def _finite(value: Decimal, name: str) -> Fraction:
    if not value.is_finite():
        raise SizingError(f"{name} is {value}; expected a finite number", f"{name} 是 {value}，需要一个有限的数")
    return Fraction(value)


def exact(
    value: Any,
    name: str,
    *,
    low: Number = 0,
    high: Number = MAX_BYTES,
    zero: bool = False,
    kind: str = "",
) -> Fraction:
    """`value` as an exact fraction within (low, high], or [low, high] if `zero`; floats are read as they print (0.9 is 9/10).

    Raises `SizingError` that names the field, what was found and the range.
    """
    if isinstance(value, bool) or value is None:
        raise SizingError(f"{name} is {value!r}; expected a number", f"{name} 是 {value!r}，需要一个数")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise SizingError(f"{name} is {value}; expected a finite number", f"{name} 是 {value}，需要一个有限的数")
        number = Fraction(repr(value))
    elif isinstance(value, Decimal):
        number = _finite(value, name)
    elif isinstance(value, (int, Fraction)):
        number = Fraction(value)
    elif isinstance(value, str):
        number = _of_text(value, name, kind)
    else:
        raise SizingError(f"{name} is {type(value).__name__} {str(value)[:60]!r}; expected a number")
    lowest, highest = Fraction(str(low)), Fraction(str(high))
    if number < lowest or (number == lowest and not zero) or number > highest:
        bound = "at least" if zero else "more than"
        raise SizingError(
            f"{name} is {_short(number)}; expected a number {bound} {_short(lowest)} and at most {_short(highest)}",
            f"{name} 是 {_short(number)}，需要{'不小于' if zero else '大于'} {_short(lowest)} 且不超过 {_short(highest)} 的数",
        )
    return number


def whole(value: Any, name: str, *, low: int = 1, high: int = MAX_COUNT, kind: str = "") -> int:
    """`value` as an integer within [low, high]; 8.0 and "8" are integers, 8.5 is an error."""
    number = exact(value, name, low=low, high=high, zero=True, kind=kind)
    if number.denominator != 1:
        raise SizingError(f"{name} is {_short(number)}; expected a whole number", f"{name} 是 {_short(number)}，需要整数")
    return int(number)


def share(value: Any, name: str, *, zero: bool = False) -> Fraction:
    """A fraction of one: 0.4, "40%" or "四成"; 40 is refused, since 40 times and 40% look alike."""
    return exact(value, name, low=0, high=1, zero=zero, kind="share")


def one_of(value: Any, name: str, allowed: tuple[str, ...], aliases: Mapping[str, str] | None = None) -> str:
    """A word out of a closed set, case and surrounding space ignored."""
    word = str(value).strip().lower()
    word = (aliases or {}).get(word, word)
    if word not in allowed:
        raise SizingError(
            f"{name} is {value!r}; expected one of: {', '.join(allowed)}", f"{name} 是 {value!r}，只能是：{', '.join(allowed)}"
        )
    return word


def flag(value: Any, name: str) -> bool:
    """true or false; the words and 0/1 too."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("true", "1", "yes"):
        return True
    if word in ("false", "0", "no", "none", ""):
        return False
    raise SizingError(f"{name} is {value!r}; expected true or false", f"{name} 是 {value!r}，需要 true 或 false")


def _short(number: Fraction) -> str:
    if number.denominator == 1 and abs(number) < 10**15:
        return str(int(number))
    return f"{float(number):.6g}" if abs(number) < Fraction(10) ** 300 else "beyond 1e300"


def tidy(number: Fraction | int | float) -> int | float:
    """An int where the value is whole, a float otherwise: what JSON shows."""
    if isinstance(number, float):
        return number
    return int(number) if Fraction(number).denominator == 1 else float(number)


Parser = Callable[[Any, str], Any]
