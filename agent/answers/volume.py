"""The tokens to bill: a usage scaled to the period that is asked for, and the bill for it line by line."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from agent.tools.cost import ApiCost, per_tokens
from agent.tools.prices import PriceQuote
from agent.understand.followup_usage import change_factor
from agent.understand.usage import Usage
from agent.understand.usage_time import period_factor
from agent.words import money, period_words, plain, tokens
from agent.work import Work


@dataclass(frozen=True, slots=True)
class Volume:
    """Tokens to bill for one `label` (a month, three months, once), from the usage and how it was scaled."""

    input_tokens: Decimal
    output_tokens: Decimal
    label: str
    steps: tuple[str, ...]
    factor: Decimal
    period: str


def volume_of(work: Work, usage: Usage) -> Volume:
    """The volume for the period that is asked for, with the derivation in words."""
    steps: list[str] = []
    amount_in, amount_out = usage.input_tokens or Decimal(0), usage.output_tokens or Decimal(0)
    if usage.requests is not None and usage.request_input_tokens is not None:
        users = work.say(f"{plain(usage.users)} 人 × ", f"{plain(usage.users)} users × ") if usage.users and usage.by_user else ""
        for name, one in (
            (work.say("输入", "input"), usage.request_input_tokens),
            (work.say("输出", "output"), usage.request_output_tokens),
        ):
            if one:
                total = one * usage.requests * (usage.users if usage.users and usage.by_user else 1)
                work.computed(total)
                steps.append(
                    f"{name}{work.say('：', ': ')}{users}{plain(usage.requests)} {work.say('次', 'requests')} × {plain(one)} = {tokens(total, work.language)} token"
                    + (f" {period_words(usage.period, work.language)}" if usage.period else "")
                )
    elif usage.users and usage.by_user:
        steps.append(_for_all(work, usage))
    steps += _changes(work, usage)
    period, asked = usage.period, usage.asked
    if usage.duration_days is not None and period:
        factor = usage.duration_days / _days(period, usage.days_per_month)
        label = work.say(f"{usage.duration_label}", f"over {usage.duration_label}")
    elif asked and period and asked != period:
        factor = period_factor(period, asked, usage.days_per_month)
        label = period_words(asked, work.language)
    elif period in ("day", "week") and not asked:
        factor = period_factor(period, "month", usage.days_per_month)
        label = period_words("month", work.language)
        asked = "month"
    else:
        factor, label = Decimal(1), period_words(period, work.language)
    if factor != 1:
        parts = [
            f"{tokens(value, work.language)} {name}"
            for value, name in ((amount_in, work.say("输入", "input")), (amount_out, work.say("输出", "output")))
            if value
        ]
        days = (
            work.say("（每月按 ", " (a month counted as ") + plain(usage.days_per_month) + work.say(" 天计）", " days)")
            if "day" in (usage.period,) and asked in ("month", "") and usage.duration_days is None
            else ""
        )
        result = [
            f"{tokens(value * factor, work.language)} {name}"
            for value, name in ((amount_in, work.say("输入", "input")), (amount_out, work.say("输出", "output")))
            if value
        ]
        steps.append(f"({' + '.join(parts)}) × {plain(factor)} = {' + '.join(result)}{days}")
    work.computed(amount_in, amount_out, amount_in * factor, amount_out * factor, factor, usage.days_per_month)
    for value in (usage.requests, usage.users, usage.request_input_tokens, usage.request_output_tokens):
        if value is not None:
            work.computed(value)
    billed_in, billed_out, lines = _tiered(work, amount_in * factor, amount_out * factor)
    return Volume(billed_in, billed_out, label, (*steps, *lines), factor, usage.period)


def _tiered(work: Work, tokens_in: Decimal, tokens_out: Decimal) -> tuple[Decimal, Decimal, list[str]]:
    """The tokens to bill at the full price, where the question supposes another for a part of them."""
    tier, both = work.question.tier, tokens_in + tokens_out
    if tier is None or not both:
        return tokens_in, tokens_out, []
    reduced = tier.reduced(both)
    full = both - reduced
    billed = full + reduced * tier.factor
    work.computed(tier.limit, tier.factor, reduced, full, billed)
    shown = f"{tokens(full, work.language)} + {tokens(reduced, work.language)} × {plain(tier.factor)} = {tokens(billed, work.language)}"
    lines = [work.say(f"按问题的假设“{tier.text}”：计价 token = {shown}；资料没有写这项优惠", f"As the question supposes (“{tier.text}”), tokens billed = {shown}; no source states such terms")]
    if tokens_in and tokens_out:
        lines.append(work.say("输入和输出按比例分摊这项优惠（问题没有说给哪一边）", "input and output share it in proportion (the question does not say which of them)"))
    share = billed / both
    work.computed(tokens_in * share, tokens_out * share)
    return tokens_in * share, tokens_out * share, lines


def _days(period: str, days_per_month: Decimal) -> Decimal:
    return {"day": Decimal(1), "week": Decimal(7), "month": days_per_month, "quarter": 3 * days_per_month, "year": 12 * days_per_month}.get(
        period, Decimal(1)
    )


def _for_all(work: Work, usage: Usage) -> str:
    """The tokens of each user times the users."""
    users = usage.users or Decimal(1)
    parts = []
    for name, total, growth in (
        (work.say("输入", "input"), usage.input_tokens, change_factor(usage, "input")),
        (work.say("输出", "output"), usage.output_tokens, change_factor(usage, "output")),
        ("", usage.total_tokens, change_factor(usage, "")),
    ):
        if total and growth:
            one = total / growth / users
            work.computed(one, one * users)
            parts.append(f"{tokens(one, work.language)} {name} × {plain(users)} {work.say('人', 'users')} = {tokens(one * users, work.language)}".replace("  ", " "))
    return work.say("，", ", ").join(parts) + (f" {period_words(usage.period, work.language)}" if usage.period else "")


def _changes(work: Work, usage: Usage) -> list[str]:
    """A line for every change of the volume that the question supposes."""
    lines = []
    for change in usage.changes:
        work.computed(change.factor)
        of = {"input": work.say("输入", "input"), "output": work.say("输出", "output"), "": work.say("用量", "volume")}[change.which]
        now = work.say("、", ", ").join(
            f"{name} {tokens(value, work.language)}"
            for name, value in (
                (work.say("输入", "input"), usage.input_tokens),
                (work.say("输出", "output"), usage.output_tokens),
                (work.say("共", "total"), usage.total_tokens),
            )
            if value
        )
        for value in (usage.input_tokens, usage.output_tokens, usage.total_tokens):
            if value:
                work.computed(value)
        shown = now if change is usage.changes[-1] else ""
        lines.append(
            work.say(f"{of}按“{change.text}”乘 {plain(change.factor)}", f"{of} × {plain(change.factor)} as the question says (“{change.text}”)")
            + (f" → {shown}" if shown else "")
        )
    return lines


def cost_steps(work: Work, quote: PriceQuote, volume: Volume, cost: ApiCost) -> list[str]:
    """The bill line by line: tokens, rate, product, sum."""
    lines, language = [], work.language
    unit = tokens(per_tokens(quote), language)
    for name, amount, rate, part, claim in (
        (work.say("输入", "Input"), volume.input_tokens, quote.input_rate, cost.input_cost, quote.input_claim),
        (work.say("输出", "Output"), volume.output_tokens, quote.output_rate, cost.output_cost, quote.output_claim),
    ):
        if amount and rate is not None and claim is not None:
            lines.append(
                f"{name}{work.say('：', ': ')}{tokens(amount, language)} token ÷ {unit} × {money(rate, quote.currency)} = {money(part, quote.currency)} {work.cite(claim)}"
            )
            work.computed(part, per_tokens(quote))
    if cost.input_cost and cost.output_cost:
        lines.append(
            f"{work.say('合计', 'Total')}{work.say('：', ': ')}{money(cost.input_cost, quote.currency)} + {money(cost.output_cost, quote.currency)} = **{money(cost.total, quote.currency)}**"
        )
    work.computed(cost.total)
    return lines


def asks_cost(work: Work) -> bool:
    return work.question.has("cost_word") or work.question.has("price_word") or work.question.has("cheap_word")
