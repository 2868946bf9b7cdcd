"""Several volumes, each on a model of its own: "GPT-5.1 输入 100 万，Claude 4.5 输出 50 万，一共多少钱"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from agent.answers.price import exchange_rate, price_notes, target_currency, usable_quotes
from agent.answers.targets import PRICE_FIELDS, target
from agent.answers.volume import cost_steps, volume_of
from agent.tools.cost import ApiCost, CostInputError, api_cost, convert_money, convertible
from agent.tools.prices import PriceQuote
from agent.understand.exchange import exchange_rate as exchange_rate_said
from agent.understand.usage import Usage, read_usage
from agent.words import money, plain
from agent.work import Draft, Work
from kb.quantities import DAYS, clause_bounds, find_markers, find_quantities


@dataclass(frozen=True, slots=True)
class _Part:
    entity_id: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class _Row:
    """The bill of one part; `most` is its upper end where the direction of the tokens is not said."""

    quote: PriceQuote
    cost: ApiCost
    most: ApiCost
    label: str = ""


def answer_parts(work: Work) -> Draft | None:
    """The cost of each part and their sum, where every model has a volume of its own; None otherwise."""
    question = work.question
    if len(question.named) < 2 or question.carried or question.shares or not question.usage.has_volume:
        return None
    parts = _by_model(work) or _by_clause(work)
    if len(parts) < 2 or len({p.entity_id for p in parts}) < 2:
        return None
    rows: list[_Row] = []
    lines: list[str] = []
    for part in parts:
        row, said = _row(work, part)
        if row is None:
            return None
        rows.append(row)
        lines += [f"- {row.quote.entity.name}{work.say('：', ': ')}{step}" for step in said]
    head = _sum(work, rows)
    work.tool(
        "api_cost_of_parts",
        {"parts": [{"model": p.entity_id, "input": str(p.usage.input_tokens), "output": str(p.usage.output_tokens)} for p in parts]},
        {r.quote.entity.id: {"total": str(r.cost.total), "currency": r.cost.currency} for r in rows},
        lines,
    )
    return Draft("\n".join([head, "", *lines]), entities=tuple(p.entity_id for p in parts), fields=PRICE_FIELDS, intent="api_cost")


def _row(work: Work, part: _Part) -> tuple[_Row | None, list[str]]:
    usage = part.usage
    quotes = usable_quotes(work, part.entity_id, usage.request_input_tokens)
    if not quotes:
        return None, []
    quote = quotes[0]
    directed = usage if usage.total_tokens is None else replace(usage, input_tokens=usage.total_tokens, output_tokens=None, total_tokens=None)
    volume = volume_of(work, directed)
    try:
        cost = api_cost(quote, volume.input_tokens, volume.output_tokens)
        other = cost if usage.total_tokens is None else api_cost(quote, None, volume.input_tokens)
    except CostInputError:
        return None, []
    said = [*volume.steps, *cost_steps(work, quote, volume, cost), *price_notes(work, quote)]
    if other.total != cost.total:
        work.computed(other.total)
        said.append(
            work.say(
                f"没有说明是输入还是输出：全按输出算 {money(other.total, quote.currency)}",
                f"input or output is not said: {money(other.total, quote.currency)} if all are output",
            )
        )
    low, high = sorted((cost, other), key=lambda c: c.total)
    return _Row(quote, low, high, volume.label), said


def _by_model(work: Work) -> list[_Part]:
    """Each model with the amounts beside it, where a direction is said again for another model ("1亿进加 Kimi 2亿进").

    What stands before the first and behind the last of them ("每天…", "…，一年多少") holds for all.
    """
    question = work.question
    text = question.masked.split(" \n ")[0]
    amounts = sorted((a for a in question.usage.amounts), key=lambda a: a.quantity.start)
    mentions = [m for m in question.named if m.end <= len(text)]
    if len(mentions) < 2 or len(amounts) < len(mentions):
        return []
    ahead = mentions[0].start < amounts[0].quantity.start
    edges = [m.start for m in mentions] if ahead else [0, *(m.end for m in mentions)]
    if ahead:
        edges = [*edges, len(text)]
    regions = list(zip(edges, edges[1:], strict=False))
    inside = [[a for a in amounts if left <= a.quantity.start < right] for left, right in regions]
    if any(not mine for mine in inside):
        return []
    counts: dict[str, int] = {}
    for mine in inside:
        for direction in {a.direction for a in mine}:
            counts[direction] = counts.get(direction, 0) + 1
    if max(counts.values()) < 2:
        return []
    prefix = text[: regions[0][0]] if ahead else text[: _clause_of(text, amounts[0].quantity.start)[0]]
    last = amounts[-1].quantity.end
    suffix = text[max(_clause_of(text, last - 1)[1], mentions[-1].end) :]
    found = []
    for index, (mention, (left, right)) in enumerate(zip(mentions, regions, strict=True)):
        left = max(left, len(prefix))
        right = min(right, len(text) - len(suffix)) if index == len(regions) - 1 else right
        entity_id = target(work, mention, PRICE_FIELDS)
        own = f"{prefix}{text[left:right]}"
        usage = _usage_of(f"{own}，{suffix}")
        if entity_id is None or not usage.has_volume:
            return []
        says_period = any(m.per in DAYS for m in find_markers(own))
        period = usage.period if says_period else question.usage.period
        found.append(_Part(entity_id, replace(usage, period=period, asked=usage.asked or question.usage.asked)))
    return found


def _clause_of(text: str, position: int) -> tuple[int, int]:
    return next(((a, b) for a, b in clause_bounds(text) if a <= position < b), (0, len(text)))


def _usage_of(text: str) -> Usage:
    quantities = find_quantities(text)
    _, span = exchange_rate_said(text, quantities)
    return read_usage(text, [q for q in quantities if not q.is_money and not (span and span[0] <= q.start < span[1])])


def _by_clause(work: Work) -> list[_Part]:
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


def _sum(work: Work, rows: list[_Row]) -> str:
    """One total where the parts share a currency or a rate is known; else a total by currency."""
    totals: dict[str, tuple[Decimal, Decimal]] = {}
    for row in rows:
        low, high = totals.get(row.cost.currency, (Decimal(0), Decimal(0)))
        totals[row.cost.currency] = (low + row.cost.total, high + row.most.total)

    def shown(low: Decimal, high: Decimal, currency: str) -> str:
        work.computed(low, high)
        return money(low, currency) if low == high else f"{money(low, currency)}–{money(high, currency)}"

    each = work.say("、", ", ").join(
        f"{r.quote.entity.name} {shown(r.cost.total, r.most.total, r.cost.currency)} {work.cite(*r.quote.claims)}" for r in rows
    )
    labels = {r.label for r in rows}
    period = f" {rows[0].label}" if len(labels) == 1 and rows[0].label else ""
    rate, _ = exchange_rate(work)
    if len(totals) == 2 and rate is not None and convertible(*totals):
        unit = target_currency(work) or "CNY"
        low, high = (sum((convert_money(v[i], k, unit, rate) for k, v in totals.items()), Decimal(0)) for i in (0, 1))
        return work.say(
            f"{period.strip()}合计 **{shown(low, high, unit)}**（汇率 {plain(rate)}）：{each}。", f"**{shown(low, high, unit)}** in all{period} (rate {plain(rate)}): {each}."
        )
    whole = " + ".join(f"**{shown(*v, k)}**" for k, v in totals.items())
    note = work.say("，币种不同，资料没有汇率，不能相加", "; the currencies differ and no rate is given") if len(totals) > 1 else ""
    return work.say(f"{period.strip()}合计 {whole}{note}：{each}。", f"{whole} in all{period}{note}: {each}.")
