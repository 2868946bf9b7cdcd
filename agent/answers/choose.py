"""Recommendation: hard conditions first, each exclusion with its reason; then how well each model's stated uses fit the need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from agent.answers.listing import explains, list_of, residual_need, why_not, wished_fields
from agent.answers.passages import clean, pieces
from agent.answers.price import exchange_rate
from agent.answers.weighing import weighed_answer
from agent.evidence import locate
from agent.similar import SEAMS, catalog_weights, content_tokens
from agent.tools.query import Match, Verdict, judge
from agent.understand.constraints import Constraint, constraints_of, says_superlative
from agent.understand.question import FieldMention
from agent.understand.weights import FIRST, weights_of
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import claim_text
from kb.text import normalise
from kb.types import Chunk

WEIGHTS: Mapping[str, float] = {"recommended_for": 1.6, "scenarios": 1.1, "strengths": 1.0}
"""How much a fit counts by the field that states it; every other field counts 0.85. Shown with the answer."""
_OTHER_WEIGHT = 0.85
_WORTH_SAYING = 0.22
_SAYS_NO_USE = frozenset({"terms", "distillation", "license", "billing", "reference", "pricing_note", "document_note"})
_CONDITIONS = frozenset({"enum", "rank", "rate", "money", "date"})
"""Kinds of facts that a model must meet or not, and which say nothing about what it is good for."""
_DENIES = ("no", "closed")
"""Values that speak against a wish for their field; a denial is no reason to choose."""
_STATED_BONUS = 0.3
_DEGREES = frozenset("low high fast quick cheap long short big small large good best better strong lower higher faster cheaper need want".split())
_SPEAKS_FOR_ITSELF = 1.6
"""Fit from which the claims alone show that the wish is about the corpus."""
OUT_OF_SCOPE = 0.26
"""Confidence of the search below which a wish is not about anything in the corpus."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity with its fit (0..1 and above) to the need and the claims that make it."""

    entity: Entity
    score: float
    reasons: tuple[Claim, ...]


def fits(
    work: Work, entities: Sequence[Entity], need: Sequence[str], similar: Mapping[int, float], wished: Sequence[str] = ()
) -> list[Candidate]:
    """Every entity by fit, best first. `similar` gives the meaning-based fit of claims by their identity where it is known;
    an entity of which the sources state a `wished` field (latency, context) comes before one of which they do not.
    """
    weights = catalog_weights(work.catalog)
    split = work.reader.claim_tokens
    found = []
    for entity in entities:
        telling = {f: claims for f, claims in entity.claims.items() if f not in _SAYS_NO_USE and work.field(f).type not in _CONDITIONS}
        everything = frozenset[str]().union(*(split[id(c)] for claims in telling.values() for c in claims))
        together = weights.coverage_of(need, everything) if need else 0.0
        scored: list[tuple[float, Claim]] = []
        for field, claims in telling.items():
            factor = WEIGHTS.get(field, _OTHER_WEIGHT)
            for claim in claims:
                if claim.value in _DENIES:
                    continue
                lexical = weights.coverage_of(need, split[id(claim)]) if need else 0.0
                score = factor * (lexical + similar.get(id(claim), 0.0))
                if score > 0:
                    scored.append((score, claim))
        scored.sort(key=lambda s: -s[0])
        # The best claim decides; further ones that fit add a little, so that agreement of several places counts.
        stated = sum(_STATED_BONUS for f in wished if entity.claims.get(f))
        total = stated + sum(s * w for (s, _), w in zip(scored, (1.0, 0.25, 0.1), strict=False)) + 2.2 * together
        found.append(Candidate(entity, total, tuple(c for s, c in scored[:3] if s >= 0.5 * scored[0][0])))
    return sorted(found, key=lambda c: -c.score)


def answer_choose(work: Work) -> Draft | None:
    """Which model to take for a need; between named ones where they are named."""
    question = work.question
    if question.unknown or question.usage.has_volume or any(work.entity(i).kind == "market" for m in question.named for i in m.entities):
        return None
    named = [work.entity(i) for m in question.named if m.how != "vendor" for i in m.entities[:1] if work.entity(i).kind != "document"]
    if named and not (len(named) > 1 and question.has("select_word")):
        return None
    if FOR_WHOM.search(question.text) or not named and explains(work):
        return None
    constraints = constraints_of(question, work.catalog)
    stressed = weights_of(question, work.catalog)
    wished = [f for f in wished_fields(work, constraints) if f.field not in stressed]
    need = _need(work, constraints, wished)
    wishes = _wishes(work, constraints, wished, bool(named)) or bool(stressed)
    if wishes and not (need or constraints or named or stressed) and _ABOUT_MODELS.search(question.text):
        return _ask_back(work)
    if not (wishes or constraints and not need) or not (need or constraints or stressed):
        return None
    pool = [e for e in named if e.id not in question.excluded] or [
        e for e in work.catalog.entities.values() if e.kind in ("model", "tool", "plan") and e.id not in question.excluded
    ]
    hard = constraints
    matches = judge(work.catalog, pool, hard, cny_per_usd=exchange_rate(work)[0])
    if not need and not named and not stressed:
        return list_of(work, [m for m in matches if m.entity.kind == "model"], constraints)
    kept = [m.entity for m in matches if m.meets_all]
    excluded = [(m.entity, failed.constraint, failed.claims) for m in matches if (failed := _failed(m)) is not None]
    similar = work.similar_claims(FIRST.sub(" ", question.masked)) if need else {}
    ranked = fits(work, kept, need, similar, tuple(f.field for f in wished))
    praised = recommended_in_passages(work, need, [c.entity for c in ranked])
    ranked = sorted((replace(c, score=c.score + praised[c.entity.id][0] if c.entity.id in praised else c.score) for c in ranked), key=lambda c: -c.score)
    if stressed:
        fit = {c.entity.id: c.score for c in ranked if c.score >= _WORTH_SAYING}
        return weighed_answer(work, fit, [e for e in kept if e.kind == "model"], stressed)
    if not ranked or ranked[0].score < _WORTH_SAYING:
        return None
    if not constraints and not named and _foreign(work, ranked[0].score):
        return None
    usual = {f: share for f, share in work.weights.items() if f in work.catalog.fields}
    if usual:
        fit = {c.entity.id: c.score for c in ranked if c.score >= _WORTH_SAYING}
        weighed = weighed_answer(work, fit, [e for e in kept if e.kind == "model"], usual)
        if weighed is not None:
            return weighed
    return _said(work, ranked, constraints, excluded, {i: f"> {clean(q)} {work.cite_chunk(c, q)}" for i, (_, c, q) in praised.items()})


_PRAISES = re.compile(r"首选|优先选|推荐|建议(?:选|用|优先)|最适合|first choice|recommend|best (?:choice|suited)|preferred", re.IGNORECASE)
_PRAISE = 1.5
"""Weight of a sentence that recommends a model for the need, times the share of the need that it covers."""


def recommended_in_passages(work: Work, need: Sequence[str], entities: Sequence[Entity]) -> dict[str, tuple[float, Chunk, str]]:
    """Entity -> (bonus, chunk, sentence) where a document recommends it for the need in so many words.

    A catalog drafted from prose holds few recommendations as claims; the sentence itself is as good.
    """
    found: dict[str, tuple[float, Chunk, str]] = {}
    if not need:
        return found
    weights = catalog_weights(work.catalog)
    names = {e.id: [normalise(n) for n in (e.name, *e.aliases) if len(n) > 2] for e in entities if e.kind == "model"}
    for hit in work.passages(work.question.text):
        for piece in pieces(hit.chunk):
            low = normalise(f"{hit.chunk.text if hit.chunk.kind == 'row' else piece}")
            covered = weights.coverage(need, low)
            if covered < 0.5 or not _PRAISES.search(low):
                continue
            for entity_id, called in names.items():
                bonus = _PRAISE * covered
                if any(n in normalise(piece) for n in called) and bonus > found.get(entity_id, (0.0,))[0]:
                    found[entity_id] = (bonus, hit.chunk, piece)
    return found


def _failed(match: Match) -> Verdict | None:
    return next((v for v in match.verdicts if v.met is False), None)


def _foreign(work: Work, fit: float) -> bool:
    """Whether a wish is not about the corpus: it fits weakly, and the search finds nothing like it."""
    if work.library is None or fit >= _SPEAKS_FOR_ITSELF:
        return False
    question = work.question.text
    return work.library.confidence(question, work.search(question, 10)) < OUT_OF_SCOPE


def _need(work: Work, constraints: Sequence[Constraint], wished: Sequence[FieldMention]) -> list[str]:
    """Words of the wish that are neither filler nor a condition, and those of the fields that are wished for."""
    weights = catalog_weights(work.catalog)
    tokens = [t for t in residual_need(work, constraints, None) if t not in _DEGREES]
    tokens += [t for f in wished for t in content_tokens(f.text)]
    return list(dict.fromkeys(t for t in tokens if t.isascii() or weights.known(t) and not set(t) & SEAMS))


def need_of(work: Work) -> list[str]:
    """The words of a use that a question speaks of, without conditions and filler."""
    constraints = constraints_of(work.question, work.catalog)
    return _need(work, constraints, wished_fields(work, constraints))


def _wishes(work: Work, constraints: Sequence[Constraint], wished: Sequence[FieldMention], named: bool) -> bool:
    """Whether a choice is wanted: by its words, or said without a question ("车机上要实时语音，延迟要低"), or by a superlative."""
    question = work.question
    said = question.has("wish_word") and not question.has("question_word") and not named
    best = bool(wished) and says_superlative(question)
    listed = question.has("list_word") and bool(constraints)
    return question.has("select_word") or said or best or listed or len(constraints) > 1


FOR_WHOM = re.compile(
    r"适合谁|谁适合|给谁用|适合什么(?:人|样的人|企业|公司)|适合哪(?:些|类)(?:人|企业|公司)|for whom|who (?:is|are) (?:it|they|this|that) (?:for|good for)|suits whom", re.IGNORECASE)
_ABOUT_MODELS = re.compile(r"模型|大模型|\b(?:ai|llm|api)\b|models?\b|which one should|^\W*(?:随便|帮我|给我|请)?(?:推荐|选|挑)", re.IGNORECASE)


def _ask_back(work: Work) -> Draft | None:
    """A wish without a use: the first places of the ranking, if there is one, and what would help to choose."""
    ranked = sorted(
        (c.value, e, c)
        for e in work.catalog.entities.values()
        for f, claims in e.claims.items()
        if work.field(f).type == "rank"
        for c in claims[:1]
        if isinstance(c.value, Decimal)
    )[:3]
    lines = [
        work.say(
            "要推荐，请告诉我用途（如客服、写代码、长文档）、预算、国产或可自主部署等条件。",
            "To recommend one I need the use (support, coding, long documents ...), the budget, and conditions such as country or self-hosting.",
        )
    ]
    for value, entity, claim in ranked:
        work.computed(value)
        lines.append(
            work.say(f"- 榜单第 {value} 名：{entity.name} {work.cite(claim)}", f"- Rank {value}: {entity.name} {work.cite(claim)}")
        )
    return Draft("\n".join(lines), intent="clarify")


def _models_of(work: Work, entity: Entity) -> list[str]:
    """The models that a plan uses; a model stands for itself."""
    if entity.kind != "plan":
        return [entity.name]
    names = [v for c in entity.claims.get("uses_model", ()) for v in (c.value if isinstance(c.value, tuple) else (str(c.value),))]
    return names or [entity.name]


_LONGEST_QUOTE = 160


def _source_sentence(work: Work, candidate: Candidate) -> list[str]:
    """The sentence of the source behind the first reason, where it says more than the claim."""
    if not candidate.reasons or work.library is None:
        return []
    claim = candidate.reasons[0]
    quote = locate(claim, work.library, work.catalog).quote
    shown = claim_text(claim, work.catalog, "zh", with_source=False)
    if not 1.4 * len(shown) < len(quote) <= _LONGEST_QUOTE or quote.lstrip().startswith("|"):
        return []
    return [f"  > {clean(quote)} {work.cite(claim)}"]


def _said(
    work: Work,
    ranked: Sequence[Candidate],
    constraints: Sequence[Constraint],
    excluded: Sequence[tuple[Entity, Constraint, tuple[Claim, ...]]],
    praise: Mapping[str, str],
) -> Draft:
    best = ranked[0]
    tied = [c for c in ranked if c.score >= 0.93 * best.score][:3]
    names = list(dict.fromkeys(n for c in tied for n in _models_of(work, c.entity)))
    lines = [work.say(f"按资料，首选 **{'、'.join(names)}**。", f"By the sources, take **{', '.join(names)}**.")]
    for candidate in tied:
        for claim in candidate.reasons[:2]:
            lines.append(
                f"- {candidate.entity.name}{work.say('：', ': ')}{work.label(claim.field)}{work.say('：', ': ')}{claim_text(claim, work.catalog, work.language, with_source=False)} {work.cite(claim)}"
            )
        lines += [f"  {praise[candidate.entity.id]}"] if candidate.entity.id in praise else _source_sentence(work, candidate)
    others = [c for c in ranked[len(tied) :] if c.reasons and c.score >= 0.45 * best.score][:3]
    if others:
        lines.append(work.say("其次可以看：", "Also worth a look:"))
        for candidate in others:
            reason = candidate.reasons[0]
            lines.append(
                f"- {candidate.entity.name}{work.say('：', ': ')}{work.label(reason.field)}{work.say('：', ': ')}{claim_text(reason, work.catalog, work.language, with_source=False)} {work.cite(reason)}"
            )
    if excluded and constraints:
        shown = [
            f"{e.name}{work.say('（', ' (')}{why_not(work, c, claims)}{work.say('）', ')')}"
            for e, c, claims in excluded
            if e.kind == "model"
        ][:5]
        if shown:
            lines.append(
                work.say("不满足条件而排除：", "Excluded by the conditions: ") + work.say("、", ", ").join(shown) + work.say(" 等。", ".")
            )
    lines.append(
        work.say(
            "依据：资料写明的推荐（权重 1.6）、适用场景（1.1）、优势（1）和其他说明（0.85）与需求的吻合程度，没有实测；可以加条件，或说“价格优先”“更看重延迟”来换权重。",
            "Based on how well the stated recommendations (weight 1.6), uses (1.1), strengths (1) and other notes (0.85) fit the need, not on measurements; add conditions, or say “price first” to weigh otherwise.",
        )
    )
    work.computed(Decimal("1.6"), Decimal("1.1"), Decimal(1), Decimal("0.85"))
    work.tool(
        "select_model",
        {"conditions": [f"{c.field} {c.operator} {c.value}" for c in constraints]},
        {"ranked": [(c.entity.id, round(c.score, 3)) for c in ranked[:5]], "weights": {**WEIGHTS, "other fields": _OTHER_WEIGHT}},
    )
    return Draft("\n".join(lines), entities=tuple(c.entity.id for c in tied), fields=(), intent="select")
