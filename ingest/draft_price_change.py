"""Sentences that give prices as a change of others: a discount for batch calls, a surcharge above a length of prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from ingest.draft_words import Lexicon, tier

_FACTOR = re.compile(
    r"(?P<double>翻倍|翻番|加倍|双倍|doubles?\b|doubled|twice)|(?P<triple>三倍|triples?\b|tripled)|(?:[x×]\s*|为|按"
    r"|的)?(?P<times>\d+(?:\.\d+)?)\s*(?:倍|[x×](?![a-z0-9])|times)|(?:上浮|上涨|上调|加价|提高|increases? by|rises? by|surcharge of"
    r"|plus)\s*(?P<up>\d+(?:\.\d+)?)\s*%|(?P<more>\d+(?:\.\d+)?)\s*% (?:more|higher|dearer)",
    re.IGNORECASE,
)
_DISCOUNT = re.compile(
    r"(?P<half>半价|五折|half price|half the)|(?P<off>\d+(?:\.\d+)?)\s*%\s*(?:off|discount|优惠|的?折扣)|(?:优惠|减|降|便宜"
    r"|discount of)\s*(?P<off2>\d+(?:\.\d+)?)\s*%|(?P<fold>\d(?:\.\d)?|[一二三四六七八九])\s*折"
    r"|(?P<off3>\d+(?:\.\d+)?)\s*%\s*(?:cheaper|lower|less|below|günstiger|billiger|Rabatt)"
    r"|(?:at|for|按|为|only|costs?)\s*(?:原价|标准价|输入价|list price)?的?\s*(?P<of>\d+(?:\.\d+)?)\s*%\s*(?:of|计费|收费"
    r"|计价|$|[,，。;；.])",
    re.IGNORECASE,
)
_NAMED_SIDES = {"input": re.compile(r"\binputs?\b|输入|\beingabe"), "output": re.compile(r"\boutputs?\b|输出|\bausgabe")}
_HAN = {digit: value for value, digit in enumerate("一二三四五六七八九", 1)}
_LONG = re.compile(
    r"(?:输入|input\w*|prompts?)\s*(?:长度|tokens?|lengths?)?\s*(?:\w+ )?(?:超过|超出|大于|高于|above|over|beyond"
    r"|exceed\w*|longer|larger|>)"
    r"|long (?:inputs?|prompts?)|(?:超过|大于|超出|above|over|beyond)[^，,。;；.]{2,16}(?:的)?(?:输入|inputs?|prompts?)",
    re.IGNORECASE,
)
"""The input of a request as what is measured, not as what is priced."""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Prices of the `sides` under `when` are the plain ones times `factor`."""

    factor: str
    when: dict[str, str]
    sides: tuple[str, ...]


def price_change(sentence: str, words: Lexicon) -> PriceChange | None:
    """The change that a sentence states; None if it states none."""
    lower = sentence.lower()
    lowered = _DISCOUNT.search(sentence)
    if not words.patterns["price_words"].search(lower) and not lowered:
        return None
    when = tier(sentence)
    factor = ""
    raised = _FACTOR.search(sentence)
    if when.get("context_tokens", "").startswith(">") and raised:
        if raised["up"] or raised["more"]:
            factor = f"{1 + float(raised['up'] or raised['more']) / 100:g}"
        else:
            factor = "2" if raised["double"] else "3" if raised["triple"] else raised["times"]
    mode = next((mode for mode in ("batch", "cached") if words.patterns[mode].search(lower)), "")
    if not factor and mode and lowered:
        when, factor = {"mode": mode}, _lowered(lowered)
    if not factor or not 0 < float(factor) < 100:
        return None
    return PriceChange(factor, when, ("input",) if mode == "cached" and "mode" in when else _sides(_LONG.sub(" ", lower)))


def _lowered(match: re.Match[str]) -> str:
    off = match["off"] or match["off2"] or match["off3"]
    if match["half"]:
        return "0.5"
    if off:
        return f"{1 - Decimal(off) / 100:g}"
    if match["of"]:
        return f"{Decimal(match['of']) / 100:g}"
    fold = Decimal(_HAN.get(match["fold"], match["fold"]))
    return f"{fold / 10:g}"


def _sides(lower: str) -> tuple[str, ...]:
    """The sides that a sentence names as priced: `input tokens at half price`; both where it names none or both."""
    named = [side for side, pattern in _NAMED_SIDES.items() if pattern.search(lower)]
    return tuple(named) if len(named) == 1 else ("input", "output")
