"""Requests of several sizes in one volume: "三成是 20万 token，七成 2万", "20% of calls at 150k, 80% at 10k"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from kb.quantities import Quantity

_BETWEEN = re.compile(
    r"(?:的?(?:请求|调用|次数|对话|任务|文档|单子)|是|为|有|用|都|约|大概|每次|输入|(?<![a-z])(?:of|the|them|calls?|requests?|prompts?|are|is|have|has|with|at|around|about|take|takes)(?![a-z])|[\s,:])*",
    re.IGNORECASE,
)
_OUTPUT = re.compile(r"\s*(?:个)?(?:tokens?|字)?\s*(?:的)?\s*(?:输出|出|out)", re.IGNORECASE)
_LONGEST = Decimal(10_000_000)


@dataclass(frozen=True, slots=True)
class Size:
    """A share (0..1) of the requests and their prompt in tokens."""

    share: Decimal
    tokens: Decimal


def request_sizes(text: str, quantities: Sequence[Quantity]) -> tuple[tuple[Size, ...], list[Quantity]]:
    """The sizes that a normalised question divides its requests into, and its quantities with one mean prompt in their place.

    Both are as given where the shares do not each stand before a length and make one whole.
    """
    pairs: list[tuple[Quantity, Quantity]] = []
    for share, length in zip(quantities, quantities[1:], strict=False):
        lengthy = length.unit in ("token", "") and not length.is_money and 100 <= length.value <= _LONGEST
        if share.unit == "percent" and lengthy and _BETWEEN.fullmatch(text[share.end : length.start]) and not _OUTPUT.match(text, length.end):
            pairs.append((share, length))
    if len(pairs) < 2 or sum((s.value for s, _ in pairs), Decimal(0)) != 100:
        return (), list(quantities)
    sizes = tuple(Size(s.value / 100, q.value) for s, q in pairs)
    mean = sum((s.share * s.tokens for s in sizes), Decimal(0))
    first = pairs[0][1]
    kept = [q for q in quantities if not any(q in pair for pair in pairs)]
    kept.append(replace(first, value=mean, unit="token", per=(*(p for p in first.per if p != "request"), "request")))
    return sizes, sorted(kept, key=lambda q: q.start)
