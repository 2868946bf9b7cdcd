"""Two or more named models side by side: the figures, their difference and ratio, and who is ahead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from agent.answers.closest import ENOUGH, closest
from agent.answers.listing import has_need, residual_need
from agent.answers.lookup import asked_fields
from agent.answers.price import context_hint, exchange_rate, price_notes, rate_text, usable_quotes
from agent.answers.relation import relation_verdict
from agent.answers.targets import PRICE_FIELDS, price_fields, targets
from agent.events import Chart, ChartSeries
from agent.tools.cost import MILLION, convert_money, convertible, per_tokens
from agent.tools.prices import INPUT, PriceQuote
from agent.words import money, plain
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import claim_text, value_text

DEFAULT_FIELDS = ("rank", "country", "openness", *PRICE_FIELDS, "context_window", "parameters", "license", "self_host", "distillation", "channels", "strengths")


def answer_compare(work: Work) -> Draft | None:
    """Compares the named models on the asked fields, or on the usual ones; None with fewer than two."""
    question = work.question
    fields = [f for f in asked_fields(work) if f != "figure"]
    dearer = question.has("cheap_word") or question.has("dear_word")
    directed = question.has("input_cue") or question.has("output_cue")
    if dearer or directed:
        fields = [f for f in fields if f not in ("relative_price", "strengths", "pricing_note")]
    if set(fields) & set(PRICE_FIELDS) and re.search(
        r"倍|差|贵|便宜|times|cheap|expensive|more than|less than", question.masked, re.IGNORECASE
    ):
        fields = [f for f in fields if f != "context_window"]
    wants_price = (
        bool(set(fields) & set(PRICE_FIELDS))
        or question.has("price_word")
        or dearer
        or directed
        and not fields
        and question.has("compare_word")
    )
    ids = targets(work, fields or (PRICE_FIELDS if wants_price else DEFAULT_FIELDS))
    if len(ids) < 2 or question.usage.has_volume:
        return None
    if question.has("select_word") and not wants_price and has_need(work, residual_need(work, (), None)):
        # Which of them suits a use is a choice, not a table.
        return None
    if wants_price and not (set(fields) - set(PRICE_FIELDS) - {"stated_cost", "volume"}):
        return _prices(work, ids)
    if not fields:
        fits = [f for f in closest(work, ids) if f.claim is not None and f.entity.id in ids]
        if fits and fits[0].score >= 2 * ENOUGH:
            fields = list(dict.fromkeys(f.claim.field for f in fits[:4] if f.claim is not None and f.score >= 0.8 * fits[0].score))
    if not fields and not question.has("compare_word") and not question.has("select_word"):
        return None
    numeric = [f for f in fields if work.field(f).type in ("quantity", "rank", "money")]
    if numeric and len(numeric) == len(fields):
        drafts = [d for d in (_numbers(work, ids, f) for f in numeric[:2]) if d]
        if drafts:
            return Draft("\n".join(d.text for d in drafts), entities=tuple(ids), fields=tuple(numeric), intent="compare")
    return _table(work, ids, fields or _usual(work, ids))


def _usual(work: Work, ids: Sequence[str]) -> list[str]:
    """The usual fields that any of the models has, and what else all of them state."""
    usual = [f for f in DEFAULT_FIELDS if any(work.entity(i).claims.get(f) for i in ids)]
    shared = [f for f in work.catalog.fields if f not in usual and f not in _NO_ROW and all(work.entity(i).claims.get(f) for i in ids)]
    return usual + shared


_NO_ROW = frozenset({"reference", "document_note", "volume"})
_MOST_ROWS = 14


def _prices(work: Work, ids: Sequence[str]) -> Draft | None:
    fields, hint = price_fields(work), context_hint(work)
    quotes = [(i, usable_quotes(work, i, hint)) for i in ids]
    missing = [work.entity(i).name for i, q in quotes if not q]
    usable = [q[0] for _, q in quotes if q]
    if len(usable) < 2:
        return None
    lines: list[str] = []
    charts: list[Chart] = []
    for field in fields:
        lines += _one_rate(work, usable, field)
        charts += _chart(work, usable, field)
    if not lines:
        return None
    lines[0] = relation_verdict(work, {work.label(field): _in_common(work, usable, field) for field in fields}) + lines[0]
    for quote in usable:
        lines += [f"- {quote.entity.name}{work.say('：', ': ')}{n}" for n in price_notes(work, quote)]
    if missing:
        lines.append(work.say(f"资料里没有 {'、'.join(missing)} 的价格。", f"The sources give no price for {', '.join(missing)}."))
    work.tool("compare_prices", {"models": list(ids), "fields": list(fields)}, {"lines": len(lines)}, lines)
    return Draft(
        "\n".join(lines), entities=tuple(q.entity.id for q in usable), fields=fields, charts=tuple(charts[:1]), intent="compare_price"
    )


def _rate(quote: PriceQuote, field: str) -> Decimal | None:
    rate = quote.input_rate if field == INPUT else quote.output_rate
    return None if rate is None else rate * MILLION / per_tokens(quote)


def _claim(quote: PriceQuote, field: str) -> Claim | None:
    return quote.input_claim if field == INPUT else quote.output_claim


def _one_rate(work: Work, quotes: Sequence[PriceQuote], field: str) -> list[str]:
    label = work.label(field)
    rows = [(q, r) for q in quotes if (r := _rate(q, field)) is not None]
    if len(rows) < 2:
        return []
    rate, origin = exchange_rate(work)
    currencies = {q.currency for q, _ in rows}
    common = _common(work, [q for q, _ in rows])
    if len(currencies) > 1:
        if not common:
            said = work.say("；", "; ").join(
                f"{q.entity.name} {rate_text(work, r, q.currency, MILLION)} {work.cite(*_some(_claim(q, field)))}" for q, r in rows
            )
            work.computed(*(r for _, r in rows))
            return [
                f"{label}{work.say('：', ': ')}{said}",
                work.say(
                    "两边币种不同，资料没有汇率，无法直接比大小；给出汇率（例如“按 7.2”）即可比较。",
                    "The currencies differ and the sources give no exchange rate; state one (e.g. “at 7.2”) to compare.",
                ),
            ]
    values = sorted(((q, convert_money(r, q.currency, common, rate)) for q, r in rows), key=lambda v: v[1])
    (cheap, low), (dear, high) = values[0], values[-1]
    work.computed(*(v for _, v in values), *(r for _, r in rows), high - low)
    shown = work.say("；", "; ").join(
        f"{q.entity.name} {rate_text(work, r, q.currency, MILLION)}"
        + (f"（= {money(convert_money(r, q.currency, common, rate), common)}）" if q.currency != common else "")
        + f" {work.cite(*_some(_claim(q, field)))}"
        for q, r in rows
    )
    if low == high:
        head = work.say(
            f"{label}相同，都是 {money(low, common)}/百万 token。", f"The {label} is the same, {money(low, common)} per 1M tokens."
        )
    else:
        cheaper_first = work.question.has("cheap_word") and not re.search("贵|dear|expensive", work.question.masked)
        if cheaper_first:
            head = work.say(
                f"{label}：**{cheap.entity.name}** 更便宜，比 {dear.entity.name} 便宜 **{money(high - low, common)}**/百万 token",
                f"{label}: **{cheap.entity.name}** is cheaper, by **{money(high - low, common)}** per 1M tokens, than {dear.entity.name}",
            )
        else:
            head = work.say(
                f"{label}：**{dear.entity.name}** 更贵，比 {cheap.entity.name} 贵 **{money(high - low, common)}**/百万 token",
                f"{label}: **{dear.entity.name}** is dearer, by **{money(high - low, common)}** per 1M tokens over {cheap.entity.name}",
            )
        if low > 0:
            work.computed(high / low, (high - low) / high * 100)
            head += (
                work.say(
                    f"，差 {plain(high / low, 4)} 倍，省 {plain((high - low) / high * 100, 2)}%。",
                    f" ({plain(high / low, 4)}x, {plain((high - low) / high * 100, 2)}% less).",
                )
                if cheaper_first
                else work.say(
                    f"，是它的 **{plain(high / low, 4)} 倍**（{cheap.entity.name} 便宜 {plain((high - low) / high * 100, 2)}%）。",
                    f", **{plain(high / low, 4)}x** ({cheap.entity.name} is {plain((high - low) / high * 100, 2)}% cheaper).",
                )
            )
        else:
            head += work.say("。", ".")
    lines = [head, f"- {shown}"]
    if len(currencies) > 1:
        lines.append(
            work.say(f"- 汇率 {plain(rate or Decimal(0))} CNY/USD（{origin}）", f"- Rate {plain(rate or Decimal(0))} CNY/USD ({origin})")
        )
    return lines


def _common(work: Work, quotes: Sequence[PriceQuote]) -> str:
    """The currency in which the quotes can be compared; "" if that takes a rate that nobody states."""
    currencies = {q.currency for q in quotes}
    if len(currencies) == 1:
        return quotes[0].currency
    return "CNY" if exchange_rate(work)[0] is not None and len(currencies) == 2 and convertible(*currencies) else ""


def _in_common(work: Work, quotes: Sequence[PriceQuote], field: str) -> dict[str, Decimal]:
    """Model -> price per million tokens in one currency, of those that have one."""
    rows = [(q, r) for q in quotes if (r := _rate(q, field)) is not None]
    common = _common(work, [q for q, _ in rows]) if rows else ""
    rate, _ = exchange_rate(work)
    return {q.entity.id: convert_money(r, q.currency, common, rate) for q, r in rows} if common else {}


def _some(claim: Claim | None) -> tuple[Claim, ...]:
    return () if claim is None else (claim,)


def _chart(work: Work, quotes: Sequence[PriceQuote], field: str) -> list[Chart]:
    rows = [(q.entity.name, r) for q in quotes if (r := _rate(q, field)) is not None]
    if len({q.currency for q in quotes}) != 1 or len(rows) < 2:
        return []
    unit = f"{quotes[0].currency}/1M token"
    return [
        Chart(
            "bar",
            work.label(field),
            work.say("模型", "model"),
            work.label(field),
            unit,
            (ChartSeries(work.label(field), tuple(n for n, _ in rows), tuple(float(r) for _, r in rows)),),
        )
    ]


def _numbers(work: Work, ids: Sequence[str], field: str) -> Draft | None:
    record = work.field(field)
    rows: list[tuple[Entity, Claim]] = []
    missing = []
    for entity_id in ids:
        entity = work.entity(entity_id)
        claims = [c for c in entity.claims.get(field, ()) if isinstance(c.value, Decimal)]
        if claims:
            rows.append((entity, claims[0]))
        else:
            missing.append(entity.name)
    if not rows:
        return None
    lines = []
    comparable = len({c.unit for _, c in rows}) == 1 and len(rows) > 1 and record.better
    if comparable and _disputed(work, [e for e, _ in rows], field):
        lines.append(
            work.say(
                f"{record.label.zh}谁更高，取决于采信哪个说法：资料给同一个模型写了不同的数字。",
                f"Which {record.label.en} is higher depends on which statement holds: the sources give different figures for the same model.",
            )
        )
    elif comparable:
        ordered = sorted(rows, key=lambda r: _value(r[1]), reverse=record.better == "high")
        verdict = relation_verdict(work, {record.label.zh: {e.id: _value(c) for e, c in rows}}) if record.type != "rank" else ""
        first, last = ordered[0], ordered[-1]
        gap = abs(_value(first[1]) - _value(last[1]))
        work.computed(gap)
        if record.type == "rank":
            lines.append(
                work.say(
                    f"**{first[0].name}** 排名更靠前：第 {plain(_value(first[1]))}，{last[0].name} 第 {plain(_value(last[1]))}。",
                    f"**{first[0].name}** ranks higher: rank {plain(_value(first[1]))} against rank {plain(_value(last[1]))} for {last[0].name}.",
                )
            )
        elif gap == 0:
            lines.append(work.say(f"{record.label.zh}一样。", f"The {record.label.en} is the same."))
        else:
            word = work.say("更大" if record.better == "high" else "更小", "higher" if record.better == "high" else "lower")
            ratio = (
                max(_value(first[1]), _value(last[1])) / min(_value(first[1]), _value(last[1]))
                if min(_value(first[1]), _value(last[1])) > 0
                else None
            )
            times = ""
            if ratio is not None:
                work.computed(ratio)
                times = work.say(f"（{plain(ratio, 2)} 倍）", f" ({plain(ratio, 2)}x)")
            lines.append(
                work.say(
                    f"{verdict}{record.label.zh}：**{first[0].name}** {word}{times}。",
                    f"{verdict}{record.label.en}: **{first[0].name}** is {word}{times}.",
                )
            )
    elif len(rows) > 1 and len({c.unit for _, c in rows}) > 1:
        lines.append(
            work.say(
                f"{record.label.zh}的单位不同，不能直接比大小：",
                f"The units of the {record.label.en} differ, so they cannot be compared directly:",
            )
        )
    for entity, _ in rows:
        said = work.say("；", "; ").join(
            f"{claim_text(c, work.catalog, work.language, with_source=False)} {work.cite(c)}" for c in entity.claims[field]
        )
        lines.append(f"- {entity.name}{work.say('：', ': ')}{work.label(field)} {said}")
    if missing:
        lines.append(
            work.say(
                f"- 资料没有说 {'、'.join(missing)} 的{record.label.zh}。",
                f"- The sources do not state the {record.label.en} of {', '.join(missing)}.",
            )
        )
    work.tool("compare", {"models": list(ids), "field": field}, {"answer": lines[0]})
    return Draft("\n".join(lines), entities=tuple(ids), fields=(field,), intent="compare")


def _disputed(work: Work, entities: Sequence[Entity], field: str) -> bool:
    """Whether the order of the entities changes with which of their stated figures is believed."""
    spans = []
    for entity in entities:
        values = [c.value for c in entity.claims[field] if isinstance(c.value, Decimal)]
        spans.append((min(values), max(values)))
    spans.sort()
    return any(low[1] > high[0] and (low[0] != low[1] or high[0] != high[1]) for low, high in zip(spans, spans[1:], strict=False))


def _value(claim: Claim) -> Decimal:
    assert isinstance(claim.value, Decimal)
    return claim.value


_ONE_FIGURE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|倍|ms|秒|分|K|万|亿)?")


def _in_words(work: Work, entities: Sequence[Entity], field: str) -> str:
    """A sentence that answers a comparison on one field: yes or no for each, or whose stated figure is higher."""
    record = work.field(field)
    first = [e.claims.get(field, ())[:1] for e in entities]
    if not all(first):
        return ""
    if record.type == "enum" and "yes" in record.values:
        parts = [f"**{e.name}** {value_text(c[0], record, work.language)}{work.say('', ' ')}{work.label(field)}" for e, c in zip(entities, first, strict=True)]
        return work.say("；", "; ").join(parts) + work.say("。", ".")
    if record.type != "text":
        return ""
    figures = [_ONE_FIGURE.findall(str(c[0].value)) for c in first]
    if any(len(f) != 1 for f in figures) or len({f[0][1] for f in figures}) != 1 or not figures[0][0][1]:
        return ""
    ordered = sorted(zip(entities, (Decimal(f[0][0]) for f in figures), strict=True), key=lambda p: -p[1])
    if ordered[0][1] == ordered[-1][1]:
        return ""
    unit = figures[0][0][1]
    (top, high), (low, least) = ordered[0], ordered[-1]
    work.computed(high, least)
    return work.say(
        f"{work.label(field)}：资料给 **{top.name}** 的数字更高（{plain(high)}{unit}，{low.name} 是 {plain(least)}{unit}）。",
        f"{work.label(field)}: the figure stated for **{top.name}** is higher ({plain(high)}{unit} against {plain(least)}{unit} for {low.name}).",
    )


def _table(work: Work, ids: Sequence[str], fields: Sequence[str]) -> Draft | None:
    entities = [work.entity(i) for i in ids]
    fields = [f for f in fields if any(e.claims.get(f) for e in entities)][:_MOST_ROWS]
    if not fields:
        return None
    unknown = work.say("资料未说", "not stated")
    lines = [f"| {work.say('项目', 'Field')} | " + " | ".join(e.name for e in entities) + " |", "|---" * (len(entities) + 1) + "|"]
    for field in fields:
        cells = []
        for entity in entities:
            claims = entity.claims.get(field, ())[:2]
            cells.append(
                work.say("；", "; ")
                .join(f"{value_text(c, work.field(field), work.language)} {work.cite(c)}" for c in claims)
                .replace("|", "/")
                or unknown
            )
        lines.append(f"| {work.label(field)} | " + " | ".join(cells) + " |")
    names = work.say(" 与 ", " and ").join(e.name for e in entities)
    heads = [head for field in fields if len(fields) <= 2 and (head := _in_words(work, entities, field))]
    work.tool("compare", {"models": list(ids), "fields": list(fields)}, {"rows": len(fields)})
    return Draft(
        "\n".join([*(heads or [work.say(f"{names} 对比：", f"{names} side by side:")]), "", *lines]),
        entities=tuple(ids),
        fields=tuple(fields),
        intent="compare",
    )
