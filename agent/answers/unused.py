"""The safeguard of every bill: a figure of the question that the calculation did not use is named, never dropped in silence."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from agent.answers.price import context_hint
from agent.understand.split import division_of
from agent.understand.usage import Usage
from agent.work import Draft, Work
from kb.quantities import Quantity

_BILLS = frozenset({"api_cost", "compare_cost"})
_WATCHED = frozenset({"percent", "user", "request", "token", "char", "word", "hour", "concurrency", "tokens_per_second", "times"})
_SMALL = Decimal(1000)
"""A bare figure below this is a place, a count of models or part of a name."""


def with_unused(work: Work, draft: Draft) -> Draft:
    """The draft of a bill with a line for the figures of this turn that it did not use; unchanged where all were used."""
    if draft.refused or draft.intent not in _BILLS:
        return draft
    left = [q for q in work.question.quantities if _watched(work, q) and not _used(work, q)]
    if not left:
        return draft
    work.computed(*(q.value for q in left))
    shown = work.say("、", ", ").join(dict.fromkeys(q.text.strip() for q in left))
    line = work.say(
        f"- ⚠️ 没有用到问题里的：{shown}。如果它影响结果，请换个说法再问一次。",
        f"- ⚠️ Not used from the question: {shown}. If it changes the result, please put it another way.",
    )
    return replace(draft, text=f"{draft.text}\n{line}")


def _watched(work: Work, quantity: Quantity) -> bool:
    own = work.question.masked.split(" \n ")[0]
    if quantity.end > len(own):
        return False
    if quantity.is_money:
        # A bill that is to be checked states its own total.
        return not work.question.has("conflict_word") and not re.search(r"check|says|核对|写的", own, re.IGNORECASE) and not work.question.is_rate(quantity)
    if quantity.unit:
        return quantity.unit in _WATCHED
    return bool(quantity.scale) or quantity.value >= _SMALL


def _used(work: Work, quantity: Quantity) -> bool:  # noqa: C901
    question, usage = work.question, work.question.usage
    own = question.masked.split(" \n ")[0]
    spans = [(c.start, c.end) for c in (question.price_change, question.tier, *usage.changes) if c is not None]
    if question.mix is not None:
        spans += question.mix.spans
    if question.rate_span is not None:
        spans.append(question.rate_span)
    if quantity.start in work.judged or any(a <= quantity.start < b or quantity.start <= a < quantity.end for a, b in spans):
        return True
    if any(quantity.value in (s.tokens, s.share * 100) for s in usage.sizes):
        return True
    if any(a.quantity.start == quantity.start for a in usage.amounts) or quantity.value in _values(usage):
        return True
    if re.search(r"(?:每一?|per\s+|/\s*)$", own[max(0, quantity.start - 5) : quantity.start], re.IGNORECASE):
        return True
    if quantity.unit == "percent" or quantity.unit == "times":
        division = division_of(own, question.quantities)
        return division is not None and division.start <= quantity.start <= division.end
    if quantity.unit == "user":
        return usage.users is not None
    if quantity.unit == "request":
        return quantity.value == 1 or usage.requests is not None
    if quantity.unit == "hour":
        return any(n.startswith("hours=") for n in usage.notes)
    if quantity.unit == "concurrency":
        return any(n.startswith("streams=") for n in usage.notes)
    if any(c.start <= quantity.start < c.end for c in question.conditions):
        return True
    return bool(quantity.bound) and context_hint(work) is not None


def _values(usage: Usage) -> set[Decimal]:
    found = {
        usage.input_tokens,
        usage.output_tokens,
        usage.total_tokens,
        usage.requests,
        usage.users,
        usage.request_input_tokens,
        usage.request_output_tokens,
        usage.tokens_per_char,
        usage.days_per_month,
        usage.duration_days,
    }
    return {v for v in found if v is not None}
