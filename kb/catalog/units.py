"""The vocabulary of units and their arithmetic: what may stand in a claim's `unit`, and what it equals.

A rate reads `USD/1M token`: ISO 4217 currency, a slash, an amount, a thing. Rates per token and per character are kept per
million whatever the source counted in, so that two claims compare without further thought; other things keep their amount.
A quantity has one of the units below; units of one dimension convert into each other, units of the `text` dimension do not
(how many tokens a character is depends on the tokenizer, and nobody here guesses that).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

CURRENCIES: frozenset[str] = frozenset(
    "CNY USD EUR GBP JPY HKD TWD SGD KRW INR AUD CAD CHF NZD RUB AED SAR BRL MXN SEK NOK DKK ISK PLN CZK HUF TRY THB MYR IDR VND"
    " PHP ILS ZAR EGP KZT UAH ARS CLP COP PKR".split()
)
_CURRENCY_NAMES: dict[str, str] = {"RMB": "CNY", "CNH": "CNY", "¥": "CNY", "￥": "CNY", "$": "USD", "US$": "USD", "€": "EUR", "£": "GBP"}

_AMOUNTS: dict[str, int] = {"k": 10**3, "m": 10**6, "b": 10**9, "bn": 10**9, "万": 10**4, "亿": 10**8, "千": 10**3, "百万": 10**6, "": 1}
_MILLION = 10**6

_SCALE: dict[str, tuple[str, Decimal]] = {
    "token": ("token", Decimal(1)),
    "character": ("character", Decimal(1)),
    "word": ("word", Decimal(1)),
    "page": ("page", Decimal(1)),
    "ms": ("time", Decimal(1)),
    "s": ("time", Decimal(1000)),
    "min": ("time", Decimal(60_000)),
    "h": ("time", Decimal(3_600_000)),
    "day": ("time", Decimal(86_400_000)),
    "month": ("month", Decimal(1)),
    "year": ("month", Decimal(12)),
    "MB": ("memory", Decimal(10) ** 6),
    "GB": ("memory", Decimal(10) ** 9),
    "TB": ("memory", Decimal(10) ** 12),
    "GiB": ("memory", Decimal(2) ** 30),
    "parameter": ("parameter", Decimal(1)),
    "point": ("score", Decimal(1)),
    "percent": ("share", Decimal(1)),
    "multiple": ("multiple", Decimal(1)),
    "user": ("user", Decimal(1)),
    "request": ("request", Decimal(1)),
    "image": ("image", Decimal(1)),
    "card": ("card", Decimal(1)),
    "device": ("device", Decimal(1)),
    "item": ("item", Decimal(1)),
    "W": ("power", Decimal(1)),
    "kW": ("power", Decimal(1000)),
}
QUANTITY_UNITS: tuple[str, ...] = tuple(_SCALE)

_TEXT_LENGTHS = frozenset({"token", "character", "word", "page"})
_WORDS_OF: dict[str, str] = {
    "token": "tokens", "character": "characters char chars 字 汉字 字符", "word": "words 词", "page": "pages 页",
    "ms": "毫秒 millisecond milliseconds", "s": "秒 sec second seconds", "min": "minute minutes 分钟", "h": "hour hours 小时",
    "day": "days 天 日", "month": "months 月", "year": "years 年", "percent": "% pct", "parameter": "parameters params 参数",
    "point": "points 分", "user": "users seat seats 人 用户", "request": "requests call calls query 次", "image": "images 张 picture",
    "card": "cards gpu gpus 卡", "device": "devices 台", "item": "items 个", "multiple": "x times 倍",
}  # fmt: skip
_SYNONYMS: dict[str, str] = {word: name for name, words in _WORDS_OF.items() for word in words.split()}

_AMOUNT = r"(?P<amount>[\d,.]*)\s*(?P<scale>bn|[kKmMbB](?![a-zA-Z])|百万|千|万|亿)?\s*(?P<thing>\S.*)$"
_RATE = re.compile(r"^(?P<currency>[^/\d\s]+)\s*/\s*" + _AMOUNT)
_COUNTED = re.compile("^" + _AMOUNT)


class UnitError(ValueError):
    """A unit that is not in the vocabulary; the message says what is."""


@dataclass(frozen=True, slots=True)
class RateUnit:
    """`currency` for every `amount` of `thing`: USD for 1,000,000 token."""

    currency: str
    amount: Decimal
    thing: str

    def __str__(self) -> str:
        if self.amount == 1:
            return f"{self.currency}/{self.thing}"
        if self.amount % _MILLION == 0:
            return f"{self.currency}/{int(self.amount // _MILLION)}M {self.thing}"
        return f"{self.currency}/{self.amount:f} {self.thing}"


def currency_code(text: str) -> str:
    """The ISO 4217 code for a code, `RMB` or an unambiguous sign; raises `UnitError` for anything else."""
    word = text.strip()
    code = _CURRENCY_NAMES.get(word, word.upper())
    if code not in CURRENCIES:
        raise UnitError(f"unknown currency {text!r}; expected an ISO 4217 code such as CNY, USD or EUR")
    return code


def unit_name(text: str) -> str:
    """The vocabulary's name for a unit's word in either language, `token/day` included; raises `UnitError`."""
    word, slash, period = text.strip().partition("/")
    if slash:
        return f"{unit_name(word)}/{unit_name(period)}"
    name = word if word in _SCALE else _SYNONYMS.get(word.lower(), word.lower())
    if name not in _SCALE:
        raise UnitError(f"unknown unit {text!r}; expected one of: {', '.join(_SCALE)}, or one of them per another (token/day)")
    return name


def _dimension(unit: str) -> tuple[str, str]:
    """What a vocabulary unit measures, and its denominator: different denominators are different dimensions."""
    word, _, period = unit.partition("/")
    return _SCALE[word][0], period


def parse_rate(text: str, default_denominator: str = "") -> tuple[RateUnit, Decimal]:
    """Reads `USD/1M token` (or `USD` alone where the field names the denominator).

    Returns the normal form and the factor that a value in the written unit must be multiplied with to be in it:
    `CNY/1k token` is `CNY/1M token` with factor 1000.
    """
    written = text.strip()
    if "/" not in written and default_denominator:
        written = f"{written}/{default_denominator}"
    match = _RATE.match(written)
    if match is None:
        raise UnitError(f"{text!r} is not a rate; expected a currency for an amount of something, e.g. USD/1M token")
    currency = currency_code(match["currency"])
    thing = unit_name(match["thing"])
    amount = Decimal(match["amount"].replace(",", "") or 1) * _AMOUNTS[(match["scale"] or "").lower()]
    if thing in ("token", "character"):
        return RateUnit(currency, Decimal(_MILLION), thing), _MILLION / amount
    return RateUnit(currency, amount, thing), Decimal(1)


def parse_money(text: str) -> str:
    """`CNY`, or a currency for a period or piece: `CNY/month`."""
    currency, slash, period = text.strip().partition("/")
    return currency_code(currency) + (f"/{unit_name(period)}" if slash else "")


def parse_quantity_unit(text: str, field_unit: str = "") -> tuple[str, Decimal]:
    """The vocabulary's unit and the factor of an amount written into it (`1M token` -> token, 1,000,000).

    Raises `UnitError` if the unit cannot measure what the field measures (a context window in milliseconds).
    """
    written = text.strip() or field_unit
    if not written:
        return "", Decimal(1)
    factor = Decimal(1)
    if written not in _SCALE:
        match = _COUNTED.match(written)
        if match is not None and (match["amount"] or match["scale"]):
            factor = Decimal(match["amount"].replace(",", "") or 1) * _AMOUNTS[(match["scale"] or "").lower()]
            written = match["thing"]
    if not field_unit:
        try:
            return unit_name(written), factor
        except UnitError:
            return written, factor
    name = unit_name(written)
    both_text = name in _TEXT_LENGTHS and field_unit in _TEXT_LENGTHS
    score = {name, field_unit} <= {"point", "percent"}
    if not both_text and not score and _dimension(name) != _dimension(unit_name(field_unit)):
        raise UnitError(f"unit {text!r} does not measure what the field does; expected {field_unit}")
    return name, factor


def convert(value: Decimal, unit: str, to: str) -> Decimal | None:
    """`value` in another unit of the same dimension; None if there is no fixed relation between the two."""
    if unit == to:
        return value
    try:
        if _dimension(unit) != _dimension(to):
            return None
    except KeyError:
        return None
    return value * _SCALE[unit.partition("/")[0]][1] / _SCALE[to.partition("/")[0]][1]


def rate_parts(unit: str) -> tuple[str, str]:
    """Currency and denominator of a normal rate or money unit: `USD/1M token` -> (`USD`, `1M token`)."""
    currency, _, denominator = unit.partition("/")
    return currency, denominator
