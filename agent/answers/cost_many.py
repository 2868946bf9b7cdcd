"""One volume on several models side by side, by currency or at a stated rate; and volumes whose direction is not said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from agent.answers.missing import missing_fact
from agent.answers.premise import free_premise
from agent.answers.price import common_currency, converted, in_currency, needs_rate, price_notes, rate_words, target_currency, usable_quotes
from agent.answers.relation import relation_verdict
from agent.answers.targets import PRICE_FIELDS
from agent.answers.volume import Volume, asks_cost, cost_steps, volume_of
from agent.events import Chart, ChartSeries
from agent.tools.cost import ApiCost, api_cost
from agent.tools.prices import PriceQuote
from agent.understand.usage import Usage
from agent.words import money, plain, tokens
from agent.work import Draft, Work


def several(work: Work, rows: list[tuple[PriceQuote, ApiCost]], volume: Volume, missing: Sequence[str], everyone: bool) -> Draft:
    currencies = list(dict.fromkeys(cost.currency for _, cost in rows))
    common = common_currency(work, currencies)
    inner = partial(_known, work)
    lines, steps = [], []
    ordered: list[tuple[PriceQuote, ApiCost]] = []
    groups = [currencies] if common else [[c] for c in currencies]
    heads = []
    for group in groups:
        mine = [(q, c) for q, c in rows if c.currency in group]
        mine.sort(key=lambda row: inner(row[1].total, row[1].currency, common) if common else row[1].total)
        ordered += mine
        (best, best_cost), (worst, worst_cost) = mine[0], mine[-1]
        unit = common or group[0]
        low = inner(best_cost.total, best_cost.currency, unit) if common else best_cost.total
        high = inner(worst_cost.total, worst_cost.currency, unit) if common else worst_cost.total
        work.computed(low, high, high - low)
        if len(mine) > 1 and low == high:
            names = work.say("、", ", ").join(q.entity.name for q, _ in mine)
            heads.append(work.say(f"**{names}** 一样，都是 **{money(low, unit)}**", f"**{names}** cost the same, **{money(low, unit)}** each"))
        elif len(mine) > 1:
            tied = [q.entity.name for q, c in mine if c.total == best_cost.total and c.currency == best_cost.currency]
            names = work.say("、", ", ").join(tied)
            heads.append(
                work.say(
                    f"**{names}** 最省：{money(low, unit)}，比 {worst.entity.name}（{money(high, unit)}）少 **{money(high - low, unit)}**",
                    f"**{names}** is cheapest at {money(low, unit)}: **{money(high - low, unit)}** less than {worst.entity.name} ({money(high, unit)})",
                )
                + _times(work, low, high)
            )
        else:
            heads.append(f"**{best.entity.name}** {money(low, unit)}")
    label = f"（{volume.label}）" if volume.label and work.language == "zh" else f" ({volume.label})" if volume.label else ""
    verdict = "" if len(groups) > 1 else relation_verdict(
        work, {"": {q.entity.id: inner(c.total, c.currency, common) if common else c.total for q, c in rows}}
    )
    lines.append(verdict + (work.say("；", "; ").join(heads)) + label + work.say("。", "."))
    if len(currencies) > 1 and not common:
        lines.append(
            work.say(
                f"各币种分开比较：资料没有汇率，给出汇率才能跨币种排序（{'、'.join(currencies)}）。",
                f"Currencies are compared apart ({', '.join(currencies)}): the sources give no exchange rate; state one to rank across them.",
            )
        )
    lines += [
        "",
        work.say("| 模型 | 输入费用 | 输出费用 | 合计 | 来源 |", "| Model | Input | Output | Total | Source |"),
        "|---|---|---|---|---|",
    ]
    for quote, cost in ordered:
        total = money(cost.total, cost.currency)
        if common and cost.currency != common:
            other = inner(cost.total, cost.currency, common)
            work.computed(other)
            total += f" = {money(other, common)}"
        work.computed(cost.input_cost, cost.output_cost, cost.total)
        about = f"（{quote.about}）" if quote.about and quote.about != quote.entity.name else ""
        lines.append(
            f"| {quote.entity.name}{about} | {money(cost.input_cost, cost.currency)} | {money(cost.output_cost, cost.currency)} | {total} | {work.cite(*quote.claims)} |"
        )
    lines += ["", *(f"- {s}" for s in volume.steps)]
    for quote, cost in ordered[: 4 if not everyone else 0]:
        steps += [f"{quote.entity.name}{work.say('：', ': ')}{s}" for s in cost_steps(work, quote, volume, cost)]
    lines += [f"- {s}" for s in steps]
    lines += _notes(work, [quote for quote, _ in ordered], everyone)
    if work.question.usage.in_chars:
        lines.append(work.own_words(work.say("- 假设：资料没有给出字数与 token 的换算，这里按 1 字 = 1 token 计。", "- Assumption: the sources give no characters-to-tokens ratio; 1 character is counted as 1 token.")))
    if common:
        lines.append(f"- {rate_words(work, *currencies)}")
    if missing:
        lines.append(work.say(f"- 没有价格、未计入：{'、'.join(missing)}", f"- No price in the sources, left out: {', '.join(missing)}"))
    work.tool(
        "compare_api_cost",
        {"models": [q.entity.id for q, _ in ordered], "input_tokens": str(volume.input_tokens), "output_tokens": str(volume.output_tokens)},
        {q.entity.id: {"total": str(c.total), "currency": c.currency} for q, c in ordered},
        (*volume.steps, *steps),
    )
    unit = common or currencies[0]
    bars = [
        (q.entity.name, float(inner(c.total, c.currency, unit) if common else c.total))
        for q, c in ordered
        if common or c.currency == unit
    ]
    chart = Chart(
        "bar",
        work.say("费用对比", "Cost by model"),
        work.say("模型", "model"),
        work.say("费用", "cost"),
        unit,
        (ChartSeries(unit, tuple(n for n, _ in bars), tuple(v for _, v in bars)),),
    )
    return Draft(
        "\n".join(lines),
        entities=tuple(q.entity.id for q, _ in ordered),
        fields=PRICE_FIELDS,
        charts=(chart,) if len(bars) > 1 else (),
        intent="compare_cost",
    )


def _notes(work: Work, quotes: Sequence[PriceQuote], everyone: bool) -> list[str]:
    """What a buyer must know beside the prices: of each of a few models; of all, only that the question supposes other prices."""
    if not everyone:
        return [f"- {q.entity.name}{work.say('：', ': ')}{note}" for q in quotes[:4] for note in price_notes(work, q)]
    factor = next((q.factor for q in quotes if q.factor != 1), None)
    if factor is None:
        return []
    work.computed(factor)
    return [
        work.say(
            f"- 所有单价按问题的假设乘 {plain(factor)}；资料没有写这项折扣或调价。",
            f"- All prices are multiplied by {plain(factor)} as the question supposes; no source states such a change.",
        )
    ]


def _known(work: Work, value: Decimal, source: str, target: str) -> Decimal:
    """A value in a currency that it is known to convert into."""
    converted_value = in_currency(work, value, source, target)
    return value if converted_value is None else converted_value


def _times(work: Work, low: Decimal, high: Decimal) -> str:
    if low <= 0 or high == low:
        return ""
    ratio = high / low
    share = (high - low) / high * 100
    work.computed(ratio, share)
    return work.say(f"（{plain(ratio, 2)} 倍，省 {plain(share, 2)}%）", f" ({plain(ratio, 2)}x, {plain(share, 2)}% less)")


def undirected(work: Work, ids: Sequence[str], total_tokens: Decimal, usage: Usage) -> Draft | None:
    """Tokens of unstated direction: exact where both rates are equal, else the range from all-input to all-output."""
    as_input = volume_of(work, replace(usage, input_tokens=total_tokens, total_tokens=None))
    volume = as_input.input_tokens
    if len(ids) > _MOST_IN_WORDS:
        return _undirected_table(work, ids, volume, as_input)
    lines: list[str] = []
    touched = []
    asked = work.say("没有说明是输入还是输出", "it is not said whether these are input or output tokens")
    for entity_id in ids:
        quotes = usable_quotes(work, entity_id, usage.request_input_tokens)
        if not quotes or quotes[0].input_rate is None or quotes[0].output_rate is None:
            continue
        quote = quotes[0]
        rate = quotes[0].input_rate
        low, high = api_cost(quote, volume, None), api_cost(quote, None, volume)
        work.computed(low.total, high.total, volume)
        touched.append(entity_id)
        marks = work.cite(*quote.claims)
        free = free_premise(work, quote, (rate, quotes[0].output_rate)) if len(ids) == 1 else ""
        if low.total == high.total:
            lines.append(
                free
                + work.say(
                    f"**{quote.entity.name}**：{tokens(volume, 'zh')} token 共 **{money(low.total, quote.currency)}**（输入输出同价 {money(rate, quote.currency)}/百万）{marks}",
                    f"**{quote.entity.name}**: {tokens(volume, 'en')} tokens cost **{money(low.total, quote.currency)}** (input and output both {money(rate, quote.currency)}/1M) {marks}",
                )
            )
        else:
            a, b = sorted((low.total, high.total))
            lines.append(
                free
                + work.say(
                    f"**{quote.entity.name}**：{tokens(volume, 'zh')} token 全按输入算 {money(low.total, quote.currency)}，全按输出算 {money(high.total, quote.currency)}（{asked}，实际在 {money(a, quote.currency)} 与 {money(b, quote.currency)} 之间）{marks}",
                    f"**{quote.entity.name}**: {tokens(volume, 'en')} tokens cost {money(low.total, quote.currency)} if all are input, {money(high.total, quote.currency)} if all are output ({asked}) {marks}",
                )
            )
        for part in dict.fromkeys((low.total, high.total)):
            change = converted(work, part, quote.currency, target_currency(work))
            if change:
                lines.append(f"- {change[1]}")
        lines += [f"- {n}" for n in price_notes(work, quote)]
        reminder = needs_rate(work, quote.currency)
        if reminder:
            lines.append(reminder)
    if not touched:
        if not asks_cost(work) or not work.question.named:
            return None
        return missing_fact(
            work, work.say("、", ", ").join(work.entity(i).name for i in ids), work.say("价格", "price"), [work.entity(i) for i in ids]
        )
    if as_input.label:
        lines.append(work.say(f"- 周期：{as_input.label}", f"- Period: {as_input.label}"))
    lines += [f"- {s}" for s in as_input.steps]
    if usage.in_chars:
        lines.append(work.say("- 假设：按 1 字 = 1 token 计。", "- Assumption: 1 character = 1 token."))
    work.tool("api_cost", {"models": touched, "total_tokens": str(volume)}, {"answer": lines[0]})
    return Draft("\n".join(lines), entities=tuple(touched), fields=PRICE_FIELDS, intent="api_cost")


_MOST_IN_WORDS = 2


def _undirected_table(work: Work, ids: Sequence[str], tokens_total: Decimal, volume: Volume) -> Draft | None:
    """Many models: what the tokens cost if all are input, and if all are output."""
    rows: list[tuple[str, Decimal, PriceQuote, Decimal]] = []
    for entity_id in ids:
        quotes = usable_quotes(work, entity_id)
        if quotes and quotes[0].input_rate is not None and quotes[0].output_rate is not None:
            low, high = api_cost(quotes[0], tokens_total, None).total, api_cost(quotes[0], None, tokens_total).total
            work.computed(low, high, tokens_total)
            rows.append((quotes[0].currency, low, quotes[0], high))
    if not rows:
        return None
    rows.sort(key=lambda r: (r[0], r[1]))
    shown = tokens(tokens_total, work.language)
    period = f"（{volume.label}）" if volume.label and work.language == "zh" else f" ({volume.label})" if volume.label else ""
    lines = [
        work.say(
            f"没有说明是输入还是输出：{shown} token{period} 的费用在下面两列之间；给出输入输出比例可以算准。",
            f"Input or output is not said: {shown} tokens{period} cost between the two columns; state a ratio for one figure.",
        ),
        "",
        work.say("| 模型 | 全按输入 | 全按输出 | 来源 |", "| Model | All input | All output | Source |"),
        "|---|---|---|---|",
    ]
    for currency, low, quote, high in rows:
        lines.append(f"| {quote.entity.name} | {money(low, currency)} | {money(high, currency)} | {work.cite(*quote.claims)} |")
    lines += ["", *(f"- {s}" for s in volume.steps)]
    work.tool("api_cost", {"models": [r[2].entity.id for r in rows], "total_tokens": str(tokens_total)}, {"rows": len(rows)})
    return Draft("\n".join(lines), entities=tuple(r[2].entity.id for r in rows), fields=PRICE_FIELDS, intent="api_cost")
