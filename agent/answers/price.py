"""Unit prices and conversions in words: what every answer that speaks of money is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from agent.tools.cost import MILLION, convert_money, convertible, per_tokens
from agent.tools.prices import INPUT, PriceQuote, choose_quotes, quotes_of
from agent.understand.pairs import Pair, currency_words, stated_pair
from agent.words import currency_name, money, plain, tokens
from agent.work import Work
from kb.catalog.show import condition_text
from kb.quantities import Quantity, currencies_named
from kb.rates import token_count_unit
from kb.text import normalise


def context_hint(work: Work) -> Decimal | None:
    """The prompt length that the question is about: one request's input, or a stated bound ("128K以内", "over 200K")."""
    usage = work.question.usage
    if usage.request_input_tokens is not None:
        return usage.request_input_tokens
    if (one := prompt_length(work)) is not None:
        return one
    for quantity in work.question.quantities:
        if quantity.is_money or quantity.unit not in ("", "token") or quantity.value < 1000 or quantity.value > 20_000_000:
            continue
        if quantity.bound == "max":
            return quantity.value
        around = work.question.masked[max(0, quantity.start - 8) : quantity.end + 8]
        if not quantity.bound and re.search(r"上下文|context|prompt", around, re.IGNORECASE) and not work.question.usage.has_volume:
            return quantity.value
        if quantity.bound == "min":
            return quantity.value + 1
    return None


_A_PROMPT = re.compile(r"\s*(?:-?\s*tokens?)?\s*(?:的|长的|long)?\s*(?:单条|单个|一条|一个|single|long)?\s*(?:提示词|prompts?\b|上下文|单次请求)", re.IGNORECASE)
_PROMPT_OF = re.compile(r"(?:提示词|prompts?)\s*(?:长度|长|length)?\s*(?:是|为|有|达|of|with|is|has|about|约)?\s*(?:about|约)?\s*$", re.IGNORECASE)


_DIRECTED = re.compile(r"\s*(?:tokens?\s*)?(?:in|out|input|output|进|出|输入|输出)(?![a-z])", re.IGNORECASE)


def prompt_length(work: Work) -> Decimal | None:
    """The length of one prompt where the question names it as such ("5万token的提示词", "a 200k-token prompt"), without a count of requests."""
    if work.question.usage.requests is not None:
        return None
    text = work.question.masked
    for quantity in work.question.quantities:
        if quantity.is_money or quantity.unit not in ("", "token") or quantity.per or not 1000 <= quantity.value <= 20_000_000:
            continue
        if _DIRECTED.match(text, quantity.end):
            # "short prompts 12M in" is a volume.
            continue
        if _A_PROMPT.match(text, quantity.end) or _PROMPT_OF.search(text[: quantity.start]):
            return quantity.value
    return None


def asks_unit_price(work: Work) -> bool:
    """Whether a question that names the length of a prompt is for the price of its tier and not for what the prompt costs."""
    own = work.question.masked.split(" \n ")[0]
    return prompt_length(work) is not None and bool(
        re.search(r"单价|价格|输入价|输出价|什么价|哪(?:一)?档|计价|收费标准|\bprices?\b|\brates?\b|\btier\b|per (?:1?m|million)", own, re.IGNORECASE)
    )


def wanted_conditions(work: Work) -> Mapping[str, str]:
    """Conditions that the question names: channel third_party, size 70B."""
    return {v.field: v.value for v in work.question.conditions}


def usable_quotes(work: Work, entity_id: str, context_tokens: Decimal | None = None) -> list[PriceQuote]:
    """The quotes to calculate with, best first, by the conditions that the question names."""
    quotes = quotes_of(work.catalog, entity_id)
    product = named_product(work, entity_id)
    if product:
        quotes = [q for q in quotes if not q.about or normalise(q.about) == product]
    chosen = choose_quotes(quotes, context_tokens=context_tokens, wanted=wanted_conditions(work))
    change = work.question.price_change
    factor = change.factor_of(entity_id) if change else Decimal(1)
    return [replace(q, factor=factor) for q in chosen] if factor != 1 else chosen


def named_product(work: Work, entity_id: str) -> str:
    """The product of an entity that the question names by its own name ("Qwen-Long"), where claims are about such products; else ""."""
    abouts = {flat(c.about): normalise(c.about) for claims in work.entity(entity_id).claims.values() for c in claims if c.about}
    for mention in work.question.named:
        if entity_id in mention.entities and flat(mention.text) in abouts and flat(mention.text) != flat(work.entity(entity_id).name):
            return abouts[flat(mention.text)]
    return ""


def flat(name: str) -> str:
    return re.sub(r"[\s\-_]", "", normalise(name))


def target_currency(work: Work) -> str:
    """The currency that the result is wanted in; "" if the question does not say."""
    pair = pair_of(work)
    own = work.question.masked.split(" \n ")[0]
    named = _asked_currency(own.lower(), pair)
    if named and (pair is not None or named not in ("CNY", "USD")):
        return named
    if pair is not None:
        return _other_of(work, pair)
    text = own.lower()
    asked = re.findall(
        r"(?:\bin |合|折合?|换成|多少|算成|按|几|换算成?)\s*(人民币|rmb|cny|yuan|元人民币|美元|美金|usd|us dollars|dollars)", text
    )
    if asked:
        return "CNY" if asked[-1] in ("人民币", "rmb", "cny", "yuan", "元人民币") else "USD"
    text = re.sub(
        r"\d[\d.]*\s*(?:rmb|cny|yuan|人民币|元)?\s*(?:/|per|to|兑|对|=)\s*(?:the |1)?\s*(?:usd|dollar|美元)|(?:usd|dollar|美元)\s*(?:/|per|to|兑|对|=)\s*(?:the |1)?\s*(?:rmb|cny|yuan|人民币)",
        " ",
        text,
    )
    to_cny = any(w in text for w in ("人民币", "rmb", "cny", "yuan", "元人民币", "多少元", "几块人民币"))
    to_usd = any(w in text for w in ("美元", "美金", "usd", "dollar", "几刀", "多少刀"))
    if to_cny != to_usd:
        return "CNY" if to_cny else "USD"
    if work.question.rate is not None and not to_cny:
        return "CNY"
    return "CNY" if to_cny and work.question.rate is not None else ""


_ASKED_IN = re.compile(
    r"(?:\b(?:in|into|to|as)\s+(?:the\s+)?|合|折合?|换成|换算成?|折算成?|折成|多少|算成|按|几)\s*$|(?:\bhow (?:much|many)\s+)$", re.IGNORECASE
)


def pair_of(work: Work) -> Pair | None:
    """The rate between two currencies that the question or the turns before it state.

    Dollars against yuan are read by the question's own reader, which knows spoken rates ("1刀=7块2").
    """
    pair = stated_pair(work.question.masked)
    if pair is not None and pair.codes == {"CNY", "USD"} and work.question.rate is not None:
        return replace(pair, base="USD", quote="CNY", rate=work.question.rate)
    return pair


def _asked_currency(text: str, pair: Pair | None) -> str:
    """The currency behind "in", "换成" and the like; the words that state the rate itself ask for nothing."""
    if pair is not None:
        text = normalise(text).lower().replace(pair.text, " ")
    asked = [code for start, code in currency_words(text) if _ASKED_IN.search(normalise(text)[:start])]
    return asked[-1] if asked else ""


def _other_of(work: Work, pair: Pair) -> str:
    """What to convert into where only a rate is given: the other currency of the named models, the pair's first where they have both."""
    found = {q.currency for m in work.question.named for i in m.entities for q in quotes_of(work.catalog, i)} & pair.codes
    return next(iter(pair.codes - found)) if len(found) == 1 else pair.base if found else ""


def in_currency(work: Work, value: Decimal, source: str, target: str) -> Decimal | None:
    """A value in another currency at the rate that is known; None if none is."""
    if source == target:
        return value
    pair = pair_of(work)
    if pair is not None and {source, target} == pair.codes:
        return pair.convert(value, source, target)
    rate, _ = exchange_rate(work)
    if rate is None or not convertible(source, target) or (pair is not None and pair.codes != {"CNY", "USD"}):
        return None
    return convert_money(value, source, target, rate)


def common_currency(work: Work, currencies: Sequence[str]) -> str:
    """The currency in which amounts of two currencies can be ranked; "" if no rate between them is known."""
    if len(currencies) != 2 or in_currency(work, Decimal(1), *currencies) is None:
        return ""
    wanted = target_currency(work)
    pair = pair_of(work)
    return wanted if wanted in currencies else pair.base if pair is not None and pair.base in currencies else "CNY"


def rate_words(work: Work, source: str, target: str) -> str:
    """`汇率 7.2 CNY/USD，问题给定`: the rate between two currencies and where it comes from."""
    pair = pair_of(work)
    if pair is not None and {source, target} == pair.codes:
        work.computed(pair.rate, Decimal(1))
        origin = work.say("问题给定", "given in the question")
        if pair.codes != {"CNY", "USD"}:
            return f"1 {pair.base} = {plain(pair.rate)} {pair.quote}{work.say('，', ', ')}{origin}"
    rate, origin = exchange_rate(work)
    return work.say("汇率 ", "rate ") + f"{plain(rate or Decimal(0))} CNY/USD{work.say('，', ', ')}{origin}"


def exchange_rate(work: Work) -> tuple[Decimal | None, str]:
    """The rate to use and where it comes from: the question first, then the dated setting; never a silent one."""
    if work.question.rate is not None:
        return work.question.rate, work.say("问题给定", "given in the question")
    if work.default_rate is not None:
        return work.default_rate, work.say(f"设置，{work.default_rate_date}", f"from the settings, {work.default_rate_date}")
    return None, ""


def converted(work: Work, value: Decimal, currency: str, target_code: str) -> tuple[Decimal, str] | None:
    """A value in the target currency with the line that shows how; None if no rate is known."""
    if not target_code or target_code == currency:
        return None
    result = in_currency(work, value, currency, target_code)
    if result is None:
        return None
    work.computed(result)
    pair = pair_of(work)
    rate = pair.rate if pair is not None and {currency, target_code} == pair.codes else exchange_rate(work)[0] or Decimal(1)
    times = currency == pair.base if pair is not None and {currency, target_code} == pair.codes else currency == "USD"
    words = rate_words(work, currency, target_code)
    line = f"{money(value, currency)} {'×' if times else '÷'} {plain(rate)} = {money(result, target_code)}" + work.say(
        f"（{words}）", f" ({words})"
    )
    return result, line


def needs_rate(work: Work, currency: str) -> str:
    """A sentence that says a rate is missing, where another currency was asked for; else ""."""
    wanted = target_currency(work)
    other = next((code for code in currencies_named(work.question.masked) if code not in ("CNY", "USD", currency)), "")
    if wanted and in_currency(work, Decimal(1), currency, wanted) is not None:
        return ""
    if other and not wanted:
        return work.say(
            f"资料没有给出 {currency} 与 {other} 的汇率，这里不做换算。",
            f"The sources give no rate between {currency} and {other}, so nothing is converted.",
        )
    if not wanted or wanted == currency:
        return ""
    work.computed(Decimal("7.2"))
    if not convertible(currency, wanted):
        return work.say(
            f"资料没有给出 {currency} 与 {wanted} 的汇率，这里不做换算。",
            f"The sources give no rate between {currency} and {wanted}, so nothing is converted.",
        )
    return work.say(
        f"资料没有给出汇率，这里不做换算；告诉我汇率（例如“按 7.2”）就能折算成{currency_name(wanted, 'zh')}。",
        f"The sources give no exchange rate, so nothing is converted; state one (e.g. “at 7.2”) to get {wanted}.",
    )


def currency_note(work: Work, budget: Quantity) -> list[str]:
    """That a currency was assumed, where the amount was written without one."""
    if currencies_named(budget.text) or re.search(r"[$¥￥€£₩₹]|元|块|刀|毛|cent", budget.text):
        return []
    return [
        work.say(
            f"- 假设：预算没有写币种，按{currency_name(budget.unit, 'zh')}计。",
            f"- Assumption: the budget names no currency; {budget.unit} is assumed.",
        )
    ]


def rate_text(work: Work, rate: Decimal, currency: str, per: Decimal) -> str:
    """`$5/百万 token`, scaled to the count of tokens that was asked for."""
    if per == 1000:
        unit = work.say("千 token", "1K tokens")
    elif per == MILLION:
        unit = work.say("百万 token", "1M tokens")
    else:
        unit = work.say(f"{plain(per)} token", f"{plain(per)} tokens")
    return f"{money(rate, currency)}/{unit}"


def quote_phrase(work: Work, quote: PriceQuote, fields: Sequence[str], per: Decimal = MILLION) -> str:
    """`输入 $5/百万 token，输出 $15/百万 token [1]` for one quote; every number in it is recorded."""
    parts = []
    for field in fields:
        rate = quote.input_rate if field == INPUT else quote.output_rate
        claim = quote.input_claim if field == INPUT else quote.output_claim
        if rate is None or claim is None:
            continue
        scaled = rate * per / per_tokens(quote)
        work.computed(scaled)
        name = work.say("输入" if field == INPUT else "输出", "input" if field == INPUT else "output")
        about = work.say("约 ", "about ") if claim.approx else ""
        parts.append(f"{name} {about}{rate_text(work, scaled, quote.currency, per)} {work.cite(claim)}")
    return work.say("，", ", ").join(parts)


def price_notes(work: Work, quote: PriceQuote) -> list[str]:
    """What a buyer must know beside the price: the product that it is headed with, its conditions."""
    notes = free_note(work, quote)
    if quote.factor != 1:
        notes.append(_supposed(work, quote))
    if quote.when:
        notes.append(
            work.say(
                f"适用条件：{condition_text(quote.when, work.catalog, 'zh')}。",
                f"Condition: {condition_text(quote.when, work.catalog, 'en')}.",
            )
        )
    if quote.about:
        notes.append(
            work.say(
                f"注意：来源里这张价格写的是 **{quote.about}**，不是 {quote.entity.name}。",
                f"Note: the source heads this price **{quote.about}**, not {quote.entity.name}.",
            )
        )
    return notes


def free_note(work: Work, quote: PriceQuote) -> list[str]:
    """The tokens that the sources say are free every month; they are not taken off a bill unless that is asked for."""
    notes = []
    for claim in quote.entity.claims.get("free_tokens", ())[:1]:
        if isinstance(claim.value, Decimal):
            work.computed(claim.value)
            shown = tokens(claim.value, work.language)
            notes.append(
                work.say(
                    f"资料写有免费额度：每月 {shown} token {work.cite(claim)}；这里没有扣除。",
                    f"The sources give a free tier of {shown} tokens a month {work.cite(claim)}; it is not deducted here.",
                )
            )
    return notes


def _supposed(work: Work, quote: PriceQuote) -> str:
    """That a price is the source's times what the question supposes ("八折"), and that no source says so."""
    shown = []
    for name, claim, rate in (
        (work.say("输入", "input"), quote.input_claim, quote.input_rate),
        (work.say("输出", "output"), quote.output_claim, quote.output_rate),
    ):
        if claim is not None and isinstance(claim.value, Decimal) and rate is not None:
            work.computed(claim.value, rate)
            shown.append(f"{name} {money(claim.value, quote.currency)} × {plain(quote.factor)} = {money(rate, quote.currency)}")
    work.computed(quote.factor)
    return work.say(
        f"单价按问题的假设乘 {plain(quote.factor)}：{'，'.join(shown)}；资料没有写这项折扣或调价。",
        f"Prices are multiplied by {plain(quote.factor)} as the question supposes: {', '.join(shown)}; no source states such a change.",
    )


def asked_per(work: Work) -> Decimal:
    """Per how many tokens the price is wanted: a thousand where the question says so, else a million."""
    unit = token_count_unit(work.question.masked.split(" \n ")[0])
    return unit[0] if unit and unit[0] in (Decimal(1000), Decimal(10_000), Decimal(100_000_000)) else MILLION
