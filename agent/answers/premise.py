"""Figures that a question takes for granted ("既然 Llama 4 是 $5"), held against what the sources state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from agent.tools.cost import MILLION, per_tokens
from agent.tools.prices import INPUT, OUTPUT, PriceQuote
from agent.understand.question import FieldMention
from agent.words import currency_name, money, tokens
from agent.work import Work
from kb.catalog.schema import Claim
from kb.quantities import DAYS, Quantity

_ASSERTS = re.compile(
    r"吗|对吧|对吗|对不对|是不是|吧(?=[?？。，,;；]|$)|既然|因为|听说|据说|不是.{0,12}(?:吗|么)|^(?:is|are|does|do|would|will)\b|[,，] (?:is|does|would|will) (?:it|that|they|this)\b|right\?|correct\?|since|because|given that|i heard",
    re.IGNORECASE,
)
_FREE = re.compile(r"免费|不要钱|不花钱|\bfree\b|no charge", re.IGNORECASE)
_FREE_PART = re.compile(
    r"免费(?:额度|的?\s*token|层|试用|部分|版|赠)|(?:扣除|减去|超出|除了?|用完).{0,6}免费|\bfree (?:tier|quota|tokens?|credits?|trial)",
    re.IGNORECASE,
)
"""What is free is a part of the volume, which is taken off elsewhere (agent/answers/free_tier.py)."""
_REACH = 14
_UNIT_PRICE = re.compile(r"(?:价|price|rate)[^，,。]{0,6}$", re.IGNORECASE)
_ROUNDING = Decimal("0.005")
"""People round what they ask about: a bill within half a percent is the one that they mean."""


def asserts(text: str) -> bool:
    """Whether a question takes something for granted or asks whether it is so."""
    return bool(_ASSERTS.search(text))


def price_premise(work: Work, quote: PriceQuote, fields: Sequence[str]) -> str:
    """ "对，" or "不是" before a price, where the question asserts one; "" where it asserts none."""
    text = work.question.masked.split(" \n ")[0]
    if not asserts(work.question.text):
        return ""
    rates = [r for f in fields if (r := quote.input_rate if f == INPUT else quote.output_rate) is not None]
    if free := free_premise(work, quote, rates):
        return free
    written = [q for q in work.question.quantities if re.search(r"\d", q.text)]
    asserted = [q for q in written if (q.is_money or not q.unit and _near_price(text, q)) and not q.bound]
    if len(asserted) != 1 or not rates:
        return ""
    scale = MILLION / per_tokens(quote)
    value = asserted[0].value
    if asserted[0].unit and asserted[0].unit != quote.currency or all(r * scale != value for r in rates):
        work.computed(value)
        return work.say(f"**不是 {asserted[0].text}**。", f"**Not {asserted[0].text}.** ")
    return work.say("**对**。", "**Yes.** ")


def free_premise(work: Work, quote: PriceQuote, rates: Sequence[Decimal]) -> str:
    """That a price is charged, where the question asserts that there is none; "" else. `rates` are the prices it is about."""
    text = work.question.masked.split(" \n ")[0]
    said = asserts(work.question.text) and _FREE.search(text) and not _FREE_PART.search(text)
    return _not_free(work, quote) if said and rates and all(rates) else ""


def _not_free(work: Work, quote: PriceQuote) -> str:
    """That a price is charged, or from which volume a month on."""
    given = next((c for c in quote.entity.claims.get("free_tokens", ()) if isinstance(c.value, Decimal)), None)
    if given is not None and isinstance(given.value, Decimal):
        work.computed(given.value)
        shown = tokens(given.value, work.language)
        return work.say(
            f"**每月前 {shown} token 免费** {work.cite(given)}，超出部分收费。",
            f"**The first {shown} tokens a month are free** {work.cite(given)}; the rest is charged. ",
        )
    return work.say("**不免费**。", "**Not free.** ")


def cost_premise(work: Work, quote: PriceQuote, total: Decimal) -> str:
    """What the question asserts of the unit price or of the bill ("输出价是 8 美元吧，那 40 刀对不对"), each held against `quote` and
    `total` (in the quote's currency); "" where it asserts nothing."""
    question = work.question
    if not asserts(question.text) or question.has("false_premise_value"):
        return ""
    text, scale = question.masked.split(" \n ")[0], MILLION / per_tokens(quote)
    rates = {field: rate * scale for field, rate in ((INPUT, quote.input_rate), (OUTPUT, quote.output_rate)) if rate is not None}
    said = [free] if (free := free_premise(work, quote, tuple(rates.values()))) else []
    for quantity in question.quantities:
        if not quantity.is_money or quantity.bound or quantity.high is not None or question.is_rate(quantity):
            continue
        shown = quantity.text.strip()
        if quantity.unit not in ("", quote.currency):
            if question.rate_span is None and work.default_rate is None:
                work.judged.add(quantity.start)
                own = currency_name(quote.currency, work.language)
                work.computed(quantity.value)
                said.append(
                    work.say(
                        f"资料以{own}计价，没有汇率，无法核对 {shown}。",
                        f"The sources price in {own}; without a rate {shown} cannot be checked. ",
                    )
                )
            continue
        work.judged.add(quantity.start)
        if _UNIT_PRICE.search(text[: quantity.start]) or quantity.per and DAYS.keys().isdisjoint(quantity.per):
            if quantity.value in rates.values():
                continue
            both = work.say("、", ", ").join(f"{work.label(field)} {money(rate, quote.currency)}" for field, rate in rates.items())
            said.append(
                work.say(
                    f"单价**不是 {shown}**：资料里每百万 token {both}。",
                    f"The unit price is **not {shown}**: the sources state {both} per million tokens. ",
                )
            )
        elif abs(quantity.value - total) <= abs(total) * _ROUNDING:
            said.append(work.say("**对**。", "**Yes.** "))
        else:
            said.append(work.say(f"**不是 {shown}**。", f"**Not {shown}.** "))
        work.computed(quantity.value, *rates.values())
    return "".join(said)


def _near_price(text: str, quantity: Quantity) -> bool:
    return bool(re.search(r"(?:价|钱|price|cost)[^，,。]{0,6}$", text[: quantity.start], re.IGNORECASE))


def figure_premise(work: Work, field: str, claims: Sequence[Claim]) -> str:
    """ "不是 100 万：" before a figure, where the question attributes another one to the field; "" else."""
    if work.field(field).type not in ("quantity", "rank"):
        return ""
    mentions = [m for m in work.question.fields if m.field == field and m.end > m.start]
    stated = {c.value for c in claims if isinstance(c.value, Decimal)}
    units = {c.unit for c in claims if isinstance(c.value, Decimal)}
    for quantity in work.question.quantities:
        wanted = {"token": "token", "char": "character", "word": "word"}.get(quantity.unit, "")
        if wanted and units and wanted not in units and quantity.value in stated and any(_beside(m, quantity) for m in mentions):
            return work.say("注意单位：资料写的不是这个单位。", "Mind the unit: the sources state another one. ")
        if quantity.is_money or quantity.bound or quantity.value < 2 or not re.search(r"\d", quantity.text):
            continue
        if any(_beside(m, quantity) for m in mentions) and stated and quantity.value not in stated:
            work.computed(quantity.value)
            return work.say(f"资料不是 {quantity.text.strip()}。", f"The sources do not say {quantity.text.strip()}. ")
    return ""


def _beside(mention: FieldMention, quantity: Quantity) -> bool:
    gap = mention.start - quantity.end if quantity.end <= mention.start else quantity.start - mention.end
    return 0 <= gap <= _REACH // 2
