"""At which exchange rate two prices, or two bills, in different currencies are the same."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.price import context_hint, price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, price_fields, targets
from agent.answers.volume import volume_of
from agent.tools.cost import api_cost, per_tokens
from agent.tools.prices import INPUT, PriceQuote
from agent.words import money, plain
from agent.work import Draft, Work

_ASKS_RATE = re.compile(
    r"汇率(?:要|得|应该|需要|是|为|等于|到|跌到|涨到|在)*(?:多少|几|什么)|(?:什么|多少|哪个|何种)(?:样的)?汇率|(?:what|which) (?:exchange |fx )?rate|break-?even (?:exchange )?rate|rate would",
    re.IGNORECASE,
)
_SAME = re.compile(r"一样|相等|相同|持平|打平|同价|等于|划算|平|same|equal|match|break-?even|parity", re.IGNORECASE)


def answer_parity(work: Work) -> Draft | None:
    """CNY for one unit of the other currency at which both cost the same; None unless such a rate is asked for."""
    question = work.question
    text = question.masked.split(" \n ")[0]
    if question.rate is not None or not (_ASKS_RATE.search(text) and _SAME.search(text)):
        return None
    quotes = [q[0] for i in targets(work, PRICE_FIELDS, kinds=("model",)) if (q := usable_quotes(work, i, context_hint(work)))]
    if len(quotes) != 2 or {q.currency == "CNY" for q in quotes} != {True, False}:
        return None
    home, abroad = sorted(quotes, key=lambda q: q.currency != "CNY")
    pairs = _bills(work, home, abroad) or _rates(work, home, abroad)
    lines, heads = [], []
    for label, cny, other in pairs:
        if not other or not cny:
            continue
        rate = cny / other
        work.computed(rate, cny, other)
        heads.append((label, rate))
        lines.append(f"- {label}{work.say('：', ': ')}{money(cny, 'CNY')} ÷ {money(other, abroad.currency)} = **{plain(rate, 4)}**")
    if not heads:
        return None
    names = f"{abroad.entity.name} {work.say('与', 'and')} {home.entity.name}"
    shown = work.say("；", "; ").join(f"{label} **{plain(rate, 4)}**" for label, rate in heads)
    head = work.say(
        f"{names} 同价的汇率（CNY/{abroad.currency}）：{shown} {work.cite(*abroad.claims, *home.claims)}。",
        f"{names} cost the same at an exchange rate (CNY/{abroad.currency}) of {shown} {work.cite(*abroad.claims, *home.claims)}.",
    )
    note = work.say(
        f"- 汇率高于它时 {home.entity.name} 更便宜，低于它时 {abroad.entity.name} 更便宜。",
        f"- Above it {home.entity.name} is cheaper, below it {abroad.entity.name}.",
    )
    notes = [f"- {q.entity.name}{work.say('：', ': ')}{n}" for q in quotes for n in price_notes(work, q)]
    work.tool("rate_at_parity", {"models": [q.entity.id for q in quotes]}, {label: str(rate) for label, rate in heads}, lines)
    return Draft(
        "\n".join([head, "", *lines, note, *notes]), entities=tuple(q.entity.id for q in quotes), fields=PRICE_FIELDS, intent="compare_price"
    )


def _bills(work: Work, home: PriceQuote, abroad: PriceQuote) -> list[tuple[str, Decimal, Decimal]]:
    usage = work.question.usage
    if usage.input_tokens is None and usage.output_tokens is None:
        return []
    volume = volume_of(work, usage)
    bills = [api_cost(q, volume.input_tokens, volume.output_tokens).total for q in (home, abroad)]
    return [(work.say("这个用量", "for this volume"), bills[0], bills[1])]


def _rates(work: Work, home: PriceQuote, abroad: PriceQuote) -> list[tuple[str, Decimal, Decimal]]:
    pairs = []
    for field in price_fields(work):
        rates = [q.input_rate if field == INPUT else q.output_rate for q in (home, abroad)]
        if rates[0] is not None and rates[1] is not None:
            scale = per_tokens(home) / per_tokens(abroad)
            pairs.append((work.label(field), rates[0], rates[1] * scale))
    return pairs
