"""The claim or passage about a named entity that fits a question best, where no field is named in so many words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.answers.passages import pieces
from agent.similar import catalog_weights, claim_words, content_tokens
from agent.work import Work
from kb.catalog.schema import Claim, Entity
from kb.text import normalise
from kb.types import Chunk

ENOUGH = 0.28
"""Score (share of the question's words covered, plus up to 0.6 for meaning) below which nothing fits."""
_FIGURES = frozenset({"rate", "money", "quantity", "rank"})
_MEANING_ALONE = 0.45
_WANTS_FIGURE = re.compile(
    r"多少|几|百分之|多大|多长|多久|多快|多高|how (?:much|many|long|fast|large|big|often|high)|what (?:share|percentage|score|accuracy|number)",
    re.IGNORECASE,
)


WANTS_DATE = re.compile(
    r"几月几[号日]|什么时候|何时|哪(?:一)?[天年月]|几号|日期|截止到|\bwhen\b|what date|which (?:day|year|month)|cut-?off", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}\s*[-/年]|\d{1,2}\s*月\s*\d{1,2}")
COMMON = frozenset(
    "api apis token tokens app apps model models llm ai input output price cost rank the and for with are can gb tb url sdk max min".split()
)


def named_things(work: Work) -> list[str]:
    """Latin names in a Chinese question that are no entity (HumanEval, SLA): what answers it must speak of them."""
    if work.language != "zh":
        return [
            normalise(n)
            for n in re.findall(
                r"(?<![A-Za-z0-9])(?:[A-Z]{2,}[A-Za-z0-9]*\d+[A-Z]*|[A-Z][a-z]+[A-Z]\w*|[A-Z]{3,}(?![A-Za-z]))", work.question.masked.split(" \n ")[0]
            )
            if n.lower() not in COMMON
        ]
    words = re.findall(r"[A-Za-z][A-Za-z0-9\-]{2,}", work.question.masked.split(" \n ")[0])
    return [normalise(w) for w in words if w.lower() not in COMMON and not w.islower()]


@dataclass(frozen=True, slots=True)
class Fit:
    """A claim, or a piece of a chunk, with how well it fits."""

    score: float
    entity: Entity
    claim: Claim | None = None
    chunk: Chunk | None = None
    piece: str = ""


def relatives(work: Work, entity_ids: Sequence[str]) -> list[Entity]:
    """The entities themselves, then the others of their families: another place of the sources may say it."""
    own = [work.entity(i) for i in entity_ids]
    families = {e.family for e in own if e.family}
    names = [e.name for e in own]
    siblings = [e for e in work.catalog.entities.values() if e.family in families and e not in own]
    plans = [
        e
        for e in work.catalog.entities.values()
        if e.kind == "plan" and any(_speaks_of(c, entity_ids, names) for claims in e.claims.values() for c in claims)
    ]
    return own + siblings + plans


def _speaks_of(claim: Claim, entity_ids: Sequence[str], names: Sequence[str]) -> bool:
    if claim.when.get("model") in entity_ids or claim.inputs.get("model") in entity_ids:
        return True
    return isinstance(claim.value, tuple) and any(n in v for n in names for v in claim.value)


def closest(work: Work, entity_ids: Sequence[str], *, only: Sequence[str] = ()) -> list[Fit]:
    """Claims and passages about the entities by fit, best first; `only` limits the claims to these fields."""
    text = work.question.masked.split(" \n ")[0]
    known = [t for t in content_tokens(text) if t not in COMMON]
    weights = catalog_weights(work.catalog)
    meaning = work.similar_claims(text)
    must = named_things(work)
    dated = bool(WANTS_DATE.search(text))
    figure = bool(_WANTS_FIGURE.search(text))
    entities = relatives(work, entity_ids)
    versioned = any(re.search(r"\d", m.text) for m in work.question.named if set(m.entities) & set(entity_ids))
    found: list[Fit] = []
    for position, entity in enumerate(entities):
        # What a plan says of itself is seldom what is asked of a model in it.
        own = 1.0 if entity.id in entity_ids else 0.6 if entity.kind == "plan" else 0.88
        for field, claims in entity.claims.items():
            if only and field not in only:
                continue
            if entity.id not in entity_ids and versioned and work.field(field).type in _FIGURES:
                # A sibling's price or window is no answer about this version.
                continue
            words = " ".join(work.field(field).words)
            for claim in claims:
                said = f"{claim_words(claim, work.catalog)} {words}"
                if any(m not in normalise(claim_words(claim, work.catalog)) for m in must) or dated and work.field(field).type != "date":
                    continue
                covered = weights.coverage(known, said)
                # Likeness without one word in common is a hint, not a fit.
                score = covered + meaning.get(id(claim), 0.0) * (1.0 if covered else _MEANING_ALONE)
                if figure:
                    score += 0.12 if re.search(r"\d|[一二三四五六七八九十百千万亿]+级", claim_words(claim, work.catalog)) else -0.12
                found.append(Fit(score * own - 0.001 * position, entity, claim))
    measured = figure or any(work.field(f.field).type in _FIGURES for f in work.question.fields)
    spoken_of = [e for e in entities if e.id in entity_ids] if versioned and measured else entities
    found += [
        f
        for f in _passages(work, spoken_of, entity_ids, known, figure)
        if not (dated and not _DATE.search(f.piece)) and all(m in normalise(f.piece) for m in must)
    ]
    return sorted(found, key=lambda f: -f.score)


def _passages(work: Work, entities: Sequence[Entity], own: Sequence[str], tokens: Sequence[str], figure: bool) -> list[Fit]:
    weights = catalog_weights(work.catalog)
    names = {e.id: [normalise(n) for n in (e.name, *e.aliases)] for e in entities}
    found = []
    for position, hit in enumerate(work.search(work.question.text, 10)):
        if hit.chunk.kind == "record":
            continue
        heading = normalise(f"{hit.chunk.title} {hit.chunk.section}")
        for piece in pieces(hit.chunk):
            low = normalise(piece)
            owner = next((e for e in entities if any(n in low or n in heading for n in names[e.id])), None)
            if owner is None:
                continue
            score = weights.coverage(tokens, piece) * 0.95 + 0.1 * weights.coverage(tokens, heading) + max(0.0, 0.12 - 0.02 * position)
            if figure:
                score += 0.1 if re.search(r"\d", piece) else -0.1
            found.append(Fit(score * (1.0 if owner.id in own else 0.9), owner, None, hit.chunk, piece))
    return found
