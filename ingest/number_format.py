"""Spreadsheet values as the sheet shows them: the part of number formats that people use (currency, percent, dates, text).

The format language is the one of ECMA-376 Part 1, §18.8.31. Fractions are shown as decimals.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_TOKEN = re.compile(
    r"\"([^\"]*)\"|\\(.)|\[\$([^\]\-]*)[^\]]*\]|\[[^\]]*\]|_.|\*.|(E[+\-]0+)|([0#?][0#?,]*(?:\.[0#?]+)?|\.[0#?]+)|(%)|(.)", re.IGNORECASE
)
_DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)
_LITERAL = re.compile(r"\"[^\"]*\"|\\.|\[[^\]]*\]|_.|\*.")
_DATE_TOKEN = re.compile(
    r"\"([^\"]*)\"|\\(.)|\[\$[^\]]*\]|\[[^\]]*\]|_.|\*.|(y+|m+|d+|h+|s+|AM/PM|上午/下午|a{3,4})|(\.0+)|(.)", re.IGNORECASE
)
_WEEKDAYS = "一二三四五六日"


def shown(value: object, code: str | None) -> str:
    """A cell's value as text under its number format; an empty cell is an empty string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    code = (code or "General").strip() or "General"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return _date(value, code)
    if isinstance(value, dt.timedelta):
        return str(value)
    if isinstance(value, (int, float, Decimal)):  # noqa: UP038  (mypy narrows this form)
        return _number(value, code)
    text = str(value)
    section = _sections(code)
    return _with_text(section[3], text) if len(section) == 4 and "@" in section[3] else text


def _plain(value: int | float | Decimal) -> str:
    if isinstance(value, int):
        return str(value)
    number = Decimal(str(value))
    if not number.is_finite():
        return str(value)
    rounded = number if abs(number.adjusted()) > 14 else round(number, 10 - max(0, number.adjusted()))
    text = f"{rounded.normalize():f}"
    return text if len(text) <= 18 else f"{number:.6g}"


def _sections(code: str) -> list[str]:
    sections, current, quoted = [], "", False
    for position, character in enumerate(code):
        if character == '"' and code[position - 1 : position] != "\\":
            quoted = not quoted
        if character == ";" and not quoted and code[position - 1 : position] != "\\":
            sections.append(current)
            current = ""
        else:
            current += character
    return [*sections, current]


def _number(value: int | float | Decimal, code: str) -> str:
    sections = _sections(code)
    section, negative = sections[0], value < 0
    if negative and len(sections) > 1:
        section, negative = sections[1], False
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    elif len(sections) > 1 and re.match(r"\[[<>=]", section.lstrip()):
        return _plain(value)
    bare = _LITERAL.sub("", section)
    if "General" in bare or "@" in bare or not re.search(r"[0#?]", bare):
        before, after = _literals(section)
        return (
            f"{'-' if negative else ''}{before}{_plain(-value if value < 0 else value)}{after}"
            if "General" in bare
            else before or _plain(value)
        )
    if "/" in bare and "?" in bare:
        return _plain(value)
    try:
        return ("-" if negative else "") + _formatted(abs(Decimal(str(value))), section, bare)
    except (InvalidOperation, ValueError):
        return _plain(value)


def _formatted(number: Decimal, section: str, bare: str) -> str:
    number *= Decimal(100) ** bare.count("%")
    placeholder = re.search(r"[0#?][0#?,]*(?:\.[0#?]+)?|\.[0#?]+", bare)
    digits = placeholder[0] if placeholder else "0"
    scale = len(digits.split(".")[0]) - len(digits.split(".")[0].rstrip(","))
    number /= Decimal(1000) ** scale
    whole, _, fraction = digits.partition(".")
    exponent = re.search(r"E([+\-])(0+)", bare, re.IGNORECASE)
    if exponent:
        text = f"{number:.{len(fraction)}E}"
    else:
        quantum = Decimal(1).scaleb(-len(fraction))
        rounded = number.quantize(quantum, rounding=ROUND_HALF_UP)
        text = f"{rounded:,f}" if "," in whole.rstrip(",") else f"{rounded:f}"
        optional = len(fraction) - len(fraction.rstrip("#?"))
        if optional and "." in text:
            head, _, tail = text.partition(".")
            keep = len(fraction) - optional
            tail = tail[:keep] + tail[keep:].rstrip("0")
            text = f"{head}.{tail}" if tail else head
        minimum = whole.replace(",", "").count("0")
        if minimum == 0 and text.startswith("0."):
            text = text[1:]
        text = text.zfill(minimum + len(text) - len(text.split(".")[0])) if minimum > 1 and "," not in text else text
    return _around(section, text)


def _around(section: str, number: str) -> str:
    """The format's literal characters with the number where its placeholders stand."""
    parts: list[str] = []
    placed = False
    for match in _TOKEN.finditer(section):
        quoted, escaped, currency, exponent, digits, percent, other = match.groups()
        if quoted is not None or escaped is not None or currency is not None:
            parts.append(quoted or escaped or currency or "")
        elif digits is not None:
            parts.append("" if placed else number)
            placed = True
        elif percent:
            parts.append("%")
        elif other is not None and not exponent and match[0][0] not in "[_*":
            parts.append(other)
    return "".join(parts).strip()


def _literals(section: str) -> tuple[str, str]:
    before, _, after = section.partition("General")
    return _around(before, ""), _around(after, "")


def _with_text(section: str, text: str) -> str:
    return "".join(
        text if match[0] == "@" else (match[1] or match[2] or match[3] or match[7] or "") for match in _TOKEN.finditer(section)
    ).strip()


def _date(value: dt.datetime | dt.date | dt.time, code: str) -> str:
    bare = _LITERAL.sub("", _sections(code)[0])
    if code == "General" or not _DATE_LETTERS.search(bare):
        return _iso(value)
    moment = (
        value
        if isinstance(value, dt.datetime)
        else dt.datetime.combine(value, dt.time())
        if isinstance(value, dt.date)
        else dt.datetime.combine(dt.date(1900, 1, 1), value)
    )
    tokens = [match for match in _DATE_TOKEN.finditer(_sections(code)[0])]
    twelve = any((match[3] or "").upper() in ("AM/PM", "上午/下午") for match in tokens)
    parts: list[str] = []
    last = ""
    for position, match in enumerate(tokens):
        quoted, escaped, letters, fraction, other = match.groups()
        if letters:
            follows = next((later[3][0].lower() for later in tokens[position + 1 :] if later[3]), "")
            parts.append(_date_part(moment, letters, last == "h" or (letters[0] in "mM" and follows == "s"), twelve))
            last = letters[0].lower()
        elif fraction is None:
            parts.append(quoted if quoted is not None else escaped or other or "")
    return "".join(parts).strip() or _iso(value)


def _date_part(moment: dt.datetime, letters: str, minutes: bool, twelve: bool) -> str:
    low, count = letters.lower(), len(letters)
    if low in ("am/pm", "上午/下午"):
        return ("AM" if moment.hour < 12 else "PM") if low == "am/pm" else ("上午" if moment.hour < 12 else "下午")
    hour = (moment.hour % 12 or 12) if twelve else moment.hour
    if low[0] == "y":
        return f"{moment.year:04d}" if count > 2 else f"{moment.year % 100:02d}"
    if low[0] == "m" and not minutes:
        return moment.strftime("%B" if count >= 4 else "%b") if count >= 3 else f"{moment.month:0{count}d}"
    if low[0] == "d":
        return moment.strftime("%A" if count >= 4 else "%a") if count >= 3 else f"{moment.day:0{count}d}"
    if low[0] == "a":
        return ("星期" if count == 4 else "") + _WEEKDAYS[moment.weekday()]
    number = {"m": moment.minute, "h": hour, "s": moment.second}[low[0]]
    return f"{number:0{min(count, 2)}d}"


def _iso(value: dt.datetime | dt.date | dt.time) -> str:
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
