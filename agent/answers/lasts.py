"""How long a sum of money lasts at a stated use of a model or a stated spending: budget / cost a day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from agent.answers.price import converted, price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, targets
from agent.answers.volume import cost_steps, volume_of
from agent.tools.cost import CostInputError, api_cost
from agent.tools.prices import PriceQuote
from agent.words import currency_name, money, plain
from agent.work import Draft, Work
from kb.quantities import DAYS, Quantity

_TIME = r"(?:多久|多长时间|多少?天|几天|几个?(?:周|星期|礼拜)|多少?(?:个)?(?:周|星期)|几个?月|多少个?月|几年|多少年|什么时候|到哪天|到几月)"
_USE = r"(?:撑|用|花|烧|跑|顶|坚持|维持|支撑|扛|使|支持|够|耗|消耗|玩|挺)"
_LASTS = re.compile(
    rf"{_USE}(?:得了|得|个|到|完|光|尽|掉)?(?:大概|大约|要|需要|会)?{_TIME}|{_TIME}(?:能|会|就|才|可以)?(?:把.{{0,6}})?{_USE}(?:完|光|尽|掉|没)|{_TIME}(?:见底|没钱|没了|归零)|"
    r"how long|how many (?:more )?(?:days|weeks|months|years)|run(?:s|ning)? (?:out|dry)|\blasts? (?:me|us|for)?\b.{0,20}\?|used up|be gone|\bgone\b",
    re.IGNORECASE,
)
_INVESTMENT = re.compile(r"自建|机器|硬件|服务器|回本|打平|划算|平衡|显卡|self-?host|hardware|server|break-?even|payback", re.IGNORECASE)
_OTHER_TIME = re.compile(r"how long (?:a |is |are |can |may |should )?(?:the |a )?(?:context|prompt|window|document|text|answer)|多久(?:更新|发布|上线)", re.IGNORECASE)
_HELD = re.compile(r"预算|剩|余额|余|账户|账上|卡里|充了?|充值|还有|手里|手上|存了?|一共有|总共有|budget|left|remaining|credit|balance|account|deposit|have|has|prepaid", re.IGNORECASE)
_UNITS = (
    ("year", re.compile(r"几年|多少年|how many (?:more )?years", re.IGNORECASE), Decimal(365), "年", "years"),
    ("month", re.compile(r"几个?月|多少个?月|how many (?:more )?months", re.IGNORECASE), None, "个月", "months"),
    ("week", re.compile(r"几个?(?:周|星期|礼拜)|多少个?(?:周|星期)|how many (?:more )?weeks", re.IGNORECASE), Decimal(7), "周", "weeks"),
)
_RECURS_AFTER = re.compile(r"\s*(?:左右|上下)?\s*(?:/|a |an |per |each |every |每|一)\s*个?\s*(?:day|week|month|year|天|日|周|星期|月|年)|\s*(?:daily|weekly|monthly|yearly)", re.IGNORECASE)
_RECURS_BEFORE = re.compile(r"(?:每天|每日|一天|日均|每周|每星期|一周|每个?月|一个月|月均|每年|一年|per day|a day|daily|per week|a week|weekly|monthly|a month|per month)[^，,。;；\d]{0,10}[$¥￥€£]?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Held:
    """The money that there is; `assumed` where no currency was written."""

    value: Decimal
    currency: str
    assumed: bool = False


def answer_lasts(work: Work) -> Draft | None:
    """Days, weeks or months that a budget lasts; None unless a time is asked for and there is a budget with a use or a spending."""
    question = work.question
    text = question.text
    if not _LASTS.search(text) or _INVESTMENT.search(text) or _OTHER_TIME.search(text):
        return None
    quantity, spending = _budget(work)
    if quantity is None:
        return None
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    if spending is not None:
        return _at_spending(work, _held(work, quantity, spending.unit), spending)
    usage = question.usage
    used = usage.input_tokens is not None or usage.output_tokens is not None or usage.total_tokens is not None
    if not used or not usage.period:
        one_request = usage.request_input_tokens is not None or usage.request_output_tokens is not None
        return _ask_use(work, quantity) if ids and not used and not one_request else None
    quotes = [q[0] for i in ids if (q := usable_quotes(work, i, usage.request_input_tokens))]
    if not quotes:
        return None
    held = _held(work, quantity, quotes[0].currency)
    drafts = [_of_model(work, held, quote) for quote in quotes]
    lines = [line for heads, body in drafts for line in heads] + [""] + [line for _, body in drafts for line in body]
    if held.assumed:
        lines.append(_assumption(work, held))
    work.tool("budget_duration", {"budget": str(held.value), "currency": held.currency}, {"answer": lines[0]}, lines)
    return Draft("\n".join(lines), entities=tuple(q.entity.id for q in quotes), fields=PRICE_FIELDS, intent="budget")


def _of_model(work: Work, held: _Held, quote: PriceQuote) -> tuple[list[str], list[str]]:
    """Headlines and steps for one model."""
    usage = replace(work.question.usage, asked="day", duration_days=None)
    if usage.total_tokens is None:
        options: list[tuple[str, Decimal | None, Decimal | None]] = [("", usage.input_tokens, usage.output_tokens)]
    elif quote.input_rate == quote.output_rate:
        options = [("", usage.total_tokens, None)]
    else:
        options = [(work.say("全按输入", "all input"), usage.total_tokens, None), (work.say("全按输出", "all output"), None, usage.total_tokens)]
    heads: list[str] = []
    body: list[str] = []
    for label, tokens_in, tokens_out in options:
        volume = volume_of(work, replace(usage, input_tokens=tokens_in, output_tokens=tokens_out, total_tokens=None))
        try:
            cost = api_cost(quote, volume.input_tokens, volume.output_tokens)
        except CostInputError:
            continue
        if not cost.total:
            continue
        body += [f"- {s}" for s in (*volume.steps, *cost_steps(work, quote, volume, cost)) if f"- {s}" not in body]
        a_day = cost.total
        if held.currency != cost.currency:
            change = converted(work, a_day, cost.currency, held.currency)
            if change is None:
                return [_needs_rate(work, quote.entity.name, cost.currency, held)], []
            a_day = change[0]
            body.append(f"- {change[1]}")
        said, step = _duration(work, held, a_day)
        body.append(f"- {label}{work.say('：', ': ') if label else ''}{step}")
        name = f"**{quote.entity.name}**{work.say('：', ': ')}" if len(work.question.named) > 1 or label else ""
        heads.append(f"{name}{label}{work.say('，', ', ') if label else ''}{said}")
    if len(options) > 1:
        heads.append(work.say("没有说明这些 token 是输入还是输出；给出比例可以算准。", "It is not said whether the tokens are input or output; state a ratio for one figure."))
    body += [f"- {n}" for n in price_notes(work, quote)]
    return heads, body


def _at_spending(work: Work, held: _Held, spending: Quantity) -> Draft:
    """The budget over a stated spending a day, week or month."""
    period = next(p for p in spending.per if p in DAYS)
    a_day = spending.value / (work.question.usage.days_per_month if period == "month" else DAYS[period])
    steps = []
    work.computed(a_day, spending.value)
    if period != "day":
        days = work.question.usage.days_per_month if period == "month" else DAYS[period]
        steps.append(f"{money(spending.value, spending.unit)} ÷ {plain(days)} = {money(a_day, spending.unit)} {work.say('每天', 'a day')}")
        work.computed(days)
    if spending.unit != held.currency:
        change = converted(work, a_day, spending.unit, held.currency)
        if change is None:
            return Draft(_needs_rate(work, work.say("花费", "the spending"), spending.unit, held), intent="budget")
        a_day = change[0]
        steps.append(change[1])
    said, step = _duration(work, held, a_day)
    steps.append(step)
    lines = [said, "", *(f"- {s}" for s in steps)]
    if held.assumed:
        lines.append(_assumption(work, held))
    work.tool("budget_duration", {"budget": str(held.value), "currency": held.currency, "a_day": str(a_day)}, {"answer": said}, steps)
    return Draft("\n".join(lines), intent="budget")


def _duration(work: Work, held: _Held, a_day: Decimal) -> tuple[str, str]:
    """The time in words, in the unit that is asked for first, and how it came about."""
    days_per_month = work.question.usage.days_per_month
    days = held.value / a_day
    months = days / days_per_month
    work.computed(days, months, a_day, held.value, days_per_month)
    shown, rest = work.say(f"**{plain(days, 1)} 天**", f"**{plain(days, 1)} days**"), work.say(f"{plain(months, 2)} 个月，每月按 {plain(days_per_month)} 天", f"{plain(months, 2)} month{'' if months == 1 else 's'} of {plain(days_per_month)} days")
    for name, pattern, length, zh, en in _UNITS:
        if pattern.search(work.question.text):
            count = days / (length or days_per_month)
            work.computed(count)
            shown = work.say(f"**{plain(count, 2)} {zh}**", f"**{plain(count, 2)} {en}**")
            per = work.say(f"，每月按 {plain(days_per_month)} 天", f", a month of {plain(days_per_month)} days") if name == "month" else ""
            rest = work.say(f"{plain(days, 1)} 天{per}", f"{plain(days, 1)} days{per}")
            break
    said = work.say(f"{money(held.value, held.currency)} 约能用 {shown}（{rest}）。", f"{money(held.value, held.currency)} lasts about {shown} ({rest}).")
    step = work.say("能用：", "Lasts: ") + f"{money(held.value, held.currency)} ÷ {money(a_day, held.currency)} {work.say('每天', 'a day')} = {plain(days, 2)} {work.say('天', 'days')}"
    return said, step


def _needs_rate(work: Work, what: str, currency: str, held: _Held) -> str:
    work.own_words("7.2")
    work.computed(held.value)
    return work.say(
        f"{what} 以 {currency} 计价，手里的是 {money(held.value, held.currency)}；资料没有汇率，给出汇率（例如“按 7.2”）就能算能用多久。",
        f"{what} is in {currency} and the budget is {money(held.value, held.currency)}; state an exchange rate (e.g. “at 7.2”) to compute how long it lasts.",
    )


def _ask_use(work: Work, quantity: Quantity) -> Draft:
    held = _held(work, quantity, "")
    work.computed(held.value)
    return Draft(
        work.say(
            f"{money(held.value, held.currency)} 能用多久取决于用量：请告诉我每天（或每月）用多少输入、输出 token，或每天多少次、每次多少 token。",
            f"How long {money(held.value, held.currency)} lasts depends on the use: please give the input and output tokens a day (or a month), or the requests a day and the tokens of one.",
        ),
        intent="budget",
    )


def _assumption(work: Work, held: _Held) -> str:
    name = currency_name(held.currency, work.language)
    return work.say(f"- 假设：{plain(held.value)} 没有写币种，按{name}计。", f"- Assumption: {plain(held.value)} names no currency; {name} is taken.")


def _held(work: Work, quantity: Quantity, other: str) -> _Held:
    if quantity.is_money:
        return _Held(quantity.value, quantity.unit)
    home = "CNY" if work.language == "zh" else "USD"
    return _Held(quantity.value, home if work.question.rate is not None or not other else other, True)


def _budget(work: Work) -> tuple[Quantity | None, Quantity | None]:
    """The money that there is, and the spending a day, week or month if one is stated in money."""
    question = work.question
    text = question.masked
    amounts: Sequence[Quantity] = sorted((*question.money, *(q for q in question.quantities if _bare_sum(q, text))), key=lambda q: q.start)
    spent = [q for q in amounts if q.is_money and _recurs(q, text) and any(p in DAYS for p in q.per)]
    once = [q for q in amounts if q not in spent]
    if not once and len(spent) > 1:
        # "预算每月 300 刀，每天花 20 刀": the budget of a month over a spending a day.
        once = [q for q in spent if _HELD.search(text[max(0, q.start - 10) : q.start])][:1]
        spent = [q for q in spent if q not in once]
    if not once and len(spent) == 1 and question.usage.has_volume and not _RECURS_AFTER.match(text, spent[0].end):
        return spent[0], None
    if not once:
        return None, None
    beside = [q for q in once if _HELD.search(text[max(0, q.start - 10) : q.end + 8])]
    return (beside or once)[0], spent[0] if spent else None


def _recurs(q: Quantity, text: str) -> bool:
    own_period = bool(q.per) and q.end - q.start > len(q.text)
    return own_period or bool(_RECURS_AFTER.match(text, q.end) or _RECURS_BEFORE.search(text[max(0, q.start - 20) : q.start]))


def _bare_sum(q: Quantity, text: str) -> bool:
    """ "账上1万5", "余额 6000": a number beside a word for money that there is."""
    return not q.unit and not q.is_money and q.value >= 100 and bool(_HELD.search(text[max(0, q.start - 6) : q.start]))
