"""From which volume a fixed cost a month is cheaper than an API: fixed / price of a token (or of a request)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from agent.answers.breakeven_amounts import Amounts, Money, roles
from agent.answers.missing import missing_fact
from agent.answers.price import context_hint, price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, price_fields, targets
from agent.tools.cost import MILLION, api_cost, per_tokens
from agent.tools.prices import INPUT, PriceQuote
from agent.understand.split import division_of, output_first
from agent.words import money, plain, tokens
from agent.work import Draft, Work

_ASKS_VOLUME = re.compile(
    r"(?:多少|几|什么)\s*(?:个|的)?\s*(?:tokens?|词元|用量|量级|量|字|次|请求|亿|万)|(?:用量|量|用|跑)(?:要)?(?:到|达到|超过|大于)(?:了)?(?:每月)?多少|多大(?:的)?(?:用)?量|"
    r"how (?:many|much) (?:\S+ ){0,4}(?:tokens?|requests?|calls?|volume|usage|traffic)|(?:what|which) (?:\w+ ){0,3}(?:volume|usage|traffic)",
    re.IGNORECASE,
)
_OWN = re.compile(r"自建|自己(?:部署|跑|搭|的机器)|自部署|私有化|本地|自托管|租(?:机器|卡|服务器|gpu)|self[- ]?host|on-?prem|in-?house|our own|own (?:cluster|servers?|hardware|gpus?)|cluster", re.IGNORECASE)
_CHEAPER = re.compile(r"贵|便宜|划算|合算|值|省|cheaper|dearer|more expensive|worth|pays?\b|beats?\b", re.IGNORECASE)
_ASKS_REQUESTS = re.compile(r"(?:多少|几)\s*(?:次|请求|个请求|条|轮)|how many (?:\w+ )?(?:requests?|calls?|queries|chats?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Blend:
    """Price of a million tokens at one ratio of input to output, and the ratio in words."""

    label: str
    rate: Decimal
    formula: str = ""


def answer_break_even_volume(work: Work) -> Draft | None:
    """Tokens or requests a month from which a fixed monthly cost pays; None where months are asked for or no such cost is given."""
    question = work.question
    # Names are blanked out: "how many GPT-5.1 tokens".
    text = re.sub(r"\s+", " ", question.masked.split(" \n ")[0])
    compares = bool(_OWN.search(text)) and bool(_CHEAPER.search(text))
    if not (question.has("break_even_word") or compares) or not _ASKS_VOLUME.search(text):
        return None
    usage = question.usage
    if usage.has_volume and usage.request_input_tokens is None and usage.request_output_tokens is None:
        return None
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    amounts = roles(work)
    fixed = (*amounts.running_monthly, *((amounts.api_monthly,) if amounts.api_monthly else ()))
    if not fixed and len(amounts.upfront) == 1 and re.search(r"固定|fixed", text, re.IGNORECASE):
        fixed, amounts = amounts.upfront, Amounts()
    if not ids:
        return _ask(work, work.say("对比哪个模型的 API", "the model whose API it is compared with")) if fixed else None
    quotes = usable_quotes(work, ids[0], context_hint(work))
    if not quotes:
        return missing_fact(work, work.entity(ids[0]).name, work.say("价格", "price"), [work.entity(ids[0])])
    if not fixed and not amounts.upfront:
        return _ask(work, work.say("自建每月的固定成本（租金、电费、人工、折旧）", "the fixed cost a month of owning (rent, power, staff, depreciation)"))
    if amounts.upfront:
        said = work.say("、", ", ").join(q.text.strip() for q in amounts.upfront)
        return _ask(
            work, work.say(f"{said} 的一次性投入摊多少个月（或直接给每月的固定成本）", f"over how many months {said} is spread (or the fixed cost a month)")
        )
    cash = Money(work, fixed)
    quote, home = quotes[0], cash.currency
    own = sum((cash.value(q) for q in fixed), Decimal(0))
    if quote.currency != home:
        cash.currency = quote.currency
        own = sum((cash.value(q) for q in fixed), Decimal(0))
    if cash.missing_rate:
        work.own_words("7.2")
        return Draft(
            work.say(
                f"{quote.entity.name} 以 {quote.currency} 计价，自建成本是 {cash.missing_rate}；资料没有汇率，给出汇率（例如“按 7.2”）就能算打平的用量。",
                f"{quote.entity.name} is priced in {quote.currency} and the own cost is in {cash.missing_rate}; state a rate (e.g. “at 7.2”) for the break-even volume.",
            ),
            entities=(ids[0],),
            fields=PRICE_FIELDS,
            intent="break_even",
        )
    work.computed(own, *(cash.value(q) for q in fixed))
    steps = list(cash.steps)
    if len(fixed) > 1:
        steps.append(
            work.say("自建每月：", "Own cost a month: ") + " + ".join(money(cash.value(q), quote.currency) for q in fixed) + f" = {money(own, quote.currency)}"
        )
    if usage.request_input_tokens is not None or usage.request_output_tokens is not None:
        heads = _requests(work, quote, own, steps)
    else:
        heads = break_even_tokens(work, quote, own, steps)
    notes = [*cash.assumption(matters=True), *price_notes(work, quote)]
    work.tool("break_even_volume", {"model": quote.entity.id, "fixed_monthly": str(own), "currency": quote.currency}, {"answer": heads[0]}, steps)
    return Draft("\n".join([*heads, "", *(f"- {s}" for s in (*steps, *notes))]), entities=(ids[0],), fields=PRICE_FIELDS, intent="break_even")


def break_even_tokens(work: Work, quote: PriceQuote, own: Decimal, steps: list[str]) -> list[str]:
    """Lines on the tokens a month from which `own` a month, in the quote's currency, is cheaper than the API; `steps` grows by how."""
    heads, found = [], []
    for blend in blends(work, quote):
        volume = (own / blend.rate * MILLION).to_integral_value(rounding="ROUND_CEILING")
        work.computed(volume, blend.rate, volume / Decimal(10**8), volume / Decimal(10**4))
        found.append((blend, volume))
        if blend.formula:
            steps.append(blend.formula)
        steps.append(
            f"{blend.label}{work.say('：', ': ')}{money(own, quote.currency)} ÷ {money(blend.rate, quote.currency)} × {tokens(MILLION, work.language)} = {plain(volume, 0)} token"
        )
    marks = work.cite(*quote.claims)
    if len(found) == 1:
        blend, volume = found[0]
        heads.append(
            work.say(
                f"每月用量超过 **{plain(volume, 0)} token**（约 {_rounded(volume)}，{blend.label}）后，自建比 {quote.entity.name} 的 API 便宜 {marks}。",
                f"Owning is cheaper than the {quote.entity.name} API above **{plain(volume, 0)} tokens** a month ({blend.label}) {marks}.",
            )
        )
        return heads
    low, high = sorted(v for _, v in found)
    work.own_words("3:1")
    heads.append(
        work.say(
            f"打平的用量看输入输出比例：每月 **{plain(low, 0)}** 到 **{plain(high, 0)}** token 之间（约 {_rounded(low)} 到 {_rounded(high)}）{marks}；给出比例（如 3:1）可以算准。",
            f"It depends on the ratio of input to output: between **{plain(low, 0)}** and **{plain(high, 0)}** tokens a month {marks}; state it (e.g. 3:1) for one figure.",
        )
    )
    return heads


def blends(work: Work, quote: PriceQuote) -> list[Blend]:
    """The price of a million tokens: one where both directions cost the same or the ratio is known, else all input and all output."""
    scale = MILLION / per_tokens(quote)
    into, out = (None if r is None else r * scale for r in (quote.input_rate, quote.output_rate))
    if into is not None and into == out:
        return [Blend(work.say("输入输出同价", "same price in and out"), into)]
    text = work.question.masked.split(" \n ")[0]
    share: Decimal | None = None
    label = ""
    if work.question.ratios:
        ratio = work.question.ratios[0]
        left, right = ratio.left, ratio.right
        if output_first(text, ratio.start, ratio.end):
            left, right = right, left
        share, label = left / (left + right), work.say(f"输入输出 {plain(left)}:{plain(right)}", f"input:output {plain(left)}:{plain(right)}")
    elif division := division_of(text, work.question.quantities):
        share = division.input_per_output / (division.input_per_output + 1)
        label = work.say(f"输入占 {plain(share * 100, 1)}%", f"{plain(share * 100, 1)}% input")
        work.computed(share * 100)
    if share is not None and into is not None and out is not None:
        rate = into * share + out * (1 - share)
        formula = f"{label}{work.say('：每百万 token ', ': 1M tokens ')}{money(into, quote.currency)} × {plain(share, 4)} + {money(out, quote.currency)} × {plain(1 - share, 4)} = {money(rate, quote.currency)}"
        work.computed(share, 1 - share, into, out)
        return [Blend(label, rate, formula)]
    found = []
    for field in price_fields(work):
        price = into if field == INPUT else out
        if price:
            found.append(Blend(work.say("全按输入", "all input") if field == INPUT else work.say("全按输出", "all output"), price))
    return found


def _requests(work: Work, quote: PriceQuote, own: Decimal, steps: list[str]) -> list[str]:
    usage = work.question.usage
    one = api_cost(quote, usage.request_input_tokens, usage.request_output_tokens).total
    count = (own / one).to_integral_value(rounding="ROUND_CEILING")
    each = (usage.request_input_tokens or Decimal(0)) + (usage.request_output_tokens or Decimal(0))
    work.computed(one, count, each, count * each, count / 30)
    steps.append(
        work.say("每次 API 费用：", "One request on the API: ")
        + " + ".join(
            f"{plain(t)} ÷ {tokens(per_tokens(quote), work.language)} × {money(r, quote.currency)}"
            for t, r in ((usage.request_input_tokens, quote.input_rate), (usage.request_output_tokens, quote.output_rate))
            if t and r is not None
        )
        + f" = {money(one, quote.currency)}"
    )
    steps.append(f"{money(own, quote.currency)} ÷ {money(one, quote.currency)} = {plain(count, 0)} {work.say('次', 'requests')} = {tokens(count * each, work.language)} token")
    marks = work.cite(*quote.claims)
    return [
        work.say(
            f"每月超过 **{plain(count, 0)} 次**（约每天 {plain(count / 30, 0)} 次）后，自建比 {quote.entity.name} 的 API 便宜 {marks}。",
            f"Owning is cheaper than the {quote.entity.name} API above **{plain(count, 0)} requests** a month (about {plain(count / 30, 0)} a day) {marks}.",
        )
    ]


def _ask(work: Work, what: str) -> Draft:
    return Draft(
        work.say(
            f"算打平的用量还缺：{what}。公式：自建每月固定成本 ÷ API 每个 token 的价格。",
            f"For the break-even volume, please give {what}. Formula: own fixed cost a month ÷ the API price of a token.",
        ),
        intent="break_even",
    )


def _rounded(count: Decimal) -> str:
    scaled = count / Decimal(10**8)
    return f"{plain(scaled, 2)} 亿" if scaled >= 1 else f"{plain(count / Decimal(10**4), 2)} 万"
