"""Writers of numbers for round-trip tests: the same value in the forms that people use. None of them calls the parser."""

from __future__ import annotations

from decimal import Decimal

_DIGITS = "零一二三四五六七八九"
_FULL_WIDTH = str.maketrans("0123456789.,", "０１２３４５６７８９．，")


def plain(value: Decimal) -> str:
    """`1234567.8` without exponent or trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def grouped(value: Decimal) -> str:
    """`1,234,567.8`."""
    whole, _, fraction = plain(value).partition(".")
    return f"{int(whole):,}" + (f".{fraction}" if fraction else "")


def full_width(value: Decimal) -> str:
    """`１２３４．５`."""
    return plain(value).translate(_FULL_WIDTH)


def scaled(value: Decimal, factor: int, word: str) -> str:
    """`1.56万`, `30M`: the value in units of `factor`."""
    return plain(value / factor) + word


def han(value: int) -> str:
    """Chinese numeral of 1 to 10^12 - 1 in full form: 10305 -> 一万零三百零五."""
    if not 0 < value < 10**12:
        raise ValueError(value)
    parts = []
    for unit, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        group = value // size % 10**4
        if group:
            if parts and group < 1000:
                parts.append("零")
            parts.append(_below_ten_thousand(group) + unit)
        elif parts and size > 1:
            parts.append("零")
    text = "".join(parts)
    while "零零" in text:
        text = text.replace("零零", "零")
    return text.rstrip("零")


def _below_ten_thousand(value: int) -> str:
    text, gap = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = value // size % 10
        if digit:
            text += ("零" if gap and text else "") + _DIGITS[digit] + unit
            gap = False
        else:
            gap = True
    return text
