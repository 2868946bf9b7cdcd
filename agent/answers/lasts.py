"""How long a sum of money lasts at a stated use of a model: budget / cost a day."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from agent.answers.price import converted, price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, targets
from agent.answers.volume import cost_steps, volume_of
from agent.tools.cost import api_cost
from agent.words import money, plain
from agent.work import Draft, Work
from kb.quantities import Quantity

_LASTS = re.compile(
    r"(?:能|可以|够)?(?:跑|用|撑|花|烧)(?:得了)?多久|多久(?:能)?(?:用|花|烧)(?:完|光)|(?:用|花|烧)(?:完|光)|多少天(?:用|花)?|how long\b.{0,60}\blast|\blast (?:me|us)?\b|run out",
    re.IGNORECASE,
)
_INVESTMENT = re.compile(r"自建|机器|硬件|服务器|回本|显卡|self-?host|hardware|server|break-?even|payback", re.IGNORECASE)


def answer_lasts(work: Work) -> Draft | None:
    """Days and months that a budget lasts; None without a budget, a model and a use a day, week or month."""
    question = work.question
    usage = question.usage
    if not _LASTS.search(question.text) or _INVESTMENT.search(question.text) or not usage.period:
        return None
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    budget, ids = _budget(work), targets(work, PRICE_FIELDS, kinds=("model",))
    quotes = usable_quotes(work, ids[0], usage.request_input_tokens) if ids else []
    if budget is None or not quotes:
        return None
    quote = quotes[0]
    volume = volume_of(work, replace(usage, asked="day", duration_days=None))
    cost = api_cost(quote, volume.input_tokens, volume.output_tokens)
    if not cost.total:
        return None
    steps = [*volume.steps, *cost_steps(work, quote, volume, cost)]
    currency = budget.unit if budget.is_money else "CNY" if work.language == "zh" else "USD"
    a_day = cost.total
    if currency != cost.currency:
        change = converted(work, a_day, cost.currency, currency)
        if change is None:
            return Draft(
                work.say(
                    f"{quote.entity.name} 以 {cost.currency} 计价，预算是 {money(budget.value, currency)}；资料没有汇率，请给出汇率再算能用多久。",
                    f"{quote.entity.name} is priced in {cost.currency} and the budget is {money(budget.value, currency)}; state an exchange rate.",
                ),
                entities=(quote.entity.id,),
                fields=PRICE_FIELDS,
                intent="budget",
            )
        a_day = change[0]
        steps.append(change[1])
    days = budget.value / a_day
    months = days / usage.days_per_month
    work.computed(days, months, a_day, budget.value)
    steps.append(
        work.say("能用：", "Lasts: ")
        + f"{money(budget.value, currency)} ÷ {money(a_day, currency)} = {plain(days, 1)} "
        + work.say("天", "days")
    )
    head = work.say(
        f"{money(budget.value, currency)} 约能用 **{plain(days, 1)} 天**（{plain(months, 2)} 个月，每月按 {plain(usage.days_per_month)} 天）。",
        f"{money(budget.value, currency)} lasts about **{plain(days, 1)} days** ({plain(months, 2)} months of {plain(usage.days_per_month)} days).",
    )
    work.tool("budget_duration", {"budget": str(budget.value), "currency": currency}, {"days": str(days)}, steps)
    lines = [head, "", *(f"- {s}" for s in steps), *(f"- {n}" for n in price_notes(work, quote))]
    return Draft("\n".join(lines), entities=(quote.entity.id,), fields=PRICE_FIELDS, intent="budget")


def _budget(work: Work) -> Quantity | None:
    """The one amount that does not recur; a bare number counts where it stands beside "预算" or "budget"."""
    question = work.question
    once = [q for q in question.money if not q.per]
    if once:
        return once[0]
    # "$1000 ... at 2M in per day": the period belongs to the volume.
    if len(question.money) == 1 and not re.match(r"\s*(?:/|per |a |每)", question.masked[question.money[0].end :]):
        return question.money[0]
    for q in question.quantities:
        near = question.masked[max(0, q.start - 6) : q.end + 6]
        if not q.unit and not q.per and q.value >= Decimal(100) and re.search(r"预算|budget", near, re.IGNORECASE):
            return q
    return None
