"""Several volumes, each on a model of its own: "GPT-5.1 输入 100 万，Claude 4.5 输出 50 万，一共多少钱"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from agent.answers.price import exchange_rate, price_notes, target_currency, usable_quotes
from agent.answers.targets import PRICE_FIELDS, target
from agent.answers.volume import cost_steps, volume_of
from agent.tools.cost import ApiCost, CostInputError, api_cost, convert_money, convertible
from agent.tools.prices import PriceQuote
from agent.understand.usage import Usage, read_usage
from agent.words import money, plain
from agent.work import Draft, Work
from kb.quantities import clause_bounds


@dataclass(frozen=True, slots=True)
class _Part:
    entity_id: str
    usage: Usage


def answer_parts(work: Work) -> Draft | None:
    """The cost of each part and their sum, where every model has a clause with a volume of its own; None otherwise."""
    question = work.question
    if len(question.named) < 2 or question.carried or question.shares or not question.usage.has_volume:
        return None
    parts = _parts(work)
    if len(parts) < 2 or len({p.entity_id for p in parts}) < 2:
        return None
    rows: list[tuple[PriceQuote, ApiCost]] = []
    lines: list[str] = []
    for part in parts:
        quotes = usable_quotes(work, part.entity_id, part.usage.request_input_tokens)
        if not quotes:
            return None
        volume = volume_of(work, part.usage)
        try:
            cost = api_cost(quotes[0], volume.input_tokens, volume.output_tokens)
        except CostInputError:
            return None
        rows.append((quotes[0], cost))
        steps = [*volume.steps, *cost_steps(work, quotes[0], volume, cost), *price_notes(work, quotes[0])]
        lines += [f"- {quotes[0].entity.name}{work.say('：', ': ')}{step}" for step in steps]
    head = _sum(work, rows)
    work.tool(
        "api_cost_of_parts",
        {"parts": [{"model": p.entity_id, "input": str(p.usage.input_tokens), "output": str(p.usage.output_tokens)} for p in parts]},
        {q.entity.id: {"total": str(c.total), "currency": c.currency} for q, c in rows},
        lines,
    )
    return Draft("\n".join([head, "", *lines]), entities=tuple(p.entity_id for p in parts), fields=PRICE_FIELDS, intent="api_cost")


def _parts(work: Work) -> list[_Part]:
    """The clauses that name exactly one model and state tokens in a direction."""
    question = work.question
    text = question.masked.split(" \n ")[0]
    found = []
    for a, b in _spans(work, text):
        mentions = [m for m in question.named if a <= m.start < b]
        inside = [replace(q, start=q.start - a, end=q.end - a) for q in question.quantities if a <= q.start < b and not q.is_money]
        if len(mentions) != 1 or not inside:
            continue
        usage = read_usage(text[a:b], inside)
        entity_id = target(work, mentions[0], PRICE_FIELDS)
        if entity_id is not None and (usage.input_tokens is not None or usage.output_tokens is not None):
            found.append(_Part(entity_id, replace(usage, asked=usage.asked or question.usage.asked)))
    return found


def _spans(work: Work, text: str) -> list[tuple[int, int]]:
    """Clauses, cut further where one holds several names each with figures of its own ("A 1亿进加 B 2亿进")."""
    question = work.question
    spans = []
    for a, b in clause_bounds(text):
        names = sorted((m for m in question.named if a <= m.start < b), key=lambda m: m.start)
        figures = [q for q in question.quantities if a <= q.start < b and not q.is_money]
        if len(names) < 2 or len(figures) < len(names):
            spans.append((a, b))
            continue
        behind = figures[0].start > names[0].start
        edges = [a, *((m.start for m in names[1:]) if behind else (m.end for m in names[:-1])), b]
        spans += list(zip(edges, edges[1:], strict=False))
    return spans


def _sum(work: Work, rows: list[tuple[PriceQuote, ApiCost]]) -> str:
    """One total where the parts share a currency or a rate is known; else a total by currency."""
    totals: dict[str, Decimal] = {}
    for _, cost in rows:
        totals[cost.currency] = totals.get(cost.currency, Decimal(0)) + cost.total
    each = work.say("、", ", ").join(f"{q.entity.name} {money(c.total, c.currency)} {work.cite(*q.claims)}" for q, c in rows)
    work.computed(*totals.values(), *(c.total for _, c in rows))
    rate, _ = exchange_rate(work)
    if len(totals) == 2 and rate is not None and convertible(*totals):
        unit = target_currency(work) or "CNY"
        whole = sum((convert_money(v, k, unit, rate) for k, v in totals.items()), Decimal(0))
        work.computed(whole)
        return work.say(f"合计 **{money(whole, unit)}**（汇率 {plain(rate)}）：{each}。", f"**{money(whole, unit)}** in all (rate {plain(rate)}): {each}.")
    shown = " + ".join(f"**{money(v, k)}**" for k, v in totals.items())
    note = work.say("，币种不同，资料没有汇率，不能相加", "; the currencies differ and no rate is given") if len(totals) > 1 else ""
    return work.say(f"合计 {shown}{note}：{each}。", f"{shown} in all{note}: {each}.")
