"""A bill of which part of the input is served from a cache: that part at the cached price, the rest at the plain one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from agent.answers.price import converted, free_note, target_currency
from agent.answers.targets import PRICE_FIELDS
from agent.answers.volume import Volume
from agent.tools.cost import api_cost
from agent.tools.prices import PriceQuote
from agent.words import money, plain, tokens
from agent.work import Draft, Work

_CACHE = re.compile(r"缓存|\bcach(?:e|ed|ing)\b", re.IGNORECASE)
_MODE = "mode"


def cached_share(work: Work) -> Decimal | None:
    """The share of the input (0..1) that the question says comes from a cache; None if it speaks of no cache."""
    text = work.question.masked
    if not _CACHE.search(text):
        return None
    shares = [q for q in work.question.quantities if q.unit == "percent" and 0 <= q.value <= 100]
    near = [q for q in shares if _CACHE.search(text[max(0, q.start - 16) : q.end + 24])]
    return near[0].value / 100 if near else Decimal(1) if not shares else None


def cached_bill(work: Work, quotes: Sequence[PriceQuote], volume: Volume) -> Draft | None:
    """The bill of one model with its cached share; None where the question names none or the sources have no cached price."""
    share = cached_share(work)
    plain_quotes = [q for q in quotes if _MODE not in q.when]
    if share is None or not plain_quotes or not volume.input_tokens:
        return None
    quote = plain_quotes[0]
    cached = next((q for q in quotes if q.when.get(_MODE) == "cached" and q.currency == quote.currency and q.about == quote.about), None)
    if cached is None or cached.input_rate is None or quote.input_rate is None or (volume.output_tokens and quote.output_rate is None):
        return None
    hit, missed = volume.input_tokens * share, volume.input_tokens * (1 - share)
    parts = [
        (work.say("缓存命中输入", "Cached input"), hit, cached.input_rate, api_cost(cached, hit, None).total, cached.input_claim),
        (work.say("其余输入", "Other input"), missed, quote.input_rate, api_cost(quote, missed, None).total, quote.input_claim),
        (work.say("输出", "Output"), volume.output_tokens, quote.output_rate, api_cost(quote, None, volume.output_tokens).total, quote.output_claim),
    ]  # fmt: skip
    total = sum((cost for *_, cost, _ in parts), Decimal(0))
    before = api_cost(quote, volume.input_tokens, volume.output_tokens).total
    steps = []
    for name, amount, rate, cost, claim in parts:
        if amount and rate is not None and claim is not None:
            work.computed(amount, rate, cost)
            colon = work.say("：", ": ")
            per = work.say("100万", "1M")
            steps.append(f"{name}{colon}{tokens(amount, work.language)} token ÷ {per} × {money(rate, quote.currency)} = {money(cost, quote.currency)} {work.cite(claim)}")
    work.computed(total, before, before - total, share * 100)
    wanted = target_currency(work)
    change = converted(work, total, quote.currency, wanted)
    shown = money(change[0], wanted) if change else money(total, quote.currency)
    label = f" {volume.label}" if volume.label and work.language == "en" else volume.label
    lines = [
        work.say(f"**{quote.entity.name}**{label}费用为 **{shown}**（输入的 {plain(share * 100)}% 命中缓存）。",
                 f"**{quote.entity.name}** costs **{shown}**{label}, with {plain(share * 100)}% of the input cached."),
        "",
        *(f"- {step}" for step in (*volume.steps, *steps)),
        work.say(f"- 合计：**{money(total, quote.currency)}**；不用缓存是 {money(before, quote.currency)}，省 {money(before - total, quote.currency)}",
                 f"- Total: **{money(total, quote.currency)}**; {money(before, quote.currency)} without the cache, {money(before - total, quote.currency)} less"),
        *((f"- {change[1]}",) if change else ()),
        *(f"- {note}" for note in free_note(work, quote)),
    ]  # fmt: skip
    work.tool(
        "api_cost",
        {"model": quote.entity.id, "input_tokens": str(volume.input_tokens), "output_tokens": str(volume.output_tokens), "cached_share": str(share)},
        {"total": str(total), "currency": quote.currency, "without_cache": str(before)},
        (*volume.steps, *steps),
    )  # fmt: skip
    return Draft("\n".join(lines), entities=(quote.entity.id,), fields=PRICE_FIELDS, intent="api_cost")
