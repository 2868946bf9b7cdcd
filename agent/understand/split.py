"""How a volume divides into input and output where no direction stands beside the figures: pairs, shares, one as a part of the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kb.quantities import Quantity, Ratio

_INPUT = r"(?:输入|进|input|prompt)"
_OUTPUT = r"(?:输出|出|output|completion)"
_OF = r"(?:量|token|tokens|字数)?\s*(?:大约|大概|约|只有|才|是|为|占|相当于|按|算|is|are|equals|about|only|=|\s)*\s*"
_OUTPUT_OF_INPUT = re.compile(rf"{_OUTPUT}{_OF}{_INPUT}(?:量)?的\s*(?:约|大概)?$", re.IGNORECASE)
_INPUT_OF_OUTPUT = re.compile(rf"{_INPUT}{_OF}{_OUTPUT}(?:量)?的\s*(?:约|大概)?$", re.IGNORECASE)
_OUTPUT_IS = re.compile(rf"{_OUTPUT}s?(?: tokens?)?(?: is| are| at| being|:|,)?\s*(?:about )?$", re.IGNORECASE)
_INPUT_IS = re.compile(rf"{_INPUT}s?(?: tokens?)?(?: is| are| at| being|:|,)?\s*(?:about )?$", re.IGNORECASE)
_THE_INPUT = re.compile(r"\s*(?:of|as much as|as many as|times)?\s*(?:of )?(?:the |its )?input", re.IGNORECASE)
_THE_OUTPUT = re.compile(r"\s*(?:of|as much as|as many as|times)?\s*(?:of )?(?:the |its )?output", re.IGNORECASE)
_SHARE_AFTER = re.compile(r"(?P<out>\s*(?:的|是|为|of it |of them |as )?\s*(?:输出|出(?![了来个])|output))|(?P<into>\s*(?:的|是|为|of it |of them |as )?\s*(?:输入|进(?![行了])|input))", re.IGNORECASE)
_SHARE_BEFORE = re.compile(r"(?:(?P<out>输出|output)|(?P<into>输入|input))(?:量|token)?\s*(?:占(?:比)?|比例|share|约|是|为|=|:|\s)*$", re.IGNORECASE)
_PAIR = re.compile(r"\s*(?:个|tokens?|tok|字)?\s*[+＋/]\s*$", re.IGNORECASE)
_OUTPUT_FIRST = re.compile(r"(?:输出|出|out(?:put)?)\s*(?:和|与|跟|比|对|:|/|to|-)?\s*(?:输入|进|in(?:put)?)[^\d]{0,8}$", re.IGNORECASE)
_OUTPUT_FIRST_AFTER = re.compile(r"\s*(?:的)?\s*(?:output|out|输出)\s*(?::|/|to|比|和)\s*(?:input|in|输入)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Division:
    """Input tokens for one output token; `start` and `end` span the words that say so."""

    input_per_output: Decimal
    start: int
    end: int


def division_of(text: str, quantities: Sequence[Quantity]) -> Division | None:
    """How input relates to output: "输出是输入的20%", "一半输入一半输出", "输入占八成", "output is half of the input"."""
    for quantity in quantities:
        if quantity.unit not in ("percent", "times") or quantity.value <= 0:
            continue
        factor = quantity.value / 100 if quantity.unit == "percent" else quantity.value
        before, after = text[max(0, quantity.start - 24) : quantity.start], text[quantity.end : quantity.end + 24]
        for whole, part, rest, value in (
            (_OUTPUT_OF_INPUT, _OUTPUT_IS, _THE_INPUT, 1 / factor),
            (_INPUT_OF_OUTPUT, _INPUT_IS, _THE_OUTPUT, factor),
        ):
            said, tail = whole.search(before), rest.match(after)
            if said:
                return Division(value, quantity.start - len(said[0]), quantity.end)
            said = part.search(before)
            if said and tail:
                return Division(value, quantity.start - len(said[0]), quantity.end + tail.end())
        if quantity.unit != "percent" or factor >= 1:
            continue
        ahead, behind = _SHARE_BEFORE.search(before), _SHARE_AFTER.match(after)
        side = ahead or behind
        if side:
            into = factor if side["into"] else 1 - factor
            start = quantity.start - len(ahead[0]) if ahead else quantity.start
            return Division(into / (1 - into), start, quantity.end if ahead else quantity.end + side.end())
    return None


def joined_pair(text: str, first: Quantity, second: Quantity) -> bool:
    """Whether two figures stand together as input and output: `500+300 token`, `2k/0.5k`."""
    return first.end <= second.start and bool(_PAIR.fullmatch(text[first.end : second.start]))


_SIDES_BEFORE = re.compile(
    r"(?:(?:输入|输出|进|出|prompt|completion|input|output|in|out)\s*(?:和|与|跟|比|对|:|/|to|-|、|的)*\s*){2}(?:的)?(?:比例?|ratio|按|是|为|约|大概|of|is|=|:|\s)*$",
    re.IGNORECASE,
)
_SIDES_AFTER = re.compile(
    r"\s*(?:的)?\s*(?:input|in|output|out|输入|输出|进|出)\s*(?::|/|to|比|和|-)?\s*(?:input|in|output|out|输入|输出|进|出)(?![a-z])", re.IGNORECASE
)


def ratio_words(text: str, ratio: Ratio) -> tuple[int, int]:
    """The span of a ratio with the two directions that it is said of ("输入输出 8:2", "3:1 in:out"): they direct no amount."""
    before = _SIDES_BEFORE.search(text[max(0, ratio.start - 28) : ratio.start])
    after = _SIDES_AFTER.match(text[ratio.end :])
    return ratio.start - (len(before[0]) if before else 0), ratio.end + (after.end() if after else 0)


def output_first(text: str, start: int, end: int) -> bool:
    """Whether a ratio is written as output to input ("输出输入比 1:4", "1:4 out:in")."""
    return bool(_OUTPUT_FIRST.search(text[max(0, start - 20) : start]) or _OUTPUT_FIRST_AFTER.match(text[end:]))
