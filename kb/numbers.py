"""Numerals in Chinese and Western writing: `1.56万`, `一亿二千万`, `3万5`, `30M`, `15,600`, `1e9`, `两百`, `一年半`'s 半.

A number inside an identifier (`gpt5.1`, `A100`, `fp16`, `4o`) is not a number. All values are `Decimal`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
SMALL = {"十": 10, "百": 100, "千": 1000}
LARGE = {"万": 10**4, "亿": 10**8, "萬": 10**4, "億": 10**8}

LATIN_SCALES: dict[str, Decimal] = {
    "k": Decimal(10**3), "thousand": Decimal(10**3),
    "w": Decimal(10**4), "kw": Decimal(10**7), "kk": Decimal(10**6),
    "m": Decimal(10**6), "mm": Decimal(10**6), "mn": Decimal(10**6), "mil": Decimal(10**6), "mio": Decimal(10**6),
    "million": Decimal(10**6), "millions": Decimal(10**6),
    "b": Decimal(10**9), "bn": Decimal(10**9), "billion": Decimal(10**9), "billions": Decimal(10**9),
    "trillion": Decimal(10**12), "tn": Decimal(10**12),
}  # fmt: skip
_WORDS: dict[str, int | Decimal] = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100, "half": Decimal("0.5"),
}  # fmt: skip

_LARGEST_EXPONENT = 30
_ARABIC = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\d.])\.\d+"
_CJK = "零〇一二两俩三四五六七八九十百千万亿萬億半点"
_NUMBER = re.compile(
    rf"(?P<arabic>(?:{_ARABIC})(?:[eE][+-]?\d{{1,2}}(?![a-zA-Z\d]))?)"
    r"(?:(?P<gap>[ ]?)(?P<latin>thousand|trillion|millions?|billions?|mil|mio|mm|mn|bn|tn|kk|kw|[kKwWmMbB])(?![a-zA-Z]*\d|[a-zA-Z])"
    r"|(?P<tight>kk|kw|[kKwWmMbB]|mil|million|billion)(?=[ ]?tok|input|output|in\b|out\b)"
    r"|(?P<mixed>[ ]?(?:[十百千]|多|来)[wW](?![A-Za-z]))"
    rf"|(?P<cjk>[ ]?(?:多|来|几)?(?:个(?=[万亿]))?[十百千万亿萬億]+(?:[{_CJK}\d.]*\d?[{_CJK}]*)?))?"
    rf"|(?P<han>[{_CJK}]+(?:个(?=[万亿]))?[{_CJK}]*(?:[wW](?![A-Za-z]))?)"
    rf"|(?<![a-zA-Z])(?P<word>half a (?:million|billion)"
    rf"|(?:a|an|{'|'.join(_WORDS)})(?:[ -](?:hundred|thousand|million|billion|trillion))+|(?:{'|'.join(_WORDS)}))(?![a-zA-Z])",
    re.IGNORECASE,
)
_ONE_OF = re.compile(r"\s*(?:张|块(?!钱)|台|片|个|套|年|月|天|小时|度|次|人|份|卡|条|篇|位|名|辆|件)")
_POWER = re.compile(r"功耗|功率|电费|电价|用电|耗电|千瓦|瓦|机柜|度电|kwh|power|watt|electric|rack|PUE", re.IGNORECASE)
_IDENTIFIER_BEFORE = re.compile(r"[A-Za-z][A-Za-z]*[-_.]?$")
_FREE_PREFIXES = re.compile(
    r"(?:^|[^A-Za-z])(?:in|out|input|output|at|rate|about|around|usd|cny|rmb|eur|gbp|jpy|hkd|us|x|tokens?|is|to|of|for|and|or)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A numeral in a text: its value, where it stands, the scale word as written ("万", "M", "") and how it is written."""

    value: Decimal
    start: int
    end: int
    text: str
    scale: str = ""
    form: str = "arabic"


def parse_han(text: str) -> Decimal | None:  # noqa: C901
    """Value of a Chinese numeral, digits allowed inside ("3万5千", "二〇二五", "一点五亿", "3万5" = 35,000); None if it is none."""
    text = text.replace("个", "").replace(" ", "").replace(",", "")
    if not text:
        return None
    if text == "半":
        return Decimal("0.5")
    if re.fullmatch(r"[零〇一二三四五六七八九]{2,}", text):
        return Decimal("".join(str(DIGITS[c]) for c in text))
    total = section = Decimal(0)
    digit: Decimal | None = None
    last_scale = Decimal(1)
    position = 0
    while position < len(text):
        char = text[position]
        number = re.match(r"\d+(?:\.\d+)?", text[position:])
        if number:
            digit = Decimal(number[0])
            position += number.end()
            continue
        if char == "点":
            tail = re.match(r"[零〇一二三四五六七八九\d]+", text[position + 1 :])
            if not tail:
                return None
            fraction = "".join(str(DIGITS.get(c, c)) for c in tail[0])
            digit = (digit or Decimal(0)) + Decimal("0." + fraction)
            position += 1 + tail.end()
            continue
        if char in DIGITS:
            digit = Decimal(DIGITS[char])
            last_scale = Decimal(1) if char in "零〇" else last_scale
        elif char == "半":
            section += last_scale / 2
        elif char in SMALL:
            last_scale = Decimal(SMALL[char])
            section += (Decimal(1) if digit is None else digit) * last_scale
            digit = None
        elif char in LARGE:
            last_scale = Decimal(LARGE[char])
            section += digit or Decimal(0)
            if section == 0 and total == 0:
                section = Decimal(1)
            if LARGE[char] == 10**8:
                total = (total + section) * last_scale
            else:
                total += section * last_scale
            section, digit = Decimal(0), None
        else:
            return None
        position += 1
    if digit is not None:
        # "3万5" and "一百二" leave the next lower unit unsaid.
        unsaid = (
            last_scale / 10 if last_scale >= 100 and digit < 10 and text[-1] not in "点" and text[-2:-1] not in ("零", "〇") else Decimal(1)
        )
        section += digit * unsaid
    return total + section


def find_numbers(text: str) -> list[Number]:
    """All numerals of an NFKC-normalised text in order. Chinese ordinals ("第三") and identifiers are left out, as is what is too long
    to count anything: arithmetic on a million digits takes minutes."""
    found: list[Number] = []
    for match in _NUMBER.finditer(text):
        number = _read(match, text)
        if number is not None and abs(number.value.adjusted()) <= _LARGEST_EXPONENT:
            found.append(number)
    return found


def _read(match: re.Match[str], text: str) -> Number | None:  # noqa: C901
    start, end = match.span()
    if (
        text[max(0, start - 1) : start] in ("几", "数", "好")
        or re.match(r"[x×*]\d+(?:\.\d+)?[bB]", text[end:])
        or re.search(r"\d[x×*]$", text[max(0, start - 2) : start])
    ):
        return None
    if match["word"]:
        return Number(_read_words(match["word"]), start, end, match[0], "", "word")
    if match["han"]:
        han = match["han"].lower().replace("w", "万")
        if re.search("[一二两三四五六七八九]{2}[十百千万亿]", han):
            # "三五万" and "一两百万" are guesses, not figures.
            return None
        value = parse_han(han)
        if value is None or text[max(0, start - 1) : start] in ("第", "上", "下"):
            return None
        if re.fullmatch(r"[万亿千百点零]+", han) and not re.fullmatch(r"[百千]万|十亿|百亿|千亿|万亿", han):
            return None
        return Number(value, start, end, match[0], "".join(c for c in han if c in LARGE), "han")
    if _inside_identifier(text, start):
        return None
    base = Decimal(match["arabic"].replace(",", ""))
    if match["mixed"]:
        # "3千w": the Latin letter stands for 万.
        value = parse_han(re.sub("[多来]", "", match["arabic"].replace(",", "") + match["mixed"].lower().replace("w", "万")))
        return None if value is None else Number(value, start, end, match[0], "万")
    if match["cjk"]:
        if match["cjk"][-1] == "一" and _ONE_OF.match(text, end):
            # "10万一张": the one belongs to what is counted, not to the figure.
            end -= 1
            cjk = match["cjk"][:-1]
            value = parse_han(match["arabic"].replace(",", "") + cjk)
            if value is not None:
                return Number(value, start, end, text[start:end], "".join(c for c in cjk if c in "十百千万亿"))
        value = parse_han(re.sub("[多来几]", "", match["arabic"].replace(",", "") + match["cjk"]))
        if value is None:
            return Number(base, start, match.end("arabic"), match["arabic"])
        return Number(value, start, end, match[0], "".join(c for c in match["cjk"] if not c.isdigit() and c in "十百千万亿"))
    scale = match["latin"] or match["tight"] or ""
    if scale.lower() == "kw" and (scale != "kw" or _POWER.search(text)):
        # "3 kW" is power; "3kw" is 千万 where nothing speaks of electricity.
        return Number(base, start, match.end("arabic"), match["arabic"])
    if scale:
        if scale == "m" and match["gap"]:
            return Number(base, start, match.end("arabic"), match["arabic"])
        return Number(base * LATIN_SCALES[scale.lower()], start, end, match[0], scale)
    follower = re.match(r"[A-Za-z]+", text[end:])
    if (
        follower
        and follower[0].lower() in ("o", "th", "st", "nd", "rd", "x", "v", "a", "e")
        and not text[end + follower.end() :].startswith(" ")
    ):
        return None if follower[0].lower() != "x" else Number(base, start, end, match["arabic"])
    return Number(base, start, end, match["arabic"])


def _inside_identifier(text: str, start: int) -> bool:
    before = text[max(0, start - 24) : start]
    if re.search(r"\d[kKmMwWbB][-~]$", before):
        return False
    if not _IDENTIFIER_BEFORE.search(before):
        return bool(re.search(r"[A-Za-z]\d*[.]?\d*$", before) and re.search(r"[A-Za-z]\d+[.]$", before))
    tail = before.rstrip("-_.") if before[-1:] in "-_." else before
    if before[-1:] in "-_." and len(before) > 1:
        return bool(re.search(r"[A-Za-z]$", tail))
    return not _FREE_PREFIXES.search(before)


def _read_words(words: str) -> Decimal:
    parts = re.split(r"[ -]", words.lower().replace("half a", "half"))
    value = Decimal(1) if parts[0] in ("a", "an") else Decimal(_WORDS[parts[0]])
    for part in parts[1:]:
        value *= 100 if part == "hundred" else LATIN_SCALES[part]
    return value
