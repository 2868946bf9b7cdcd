"""When bought hardware pays back against an API bill: upfront / (API a month - own running cost a month), or never."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from agent.answers.breakeven_amounts import Amounts, Money, monthly, roles
from agent.answers.breakeven_volume import answer_break_even_volume
from agent.answers.price import price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, targets
from agent.answers.volume import volume_of
from agent.events import Chart, ChartSeries
from agent.tools.cost import api_cost
from agent.words import money, plain
from agent.work import Draft, Work


def answer_break_even(work: Work) -> Draft | None:
    """Months to break even, with the API bill stated or computed from a model and a volume; or the volume from which it pays."""
    question = work.question
    by_volume = answer_break_even_volume(work)
    if by_volume is not None or not question.has("break_even_word"):
        return by_volume
    amounts = roles(work)
    cash = Money(work, amounts.all)
    bill = _api_bill(work, amounts, cash)
    if isinstance(bill, Draft):
        return bill
    steps, notes, touched = list(bill.steps), bill.notes, bill.touched
    api = bill.monthly
    if not amounts.upfront or api is None:
        return _missing(work, amounts, api)
    upfront = sum((cash.value(q) for q in amounts.upfront), Decimal(0))
    running = sum((cash.value(q) for q in amounts.running_monthly), Decimal(0))
    if cash.missing_rate:
        return _ask_rate(work, amounts, cash)
    currency = cash.currency
    saved = api - running
    work.computed(upfront, api, running, saved, *(monthly(q) for q in amounts.all), *(cash.value(q) for q in amounts.all))
    steps += cash.steps
    for name, several in ((work.say("一次性投入：", "Upfront: "), amounts.upfront), (work.say("自建月运行费：", "Own running cost a month: "), amounts.running_monthly)):
        if len(several) > 1:
            steps.append(name + " + ".join(money(cash.value(q), currency) for q in several) + f" = {money(sum((cash.value(q) for q in several), Decimal(0)), currency)}")
    steps.append(
        work.say("每月省下：", "Saved a month: ") + f"{money(api, currency)} − {money(running, currency)} = {money(saved, currency)}"
        if saved >= 0
        else work.say(f"自建每月反而多花：{money(running, currency)} − {money(api, currency)} = {money(-saved, currency)}", f"Owning costs more each month: {money(running, currency)} − {money(api, currency)} = {money(-saved, currency)}")
    )
    work.computed(-saved)
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
            f"Break-even after **{plain(months, 2)} month{'' if months == 1 else 's'}** ({plain(months / 12, 2)} year{'' if months == 12 else 's'}).",
        )
    steps += cash.assumption()
    if amounts.unused:
        left = work.say("、", ", ").join(q.text.strip() for q in amounts.unused)
        steps.append(work.say(f"没有用到：{left}（已有一笔 API 月费）。", f"Not used: {left} (there is one API bill already)."))
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


@dataclass(frozen=True, slots=True)
class _Bill:
    """The API bill a month in the common currency (None: not known), with how it came about."""

    monthly: Decimal | None = None
    steps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()


def _api_bill(work: Work, amounts: Amounts, cash: Money) -> _Bill | Draft:
    if amounts.api_monthly is not None:
        return _Bill(cash.value(amounts.api_monthly))
    usage, ids = work.question.usage, targets(work, PRICE_FIELDS, kinds=("model",))
    quotes = usable_quotes(work, ids[0], usage.request_input_tokens) if usage.has_volume and ids else []
    if not quotes:
        return _Bill()
    quote = quotes[0]
    if usage.total_tokens is not None:
        if quote.input_rate != quote.output_rate:
            return Draft(
                work.say(
                    "请说明这些 token 里输入和输出各多少：两者价格不同。",
                    "Please say how many of the tokens are input and how many output: their prices differ.",
                ),
                intent="break_even",
            )
        usage = replace(usage, input_tokens=usage.total_tokens, total_tokens=None)
    volume = volume_of(work, replace(usage, asked="month") if usage.period else usage)
    cost = api_cost(quote, volume.input_tokens, volume.output_tokens)
    work.computed(cost.total)
    said = work.say(f"{quote.entity.name} 的 API 月费：", f"{quote.entity.name} API bill a month: ")
    steps = (*volume.steps, f"{said}{money(cost.total, cost.currency)} {work.cite(*quote.claims)}")
    if not amounts.all:
        cash.currency = cost.currency
    total = cash.exchanged(cost.total, cost.currency)
    if cash.missing_rate:
        return Draft(
            work.say(
                f"API 费用是 {money(cost.total, cost.currency)}，硬件按 {cash.currency} 计，资料没有汇率，请给出汇率再算回本。",
                f"The API bill is {money(cost.total, cost.currency)} and the hardware is in {cash.currency}; state an exchange rate to compute the break-even.",
            ),
            entities=(ids[0],),
            fields=PRICE_FIELDS,
            intent="break_even",
        )
    return _Bill(total, steps, tuple(price_notes(work, quote)), (ids[0],))


def _ask_rate(work: Work, amounts: Amounts, cash: Money) -> Draft:
    said = work.say("、", ", ").join(q.text.strip() for q in amounts.all)
    work.own_words("7.2")
    return Draft(
        work.say(
            f"这些金额有 {cash.currency} 和 {cash.missing_rate} 两种币种（{said}），资料没有汇率；给出汇率（例如“按 7.2”）就能算回本。",
            f"The amounts ({said}) are in {cash.currency} and {cash.missing_rate}, and the sources give no rate; state one (e.g. “at 7.2”) to compute the break-even.",
        ),
        intent="break_even",
    )


def _missing(work: Work, amounts: Amounts, api: Decimal | None) -> Draft:
    """Everything that is still needed, asked for at once, and what was read so far."""
    wanted = []
    if not amounts.upfront:
        wanted.append(work.say("一次性投入（机器多少钱）", "the upfront cost (the hardware)"))
    if api is None:
        wanted.append(work.say("API 月费（或模型与每月用量）", "the API bill a month (or a model and a monthly volume)"))
    if not amounts.running_monthly:
        wanted.append(work.say("自建的月运行费（电费、人工、托管；没有就说 0）", "the own running cost a month (power, staff, hosting; 0 if none)"))
    read = work.say("、", ", ").join(q.text.strip() for q in amounts.all)
    so_far = work.say(f"已读到：{read}。", f" Read so far: {read}.") if read else ""
    work.computed(Decimal(0))
    return Draft(
        work.say(
            f"算回本还缺：{'、'.join(wanted)}。{so_far}公式：一次性投入 ÷（API 月费 − 自建月运行费）。",
            f"To compute the break-even, please give {', '.join(wanted)}.{so_far} Formula: upfront ÷ (API a month − own running cost a month).",
        ),
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
