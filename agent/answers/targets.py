"""Which entity a name stands for in a given question: the candidate that has something to say about what is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agent.tools.prices import INPUT, OUTPUT
from agent.understand.lexicon import has
from agent.understand.link import Mention
from agent.work import Work
from kb.catalog.schema import Claim, Entity

PRICE_FIELDS = (INPUT, OUTPUT)


def target(work: Work, mention: Mention, fields: Iterable[str], source: str = "") -> str | None:
    """The candidate of a mention that has claims for any of the fields (from `source`, if given), else its first."""
    wanted = tuple(fields)
    candidates = [i for i in mention.entities if i in work.catalog.entities]
    if source:
        candidates = sorted(
            candidates, key=lambda i: not any(c.source == source for claims in work.entity(i).claims.values() for c in claims)
        )
    for entity_id in candidates:
        if any(work.entity(entity_id).claims.get(f) for f in wanted):
            return entity_id
    return candidates[0] if candidates else None


def targets(work: Work, fields: Iterable[str], kinds: Sequence[str] = ("model", "tool")) -> list[str]:
    """One entity for each mention of these kinds, in order, without repeats."""
    wanted = tuple(fields)
    found: list[str] = []
    for mention in work.question.named:
        chosen = target(work, mention, wanted)
        if chosen is not None and work.entity(chosen).kind in kinds and chosen not in found:
            found.append(chosen)
    return found


def models(work: Work) -> list[Entity]:
    """All models of the catalog, ranked ones first by rank."""
    return [e for e in work.catalog.entities.values() if e.kind == "model"]


def price_fields(work: Work) -> tuple[str, ...]:
    """Input, output or both, by the fields and the direction words of the question."""
    named = {f.field for f in work.question.fields} & set(PRICE_FIELDS)
    text = work.question.masked.split(" \n ")[0]
    asks_input = INPUT in named or has("input_cue", text)
    asks_output = OUTPUT in named or has("output_cue", text)
    earlier = work.question.masked.partition(" \n ")[2]
    if not (asks_input or asks_output) and "field" in work.question.carried and earlier:
        # "per 1K tokens" after "输出呢" is about the output still.
        asks_input, asks_output = has("input_cue", earlier), has("output_cue", earlier)
    if asks_input != asks_output:
        return (INPUT,) if asks_input else (OUTPUT,)
    return PRICE_FIELDS


def first_claims(entity: Entity, field: str) -> tuple[Claim, ...]:
    return entity.claims.get(field, ())


def display_name(work: Work, entity: Entity) -> str:
    """The entity's name, with the vendor where another entity goes by the same name."""
    same = [e for e in work.catalog.entities.values() if e.name == entity.name]
    vendor = work.catalog.vendors.get(entity.vendor)
    return f"{entity.name}（{vendor.name}）" if len(same) > 1 and vendor else entity.name


_RATE_LIMIT = re.compile(
    r"每分钟|每秒(?!.{0,6}(?:token|字|词))|并发上限|限流|速率限制|\b(?:per|a) (?:minute|second)\b|\bRPM\b|\bTPM\b|rate limit", re.IGNORECASE
)


def asks_rate_limit(work: Work) -> bool:
    """Whether a question is for how much a vendor lets through: no model's figure of tokens answers that, a passage may."""
    mentions = work.question.named
    several = bool(mentions) and all(m.how == "vendor" or len(m.entities) > 1 for m in mentions)
    return several and bool(_RATE_LIMIT.search(work.question.masked))
