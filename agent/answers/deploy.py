"""Questions about running a model on one's own cards: cards, sessions, speed, cost, break-even, in one answer with every assumption."""

from __future__ import annotations

from dataclasses import replace

from agent.answers.deploy_capacity import have_cards, longest_context, size_one_card
from agent.answers.deploy_case import Case, decimal, one_currency, settle
from agent.answers.deploy_compare import compare_cards, family_sizes, typical_sizes, what_fits
from agent.answers.deploy_money import Bill, bill, cost_lines, missing_prices, wants_money
from agent.answers.deploy_pay import against_api, budget_lines, buy_or_rent, saving_share, unit_cost
from agent.answers.deploy_quantise import quality, quantisation_needed
from agent.answers.deploy_sources import may_run, own_or_api, plan_references, stated_cards, unknown_size
from agent.answers.deploy_speed import daily_capacity, speed
from agent.answers.deploy_topic import LOAD_ASKS, MONEY_ASKS, family_members, is_about, no_model_named
from agent.answers.deploy_training import answer_training
from agent.answers.deploy_what_if import hybrid_lines, scenario_lines, sensitivity_lines
from agent.answers.sizing_parts import allow
from agent.sizing.errors import SizingError
from agent.work import Draft, Work

MOST_CHARTS = 3


def answer_deploy(work: Work) -> Draft | None:
    """A deployment in figures, or None where the question is about something else."""
    d = work.question.deployment
    if not is_about(work, d):
        return None
    if d.problems:
        said = work.say("；", "; ").join(p[0 if work.language == "zh" else 1] for p in d.problems)
        allow(work, [said])
        return Draft(work.say(f"这个配置算不了：{said}。", f"This cannot be computed: {said}."), intent="sizing")
    try:
        allow(work, [str(v) for v in d.words.values()])
        case = settle(work, d)
        if d.training:
            return answer_training(case)
        family = "" if case.model is not None or d.carried else family_members(work)
        unsized = case.model is None and not family and LOAD_ASKS & d.asks and not d.carried and not d.money
        if unsized and not no_model_named(work.question.text, d) and "fits" not in d.asks and work.question.named:
            text = unknown_size(work)
            return Draft(text, intent="sizing") if text else None
        _calculate(case, family)
    except SizingError as error:
        return Draft(work.say(f"这个配置算不了：{error.zh}", f"This cannot be computed: {error}"), intent="sizing")
    if not case.heads and not case.missing:
        return None
    return _draft(case)


def _calculate(case: Case, family: str) -> None:
    d = case.d
    one_currency(case)
    if family:
        from agent.answers.deploy_topic import members_of

        family_sizes(case, family, members_of(family))
    elif case.model is not None:
        _load(case)
    elif no_model_named(case.work.question.text, d):
        typical_sizes(case)
        return
    elif case.gpu is not None and ("fits" in d.asks or "enough" in d.asks and not d.money):
        if "fits" not in d.asks:
            case.miss("要跑的模型（如 70B）", "the model to run (e.g. 70B)")
            case.work.computed(decimal(70) * 10**9)
        what_fits(case)
    elif have_cards(case):
        case.cards, case.stated_cards = have_cards(case), True
    elif d.money and (case.gpu is not None or "card_price" in d.money) and not {"upfront", "rent_month", "node_price"} & set(d.money):
        case.cards = 1
        case.assume("没有写张数，按 1 张", "no number of cards given, 1 is taken")
    load, case.heads = case.heads, []
    money, what_if = _money(case) if wants_money(case) else ([], [])
    if case.model is not None and case.only_money_changed and not LOAD_ASKS - {"cards"} & d.asks:
        load = load[:1]
    asked_load = bool(LOAD_ASKS & d.asks or not d.asks and not d.carried) and not case.only_money_changed
    case.heads = [*what_if, *load, *money] if asked_load or not money else [*what_if, *money, *load]
    if not case.heads and {"break_even", "hybrid"} & d.asks and not case.d.money:
        own_or_api(case)
    if {"cost", "tco", "break_even"} & d.asks and not case.output.get("total") or "cards" in d.asks and case.work.question.named:
        plan_references(case)


def _load(case: Case) -> None:
    """Cards, sessions and speed of a named model; cleared again where only money was added to them."""
    d = case.d
    about_quality = "quality" in d.asks and not {"cards", "concurrency", "recommend"} & d.asks
    if about_quality:
        quality(case)
        return
    if "cards" in d.asks or not d.asks:
        stated_cards(case)
    if case.gpu is None or len(d.gpus) > 1 or "recommend" in d.asks and (not have_cards(case) or "cards" in d.carried):
        compare_cards(case, d.gpus if len(d.gpus) > 1 or not d.gpus_carried else ())
    else:
        size_one_card(case)
    speed(case)
    if "capacity" in d.asks or d.usage is not None and not d.priced and not d.money and "cards" in d.asks and "qps" not in d.numbers:
        daily_capacity(case)
    if "longest" in d.asks:
        longest_context(case)
    if {"quality", "quantise", "quantise_needed"} & d.asks:
        quality(case)
    if "quantise_needed" in d.asks:
        quantisation_needed(case)
    if case.only_money_changed and not {"quality", "speed"} & d.asks:
        case.steps, case.notes, case.charts = [], [], []
    may_run(case)


def _money(case: Case) -> tuple[list[str], list[str]]:
    """Lines about money, and those about other assumptions, the thing asked for first."""
    asks = case.d.asks
    b = bill(case)
    if not case.currency and any(a.value >= 10 for a in case.d.money.values()):
        case.assume("金额没有写币种，按同一种货币算", "amounts have no currency; all are taken to be in one")
    saving_share(case)
    buy_or_rent(case, b)
    both = b.upfront is not None and b.rent is not None
    first, case.heads = case.heads, []
    bought = replace(b, rent=None) if both else b
    missing_prices(case, bought)
    cost_lines(case, bought)
    budget_lines(case, bought)
    costs, case.heads = case.heads, []
    if {"break_even", "tco", "cost", "hybrid"} & asks or b.api is not None:
        against_api(case, bought)
    pays, case.heads = case.heads, []
    if "unit_cost" in asks:
        unit_cost(case, bought)
        first, case.heads = [*first, *case.heads], []
        if "per_1m_tokens" in case.output and not {"tco", "break_even", "buy_or_rent"} & asks:
            # The price of a token was asked for: the rent is one of its steps.
            costs = []
            case.missing = []
    _power(case, bought)
    first, case.heads = [*first, *case.heads], []
    _what_if(case, bought)
    what_if, case.heads = case.heads, []
    if {"sensitivity", "scenarios", "hybrid"} & asks and not {"cost", "tco"} & asks:
        costs = []
    ordered = [*first, *pays, *costs] if "break_even" in asks and not {"cost", "tco"} & asks else [*first, *costs, *pays]
    return ordered, what_if


def _what_if(case: Case, b: Bill) -> None:
    asks = case.d.asks
    if "hybrid" in asks:
        hybrid_lines(case, b)
    if "sensitivity" in asks:
        sensitivity_lines(case, b)
    if "scenarios" in asks:
        scenario_lines(case, b)


def _power(case: Case, b: Bill) -> None:
    fresh = {"kwh", "power_month"} & set(case.d.money) - case.d.carried
    if case.d.words.get("acquire") == "rent" and b.power is None and not fresh and "power" not in case.d.asks:
        return
    if "power" not in case.d.asks and not (case.amount("kwh") is not None and not MONEY_ASKS & case.d.asks):
        return
    used = case.output.get("kwh_per_month")
    if used is None and b.power is None:
        case.miss("功耗（目录里没有这张卡的功率）或张数", "the card's power draw, which the catalog does not have, or the count")
    elif b.power is None:
        case.head(f"每月用电约 **{case.n(used)} kWh**（满载）。", f"About **{case.n(used)} kWh** a month at full load.")
        case.miss("电价（元/度）", "the price of a kWh")
    else:
        case.head(f"电费 **{case.m(b.power)}/月**。", f"Power costs **{case.m(b.power)} a month**.")


_CARRIED_WORDS = {
    "model": ("模型", "model"), "gpu": ("显卡", "card"), "weight_dtype": ("精度", "format"), "context": ("上下文", "context"),
    "concurrency": ("并发", "concurrency"), "cards": ("张数", "count"), "card_price": ("单价", "price"), "rent_card_hour": ("租金", "rent"),
    "api_month": ("API 月费", "API bill"), "kwh": ("电价", "price of power"), "staff_each": ("人力", "staff"), "staff_month": ("人力", "staff"),
    "upfront": ("投入", "upfront"), "months": ("年限", "period"), "users": ("用户数", "users"), "input": ("输入", "input"), "output": ("输出", "output"),
    "power_month": ("电费", "power"), "hosting_month": ("托管", "hosting"), "utilization": ("利用率", "utilisation"), "budget": ("预算", "budget"), "kv_dtype": ("KV 格式", "cache format"), "rate": ("汇率", "exchange rate"),
    "running_month": ("运行费", "running cost"), "nodes": ("台数", "machines"), "node_price": ("每台价格", "price of a machine"),
}  # fmt: skip


def _draft(case: Case) -> Draft:
    work, d = case.work, case.d
    plain_steps = [s for s in case.steps if not s.startswith("|")]
    tables = [s for s in case.steps if s.startswith("|")]
    # Formats, defaults and hints are figures of the calculation too.
    allow(work, [*tables, *plain_steps, *case.assumed, *case.notes, *case.missing])
    between, stop = work.say("；", "; "), work.say("。", ".")
    if not case.heads:
        case.head("还差一两个数才能算出金额，见下面的“还缺”。", "One or two figures are still missing for an amount, see below.")
    lines = [*case.heads, *(["", *tables] if tables else []), "", *(f"- {s}" for s in plain_steps)]
    if case.assumed:
        lines.append(
            work.say("- 假设（说一句就能改）：", "- Assumptions (say otherwise to change one): ") + between.join(case.assumed) + stop
        )
    carried = [words[0 if work.language == "zh" else 1] for key, words in _CARRIED_WORDS.items() if key in d.carried]
    if carried:
        lines.append(work.say("- 沿用上文：", "- Carried over: ") + work.say("、", ", ").join(dict.fromkeys(carried)) + stop)
    lines += [f"- {n}" for n in case.notes]
    if case.missing:
        lines.append(work.say("- 还缺：", "- Missing: ") + between.join(case.missing) + stop)
    inputs = {
        **{k: v for k, v in d.words.items() if k != "config"},
        **{k: str(v) for k, v in d.numbers.items()},
        **{k: str(a.value) for k, a in d.money.items()},
    }
    work.tool("deployment", {"gpu_name": case.label, "model_name": case.model_name, **inputs}, case.output, plain_steps)
    return Draft(
        "\n".join(lines).strip(), entities=tuple(d.priced), fields=("input_price", "output_price") if d.priced else (),
        charts=tuple(case.charts[-MOST_CHARTS:]), follow_ups=_next(case), intent="sizing",
    )  # fmt: skip


def _next(case: Case) -> tuple[str, ...]:
    """Turns that change one assumption."""
    offers = []
    if case.model is not None and case.dtype in ("bf16", "fp16"):
        offers.append(case.say("int4 呢", "and int4?"))
    if case.model is not None and "concurrency" not in case.d.numbers:
        offers.append(case.say("并发 100 呢", "100 concurrent?"))
    if case.d.words.get("acquire") != "rent" and case.d.money:
        offers.append(case.say("租的话呢", "what if we rent?"))
    return tuple(offers[:3])
