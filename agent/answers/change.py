"""How much a bill rises or falls by what the question supposes: more usage, fewer tokens, a discount."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from agent.answers.volume import Volume
from agent.tools.cost import ApiCost, api_cost
from agent.tools.prices import PriceQuote
from agent.understand.followup_usage import change_factor
from agent.words import money, plain
from agent.work import Work


def beside_before(work: Work, quote: PriceQuote, volume: Volume, cost: ApiCost) -> str:
    """The difference from the same bill without the supposed changes, to stand behind the bill; "" where nothing is supposed."""
    usage = work.question.usage
    if not usage.changes and quote.factor == 1:
        return ""
    factors = change_factor(usage, "input"), change_factor(usage, "output")
    if not all(factors):
        return ""
    unchanged = [None if now is None else now / factor for now, factor in zip((volume.input_tokens, volume.output_tokens), factors, strict=True)]
    before = api_cost(replace(quote, factor=Decimal(1)), *unchanged).total
    gap = cost.total - before
    if not gap or not before:
        return ""
    share = abs(gap) / before * 100
    work.computed(before, abs(gap), share)
    was, by, part = money(before, quote.currency), money(abs(gap), quote.currency), f"{plain(share, 2)}%"
    if gap > 0:
        return work.say(f"，比变化前的 {was} 多 **{by}**（{part}）", f", **{by}** more than the {was} before the change ({part})")
    return work.say(f"，比变化前的 {was} 少 **{by}**（{part}）", f", **{by}** less than the {was} before the change ({part})")
