"""The bill of requests of several sizes, each at the price that holds for its size."""

from __future__ import annotations

from decimal import Decimal

from agent.answers.price import price_notes, usable_quotes
from agent.answers.targets import PRICE_FIELDS, targets
from agent.answers.volume import volume_of
from agent.tools.cost import api_cost
from agent.words import money, plain, tokens
from agent.work import Draft, Work


def answer_sizes(work: Work) -> Draft | None:
    """One total for each named model, with a line for each size; None unless the question divides its requests by size."""
    usage = work.question.usage
    if len(usage.sizes) < 2 or usage.input_tokens is None or usage.requests is None or usage.total_tokens is not None:
        return None
    ids = targets(work, PRICE_FIELDS, kinds=("model",))
    volume = volume_of(work, usage)
    mean = sum((s.share * s.tokens for s in usage.sizes), Decimal(0))
    heads, lines, touched = [], [], []
    for entity_id in ids:
        total, said, currency, notes = Decimal(0), [], "", []
        for size in usage.sizes:
            quotes = usable_quotes(work, entity_id, size.tokens)
            if not quotes or currency and quotes[0].currency != currency:
                return None
            quote, currency = quotes[0], quotes[0].currency
            tokens_in, tokens_out = volume.input_tokens * size.share * size.tokens / mean, volume.output_tokens * size.share
            cost = api_cost(quote, tokens_in, tokens_out)
            total += cost.total
            work.computed(size.share * 100, size.tokens, tokens_in, tokens_out, cost.input_cost, cost.output_cost, cost.total, total)
            said.append(
                work.say(
                    f"{plain(size.share * 100)}% 每次 {plain(size.tokens)}：输入 {tokens(tokens_in, 'zh')} = {money(cost.input_cost, currency)}，输出 {tokens(tokens_out, 'zh')} = {money(cost.output_cost, currency)}，共 {money(cost.total, currency)}",
                    f"{plain(size.share * 100)}% with {plain(size.tokens)} each: input {tokens(tokens_in, 'en')} = {money(cost.input_cost, currency)}, output {tokens(tokens_out, 'en')} = {money(cost.output_cost, currency)}, together {money(cost.total, currency)}",
                )
                + f" {work.cite(*quote.claims)}"
            )
            notes += [n for n in price_notes(work, quote) if n not in notes]
        name, label = work.entity(entity_id).name, volume.label
        touched.append(entity_id)
        heads.append(work.say(f"**{name}**{label}费用为 **{money(total, currency)}**。", f"**{name}** costs **{money(total, currency)}** {label}".rstrip() + "."))
        lines += [f"- {name}{work.say('：', ': ')}{s}" for s in (*said, *notes)]
        work.tool(
            "api_cost_by_size",
            {"model": entity_id, "sizes": [f"{s.share} x {s.tokens}" for s in usage.sizes], "requests": str(usage.requests)},
            {"total": str(total), "currency": currency},
            said,
        )
    if not touched:
        return None
    steps = [f"- {s}" for s in volume.steps]
    return Draft("\n".join([*heads, "", *steps, *lines]), entities=tuple(touched), fields=PRICE_FIELDS, intent="api_cost")
