"""API cost of a volume: one model, several side by side, or all that have a price; monthly, yearly, per user; tiers by context."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from agent.answers.cached import cached_bill
from agent.answers.change import beside_before
from agent.answers.cost_many import several, undirected
from agent.answers.example_bill import HOW_MUCH
from agent.answers.free_tier import free_tier_bill
from agent.answers.missing import missing_fact
from agent.answers.premise import cost_premise
from agent.answers.price import (
    asks_unit_price,
    context_hint,
    converted,
    needs_rate,
    price_notes,
    prompt_length,
    target_currency,
    usable_quotes,
)
from agent.answers.strangers import unknown_names
from agent.answers.targets import PRICE_FIELDS, models, targets
from agent.answers.volume import Volume, asks_cost, cost_steps, volume_of
from agent.answers.within import kind_conditions, models_within, said
from agent.tools.cost import ApiCost, CostInputError, api_cost
from agent.tools.prices import CONTEXT, PriceQuote
from agent.understand.constraints import FITS
from agent.words import money, plain
from agent.work import Draft, Work
from kb.catalog.show import value_text


def answer_cost(work: Work) -> Draft | None:  # noqa: C901
    """What a volume costs on the named models, or on every priced model when none is named."""
    usage = work.question.usage
    if not usage.has_volume or asks_unit_price(work):
        return None
    if usage.total_tokens is not None and usage.total_tokens == prompt_length(work):
        usage = replace(usage, input_tokens=usage.total_tokens, total_tokens=None)
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    everyone, within = not ids, ""
    if everyone:
        if work.question.unknown or unknown_names(work) or not (
            work.question.has("cheap_word")
            or work.question.has("cost_word")
            or work.question.has("list_word")
            or work.question.has("compare_word")
            or work.question.has("select_word")
            or work.question.has("dear_word")
            or HOW_MUCH.search(work.question.masked.split(" \n ")[0])
        ):
            return None
        if FITS.search(work.question.masked) and not work.question.has("cost_word"):
            return None
        kinds = kind_conditions(work)
        ids = [e.id for e in (models_within(work, kinds) if kinds else models(work)) if usable_quotes(work, e.id)]
        if kinds and not ids:
            return None
        within = said(work, kinds)
    if len(ids) == 1 and not everyone and (free := free_tier_bill(work, ids[0])) is not None:
        return free
    if usage.total_tokens is not None:
        draft = undirected(work, ids, usage.total_tokens, usage)
        return _under(work, draft, within)
    volume = volume_of(work, usage)
    hint = usage.request_input_tokens if usage.request_input_tokens is not None else context_hint(work)
    rows: list[tuple[PriceQuote, ApiCost]] = []
    missing: list[str] = []
    wrong = ""
    for entity_id in ids:
        quotes = usable_quotes(work, entity_id, hint)
        if len(ids) == 1 and not everyone and (cached := cached_bill(work, quotes, volume)) is not None:
            return cached
        if not quotes:
            missing.append(work.entity(entity_id).name)
            continue
        try:
            rows.append((quotes[0], api_cost(quotes[0], volume.input_tokens, volume.output_tokens)))
        except CostInputError as error:
            wrong = str(error)
            missing.append(work.entity(entity_id).name)
    if not rows and wrong:
        return Draft(work.say(f"这个用量算不了：{wrong}", f"This volume cannot be calculated: {wrong}"), refused=True, intent="bad_input")
    if not rows:
        return (
            None
            if everyone or not asks_cost(work)
            else missing_fact(work, work.say("、", ", ").join(missing), work.say("价格", "price"), [work.entity(i) for i in ids])
        )
    if len(rows) == 1 and not everyone:
        return _single(work, *rows[0], volume, missing)
    return _under(work, several(work, rows, volume, missing, everyone), within)


def _under(work: Work, draft: Draft | None, within: str) -> Draft | None:
    """The draft with the kind of models that it is about, where the question names one."""
    if draft is None or not within:
        return draft
    return replace(draft, text=draft.text + work.say(f"\n- 只比较：{within}。", f"\n- Only these were compared: {within}."))


def _too_long(work: Work, quote: PriceQuote) -> list[str]:
    """A warning where one request does not fit the context window that the sources state."""
    one = work.question.usage.request_input_tokens
    windows = [c for c in quote.entity.claims.get("context_window", ()) if isinstance(c.value, Decimal) and c.unit in ("token", "")]
    if one is None or not windows or any(isinstance(c.value, Decimal) and c.value >= one for c in windows):
        return []
    shown = work.say("；", "; ").join(value_text(c, work.field("context_window"), work.language) for c in windows)
    return [
        work.say(
            f"- ⚠️ 单次 {plain(one)} token 超过资料写的上下文窗口（{shown}）{work.cite(*windows)}，这样的请求放不下。",
            f"- ⚠️ {plain(one)} tokens a request exceed the stated context window ({shown}) {work.cite(*windows)}: such a request does not fit.",
        )
    ]


def _single(work: Work, quote: PriceQuote, cost: ApiCost, volume: Volume, missing: Sequence[str]) -> Draft:
    name, wanted = quote.entity.name, target_currency(work)
    steps = cost_steps(work, quote, volume, cost)
    change = converted(work, cost.total, quote.currency, wanted)
    shown = f"{money(change[0], wanted)}" if change else money(cost.total, quote.currency)
    label = f" {volume.label}" if volume.label and work.language == "en" else volume.label
    approx = work.say("约 ", "about ") if quote.approx else ""
    rise = beside_before(work, quote, volume, cost)
    head = cost_premise(work, quote, cost.total) + work.say(
        f"**{name}**{label}费用{approx or '为 '}**{shown}**{rise}。", f"**{name}** costs {approx}**{shown}**{label}{rise}."
    )
    lines = [head, "", *(f"- {s}" for s in (*volume.steps, *steps))]
    if change:
        lines.append(f"- {change[1]}")
    lines += _period_line(work, quote, cost.total, volume)
    lines += [f"- {note}" for note in price_notes(work, quote)]
    lines += _too_long(work, quote)
    lines += _assumptions(work, quote, volume)
    reminder = needs_rate(work, quote.currency)
    if reminder:
        lines.append(reminder)
    if missing:
        lines.append(
            work.say(f"资料里没有 {'、'.join(missing)} 的价格，未计入。", f"No price for {', '.join(missing)} in the sources; left out.")
        )
    work.tool(
        "api_cost",
        {
            "model": quote.entity.id,
            "input_tokens": str(volume.input_tokens),
            "output_tokens": str(volume.output_tokens),
            "conditions": dict(quote.when),
        },
        {"total": str(cost.total), "currency": cost.currency, "input_cost": str(cost.input_cost), "output_cost": str(cost.output_cost)},
        (*volume.steps, *steps),
    )
    return Draft(
        "\n".join(lines), entities=(quote.entity.id,), fields=PRICE_FIELDS, charts=(), intent="api_cost", follow_ups=_follow_ups(work)
    )


_EACH_CALL = re.compile(
    r"(?:每次|单次|每条|每单|每个请求|一次)(?:要|得|的)?(?:多少|几|成本|费用|花)|(?:cost|price|much) (?:per|a|each|for each|for one) (?:request|call|chat|query|message)|per[- ](?:request|call) cost",
    re.IGNORECASE,
)


def _period_line(work: Work, quote: PriceQuote, total: Decimal, volume: Volume) -> list[str]:
    """The same bill for the other usual period: a month beside a day, a year beside a month, and per user."""
    usage, lines = work.question.usage, []
    if (
        volume.factor == 1
        and usage.period == "month"
        or usage.period in ("day", "week")
        and usage.asked in ("", "month")
        and usage.duration_days is None
    ):
        yearly = total * 12
        work.computed(yearly)
        lines.append(
            work.say(f"- 一年按 12 个月：{money(yearly, quote.currency)}", f"- A year at 12 months: {money(yearly, quote.currency)}")
        )
    if usage.requests and _EACH_CALL.search(work.question.masked):
        calls = usage.requests * (usage.users if usage.users and usage.by_user else 1) * volume.factor
        each = total / calls
        work.computed(each)
        lines.append(work.say(f"- 每次：{money(each, quote.currency)}", f"- Per request: {money(each, quote.currency)}"))
    if usage.users:
        per_user = total / usage.users
        work.computed(per_user)
        lines.append(work.say(f"- 人均：{money(per_user, quote.currency)}", f"- Per user: {money(per_user, quote.currency)}"))
    return lines


def _assumptions(work: Work, quote: PriceQuote, volume: Volume) -> list[str]:
    lines = []
    usage = work.question.usage
    hours = next((n.removeprefix("hours=") for n in usage.notes if n.startswith("hours=")), "")
    if hours:
        work.computed(Decimal(hours), Decimal(24), Decimal(60), Decimal(3600))
        lines.append(work.say(f"- 按每天运行 {hours} 小时折算。", f"- Counted at {hours} hours a day."))
    if usage.users and not usage.by_user:
        lines.append(
            work.say(
                "- 假设：给出的用量是全部人合计，没有再乘人数；若是每人的用量，请写“每人”。",
                "- Assumption: the volume is for all users together and was not multiplied by the users; say “each” if it is per user.",
            )
        )
    if usage.in_chars:
        lines.append(
            work.say(
                "- 假设：资料没有给出字数与 token 的换算，这里按 1 字 = 1 token 计。",
                "- Assumption: the sources give no characters-to-tokens ratio; 1 character is counted as 1 token.",
            )
        )
    if CONTEXT in quote.when and usage.request_input_tokens is None:
        lines.append(
            work.say(
                "- 假设：单次请求落在上述价格档；超出该档请告诉我单次的 token 数。",
                "- Assumption: each request falls into this price tier; tell me the tokens per request if it does not.",
            )
        )
    return lines


def _follow_ups(work: Work) -> tuple[str, ...]:
    if work.language == "zh":
        return ("量不变，换成最便宜的模型呢？", "一年要多少？")
    return ("Same volume on the cheapest model?", "How much a year?")
