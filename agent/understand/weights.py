"""What a wish puts first: "价格优先", "更看重延迟", "价格权重 40%" -> weights of the fields of the registry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from agent.tools.prices import INPUT, OUTPUT
from agent.understand.question import Question
from kb.catalog.catalog import Catalog

FIRST = re.compile(
    r"优先|为先|第一位|最重要|最看重|更看重|看重|更在意|在意|更关注|主要看|主要考虑|首要|要紧|为主|matters? most|first|priorit|most important|care (?:most |more )?about|focus on|weigh",
    re.IGNORECASE,
)
_SHARE = re.compile(r"权重|占比|占|weight(?:ed|s)?(?: of| at)?|share", re.IGNORECASE)
_PRICE = re.compile(r"价格|价钱|费用|成本|便宜|预算|性价比|price|cost|cheap|budget", re.IGNORECASE)
_CLAUSE = re.compile(r"[，,。；;、！!？?]|\band\b|\bthen\b|其次|再")
_EMPHASIS = 0.5
"""Share that all emphasised fields have together where no figure is given; the fit to the need has the rest."""


def weights_of(question: Question, catalog: Catalog) -> Mapping[str, float]:
    """Share (0..1, together at most 1) of each field that the question puts first; empty where it puts none."""
    text = question.masked.split(" \n ")[0]
    found: dict[str, float] = {}
    edges = [0, *(m.end() for m in _CLAUSE.finditer(text)), len(text)]
    for a, b in zip(edges, edges[1:], strict=False):
        clause = text[a:b]
        stressed, shared = FIRST.search(clause), _SHARE.search(clause)
        if not (stressed or shared):
            continue
        fields = [f.field for f in question.fields if a <= f.start < b and catalog.fields[f.field].better]
        if not fields and _PRICE.search(clause):
            fields = [INPUT, OUTPUT]
        percent = next((q.value for q in question.quantities if q.unit == "percent" and a <= q.start < b), None)
        for field in fields:
            found[field] = float((percent or Decimal(0)) / 100 / len(fields)) if shared and percent else -1.0
    open_share = max(0.0, _EMPHASIS if not any(v > 0 for v in found.values()) else 1.0 - sum(v for v in found.values() if v > 0))
    unset = [f for f, v in found.items() if v < 0]
    weights = {f: (v if v > 0 else open_share / len(unset)) for f, v in found.items()}
    total = sum(weights.values())
    return {f: v / total for f, v in weights.items()} if total > 1 else weights
