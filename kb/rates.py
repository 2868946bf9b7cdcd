"""Prices per token as documents and people write them: `$0.6/百万输入Tokens`, `¥0.002 per 1k tokens`, a header "元/千token"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from kb.numbers import LATIN_SCALES, parse_han
from kb.quantities import Quantity, currencies_named, find_quantities, lexicon, normalise

MILLION = Decimal(1_000_000)
_NOUN = re.compile(r"tokens?|toks?|词元|字符|个字|字|characters?|chars?", re.IGNORECASE)
_BEFORE_NOUN = re.compile(
    r"(?P<slash>/|每|per|\ba\b|\beach\b|for every|for|\bje\b|\bpro\b|\bpour\b)?\s*(?P<count>(?:\d[\d,]{0,14}(?:\.\d+)*)?)\s*"
    r"(?P<scale>百万|千万|十万|[千万亿]|[kKmMwW](?![A-Za-z])|[MmKk](?=$)|thousand|million|mil|billion)?\s*个?\s*(?:输入|输出|input|output)?\s*$",
    re.IGNORECASE,
)
_WINDOW = 28
_SMALL_CHANGE = re.compile(r"(?<=\d)\s?[分厘](?=\s*(?:钱|人民币)?\s*(?:/|每))")
_TO_SIGNS = str.maketrans("分厘", "\ue0f1\ue0f2")
_TO_WORDS = str.maketrans("\ue0f1\ue0f2", "分厘")
_POINTS = re.compile(r"\d{1,3}(?:\.\d{3})+")
"""Thousands apart by points, as in `je 1.000 Token`: nothing is priced per one token and a fraction."""
_M_TOK = re.compile(r"/\s*(?P<scale>[MmKk])\s*(?:tok)?(?![A-Za-z])|\b(?P<mtok>[MmKk])tok\b")


@dataclass(frozen=True, slots=True)
class Rate:
    """A price for a count of tokens (or characters); `per_million` is in `currency` for 1,000,000 of `noun`."""

    per_million: Decimal
    currency: str
    noun: str
    start: int
    end: int
    text: str


def token_count_unit(text: str) -> tuple[Decimal, str] | None:
    """How many of what a price stands for, as a header or note says it ("每百万Tokens" -> (1000000, "token")); None if it does not.

    A bare "tokens" with neither a count nor "per" is not a price unit.
    """
    text = normalise(text)
    for noun_match in list(_NOUN.finditer(text))[:40]:
        match = _BEFORE_NOUN.search(text, max(0, noun_match.start() - _WINDOW), noun_match.start())
        if match and (match["scale"] or match["count"] or match["slash"]):
            noun = "char" if noun_match[0].lower().startswith(("字", "个字", "char")) else "token"
            return _count(match["count"], match["scale"] or ""), noun
    short = _M_TOK.search(text)
    if short:
        return _count("", short["scale"] or short["mtok"]), "token"
    return None


def _count(count: str, scale: str) -> Decimal:
    if _POINTS.fullmatch(count):
        count = count.replace(".", "")
    number = Decimal(count.replace(",", "")) if count and count.count(".") <= 1 else Decimal(1)
    if not scale:
        return number
    factor = LATIN_SCALES.get(scale.lower())
    if factor is None:
        factor = parse_han({"千": "一千", "万": "一万", "亿": "一亿"}.get(scale, scale)) or Decimal(1)
    return number * factor


def find_rates(text: str, *, currency: str = "", per: tuple[Decimal, str] | None = None) -> list[Rate]:
    """Every money amount of a text that is a price for tokens: by its own "/百万" or by the unit of its table (`per`).

    `currency` is used for a plain number where the header names it. Amounts with neither are left out.
    """
    text = _SMALL_CHANGE.sub(lambda match: match[0].translate(_TO_SIGNS), normalise(text))
    rates = []
    for quantity in find_quantities(text):
        code = quantity.unit if quantity.is_money else (currency if not quantity.unit and not quantity.scale else "")
        if not code:
            continue
        own = _own_unit(text, quantity)
        unit = own or per
        if unit and unit[0] > 0:
            rates.append(
                Rate(quantity.value * MILLION / unit[0], code, unit[1], quantity.start, quantity.end, quantity.text.translate(_TO_WORDS))
            )
    return rates


def _own_unit(text: str, quantity: Quantity) -> tuple[Decimal, str] | None:
    tail = text[quantity.end : quantity.end + 28]
    match = re.match(r"\s*(?:[A-Z]{3}\s*)?(?:\(?\s*)(?:/|每|per\b|a\b|for\b|each\b)", tail, re.IGNORECASE)
    if not match:
        return None
    unit = token_count_unit(tail)
    if unit:
        return unit
    bare = re.match(r"\s*(?:/|每|per )\s*(百万|千|万|亿|million|thousand|1?[MmKk])(?![A-Za-z])", tail)
    if bare:
        word = bare[1]
        return (_count("", word.removeprefix("1")), "token")
    return None


def currency_in(text: str) -> str:
    """The one currency that a header or note names ("" if none or several)."""
    words = lexicon()
    text = normalise(text).lower()
    named = currencies_named(text)
    if named:
        # The longest word wins: 日元 and 美元 are not 元 with something before it.
        signs = {code for word, code in words.currency_of.items() if word in ("¥", "￥", "$", "€", "£", "₩", "₹") and word in text}
        codes = {*named, *signs} - ({"CNY"} if "JPY" in named and "¥" in text else set())
        return codes.pop() if len(codes) == 1 else ""
    found = {
        code for word, code in words.currency_of.items() if len(word) > 1 and word in text and word not in ("块钱", "won", "pound", "yuan")
    }
    found |= {code for word, code in words.currency_of.items() if word in ("¥", "￥", "$", "€", "£", "₩", "₹", "元") and word in text}
    if "USD" in found and "CNY" in found and "美元" in text and not re.search(r"人民币|rmb|cny|¥|￥|(?<!美)元", text):
        found.discard("CNY")
    return found.pop() if len(found) == 1 else ""
