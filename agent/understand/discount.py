"""A change of price that the question supposes: "打八折", "85折", "20% off", "涨价10%", "降价一半"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kb.quantities import Quantity, clause_bounds

_FOLD = re.compile(r"(?:打|享|有|给|拿到|能打|按)?\s*([一二三四五六七八九\d](?:[一二三四五六七八九\d]|\.\d)?)\s*折(?![美人算合成扣叠腾旧])")
_FOLD_COUNTED = re.compile(r"按\s*([一二三四五六七八九1-9][五5]?)\s*折算(?![成为出到])")
"""“按 3 折算” is a discount where no currency is spoken of, which a rate would be for."""
_CURRENCY = re.compile(r"汇率|人民币|美元|美金|美刀|日元|欧元|港币|\b(?:rmb|cny|usd)\b|换算", re.IGNORECASE)
_DIGITS = {c: str(i) for i, c in enumerate("零一二三四五六七八九")}
_LESS = re.compile(
    r"(?:降价?|便宜|优惠|折扣|减免|打折|下调|下降|立减|少|discount(?: of)?|cut(?: by)?|drops?(?: by)?|falls?(?: by)?|cheaper by|reduced by|down)\s*(?:了|到|约|by|of)?\s*$", re.IGNORECASE
)
_MORE = re.compile(r"(?:涨价?|上涨|上调|贵|提价|加价|加|raise[sd]?(?: by)?|rises?(?: by)?|increase[sd]?(?: by)?|go(?:es)? up(?: by)?|up)\s*(?:了|到|约|by)?\s*$", re.IGNORECASE)
_OFF = re.compile(r"\s*(?:的)?\s*(?:off|(?:[a-z]+ ){0,2}discount|cheaper|折扣|优惠|减免)", re.IGNORECASE)
_DEARER = re.compile(r"\s*(?:more expensive|dearer|price (?:rise|increase|hike)|的?涨幅|上浮)", re.IGNORECASE)
_TO = re.compile(r"(?:降|涨|调)(?:价)?(?:到|至|为)\s*(?:原(?:价|来)的)?\s*$|(?:原价|原来)的\s*$|\bto\s*$", re.IGNORECASE)
_COMPARES = re.compile(r"比[^，,。；;]*$|(?:cheaper|dearer|more expensive|less) than|\bvs\b|compared", re.IGNORECASE)
_SET_BESIDE = re.compile(r"(?:相比|比起|较之|compared (?:to|with)|relative to)(?!.*(?:如果|假如|要是|\bif\b))[^。;；!?！？]*$", re.IGNORECASE)
_HALF_PRICE = re.compile(r"(?<!一)半价|(?<![a-z])half[ -]?price(?![a-z]| (?:of|as|than))|(?<![a-z])half off(?![a-z])", re.IGNORECASE)
_OF_ALL = re.compile(r"都|两家|两个|各|均|全部|一起|同时|\b(?:both|each|all|either)\b", re.IGNORECASE)
_ON = re.compile(r"(?:\s|on|for|of|off|from|at|the|prices?)*", re.IGNORECASE)
_NONE = re.compile(r"(?:不|没|没有|无|别)(?:再)?(?:打|有)?折|按原价|恢复原价|without (?:the |a |any )?discount|no discount|at (?:the )?(?:full|list) price", re.IGNORECASE)
_ABOUT_PRICE = re.compile(r"价|折|优惠|discount|off\b|price|cheaper|贵|便宜|单价|费率|rate", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Prices are multiplied by `factor`, those of the entities `of` alone where there are any; `text` is how the question says it."""

    factor: Decimal
    text: str
    start: int
    end: int
    of: frozenset[str] = frozenset()

    def factor_of(self, entity_id: str) -> Decimal:
        """What the prices of an entity are multiplied by."""
        return self.factor if not self.of or entity_id in self.of else Decimal(1)


def whose(text: str, change: PriceChange, named: Sequence[tuple[int, int, Sequence[str]]]) -> frozenset[str]:
    """The entities whose price changes where several are `named` (start, end, entities) and the clause of the change is about one of them
    ("如果 A 打八折，和 B 比哪个便宜", "with 20% off A"); empty: of all."""
    if len({tuple(entities) for _, _, entities in named}) < 2:
        return frozenset()
    a, b = next((a, b) for a, b in clause_bounds(text) if a <= change.start < b)
    if _OF_ALL.search(text[a:b]):
        return frozenset()
    before = [entities for start, _, entities in named if a <= start < change.start]
    if len(before) == 1:
        return frozenset(before[0])
    after = [(start, entities) for start, _, entities in named if change.end <= start < b]
    if not before and after and _ON.fullmatch(text[change.end : after[0][0]]):
        return frozenset(after[0][1])
    return frozenset()


def price_change(text: str, quantities: Sequence[Quantity]) -> PriceChange | None:
    """The supposed change of prices of a normalised question; None where it supposes none."""
    denied = _NONE.search(text)
    if denied:
        return PriceChange(Decimal(1), denied[0], denied.start(), denied.end())
    fold = _FOLD.search(text) or (None if _CURRENCY.search(text) else _FOLD_COUNTED.search(text))
    if fold:
        digits = "".join(_DIGITS.get(c, c) for c in fold[1])
        value = Decimal(digits)
        factor = value / 10 if value < 10 else value / 100
        if 0 < factor < 1:
            return PriceChange(factor, fold[0].strip(), fold.start(), fold.end())
    half = _HALF_PRICE.search(text)
    if half:
        return PriceChange(Decimal("0.5"), half[0], half.start(), half.end())
    if not _ABOUT_PRICE.search(text):
        return None
    for quantity in quantities:
        if quantity.unit != "percent" or not 0 < quantity.value <= 300:
            continue
        share = quantity.value / 100
        before, after = text[max(0, quantity.start - 16) : quantity.start], text[quantity.end : quantity.end + 24]
        clause = next((a for a, b in clause_bounds(text) if a <= quantity.start < b), 0)
        if _COMPARES.search(text[clause : quantity.start]) or _COMPARES.match(after.lstrip()) or _SET_BESIDE.search(text[: quantity.start]):
            # "是不是比它便宜一半" asks how two prices compare and supposes nothing.
            continue
        to, less, more = _TO.search(before), _LESS.search(before), _MORE.search(before)
        off, dearer = _OFF.match(after), _DEARER.match(after)
        verb: re.Match[str] | None
        tail: re.Match[str] | None
        if to and re.search(r"价|price|rate", text, re.IGNORECASE):
            factor, verb, tail = share, to, None
        elif (less or off) and share < 1:
            factor, verb, tail = 1 - share, less, off
        elif more or dearer:
            factor, verb, tail = 1 + share, more, dearer
        else:
            continue
        start = quantity.start - (len(verb[0]) if verb else 0)
        end = quantity.end + (tail.end() if tail else 0)
        return PriceChange(factor, text[start:end].strip(), start, end)
    return None
