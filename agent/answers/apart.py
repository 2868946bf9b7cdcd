"""Two volumes on one model held against each other: "一次 100K 输入和一次 150K 输入差多少"."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.price import price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, targets
from agent.answers.volume import Volume, cost_steps
from agent.tools.cost import api_cost
from agent.tools.prices import PriceQuote
from agent.understand.usage import Amount
from agent.words import money, plain
from agent.work import Draft, Work

_APART = re.compile(r"(?:相?差|贵|便宜|多花)(?:了)?(?:多少|几)|差价|价差|difference|how much (?:more|less|cheaper|dearer)", re.IGNORECASE)

_AGAINST = re.compile(r"和|跟|与|比|\b(?:and|vs|versus|or|than)\b", re.IGNORECASE)


def answer_apart(work: Work) -> Draft | None:
    """The bill of each of two amounts and the difference; None unless exactly that is asked of one model."""
    question, usage = work.question, work.question.usage
    amounts = usage.amounts
    if len(amounts) != 2 or any(a.direction == "total" for a in amounts) or usage.users or usage.requests or usage.changes:
        return None
    text = question.masked.split(" \n ")[0]
    earlier, later = sorted((a.quantity for a in amounts), key=lambda q: q.start)
    if not _APART.search(text) or later.end > len(text) or not _AGAINST.search(text[earlier.end : later.start]):
        return None
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    quotes = [_quote(work, ids[0], amount) for amount in amounts] if len(ids) == 1 else []
    if len(quotes) != 2 or quotes[0] is None or quotes[1] is None:
        return None
    rows = [_bill(work, quote, amount) for quote, amount in zip(quotes, amounts, strict=True) if quote is not None]
    (low, low_name, _), (high, high_name, _) = sorted(rows, key=lambda row: row[0])
    unit, name = quotes[0].currency, work.entity(ids[0]).name
    work.computed(high - low)
    times = ""
    if low:
        work.computed(high / low)
        times = work.say(f"，{plain(high / low, 2)} 倍", f", {plain(high / low, 2)} times as much")
    head = work.say(
        f"**{name}**：{high_name} 比 {low_name} 贵 **{money(high - low, unit)}**（{money(high, unit)} 与 {money(low, unit)}{times}）。",
        f"**{name}**: {high_name} costs **{money(high - low, unit)}** more than {low_name} ({money(high, unit)} against {money(low, unit)}{times}).",
    )
    steps = [f"{text}{work.say('：', ': ')}{step}" for _, text, lines in rows for step in lines]
    work.tool("compare_volumes", {"model": ids[0]}, {"difference": str(high - low), "currency": unit}, steps)
    return Draft("\n".join([head, "", *(f"- {step}" for step in steps)]), entities=(ids[0],), fields=PRICE_FIELDS, intent="api_cost")


def _quote(work: Work, entity_id: str, amount: Amount) -> PriceQuote | None:
    """The price that holds for an amount: its own tier where it is the length of one request."""
    return next(iter(usable_quotes(work, entity_id, amount.quantity.value if "request" in amount.quantity.per else None)), None)


def _bill(work: Work, quote: PriceQuote, amount: Amount) -> tuple[Decimal, str, list[str]]:
    """What an amount costs, how the question writes it, and how the cost comes about."""
    pair = (amount.quantity.value, None) if amount.direction == "input" else (None, amount.quantity.value)
    cost = api_cost(quote, *pair)
    name = f"{amount.quantity.text.strip()} {work.say({'input': '输入', 'output': '输出'}[amount.direction], amount.direction)}"
    volume = Volume(pair[0] or Decimal(0), pair[1] or Decimal(0), "", (), Decimal(1), "")
    return cost.total, name, [*cost_steps(work, quote, volume, cost), *price_notes(work, quote)]
