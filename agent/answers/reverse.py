"""Whose a figure or a description is: "89.3 分是哪家的成绩", "who offers video calls" -> the entity whose claim says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.answers.choose import FOR_WHOM
from agent.answers.price import exchange_rate
from agent.similar import catalog_weights, content_tokens
from agent.tools.query import judge
from agent.understand.constraints import constraints_of, rank_asked
from agent.understand.lexicon import pattern
from agent.understand.question import model_sizes
from agent.understand.weights import weights_of
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import claim_text
from kb.numbers import find_numbers
from kb.quantities import Quantity
from kb.quantities import normalise as plain_text

_WHO = re.compile(
    r"谁|哪一?(?:家|个|款|位|种)|是哪|哪里?来的|出处|出自|\bwho(?:se)?\b|\bwhich\b|\bwhat (?:model|company|vendor)\b|where (?:does|do|is|are).{0,30}from",
    re.IGNORECASE,
)
_ENOUGH = 0.7
"""Coverage of the question's words plus meaning (0..0.6) from which a description is taken to be met."""
_NEAR = 0.85
_FEWEST_WORDS = 3
_FIGURE_BONUS = 0.5


@dataclass(frozen=True, slots=True)
class _Found:
    score: float
    entity: Entity
    claim: Claim


def answer_reverse_figure(work: Work) -> Draft | None:
    """The owners of a figure that the question quotes; None unless a claim holds exactly that figure."""
    question = work.question
    figures = _figures(work)
    if not figures or not _WHO.search(question.text) or question.usage.has_volume and not _origin(work):
        return None
    if weights_of(question, work.catalog) or rank_asked(question, work.catalog) is not None or question.has("cost_word") or question.has("budget_word") or question.has("sizing_word") or question.has("break_even_word"):
        return None
    named = {i for m in question.named for i in m.entities}
    found = [f for f in _scored(work, _entities(work)) if any(_holds(f.claim, q) for q in figures)]
    if named:
        if not _origin(work):
            return None
        return _origins(work, found, figures, named)
    best = [f for f in found if f.score >= max(0.25, _NEAR * found[0].score)][:3] if found else []
    return _said(work, best) if best else None


def _figures(work: Work) -> list[Quantity]:
    """Figures written in digits; "number one" and "三家" are words."""
    sizes = model_sizes(work.question)
    return [
        q
        for q in work.question.quantities
        if not q.bound and q not in sizes and q.unit not in ("parameter", "card") and re.search(r"\d", q.text)
    ]


def answer_reverse_words(work: Work) -> Draft | None:
    """The entity whose claim the question describes; None where no claim covers most of what is said."""
    question = work.question
    named = [m for m in question.named if any(work.entity(i).kind != "document" for i in m.entities)]
    if named or FOR_WHOM.search(question.text) or question.usage.has_volume or question.money or not _WHO.search(question.text):
        return None
    # "哪些模型用美元报价" and other conditions are a list's business.
    if len(content_tokens(question.masked.split(" \n ")[0])) < _FEWEST_WORDS:
        return None
    found = [f for f in _scored(work, _entities(work)) if f.score >= _ENOUGH]
    best = [f for f in found if f.score >= _NEAR * found[0].score][:3] if found else []
    return _said(work, best) if best else None


def _origins(work: Work, found: Sequence[_Found], figures: Sequence[Quantity], named: set[str]) -> Draft | None:
    """For every figure the claims that state it, those about the named things first."""
    chosen: list[_Found] = []
    for figure in figures:
        holding = [f for f in found if _holds(f.claim, figure)]
        holding.sort(key=lambda f: not (f.entity.id in named or _mentions(f.claim, work, named)))
        chosen += [f for f in holding[:2] if f not in chosen]
    return _said(work, chosen[:5]) if chosen else None


def _origin(work: Work) -> bool:
    return bool(re.search(r"来的|出处|出自|哪里|哪来|分别是哪|where.{0,30}from", work.question.text, re.IGNORECASE))


def _entities(work: Work) -> list[Entity]:
    """All entities, or those that meet the conditions that the question puts besides."""
    entities = [e for e in work.catalog.entities.values() if e.id not in work.question.excluded]
    hard = [c for c in constraints_of(work.question, work.catalog) if c.operator in ("is", "not") and work.field(c.field).type == "enum"]
    if not hard:
        return entities
    return [m.entity for m in judge(work.catalog, entities, hard, cny_per_usd=exchange_rate(work)[0]) if m.meets_all] or entities


def _scored(work: Work, entities: Sequence[Entity]) -> list[_Found]:
    text = work.question.masked.split(" \n ")[0]
    rest = text
    for group in ("list_word", "select_word", "scope_ranked", "count_word"):
        rest = pattern(group).sub(" ", rest)
    tokens = content_tokens(rest)
    if not tokens:
        return []
    weights = catalog_weights(work.catalog)
    meaning = work.similar_claims(text)
    figures = _figures(work)
    found = []
    for entity in entities:
        for claims in entity.claims.values():
            for claim in claims:
                score = weights.coverage_of(tokens, work.reader.claim_tokens[id(claim)]) + meaning.get(id(claim), 0.0)
                if any(_holds(claim, q) for q in figures):
                    score += _FIGURE_BONUS
                found.append(_Found(score, entity, claim))
    return sorted(found, key=lambda f: -f.score)


def _holds(claim: Claim, quantity: Quantity) -> bool:
    """Whether the claim states exactly this figure, as its value or in its words."""
    values = {quantity.value, quantity.high} - {None}
    if isinstance(claim.value, Decimal) and claim.value in values:
        return True
    words = [claim.as_written, claim.note, *(claim.value if isinstance(claim.value, tuple) else (str(claim.value),))]
    return any(n.value in values for text in words if isinstance(text, str) for n in find_numbers(plain_text(text)))


def _mentions(claim: Claim, work: Work, named: set[str]) -> bool:
    if named & {claim.when.get("model"), str(claim.inputs.get("model", ""))}:
        return True
    names = [work.entity(i).name for i in named]
    return any(n in f"{claim.note} {claim.quote} {claim.value}" for n in names)


def _said(work: Work, found: Sequence[_Found]) -> Draft:
    names = list(dict.fromkeys(f.entity.name for f in found))
    lines = [work.say(f"是 **{'、'.join(names)}**。", f"**{', '.join(names)}**.")]
    for f in found:
        shown = claim_text(f.claim, work.catalog, work.language, with_source=True)
        lines.append(f"- {f.entity.name}{work.say('：', ': ')}{work.label(f.claim.field)} {shown} {work.cite(f.claim)}")
    work.tool("find_owner", {"question": work.question.text}, {"entities": [f.entity.id for f in found]})
    return Draft(
        "\n".join(lines),
        entities=tuple(dict.fromkeys(f.entity.id for f in found)),
        fields=tuple(dict.fromkeys(f.claim.field for f in found)),
        intent="owner",
    )
