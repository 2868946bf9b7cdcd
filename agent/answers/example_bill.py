"""What a bill still needs where a model and a period are named and no volume, with a worked example."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.tools.cost import api_cost
from agent.tools.prices import PriceQuote
from agent.words import money, period_words, plain
from agent.work import Work

HOW_MUCH = re.compile(r"how much|多少[?？。!！\s]*$", re.IGNORECASE)
_CALLS, _INPUT, _OUTPUT = Decimal(1000), Decimal(1000), Decimal(300)


def needs_volume(work: Work, quote: PriceQuote) -> str:
    """A line that asks for the volume and shows the sum for a usual one; "" where no bill is asked for."""
    question, usage = work.question, work.question.usage
    wants_bill = usage.asked or usage.users or usage.requests or usage.duration_days
    money_asked = question.has("cost_word") or question.has("price_word") or bool(HOW_MUCH.search(question.masked))
    if usage.has_volume or question.carried or not (wants_bill and money_asked) or quote.input_rate is None or quote.output_rate is None:
        return ""
    counted = usage.requests if usage.requests and not usage.users else None
    calls = counted or _CALLS * 30
    total = api_cost(quote, _INPUT * calls, _OUTPUT * calls).total
    work.computed(calls, _CALLS, _INPUT, _OUTPUT, Decimal(30), total)
    known = ""
    if usage.users:
        work.computed(usage.users)
        known = work.say(f"（已知 {plain(usage.users)} 人）", f" ({plain(usage.users)} users are known)")
    period = usage.duration_label if usage.duration_days and not usage.asked else period_words(usage.asked or usage.period or "month", work.language)
    for_ = "for " if usage.duration_days and not usage.asked else ""
    one = work.say(f"每次 {plain(_INPUT)} 输入 {plain(_OUTPUT)} 输出", f"{plain(_INPUT)} input and {plain(_OUTPUT)} output tokens each")
    if counted:
        return work.say(
            f"要算{period}费用还缺每次的用量{known}：每次输入和输出多少 token。例如{one}，{plain(calls)} 次是 {money(total, quote.currency)}。",
            f"The bill {for_}{period} needs the tokens of one request{known}. For example, {plain(calls)} requests of {one} come to {money(total, quote.currency)}.",
        )
    return work.say(
        f"要算{period}费用还缺用量{known}：每天多少次、每次输入和输出多少 token（或每月共多少 token）。"
        f"例如每天 {plain(_CALLS)} 次、{one}，30 天是 {money(total, quote.currency)}。",
        f"The bill {for_}{period} needs the volume{known}: requests a day and input and output tokens each (or tokens a month). "
        f"For example, {plain(_CALLS)} requests a day of {one} come to {money(total, quote.currency)} in 30 days.",
    )
