"""Whether a budget covers a stated volume, and by how much it falls short: "1500 块预算，超了多少"."""

from __future__ import annotations

import re
from dataclasses import replace

from agent.answers.price import context_hint, converted, currency_note, price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, models, targets
from agent.answers.volume import Volume, cost_steps, volume_of
from agent.tools.cost import CostInputError, api_cost
from agent.tools.prices import PriceQuote
from agent.understand.usage import period_factor
from agent.words import money, period_words, plain
from agent.work import Draft, Work
from kb.quantities import DAYS, Quantity

_COVERS = re.compile(
    r"够(?!几|多少)|超|不足|富余|剩|缺口|差多少|撑得住|打得住|兜得住|\benough\b|\bover\b|\bcover|\bsuffice|\bshort\b|\bleft\b|within (?:the |our |my )?budget|exceed",
    re.IGNORECASE,
)


def _is_limit(text: str, money: Quantity) -> bool:
    """Whether the amount bounds the whole bill ("每月 1000 美元以内") rather than a unit price ("输出价 40 元以内")."""
    return money.bound == "max" and set(money.per) <= {*DAYS, "user"} and not re.search(r"价|price|rate|单", text[max(0, money.start - 8) : money.end + 6], re.IGNORECASE)


_BUDGET = re.compile(r"预算|budget", re.IGNORECASE)


def _chooses_within(work: Work, text: str) -> bool:
    """Whether models are chosen by a budget for a volume that is given ("预算每月 2000 美元，哪些模型")."""
    question = work.question
    return bool(_BUDGET.search(text)) and not question.named and (question.has("select_word") or question.has("list_word"))


def answer_afford(work: Work) -> Draft | None:
    """The cost of the volume against the budget on each named model (or every priced one); None without both."""
    question = work.question
    usage = question.usage
    text = question.masked.split(" \n ")[0]
    if not question.money or usage.total_tokens is not None or usage.input_tokens is None and usage.output_tokens is None:
        return None
    if not (_COVERS.search(text) or _is_limit(text, question.money[0]) or _chooses_within(work, text)) or question.has("break_even_word") or question.has("switch_word"):
        return None
    if usage.request_input_tokens is not None and usage.requests is None:
        return None
    budget, each = _for_all(work, question.money[0])
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    everyone = not ids
    if everyone and question.unknown:
        return None
    ids = ids or [e.id for e in models(work)]
    volume = volume_of(work, usage)
    lines: list[str] = []
    enough: list[str] = []
    touched: list[str] = []
    apart: list[str] = []
    for entity_id in ids:
        quotes = usable_quotes(work, entity_id, usage.request_input_tokens or context_hint(work))
        said = _one(work, quotes[0], volume, budget, brief=everyone) if quotes else None
        if said is None:
            if quotes and everyone:
                apart.append(work.entity(entity_id).name)
            continue
        touched.append(entity_id)
        lines += said[0]
        if said[1]:
            enough.append(work.entity(entity_id).name)
    if not touched:
        return None
    if everyone:
        names = work.say("、", ", ").join(enough)
        head = work.say(f"预算内的是 **{names}**：", f"Within the budget: **{names}**:") if enough else work.say("按这个用量，下列模型**都超预算**：", "At this volume **all of these exceed the budget**:")
        lines = [head, *lines, *(f"- {step}" for step in volume.steps)]
    lines += each
    if apart:
        names = work.say("、", ", ").join(apart)
        lines.append(work.say(f"- 以别的货币计价、没有汇率而未比较：{names}。", f"- Priced in another currency and not compared without a rate: {names}."))
    lines += currency_note(work, budget)
    return Draft("\n".join(lines), entities=tuple(touched), fields=PRICE_FIELDS, intent="budget")


def _for_all(work: Work, budget: Quantity) -> tuple[Quantity, list[str]]:
    """The budget of all users, where one is given per user and their number is known, with the line that says so."""
    users = work.question.usage.users
    if users is None or "user" not in budget.per:
        return budget, []
    whole = replace(budget, value=budget.value * users, per=tuple(p for p in budget.per if p != "user"))
    work.computed(whole.value, users)
    each, of_all = money(budget.value, budget.unit), money(whole.value, budget.unit)
    return whole, [work.say(f"- 预算：{each} × {plain(users)} 人 = {of_all}", f"- Budget: {each} × {plain(users)} users = {of_all}")]


def _one(work: Work, quote: PriceQuote, volume: Volume, budget: Quantity, *, brief: bool) -> tuple[list[str], bool] | None:
    try:
        cost = api_cost(quote, volume.input_tokens, volume.output_tokens)
    except CostInputError:
        return None
    total, change = cost.total, ""
    own = next((p for p in budget.per if p in DAYS), "")
    span = work.question.usage.asked or (volume.period if volume.factor == 1 else "month" if volume.period in ("day", "week") else volume.period)
    if own and span and own != span:
        factor = period_factor(span, own, work.question.usage.days_per_month)
        total = total * factor
        work.computed(total, factor)
        change = work.say(f"- 折算到{period_words(own, 'zh')}：", f"- {period_words(own, 'en').strip().capitalize()}: ") + money(total, cost.currency)
    amount = total
    lines: list[str] = []
    if budget.unit != cost.currency:
        exchanged = converted(work, total, cost.currency, budget.unit)
        if exchanged is None:
            if brief:
                return None
            said = work.say(
                f"**{quote.entity.name}** 要 {money(total, cost.currency)}，预算是 {money(budget.value, budget.unit)}；资料没有汇率，给出汇率才能比较。",
                f"**{quote.entity.name}** costs {money(total, cost.currency)} and the budget is {money(budget.value, budget.unit)}; state an exchange rate to compare.",
            )
            return [said, *(f"- {s}" for s in (*volume.steps, *cost_steps(work, quote, volume, cost)))], False
        amount, line = exchanged
        lines.append(f"- {line}")
    gap = budget.value - amount
    work.computed(amount, abs(gap), budget.value)
    shown, left = money(amount, budget.unit), money(abs(gap), budget.unit)
    head = (
        work.say(f"**够**。**{quote.entity.name}** 要 {shown}，预算 {money(budget.value, budget.unit)}，还剩 **{left}**。", f"**Enough**: **{quote.entity.name}** costs {shown} of a budget of {money(budget.value, budget.unit)}; **{left}** is left.")
        if gap >= 0
        else work.say(f"**不够**。**{quote.entity.name}** 要 {shown}，预算 {money(budget.value, budget.unit)}，超出 **{left}**。", f"**Not enough**: **{quote.entity.name}** costs {shown} against a budget of {money(budget.value, budget.unit)}, **{left}** over.")
    )
    steps = cost_steps(work, quote, volume, cost)
    work.tool("compare_budget", {"model": quote.entity.id, "budget": str(budget.value), "currency": budget.unit}, {"cost": str(amount), "enough": gap >= 0}, steps)
    if brief:
        return [f"- {head} {work.cite(*quote.claims)}"], gap >= 0
    body = [*(f"- {s}" for s in (*volume.steps, *steps)), *([change] if change else []), *lines, *(f"- {n}" for n in price_notes(work, quote))]
    return [head, "", *body], gap >= 0
