"""Which of several named models suits a use: whose recommendations, uses and strengths fit it, and what the sources say of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from agent.answers.choose import Candidate, fits, need_of
from agent.answers.lookup import asked_fields
from agent.answers.targets import PRICE_FIELDS, targets
from agent.similar import catalog_weights
from agent.understand.constraints import constraints_of
from agent.work import Draft, Work
from kb.catalog.schema import Claim
from kb.catalog.show import claim_text

_FOR = re.compile(
    r"适合|更擅长|擅长|用来|用于|拿来|处理|场景|方面|能力|做|写|搞|哪个(?:好|强|行)|谁(?:好|强|行|更)|(?<![a-z])(?:for|at|in terms of|when|suits?|suited|better)(?![a-z])",
    re.IGNORECASE,
)
_CLEARLY = 1.08
"""How far ahead the best fit must be to be called the better one."""
_SOME_FIT = 0.25
_RECOMMENDED = 0.5
"""What an outright recommendation for the use adds: it says more than a use that is listed among others."""


def answer_suits(work: Work) -> Draft | None:
    """The better one of at least two named models for a use; None where no use, a price or a volume is spoken of."""
    question = work.question
    if question.usage.has_volume or question.money or question.has("price_word") or question.has("conflict_word"):
        return None
    if not _FOR.search(question.masked) or not (question.has("compare_word") or question.has("select_word")):
        return None
    ids = targets(work, ("recommended_for", "scenarios", "strengths"))
    entities = [work.entity(i) for i in ids if work.entity(i).kind == "model"]
    asked = asked_fields(work)
    if len(entities) < 2 or set(asked) & set(PRICE_FIELDS):
        return None
    if any(work.field(f).type in ("enum", "rank", "rate") for f in asked) or constraints_of(question, work.catalog):
        return None
    weights = catalog_weights(work.catalog)
    need = [t for t in need_of(work) if weights.known(t)]
    if not need:
        return None
    similar = work.similar_claims(question.masked)
    ranked = sorted(
        (replace(c, score=c.score + _RECOMMENDED * _recommended(work, c, need)) for c in fits(work, entities, need, similar, asked)),
        key=lambda c: -c.score,
    )
    if ranked[0].score < _SOME_FIT or not any(_covers(work, c, need) for c in ranked):
        return None
    return _said(work, ranked, need, [f for f in asked if work.field(f).type == "quantity"])


def _recommended(work: Work, candidate: Candidate, need: Sequence[str]) -> float:
    """Share of the need that the best of the candidate's recommendations covers."""
    weights = catalog_weights(work.catalog)
    split = work.reader.claim_tokens
    return max((weights.coverage_of(need, split[id(c)]) for c in candidate.entity.claims.get("recommended_for", ())), default=0.0)


def _covers(work: Work, candidate: Candidate, need: Sequence[str]) -> bool:
    weights = catalog_weights(work.catalog)
    return any(weights.coverage_of(need, work.reader.claim_tokens[id(c)]) > 0 for c in candidate.reasons)


def _said(work: Work, ranked: Sequence[Candidate], need: Sequence[str], figures: Sequence[str]) -> Draft:
    best, second = ranked[0], ranked[1]
    spoken = [c for c in ranked if _covers(work, c, need)]
    tied = second in spoken and best.score < _CLEARLY * second.score
    names = work.say("、", ", ").join(c.entity.name for c in ranked if c.score * _CLEARLY > best.score)
    if tied:
        head = work.say(f"就这个用途，资料没有分出高下：**{names}** 都有写到。", f"For this use the sources do not separate them: **{names}** are both described for it.")
    else:
        head = work.say(f"就这个用途，资料更支持 **{best.entity.name}**。", f"For this use the sources speak more for **{best.entity.name}**.")
    lines = [head]
    for candidate in ranked:
        name = candidate.entity.name
        if candidate not in spoken:
            lines.append(work.say(f"- {name}：资料没有写到这个用途。", f"- {name}: the sources do not speak of this use."))
        for claim in candidate.reasons[:2] if candidate in spoken else ():
            lines.append(f"- {name}{work.say('：', ': ')}{_claim(work, claim)}")
        for field in figures:
            for claim in candidate.entity.claims.get(field, ())[:2]:
                lines.append(f"- {name}{work.say('：', ': ')}{_claim(work, claim)}")
    lines.append(
        work.say(
            "依据是资料中写明的推荐、场景与优势，没有实测。",
            "Based on the recommendations, uses and strengths that the sources state, not on measurements.",
        )
    )
    work.tool(
        "select_model",
        {"between": [c.entity.id for c in ranked]},
        {"ranked": [(c.entity.id, round(c.score, 3)) for c in ranked]},
    )
    lines = list(dict.fromkeys(lines))
    return Draft("\n".join(lines), entities=tuple(c.entity.id for c in ranked), fields=tuple(figures), intent="select")


def _claim(work: Work, claim: Claim) -> str:
    return f"{work.label(claim.field)}{work.say('：', ': ')}{claim_text(claim, work.catalog, work.language, with_source=False)} {work.cite(claim)}"
