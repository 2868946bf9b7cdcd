"""A bill from which the free tokens that the sources state are taken, where the question asks for that."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial

from agent.answers.price import usable_quotes
from agent.answers.targets import PRICE_FIELDS
from agent.answers.volume import volume_of
from agent.tools.cost import per_tokens
from agent.words import money, tokens
from agent.work import Draft, Work

_TAKE_OFF = re.compile(
    r"(?:扣|减|除|去)(?:掉|去|除|完)?[^，。,]{0,4}(?:免费|赠送)|(?:免费|赠送)[^，。,]{0,6}(?:扣|减|抵|用完)|(?:after|minus|less|deduct\w*|with|excluding|using)"
    r" (?:the |its |any |our )?(?:monthly )?free (?:tier|tokens|quota|allowance)",
    re.IGNORECASE,
)
_MONTHS = {"": Decimal(1), "month": Decimal(1), "quarter": Decimal(3), "year": Decimal(12)}


def free_tier_bill(work: Work, entity_id: str) -> Draft | None:
    """The bill of one model less its free tokens; None where that is not asked for or cannot be said.

    Where input and output have different prices the sources do not say which of them are free, so nothing is deducted here.
    """
    usage = work.question.usage
    claim = next((c for c in work.entity(entity_id).claims.get("free_tokens", ()) if isinstance(c.value, Decimal)), None)
    quotes = [q for q in usable_quotes(work, entity_id) if "mode" not in q.when]
    if claim is None or not quotes or not _TAKE_OFF.search(work.question.masked) or not isinstance(claim.value, Decimal):
        return None
    quote = quotes[0]
    volume = volume_of(work, usage)
    period = usage.asked or usage.period
    if period in ("day", "week") and not usage.asked:
        period = "month"
    total = (usage.total_tokens or Decimal(0)) * volume.factor if usage.total_tokens is not None else volume.input_tokens + volume.output_tokens
    one_sided = usage.total_tokens is None and not (volume.input_tokens and volume.output_tokens)
    rate = quote.output_rate if one_sided and volume.output_tokens else quote.input_rate
    if rate is None or period not in _MONTHS or not (one_sided or quote.input_rate == quote.output_rate):
        return None
    free = claim.value * _MONTHS[period]
    left = max(total - free, Decimal(0))
    cost = left * rate / per_tokens(quote)
    work.computed(total, free, left, cost, rate, claim.value)
    size = partial(_size, work)
    name = quote.entity.name
    cited = work.cite(claim)
    price = next(c for c in (quote.input_claim, quote.output_claim) if c is not None and c.value == rate)
    per = work.say("100万", "1M")
    steps = (
        f"{size(total)} − {size(free)} {work.say('免费', 'free')} {cited} = {size(left)} token",
        f"{size(left)} token ÷ {per} × {money(rate * 1_000_000 / per_tokens(quote), quote.currency)} = {money(cost, quote.currency)} {work.cite(price)}",
    )
    head = work.say(f"**{name}** 扣掉免费额度后要付 **{money(cost, quote.currency)}**。", f"**{name}** costs **{money(cost, quote.currency)}** after its free tier.")
    work.tool(
        "api_cost",
        {"model": entity_id, "tokens": str(total), "free_tokens": str(free)},
        {"total": str(cost), "currency": quote.currency},
        steps,
    )
    return Draft("\n".join([head, "", *(f"- {step}" for step in steps)]), entities=(entity_id,), fields=(*PRICE_FIELDS, "free_tokens"), intent="api_cost")


def _size(work: Work, value: Decimal) -> str:
    return tokens(value, work.language)
