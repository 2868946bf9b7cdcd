"""Quantities with units in a question, a document or an answer: `4000万输入`, `每天800次`, `¥5万/月`, `1.5k`, `8M a month`, `八成`.

A scanner over numbers (kb/numbers.py) and unit words (kb/units.yaml); nothing here knows what a question is about.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from kb.numbers import DIGITS, Number, find_numbers

Bound = Literal["", "max", "min"]
TIME_UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
DAYS = {"day": Decimal(1), "week": Decimal(7), "month": Decimal(30), "quarter": Decimal(90), "year": Decimal(365)}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what it counts.

    `unit` is canonical (`token`, `request`, `user`, `day`, `percent`, a currency code ...) or "" where none is written;
    `per` are the denominators ("day", "request", "user"); `scale` the scale word as written ("万", "B"); `high` the upper
    end of a range. `start` and `end` index the NFKC-normalised text.
    """

    value: Decimal
    unit: str
    start: int
    end: int
    text: str
    per: tuple[str, ...] = ()
    scale: str = ""
    bound: Bound = ""
    high: Decimal | None = None
    is_money: bool = False


@dataclass(frozen=True, slots=True)
class Marker:
    """A denominator word on its own ("每月", "per request"), with the denominator it names."""

    per: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """`3:1`, `3比1`; `start` and `end` index the normalised text."""

    left: Decimal
    right: Decimal
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """kb/units.yaml compiled to regular expressions."""

    unit_of: dict[str, str]
    currency_of: dict[str, str]
    minor_of: dict[str, tuple[str, Decimal]]
    per_of: dict[str, str]
    bound_of: dict[str, Bound]
    after: re.Pattern[str]
    before: re.Pattern[str]
    per: re.Pattern[str]
    bound_before: re.Pattern[str]
    bound_after: re.Pattern[str]


def _alternation(words: Iterable[str]) -> str:
    """Longest first; Latin words need a boundary, so that "h" is not found in "how"."""
    parts = []
    for word in sorted(words, key=len, reverse=True):
        left = r"(?<![A-Za-z])" if word[0].isascii() and word[0].isalpha() else ""
        right = r"(?![A-Za-z])" if word[-1].isascii() and word[-1].isalpha() else ""
        # "100 个 token" is written with and without the space.
        spaced = re.sub(r"^个(?=[A-Za-z])", "个 ?", re.escape(word))
        parts.append(left + spaced + right)
    return "|".join(parts)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The compiled lexicon, read once."""
    data: dict[str, Any] = yaml.safe_load(files("kb").joinpath("units.yaml").read_text(encoding="utf-8"))
    unit_of = {word.lower(): unit for unit, words in data["units"].items() for word in map(str, words)}
    currency_of = {word.lower(): code for code, words in data["currencies"].items() for word in map(str, words)}
    minor_of = {str(word).lower(): (code, Decimal(factor)) for word, (code, factor) in data["minor_currency"].items()}
    per_of = {word.lower(): per for per, words in data["per"].items() for word in map(str, words)}
    bound_of: dict[str, Bound] = {word.lower(): bound for bound, words in data["bounds"].items() for word in map(str, words)}
    unit_words = _alternation([*unit_of, *currency_of, *minor_of]).replace(r"(?<![A-Za-z])", "")
    return Lexicon(
        unit_of,
        currency_of,
        minor_of,
        per_of,
        bound_of,
        re.compile(rf"[ -]?(?:{unit_words})", re.IGNORECASE),
        re.compile(rf"(?:{_alternation(currency_of).replace('(?![A-Za-z])', '')})[ ]?$", re.IGNORECASE),
        re.compile(_alternation(per_of), re.IGNORECASE),
        re.compile(rf"(?:{_alternation(w for w in bound_of if w != '+')})[ ]?(?:{_alternation(currency_of)})?[ ]?$", re.IGNORECASE),
        re.compile(rf"[ ]?(?:{_alternation(w for w in bound_of if not w.isascii() or w == '+')})", re.IGNORECASE),
    )


def normalise(text: str) -> str:
    """NFKC, full-width forms and odd spaces made plain; offsets of everything below refer to this form."""
    return re.sub(r"[\u00a0\u2000-\u200b\u3000]", " ", unicodedata.normalize("NFKC", text))


_RATIO = re.compile(
    r"(?<![\d.:])(\d+(?:\.\d+)?)\s*(?::|比|/(?=\d+\s*(?:的?比例|split))|to(?= ?\d+ (?:ratio|in|input)))\s*(\d+(?:\.\d+)?)(?![\d.]*[:\d])"
)
_PERCENT_HAN = re.compile(r"百分之([零一二三四五六七八九十百点\d.]+)")
_TENTHS = re.compile(r"([一二三四五六七八九两\d](?:\.\d)?)(成(?![本为都功熟长立就果交员绩分品套了])半?|折(?![美人算合成扣]))")
_HALF = re.compile(r"一半|(?<![a-z])half (?:of|on|to|via|with|goes)(?![a-z])|对半")
_CONCURRENT_BEFORE = re.compile(r"(?:并发(?:数|量)?|concurrency(?: of)?)[ :是为约]{0,4}$", re.IGNORECASE)
_BECOMES = (
    r"(?:[ ::=约有大概是为共]|改成|改为|改到|变成|变为|换成|涨到|增到|增加到|升到|降到|减到|减少到|达到|到"
    r"|(?<![a-z])(?:is|are|of|to|at|becomes?|rises? to|grows? to|drops? to)(?![a-z])){0,4}$"
)
_COUNTED_BEFORE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("user", re.compile(rf"(?:月活|日活|用户数?|员工|人数|坐席数?|MAU|DAU|(?<![a-z])(?:users|seats|headcount)){_BECOMES}", re.IGNORECASE)),
    ("request", re.compile(rf"(?:次数|请求数|请求量|调用量|调用数|单量){_BECOMES}", re.IGNORECASE)),
    (
        "request",
        re.compile(
            r"(?<![a-z])(?:requests|calls|queries)(?: a day| per day)? (?:to|becomes?|rises? to|grows? to|drops? to|up to|down to) $",
            re.IGNORECASE,
        ),
    ),
    ("token", re.compile(rf"(?:总量|用量|消耗量?|token ?数|(?<![a-z])(?:volume|usage)){_BECOMES}", re.IGNORECASE)),
)
"""A noun before a bare figure that says what it counts: "日活 3万", "次数改成 3000", "总量 2亿"."""
_PERIOD_BEFORE = re.compile(
    r"(?<![\d零一二三四五六七八九十百两几个上下本这每当半首次多今明去整同生节假])[日月年](?:均|耗|用|消耗|用掉|烧|花|跑)?"
    r"(?=(?:输入|输出|请求|调用|处理|token|tokens|总|和|、|量|各|约|大概)*\s?(?:\d|[一二三四五六七八九十两几百千]+[万千百亿]))"
)
"""The period that stands right before its figure: "月2亿", "日耗 500万", "月输入 2亿"."""
_LONGEST = 10_000
"""Days, months or years: nobody counts more of them."""
_LONGER_WORD = re.compile(
    r"部(?=[分署门])|本(?=[地来身])|单(?=[价位])|通(?=[常用过])|场(?=景)|条(?=件)|字(?=[节段])|天(?=然)|人(?=[工力均])|位(?=[数置])"
)
"""The unit's character belongs to the word behind it: "500万部分" counts no 部."""
_DIGIT = {han: str(digit) for han, digit in DIGITS.items()}
_PERIOD_OF = {"日": "day", "月": "month", "年": "year"}
_SMALL_COIN = re.compile(
    r"([\d一二三四五六七八九])(?:([毛角])(?:([\d一二三四五六七八九])分?)?)?"
    r"(?=$|[\s，,。；;、)）?？!！]|钱|的|算|换|折|兑|合|一|每|来|左右|计|/)"
)
"""What stands behind 块 in speech: "7块2", "七块二毛五"."""
_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d{2}\s*年\s*\d{1,2}(?:\s*月\s*\d{1,2}\s*日?)?|(?<![\d$¥€£])(?:19|20)\d{2}[-/](?:0?[1-9]|1[0-2])(?:[-/](?:0?[1-9]|[12]\d|3[01]))(?![\d.,]|[kKmM])|\d{1,2}月\d{1,2}[日号]"
)


def currencies_named(text: str) -> list[str]:
    """Codes of the currencies that a text names in words or codes, in order."""
    words = lexicon()
    names = _alternation(w for w in words.currency_of if len(w) > 1 and w not in ("块钱", "won", "pound"))
    return list(dict.fromkeys(words.currency_of[m[0].lower()] for m in re.finditer(names, normalise(text), re.IGNORECASE)))


def find_ratios(text: str) -> list[Ratio]:
    """`输入输出3:1`, `3比1` in a normalised text; clock times and dates are not told apart."""
    return [Ratio(Decimal(m[1]), Decimal(m[2]), m.start(), m.end()) for m in _RATIO.finditer(text)]


def find_markers(text: str) -> list[Marker]:
    """Every denominator word of a normalised text in order."""
    words = lexicon()
    found = [Marker(words.per_of[m[0].lower()], m.start(), m.end(), m[0]) for m in words.per.finditer(text)]
    named = [Marker(_PERIOD_OF[m[0][0]], m.start(), m.end(), m[0]) for m in _PERIOD_BEFORE.finditer(text)]
    found = sorted(found + [m for m in named if not any(o.start <= m.start < o.end for o in found)], key=lambda m: m.start)
    # "一年半" is a duration.
    return [m for m in found if not (m.text.startswith("一") and text[m.end : m.end + 1] == "半")][:MOST_QUANTITIES]


def find_quantities(text: str) -> list[Quantity]:
    """Every quantity of a normalised text in order, with its unit and its own denominator, and ranges joined.

    Denominators of a clause ("每月 2000万输入 400万输出") are given to all quantities of the clause that have no other time.
    """
    text = normalise(text)
    taken = [m.span() for m in _RATIO.finditer(text)] + [m.span() for m in _DATE.finditer(text)]
    found = list(_shares(text))
    taken += [(q.start, q.end) for q in found]
    markers = find_markers(text)
    for number in find_numbers(text)[:MOST_QUANTITIES]:
        if any(a <= number.start < b for a, b in taken):
            continue
        covering = [m for m in markers if m.start <= number.start < m.end]
        if covering or found and any(q.start < number.start < q.end for q in found[-1:]):
            continue
        found.append(_with_unit(number, text))
    found.sort(key=lambda q: q.start)
    return _spread(_join_ranges(found, text), markers, text)


def _shares(text: str) -> Iterable[Quantity]:
    from kb.numbers import parse_han

    for match in _PERCENT_HAN.finditer(text):
        value = parse_han(match[1])
        if value is not None:
            yield Quantity(value, "percent", match.start(), match.end(), match[0])
    for match in _TENTHS.finditer(text):
        value = parse_han(match[1])
        if value is not None and value <= 10:
            tail = Decimal(5) if match[2].endswith("半") else Decimal(0)
            yield Quantity(value * 10 + tail, "percent", match.start(), match.end(), match[0])
    for match in _HALF.finditer(text):
        yield Quantity(Decimal(50), "percent", match.start(), match.end(), match[0])


def _with_unit(number: Number, text: str) -> Quantity:  # noqa: C901
    words = lexicon()
    start, end = number.start, number.end
    value, unit, money = number.value, "", False
    match = words.after.match(text, end)
    if match and _LONGER_WORD.match(text, match.end() - 1):
        match = None
    if match and value >= _LONGEST and words.unit_of.get(match[0].strip().lower()) in DAYS:
        # "输入 300万 日输出 100万": the day belongs to what follows.
        match = None
    if match:
        word = re.sub(r"^个 ", "个", match[0].lstrip(" -").lower())
        if word in words.minor_of:
            unit, factor = words.minor_of[word]
            value, money = value * factor, True
        elif word in words.currency_of and not (
            word == "块" and re.match(r"块\s*(?:卡|显卡|[A-Za-z]{1,4}\d|gpu)", text[match.start() :].lstrip(), re.I)
        ):
            unit, money = words.currency_of[word], True
        elif word in words.currency_of:
            unit = "card"
        else:
            unit = words.unit_of[word]
        end = match.end()
        coins = _SMALL_COIN.match(text, end) if money and word in ("块", "元") and value == value.to_integral_value() else None
        if coins:
            value += Decimal(_DIGIT.get(coins[1], coins[1])) / 10 + Decimal(_DIGIT.get(coins[3] or "0", coins[3] or "0")) / 100
            end = coins.end()
        if unit in TIME_UNITS and text[end : end + 1] == "半":
            value, end = value + Decimal("0.5"), end + 1
    if (
        not unit
        and re.match(r"[ ]?(?:张|块|卡)?[ ]?(?:[AHLBV]\d{2,3}|4090|3090|910|GPU)", text[end:], re.I)
        and number.form != "word"
        and not number.scale
    ):
        unit = "card"
    before = words.before.search(text, max(0, start - 6), start)
    if before:
        code = before[0].strip().lower()
        is_sign = not code[-1].isalnum()
        # "美元3" reads as 3 USD and "$40,500 server" as money; "元3" after another amount does not.
        if is_sign or (not unit and not (code in ("元", "块", "刀") and re.search(r"\d\s*(?:[万亿千百]?)$", text[: before.start()]))):
            if not money:
                end = number.end
            unit, money, start = words.currency_of[code], True, before.start()
    if not unit:
        counted = next((name for name, before_it in _COUNTED_BEFORE if before_it.search(text[max(0, start - 18) : start])), "")
        if counted:
            unit = counted
        elif _CONCURRENT_BEFORE.search(text, max(0, start - 16), start):
            unit = "concurrency"
    quantity = Quantity(value, unit, start, end, text[start:end], scale=number.scale, is_money=money)
    if money or unit not in ("", "year", "month", "day"):
        currency_tail = re.match(r"[ ]?(?:人民币|RMB|CNY|USD|美元)", text[end:], re.I)
        if money and currency_tail:
            quantity = replace(quantity, end=end + currency_tail.end(), text=text[start : end + currency_tail.end()])
    per = re.match(r"[ ]?(?:/|per |each |a |an |每)[ ]?(?:个|1)?", quantity_tail := text[quantity.end :], re.I)
    if per and not (unit in TIME_UNITS and "每" in per[0]):
        marker = words.per.match(quantity_tail.lstrip()) or words.per.match(quantity_tail)
        if marker:
            offset = len(quantity_tail) - len(quantity_tail.lstrip())
            quantity = replace(quantity, per=(words.per_of[marker[0].lower()],), end=quantity.end + offset + marker.end())
    return replace(quantity, bound=_bound(text, quantity))


def _bound(text: str, quantity: Quantity) -> Bound:
    span = bound_span(text, quantity)
    return lexicon().bound_of[text[slice(*span)].lower()] if span else ""


def bound_span(text: str, quantity: Quantity) -> tuple[int, int] | None:
    """Where the word stands that makes a bound of a quantity ("less than" before it, "以内" behind it); None without one."""
    words = lexicon()
    after = words.bound_after.match(text, quantity.end)
    # "500+300" is a sum, not "500 or more".
    if after and not (after[0].strip() == "+" and re.match(r"\s*[\d(]", text[after.end() :])):
        return after.end() - len(after[0].strip()), after.end()
    before = words.bound_before.search(text, max(0, quantity.start - _BOUND_REACH), quantity.start)
    if before is None:
        return None
    word = re.sub(r"[ ]*(?:[$¥￥€£]|US\$|元|块)?[ ]*$", "", before[0], flags=re.IGNORECASE)
    return (before.start(), before.start() + len(word)) if word.lower() in words.bound_of else None


_BOUND_REACH = 24


def _join_ranges(found: list[Quantity], text: str) -> list[Quantity]:
    joined: list[Quantity] = []
    for quantity in found:
        last = joined[-1] if joined else None
        between = text[last.end : quantity.start] if last else ""
        if (
            last
            and re.fullmatch(r"\s*(?:人民币|美元)?\s*(?:-|~|–|—|到|至|to)\s*[$¥€£]?", between)
            and last.unit in ("", quantity.unit)
            and last.high is None
        ):
            factor = Decimal(1)
            if not last.scale and quantity.scale and last.value < 10_000:
                factor = (find_numbers("1" + quantity.scale) or [Number(Decimal(1), 0, 0, "")])[0].value
            joined[-1] = replace(
                quantity, value=last.value * factor, high=quantity.value, start=last.start, text=text[last.start : quantity.end]
            )
        else:
            joined.append(quantity)
    return joined


MOST_QUANTITIES = 40
"""More figures than this in one text are a table or noise, not a question; the rest is left unread."""
_CLAUSE = re.compile(r"[。；;！!？?\n]|[，,](?!\d{3})|(?<![\d])\.(?!\d)|\. |\b(?:vs\.?|versus|with|against|compared to)\b|对比")


def clause_bounds(text: str) -> list[tuple[int, int]]:
    """Spans of the clauses of a normalised text, cut at commas and full stops but not inside numbers."""
    edges = [0, *(m.end() for m in _CLAUSE.finditer(text)), len(text)]
    return [(a, b) for a, b in zip(edges, edges[1:], strict=False) if b > a]


def _spread(found: list[Quantity], markers: list[Marker], text: str) -> list[Quantity]:
    result: list[Quantity] = []
    for a, b in clause_bounds(text):
        inside = [q for q in found if a <= q.start < b]
        own = [m for m in markers if a <= m.start < b and not any(q.start <= m.start < q.end for q in inside)]
        for quantity in inside:
            per = list(quantity.per)
            for marker in own:
                family = TIME_UNITS if marker.per in TIME_UNITS else (marker.per,)
                nearest = _nearest(marker, own, inside, quantity, family, text)
                if nearest and not any(p in family for p in per) and quantity.unit not in (*family, marker.per, "percent", "times"):
                    per.append(marker.per)
            if quantity.unit == "day" and any(m.per in ("month", "year") for m in own):
                per = [next(m.per for m in own if m.per in ("month", "year"))]
            result.append(replace(quantity, per=tuple(dict.fromkeys(per))))
    return result


def _nearest(marker: Marker, own: list[Marker], inside: list[Quantity], quantity: Quantity, family: tuple[str, ...], text: str) -> bool:
    """Whether a marker is the one that holds for a quantity.

    "每月" and "monthly" reach forward to the next marker of their family; "a month", "/月" and a marker behind the last quantity
    reach back. An adjective before ("annual bill at 50M per month") gives way to the quantity's own marker behind it.
    """
    same = [m for m in own if (m.per in TIME_UNITS) == (marker.per in TIME_UNITS) and m.per in family]
    last = max(q.end for q in inside)
    behind = [m for m in same if m.start >= quantity.end and (m.start >= last or _SUFFIX.match(m.text))]
    # "an $8k monthly API bill": an adjective before its noun belongs to the amount before it alone.
    behind = [
        m
        for m in behind
        if not (
            _BEFORE_NOUN.match(m.text)
            and re.match(r"\s+[A-Za-z]{2,}", text[m.end :])
            and any(quantity.end <= q.start < m.start for q in inside)
        )
    ]
    ahead = [m for m in same if m.start < quantity.start]
    if ahead and not (behind and _ADJECTIVE.match(ahead[-1].text) and quantity.start - ahead[-1].end > 3):
        return ahead[-1] is marker
    return bool(behind) and behind[0] is marker


_BEFORE_NOUN = re.compile(r"monthly|annual|yearly|weekly|daily|quarterly", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:per |a |an |each |every |/)", re.IGNORECASE)
_ADJECTIVE = re.compile(r"annual|yearly|monthly|weekly|daily|quarterly|年|月|全年|一年|annually", re.IGNORECASE)
