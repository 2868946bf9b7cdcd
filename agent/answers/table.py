"""A table of all models by the fields that are asked for: "列个表：模型、上下文、输入价、是否开源"."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.lookup import asked_fields
from agent.answers.price import exchange_rate, rate_text, usable_quotes
from agent.answers.targets import PRICE_FIELDS
from agent.tools.cost import MILLION, per_tokens
from agent.tools.prices import INPUT
from agent.tools.query import judge
from agent.understand.constraints import constraints_of, superlative_of
from agent.understand.lexicon import pattern
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import condition_text, value_text

_TABLE = re.compile(r"表格|列(?:个|成|一?张)?.{0,6}表|做(?:个|成|一?张)表|总表|清单|一览|\b(?:table|spreadsheet|matrix|overview)\b", re.IGNORECASE)
_NO_COLUMN = frozenset({"figure", "uses_model", "volume", "reference", "document_note", "stated_cost", "monthly_users", "relative_price", "pricing_note"})
_OF_MODELS = re.compile(r"\s*(?:的|且|又)?\s*(?:大?模型|产品|厂商|models?(?![a-z])|ones)", re.IGNORECASE)
"""Behind a value: it says of which models, and is no column ("国产模型的价格")."""
_MOST_ROWS, _MOST_COLUMNS = 40, 8


def answer_table(work: Work) -> Draft | None:
    """Models as rows, fields as columns, every cell with its source; None unless a table of two fields or more is asked for."""
    question = work.question
    text = question.masked.split(" \n ")[0]
    if not _TABLE.search(text) or any(m.how != "vendor" for m in question.named) or question.unknown or question.usage.has_volume:
        return None
    if superlative_of(question, work.catalog) is not None:
        return None
    constraints = [c for c in constraints_of(question, work.catalog) if c.operator not in ("is", "has", "any") or _OF_MODELS.match(text, c.end)]
    fields = _columns(work, {c.field for c in constraints})
    if len(fields) < 2 or set(fields) <= set(PRICE_FIELDS):
        return None
    vendors = {work.entity(i).vendor for m in question.named for i in m.entities}
    every = [e for e in work.catalog.entities.values() if e.kind == "model" and (not vendors or e.vendor in vendors)]
    told = [e for e in every if sum(bool(e.claims.get(f)) for f in fields) * 2 >= len(fields)]
    if constraints:
        told = [m.entity for m in judge(work.catalog, told, constraints, cny_per_usd=exchange_rate(work)[0]) if m.meets_all]
    if len(told) < 2:
        return None
    shown = sorted(told, key=_rank)[:_MOST_ROWS]
    unknown = work.say("资料未说", "not stated")
    lines = [f"| {work.say('模型', 'Model')} | " + " | ".join(work.label(f) for f in fields) + " |", "|---" * (len(fields) + 1) + "|"]
    for entity in shown:
        lines.append(f"| {entity.name} | " + " | ".join((_cell(work, entity, f) or unknown).replace("|", "/") for f in fields) + " |")
    work.computed(Decimal(len(shown)), Decimal(len(told)), MILLION)
    work.tool("table", {"fields": fields, "conditions": [f"{c.field} {c.operator} {c.value}" for c in constraints]}, {"models": [e.id for e in shown]})
    head = work.say(f"{len(shown)} 个模型：", f"{len(shown)} models:")
    if len(told) > len(shown):
        head = work.say(f"{len(told)} 个模型里的前 {len(shown)} 个：", f"The first {len(shown)} of {len(told)} models:")
    return Draft("\n".join([head, "", *lines]), entities=tuple(e.id for e in shown), fields=tuple(fields), intent="filter")


def _columns(work: Work, bound: set[str]) -> list[str]:
    """The fields asked for, in the order of their words; the field of a condition is one only where it is named besides."""
    places: dict[str, int] = {}
    asked = set(asked_fields(work)) - _NO_COLUMN
    spoken = [(m.field, m.start, m.end) for m in work.question.fields] + [(v.field, v.start, v.end) for v in work.question.values]
    for field, start, end in spoken:
        if field in asked and not (field in bound and _OF_MODELS.match(work.question.masked, end)):
            places[field] = min(places.get(field, start), start)
    if not places.keys() & set(PRICE_FIELDS) and (price := pattern("price_word").search(work.question.masked)):
        places |= dict.fromkeys(PRICE_FIELDS, price.start())
    return sorted(places, key=lambda f: places[f])[:_MOST_COLUMNS]


def _rank(entity: Entity) -> tuple[Decimal, str]:
    ranks = [c.value for c in entity.claims.get("rank", ()) if isinstance(c.value, Decimal)]
    return (min(ranks) if ranks else Decimal("Infinity"), entity.name)


def _cell(work: Work, entity: Entity, field: str) -> str:
    """The values of one field, each with its mark; a price by the tier that comes first, with the name that its source gives it."""
    if field in PRICE_FIELDS:
        quote = next(iter(usable_quotes(work, entity.id)), None)
        claim = None if quote is None else quote.input_claim if field == INPUT else quote.output_claim
        rate = None if quote is None else quote.input_rate if field == INPUT else quote.output_rate
        if quote is None or claim is None or rate is None:
            return ""
        price = rate * MILLION / per_tokens(quote)
        work.computed(price)
        of = condition_text(quote.when, work.catalog, work.language) or quote.about
        qualified = work.say(f"（{of}）", f" ({of})") if of else ""
        approx = work.say("约 ", "about ") if quote.approx else ""
        return f"{approx}{rate_text(work, price, quote.currency, MILLION)}{qualified} {work.cite(claim)}"
    said: dict[str, list[Claim]] = {}
    for c in entity.claims.get(field, ())[:3]:
        said.setdefault(value_text(c, work.field(field), work.language), []).append(c)
    return work.say("；", "; ").join(f"{value} {work.cite(*claims)}" for value, claims in said.items())
