"""The same deployment under other assumptions: what moves the result most, three scenarios, a mix of own hardware and API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from agent.answers.deploy_case import Case, decimal
from agent.answers.deploy_money import Bill
from agent.answers.deploy_pay import break_even_point

_CHANGE = Decimal("0.2")


def _names(case: Case) -> dict[str, str]:
    zh = {
        "upfront": "硬件投入", "rent": "租金", "power": "电费", "staff": "人力", "hosting": "托管", "other": "其他运行费", "api": "API 月费",
    }  # fmt: skip
    en = {
        "upfront": "hardware", "rent": "rent", "power": "power", "staff": "staff", "hosting": "hosting", "other": "other running cost", "api": "API bill",
    }  # fmt: skip
    return zh if case.work.language == "zh" else en


def _base(case: Case, b: Bill) -> dict[str, Decimal]:
    names = _names(case)
    values = {
        "upfront": b.upfront, "rent": b.rent, "power": b.power, "staff": b.staff, "hosting": b.hosting, "other": b.other, "api": b.api,
    }  # fmt: skip
    return {names[key]: value for key, value in values.items() if value}


def _measure(case: Case, b: Bill) -> tuple[Callable[[Mapping[str, Any]], Decimal | None], str, str] | None:
    """What is looked at: months to break even where there is an API bill and a purchase, else the cost a month."""
    names = _names(case)
    own = [names[k] for k in ("rent", "power", "staff", "hosting", "other")]
    if b.upfront is not None and b.api is not None:

        def months(given: Mapping[str, Any]) -> Decimal | None:
            saved = decimal(given[names["api"]]) - sum((decimal(given.get(k, 0)) for k in own), Decimal(0))
            return decimal(given[names["upfront"]]) / saved if saved > 0 else None

        return months, case.say("回本月数", "months to break even"), case.say("个月", "months")
    if not b.known:
        return None

    def monthly(given: Mapping[str, Any]) -> Decimal:
        return decimal(given.get(names["upfront"], 0)) / case.months + sum((decimal(given.get(k, 0)) for k in own), Decimal(0))

    return monthly, case.say("每月成本", "cost a month"), case.currency


def _said(case: Case, value: Any, unit: str) -> str:
    if value is None:
        return case.say("永不", "never")
    number = decimal(round(value, 2)) if not isinstance(value, Decimal) else value
    return case.m(number) if unit == case.currency and unit else f"{case.n(number, 2)} {unit}".strip()


def sensitivity_lines(case: Case, b: Bill) -> None:
    """Each assumption 20% down and up; the one that moves the result most is the answer."""
    from agent.sizing.charts import tornado
    from agent.sizing.what_if import sensitivity

    found = _measure(case, b)
    base = _base(case, b)
    if found is None or not base:
        _capacity_sensitivity(case)
        return
    measure, what, unit = found
    result = sensitivity(measure, base, change=_CHANGE)
    first = result.swings[0]
    case.head(
        f"影响最大的假设：**{first.name}**（±{case.n(_CHANGE * 100)}% 时{what}从 {_said(case, first.result_low, unit)} 到 {_said(case, first.result_high, unit)}，基准 {_said(case, result.base, unit)}）。",
        f"What moves the result most: **{first.name}** (±{case.n(_CHANGE * 100)}%: {what} from {_said(case, first.result_low, unit)} to {_said(case, first.result_high, unit)}, base {_said(case, result.base, unit)}).",
    )
    for swing in result.swings:
        case.step(
            f"{swing.name} {case.m(decimal(swing.low))} → {case.m(decimal(swing.high))}：{_said(case, swing.result_low, unit)} → {_said(case, swing.result_high, unit)}",
            f"{swing.name} {case.m(decimal(swing.low))} → {case.m(decimal(swing.high))}: {_said(case, swing.result_low, unit)} → {_said(case, swing.result_high, unit)}",
        )
    case.charts.append(tornado(result, unit, case.work.language))


def _capacity_sensitivity(case: Case) -> None:
    """Without prices: how the number of cards answers to format, context and concurrency."""
    from dataclasses import replace as _replace

    from agent.answers.deploy_capacity import needed

    if case.model is None or case.gpu is None:
        case.miss("模型和显卡（或各项金额）", "a model and a card (or the amounts)")
        return
    rows: list[tuple[str, int]] = []
    variants: tuple[tuple[str, dict[str, Any]], ...] = (
        (case.say("精度换 int4", "int4 weights"), {"dtype": "int4"}),
        (case.say("上下文翻倍", "twice the context"), {"context": case.context * 2}),
        (case.say("并发 ×10", "10 × the concurrency"), {"concurrency": case.concurrency * 10}),
        (case.say("KV 缓存用 fp8", "fp8 cache"), {"kv_dtype": "fp8"}),
    )
    now = needed(case, case.gpu, case.dtype)
    for name, changed in variants:
        other = _replace(case, **changed)
        need = needed(other, case.gpu, other.dtype)
        if need is not None:
            rows.append((name, need.gpus))
    if now is None or not rows:
        return
    case.work.computed(Decimal(10))
    widest = max(rows, key=lambda row: abs(row[1] - now.gpus))
    if widest[1] == now.gpus:
        case.head("张数对这些假设都不敏感（同样的张数）。", "The count does not answer to any of these assumptions.")
    else:
        case.head(f"对张数影响最大的是**{widest[0]}**：{case.n(now.gpus)} → {case.n(widest[1])} 张。", f"The count answers most to **{widest[0]}**: {case.n(now.gpus)} → {case.n(widest[1])} cards.")  # fmt: skip
    for name, n in rows:
        case.step(f"{name}：{case.n(n)} 张（现在 {case.n(now.gpus)}）", f"{name}: {case.n(n)} cards (now {case.n(now.gpus)})")


def scenario_lines(case: Case, b: Bill) -> None:
    """Three cases side by side: everything 20% better, as it is, 20% worse."""
    from agent.sizing.charts import scenario_bars
    from agent.sizing.what_if import scenarios

    found = _measure(case, b)
    base = _base(case, b)
    if found is None or not base:
        _load_scenarios(case)
        return
    measure, what, unit = found
    names = _names(case)

    def moved(share: Decimal) -> dict[str, Decimal]:
        return {k: v * (1 - share if k == names["api"] else 1 + share) for k, v in base.items()}

    cases = {
        case.say("乐观", "optimistic"): moved(-_CHANGE),
        case.say("基准", "base"): {},
        case.say("悲观", "pessimistic"): moved(_CHANGE),
    }
    result = scenarios(measure, base, cases)
    said = [f"{name} {_said(case, value, unit)}" for name, value in result.results.items()]
    case.head(f"三种情景的{what}：{'，'.join(said)}。", f"{what.capitalize()} in three scenarios: {', '.join(said)}.")
    case.assume(
        f"乐观/悲观 = 自己的各项成本 −/+ {case.n(_CHANGE * 100)}%，API 月费 +/− {case.n(_CHANGE * 100)}%",
        f"optimistic/pessimistic = own costs −/+ {case.n(_CHANGE * 100)}%, API bill +/− {case.n(_CHANGE * 100)}%",
    )
    case.charts.append(scenario_bars(result, unit, case.work.language))


def _load_scenarios(case: Case) -> None:
    """Without prices: three loads, in cards."""
    from agent.answers.deploy_capacity import needed
    from agent.sizing.charts import scenario_bars
    from agent.sizing.what_if import Scenarios

    if case.model is None or case.gpu is None:
        return
    counts: dict[str, float | None] = {}
    for factor in (1, 4, 16):
        need = needed(case, case.gpu, case.dtype, case.concurrency * factor)
        counts[case.say(f"并发 {case.n(case.concurrency * factor)}", f"{case.n(case.concurrency * factor)} at once")] = (
            float(need.gpus) if need else None
        )
    said = [f"{name} {case.n(v) if v is not None else case.say('16 张也不够', 'more than 16')}" for name, v in counts.items()]
    case.head(f"三种负载各要几张 {case.label}：{'，'.join(said)}。", f"{case.label} cards for three loads: {', '.join(said)}.")
    case.charts.append(scenario_bars(Scenarios(results=counts, assumptions={}), case.say("张", "cards"), case.work.language))


def hybrid_lines(case: Case, b: Bill) -> None:
    """Part of the volume on own hardware, the rest through the API."""
    from agent.sizing.what_if import best_split

    point = break_even_point(case, b)
    share = case.d.numbers.get("share_self")
    if share is not None and b.api is not None and b.known:
        own = b.running + (b.upfront or Decimal(0)) / case.months
        mixed = own + b.api * (1 - share)
        saved = b.api - mixed
        word = ("省", "saves") if saved >= 0 else ("多花", "costs extra")
        case.step(
            f"混合 = 自建 {case.m(own)}/月（含折旧）+ API {case.m(b.api)} × {case.n((1 - share) * 100, 1)}% = {case.m(mixed)}/月",
            f"mix = own {case.m(own)} a month (with depreciation) + API {case.m(b.api)} × {case.n((1 - share) * 100, 1)}% = {case.m(mixed)} a month",
        )
        case.head(
            f"{case.n(share * 100, 1)}% 走自建：每月 **{case.m(mixed)}**，比全部走 API {word[0]} {case.m(abs(saved))}。",
            f"With {case.n(share * 100, 1)}% on own hardware: **{case.m(mixed)} a month**, {word[1]} {case.m(abs(saved))} against all API.",
        )
        return
    if share is not None and b.api is not None:
        most = b.api * share
        case.head(
            f"{case.n(share * 100, 1)}% 走自建最多省 **{case.m(most)}/月**（API {case.m(b.api)} × {case.n(share * 100, 1)}%），还要减去自建的月成本（没有给）。",
            f"With {case.n(share * 100, 1)}% on own hardware at most **{case.m(most)} a month** is saved (API {case.m(b.api)} × {case.n(share * 100, 1)}%), less the own cost, which is not given.",
        )
        case.miss("自建一侧的单价或租金、电费、人力", "price or rent of the own side, power, staff")
        return
    if point is not None and b.tokens:
        split = best_split(point, b.tokens)
        case.shown(split)
        case.head(
            f"最省的分法：自建承担 **{case.n(round(split.self_share * 100, 1), 1)}%**（{case.n(split.replicas)} 套），其余走 API，每月 **{case.m(split.monthly)}**（全部 API {case.m(split.all_api)}）。",
            f"Cheapest split: own hardware carries **{case.n(round(split.self_share * 100, 1), 1)}%** ({case.n(split.replicas)} copies), the API the rest: **{case.m(split.monthly)} a month** (all API {case.m(split.all_api)}).",
        )
        return
    case.work.computed(Decimal(30))
    case.miss(
        "混合分流：自建一侧的成本（单价或租金）、API 月费、自建承担的比例（如“30% 走自建”）；每月费用 = 自建月成本 + API 月费 ×（1 − 比例）",
        "for a mix: the own side's cost (price or rent), the API bill, the share on own hardware (e.g. 30%); a month = own cost + API bill × (1 − share)",
    )
    if not case.heads:
        case.head("混合分流还算不出金额，公式和缺的数见下。", "The mix has no amount yet; formula and missing figures are below.")
