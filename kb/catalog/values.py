"""A claim's authored value -> the typed value that is compared, calculated with and shown."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from kb.catalog.schema import ClaimRecord, ClaimValue, FieldRecord
from kb.catalog.units import UnitError, parse_money, parse_quantity_unit, parse_rate

_NUMBER = re.compile(r"^([-+]?[\d][\d,_]*(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(百万|千万|[kKMBTGm万亿千])?$")
_MULTIPLIERS = {
    "k": 10**3, "K": 10**3, "千": 10**3, "万": 10**4, "m": 10**6, "M": 10**6, "百万": 10**6, "千万": 10**7, "亿": 10**8,
    "B": 10**9, "G": 10**9, "T": 10**12,
}  # fmt: skip
_DATE = re.compile(r"^(\d{4})(?:[-/年.](\d{1,2})(?:[-/月.](\d{1,2})日?|月)?|年)?$")
_TRUE = {"yes", "true", "是"}
_FALSE = {"no", "false", "否"}


class ValueProblem(ValueError):
    """A value that does not fit its field: `what was found; expected; fix`."""


@dataclass(frozen=True, slots=True)
class TypedValue:
    """Value and unit in normal form; `en` the same value in English words where there is one."""

    value: ClaimValue
    unit: str
    en: str | tuple[str, ...] | None


def parse_number(text: str) -> Decimal:
    """A number as authored: `5.00`, `1,000,000`, `128K`, `10万`. Raises `ValueProblem`."""
    match = _NUMBER.match(text.strip())
    if match is None:
        raise ValueProblem(f"value {text!r}; expected a number such as 5.00, 128K or 10万; write the number alone and its unit in `unit`")
    try:
        return Decimal(match[1].replace(",", "").replace("_", "")) * _MULTIPLIERS.get(match[2] or "", 1)
    except InvalidOperation:
        raise ValueProblem(f"value {text!r}; expected a number; correct it") from None


def parse_date(text: str) -> str:
    """`2025-02-13`, `2025-02` or `2025`, from ISO or Chinese notation. Raises `ValueProblem`."""
    match = _DATE.match(text.strip())
    if match is None or not (1 <= int(match[2] or 1) <= 12 and 1 <= int(match[3] or 1) <= 31):
        raise ValueProblem(f"value {text!r}; expected a date such as 2025-02-13, 2025-02 or 2025; write it so")
    return "-".join(part if len(part) == 4 else part.zfill(2) for part in match.groups() if part)


def _enum(field: FieldRecord, value: str | int | float | bool | list[str]) -> str:
    text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    if text in field.values:
        return text
    near = difflib.get_close_matches(text, field.values, n=1)
    fix = f"did you mean {near[0]!r}?" if near else "use one of them, or add the value to the field"
    raise ValueProblem(f"{field.id} is {text!r}; expected one of: {', '.join(field.values)}; {fix}")


def typed_value(field: FieldRecord, record: ClaimRecord) -> TypedValue:
    """Checks and normalises one claim.

    Rates per token come out per million tokens, quantities in the vocabulary's unit, numbers as `Decimal`, lists as tuples,
    dates as ISO text. Raises `ValueProblem` for a value or unit that the field cannot have.
    """
    en = tuple(record.en) if isinstance(record.en, list) else record.en
    try:
        if field.type in ("rate", "money", "quantity", "rank"):
            return _measured(field, record, en)
        return _worded(field, record, en)
    except UnitError as error:
        raise ValueProblem(f"unit {record.unit!r} of {field.id}; {error}; correct `unit`") from None


def _measured(field: FieldRecord, record: ClaimRecord, en: str | tuple[str, ...] | None) -> TypedValue:
    number = _decimal(field, record.value)
    if field.type == "rank":
        return TypedValue(number, "", en)
    if field.type == "quantity":
        unit, factor = parse_quantity_unit(record.unit, field.unit)
        return TypedValue(_shortest(number * factor), unit, en)
    if not record.unit:
        example = "a currency and what it buys, e.g. USD/1M token" if field.type == "rate" else "a currency, e.g. CNY or CNY/month"
        raise ValueProblem(f"{field.id} has no unit; expected {example}; add `unit`")
    if field.type == "money":
        return TypedValue(number, parse_money(record.unit), en)
    rate, factor = parse_rate(record.unit, field.unit)
    return TypedValue(_shortest(number * factor), str(rate), en)


def _worded(field: FieldRecord, record: ClaimRecord, en: str | tuple[str, ...] | None) -> TypedValue:
    value = record.value
    if field.type == "enum":
        return TypedValue(_enum(field, value), "", en)
    if field.type == "date":
        return TypedValue(parse_date(str(value)), "", en)
    if field.type == "list":
        return _list(field, value, en)
    if field.type == "flag":
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise ValueProblem(f"{field.id} is {value!r}; expected true or false; use one of them")
        return TypedValue(word in _TRUE, "", en)
    if isinstance(value, list):
        raise ValueProblem(f"{field.id} is a list; expected one text; make it several claims or join it")
    return TypedValue(str(value), record.unit, "; ".join(en) if isinstance(en, tuple) else en)


def _list(field: FieldRecord, value: str | int | float | bool | list[str], en: str | tuple[str, ...] | None) -> TypedValue:
    items = value if isinstance(value, list) else [str(value)]
    english = (en,) if isinstance(en, str) else en
    if english is not None and len(english) != len(items):
        raise ValueProblem(f"{field.id} has {len(items)} items and {len(english)} in `en`; expected as many; translate each item")
    return TypedValue(tuple(str(item) for item in items), "", english)


def _decimal(field: FieldRecord, value: str | int | float | bool | list[str]) -> Decimal:
    if isinstance(value, bool | list):
        raise ValueProblem(f"{field.id} is {value!r}; expected a number; correct it")
    return parse_number(str(value))


def _shortest(value: Decimal) -> Decimal:
    """Without a trailing exponent: 1E+6 becomes 1000000, and 2.000 stays 2.000."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() and value.as_tuple().exponent not in (0, -1, -2) else value
