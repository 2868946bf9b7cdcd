"""A price that the question supposes for a part of the volume only: "超过 500万的部分八折", "前 100万免费", "first 1M tokens free"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kb.quantities import Quantity

_ABOVE = re.compile(r"(?:超过|超出|超|大于|高于|多于|满|(?<![a-z])(?:over|above|beyond|past|exceeding|more than|after(?: the first)?))\s*$", re.IGNORECASE)
_FIRST = re.compile(r"(?:前面?|头|首|最初|开头|(?<![a-z])(?:first|initial|up to))\s*(?:的)?\s*$", re.IGNORECASE)
_ABOVE_BEHIND = re.compile(r"\s*(?:个)?(?:tokens?)?\s*(?:以上|之上|以外|之后|以后)", re.IGNORECASE)
_FOLD = r"(?:打|按|享|给|收)?\s*(?P<fold>[一二三四五六七八九\d](?:[一二三四五六七八九\d]|\.\d)?)\s*折"
_TERMS = re.compile(
    rf"(?P<gap>\s*(?:个)?(?:tokens?|字)?\s*(?:以上|之上|以外|之后|以后|以内|之内|后|的|那)?(?:部分|量|用量)?\s*(?:都|全|是|算|为|走|就|are|is|at|get|gets|with|come|for)?\s*)"
    rf"(?:{_FOLD}|(?P<half>半价|half[ -]?price|half off)|(?P<free>免费|不要钱|不收费|白送|送|免单|(?<![a-z])free)|(?P<off>\d+(?:\.\d+)?)\s*%\s*(?:off|discount|cheaper|less)|(?:a )?(?P<disc>\d+(?:\.\d+)?)\s*%\s*discount)",
    re.IGNORECASE,
)
_HAN = {c: str(i) for i, c in enumerate("零一二三四五六七八九")}


@dataclass(frozen=True, slots=True)
class PriceTier:
    """Tokens `above` a limit (or up to it) cost `factor` times the price."""

    limit: Decimal
    factor: Decimal
    above: bool
    text: str
    start: int
    end: int
    figure: int
    """Where the limit stands, which is no volume."""

    def reduced(self, tokens: Decimal) -> Decimal:
        """How many of the tokens the other price is for."""
        return max(Decimal(0), tokens - self.limit) if self.above else min(tokens, self.limit)


def price_tier(text: str, quantities: Sequence[Quantity]) -> PriceTier | None:
    """The tier of a normalised question; None where it has none."""
    for quantity in quantities:
        if quantity.is_money or quantity.unit not in ("", "token", "char") or quantity.value < 1000:
            continue
        before = text[max(0, quantity.start - 16) : quantity.start]
        above = _ABOVE.search(before) or (_ABOVE_BEHIND.match(text, quantity.end) and re.search(r"^", before))
        first = _FIRST.search(before)
        terms = _TERMS.match(text, quantity.end)
        if not terms or not (above or first):
            continue
        said = first or above
        start = quantity.start - (len(said[0]) if said else 0)
        return PriceTier(quantity.value, _factor(terms), not first, text[start : terms.end()].strip(), start, terms.end(), quantity.start)
    return None


def _factor(terms: re.Match[str]) -> Decimal:
    if terms["fold"]:
        value = Decimal("".join(_HAN.get(c, c) for c in terms["fold"]))
        return value / 10 if value < 10 else value / 100
    if terms["half"]:
        return Decimal("0.5")
    if terms["free"]:
        return Decimal(0)
    return 1 - Decimal(terms["off"] or terms["disc"]) / 100
