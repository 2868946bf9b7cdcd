"""What a deployment costs and when it pays: purchase or rent, power, staff, depreciation, the API bill beside it.

Only amounts that somebody stated are used. What is missing is named, and the formula is given with everything else filled in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from agent.answers.deploy_case import DEFAULT_PUE, Case, decimal
from agent.answers.price import converted, target_currency, usable_quotes
from agent.answers.volume import volume_of
from agent.tools.cost import MILLION, api_cost
from agent.words import money

HOURS = Decimal(730)


@dataclass
class Bill:
    """Own costs and the API's, in one currency. None: not known, which is not zero."""

    upfront: Decimal | None = None
    rent: Decimal | None = None
    power: Decimal | None = None
    staff: Decimal = Decimal(0)
    hosting: Decimal = Decimal(0)
    other: Decimal = Decimal(0)
    api: Decimal | None = None
    api_per_1m: Decimal | None = None
    tokens: Decimal | None = None
    """Tokens a month of the API side."""

    @property
    def running(self) -> Decimal:
        """Own cost a month without depreciation."""
        return (self.rent or Decimal(0)) + (self.power or Decimal(0)) + self.staff + self.hosting + self.other

    @property
    def known(self) -> bool:
        return self.upfront is not None or self.rent is not None


_ASKS_MONEY = frozenset(
    {"cost", "tco", "break_even", "power", "hybrid", "sensitivity", "scenarios", "unit_cost", "buy_or_rent", "affordable"}
)


def wants_money(case: Case) -> bool:
    """Whether money is asked for or stated."""
    return bool(_ASKS_MONEY & case.d.asks or case.d.money or case.d.card_prices)


def bill(case: Case) -> Bill:
    """Everything about money that was said, worked out for the cards of the case."""
    b = Bill()
    _hardware(case, b)
    _running(case, b)
    _api(case, b)
    return b


def _hardware(case: Case, b: Bill) -> None:  # noqa: C901
    n, factor = case.cards, case.d.numbers.get("factor_hardware", Decimal(1))
    chosen = case.d.card_prices.get(case.gpu.name) if case.gpu is not None else None
    card, node, upfront = (
        case.amount("card_price") or (chosen if chosen is not None and chosen.per != "hour" else None),
        case.amount("node_price"),
        case.amount("upfront"),
    )
    changed = case.say(f" × {case.n(factor, 2)}（价格变动）", f" × {case.n(factor, 2)} (price change)") if factor != 1 else ""
    if card is not None and n:
        b.upfront = card.value * n * factor
        case.step(
            f"采购 = {case.n(n)} 张 × {case.m(card.value)}{changed} = {case.m(b.upfront)}（只含显卡）",
            f"purchase = {case.n(n)} cards × {case.m(card.value)}{changed} = {case.m(b.upfront)} (cards only)",
        )
    elif node is not None:
        nodes = case.d.numbers.get("nodes", Decimal(1))
        if "nodes" not in case.d.numbers:
            case.assume("没有写台数，按 1 台", "no number of machines given, 1 is taken")
        b.upfront = node.value * nodes * factor
        case.step(
            f"采购 = {case.n(nodes)} 台 × {case.m(node.value)}{changed} = {case.m(b.upfront)}",
            f"purchase = {case.n(nodes)} machines × {case.m(node.value)}{changed} = {case.m(b.upfront)}",
        )
    elif upfront is not None:
        b.upfront = upfront.value * factor
        case.step(f"一次性投入 {case.m(upfront.value)}{changed}", f"upfront {case.m(upfront.value)}{changed}")
    if upfront is not None and (card is not None or node is not None) and b.upfront is not None:
        b.upfront += upfront.value
        case.step(
            f"另有一次性投入 {case.m(upfront.value)}，合计 {case.m(b.upfront)}",
            f"further upfront {case.m(upfront.value)}, in all {case.m(b.upfront)}",
        )
    hour, month, whole = (
        case.amount("rent_card_hour") or (chosen if chosen is not None and chosen.per == "hour" else None),
        case.amount("rent_card_month"),
        case.amount("rent_month"),
    )
    if hour is not None and n:
        hours = rented_hours(case)
        b.rent = hour.value * n * hours * factor
        case.step(
            f"租金 = {case.n(n)} 张 × {case.m(hour.value)}/小时 × {case.n(hours)} 小时/月{changed} = {case.m(b.rent)}/月（{case.say('全月不关机' if hours == HOURS else '只在这些时间开机', '')}）",
            f"rent = {case.n(n)} card{'' if n == 1 else 's'} × {case.m(hour.value)}/h × {case.n(hours)} h{changed} = {case.m(b.rent)} a month ({'never switched off' if hours == HOURS else 'on only then'})",
        )
    elif month is not None and n:
        b.rent = month.monthly * n * factor
        case.step(
            f"租金 = {case.n(n)} 张 × {case.m(month.monthly)}/月{changed} = {case.m(b.rent)}/月",
            f"rent = {case.n(n)} cards × {case.m(month.monthly)} a month{changed} = {case.m(b.rent)} a month",
        )
    elif whole is not None:
        b.rent = whole.monthly * factor
        case.step(f"租金 {case.m(b.rent)}/月", f"rent {case.m(b.rent)} a month")
    if case.d.dropped and not b.known:
        case.note(
            f"上文给的单价是另一种卡的，不能用于 {case.label}。",
            f"The price stated before was another card's and does not hold for {case.label}.",
        )


def rented_hours(case: Case) -> Decimal:
    """Paid hours a month: the whole month, or the hours a day and days a month that were stated."""
    a_day, days = case.d.numbers.get("hours_per_day"), case.d.numbers.get("days_per_month")
    if a_day is None and days is None:
        return HOURS
    return (a_day if a_day is not None else Decimal(24)) * (days if days is not None else Decimal(365) / 12)


def _running(case: Case, b: Bill) -> None:
    from agent.sizing.cost import energy

    stated, kwh = case.amount("power_month"), case.amount("kwh")
    watts = case.gpu.power_w if case.gpu is not None else None
    rented = b.upfront is None and (b.rent is not None or case.d.words.get("acquire") == "rent")
    if rented and "power" not in case.d.asks and not ({"kwh", "power_month"} & set(case.d.money)) - case.d.carried:
        case.assume("租金已含电费", "the rent includes power")
        stated = kwh = watts = None
    if stated is not None:
        b.power = stated.monthly
    elif watts is not None and case.cards and (not rented or kwh is not None or "power" in case.d.asks):
        pue = case.d.numbers.get("pue")
        used = energy(
            case.cards,
            watts,
            pue=pue if pue is not None else DEFAULT_PUE,
            electricity_price_per_kwh=kwh.value if kwh else None,
            currency=case.currency,
        )
        case.output["kwh_per_month"] = str(used.kwh_per_month)
        if kwh is not None or {"power", "tco", "cost"} & case.d.asks:
            case.step(
                f"用电 = {case.n(case.cards)} 张 × {case.n(watts)} W × PUE {case.n(pue if pue is not None else DEFAULT_PUE, 2)} × {case.n(HOURS)} 小时 = {case.n(used.kwh_per_month)} kWh/月（满载，只含显卡）",
                f"electricity = {case.n(case.cards)} × {case.n(watts)} W × PUE {case.n(pue if pue is not None else DEFAULT_PUE, 2)} × {case.n(HOURS)} h = {case.n(used.kwh_per_month)} kWh a month (full load, cards only)",
            )
            if pue is None:
                case.assume(f"PUE {case.n(DEFAULT_PUE, 1)}", f"PUE {case.n(DEFAULT_PUE, 1)}")
        if kwh is not None and used.cost_per_month is not None:
            b.power = used.cost_per_month
            case.step(
                f"电费 = {case.n(used.kwh_per_month)} kWh × {case.m(kwh.value)} = {case.m(b.power)}/月",
                f"power = {case.n(used.kwh_per_month)} kWh × {case.m(kwh.value)} = {case.m(b.power)} a month",
            )
    each, people, staff = case.amount("staff_each"), case.d.numbers.get("staff", Decimal(1)), case.amount("staff_month")
    if each is not None:
        b.staff = each.monthly * people
        case.step(f"人力 = {case.n(people)} 人 × {case.m(each.monthly)}/月 = {case.m(b.staff)}/月", f"staff = {case.n(people)} × {case.m(each.monthly)} = {case.m(b.staff)} a month")  # fmt: skip
    elif staff is not None:
        b.staff = staff.monthly
    for role in ("hosting_month", "maintenance_month", "running_month"):
        stated = case.amount(role)
        if stated is not None:
            if role == "hosting_month":
                b.hosting = stated.monthly
            else:
                b.other += stated.monthly


def _api(case: Case, b: Bill) -> None:
    factor = case.d.numbers.get("factor_api", Decimal(1)) * case.d.numbers.get("factor_volume", Decimal(1))
    stated, price = case.amount("api_month"), case.amount("api_per_1m")
    usage = case.d.usage
    if usage is not None:
        volume = volume_of(case.work, replace(usage, asked="month", duration_days=None))
        b.tokens = volume.input_tokens + volume.output_tokens + ((usage.total_tokens or Decimal(0)) * volume.factor)
        b.tokens *= case.d.numbers.get("factor_volume", Decimal(1))
    if stated is not None:
        b.api = stated.monthly * factor
        if factor != 1:
            case.step(f"API = {case.m(stated.monthly)} × {case.n(factor, 2)} = {case.m(b.api)}/月", f"API = {case.m(stated.monthly)} × {case.n(factor, 2)} = {case.m(b.api)} a month")  # fmt: skip
    elif price is not None:
        b.api_per_1m = price.value * case.d.numbers.get("factor_api", Decimal(1))
        if b.tokens:
            b.api = b.api_per_1m * b.tokens / MILLION
            case.step(
                f"API = {case.n(b.tokens)} token ÷ 100万 × {case.m(b.api_per_1m)} = {case.m(b.api)}/月",
                f"API = {case.n(b.tokens)} tokens ÷ 1M × {case.m(b.api_per_1m)} = {case.m(b.api)} a month",
            )
    elif case.d.priced:
        _catalog_api(case, b, factor)
    if b.api is not None and b.tokens and b.api_per_1m is None:
        b.api_per_1m = b.api / b.tokens * MILLION


def _catalog_api(case: Case, b: Bill, factor: Decimal) -> None:
    """The bill at the sources' price of the model that is named beside the one to deploy."""
    work, usage = case.work, case.d.usage
    for entity_id in case.d.priced:
        quotes = usable_quotes(work, entity_id, usage.request_input_tokens if usage else None)
        quote = quotes[0] if quotes else None
        name = work.entity(entity_id).name
        if quote is None:
            continue
        if usage is None:
            return
        volume = volume_of(work, replace(usage, asked="month", duration_days=None))
        tokens_in, tokens_out = volume.input_tokens, volume.output_tokens
        if usage.total_tokens:
            if quote.input_rate != quote.output_rate:
                case.miss(
                    f"{name} 的输入与输出各多少（两者价格不同）", f"how much of it is input and how much output on {name} (prices differ)"
                )
                return
            tokens_in = usage.total_tokens * volume.factor
        cost = api_cost(quote, tokens_in, tokens_out)
        total = cost.total * factor
        work.computed(cost.total, total)
        case.steps += list(volume.steps)
        case.steps.append(case.say(f"{name} 的 API 月费 = {money(total, cost.currency)}", f"{name} API bill = {money(total, cost.currency)} a month") + " " + work.cite(*quote.claims))  # fmt: skip
        if case.currency and cost.currency != case.currency:
            change = converted(work, total, cost.currency, case.currency)
            if change is None:
                case.miss(
                    f"{cost.currency} 与 {case.currency} 的汇率（API 价格是 {cost.currency}）",
                    f"an exchange rate between {cost.currency} and {case.currency} (the API is priced in {cost.currency})",
                )
                return
            total = change[0]
            case.steps.append(change[1])
        b.api = total
        return


def missing_prices(case: Case, b: Bill) -> None:
    """Names what a cost needs and nobody stated, with the formula that is otherwise complete."""
    if b.known or not ({"cost", "tco", "break_even", "scenarios", "sensitivity"} & case.d.asks):
        return
    card = case.label or case.say("显卡", "the card")
    n = case.n(case.cards) if case.cards else "N"
    rent, buy = case.d.words.get("acquire") != "buy", case.d.words.get("acquire") != "rent"
    ways_zh, ways_en = [], []
    if buy:
        ways_zh.append(f"采购 = {n} × {card} 单价")
        ways_en.append(f"purchase = {n} × price of {card}")
    if rent:
        ways_zh.append(f"月租 = {n} × 每卡每小时租金 × {case.n(HOURS)}")
        ways_en.append(f"rent a month = {n} × rent of a card-hour × {case.n(HOURS)}")
    case.miss(f"{card} 的{'单价或每小时租金' if rent and buy else '单价' if buy else '每小时租金'}（资料里没有，不猜价）：{'；'.join(ways_zh)}", f"the {'price or hourly rent' if rent and buy else 'price' if buy else 'hourly rent'} of {card} (the sources have none, none is guessed): {'; '.join(ways_en)}")  # fmt: skip
    if {"cost", "tco"} & case.d.asks and case.cards:
        case.head(f"多少钱：算不出金额，还缺 {card} 的{'单价或租金' if rent and buy else '单价' if buy else '租金'}；张数、用电和公式见下。", f"Cost: no amount yet, {'a price or rent' if rent and buy else 'a price' if buy else 'a rent'} for {card} is missing; count, electricity and formula are below.")  # fmt: skip


def total_cost(case: Case, b: Bill) -> Any:
    """TCO over the months of the case; None without a price."""
    from agent.sizing.tco import tco

    if not b.known:
        return None
    months = case.months
    if "months" not in case.d.numbers and b.upfront is not None:
        case.assume(f"按 {case.n(months)} 个月（{case.n(decimal(months) / 12, 1)} 年）折旧和计算", f"{case.n(months)} months ({case.n(decimal(months) / 12, 1)} years) of use and depreciation")  # fmt: skip
    result = tco(
        months, upfront=b.upfront or 0, running_monthly=b.other, hosting_monthly=b.hosting, staff_monthly=b.staff, api_monthly=b.api,
        residual_share=case.d.numbers.get("residual", 0), currency=case.currency,
        monthly_items={k: v for k, v in (("rent", b.rent), ("power", b.power)) if v},
    )  # fmt: skip
    case.output |= {"total": str(result.total), "per_month": str(result.per_month), "months": months}
    return result


def cost_lines(case: Case, b: Bill) -> None:
    """Upfront or rent, running costs, and the total over the period."""
    from agent.sizing.charts import tco_parts

    result = total_cost(case, b)
    if result is None:
        return
    m = case.m
    if b.upfront is not None:
        case.head(
            f"采购 **{m(b.upfront)}**，每月运行 {m(b.running)}。", f"Purchase **{m(b.upfront)}**, running cost {m(b.running)} a month."
        )
    else:
        case.head(f"租用 **{m(b.running)}/月**，不用一次性投入。", f"Renting costs **{m(b.running)} a month**, nothing upfront.")
    if b.upfront is None and "tco" not in case.d.asks and "months" not in case.d.numbers:
        # A rent a month was asked for; a total over years was not.
        case.output.pop("total", None)
        _in_wanted_currency(case, result)
        return
    case.head(
        f"{case.n(result.months)} 个月总成本 **{m(result.total)}**，每月合 {m(result.per_month)}。",
        f"Total over {case.n(result.months)} months **{m(result.total)}**, {m(result.per_month)} a month.",
    )
    _in_wanted_currency(case, result)
    lines = list(result.steps(case.work.language))
    from agent.answers.sizing_parts import allow

    if b.api is not None:
        lines = [line for line in lines if "API" not in line and "回本" not in line and "break-even" not in line]
    lines = [line for line in lines if not line.startswith(("一次性投入", "upfront "))]
    allow(case.work, lines)
    case.steps += [line for line in lines if line not in case.steps]
    said = case.work.question.text
    if b.upfront is not None and not b.staff and not re.search(r"人工|人力|运维|staff|salar|ops\b", said, re.IGNORECASE):
        case.assume("没有给人力，按 0 计", "no staff given, counted as 0")
    if b.power is None and b.upfront is not None and not re.search(r"电费|电力|power|electric", said, re.IGNORECASE):
        case.assume("没有给电价，电费按 0 计", "no price of electricity given, power counted as 0")
    if len(result.parts) > 1:
        case.charts.append(tco_parts(result, case.work.language))


def _in_wanted_currency(case: Case, result: Any) -> None:
    """The cost a month in the other currency, where the question asks for it."""
    wanted = target_currency(case.work)
    change = converted(case.work, result.per_month, case.currency, wanted) if case.currency and wanted else None
    if change is not None:
        case.head(
            f"每月折合 **{money(change[0].quantize(Decimal(1)), wanted)}**。",
            f"That is **{money(change[0].quantize(Decimal(1)), wanted)}** a month.",
        )
        case.work.computed(change[0].quantize(Decimal(1)))
        case.step(change[1], change[1])
