"""The scorer's own reader of figures in an answer.

Deliberately shares no code with the quantity parser that the agent uses: an error in that parser must not hide itself here.
A figure is a number with its scale applied and, where the text names one, a kind of unit. A stated kind that differs
from the expected one is a different figure ("$540" is not 540 yuan); a bare number is taken on trust.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_THOUSANDS = re.compile(r"(?<=\d)[,\u00a0\u2009\u202f'](?=\d{3}(?!\d))")
_NOISE = re.compile(r"https?://\S+|\[\d+(?:\s*[,，、]\s*\d+)*\]|[*`_~\\]")
_LIST_MARK = re.compile(r"(?m)^\s*\d{1,2}[.)、]\s")

_SCALES = {
    "万亿": 1e12, "千亿": 1e11, "百亿": 1e10, "十亿": 1e9, "亿": 1e8, "千万": 1e7, "百万": 1e6, "十万": 1e5, "万": 1e4, "千": 1e3,
    "百": 1e2, "trillion": 1e12, "billion": 1e9, "million": 1e6, "thousand": 1e3, "bn": 1e9, "mn": 1e6, "mil": 1e6,
    "b": 1e9, "m": 1e6, "k": 1e3, "w": 1e4,
}  # fmt: skip
_UNITS: dict[str, tuple[str, float]] = {}
"""Word -> (kind, factor to the base unit of the kind). Base units: the currency itself, percent, byte, month, second, one."""
for _kind, _factor, _words in (
    ("money:USD", 1, "$ us$ usd dollar dollars 美元 美金 美刀 刀"),
    ("money:CNY", 1, "¥ rmb cny yuan 人民币 元 块钱 块 元人民币"),
    ("money:EUR", 1, "€ eur euro euros 欧元"),
    ("money:GBP", 1, "£ gbp 英镑"),
    ("money:JPY", 1, "jpy yen 日元 円"),
    ("percent", 1, "% percent pct"),
    ("percent", 10, "成"),
    ("byte", 1e3, "kb"), ("byte", 1e6, "mb"), ("byte", 1e9, "gb"), ("byte", 1e12, "tb"),
    ("byte", 2**10, "kib"), ("byte", 2**20, "mib"), ("byte", 2**30, "gib"), ("byte", 2**40, "tib"),
    ("month", 1, "个月 month months mo 月"),
    ("month", 12, "年 year years yr yrs"),
    ("second", 1e-3, "ms 毫秒 milliseconds millisecond"), ("second", 1, "s 秒 秒钟 sec seconds second"),
    ("second", 60, "min 分钟 minutes minute"), ("second", 3600, "h 小时 hours hour"), ("second", 86400, "天 日 day days"),
    ("token", 1, "token tokens tok 词元"),
    ("request", 1, "次 次调用 次请求 requests request calls call queries query"),
    ("card", 1, "张 张卡 块卡 块gpu 块显卡 卡 cards card gpus gpu 台"),
    ("ratio", 1, "倍 x × times :1 ratio"),
    ("parameter", 1, "参数 parameters parameter params"),
    ("char", 1, "字 汉字 characters chars"),
    ("person", 1, "人 用户 users user people"),
):  # fmt: skip
    for _word in _words.split():
        _UNITS[_word] = (_kind, float(_factor))


def _alternatives(words: Iterable[str]) -> str:
    ordered = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(w) + (r"(?![a-z])" if w[-1].isascii() and w[-1].isalpha() else "") for w in ordered)


_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_SCALE = _alternatives(_SCALES)
_UNIT = _alternatives(_UNITS)
_CURRENCY_BEFORE = r"us\s?\$|\$|usd|¥|rmb|cny|人民币|€|eur|£|gbp|jpy"
# A digit that follows a letter, or a letter and a hyphen, belongs to a name (gpt-5.1, k2), unless the letters are a currency.
_FIGURE = re.compile(
    rf"(?:(?P<before>{_CURRENCY_BEFORE})\s*|(?<![a-z§#.\d])(?<![a-z]-))(?P<minus>(?<![\w)）%])[-−])?(?P<number>{_NUMBER})(?!\.?\d)"
    rf"\s*(?P<scale>{_SCALE})?(?P<rest>(?:\d+(?:\.\d+)?\s*(?:亿|千万|百万|十万|万|千|百))+|\d+(?![.\d]))?"
    rf"\s*[多余个]?\s*(?P<unit>{_UNIT})?"
)
_ORDERED_SCALES = re.compile(r"(\d+(?:\.\d+)?)\s*(亿|千万|百万|十万|万|千|百)")
_NAME_TAIL = re.compile(r"[a-z]")
_HANZI_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_HANZI = re.compile(
    rf"(?P<percent>百分之\s*)?(?<![\d.])(?P<number>[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?)\s*(?P<unit>{_UNIT})?(?P<tail>[一二三四五六七八九])?"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` has its scale applied (1.56万 -> 15600) and stands in units of `kind` times `factor`; `kind` is "" where none is named."""

    value: float
    kind: str
    factor: float
    text: str


def read_figures(text: str, names: Iterable[str] = ()) -> list[Figure]:
    """All figures of an answer. `names` are identifiers (models, products) whose digits are not figures."""
    cleaned = _LIST_MARK.sub("\n", _THOUSANDS.sub("", text))
    cleaned = unicodedata.normalize("NFKC", cleaned).lower().replace("百分之", " 百分之 ")
    cleaned = _NOISE.sub(lambda m: " " if m.group().startswith(("http", "[")) else "", cleaned)
    if pattern := _names(tuple(names)):
        cleaned = pattern.sub(" ", cleaned)
    return [*_arabic(cleaned), *_hanzi(cleaned)]


@lru_cache(maxsize=64)
def _names(names: tuple[str, ...]) -> re.Pattern[str] | None:
    """Names with digits, longest first; spaces and hyphens in them are optional."""
    folded = {unicodedata.normalize("NFKC", name).lower() for name in names if any(c.isdigit() for c in name)}
    parts = ([re.escape(part) for part in re.split(r"[\s\-]+", name) if part] for name in sorted(folded, key=len, reverse=True))
    joined = "|".join(r"[\s\-]*".join(some) for some in parts)
    return re.compile(rf"(?<![a-z\d])(?:{joined})(?!\d)(?!\.\d)") if joined else None


def _arabic(text: str) -> Iterator[Figure]:
    for match in _FIGURE.finditer(text):
        value = float(match["number"])
        if match["scale"]:
            value = value * _SCALES[match["scale"]] + _lower_part(match["rest"] or "", _SCALES[match["scale"]])
        elif match["rest"]:
            continue
        elif not match["unit"] and _NAME_TAIL.match(text, match.end("number")) and not text.startswith(("x", "th"), match.end("number")):
            continue
        if match["minus"]:
            value = -value
        kind, factor = _UNITS.get(match["unit"] or "", ("", 1.0))
        if text[: match.start("number")].rstrip().endswith("百分之"):
            kind, factor = "percent", 1.0
        elif match["before"]:
            kind, factor = _UNITS[match["before"].replace(" ", "")]
        yield Figure(value, kind, factor, match.group().strip())


def _lower_part(rest: str, scale: float) -> float:
    """What follows the first scaled part without a gap: 1亿2000万, 1万2000, and the colloquial 3万5 for 35,000."""
    scaled = sum(float(n) * _SCALES[s] for n, s in _ORDERED_SCALES.findall(rest))
    if scaled:
        return scaled
    return float(rest) * (scale / 10 if len(rest) == 1 and scale >= 1000 else 1) if rest else 0.0


def _hanzi(text: str) -> Iterator[Figure]:
    """Numbers in Chinese characters, only where a unit follows: 三倍, 八个月, 百分之十五, 六成八."""
    for match in _HANZI.finditer(text.replace("个月", "月")):
        written, unit = match["number"], match["unit"]
        if not any(c in _HANZI_DIGITS or c == "十" for c in written) or not (unit or match["percent"]):
            continue
        value = _hanzi_value(written)
        if value is None:
            continue
        kind, factor = ("percent", 1.0) if match["percent"] else _UNITS[unit]
        if unit == "成" and match["tail"]:
            value += _HANZI_DIGITS[match["tail"]] / 10
        yield Figure(value, kind, factor, match.group().strip())


def _hanzi_value(written: str) -> float | None:
    whole, _, decimals = written.partition("点")
    total = section = digit = 0
    for char in whole:
        if char in _HANZI_DIGITS:
            digit = _HANZI_DIGITS[char]
        elif char in "十百千":
            section += (digit or (1 if char == "十" else 0)) * {"十": 10, "百": 100, "千": 1000}[char]
            digit = 0
        else:
            section = (section + digit) * (10**4 if char == "万" else 10**8)
            total, section, digit = total + section, 0, 0
    value = float(total + section + digit)
    if decimals:
        value += sum(_HANZI_DIGITS[c] / 10 ** (i + 1) for i, c in enumerate(decimals))
    return value or None


def unit_of(word: str) -> tuple[str, float]:
    """(kind, factor) of an expected unit such as "CNY", "tokens", "GB" or "USD/month"; kind "" for a word that is not known."""
    return _UNITS.get(word.strip().lower().split("/")[0].strip(), ("", 1.0))


def matches(figure: Figure, value: float, unit: str, rel_tol: float) -> bool:
    """Whether a figure states `value` `unit`: same kind of unit (or none named) and within `rel_tol` of the value."""
    kind, factor = unit_of(unit)
    if not kind or not figure.kind:
        found, wanted = figure.value, value
    elif figure.kind == kind:
        found, wanted = figure.value * figure.factor, value * factor
    elif (figure.kind, kind) == ("percent", "ratio"):
        found, wanted = figure.value * figure.factor / 100, value
    elif (figure.kind, kind) == ("money:CNY", "card") and figure.text.endswith("块"):
        found, wanted = figure.value, value
    else:
        return False
    return abs(found - wanted) <= rel_tol * abs(wanted) + 1e-9
