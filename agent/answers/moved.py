"""A bill on one model moved to another without a volume: the range between all input and all output, exact with a ratio."""

from __future__ import annotations

from decimal import Decimal

from agent.answers.price import price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, targets
from agent.tools.cost import MILLION, per_tokens
from agent.tools.prices import PriceQuote
from agent.words import money, period_words, plain
from agent.work import Draft, Work
from kb.quantities import DAYS


def answer_moved_bill(work: Work) -> Draft | None:
    """What the same tokens cost on the other model; None without one bill, two priced models of one currency and a switch."""
    question = work.question
    if len(question.money) != 1 or question.usage.has_volume or question.shares or not question.has("switch_word"):
        return None
    if question.has("budget_word") or question.has("break_even_word"):
        return None
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    quotes = [usable_quotes(work, i) for i in ids[:2]]
    if len(quotes) < 2 or not all(quotes):
        return None
    old, new = quotes[0][0], quotes[1][0]
    bill = question.money[0]
    if old.currency != new.currency or bill.unit != old.currency:
        return None
    into, out = _rates(old), _rates(new)
    if into is None or out is None:
        return None
    period = period_words(next((p for p in bill.per if p in DAYS), ""), work.language)
    shown = period if work.language == "zh" else ""
    lines = []
    if question.ratios:
        ratio = question.ratios[0]
        share = ratio.left / (ratio.left + ratio.right)
        before, after = (r[0] * share + r[1] * (1 - share) for r in (into, out))
        cost = bill.value / before * after
        work.computed(cost, before, after, ratio.left, ratio.right)
        head = work.say(
            f"换到 **{new.entity.name}** 约 {shown}**{money(cost, new.currency)}**（输入输出 {plain(ratio.left)}:{plain(ratio.right)}）。",
            f"About **{money(cost, new.currency)}** {period} on **{new.entity.name}** (input:output {plain(ratio.left)}:{plain(ratio.right)}).",
        )
        lines.append(f"- {money(bill.value, bill.unit)} ÷ {money(before, old.currency)} × {money(after, new.currency)} = {money(cost, new.currency)}")
    else:
        ends = [bill.value / into[i] * out[i] for i in (0, 1)]
        low, high = sorted(ends)
        work.computed(*ends)
        head = work.say(
            f"换到 **{new.entity.name}** {shown}在 **{money(low, new.currency)}** 到 **{money(high, new.currency)}** 之间，看输入输出的比例；给出比例（如 3:1）可以算准。",
            f"Between **{money(low, new.currency)}** and **{money(high, new.currency)}** {period} on **{new.entity.name}**, depending on the ratio of input to output; state it (e.g. 3:1) for one figure.",
        )
        work.own_words("3:1")
        for name, i in ((work.say("全按输入", "all input"), 0), (work.say("全按输出", "all output"), 1)):
            lines.append(
                f"- {name}{work.say('：', ': ')}{money(bill.value, bill.unit)} ÷ {money(into[i], old.currency)} × {money(out[i], new.currency)} = {money(ends[i], new.currency)}"
            )
    work.computed(bill.value, *into, *out)
    lines.append(work.say("- 依据的单价：", "- Prices used: ") + work.cite(*old.claims, *new.claims))
    lines += [f"- {q.entity.name}{work.say('：', ': ')}{n}" for q in (old, new) for n in price_notes(work, q)]
    work.tool("move_bill", {"from": old.entity.id, "to": new.entity.id, "bill": str(bill.value)}, {"answer": head}, lines)
    return Draft("\n".join([head, "", *lines]), entities=(old.entity.id, new.entity.id), fields=PRICE_FIELDS, intent="mix_saving")


def _rates(quote: PriceQuote) -> tuple[Decimal, Decimal] | None:
    """Input and output rates a million tokens; None unless both are stated and above zero."""
    if not quote.input_rate or not quote.output_rate:
        return None
    scale = MILLION / per_tokens(quote)
    return quote.input_rate * scale, quote.output_rate * scale
