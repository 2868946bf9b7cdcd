"""Exchange rates as a question states them: "汇率七块一", "按 1 刀 = 7块2", "100 美元换 720 元", "at 7.2"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from kb.quantities import Quantity, find_ratios

_DOLLAR = r"(?:美元|美金|美刀|刀乐?|美圆|USD|US\$|\$|(?<![a-z])(?:us )?dollars?(?![a-z]))"
_LINK = r"(?:[\s=≈:,]|等于|兑换?|对|换|能|可以?|合|折|约|大概|按|算|是|为|成|人民币|RMB|CNY|(?<![a-z])(?:is|to|at|for|equals?|buys|gets|makes|about)(?![a-z])|[¥￥]){1,6}"
_NAMED = re.compile(
    rf"(?:汇率|(?<![a-z])(?:exchange |fx )?rate(?! ?limit)(?: of)?|(?<![a-z])fx|USD/CNY|CNY/USD|{_DOLLAR}\s*(?:兑|对)\s*(?:人民币|RMB|CNY)(?:汇率)?)"
    r"(?:[ :=为是按用算取约到]|大概|涨到|跌到|设|变成|改成|of|is|was|at|a|the|exchange|rate|1[:比](?=\d)){0,6}$",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(?:按照?|以|用|(?<![a-z])at(?: a| the)?)(?:[ :=为是按用算取约]){0,3}(?:1[:比])?$", re.IGNORECASE)
_BEHIND = re.compile(
    r"\s*(?:的汇率|的?汇率|(?:as )?(?:the )?exchange rate|CNY/USD|RMB/USD|人民币/美元|元/美元|(?:RMB|CNY|yuan|元) (?:per|to the|to a|for a|for one) (?:USD|dollar)"
    rf"|(?:换|兑|对|一|1|每|=|/|per |to the |for a |to a )+\s*{_DOLLAR}(?!\d))",
    re.IGNORECASE,
)
_ONE_DOLLAR = re.compile(rf"(?:每|一|a |one |per |1)\s*{_DOLLAR}{_LINK}?$", re.IGNORECASE)
_BETWEEN = re.compile(_LINK, re.IGNORECASE)
_CONVERTS = re.compile(r"人民币|美元|美金|RMB|CNY|USD|yuan|dollar|汇率|折|换算|合|rate", re.IGNORECASE)
_NO_FIGURE = re.compile(r"[^\d零一二两三四五六七八九十]*")
_LOW, _HIGH = Decimal(4), Decimal(12)
"""A plain "at 7" is a rate only where it could be one between the two currencies."""


def exchange_rate(text: str, quantities: Sequence[Quantity]) -> tuple[Decimal | None, tuple[int, int] | None]:
    """CNY for one USD as a normalised question states it, and the span of the words that do; (None, None) where it states none."""
    for first, second in zip(quantities, quantities[1:], strict=False):
        found = _equation(text, first, second)
        if found:
            return found
    candidates = [q for q in quantities if q.value > 0 and q.unit in ("", "CNY") and not q.scale and q.high is None and not q.bound]
    for quantity in candidates:
        # "USD/CNY 7.15": the code is part of the quantity, and of the cue.
        figure = quantity.start + len(_NO_FIGURE.match(quantity.text)[0])  # type: ignore[index]
        before = text[max(0, figure - 28) : figure]
        named = _NAMED.search(before) or _ONE_DOLLAR.search(before)
        if named and not _counts_something(text, quantity):
            return quantity.value, (figure - len(named[0]), quantity.end)
        behind = _BEHIND.match(text, quantity.end)
        if behind:
            return quantity.value, (quantity.start, behind.end())
    for ratio in find_ratios(text):
        named = _NAMED.search(text[max(0, ratio.start - 28) : ratio.start])
        if named and ratio.left == 1:
            return ratio.right, (ratio.start - len(named[0]), ratio.end)
    for quantity in candidates:
        plain = _PLAIN.search(text[max(0, quantity.start - 8) : quantity.start])
        if plain and _LOW <= quantity.value <= _HIGH and not _counts_something(text, quantity) and not quantity.per:
            if quantity.unit and not _CONVERTS.search(text):
                continue
            return quantity.value, (quantity.start - len(plain[0]), quantity.end)
    return None, None


def _equation(text: str, first: Quantity, second: Quantity) -> tuple[Decimal, tuple[int, int]] | None:
    """ "1刀=7块2", "100美元换720元", "7.1块换1刀": two amounts that are worth the same."""
    if not first.is_money and first.unit or not (first.is_money or second.is_money) or first.value <= 0 or second.value <= 0:
        return None
    between = text[first.end : second.start]
    glued = not between.strip() and first.value == 1 and first.unit == "USD" and second.unit == "CNY"
    if len(between) > 14 or not glued and not _BETWEEN.fullmatch(between):
        return None
    units = (first.unit, second.unit)
    if units in (("USD", "CNY"), ("USD", "")):
        rate = second.value / first.value
    elif units in (("CNY", "USD"), ("", "USD")):
        rate = first.value / second.value
    else:
        return None
    explicit = re.search(r"=|等于|兑|换|equals", between) and Decimal(1) in (first.value, second.value)
    if not explicit and not _LOW <= rate <= _HIGH:
        return None
    return rate, (first.start, second.end)


def _counts_something(text: str, quantity: Quantity) -> bool:
    return bool(re.match(r"\s*(?:[%万亿kKmM年月天次张:比]|折(?!美|人|算|合|成)|(?:GPUs?|cards?|users?|people|requests?)(?![a-z]))", text[quantity.end :]))
