"""Numbers, money and names as people read them, in the answer's language."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from agent.events import Language

SIGNS = {"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£", "HKD": "HK$", "KRW": "₩", "INR": "₹", "SGD": "S$"}
_NAMES_ZH = {"USD": "美元", "CNY": "元", "EUR": "欧元", "GBP": "英镑", "JPY": "日元", "HKD": "港元", "KRW": "韩元", "INR": "卢比"}


def say(language: Language, zh: str, en: str) -> str:
    """The wording of one language."""
    return zh if language == "zh" else en


def plain(value: Decimal, places: int = 6) -> str:
    """A decimal without an exponent or trailing zeros, thousands separated, at most `places` decimals."""
    if value != 0 and abs(value) < Decimal(10) ** -places:
        digits = -value.adjusted() + 2
        return f"{value:.{digits}f}".rstrip("0")
    rounded = value.quantize(Decimal(10) ** -places, rounding=ROUND_HALF_UP) if abs(value) < Decimal(10) ** 20 else value
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal, currency: str) -> str:
    """`$220.08`, `¥15,600`, `CHF 12.5`: two decimals where they matter, more below one unit."""
    places = 2 if abs(value) >= 1 or value == 0 else 6
    text = plain(value, places)
    if "." in text and abs(value) >= 1 and len(text.rsplit(".", 1)[1]) == 1:
        text += "0"
    sign = SIGNS.get(currency)
    if value < 0:
        return "-" + money(-value, currency)
    return f"{sign}{text}" if sign else f"{currency} {text}"


def currency_name(currency: str, language: Language) -> str:
    return _NAMES_ZH.get(currency, currency) if language == "zh" else currency


def tokens(value: Decimal, language: Language) -> str:
    """A count with the language's own scale word, exact: 1.2亿, 30M; small or uneven ones in full."""
    if language == "zh":
        for size, word in ((Decimal(10**8), "亿"), (Decimal(10**4), "万")):
            scaled = value / size
            if abs(scaled) >= 1 and scaled == scaled.quantize(Decimal("0.0001")):
                return f"{plain(scaled, 4)}{word}"
        return plain(value, 2)
    for size, word in ((Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**3), "K")):
        scaled = value / size
        if abs(scaled) >= 1 and scaled == scaled.quantize(Decimal("0.0001")):
            return f"{plain(scaled, 4)}{word}"
    return plain(value, 2)


def percent(value: Decimal) -> str:
    return f"{plain(value, 2)}%"


PERIODS = {
    "day": ("每天", "a day"), "week": ("每周", "a week"), "month": ("每月", "a month"), "quarter": ("每季度", "a quarter"),
    "year": ("每年", "a year"), "": ("", ""),
}  # fmt: skip


def period_words(period: str, language: Language) -> str:
    return PERIODS.get(period, ("", ""))[0 if language == "zh" else 1]
