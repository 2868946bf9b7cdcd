"""Which models meet conditions, which is highest or lowest, which stands where in a ranking; how many there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from agent.answers.closest import COMMON, named_things
from agent.answers.price import exchange_rate
from agent.answers.targets import models
from agent.similar import SEAMS, catalog_weights, claim_words, content_tokens
from agent.tools.prices import choose_quotes, quotes_of
from agent.tools.query import Match, Ranked, judge, order_by
from agent.understand.constraints import (
    FITS,
    Constraint,
    Superlative,
    constraints_of,
    is_vague,
    places_asked,
    rank_asked,
    says_superlative,
    superlative_of,
)
from agent.understand.lexicon import has
from agent.understand.question import FieldMention
from agent.understand.weights import FIRST
from agent.words import currency_name, money, plain
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import value_text
from kb.catalog.units import rate_parts
from kb.quantities import bound_span
from kb.text import normalise


def residual_need(work: Work, constraints: Sequence[Constraint], superlative: Superlative | None) -> list[str]:
    """Content words of the question that neither a condition, a field, a quantity nor a function word accounts for."""
    text = list(_asking_part(work))
    # Words of a bound stand around its figure ("200K 以上"); Latin words behind it are no part of it.
    tails = {q: 3 if re.match(r"\s*[\u4e00-\u9fff]", work.question.masked[q.end :]) else 0 for q in work.question.quantities if q.bound}
    spans = [(q.start - 3, q.end + tail) for q, tail in tails.items()]
    spans += [span for q in tails if (span := bound_span(work.question.masked, q)) is not None]
    spans += [m.span() for m in _PER_TOKENS.finditer(work.question.masked)]
    spans += (
        [(c.start, c.end) for c in constraints]
        + [(f.start, f.end) for f in work.question.fields]
        + [(q.start, q.end) for q in work.question.quantities]
    )
    # "合同" means a licence by contract only where licences are spoken of.
    telling = [v for v in work.question.values if not is_vague(v.text) or any(f.field == v.field for f in work.question.fields)]
    spans += [(v.start, v.end) for v in (*telling, *work.question.conditions)]
    if superlative:
        spans.append((superlative.start, superlative.end))
    for start, end in spans:
        start, end = max(0, start), min(len(text), end)
        text[start:end] = " " * (end - start)
    from agent.understand.lexicon import pattern

    rest = FIRST.sub(" ", "".join(text))
    for group in (
        "select_word",
        "list_word",
        "count_word",
        "compare_word",
        "price_word",
        "cheap_word",
        "dear_word",
        "scope_ranked",
        "conflict_word",
    ):
        rest = pattern(group).sub(" ", rest)
    return [t for t in content_tokens(rest) if len(t) > 1 and not t.isdigit() and t not in COMMON]


_PER_TOKENS = re.compile(r"(?:每一?|per |/ ?|a )(?:1 ?)?(?:百万|千|万|m(?:illion|tok)?|k|thousand)(?: ?(?:input|output|个)?(?: ?tokens?)?)(?![a-z])", re.IGNORECASE)
"""What a price is for says nothing of a use."""


def wished_fields(work: Work, constraints: Sequence[Constraint]) -> list[FieldMention]:
    """Fields whose words describe what is wished for ("长文档", "性价比", "延迟"), where no condition is made of them."""
    bound = {c.field for c in constraints}
    values = [(v.start, v.end) for v in work.question.values]
    return [
        f
        for f in work.question.fields
        if f.field not in bound
        and f.field not in _NO_WISH
        and not any(a <= f.start and f.end <= b for a, b in values)
        and work.field(f.field).type != "rank"
    ]


_NO_WISH = frozenset({"uses_model", "recommended_for", "figure", "volume", "country", "channels", "input_price", "output_price", "reference", "scenarios"})


_PARTS = re.compile(r"[，,。；;!！?？]|(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff])")


def _asking_part(work: Work) -> str:
    """The question with the clauses blanked out that neither ask for a list nor hold a condition, where one clause does both.

    "哪些模型用人民币报价 我们财务不想付外汇": why it is asked is no further need.
    """
    own, _, earlier = work.question.masked.partition(" \n ")
    if earlier and has("select_word", earlier) and not has("select_word", own):
        # "价格优先呢" weighs the wish of the turn before anew.
        return work.question.masked
    text = own
    if not work.question.has("list_word"):
        return text
    edges = [0, *(m.end() for m in _PARTS.finditer(text)), len(text)]
    constraints = constraints_of(work.question, work.catalog)
    parts = [(a, b) for a, b in zip(edges, edges[1:], strict=False) if b > a]
    if not any(has("list_word", text[a:b]) and any(a <= c.start < b for c in constraints) for a, b in parts):
        return text
    kept = [(a, b) for a, b in parts if has("list_word", text[a:b]) or any(a <= c.start < b for c in constraints)]
    return "".join(ch if any(a <= i < b for a, b in kept) else " " for i, ch in enumerate(text))


def has_need(work: Work, rest: Sequence[str], hardness: float = 1.0) -> bool:
    """Whether the leftover words describe a use that some model's claims speak of, rather than being filler."""
    weights = catalog_weights(work.catalog)
    known = [t for t in rest if weights.known(t)]
    if not known:
        return False
    best = max(
        (weights.overlap(known, claim_words(c, work.catalog)) for e in models(work) for claims in e.claims.values() for c in claims),
        default=0.0,
    )
    return best >= hardness * (NEED_WEIGHT if work.question.has("list_word") else 0.7 * NEED_WEIGHT)


_HAS_MODELS = re.compile(r"有(?:没有|哪些|什么|几个)?.{0,4}(?:模型|产品)|what models|any models?", re.IGNORECASE)
NEED_WEIGHT = 4.0
"""Two rare words of one claim, or one very rare: log-scaled inverse document frequencies, see agent/similar.py."""


def scope(work: Work) -> list[Entity]:
    """The models that a list is drawn from: the ranked ones where the question speaks of the ranking, a vendor's where one is named."""
    every = models(work)
    vendors = {work.entity(i).vendor for m in work.question.named if m.how == "vendor" for i in m.entities}
    if vendors:
        every = [e for e in every if e.vendor in vendors]
    every = [e for e in every if e.id not in work.question.excluded]
    ranks = [i for i, f in work.catalog.fields.items() if f.type == "rank"]
    if work.question.has("scope_ranked") and ranks:
        every = [e for e in every if any(e.claims.get(r) for r in ranks)]
    return every


def answer_listing(work: Work) -> Draft | None:
    """A list, a superlative or a place in a ranking; None where a model is named or the question is about a need."""
    question = work.question
    if any(m.how != "vendor" for m in question.named) or question.unknown:
        return None
    constraints = constraints_of(question, work.catalog)
    must_fit = bool(FITS.search(question.masked)) and any(c.operator == "min" for c in constraints)
    if question.usage.has_volume and not must_fit:
        return None
    superlative = superlative_of(question, work.catalog)
    rank = rank_asked(question, work.catalog)
    if rank is not None:
        others = [c for c in constraints if c.field != rank.field]
        if (place := _place_among(rank, others)) is not None:
            return _found(work, others, place, ())
        constraints = [*others, rank]
    if must_fit and (superlative is not None or question.has("list_word") or question.has("select_word")):
        # "要一次读 80 万 token 的手册，选哪个": whatever is to be read, its size decides.
        return _found(work, constraints, superlative, ())
    things = named_things(work) if question.has("list_word") else []
    if things:
        return _mentioning(work, things)
    places = places_asked(question, work.catalog)
    if len(places) > 1 and rank is not None:
        return _places(work, places, rank.field)
    vendor_list = any(m.how == "vendor" for m in question.named) and (question.has("list_word") or bool(_HAS_MODELS.search(question.masked)))
    if not (constraints or superlative or vendor_list) or not (vendor_list or _asks_list(work, constraints, superlative, rank)):
        return None
    wish = question.has("select_word") or says_superlative(question)
    if wish and superlative is None and rank is None and wished_fields(work, constraints):
        return None
    rest = residual_need(work, constraints, superlative)
    if rank is None and _is_no_list(work, constraints, superlative, rest, vendor_list):
        return None
    weights = catalog_weights(work.catalog)
    return _found(work, constraints, superlative, [t for t in rest if weights.known(t) and not set(t) & SEAMS])


def _is_no_list(
    work: Work, constraints: Sequence[Constraint], superlative: Superlative | None, rest: Sequence[str], vendor_list: bool
) -> bool:
    """Whether the words beside the conditions speak of a use, or want an explanation."""
    if superlative is not None and _best_for_a_use(work, superlative, rest):
        return True
    if superlative is None and not vendor_list and _about_more(work, constraints, rest):
        return True
    # The more conditions a question has, the more its other words are likely to be filler.
    hardness = 1.0 + 0.5 * max(0, len(constraints) - 1) + (0.5 if superlative else 0.0)
    return not vendor_list and has_need(work, rest, hardness)


def _best_for_a_use(work: Work, superlative: Superlative, rest: Sequence[str]) -> bool:
    """ "The best model for coding" is no question for the ranking, where no rank is spoken of."""
    if work.field(superlative.field).type != "rank" or any(work.field(f.field).type == "rank" for f in work.question.fields):
        return False
    return any(catalog_weights(work.catalog).known(t) for t in rest)


def _place_among(rank: Constraint, others: Sequence[Constraint]) -> Superlative | None:
    """ "排第一的国产模型" is the first of those, not the first of all."""
    if rank.operator != "equals" or not others or not isinstance(rank.value, Decimal) or rank.value > _LAST_PLACE:
        return None
    return Superlative(rank.field, False, 1, rank.start, rank.end, int(rank.value))


_LAST_PLACE = 5
"""The places that have a name in both languages (`_rank_word`)."""
_EXPLAINS = re.compile(
    r"区别|差别|不同之处|有何不同|有什么不同|怎么|如何|为什么|为何|\bdiffer(?:s|ence|ences)?\b|\bhow (?:do|does|did|to|can|should)\b|\bwhy\b", re.IGNORECASE
)


def explains(work: Work) -> bool:
    """Whether the question wants something explained, not a list or a choice."""
    return bool(_EXPLAINS.search(work.question.masked)) and not work.question.has("select_word")


def _about_more(work: Work, constraints: Sequence[Constraint], rest: Sequence[str]) -> bool:
    """Whether one condition is not what the question is about: it wants an explanation, or speaks of a use besides."""
    question = work.question
    if len({c.field for c in constraints}) != 1:
        return False
    if explains(work):
        return True
    if question.has("list_word") or question.has("count_word"):
        return False
    weights = catalog_weights(work.catalog)
    return any(weights.known(t) for t in rest)


def _asks_list(work: Work, constraints: Sequence[Constraint], superlative: Superlative | None, rank: Constraint | None) -> bool:
    """Whether the question wants a list or a winner: by its words, by several conditions, or by being nothing but a condition."""
    question = work.question
    words = any(question.has(g) for g in ("list_word", "select_word", "count_word", "compare_word"))
    if words or len(constraints) > 1 or superlative or rank:
        return True
    return bool(constraints) and not question.mentions and not residual_need(work, constraints, superlative)


def _found(work: Work, constraints: Sequence[Constraint], superlative: Superlative | None, need: Sequence[str]) -> Draft | None:
    candidates = scope(work)
    if constraints:
        matches = judge(work.catalog, candidates, constraints, cny_per_usd=exchange_rate(work)[0])
        if superlative is None:
            return _with_fitting(work, list_of(work, matches, constraints), [m.entity for m in matches if m.meets_all], need)
        candidates = [m.entity for m in matches if m.meets_all]
        if not candidates:
            return list_of(work, matches, constraints)
    if superlative is None:
        return _names(work, candidates) if candidates else None
    return _superlative(work, candidates, superlative, constraints)


def _with_fitting(work: Work, draft: Draft | None, met: Sequence[Entity], need: Sequence[str]) -> Draft | None:
    """The list with a line on those whose claims speak of the other words of the question ("法律方向的开源模型")."""
    fitting = [e for e in met if need and _speaks_of(work, e, need)]
    if draft is None or not fitting or len(fitting) == len(met):
        return draft
    names = work.say("、", ", ").join(e.name for e in fitting)
    words = " ".join(need)
    line = work.say(f"其中资料写到“{words}”的：**{names}**。", f"Of these, the sources speak of “{words}” for: **{names}**.")
    head, _, body = draft.text.partition("\n")
    return replace(draft, text=f"{head}\n{line}\n{body}")


def _speaks_of(work: Work, entity: Entity, need: Sequence[str]) -> bool:
    """Whether one claim on what an entity is good for holds all words of a need."""
    weights, split = catalog_weights(work.catalog), work.reader.claim_tokens
    uses = [c for field, claims in entity.claims.items() if work.field(field).type in ("text", "list") for c in claims]
    return any(weights.coverage_of(need, split[id(c)]) > 0.99 for c in uses)


def list_of(work: Work, matches: Sequence[Match], constraints: Sequence[Constraint]) -> Draft | None:
    """The entities that meet all conditions with what makes them meet; near misses where none does."""
    met = _speaking_of_what_is_asked(work, [m for m in matches if m.meets_all], constraints)
    unknown = [m for m in matches if not m.meets_all and all(v.met is not False for v in m.verdicts)]
    fields = tuple(dict.fromkeys(c.field for c in constraints))
    work.tool(
        "filter_models", {"conditions": [f"{c.field} {c.operator} {c.value}" for c in constraints]}, {"models": [m.entity.id for m in met]}
    )
    if not met:
        said = work.say("没有模型同时满足这些条件", "No model in the catalog meets all of these conditions")
        apart = next((v.constraint.unit for m in unknown if _in_other_currency(m) for v in m.verdicts if v.constraint.unit), "")
        if apart:
            name = currency_name(apart, work.language)
            said = work.say(f"以{name}计价的模型里没有满足的", f"None of the models priced in {name} meets this")
        elif unknown and len(unknown) >= len(matches) / 2:
            said = work.say(
                "资料没有写清这些条件，无法判断哪些模型满足", "The sources do not state this for most models, so none can be named"
            )
        lines = [f"{said}{work.say('（', ' (')}{_conditions(work, constraints)}{work.say('）。', ').')}"]
        near = sorted((m for m in matches if any(v.met for v in m.verdicts)), key=_missed)[:3]
        for match in near:
            failed = [v for v in match.verdicts if not v.met]
            why = work.say("、", ", ").join(
                f"{work.say('不满足 ', 'fails ')}{_why(work, v.constraint)}{work.say('（', ' (')}{why_not(work, v.constraint, v.claims)}{work.say('）', ')')} {work.cite(*v.claims)}".strip()
                if v.met is False and v.claims
                else work.say(f"资料没有写{work.label(v.constraint.field)}", f"the {work.label(v.constraint.field)} is not stated")
                for v in failed
            )
            lines.append(f"- {match.entity.name}{work.say('：', ': ')}{why}")
        return Draft("\n".join([*lines, *_unconverted(work, unknown)]), entities=tuple(m.entity.id for m in near), fields=fields, intent="filter")
    work.computed(*(c.value for m in met for v in m.verdicts for c in v.claims if not isinstance(c.value, (str, bool, tuple))))
    count = Decimal(len(met))
    work.computed(count)
    names = work.say("、", ", ").join(m.entity.name for m in met)
    untold = [c for c in constraints if c.operator == "unstated"]
    if untold:
        what = work.say("、", ", ").join(work.label(c.field) for c in untold)
        lines = [
            work.say(
                f"资料没有写{what}的有 {plain(count)} 个（没有写不等于没有）：**{names}**。",
                f"{plain(count)} of which the sources do not state the {what} (which does not mean there is none): **{names}**.",
            )
        ]
    else:
        lines = [work.say(f"共 {plain(count)} 个：**{names}**。", f"{plain(count)} in all: **{names}**.")]
    for match in met if len(untold) < len(constraints) else ():
        facts = []
        for verdict in match.verdicts:
            shown = work.say("；", "; ").join(
                f"{work.label(c.field)}{work.say('：', ': ')}{value_text(c, work.field(c.field), work.language)} {work.cite(c)}"
                for c in verdict.claims
            )
            if shown:
                facts.append(shown)
        facts += _also_asked(work, match.entity, fields)
        lines.append(f"- {match.entity.name}{work.say('：', ': ') if facts else ''}{work.say('；', '; ').join(dict.fromkeys(facts))}")
    excluded = [m for m in matches if not m.meets_all and m not in unknown]
    lines += _unconverted(work, unknown)
    unknown = [m for m in unknown if not _in_other_currency(m)]
    if unknown and len(constraints) > 1:
        lines.append(
            work.say(
                f"资料没有说清、因此未列入：{'、'.join(m.entity.name for m in unknown[:6])}。",
                f"Left out because the sources do not say: {', '.join(m.entity.name for m in unknown[:6])}.",
            )
        )
    if excluded and len(constraints) > 1 and len(excluded) <= 12:
        out = [(m.entity.name, next(v for v in m.verdicts if v.met is False)) for m in excluded[:6]]
        parts = [f"{name}{work.say('（', ' (')}{why_not(work, v.constraint, v.claims)}{work.say('）', ')')}" for name, v in out]
        lines.append(work.say("排除：", "Excluded: ") + work.say("、", ", ").join(parts) + work.say("。", "."))
    return Draft("\n".join(lines), entities=tuple(m.entity.id for m in met), fields=fields, intent="filter")


def _missed(match: Match) -> tuple[int, int]:
    """How far a model is from meeting all conditions: those it fails or that nothing is stated of, the latter counting more."""
    return (sum(v.met is None for v in match.verdicts), sum(not v.met for v in match.verdicts))


def _in_other_currency(match: Match) -> bool:
    """Whether a price is stated and cannot be held against the bound for want of an exchange rate."""
    return any(v.met is None and v.constraint.unit and v.claims for v in match.verdicts)


def _unconverted(work: Work, unknown: Sequence[Match]) -> list[str]:
    """A line on the models that may meet a bound in another currency than their own: left out in silence they would be taken for dearer."""
    parts = []
    for match in unknown:
        claims = [c for v in match.verdicts if v.met is None and v.constraint.unit for c in v.claims]
        if claims:
            shown = work.say("；", "; ").join(f"{value_text(c, work.field(c.field), work.language)} {work.cite(c)}" for c in claims)
            parts.append(f"{match.entity.name}{work.say('（', ' (')}{shown}{work.say('）', ')')}")
    if not parts:
        return []
    said = work.say(
        f"币种不同、资料没有汇率，因此无法判断：{'、'.join(parts)}。",
        f"Not comparable, as the currencies differ and the sources give no exchange rate: {', '.join(parts)}. ",
    )
    return [said + work.own_words(work.say("给出汇率（例如“按 7.2”）即可一起比。", "State one (e.g. “at 7.2”) to include them."))]


def _speaks(thing: str, text: str) -> bool:
    """Whether a Latin name stands in a text as a word of its own: there is no SLA in "translation"."""
    return bool(re.search(rf"(?<![a-z0-9]){re.escape(thing)}(?![a-z])", text))


def _mentioning(work: Work, things: Sequence[str]) -> Draft | None:
    """Models of which some claim speaks of all the named things (a platform, a framework)."""
    found: list[tuple[Entity, Claim]] = []
    for entity in models(work):
        claim = next(
            (c for claims in entity.claims.values() for c in claims if all(_speaks(t, normalise(claim_words(c, work.catalog))) for t in things)),
            None,
        )
        if claim is not None:
            found.append((entity, claim))
    if not found:
        return None
    work.computed(Decimal(len(found)))
    lines = [
        work.say(
            f"共 {len(found)} 个：**{'、'.join(e.name for e, _ in found)}**。",
            f"{len(found)} in all: **{', '.join(e.name for e, _ in found)}**.",
        )
    ]
    lines += [
        f"- {e.name}{work.say('：', ': ')}{work.label(c.field)}{work.say('：', ': ')}{value_text(c, work.field(c.field), work.language)} {work.cite(c)}"
        for e, c in found
    ]
    work.tool("filter_models", {"mentioning": list(things)}, {"models": [e.id for e, _ in found]})
    return Draft(
        "\n".join(lines), entities=tuple(e.id for e, _ in found), fields=tuple(dict.fromkeys(c.field for _, c in found)), intent="filter"
    )


def _places(work: Work, places: Sequence[int], field: str) -> Draft | None:
    """The entities at several places of a ranking."""
    lines, touched = [], []
    for place in places:
        for entity in models(work):
            for claim in entity.claims.get(field, ()):
                if claim.value == place:
                    work.computed(Decimal(place))
                    touched.append(entity.id)
                    lines.append(
                        work.say(
                            f"第 {place} 名：**{entity.name}** {work.cite(claim)}", f"Rank {place}: **{entity.name}** {work.cite(claim)}"
                        )
                    )
    if not lines:
        return None
    work.tool("rank_places", {"places": list(places)}, {"models": touched})
    return Draft("\n".join(lines), entities=tuple(touched), fields=(field,), intent="rank")


def _speaking_of_what_is_asked(work: Work, met: list[Match], constraints: Sequence[Constraint]) -> list[Match]:
    """Of those that meet the conditions, the ones of which the other asked field is stated ("国内做智能体有什么平台")."""
    conditions = {c.field for c in constraints}
    asked = [f.field for f in work.question.fields if f.field not in conditions and work.field(f.field).type in ("text", "list")]
    having = [m for m in met if any(m.entity.claims.get(f) for f in asked)]
    return having or met


def _also_asked(work: Work, entity: Entity, conditions: Sequence[str]) -> list[str]:
    """Other fields that the question asks for beside its conditions ("支持视频的国产模型排第几")."""
    asked = [f.field for f in work.question.fields if f.field not in conditions and f.field not in _NO_WISH | {"scenarios", "strengths"}]
    asked += [f for f in ("input_price", "output_price") if f not in conditions and any(m.field == f for m in work.question.fields)]
    return [
        f"{work.label(c.field)}{work.say('：', ': ')}{value_text(c, work.field(c.field), work.language)} {work.cite(c)}"
        for field in dict.fromkeys(asked)
        for c in entity.claims.get(field, ())[:1]
    ]


def why_not(work: Work, constraint: Constraint, claims: Sequence[Claim]) -> str:
    """What the sources say instead of the condition, or the condition where they say nothing."""
    if not claims:
        return f"{_why(work, constraint)}{work.say('：资料未说', ': not stated')}"
    work.computed(*(c.value for c in claims if isinstance(c.value, Decimal)))
    shown = value_text(claims[0], work.field(claims[0].field), work.language)
    return f"{work.label(claims[0].field)}{work.say('：', ': ')}{shown}"


def _why(work: Work, constraint: Constraint) -> str:
    return f"{work.label(constraint.field)} {constraint.text}".strip()


def _conditions(work: Work, constraints: Sequence[Constraint]) -> str:
    return work.say("、", ", ").join(_why(work, c) for c in constraints)


def _names(work: Work, entities: Sequence[Entity]) -> Draft:
    work.computed(Decimal(len(entities)))
    names = work.say("、", ", ").join(e.name for e in entities)
    marks = work.cite(*(next(iter(next(iter(e.claims.values()))), None) for e in entities if e.claims))  # type: ignore[arg-type]
    work.tool("list_models", {}, {"models": [e.id for e in entities]})
    return Draft(
        work.say(f"共 {len(entities)} 个：{names} {marks}", f"{len(entities)} in all: {names} {marks}"),
        entities=tuple(e.id for e in entities),
        intent="list",
    )


def _superlative(work: Work, candidates: Sequence[Entity], wish: Superlative, constraints: Sequence[Constraint]) -> Draft | None:
    fields = [wish.field]
    from agent.tools.prices import INPUT, OUTPUT

    named = {f.field for f in work.question.fields}
    if work.field(wish.field).type == "rate" and not named & {INPUT, OUTPUT}:
        fields = [INPUT, OUTPUT]
    lines: list[str] = []
    touched: list[str] = []
    many_units = False
    if len(fields) == 2:
        lines += _overall(work, candidates, wish, touched)
    for field in fields:
        conditions = {v.field: v.value for v in work.question.conditions}
        groups = order_by(work.catalog, candidates, field, highest=wish.highest, wanted=conditions)
        alone = [r for rows in groups.values() if len(rows) == 1 for r in rows] if any(len(r) > 1 for r in groups.values()) else []
        groups = {key: rows for key, rows in groups.items() if rows[0] not in alone}
        many_units = many_units or len(groups) > 1
        for rows in groups.values():
            at = _value_at(rows, wish.place)
            if at is None:
                continue
            best = rows[: wish.count] if wish.count > 1 else [r for r in rows if r.value == at]
            names = work.say("、", ", ").join(r.entity.name for r in best)
            shown = value_text(best[0].claim, work.field(field), work.language)
            work.computed(*(r.value for r in rows[:5]))
            zh, en = ("高", "highest") if wish.highest else ("低", "lowest")
            if work.field(field).type == "rank":
                zh, en = ("靠后", "last") if wish.highest else ("靠前", "first")
            word = _rank_word(work, zh, en, wish.place)
            marks = work.cite(*(r.claim for r in best))
            unit = (
                f"（{currency_name(rate_parts(best[0].unit)[0], 'zh')}）"
                if len(groups) > 1 and work.language == "zh" and work.field(field).type == "rate"
                else ""
            )
            lines.append(
                work.say(
                    f"{work.label(field)}{unit}{word}：**{names}**，{shown} {marks}",
                    f"{word.capitalize()} {work.label(field)}: **{names}**, {shown} {marks}",
                )
            )
            after = rows.index(best[-1]) + 1
            rest = rows[after : after + (12 if work.question.has("order_word") else 3)]
            if rest:
                others = work.say("；", "; ").join(
                    f"{r.entity.name} {value_text(r.claim, work.field(field), work.language)} {work.cite(r.claim)}" for r in rest
                )
                lines.append(f"- {work.say('其次：', 'then: ')}{others}")
            touched += [r.entity.id for r in best]
        lines += _incomparable(work, alone, field)
    if not lines:
        return None
    if many_units:
        lines.append(
            work.say(
                "不同币种或单位分开排：资料没有给出它们之间的换算。",
                "Currencies and units are ranked apart: the sources give no conversion between them.",
            )
        )
    if constraints:
        lines.append(work.say(f"条件：{_conditions(work, constraints)}。", f"Conditions: {_conditions(work, constraints)}."))
    work.tool("rank_models", {"field": wish.field, "highest": wish.highest}, {"models": touched})
    return Draft("\n".join(lines), entities=tuple(dict.fromkeys(touched)), fields=tuple(fields), intent="superlative")


def _incomparable(work: Work, alone: Sequence[Ranked], field: str) -> list[str]:
    """Figures that stand alone in their unit or test, which cannot be ranked among the others."""
    if not alone:
        return []
    work.computed(*(r.value for r in alone))
    said = work.say("；", "; ").join(
        f"{r.entity.name} {value_text(r.claim, work.field(field), work.language)} {work.cite(r.claim)}" for r in alone[:4]
    )
    return [work.say(f"- 单位或口径不同，没有一起排：{said}", f"- Not ranked with these (another unit or test): {said}")]


def _value_at(rows: Sequence[Ranked], place: int) -> Decimal | None:
    """The value at a place, equal values sharing one."""
    values = list(dict.fromkeys(r.value for r in rows))
    return values[place - 1] if len(values) >= place else None


_ORDINALS_EN = ("", "", "second ", "third ", "fourth ", "fifth ")


def _rank_word(work: Work, zh: str, en: str, place: int) -> str:
    """ "最便宜", "第二便宜", "second cheapest"."""
    return work.say("最" + zh if place == 1 else f"第{'一二三四五'[place - 1]}{zh}", _ORDINALS_EN[place] + en)


def _overall(work: Work, candidates: Sequence[Entity], wish: Superlative, touched: list[str]) -> list[str]:
    """The overall winner by the sum of both rates, by currency: what "the cheapest" means where neither direction is named."""
    groups: dict[str, list[tuple[Decimal, Entity, tuple[Claim, ...]]]] = {}
    for entity in candidates:
        quotes = choose_quotes(quotes_of(work.catalog, entity.id))
        if quotes and quotes[0].input_rate is not None and quotes[0].output_rate is not None:
            groups.setdefault(quotes[0].currency, []).append((quotes[0].input_rate + quotes[0].output_rate, entity, quotes[0].claims))
    lines = []
    for currency, rows in groups.items():
        rows.sort(key=lambda r: r[0], reverse=wish.highest)
        if len(rows) < wish.place:
            continue
        total, entity, claims = rows[wish.place - 1]
        work.computed(total, Decimal(1_000_000))
        touched.append(entity.id)
        word = _rank_word(work, "贵" if wish.highest else "便宜", "dearest" if wish.highest else "cheapest", wish.place)
        lines.append(
            work.say(
                f"以{currency_name(currency, 'zh')}计价的里{word}的是 **{entity.name}**：输入加输出每百万 token 共 {money(total, currency)} {work.cite(*claims)}",
                f"The {word} priced in {currency} is **{entity.name}**: {money(total, currency)} for 1M input plus 1M output tokens {work.cite(*claims)}",
            )
        )
    return lines
