"""Claims in words, in Chinese or English: the same wording in records, on the command line and in answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim, FieldRecord
from kb.catalog.units import rate_parts

Language = Literal["zh", "en"]

_SIGNS = {"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£", "INR": "₹", "KRW": "₩"}
_UNITS_ZH = {
    "character": "字", "word": "词", "page": "页", "s": "秒", "min": "分钟", "h": "小时", "day": "天", "month": "月", "year": "年",
    "parameter": "参数", "point": "分", "multiple": "倍", "user": "用户", "request": "次请求", "image": "张图",
    "card": "张卡", "device": "台设备",
}  # fmt: skip
_COMPARE_ZH = {"<=": "≤", ">=": "≥", "<": "<", ">": ">", "=": "="}
_CONDITION = re.compile(r"^(<=|>=|<|>|=)?\s*(\d[\d.]*)$")

_SPAN = re.compile(r"^>=?\s*(\d[\d.]*),\s*<=?\s*(\d[\d.]*)$")


def number_text(value: Decimal) -> str:
    """`1000000` -> `1,000,000`; the decimals are kept as they are (`5.00`)."""
    return f"{value:,f}"


def unit_text(unit: str, language: Language) -> str:
    """A vocabulary unit as a reader expects it after a number."""
    if unit == "percent":
        return "%"
    head, slash, tail = unit.partition("/")
    if language == "zh":
        return " " + _UNITS_ZH.get(head, head) + (slash + _UNITS_ZH.get(tail, tail) if slash else "")
    plural = (
        "s" if head in ("token", "character", "word", "page", "parameter", "point", "user", "request", "image", "card", "device") else ""
    )
    return f" {head}{plural}" + (f"/{tail}" if slash else "") if unit else ""


def rate_text(value: Decimal, unit: str, language: Language) -> str:
    """`5.00`, `USD/1M token` -> `$5.00 / 1M tokens` or `$5.00/百万 token`."""
    currency, per = rate_parts(unit)
    money = f"{_SIGNS[currency]}{number_text(value)}" if currency in _SIGNS else f"{number_text(value)} {currency}"
    if not per:
        return money
    if language == "zh":
        return f"{money}/{per.replace('1M ', '百万 ').replace('character', '字')}"
    return f"{money} / {per}{'s' if per[-1:].isalpha() and ' ' in per else ''}"


def value_text(claim: Claim, field: FieldRecord, language: Language) -> str:
    """The value as shown: with its unit, the source's own wording beside it where that differs, labels for enum values."""
    value = claim.value
    if isinstance(value, bool):
        return {"zh": ("否", "是"), "en": ("no", "yes")}[language][value]
    if isinstance(value, Decimal):
        if field.type in ("rate", "money"):
            shown = rate_text(value, claim.unit, language)
        else:
            shown = number_text(value) + unit_text(claim.unit, language)
        about = {"zh": "约 ", "en": "about "}[language] if claim.approx else ""
        written = f" ({claim.as_written})" if claim.as_written and claim.as_written not in shown else ""
        return about + shown.strip() + written
    words = claim.en if language == "en" and claim.en else value
    if isinstance(words, tuple):
        return ("、" if language == "zh" else ", ").join(words)
    if field.type == "enum" and words in field.values:
        label = field.values[words].label
        return label.zh if language == "zh" else label.en
    return words


def condition_text(when: Mapping[str, str], catalog: Catalog, language: Language) -> str:
    """A claim's conditions on one line; empty if it holds always."""
    parts = []
    for key, value in when.items():
        record = catalog.conditions.get(key)
        label = (record.label.zh if language == "zh" else record.label.en) if record else key
        coded = record.values.get(value) if record else None
        number = _CONDITION.match(value)
        span = _SPAN.match(value)
        if span:
            parts.append(f"{label} {number_text(Decimal(span[1]))}–{number_text(Decimal(span[2]))}")
        elif coded:
            parts.append(coded.label.zh if language == "zh" else coded.label.en)
        elif number:
            parts.append(f"{label} {_COMPARE_ZH.get(number[1] or '=', '')} {number_text(Decimal(number[2]))}")
        else:
            parts.append(f"{label} {value}")
    return ("，" if language == "zh" else ", ").join(parts)


def claim_text(claim: Claim, catalog: Catalog, language: Language, *, with_source: bool = True) -> str:
    """Value, conditions, the name the source uses, note and source on one line."""
    field = catalog.fields[claim.field]
    brackets = []
    if claim.when:
        brackets.append(condition_text(claim.when, catalog, language))
    if claim.about:
        brackets.append(f"原文对象：{claim.about}" if language == "zh" else f"the source speaks of {claim.about}")
    note = claim.note_en if language == "en" and claim.note_en else claim.note
    if note:
        brackets.append(note)
    opening, closing, comma = ("（", "）", "；") if language == "zh" else (" (", ")", "; ")
    shown = value_text(claim, field, language) + (f"{opening}{comma.join(brackets)}{closing}" if brackets else "")
    return f"{shown} [{source_text(claim)}]" if with_source else shown


def source_text(claim: Claim) -> str:
    """Source and section of a claim on one line."""
    return f"{claim.source} {claim.section}".strip()
