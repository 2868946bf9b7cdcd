"""A change of the volume that a question supposes: "砍掉两成", "用量涨40%", "翻番", "减半", "usage doubles", "down 20%".

Changes of the price are `agent.understand.discount`; a share that stands for neither is left to whoever reads shares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from kb.quantities import Quantity

Which = Literal["", "input", "output"]
_SO = r"(?:了|掉|去|个|约|大概|再|又|\s|by|about|another|a further)*"
_FEWER = re.compile(
    rf"(?:砍|减少?|缩减?|压缩|压|降低?|下降|下滑|省|节省|节约|少用?|优化|削减|(?<![a-z])(?:cut|cuts|reduced?s?|saves?|saving|trim(?:med)?|drops?|falls?|fell|shrinks?|shrank|down|decrease[sd]?|lower(?:ed)?|less))(?:\s+(?:usage|traffic|volume|it|tokens?|that|this|the volume))?{_SO}$",
    re.IGNORECASE,
)
_MORE = re.compile(
    rf"(?:上?涨|增加?|增长|多用?|上升|升|扩大?|(?<![a-z])(?:grows?|grew|grown|increase[sd]?|rises?|rose|up|adds?|gains?|jumps?|jumped))(?:\s+(?:usage|traffic|volume))?{_SO}$",
    re.IGNORECASE,
)
_LEFT = re.compile(
    r"(?:降到|减到|砍到|缩到|降至|减至|压到|只剩|剩下?|只有|涨到|增到|增加到|升到|变成|变为|(?<![a-z])(?:down to|up to|falls? to|drops? to|rises? to|grows? to|cut to|becomes?))(?:了|原来的?|之前的?|上个?月的?|现在的?|\s|of)*$|(?:原来|之前|上个?月|现在|上周|去年)的\s*$",
    re.IGNORECASE,
)
_FEWER_BEHIND = re.compile(r"\s*(?:less|lower|fewer|reduction|decrease|cut|drop|(?:的)?(?:降幅|减幅))(?![a-z])", re.IGNORECASE)
_MORE_BEHIND = re.compile(r"\s*(?:more|higher|growth|increase|rise|jump|(?:的)?(?:增长|增幅|涨幅|增量))(?![a-z])(?! expensive)", re.IGNORECASE)
_TWICE = re.compile(
    r"翻(?:了)?(?P<fold>[一两二三四])?番|翻(?:了)?(?P<times>[一两二三四五六七八九十\d]+)?倍|(?<![a-z])(?P<en>doubled?s?|doubles|doubling|tripled?s?|triples|twice as (?:much|many)|quadrupled?s?)(?![a-z])",
    re.IGNORECASE,
)
_HALVED = re.compile(r"减半|砍半|砍一半|减一半|少一半|降一半|腰斩|(?<![a-z])(?:halved?s?|halves|cut in half|half as (?:much|many))(?![a-z])", re.IGNORECASE)
_PRICE = re.compile(r"价|折(?!合|算|成|人|美)|优惠|费率|便宜|贵|discount|(?<![a-z])off(?![a-z])|prices?|rates?(?![a-z])|cheaper|expensive|汇率", re.IGNORECASE)
_VOLUME = re.compile(r"用量|流量|总量|量|请求|调用|次数|用户|人数|业务|输入|输出|进|出|tokens?|usage|volume|traffic|requests?|calls|users|input|output|load", re.IGNORECASE)
_COUNTED = re.compile(r"用户|人数|日活|月活|users|headcount|seats", re.IGNORECASE)
_SIDE = re.compile(r"(?:(?P<input>输入|进|input|prompts?)|(?P<output>输出|出|output|completions?))(?:量|tokens?|的|也|都|部分|再|又|\s)*(?:砍|减|缩|压|降|省|少|涨|增|多|升|扩|翻|腰|is|are|gets?|goes|was|cut|reduced?|drop|fall|grow|rise|increase|double|triple|halve|up|down|twice|half|$)", re.IGNORECASE)
_PER_CENT = Decimal(100)
_HAN = {c: n for n, c in enumerate("零一二三四五六七八九十")} | {"两": 2}
_NEVER_OF_ITSELF = re.compile(r"比|than|相比|versus|vs", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VolumeChange:
    """The volume is multiplied by `factor` (only `which` direction, if any); `text` is how the question says it."""

    factor: Decimal
    text: str
    start: int
    end: int
    which: Which = ""


def volume_changes(text: str, quantities: Sequence[Quantity]) -> tuple[VolumeChange, ...]:
    """Every supposed change of the volume in a normalised question, in order. Changes of a price are left out."""
    found: list[VolumeChange] = []
    for quantity in quantities:
        if quantity.unit not in ("percent", "times") or not 0 < quantity.value <= 1000:
            continue
        change = _of_share(text, quantity)
        if change is not None:
            found.append(change)
    for match in _TWICE.finditer(text):
        if not any(c.start < match.end() and match.start() < c.end for c in found) and not _of_price(text, match.start(), match.end()):
            found.append(_change(text, _times_of(match), match.start(), match.end()))
    for match in _HALVED.finditer(text):
        if not any(c.start < match.end() and match.start() < c.end for c in found) and not _of_price(text, match.start(), match.end()):
            found.append(_change(text, Decimal("0.5"), match.start(), match.end()))
    return tuple(sorted(found, key=lambda c: c.start))


def _of_share(text: str, quantity: Quantity) -> VolumeChange | None:
    before, after = text[max(0, quantity.start - 22) : quantity.start], text[quantity.end : quantity.end + 16]
    share = quantity.value / _PER_CENT if quantity.unit == "percent" else quantity.value
    left, fewer, more = _LEFT.search(before), _FEWER.search(before), _MORE.search(before)
    if left:
        factor, said = share, left[0]
    elif fewer and share < 1 and quantity.unit == "percent":
        factor, said = 1 - share, fewer[0]
    elif more:
        factor, said = 1 + share, more[0]
    elif quantity.unit == "percent" and share < 1 and _FEWER_BEHIND.match(after):
        factor, said = 1 - share, ""
    elif quantity.unit == "percent" and _MORE_BEHIND.match(after):
        factor, said = 1 + share, ""
    else:
        return None
    start = quantity.start - len(said)
    if _of_price(text, start, quantity.end):
        return None
    return _change(text, factor, start, quantity.end)


def _of_price(text: str, start: int, end: int) -> bool:
    """Whether the nearest noun before the change is a price, or the change compares two things."""
    edge = max((text.rfind(c, 0, start) for c in "，,。；;！!？?\n"), default=-1) + 1
    before, after = text[edge:start], text[end : end + 14]
    if _NEVER_OF_ITSELF.search(before) and not re.search(r"比(?:上|去|之前|以前|原来|现在)|than (?:last|before|now)", text[edge:end], re.IGNORECASE):
        return True
    if re.match(r"\s*(?:的|of|as much|as many|\w+ )?\s*(?:折扣|优惠|(?:\w+ )?discount|off(?![a-z])|price)", after, re.IGNORECASE) or re.match(r"\s*than ", after):
        return True
    price = max((m.end() for m in _PRICE.finditer(before)), default=-1)
    volume = max((m.end() for m in _VOLUME.finditer(before)), default=-1)
    return price > volume


def _change(text: str, factor: Decimal, start: int, end: int) -> VolumeChange:
    edge = max((text.rfind(c, 0, start) for c in "，,。；;！!？?\n"), default=-1) + 1
    side = next(reversed(list(_SIDE.finditer(text[edge:end]))), None)
    which: Which = "" if side is None or not (edge + side.end() >= start) else "input" if side["input"] else "output"
    of = re.match(r"\s*(?:的|of (?:the )?)(?:(?P<input>输入|input)|(?P<output>输出|output))", text[end:], re.IGNORECASE)
    if of and not which:
        which = "input" if of["input"] else "output"
    both = re.search(r"输入输出|进出|input and output|in and out", text[edge:end], re.IGNORECASE)
    return VolumeChange(factor, text[start:end].strip(), start, end, "" if both else which)


def _times_of(match: re.Match[str]) -> Decimal:
    if match["fold"]:
        return Decimal(2) ** _HAN[match["fold"]]
    if match["times"]:
        word = match["times"]
        number = Decimal(word) if word.isdigit() else Decimal(_HAN.get(word, 2))
        return max(number, Decimal(2))
    english = (match["en"] or "").lower()
    return Decimal(3) if english.startswith("trip") else Decimal(4) if english.startswith("quad") else Decimal(2)


def counts_users(text: str, change: VolumeChange) -> bool:
    """Whether a change is said of the users ("用户翻倍"), whose number it then multiplies too."""
    return bool(_COUNTED.search(text[max(0, change.start - 8) : change.start]))
