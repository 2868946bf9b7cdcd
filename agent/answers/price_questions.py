"""Questions for a unit price: when one is asked for, which models it is about, and what is said of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from agent.answers.closest import WANTS_DATE
from agent.answers.example_bill import needs_volume
from agent.answers.missing import missing_fact
from agent.answers.passages import pieces, says_nothing
from agent.answers.premise import price_premise
from agent.answers.price import (
    asked_per,
    context_hint,
    converted,
    flat,
    named_product,
    needs_rate,
    price_notes,
    quote_phrase,
    target_currency,
    usable_quotes,
)
from agent.answers.relation import verdict_within
from agent.answers.targets import PRICE_FIELDS, models, price_fields, target
from agent.answers.within import kind_conditions, models_within, said
from agent.similar import claim_words
from agent.tools.cost import per_tokens
from agent.tools.prices import CONTEXT, INPUT, PriceQuote, choose_quotes, quotes_of
from agent.understand.constraints import constraints_of, superlative_of
from agent.understand.lexicon import pattern
from agent.words import money, plain, tokens
from agent.work import Draft, Work
from kb.catalog.show import claim_text, condition_text
from kb.quantities import currencies_named
from kb.rates import token_count_unit
from kb.text import normalise

_BESIDE_PRICES = frozenset({"volume", "stated_cost", "figure", "context_window", "monthly_users", "openness", "channels", "pricing_note"})
"""Fields whose words stand in price questions without being asked for ("128K 上下文的价格")."""


_IS_FREE = re.compile(
    r"(?:是|完全|现在|都|算)?免费(?:的|了|吗|么|用|使用|吧)|不要钱|\b(?:is|are|for)\b[^.?]{0,40}\bfree\b(?! (?:for commercial|software|tier))|free of charge",
    re.IGNORECASE,
)
"""Whether something is free at all: a question for its price, unless it is about a licence."""


def _asks_price(work: Work) -> bool:
    """Whether the question is for a unit price rather than for another fact or the cost of a volume."""
    question = work.question
    asked = {f.field for f in question.fields}
    if question.usage.has_volume and context_hint(work) is None:
        return False
    if _IS_FREE.search(_own(work)) and not any(work.entity(i).claims.get("free_tokens") for m in question.named for i in m.entities):
        return True
    others = asked - set(PRICE_FIELDS) - _BESIDE_PRICES
    if others and not asked & set(PRICE_FIELDS) and not question.has("price_word"):
        return False
    if question.price_change is not None and question.price_change.factor != 1 and _HOW_MUCH.search(_own(work)):
        return True
    counted = question.usage.asked or question.usage.requests or question.usage.users
    if counted and not others and not question.carried and _BILL.search(_own(work)):
        return True
    if asked & {*PRICE_FIELDS, "pricing_note"} or question.has("price_word") or question.has("convert_cue") or "field" in question.carried:
        return True
    if question.has("cost_word") and token_count_unit(_own(work)) is not None:
        return True
    both = question.has("input_cue") and question.has("output_cue")
    either = question.has("input_cue") or question.has("output_cue")
    if token_count_unit(_own(work)) is not None and either or both and re.search(r"多少|几|倍|一样|相同|贵|便宜|how much|what|times|twice|same", question.masked, re.IGNORECASE):
        return True
    said = any(work.entity(i).claims.get(f) for m in question.named for i in m.entities for f in others)
    return "how much" in question.masked.lower() and not said


_BILL = re.compile(r"多少钱|花多少|多少[?？。!！\s]*$|花费|费用|开销|how much|cost|pay|spend", re.IGNORECASE)
_HOW_MUCH = re.compile(r"多少|几|how much|what|price", re.IGNORECASE)


def _own(work: Work) -> str:
    """The words of this turn, without those carried over."""
    return work.question.masked.split(" \n ")[0]


def answer_price(work: Work) -> Draft | None:
    """The unit price of each named model, when the question asks for prices and gives no volume."""
    if not _asks_price(work):
        return None
    named = [(m, target(work, m, PRICE_FIELDS)) for m in work.question.named]
    ids = list(dict.fromkeys(i for _, i in named if i is not None and work.entity(i).kind == "model"))
    if not ids:
        return None
    uncovered = _uncovered_kind(work, ids)
    if not uncovered and any(_said_elsewhere(work, ids, m[0]) for m in pattern("price_kind").finditer(_own(work))):
        return None
    if uncovered or not any(quotes_of(work.catalog, i) for i in ids):
        return _missing(work, ids, uncovered or work.say("价格", "price"))
    return _priced(work, ids)


def _missing(work: Work, ids: Sequence[str], what: str) -> Draft:
    return missing_fact(work, work.say("、", ", ").join(work.entity(i).name for i in ids), what, [work.entity(i) for i in ids])


def _priced(work: Work, ids: Sequence[str]) -> Draft:
    question = work.question
    fields, per, hint = price_fields(work), asked_per(work), context_hint(work)
    if len(ids) == 1 and re.search(r"几倍|倍|times|翻", question.masked) and len(quotes_of(work.catalog, ids[0])) > 1:
        hint = None
    lines: list[str] = []
    missing: list[str] = []
    touched: list[str] = []
    for entity_id in ids:
        quotes = usable_quotes(work, entity_id, hint)
        if quotes:
            touched.append(entity_id)
            lines += _one(work, quotes, fields, per, hint)
        else:
            missing.append(work.entity(entity_id).name)
    if not touched:
        return _notes_alone(work, ids)
    if len(touched) == 1:
        lines += _tier_ratio(work, touched[0], fields)
    if missing:
        lines.append(work.say(f"资料里没有 {'、'.join(missing)} 的价格。", f"The sources give no price for {', '.join(missing)}."))
    if len(touched) == 1:
        wanted = needs_volume(work, usable_quotes(work, touched[0], hint)[0])
        lines += [wanted] if wanted else []
    work.tool("look_up_price", {"models": touched, "fields": list(fields), "per_tokens": str(per)}, {"answer": lines[0]})
    return Draft("\n".join(lines), entities=tuple(touched), fields=(*fields, "pricing_note"), intent="price")


def _one(work: Work, quotes: Sequence[PriceQuote], fields: Sequence[str], per: Decimal, hint: Decimal | None) -> list[str]:
    """One model's price with its notes, conversions and other tiers."""
    quote = quotes[0]
    shown = quote_phrase(work, quote, fields, per)
    premise = verdict_within(work, quote) or price_premise(work, quote, fields)
    lines = [premise + work.say(f"**{quote.entity.name}** 的价格：{shown}。", f"**{quote.entity.name}**: {shown}.")]
    lines += _output_to_input(work, quote, per)
    lines += [f"- {note}" for note in price_notes(work, quote)]
    notes = quote.entity.claims.get("pricing_note", ())[:2]
    lines += [f"- {claim_text(c, work.catalog, work.language, with_source=False)} {work.cite(c)}" for c in notes]
    for field in fields:
        rate = quote.input_rate if field == INPUT else quote.output_rate
        change = converted(work, rate * per / per_tokens(quote), quote.currency, target_currency(work)) if rate is not None else None
        if change:
            lines.append(f"- {change[1]}")
    lines = list(dict.fromkeys(lines))
    lines += [f"- {other}" for other in _other_tiers(work, quotes, fields, per, hint)]
    unit = token_count_unit(_own(work))
    if unit and unit[1] == "char":
        zh = "- 假设：资料按 token 计价，没有给出字数与 token 的换算，这里按 1 字 = 1 token。"
        lines.append(work.say(zh, "- Assumption: prices are per token and no characters-to-tokens ratio is given; 1 character = 1 token."))
    reminder = needs_rate(work, quote.currency)
    return [*lines, reminder] if reminder else lines


_RATIO_ASKED = re.compile(r"倍|how many times|times (?:its|the) input|ratio", re.IGNORECASE)


def _output_to_input(work: Work, quote: PriceQuote, per: Decimal) -> list[str]:
    """How many times the input price the output price is, where both are named and a ratio is asked."""
    text = _own(work)
    both = work.question.has("input_cue") and work.question.has("output_cue")
    if not (both and _RATIO_ASKED.search(text)) or not quote.input_rate or quote.output_rate is None:
        return []
    ratio = quote.output_rate / quote.input_rate
    scale = per / per_tokens(quote)
    work.computed(ratio, quote.output_rate * scale, quote.input_rate * scale)
    shown = f"{money(quote.output_rate * scale, quote.currency)} ÷ {money(quote.input_rate * scale, quote.currency)} = {plain(ratio, 2)}"
    return [work.say(f"- 输出价是输入价的 **{plain(ratio, 2)} 倍**（{shown}）", f"- The output price is **{plain(ratio, 2)} times** the input price ({shown})")]


def answer_price_list(work: Work) -> Draft | None:
    """All prices in one table, where all are asked for; by currency where one is named."""
    question = work.question
    text = _own(work)
    if any(m.how != "vendor" for m in question.named) or question.unknown or question.usage.has_volume or question.money:
        return None
    if WANTS_DATE.search(text):
        # "从哪天开始生效" asks of the list, not for it.
        return None
    kinds = kind_conditions(work)
    if question.named and not kinds or not (_ALL.search(text) or kinds and _OF_EACH.search(text)):
        return None
    if not (question.has("price_word") or {f.field for f in question.fields} & set(PRICE_FIELDS)) or question.has("cheap_word") or question.has("dear_word"):
        return None
    if superlative_of(question, work.catalog) is not None or any(q.bound for q in question.quantities):
        return None
    fields, per = price_fields(work), asked_per(work)
    wanted = next((c.value for c in constraints_of(question, work.catalog) if c.operator == "currency"), "")
    wanted = wanted or (currencies_named(text)[0] if len(currencies_named(text)) == 1 else "")
    heads = [work.label(f) for f in fields]
    lines = [
        f"| {work.say('模型', 'Model')} | {' | '.join(heads)} | {work.say('说明', 'Note')} | {work.say('来源', 'Source')} |",
        "|---" * (len(heads) + 3) + "|",
    ]
    touched = []
    for entity in models_within(work, kinds) if kinds else models(work):
        for quote in usable_quotes(work, entity.id)[:1]:
            if wanted and quote.currency != wanted:
                continue
            cells = []
            for field in fields:
                rate = quote.input_rate if field == INPUT else quote.output_rate
                scaled = None if rate is None else rate * per / per_tokens(quote)
                if scaled is not None:
                    work.computed(scaled)
                cells.append("—" if scaled is None else money(scaled, quote.currency))
            note = condition_text(quote.when, work.catalog, work.language) or quote.about
            lines.append(f"| {entity.name} | {' | '.join(cells)} | {note} | {work.cite(*quote.claims)} |")
            touched.append(entity.id)
    if len(touched) < 2:
        return None
    unit = work.say(f"每 {tokens(per, 'zh')} token", f"per {tokens(per, 'en')} tokens")
    work.computed(per, Decimal(len(touched)))
    work.tool("list_prices", {"per_tokens": str(per), "currency": str(wanted)}, {"models": touched})
    of = said(work, kinds)
    head = work.say(
        f"资料里有价格的 {len(touched)} 个模型（{of + '；' if of else ''}{unit}）：",
        f"The {len(touched)} models with a price ({of + '; ' if of else ''}{unit}):",
    )
    return Draft("\n".join([head, "", *lines]), entities=(), fields=(), intent="price_list")


_OF_EACH = re.compile(r"分别|各|哪些|哪几|列|多少|价格?[?？。]*$|prices?(?: of| for)?|list|what|how much", re.IGNORECASE)
_ALL = re.compile(r"所有|全部|各(?:个|家)|每个|列(?:个|出|一下)?.{0,8}表|价目|价格表|一览|\ball\b|every|each model|price (?:list|table)|list .{0,20}prices", re.IGNORECASE)


def _notes_alone(work: Work, ids: Sequence[str]) -> Draft:
    """No price for the product that is named, but perhaps words about it ("free", "much reduced")."""
    notes = [
        c
        for i in ids
        for c in work.entity(i).claims.get("pricing_note", ())
        if not c.about or flat(c.about) == flat(named_product(work, i))
    ]
    if not notes:
        names = work.say("、", ", ").join(m.text for m in work.question.named)
        return missing_fact(work, names, work.say("价格", "price"), [work.entity(i) for i in ids])
    lines = [f"{claim_text(c, work.catalog, work.language, with_source=False)} {work.cite(c)}" for c in notes]
    lines.append(work.say("资料没有给出具体单价。", "The sources give no unit price."))
    return Draft("\n".join(lines), entities=tuple(ids), fields=("pricing_note",), intent="price")


_SAME_KIND = (
    ("缓存", "命中", "cach"),
    ("批量", "批处理", "batch"),
    ("微调", "fine-tun", "fine tun", "finetun"),
    ("嵌入", "向量", "embedding"),
    ("折扣", "优惠", "discount"),
    ("学生", "student"),
    ("教育", "educational"),
    ("预留", "reserved", "provisioned"),
)
"""Kinds of price in both languages: a question in one may be answered by a source in the other."""


def _speaks_of(kind: str, text: str) -> bool:
    words = next((g for g in _SAME_KIND if any(w in normalise(kind) for w in g)), (normalise(kind),))
    return any(w in normalise(text) for w in words)


def _uncovered_kind(work: Work, ids: Sequence[str]) -> str:
    """A kind of price that the question names (cached, batch, fine-tuning ...) and that no price claim speaks of; "" if none."""
    kinds = [m[0] for m in pattern("price_kind").finditer(work.question.masked.split(" \n ")[0])]
    for kind in kinds:
        said = " ".join(
            claim_words(c, work.catalog) for i in ids for f in (*PRICE_FIELDS, "pricing_note") for c in work.entity(i).claims.get(f, ())
        )
        if not _speaks_of(kind, said):
            if _said_elsewhere(work, ids, kind):
                return ""
            return work.say(f"{kind}价格", f"a price for {kind}")
    return ""


_AMOUNT = re.compile(r"[$¥￥€£%％折]|\d\s*(?:元|美元|off\b)|免费|\bfree\b|半价|half", re.IGNORECASE)


def _said_elsewhere(work: Work, ids: Sequence[str], kind: str) -> bool:
    """Whether another claim or a passage about the model speaks of this kind of price: then that is the answer, not the list price."""
    for entity_id in ids:
        entity = work.entity(entity_id)
        fields = [f for f in entity.claims if f not in (*PRICE_FIELDS, "terms", "distillation", "channels")]
        if any(_speaks_of(kind, claim_words(c, work.catalog)) for f in fields for c in entity.claims[f]):
            return True
        names = [normalise(n) for n in (entity.name, *entity.aliases)]
        for hit in work.passages(work.question.text, 6):
            about = normalise(f"{hit.chunk.title} {hit.chunk.section}")
            for piece in pieces(hit.chunk):
                text = normalise(piece)
                if not _speaks_of(kind, text) or not any(n in text or n in about for n in names) or says_nothing(piece):
                    continue
                if _AMOUNT.search(piece):
                    return True
    return False


def _tier_ratio(work: Work, entity_id: str, fields: Sequence[str]) -> list[str]:
    """How many times dearer the upper context tier is, for a model that has two."""
    tiers = [q for q in choose_quotes(quotes_of(work.catalog, entity_id)) if CONTEXT in q.when]
    if len(tiers) < 2 or not re.search(r"几倍|倍|times|翻|差", work.question.masked):
        return []
    low, high = tiers[0], tiers[1]
    lines = []
    for field in fields:
        a, b = (low.input_rate, high.input_rate) if field == INPUT else (low.output_rate, high.output_rate)
        if a and b:
            work.computed(b / a)
            lines.append(
                work.say(
                    f"- {work.label(field)}：高档是低档的 {plain(b / a, 2)} 倍",
                    f"- {work.label(field)}: the upper tier is {plain(b / a, 2)} times the lower",
                )
            )
    return lines


def _other_tiers(work: Work, quotes: Sequence[PriceQuote], fields: Sequence[str], per: Decimal, hint: Decimal | None) -> list[str]:
    """The other tiers or channels of the same model: a reader who gave no context length must see all of them."""
    if hint is not None and CONTEXT in quotes[0].when:
        return []
    lines = []
    for quote in quotes[1:5]:
        if (
            quote.input_rate == quotes[0].input_rate
            and quote.currency == quotes[0].currency
            and quote.output_rate in (None, quotes[0].output_rate)
        ):
            continue
        shown = quote_phrase(work, quote, fields, per)
        if not shown:
            continue
        condition = condition_text(quote.when, work.catalog, work.language) or quote.about
        lines.append(f"{condition}{work.say('：', ': ')}{shown}" if condition else shown)
    return lines
