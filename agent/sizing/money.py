"""Money in the calculators: exact while calculating, `Decimal` in results, one currency at a time."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.sizing.errors import SizingError
from agent.sizing.inputs import MAX_MONEY, exact

_SYMBOLS = {
    "¥": "CNY",
    "￥": "CNY",
    "元": "CNY",
    "人民币": "CNY",
    "RMB": "CNY",
    "$": "USD",
    "US$": "USD",
    "美元": "USD",
    "€": "EUR",
    "£": "GBP",
}


def amount(value: Any, name: str, *, zero: bool = True) -> Fraction:
    """An amount of money: not negative, finite, at most 10^15. Text may carry its currency ("9万元")."""
    return exact(value, name, high=MAX_MONEY, zero=zero)


def dec(value: Fraction) -> Decimal:
    """The value to 28 significant digits, without trailing zeros."""
    result = Decimal(value.numerator) / Decimal(value.denominator)
    whole = result.to_integral_value()
    return whole if result == whole else result.normalize()


def currency(value: Any) -> str:
    """ISO 4217 code of a code, sign or name; empty stays empty (an unnamed currency)."""
    if value in (None, ""):
        return ""
    word = str(value).strip()
    code = _SYMBOLS.get(word, _SYMBOLS.get(word.upper(), word.upper()))
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise SizingError(f"currency is {value!r}; expected an ISO 4217 code such as CNY or USD")
    return code


def shown(value: Fraction | Decimal, code: str = "") -> str:
    """An amount for people: thousands separators, at least two decimals below 1000 unless whole."""
    number = dec(value) if isinstance(value, Fraction) else value
    if number == number.to_integral_value():
        text = f"{int(number):,}"
    elif abs(number) < 1:
        text = f"{number:.6f}".rstrip("0").rstrip(".")
    else:
        text = f"{number:,.2f}" if abs(number) >= 100 else f"{number:,.4f}".rstrip("0").rstrip(".")
    return f"{text} {code}".strip()


def items(given: Mapping[str, Any] | None, name: str) -> dict[str, Fraction]:
    """Named amounts, e.g. monthly costs by kind."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise SizingError(f"{name} is {given!r}; expected an object of names and amounts")
    return {str(key): amount(value, f"{name}.{key}") for key, value in given.items()}
