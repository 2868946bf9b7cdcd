"""The tools themselves: plain functions of an advisor, typed for a model that reads their schema. Read-only; they reach no network.

An expected failure is an `AdvisorError` whose message tells the model how to call again.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agent.events import AnswerDone, Language
from agent.events import Conflict as Disagreement
from agent.understand.question import language_of
from channels.mcp import results
from kb.errors import UsageError

if TYPE_CHECKING:
    from agent.session import Advisor
    from kb.catalog.catalog import Catalog
    from kb.catalog.schema import Claim, Entity

MAX_PASSAGE_CHARS = 4000
MOST_RUNNERS_UP = 5


def answer_of(done: AnswerDone) -> results.Answer:
    """A finished turn."""
    return results.Answer(
        answer=f"{done.answer}\n\n> {done.notice}" if done.notice else done.answer,
        citations=[
            results.Citation(
                n=n, source=c.source, section=c.section, lines=c.place.lines, quote=c.quote, page=c.place.page, sheet=c.place.sheet
            )
            for n, c in enumerate(done.citations, 1)
        ],
        conflicts=[_conflict(c) for c in done.conflicts],
        calculations=[results.Calculation(name=t.name, steps=list(t.steps)) for t in done.tools if t.steps],
        refused=done.refused,
        language=done.language,
    )


def search(advisor: Advisor, query: str, limit: int) -> results.Passages:
    """The best passages."""
    library = advisor.library
    if library is None:
        raise UsageError("nothing is indexed")
    hits = library.search(query, limit)
    passages = [
        results.Passage(
            rank=hit.rank, source=hit.chunk.source, section=hit.chunk.section, lines=hit.chunk.place.lines, text=_cut(hit.chunk.text)
        )
        for hit in hits
    ]
    return results.Passages(passages=passages, confidence=round(float(library.confidence(query, hits)), 3))


def model_facts(advisor: Advisor, model: str, fields: Sequence[str]) -> results.ModelFacts:
    """The claims about a model, all or those of some fields."""
    catalog, language = advisor.reader.catalog, spoken(model)
    entity = named(advisor, model)
    unknown = [field for field in fields if field not in catalog.fields]
    if unknown:
        raise UsageError(f"unknown field {', '.join(unknown)}; {entity.name} has: {', '.join(entity.claims)}")
    chosen = fields or list(entity.claims)
    facts = [
        results.FieldStatements(
            field=field,
            label=getattr(catalog.fields[field].label, language),
            statements=[_statement(claim, catalog, language) for claim in entity.claims.get(field, ())],
        )
        for field in chosen
    ]
    vendor = catalog.vendors[entity.vendor].name if entity.vendor in catalog.vendors else entity.vendor
    return results.ModelFacts(
        id=entity.id,
        name=entity.name,
        vendor=vendor,
        aliases=list(entity.aliases),
        facts=facts,
        conflicts=_conflicts(catalog, [entity], list(chosen), language),
    )


def costs(advisor: Advisor, models: Sequence[str], input_tokens: str, output_tokens: str, request_tokens: str) -> results.Costs:
    """The bills of one volume on each model."""
    from agent.tools.prices import INPUT, OUTPUT
    from agent.tools.registry import read_amount

    catalog, language = advisor.reader.catalog, spoken("".join(models))
    volume = (read_amount(input_tokens, "input_tokens"), read_amount(output_tokens, "output_tokens"))
    context = read_amount(request_tokens, "request_tokens") if request_tokens else None
    entities: list[Entity] = []
    found = []
    for model in models:
        try:
            entity = named(advisor, model)
        except UsageError as error:
            found.append(results.ModelCost(model=model[:80], problem=str(error)))
            continue
        entities.append(entity)
        found.append(_cost(catalog, entity, volume, context, language))
    found.sort(key=lambda c: (c.total is None, c.currency or "", Decimal(c.total or 0)))
    return results.Costs(costs=found, conflicts=_conflicts(catalog, entities, [INPUT, OUTPUT], language))


def size(model: str, gpu: str, context_tokens: str, concurrency: str, dtype: str) -> results.Sizing:
    """Cards of one kind, or without one the best of common kinds."""
    from agent.tools.sizing import gpus_needed, recommend_gpus

    if gpu:
        found = gpus_needed(model, gpu, context_tokens, concurrency, dtype or "bf16")
        return results.Sizing(result=found, steps=[])
    found = recommend_gpus(model, context_tokens, concurrency)
    found["runners_up"] = found.get("runners_up", [])[:MOST_RUNNERS_UP]
    return results.Sizing(result=found, steps=found.pop("steps", []))


def calculated(kind: str, inputs: dict[str, Any]) -> results.Calculated:
    """Any calculator by its name."""
    from agent.sizing.calc import calculate
    from agent.sizing.steps import plain

    outcome = calculate(kind, inputs)
    return results.Calculated(value=plain(outcome.value), unit=outcome.unit, steps=list(outcome.calculation.steps("en")))


def calculators() -> str:
    """Each calculator with its fields, for a tool's description."""
    from agent.sizing.calc import kinds

    return "\n".join(f"- {kind.name}: {kind.summary}. Inputs: {', '.join(kind.fields)}" for kind in kinds().values())


def named(advisor: Advisor, model: str) -> Entity:
    """The entity that a name means. Raises `UsageError` listing what is known."""
    from kb.quantities import normalise

    catalog = advisor.reader.catalog
    exact = catalog.find(model)
    if exact:
        return exact[0]
    linked = [m for m in advisor.reader.linker.link(normalise(model)) if m.entities and not m.unknown]
    if not linked:
        known = ", ".join(e.name for e in catalog.entities.values() if e.kind == "model")
        raise UsageError(f"the sources have no model {model[:80]!r}; they have: {known}")
    return catalog.entities[linked[0].entities[0]]


def spoken(text: str) -> Language:
    """The language of what a model wrote."""
    return language_of(text) if text.strip() else "zh"


def _cost(
    catalog: Catalog, entity: Entity, volume: tuple[Decimal, Decimal], context: Decimal | None, language: Language
) -> results.ModelCost:
    from agent.tools.cost import CostInputError, api_cost
    from agent.tools.prices import NoPriceError, price_of

    try:
        quote = price_of(catalog, entity.id, context_tokens=context)
        bill = api_cost(quote, *volume)
    except (NoPriceError, CostInputError) as error:
        return results.ModelCost(model=entity.name, problem=str(error))
    return results.ModelCost(
        model=entity.name,
        total=str(bill.total),
        currency=bill.currency,
        input_cost=str(bill.input_cost),
        output_cost=str(bill.output_cost),
        prices=[_statement(claim, catalog, language) for claim in quote.claims],
    )


def _statement(claim: Claim, catalog: Catalog, language: Language) -> results.Statement:
    from kb.catalog.show import claim_text, source_text

    return results.Statement(text=claim_text(claim, catalog, language, with_source=False), source=source_text(claim))


def _conflicts(catalog: Catalog, entities: Sequence[Entity], fields: Sequence[str], language: Language) -> list[results.Conflict]:
    from agent.conflicts import find_conflicts
    from agent.verdicts import to_event

    found = find_conflicts(catalog, entities={entity.id for entity in entities}, fields=set(fields))
    return [_conflict(to_event(one, catalog, language)) for one in found]


def _conflict(found: Disagreement) -> results.Conflict:
    claims = [results.Claim(value=claim.value, source=claim.source) for claim in found.claims]
    return results.Conflict(about=found.about, claims=claims, verdict=found.verdict)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_PASSAGE_CHARS else text[:MAX_PASSAGE_CHARS] + " ..."
