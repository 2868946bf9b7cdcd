"""When a deployment pays: against an API bill, by volume, bought or rented, within a budget, per million tokens."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from agent.answers.deploy_api_price import volume_by_price
from agent.answers.deploy_capacity import usable_count
from agent.answers.deploy_case import DEFAULT_UTILIZATION, Case, decimal
from agent.answers.deploy_money import HOURS, Bill, rented_hours
from agent.answers.deploy_speed import full_load
from agent.answers.strangers import unknown_names
from agent.tools.cost import MILLION


def against_api(case: Case, b: Bill) -> None:
    """Own deployment against the API: month of break-even or the difference a month, and the volume from which it pays."""
    from agent.sizing.break_even import break_even_months
    from agent.sizing.charts import cost_by_month

    if b.api is None:
        if b.api_per_1m is None and "break_even" in case.d.asks and b.known and volume_by_price(case, own_monthly(case, b)):
            return
        if {"break_even", "hybrid"} & case.d.asks:
            _unpriced(case, b)
            if case.d.usage is None:
                for name in (case.work.entity(i).name for i in case.d.priced):
                    case.miss(f"{name} 每月的输入、输出 token 量", f"the monthly input and output tokens on {name}")
            case.miss(
                "要替代的 API 月费（或模型与每月输入、输出量）：回本月数 = 一次性投入 ÷（API 月费 − 自建月运行费）",
                "the API bill to replace (or a model and its monthly input and output): months = upfront ÷ (API a month − own running cost)",
            )
            if case.model is not None or b.known:
                gap = "" if b.known else case.say("硬件价格和", "the price of the hardware and ")
                case.head(f"多久回本：算不出月数，还缺{gap} API 月费。", f"Break-even: no month yet, {gap}the API bill is missing.")
        _volume(case, b)
        return
    m = case.m
    if b.upfront is not None:
        result = break_even_months(b.upfront, b.api, b.running, currency=case.currency)
        case.shown(result)
        if result.months is None:
            case.head(
                f"**永远不回本**：自建每月运行 {m(b.running)}，不低于 API 的 {m(b.api)}。",
                f"**Never**: running it costs {m(b.running)} a month, not less than the API's {m(b.api)}.",
            )
        else:
            case.head(
                f"**{case.n(result.months, 2)} 个月**回本（每月比 API 省 {m(result.monthly_saving)}）。",
                f"Break-even after **{case.n(result.months, 2)} months** ({m(result.monthly_saving)} saved a month).",
            )
            case.charts.append(cost_by_month(result, case.work.language))
            if result.months > case.months:
                case.note(
                    f"回本时间超过折旧期 {case.n(case.months)} 个月：设备报废前收不回投入。",
                    f"That is later than the {case.n(case.months)} months of use: the hardware is written off before it has paid.",
                )
        case.output["break_even_months"] = str(result.months) if result.months is not None else "never"
        case.output["api_monthly"] = str(b.api)
    elif b.rent is not None:
        saved = b.api - b.running
        word = ("省", "saves", "") if saved >= 0 else ("多花", "costs", " more")
        case.head(
            f"租用比 API 每月{word[0]} **{m(abs(saved))}**（API {m(b.api)}，租用 {m(b.running)}）；租用没有回本期。",
            f"Renting {word[1]} **{m(abs(saved))} a month**{word[2]} against the API (API {m(b.api)}, own {m(b.running)}); there is nothing to earn back.",
        )
        case.output |= {"saved_monthly": str(saved), "api_monthly": str(b.api)}
    _volume(case, b)


def _unpriced(case: Case, b: Bill) -> None:
    """Names that no source knows, and what an API must cost for the own deployment to be worth it at the stated volume."""
    text = case.work.question.text
    offered = [n for n in unknown_names(case.work) if re.search(rf"{re.escape(n)}\s*(?:的|'s)?\s*(?:api|接口)", text, re.IGNORECASE)]
    unknown = [m.text for m in case.work.question.unknown] or offered
    names = case.say("、", ", ").join(f"**{name}**" for name in unknown)
    if names:
        case.head(f"资料里没有 {names}，它的价格不做猜测。", f"The sources do not cover {names}; its price is not guessed.")
    monthly = own_monthly(case, b)
    if monthly and b.tokens:
        per_1m = monthly / (b.tokens / MILLION)
        case.work.computed(per_1m)
        case.head(
            f"按每月 {case.n(round(b.tokens))} token 摊，自建每百万 token **{case.m(per_1m)}**：API 每百万 token（按你的输入输出比例平均）高于它，自建才划算。",
            f"At {case.n(round(b.tokens))} tokens a month the own deployment costs **{case.m(per_1m)} per million tokens**: it pays where the API costs more, "
            "averaged over your input and output.",
        )


def _volume(case: Case, b: Bill) -> None:
    """The monthly tokens from which the own deployment is cheaper, where an API price and own costs are known."""
    result = break_even_point(case, b)
    if result is None:
        return
    from agent.sizing.charts import cost_by_volume

    case.shown(result)
    if result.tokens_per_month is None:
        case.head(
            "按量算**永远不划算**：满载时自建每百万 token 也不比 API 便宜。",
            "By volume it **never pays**: even at full load 1M tokens cost no less than the API's.",
        )
    else:
        case.head(
            f"用量超过每月 **{case.n(round(result.tokens_per_month))} token** 后自建更便宜（输入输出合计）。",
            f"Own hardware is cheaper from **{case.n(round(result.tokens_per_month))} tokens a month** on (input and output together).",
        )
    if b.tokens and result.capacity_per_replica is not None and b.tokens > result.capacity_per_replica:
        case.note(
            f"你的用量 {case.n(round(b.tokens))} token/月超过这套配置的产能 {case.n(round(result.capacity_per_replica))}，还要加卡。",
            f"Your {case.n(round(b.tokens))} tokens a month exceed the {case.n(round(result.capacity_per_replica))} that this configuration makes; more cards are needed.",
        )
    case.charts.append(cost_by_volume(result, case.work.language))


def break_even_point(case: Case, b: Bill) -> Any:
    """`BreakEvenVolume` of the case, or None where a price of either side is missing."""
    from agent.sizing.break_even import break_even_volume

    if b.api_per_1m is None or not b.known:
        return None
    monthly = b.running + (b.upfront or Decimal(0)) / case.months
    used = case.d.numbers.get("utilization")
    rate = None
    if case.total_tokens_per_s:
        rate = _rate(case)
        if used is None:
            case.assume(f"利用率 {case.n(DEFAULT_UTILIZATION * 100)}%（付费时间中满载的比例）", f"utilisation {case.n(DEFAULT_UTILIZATION * 100)}% (share of paid time at full load)")  # fmt: skip
    return break_even_volume(
        b.api_per_1m, replica_monthly=monthly, tokens_per_s=rate, utilization=used if used is not None else DEFAULT_UTILIZATION, currency=case.currency
    )  # fmt: skip


def _rate(case: Case) -> Decimal | None:
    n = usable_count(case)
    rate = full_load(case, n)
    return decimal(round(rate * max(1, case.cards // n), 2)) if rate else None


def unit_cost(case: Case, b: Bill) -> None:
    """What a million tokens cost on the own cards, at a utilisation; a throughput that was stated wins over the estimate."""
    monthly = own_monthly(case, b)
    if not monthly:
        return
    stated = stated_rate(case)
    rate = stated or (_rate(case) if case.model is not None and case.gpu is not None and case.cards else None)
    if not rate:
        case.miss(
            "每秒产出的 token（或模型和显卡，用来估算）：单位成本 = 月成本 ÷ 月产出 token",
            "the tokens a second (or a model and a card to estimate them): unit cost = cost a month ÷ tokens a month",
        )
        return
    default = Decimal(1) if stated else DEFAULT_UTILIZATION
    used = case.d.numbers.get("utilization", default)
    if "utilization" not in case.d.numbers:
        case.assume(
            f"利用率 {case.n(used * 100)}%（付费时间中满载的比例）", f"utilisation {case.n(used * 100)}% (share of paid time at full load)"
        )
    hours = rented_hours(case)
    made = rate * 3600 * hours * used
    each = monthly / made * MILLION
    what = ("", "") if stated else ("（输入输出合计，估算）", " (input and output, an estimate)")
    case.step(
        f"每月产出 = {case.n(rate)} tokens/s × {case.n(3600)} × {case.n(hours)} 小时 × {case.n(used * 100)}% = {case.n(round(made))} token{what[0]}",
        f"tokens a month = {case.n(rate)} tokens/s × {case.n(3600)} × {case.n(hours)} h × {case.n(used * 100)}% = {case.n(round(made))}{what[1]}",
    )
    case.step(
        f"每百万 token = 月成本 {case.m(monthly)} ÷ {case.n(made / MILLION, 2)} = {case.m(each)}",
        f"1M tokens = {case.m(monthly)} a month ÷ {case.n(made / MILLION, 2)} = {case.m(each)}",
    )
    kind = ("", "") if stated else ("输入输出合计，", "input and output together, ")
    case.head(
        f"每百万 token 约 **{case.m(each)}**（{kind[0]}利用率 {case.n(used * 100)}%）。",
        f"1M tokens cost about **{case.m(each)}** ({kind[1]}utilisation {case.n(used * 100)}%).",
    )
    others = [s for s in (Decimal("0.1"), Decimal("0.3"), Decimal("0.5"), Decimal(1)) if s != used]
    said = case.say("，", ", ").join(f"{case.n(s * 100)}% → {case.m(each * used / s)}" for s in others)
    case.step(f"利用率不同时：{said}", f"at other utilisations: {said}")
    case.output["per_1m_tokens"] = str(each)
    _beside_prices(case)


def stated_rate(case: Case) -> Decimal | None:
    """Tokens a second of all cards, as stated (measured) in the conversation."""
    numbers = case.d.numbers
    if "throughput_card" in numbers and case.cards:
        total = numbers["throughput_card"] * case.cards
        case.step(
            f"总吞吐 = {case.n(case.cards)} 张 × {case.n(numbers['throughput_card'])} tokens/s = {case.n(total)} tokens/s",
            f"in all {case.n(case.cards)} cards × {case.n(numbers['throughput_card'])} tokens/s = {case.n(total)} tokens/s",
        )
        return total
    return numbers.get("throughput")


def _beside_prices(case: Case) -> None:
    """API prices of the models that are named, beside the unit cost."""
    from agent.answers.price import quote_phrase, usable_quotes
    from agent.answers.targets import PRICE_FIELDS

    for entity_id in case.d.priced:
        quotes = usable_quotes(case.work, entity_id)
        if quotes:
            case.notes.append(f"{quotes[0].entity.name} API{case.say('：', ': ')}{quote_phrase(case.work, quotes[0], PRICE_FIELDS)}")


def own_monthly(case: Case, b: Bill) -> Decimal:
    """Own cost a month, the purchase spread over the months of use."""
    rest = 1 - case.d.numbers.get("residual", Decimal(0))
    return b.running + (b.upfront or Decimal(0)) * rest / case.months


def buy_or_rent(case: Case, b: Bill) -> None:
    """Purchase and rent side by side, and the month from which the purchase is cheaper."""
    if b.upfront is None or b.rent is None:
        if "buy_or_rent" in case.d.asks:
            case.miss(
                "买和租两个价格都要：买更便宜的月份 = 一次性投入 ÷（月租 − 自己的月运行费）",
                "both a price and a rent: buying is cheaper from month = upfront ÷ (rent a month − own running cost)",
            )
        return
    own = b.running - b.rent
    gap = b.rent - own
    bought = b.upfront / case.months + own
    if gap <= 0:
        case.head(
            f"**租更省**：月租 {case.m(b.rent)} 不高于自购后的月运行费 {case.m(own)}，买了收不回。",
            f"**Rent**: {case.m(b.rent)} a month is no more than the running cost of own cards, {case.m(own)}.",
        )
        return
    month = b.upfront / gap
    within = month <= case.months
    case.head(
        f"**{'买更省' if within else '租更省'}**（用 {case.n(case.months)} 个月）：买合每月 {case.m(bought)}，租每月 {case.m(b.rent)}；用满 **{case.n(month, 1)} 个月** 后买更便宜。",
        f"**{'Buy' if within else 'Rent'}** (for {case.n(case.months)} months): buying comes to {case.m(bought)} a month, renting to {case.m(b.rent)}; buying is cheaper after **{case.n(month, 1)} months**.",
    )
    case.step(
        f"买更便宜的月份 = {case.m(b.upfront)} ÷（月租 {case.m(b.rent)} − 自购月运行 {case.m(own)}）= {case.n(month, 2)}",
        f"month from which buying is cheaper = {case.m(b.upfront)} ÷ (rent {case.m(b.rent)} − own running {case.m(own)}) = {case.n(month, 2)}",
    )
    case.output["buy_cheaper_from_month"] = str(month)


def budget_lines(case: Case, b: Bill) -> None:
    """Whether a budget covers it; without a price, the most that a card may cost."""
    once, monthly = case.amount("budget"), case.amount("budget_month")
    card = case.amount("card_price")
    if once is not None and card is not None and card.value and "affordable" in case.d.asks:
        count = int(once.value / card.value)
        case.cards = count or case.cards
        left = once.value - count * card.value
        case.heads.insert(
            0,
            case.say(
                f"{case.m(once.value)} 按每张 {case.m(card.value)} 能买 **{case.n(count)} 张 {case.label}**，剩 {case.m(left)}（未含服务器、电费、人力）。",
                f"{case.m(once.value)} at {case.m(card.value)} each buys **{case.n(count)} × {case.label}**, {case.m(left)} left over (machines, power and staff not included).",
            ),
        )
        return
    if once is not None:
        _within(case, once.value, b.upfront, case.say("采购", "the purchase"))
        if b.upfront is None and case.cards:
            case.head(
                f"预算 {case.m(once.value)} ÷ {case.n(case.cards)} 张 = 每张 {case.label} 不超过 **{case.m(once.value / case.cards)}** 就够买卡（未含服务器、电费、人力）。",
                f"Budget {case.m(once.value)} ÷ {case.n(case.cards)} cards: it covers the cards if one {case.label} costs at most **{case.m(once.value / case.cards)}** (machines, power and staff not included).",
            )
    if monthly is not None:
        _within(case, monthly.monthly, own_monthly(case, b) if b.known else None, case.say("每月成本", "the cost a month"))
        if not b.known and case.cards:
            most = monthly.monthly / case.cards / HOURS
            case.head(
                f"每月预算 {case.m(monthly.monthly)} ÷ {case.n(case.cards)} 张 ÷ {case.n(HOURS)} 小时 = 每卡每小时租金不超过 **{case.m(most)}**。",
                f"Budget {case.m(monthly.monthly)} a month ÷ {case.n(case.cards)} cards ÷ {case.n(HOURS)} h: a card-hour may cost at most **{case.m(most)}**.",
            )


def _within(case: Case, limit: Decimal, value: Decimal | None, what: str) -> None:
    if value is None:
        return
    left = limit - value
    word = ("**预算够**", "**Within the budget**") if left >= 0 else ("**超预算**", "**Over the budget**")
    case.head(
        f"{word[0]}：{what} {case.m(value)}，预算 {case.m(limit)}，{'剩' if left >= 0 else '差'} {case.m(abs(left))}。",
        f"{word[1]}: {what} is {case.m(value)}, the budget {case.m(limit)}, {'left over' if left >= 0 else 'short by'} {case.m(abs(left))}.",
    )


def saving_share(case: Case) -> None:
    """A stated percentage of saving on a stated API bill, in money."""
    low, high = case.d.numbers.get("save_low"), case.d.numbers.get("save_high")
    api = case.amount("api_month")
    if low is None or high is None or api is None:
        return
    per = {"year": ("一年", "a year"), "month": ("每月", "a month")}.get(api.per, ("", ""))
    span = f"{case.m(api.value * low)}–{case.m(api.value * high)}" if high != low else case.m(api.value * low)
    shares = f"{case.n(low * 100, 1)}%–{case.n(high * 100, 1)}%" if high != low else f"{case.n(low * 100, 1)}%"
    case.head(f"按省 {shares} 算，{per[0]}省 **{span}**。", f"At {shares}, **{span}** {per[1]} is saved.")
    case.step(f"{case.m(api.value)} × {shares} = {span}", f"{case.m(api.value)} × {shares} = {span}")
    case.note("比例是给定的，不是算出来的；要核实请给硬件价格和运行费，可以算回本。", "The share is given, not calculated; state hardware price and running cost to check it.")  # fmt: skip
