"""Yes or no where a question asserts how two figures stand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from agent.answers.premise import asserts
from agent.tools.prices import PriceQuote
from agent.understand.lexicon import pattern
from agent.understand.relation import relation_of
from agent.work import Work


def relation_verdict(work: Work, figures: Mapping[str, Mapping[str, Decimal]]) -> str:
    """ "**对**。", "**不对**。" or which of them is right, held against `figures`: label -> entity -> figure, comparable within a label.

    "" where nothing is asserted of exactly two named models, or a figure of either is missing.
    """
    question = work.question
    own = question.masked.split(" \n ")[0]
    named = sorted((m for m in question.named if m.start < len(own)), key=lambda m: m.start)
    if len(named) != 2 or not asserts(question.text):
        return ""
    first, second = named
    ids = [next((i for i in m.entities if any(i in values for values in figures.values())), "") for m in named]
    pairs = {label: (v[ids[0]], v[ids[1]]) for label, v in figures.items() if ids[0] in v and ids[1] in v and v[ids[0]] and v[ids[1]]}
    relation = relation_of(own, (first.start, first.end), (second.start, second.end), question.quantities)
    if relation is None or not pairs or ids[0] == ids[1]:
        return ""
    held = {label: relation.holds(*pair) for label, pair in pairs.items()}
    if len(set(held.values())) == 1:
        return _verdict(work, all(held.values()))
    right, wrong = ([label for label, fits in held.items() if fits is wanted] for wanted in (True, False))
    return work.say(f"**{'、'.join(right)}对，{'、'.join(wrong)}不对**。", f"**Right for the {', '.join(right)}, wrong for the {', '.join(wrong)}.** ")


def _verdict(work: Work, right: bool) -> str:
    return work.say("**对**。", "**Yes.** ") if right else work.say("**不对**。", "**No.** ")


def verdict_within(work: Work, quote: PriceQuote) -> str:
    """The same for the output price and the input price of one model ("输出价是输入价的三倍吧"); "" where nothing is asserted of the two."""
    question = work.question
    own = question.masked.split(" \n ")[0]
    spans = [(m.span(), rate) for cue, rate in (("input_cue", quote.input_rate), ("output_cue", quote.output_rate)) if (m := pattern(cue).search(own)) and rate]
    if len(spans) != 2 or not asserts(question.text):
        return ""
    (first, one), (second, other) = sorted(spans)
    relation = relation_of(own, first, second, question.quantities)
    return "" if relation is None else _verdict(work, relation.holds(one, other))
