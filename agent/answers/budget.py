"""What a budget buys: tokens or requests, for one, for each of those who share it, on one model or divided among several."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.missing import missing_fact
from agent.answers.mix import incomplete
from agent.answers.price import context_hint, converted, currency_note, exchange_rate, price_notes, target_currency, usable_quotes
from agent.answers.sharers import negative, refuse_negative, sharers
from agent.answers.targets import PRICE_FIELDS, models, price_fields, target, targets
from agent.tools.cost import CostInputError, api_cost, budget_requests, budget_tokens, convert_money, convertible
from agent.tools.prices import INPUT, PriceQuote
from agent.understand.question import Question
from agent.understand.split import division_of, output_first
from agent.understand.usage import period_factor
from agent.words import money, percent, period_words, plain, tokens
from agent.work import Draft, Work
from kb.quantities import DAYS, Quantity, find_markers

_CAN_BUY = re.compile(
    r"预算|budget|(?:能|可以|可|够).{0,16}(?:多少|几|多久|多长|什么量)|(?:多少|几)\s*(?:个)?\s*(?:token|tok|次|字|轮|词元)|how many|how much .{0,30}(?:get|buy|afford|run|do)|how long",
    re.IGNORECASE,
)


def _asks_what_it_buys(question: Question) -> bool:
    usage, budget_word = question.usage, question.has("budget_word")
    if not question.money or question.has("break_even_word") or question.has("saving_word") and not budget_word:
        return False
    if usage.has_volume and usage.request_input_tokens is None and usage.requests is None and not budget_word:
        return False
    return budget_word or bool(_CAN_BUY.search(question.masked))


def answer_budget(work: Work) -> Draft | None:
    """Tokens or requests that an amount of money buys on the named models (or on every priced one)."""
    question = work.question
    if not _asks_what_it_buys(question):
        return None
    budget = next((m for m in question.money if m.bound != "min"), question.money[0])
    if negative(question.masked, budget):
        return refuse_negative(work, budget)
    shares = _shares(work)
    if isinstance(shares, Draft):
        return shares
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    everyone = not ids
    if everyone:
        others = {f.field for f in question.fields} - {*PRICE_FIELDS, "volume", "context_window", "figure"}
        if question.unknown or question.named or others or question.has("sizing_word"):
            return None
        ids = [e.id for e in models(work) if usable_quotes(work, e.id)]
    lines: list[str] = []
    touched: list[str] = []
    skipped: list[str] = []
    for entity_id in ids:
        quotes = usable_quotes(work, entity_id, context_hint(work))
        if not quotes:
            continue
        said = _one(work, quotes[0], budget, brief=everyone, part=shares.get(entity_id))
        if said:
            touched.append(entity_id)
            lines += said
        else:
            skipped.append(work.entity(entity_id).name)
    if everyone and touched:
        lines = [*_enough_for(work, touched), *lines]
    lines += _left_out(work, skipped) if everyone and touched else []
    if not touched:
        if everyone or any(usable_quotes(work, i) for i in ids):
            return None
        return missing_fact(
            work, work.say("、", ", ").join(work.entity(i).name for i in ids), work.say("价格", "price"), [work.entity(i) for i in ids]
        )
    lines += currency_note(work, budget)
    return Draft("\n".join(lines), entities=tuple(touched), fields=PRICE_FIELDS, intent="budget")


def _left_out(work: Work, skipped: list[str]) -> list[str]:
    """Models in another currency, which a budget without a rate cannot be compared with."""
    if not skipped:
        return []
    names = work.say("、", ", ").join(skipped)
    return [
        work.say(
            f"没有比较 {names}：计价币种与预算不同，资料没有汇率；给出汇率即可算。",
            f"Not compared: {names}, priced in another currency than the budget; state a rate to include them.",
        )
    ]


def _shares(work: Work) -> dict[str, Decimal] | Draft:
    """Entity id -> its share of the budget, where the question divides it; a question back where the shares make no whole."""
    mix = work.question.mix
    if mix is None or len(mix.parts) + len(mix.open) < 2:
        return {}
    named = {m.start: work.entity(target(work, m, PRICE_FIELDS) or m.entities[0]) for m in (*(m for m, _ in mix.parts), *mix.open)}
    if not mix.complete:
        return incomplete(work, mix, {at: e.name for at, e in named.items()})
    return {named[m.start].id: share for m, share in mix.parts}


def _enough_for(work: Work, ids: list[str]) -> list[str]:
    """Which models the budget suffices for, where the question says how much is needed."""
    records = [t for t in work.tools if t.name == "budget_to_requests" and "enough" in t.output]
    if not records:
        return []
    names = {t.input["model"]: work.entity(str(t.input["model"])).name for t in records if t.input["model"] in ids}
    good = [names[str(t.input["model"])] for t in records if t.output["enough"]]
    if not good:
        return [work.say("这个预算对下列模型**都不够**：", "The budget is **not enough** for any of these:")]
    joined = work.say("、", ", ").join(good)
    return [work.say(f"这个预算够用的是 **{joined}**：", f"The budget is enough for **{joined}**:")]


def _one(work: Work, quote: PriceQuote, budget: Quantity, *, brief: bool, part: Decimal | None = None) -> list[str]:
    amount, change = _in_currency(work, budget, quote.currency)
    if amount is None:
        if brief:
            return []
        work.computed(Decimal("7.2"))
        return [
            work.say(
                f"**{quote.entity.name}** 以 {quote.currency} 计价，预算是 {money(budget.value, budget.unit)}；资料没有汇率，请给出汇率（例如“按 7.2”）再算。",
                f"**{quote.entity.name}** is priced in {quote.currency} and the budget is {money(budget.value, budget.unit)}; the sources give no exchange rate, please state one.",
            )
        ]
    usage = work.question.usage
    steps = [change] if change else []
    wanted = target_currency(work)
    shown = converted(work, budget.value, budget.unit, wanted) if wanted and wanted != budget.unit else None
    if shown and not change:
        steps.append(shown[1])
    amount, who = _apportioned(work, quote, amount, budget, part, steps)
    if usage.request_input_tokens is not None or usage.request_output_tokens is not None:
        return _requests(work, quote, amount, budget, steps, who)
    asked = usage.asked or next((m.per for m in find_markers(work.question.masked) if m.per in DAYS and m.per not in budget.per), "")
    own = next((p for p in budget.per if p in DAYS), "")
    if asked and own and asked != own:
        factor = period_factor(own, asked, usage.days_per_month)
        days = 1 / factor if factor < 1 else factor
        steps.append(
            f"{money(amount, quote.currency)} {period_words(own, work.language)} {'÷' if factor < 1 else '×'} {plain(days, 4)} = {money(amount * factor, quote.currency)} {period_words(asked, work.language)}"
        )
        amount = amount * factor
        work.computed(amount, days)
        own = asked
    span = f"{who}{work.say('', ' ') if who else ''}{period_words(own, work.language)}".strip()
    text = work.question.masked.split(" \n ")[0]
    share, label = _input_share(work, text)
    if share is not None and usage.total_tokens is None and not usage.has_volume:
        return _tokens(work, quote, amount, steps, share, label, span)
    directions = price_fields(work)
    if quote.input_rate == quote.output_rate and quote.input_rate is not None:
        return _tokens(work, quote, amount, steps, Decimal(1), work.say("输入输出同价", "same price in and out"), span)
    lines: list[str] = []
    for field in directions:
        share = Decimal(1) if field == INPUT else Decimal(0)
        label = work.say("全部用于输入", "all input") if field == INPUT else work.say("全部用于输出", "all output")
        lines += _tokens(work, quote, amount, steps, share, label, span)
    if len(directions) == 2 and not brief:
        lines.append(
            work.own_words(
                work.say(
                    "- 没有说明输入输出比例，给出比例（如 3:1）可以算混合用量。",
                    "- No input:output ratio is given; state one (e.g. 3:1) for a mixed volume.",
                )
            )
        )
    return lines


def _apportioned(
    work: Work, quote: PriceQuote, amount: Decimal, budget: Quantity, part: Decimal | None, steps: list[str]
) -> tuple[Decimal, str]:
    """What of the budget goes to this model and to each of those who share it, and "each" in words ("" for nobody in particular)."""
    if part is not None:
        work.computed(part * 100, amount * part)
        steps.append(f"{money(amount, quote.currency)} × {percent(part * 100)} = {money(amount * part, quote.currency)}")
        amount = amount * part
    shared, users = sharers(work, budget), work.question.usage.users
    if shared is not None:
        count, each = shared
        work.computed(count, amount / count)
        steps.append(f"{money(amount, quote.currency)} ÷ {plain(count)} = {money(amount / count, quote.currency)} {each}")
        return amount / count, each
    if "user" not in budget.per:
        return amount, ""
    if users and users > 1:
        work.computed(amount * users)
        steps.append(work.say(f"{plain(users)} 人一共 ", f"{plain(users)} people together: ") + money(amount * users, quote.currency))
    return amount, work.say("每人", "each")


def _input_share(work: Work, text: str) -> tuple[Decimal | None, str]:
    """The share of input that a ratio or a percentage states, with its words; None where nothing does."""
    if work.question.ratios:
        ratio = work.question.ratios[0]
        left, right = ratio.left, ratio.right
        if output_first(text, ratio.start, ratio.end):
            left, right = right, left
        return left / (left + right), f"{plain(left)}:{plain(right)}"
    division = division_of(text, work.question.quantities)
    if division is None:
        return None, ""
    share = division.input_per_output / (division.input_per_output + 1)
    work.computed(share * 100)
    return share, work.say(f"输入占 {percent(share * 100)}", f"{percent(share * 100)} input")


def _tokens(work: Work, quote: PriceQuote, amount: Decimal, steps: list[str], share: Decimal, label: str, span: str = "") -> list[str]:
    try:
        count = budget_tokens(quote, amount, input_share=share)
    except CostInputError:
        return []
    whole = count.to_integral_value(rounding="ROUND_FLOOR")
    work.computed(count, whole, share * 100, (1 - share) * 100)
    blended = (quote.input_rate or Decimal(0)) * share + (quote.output_rate or Decimal(0)) * (1 - share)
    work.computed(blended)
    line = f"{money(amount, quote.currency)} ÷ {money(blended, quote.currency)} × {tokens(Decimal(1_000_000), work.language)} = {plain(whole, 0)} token"
    work.tool(
        "budget_to_tokens",
        {"model": quote.entity.id, "budget": str(amount), "input_share": str(share)},
        {"tokens": str(whole)},
        (*steps, line),
    )
    marks = work.cite(*quote.claims)
    lines = [
        work.say(
            f"**{quote.entity.name}**：{span}{' ' if span else ''}{money(amount, quote.currency)} 能用约 **{plain(whole, 0)}** token（{label}，约 {_rounded(work, count)}）{marks}",
            f"**{quote.entity.name}**: {money(amount, quote.currency)}{' ' if span else ''}{span} buys about **{plain(whole, 0)}** tokens ({label}) {marks}",
        )
    ]
    lines += [f"- {s}" for s in (*steps, line)]
    if 0 < share < 1:
        into, out = whole * share, whole * (1 - share)
        work.computed(into, out)
        lines.append(
            work.say(f"- 其中输入 {plain(into, 0)}，输出 {plain(out, 0)}", f"- {plain(into, 0)} of them input, {plain(out, 0)} output")
        )
    lines += [f"- {n}" for n in price_notes(work, quote)]
    return lines


def _rounded(work: Work, count: Decimal) -> str:
    scaled = count / 10_000
    if scaled >= 10_000:
        work.computed((count / Decimal(10**8)).quantize(Decimal("0.01")))
        return f"{plain(count / Decimal(10**8), 2)} 亿"
    work.computed(scaled.quantize(Decimal("0.01")))
    return f"{plain(scaled, 2)} 万"


def _requests(work: Work, quote: PriceQuote, amount: Decimal, budget: Quantity, steps: list[str], who: str = "") -> list[str]:
    usage = work.question.usage
    tokens_in, tokens_out = usage.request_input_tokens or Decimal(0), usage.request_output_tokens or Decimal(0)
    try:
        one = api_cost(quote, tokens_in, tokens_out)
        count = budget_requests(quote, amount, tokens_in, tokens_out)
    except CostInputError:
        return []
    whole = count.to_integral_value(rounding="ROUND_FLOOR")
    period = next((p for p in budget.per if p in ("day", "week", "month", "year")), "")
    work.computed(one.total, count, whole, tokens_in, tokens_out)
    lines_calc = [
        work.say("单次费用：", "One request: ")
        + f"{plain(tokens_in)} ÷ 1,000,000 × {money(quote.input_rate or Decimal(0), quote.currency)} + {plain(tokens_out)} ÷ 1,000,000 × {money(quote.output_rate or Decimal(0), quote.currency)} = {money(one.total, quote.currency)}",
        f"{money(amount, quote.currency)} ÷ {money(one.total, quote.currency)} = {plain(whole, 0)}",
    ]
    work.computed(Decimal(1_000_000))
    marks = work.cite(*quote.claims)
    span = work.say(
        {"day": "每天", "week": "每周", "month": "每月", "year": "每年"}.get(period, ""),
        {"day": " a day", "week": " a week", "month": " a month", "year": " a year"}.get(period, ""),
    )
    span = f"{who}{span}" if work.language == "zh" or not who else f" {who}{span}"
    head = work.say(
        f"**{quote.entity.name}**：{span}{' ' if span else ''}{money(amount, quote.currency)} 能问 **{plain(whole, 0)} 次** {marks}",
        f"**{quote.entity.name}**: {money(amount, quote.currency)}{span} buys **{plain(whole, 0)} requests** {marks}",
    )
    lines = [head, *(f"- {s}" for s in (*steps, *lines_calc))]
    wanted = work.question.usage
    people = _people(work, count, period)
    per_day = _per_asked(work, count, period, who)
    if per_day:
        lines = [work.say(f"**{quote.entity.name}**：{per_day[0]}", f"**{quote.entity.name}**: {per_day[0]}") + " " + lines[0].split(work.say("：", ": "), 1)[1], *lines[1:], *per_day[1:]]
    if people:
        lines = [lines[0] + " " + people[0], *lines[1:], *people[1:]]
    suffices: bool | None = None
    if wanted.requests is not None and not people and not who:
        needed = wanted.requests * period_factor(wanted.period, period, wanted.days_per_month) if period else wanted.requests
        days = count / wanted.requests if wanted.period == "day" else None
        if days is not None and not period:
            work.computed(days)
            lines.append(
                work.say(
                    f"- 每天 {plain(wanted.requests)} 次，可用约 {plain(days, 1)} 天",
                    f"- At {plain(wanted.requests)} a day it lasts about {plain(days, 1)} days",
                )
            )
        elif period:
            work.computed(needed)
            suffices = count >= needed
            enough = work.say("够用", "enough") if count >= needed else work.say("不够", "not enough")
            lines.append(work.say(f"- 需要 {plain(needed, 0)} 次：{enough}", f"- {plain(needed, 0)} requests are needed: {enough}"))
    work.tool(
        "budget_to_requests",
        {"model": quote.entity.id, "budget": str(amount), "input_tokens": str(tokens_in), "output_tokens": str(tokens_out)},
        {"requests": str(whole)} | ({} if suffices is None else {"enough": suffices}),
        (*steps, *lines_calc),
    )
    lines += [f"- {n}" for n in price_notes(work, quote)]
    return lines


def _per_asked(work: Work, count: Decimal, period: str, who: str = "") -> list[str]:
    """Requests a day where the budget is for a month and the question asks for a day ("平均每天能调多少次", "how many a day")."""
    text = re.sub(r"\s+", " ", work.question.masked.split(" \n ")[0])
    asked = next(
        (m.per for m in find_markers(text) if m.per in ("day", "week") and (_HOW_OFTEN.match(text, m.end) or _HOW_OFTEN_BEFORE.search(text[: m.start]))), ""
    )
    if not asked or not period or asked == period:
        return []
    span = period_factor(asked, period, work.question.usage.days_per_month)
    if span <= 1:
        return []
    each, whole = count / span, count.to_integral_value(rounding="ROUND_FLOOR")
    work.computed(each, span, whole)
    apiece = f" {who}" if who else ""
    return [
        work.say(
            f"{who}{period_words(asked, 'zh')}约 **{plain(each, 1)} 次**。", f"about **{plain(each, 1)} requests**{apiece} {period_words(asked, 'en')}."
        ),
        work.say(
            f"- {plain(whole, 0)} 次 ÷ {plain(span, 2)} = {plain(each, 1)} 次{period_words(asked, 'zh')}",
            f"- {plain(whole, 0)} ÷ {plain(span, 2)} = {plain(each, 1)} {period_words(asked, 'en')}",
        ),
    ]


_HOW_OFTEN_BEFORE = re.compile(r"(?:how many|多少|几)[^,，。;；.]{0,24}$", re.IGNORECASE)
_HOW_OFTEN = re.compile(r"[^，,。]{0,8}(?:多少|几)(?:次|条|轮|个|问)|.{0,4}how many", re.IGNORECASE)
_HOW_MANY_PEOPLE = re.compile(r"(?:多少|几)\s*(?:个|名|位)?\s*(?:用户|人|员工|坐席|同事)|how many (?:users|people|seats|employees)", re.IGNORECASE)


def _people(work: Work, count: Decimal, period: str) -> list[str]:
    """How many users a budget carries, where each one's requests are given."""
    usage = work.question.usage
    if usage.requests is None or not _HOW_MANY_PEOPLE.search(work.question.masked):
        return []
    each = usage.requests * (period_factor(usage.period, period, usage.days_per_month) if usage.period and period else Decimal(1))
    users = (count / each).to_integral_value(rounding="ROUND_FLOOR")
    work.computed(each, users)
    span = period_words(period, work.language)
    return [
        work.say(f"约够 **{plain(users, 0)} 人**用。", f"Enough for about **{plain(users, 0)} users**."),
        work.say(
            f"- 每人{span} {plain(each, 1)} 次；{plain(count, 0)} ÷ {plain(each, 1)} = {plain(users, 0)} 人",
            f"- {plain(each, 1)} requests a user {span}; {plain(count, 0)} ÷ {plain(each, 1)} = {plain(users, 0)} users",
        ),
    ]


def _in_currency(work: Work, budget: Quantity, currency: str) -> tuple[Decimal | None, str]:
    if budget.unit == currency:
        return budget.value, ""
    rate, origin = exchange_rate(work)
    if rate is None or not convertible(budget.unit, currency):
        return None, ""
    value = convert_money(budget.value, budget.unit, currency, rate)
    work.computed(value)
    sign = "÷" if budget.unit == "CNY" else "×"
    return value, f"{money(budget.value, budget.unit)} {sign} {plain(rate)} = {money(value, currency)}" + work.say(
        f"（汇率{origin}）", f" (rate {origin})"
    )
