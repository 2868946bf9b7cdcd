"""Lengths of text as documents write them: `200K tokens`, `百万级`, `200万字`, `about 1500 pages`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_LENGTH = re.compile(
    r"(?P<number>\d[\d,]*(?:\.\d+)?|[一二三四五六七八九十两]+(?=[百千万亿]))\s*(?P<scale>百万|千万|[kmbKMB](?![a-zA-Z])|万|亿|千"
    r"|million|thousand|mil)?(?P<plus>\s*\+)?\s*(?:个|多)?"
    r"(?P<unit>\s*-?\s*(?:tokens?|toks?|词元|汉字|个字|字符|字|characters?|chars?|words?|pages?|页))?(?![a-zA-Z])"
    r"|(?P<level>十万|百万|千万|亿|million|thousand)(?P<plus2>\+)?(?:级别?|量级|-level|-scale)?\s*(?P<unit2>\s*-?\s*(?:tokens?|词元"
    r"|汉字|字符|字|characters?|words?))?",
    re.IGNORECASE,
)
_SPACED = re.compile(r"(?<![\w.,] )(?<![\w.,])\d{1,3}(?: \d{3})+(?![\d\w.,])")
"""Thousands apart by spaces: `128 000`."""
_POINTED = re.compile(r"(?<![\w.,])\d{1,3}(?:\.\d{3})+(?![\d.,]|\s*(?:[kKmMbB](?![A-Za-z])|[万亿千百]|million|thousand))")
"""Thousands apart by points: `128.000`; no length has a fraction of a token."""
_LEVELS = {"十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "million": 10**6, "thousand": 10**3}
_LENGTH_SCALES = {
    "k": 10**3,
    "m": 10**6,
    "b": 10**9,
    "万": 10**4,
    "亿": 10**8,
    "千": 10**3,
    "百万": 10**6,
    "千万": 10**7,
    "million": 10**6,
    "thousand": 10**3,
    "mil": 10**6,
}
_HAN = {c: i for i, c in enumerate("零一二三四五六七八九十")} | {"两": 2}


@dataclass(frozen=True, slots=True)
class Length:
    """A length of text: value in `unit` (token, character, word, page), the source's own form, where it stands."""

    value: Decimal
    unit: str
    written: str
    approx: bool
    start: int
    end: int
    has_unit: bool


def lengths_in(text: str) -> list[Length]:
    """Text lengths in a text that is known to speak of them (NFKC). Bare numbers count as tokens."""
    found = []
    text = _SPACED.sub(lambda match: match[0].replace(" ", ","), text)
    text = _POINTED.sub(lambda match: match[0].replace(".", ","), text)
    for match in _LENGTH.finditer(text):
        before = text[: match.start()]
        if re.search(r"[$¥€£]\s*$|[A-Za-z\d][-.]?$|第$|\d[.:]$", before) or re.match(
            r"\s*(?:%|[$€£元]|倍|小时|分钟|秒|ms|hours?|x\b|B\b|亿?参数|年|月|天|\.\d)", text[match.end() :]
        ):
            continue
        length = _read_length(match, text)
        if length is not None:
            found.append(length)
    return found


def _read_length(match: re.Match[str], text: str) -> Length | None:
    unit_word = (match["unit"] or match["unit2"] or "").strip(" -").lower()
    if match["level"]:
        tail = match[0][len(match["level"]) :].lstrip()
        if not re.match(r"(?:级|量级|-level|-scale|\+)", tail) and not unit_word:
            return None
        value, approx = Decimal(_LEVELS[match["level"].lower()]), True
    else:
        number = match["number"]
        digits = Decimal(number.replace(",", "")) if number[0].isdigit() else Decimal(sum(_HAN[c] for c in number))
        value = digits * _LENGTH_SCALES.get((match["scale"] or "").lower(), 1)
        approx = bool(match["plus"]) or bool(re.search(r"(?:约|近|about|around|approximately|~|nearly)\s*$", text[: match.start()], re.I))
    return Length(value, length_unit(unit_word), match[0].strip(), approx, match.start(), match.end(), bool(unit_word))


def length_unit(word: str) -> str:
    """The catalog's unit for a unit word of text lengths."""
    word = word.strip(" -").lower()
    if word.startswith(("字", "汉字", "个字", "char")):
        return "character"
    if word.startswith("word"):
        return "word"
    if word.startswith(("page", "页")):
        return "page"
    return "token"
