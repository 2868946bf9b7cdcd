"""When bought hardware pays back against an API bill: upfront / (API a month - own running cost a month), or never."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from agent.answers.price import converted, price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, targets
from agent.answers.volume import volume_of
from agent.events import Chart, ChartSeries
from agent.tools.cost import api_cost
from agent.understand.lexicon import pattern
from agent.words import currency_name, money, plain
from agent.work import Draft, Work
from kb.catalog.schema import Claim
from kb.quantities import Quantity, clause_bounds


@dataclass(frozen=True, slots=True)
class _Money:
    """The three amounts of a break-even question, a month each but for the first; currency of each by its quantity."""

    upfront: Quantity | None
    api_monthly: Quantity | None
    running_monthly: tuple[Quantity, ...]


def _monthly(quantity: Quantity) -> Decimal:
    factor = {"day": Decimal(30), "week": Decimal(52) / 12, "quarter": Decimal(1) / 3, "year": Decimal(1) / 12}
    return quantity.value * next((factor[p] for p in quantity.per if p in factor), Decimal(1))


def _amounts(work: Work) -> list[Quantity]:
    """Amounts of money, plain 万-numbers included: in a break-even question they are money."""
    question = work.question
    money_now = list(question.money)
    bare = [
        q
        for q in question.quantities
        if not q.is_money
        and q.unit == ""
        and q.value >= 100
        and not _is_tokens(work, q)
        and (question.rate is None or q.value != question.rate)
    ]
    return sorted([*money_now, *bare], key=lambda q: q.start)


def _is_tokens(work: Work, quantity: Quantity) -> bool:
    return any(a.quantity.start == quantity.start and a.direction in ("input", "output") for a in work.question.usage.amounts) or any(
        a.quantity.start == quantity.start and a.quantity.unit in ("token", "char") for a in work.question.usage.amounts
    )


def _roles(work: Work) -> _Money:
    text = work.question.masked
    amounts = _amounts(work)
    edge = text.find(" \n ")
    if edge >= 0:
        # A later turn's amounts replace those of the same role; the earlier ones fill what it leaves out.
        now, then = (_assign(work, [q for q in amounts if (q.start < edge) == first], text) for first in (True, False))
        return _Money(now.upfront or then.upfront, now.api_monthly or then.api_monthly, now.running_monthly or then.running_monthly)
    return _assign(work, amounts, text)


def _cues(text: str) -> list[tuple[int, int, str]]:
    groups = (("upfront", "upfront_cue"), ("api", "api_cue"), ("running", "running_cue"))
    return [(m.start(), m.end(), role) for role, group in groups for m in pattern(group).finditer(text)]


def _assign(work: Work, amounts: list[Quantity], text: str) -> _Money:
    roles: dict[str, list[Quantity]] = {"upfront": [], "api": [], "running": []}
    cues = _cues(text)
    bounds = _clauses(text)
    priced = work.question.usage.has_volume and bool(work.question.named)
    ordered = amounts
    # Amounts beside a word of their own first; what is left takes the roles that remain.
    ordered = sorted(ordered, key=lambda q: not any(c[0] - 14 <= q.start <= c[1] + 10 for c in cues))
    for quantity in ordered:
        clause = next((b for b in bounds if b[0] <= quantity.start < b[1]), (0, len(text)))
        near = sorted((_gap(c, quantity), c[2]) for c in cues if clause[0] <= c[0] < clause[1])
        monthly = any(p in ("day", "week", "month", "quarter", "year") for p in quantity.per)
        # What recurs is a bill or a running cost; what does not is an investment, unless the bill's word stands closest to it.
        if monthly:
            first = next((role for _, role in near if role != "upfront"), "running" if roles["api"] or priced else "api")
            role = "running" if first == "api" and roles["api"] else first
        else:
            beside_api = bool(near) and near[0][1] == "api" and near[0][0] <= 4
            role = (
                "api"
                if beside_api
                and (roles["upfront"] or all(r != "upfront" for _, r in near))
                and len(amounts) > 1
                and not roles["api"]
                and bool(roles["upfront"])
                else "upfront"
                if not roles["upfront"]
                else near[0][1]
                if near
                else "running"
            )
        roles[role].append(quantity)
    return _Money(next(iter(roles["upfront"]), None), next(iter(roles["api"]), None), tuple(roles["running"]))


def _clauses(text: str) -> list[tuple[int, int]]:
    """Clauses, cut at the enumeration comma too: each item of a list of costs has its own amount."""
    return [(a + x, a + y) for a, b in clause_bounds(text) for x, y in _split(text[a:b])]


def _split(clause: str) -> list[tuple[int, int]]:
    edges = [0, *(m.end() for m in re.finditer("、|\\band\\b|\\bplus\\b", clause)), len(clause)]
    return [(x, y) for x, y in zip(edges, edges[1:], strict=False) if y > x]


def _gap(cue: tuple[int, int, str], quantity: Quantity) -> int:
    if cue[1] <= quantity.start:
        return quantity.start - cue[1]
    return cue[0] - quantity.end + 2 if cue[0] >= quantity.end else 0


def answer_break_even(work: Work) -> Draft | None:
    """Months to break even, with the API bill stated or computed from a model and a volume."""
    question = work.question
    if not question.has("break_even_word"):
        return None
    amounts = _roles(work)
    steps: list[str] = []
    claims: tuple[Claim, ...] = ()
    touched: list[str] = []
    notes: list[str] = []
    currency = next(
        (q.unit for q in (amounts.upfront, amounts.api_monthly, *amounts.running_monthly) if q is not None and q.is_money),
        "CNY" if work.language == "zh" else "USD",
    )
    api = _monthly(amounts.api_monthly) if amounts.api_monthly is not None else None
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    usage = question.usage
    if usage.has_volume and ids and api is None:
        quotes = usable_quotes(work, ids[0], usage.request_input_tokens)
        if quotes and usage.total_tokens is not None:
            if quotes[0].input_rate != quotes[0].output_rate:
                return Draft(
                    work.say(
                        "请说明这些 token 里输入和输出各多少：两者价格不同。",
                        "Please say how many of the tokens are input and how many output: their prices differ.",
                    ),
                    intent="break_even",
                )
            usage = replace(usage, input_tokens=usage.total_tokens, total_tokens=None)
        if quotes:
            volume = volume_of(work, replace(usage, asked="month") if usage.period else usage)
            cost = api_cost(quotes[0], volume.input_tokens, volume.output_tokens)
            claims, touched = quotes[0].claims, [ids[0]]
            api = cost.total
            steps += [
                *volume.steps,
                work.say(f"{quotes[0].entity.name} 的 API 月费：", f"{quotes[0].entity.name} API bill a month: ")
                + f"{money(cost.total, cost.currency)} {work.cite(*claims)}",
            ]
            notes = price_notes(work, quotes[0])
            work.computed(cost.total)
            if cost.currency != currency:
                change = converted(work, cost.total, cost.currency, currency)
                if change is None:
                    return Draft(
                        work.say(
                            f"API 费用是 {money(cost.total, cost.currency)}，硬件按 {currency} 计，资料没有汇率，请给出汇率再算回本。",
                            f"The API bill is {money(cost.total, cost.currency)} and the hardware is in {currency}; state an exchange rate to compute the break-even.",
                        ),
                        entities=tuple(touched),
                        fields=PRICE_FIELDS,
                        intent="break_even",
                    )
                api = change[0]
                steps.append(change[1])
    if amounts.upfront is None or api is None:
        missing = work.say(
            "一次性投入" if amounts.upfront is None else "API 月费（或模型与用量）",
            "the upfront cost" if amounts.upfront is None else "the API bill a month (or a model and a volume)",
        )
        return Draft(
            work.say(
                f"算回本还缺：{missing}。公式：一次性投入 ÷（API 月费 − 自建月运行费）。",
                f"To compute the break-even, please give {missing}. Formula: upfront ÷ (API a month − own running cost a month).",
            ),
            intent="break_even",
        )
    upfront = amounts.upfront.value
    running = sum((_monthly(q) for q in amounts.running_monthly), Decimal(0))
    saved = api - running
    work.computed(upfront, api, running, saved)
    steps.append(
        work.say("每月省下：", "Saved a month: ") + f"{money(api, currency)} − {money(running, currency)} = {money(saved, currency)}"
    )
    if saved <= 0:
        head = work.say(
            f"**永远不回本**：自建每月运行费 {money(running, currency)} 不低于 API 月费 {money(api, currency)}。",
            f"**Never**: running it costs {money(running, currency)} a month, not less than the API bill of {money(api, currency)}.",
        )
        months = None
    else:
        months = upfront / saved
        work.computed(months, months / 12)
        steps.append(
            work.say("回本：", "Break-even: ")
            + f"{money(upfront, currency)} ÷ {money(saved, currency)} = {plain(months, 2)} "
            + work.say("个月", "months")
        )
        head = work.say(
            f"约 **{plain(months, 2)} 个月**回本（{plain(months / 12, 2)} 年）。",
            f"Break-even after **{plain(months, 2)} months** ({plain(months / 12, 2)} years).",
        )
    if not any(q.is_money for q in (amounts.upfront, *([amounts.api_monthly] if amounts.api_monthly else []), *amounts.running_monthly)):
        steps.append(
            work.say(
                f"假设：没有写币种，按{currency_name(currency, 'zh')}显示（三项同币种即可，结果与币种无关）。",
                f"Assumption: no currency was given, {currency} is shown (the result does not depend on it if all are the same).",
            )
        )
    if not amounts.running_monthly:
        steps.append(
            work.say(
                "假设：没有给自建的月运行费（电费、人工、托管），按 0 计；计入后回本更慢。",
                "Assumption: no own running cost (power, staff, hosting) given, counted as 0; with it the break-even comes later.",
            )
        )
    work.tool(
        "break_even",
        {"upfront": str(upfront), "api_monthly": str(api), "running_monthly": str(running), "currency": currency},
        {"months": str(months) if months is not None else "never"},
        steps,
    )
    chart = _chart(work, upfront, api, running, months, currency)
    return Draft(
        "\n".join([head, "", *(f"- {s}" for s in steps), *(f"- {n}" for n in notes)]),
        entities=tuple(touched),
        fields=PRICE_FIELDS if touched else (),
        charts=(chart,) if chart else (),
        intent="break_even",
    )


def _chart(work: Work, upfront: Decimal, api: Decimal, running: Decimal, months: Decimal | None, currency: str) -> Chart | None:
    if months is None or months > 600:
        return None
    last = max(6, int(months * 2) + 1)
    points = tuple(float(m) for m in range(0, last + 1, max(1, last // 24)))
    return Chart(
        "line", work.say("累计费用", "Cumulative cost"), work.say("月", "month"), work.say("累计", "cumulative"), currency,
        (
            ChartSeries("API", points, tuple(float(api) * p for p in points)),
            ChartSeries(work.say("自建", "self-hosted"), points, tuple(float(upfront) + float(running) * p for p in points)),
        ),
        ((float(months), work.say("回本", "break-even")),),
    )  # fmt: skip
