"""What the sources say about a field of a named entity, and what is known of it when the field is not among it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.answers.closest import ENOUGH, closest, relatives
from agent.answers.missing import missing_fact
from agent.answers.passages import SHORT_PARAGRAPH, block, clean, pieces, says_nothing, supporting_passage
from agent.answers.premise import figure_premise
from agent.answers.targets import PRICE_FIELDS, asks_rate_limit, display_name, target
from agent.events import Conflict, ConflictClaim
from agent.similar import catalog_weights, content_tokens
from agent.understand.constraints import is_vague
from agent.understand.lexicon import pattern
from agent.understand.link import Mention
from agent.understand.question import FieldMention
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import claim_text, value_text
from kb.types import Chunk

_VAGUE_FIELDS = frozenset({"figure", "volume"})


def asked_fields(work: Work, entity: Entity | None = None) -> list[str]:
    """Fields that the question's words name, the longest wording first; vague ones only where nothing else is named."""
    seen: dict[str, int] = {}
    for mention in work.question.fields:
        seen[mention.field] = max(seen.get(mention.field, 0), mention.end - mention.start)
    for value in work.question.values:
        if is_vague(value.text) and not any(f.field == value.field for f in work.question.fields):
            continue
        seen[value.field] = max(seen.get(value.field, 0), value.end - value.start)
    named = sorted(seen, key=lambda f: -seen[f])
    precise = [f for f in named if f not in _VAGUE_FIELDS]
    if entity is not None:
        held = [f for f in precise if entity.claims.get(f)]
        return held or precise or named
    return precise or named


def scope_source(work: Work) -> str:
    """The source file that a named document points to ("全景图那篇"); "" if the question names none."""
    return ""


def document_filter(work: Work, claims: Sequence[Claim]) -> Sequence[Claim]:
    """Only the claims of the document that the question names, where it names one and it says anything."""
    for mention in work.question.named:
        for entity_id in mention.entities:
            entity = work.entity(entity_id)
            if entity.kind == "document":
                names = {entity.name, *entity.aliases}
                kept = [c for c in claims if any(n in c.section or n in c.source or n in c.note for n in names)]
                return kept or claims
    return claims


def answer_lookup(work: Work) -> Draft | None:
    """The claims about the asked fields of each named entity; else the passage that says it; else what is missing."""
    question = work.question
    mentions = [
        m for m in question.named if not (m.how == "vendor" and len(question.named) > 1 and any(o.how != "vendor" for o in question.named))
    ]
    if not mentions or asks_rate_limit(work):
        return None
    lines: list[str] = []
    entities: list[str] = []
    fields: list[str] = []
    missing: list[tuple[Entity, str]] = []
    for mention in mentions[:4]:
        done = _about(work, mention)
        if done is None:
            continue
        entity, said, used, absent = done
        if entity.id in entities:
            continue
        entities.append(entity.id)
        fields += used
        lines += [line for line in said if not _said_already(line, lines)]
        missing += [(entity, f) for f in absent]
    if not entities:
        return None
    if not lines:
        if question.unknown:
            return None
        return _not_said(work, [work.entity(i) for i in entities], [f for _, f in missing])
    if _BESIDES.search(question.masked) or _HOW.search(question.masked):
        lines += [line for line in _around(work) if line not in lines]
    conflicts = []
    for mention in mentions[:1]:
        other = _family_differs(work, mention, fields)
        if other is not None:
            lines.append(other[0])
            conflicts.append(other[1])
    work.tool("look_up", {"entities": entities, "fields": fields}, {"claims": len(work.claims)})
    return Draft(
        "\n".join(lines), entities=tuple(entities), fields=tuple(dict.fromkeys(fields)), intent="look_up", conflicts=tuple(conflicts)
    )


def _said_already(line: str, lines: Sequence[str]) -> bool:
    """Whether the same claim of the same place stands there under another name ("比 X 便宜 50%" for both)."""
    value = line.partition("：")[2] or line.partition(": ")[2]
    core = re.sub(r"（[^）]*）|\([^)]*\)|[。.\s]", "", value)
    return len(core) > 6 and any(core in re.sub(r"（[^）]*）|\([^)]*\)|[。.\s]", "", known) for known in lines)


def _family_differs(work: Work, mention: Mention, fields: Sequence[str]) -> tuple[str, Conflict] | None:
    """A name without a version stands for its whole family; where members differ on a yes/no fact, both are said."""
    if re.search(r"\d", mention.text) or mention.how == "vendor":
        return None
    for field in fields:
        record = work.field(field)
        if record.type != "enum" or record.multiple:
            continue
        seen: dict[str, Claim] = {}
        for entity in relatives(work, mention.entities):
            for claim in entity.claims.get(field, ()):
                seen.setdefault(str(claim.value), claim)
        if len({v for v in seen if v not in ("mixed", "partly")}) < 2 or len({c.entity for c in seen.values()}) < 2:
            continue
        sides = [(work.entity(c.entity).name, value_text(c, record, work.language), c) for c in seen.values()]
        said = work.say("；", "; ").join(f"{name} {value} {work.cite(c)}" for name, value, c in sides)
        line = work.say(
            f"⚠️ **资料不一致**：“{mention.text}”没有说版本，各处说法不同：{said}。",
            f"⚠️ **The sources differ**: “{mention.text}” names no version, and they say: {said}.",
        )
        verdict = work.say("名字下的不同版本说法不同，请指明版本。", "Entries of this name differ; please name the version.")
        about = f"{mention.text} {work.label(field)}"
        return line, Conflict(
            about, tuple(ConflictClaim(f"{name}: {value}", f"{c.source} {c.section}") for name, value, c in sides), verdict
        )
    return None


def family_differences(work: Work) -> Draft | None:
    """The yes/no facts in which the entries under a name without a version differ; None where they do not."""
    lines: list[str] = []
    conflicts: list[Conflict] = []
    fields = [f for f, record in work.catalog.fields.items() if record.type == "enum" and not record.multiple]
    for mention in work.question.named[:2]:
        for field in fields:
            found = _family_differs(work, mention, [field])
            if found is not None:
                lines.append(found[0])
                conflicts.append(found[1])
    if not lines:
        return None
    entities = tuple(m.entities[0] for m in work.question.named[:2])
    return Draft("\n".join(lines), entities=entities, intent="conflicts", conflicts=tuple(conflicts))


def _about(work: Work, mention: Mention) -> tuple[Entity, list[str], list[str], list[str]] | None:
    fields = asked_fields(work)
    chosen = target(work, mention, fields)
    if chosen is None:
        return None
    if fields and not any(work.entity(chosen).claims.get(f) for f in fields):
        # Another version or the family's own entry may be the one that the sources speak of.
        other = next((e for e in relatives(work, mention.entities) if any(e.claims.get(f) for f in fields if f not in PRICE_FIELDS)), None)
        chosen = other.id if other is not None and mention.how != "vendor" and not _exact_version(work, mention, chosen) else chosen
    entity = work.entity(chosen)
    if entity.kind == "document" and not any(entity.claims.get(f) for f in fields):
        return None
    wanted = asked_fields(work, entity)
    if not wanted or all(f in _VAGUE_FIELDS and not entity.claims.get(f) for f in wanted):
        return _by_wording(work, mention, entity)
    lines, used = [], []
    absent = [f for f in wanted if not entity.claims.get(f)]
    held = [f for f in wanted if entity.claims.get(f)]
    for field in held[:3]:
        claims = _relevant(work, entity, field)
        if not claims:
            absent.append(field)
            continue
        used.append(field)
        lines.append(claim_line(work, entity, field, claims))
    besides = _BESIDES.search(work.question.masked)
    if lines and len(used) <= 2 and (besides or not strict_fields(work)):
        extra = _by_wording(work, mention, entity, strict=not besides)
        if extra is not None and not set(extra[2]) <= set(used):
            lines += [line for line in extra[1] if line not in lines]
            used += extra[2]
    if not lines:
        passage = supporting_passage(work, [entity], wanted)
        if passage and not says_nothing(" ".join(passage)):
            return entity, passage, wanted, []
        closest = _by_wording(work, mention, entity, strict=True)
        if closest is not None and closest[1]:
            return closest
    return entity, lines, used, absent


_BESIDES = re.compile(
    r"除了|还有|另外|别的|多(?:点|了|出)?(?:啥|什么|哪些)|好处|优势|还能|besides|other than|apart from|else|advantage|benefit|\bextra\b|more than", re.IGNORECASE
)
_HOW = re.compile(r"怎么|如何|怎样|咋|\bhow (?!much|many|long|fast|large|big)", re.IGNORECASE)
_MOST_AROUND = 6


def _around(work: Work) -> list[str]:
    """The list or the table rows that the cited claims stand in: what is said there beside the claims themselves."""
    if work.library is None:
        return []
    weights, tokens = catalog_weights(work.catalog), content_tokens(work.question.text)
    claims = sorted(work.claims, key=lambda c: -weights.coverage_of(tokens, work.reader.claim_tokens.get(id(c), frozenset())))
    for claim in claims[:1]:
        chunks = [c for c in work.library.chunks_of(claim.source) if c.section == claim.section and c.kind in ("table", "text")]
        for chunk in chunks[:1]:
            where, quotes = block(work, chunk, pieces(chunk)[0], whole=True)
            return [f"> {clean(q)} {work.cite_chunk(where, q)}" for q in quotes[:_MOST_AROUND]]
    return []


def strict_fields(work: Work) -> bool:
    """Whether the question is nothing but a name and a field: then there is nothing more to look for."""
    rest = list(work.question.masked.split(" \n ")[0])
    for mention in work.question.fields:
        rest[mention.start : mention.end] = " " * (mention.end - mention.start)
    return len(content_tokens("".join(rest))) <= 2


def _exact_version(work: Work, mention: Mention, chosen: str) -> bool:
    """Whether the question names the version itself ("文心4.5"), so that what is said of a sibling is not about it."""
    version = work.entity(chosen).version
    return bool(version) and version.lower() in mention.text.lower()


def _relevant(work: Work, entity: Entity, field: str) -> list[Claim]:
    """Claims that fit the conditions the question names; a named benchmark or size without a claim is no answer."""
    claims = list(document_filter(work, entity.claims[field]))
    named = {(v.field, v.value) for v in work.question.conditions}
    keys = {k for k, _ in named}
    fitting = [c for c in claims if all((k, v) in named for k, v in c.when.items() if k in keys)]
    if field == "benchmark":
        asked = [
            f.text
            for f in work.question.fields
            if f.field == "benchmark" and f.text.isascii() and f.text.lower() not in ("benchmark", "score")
        ]
        if asked:
            fitting = [c for c in claims if any(a.lower() in " ".join(c.when.values()).lower() for a in asked)]
        return fitting
    return fitting or claims


def claim_line(work: Work, entity: Entity, field: str, claims: Sequence[Claim]) -> str:
    """What the claims say of one field of an entity, with their marks."""
    name, label = display_name(work, entity), work.label(field)
    premise = _yes_or_no(work, field, claims) + figure_premise(work, field, claims) + _without_price(work, field, claims)
    if len(claims) == 1:
        return premise + work.say(f"**{name}** 的{label}：{_said(work, claims[0])}。", f"**{name}**, {label}: {_said(work, claims[0])}.")
    body = "\n".join(f"- {_said(work, c)}" for c in claims)
    return premise + work.say(f"**{name}** 的{label}：\n{body}", f"**{name}**, {label}:\n{body}")


_YES_NO = re.compile(r"吗|对吧|对吗|是不是|对不对|吧[?？]?$|^(?:is|are|does|do|can)\b|right\?|correct\?|既然|since", re.IGNORECASE)


def _yes_or_no(work: Work, field: str, claims: Sequence[Claim]) -> str:
    """Yes or no before the value where the question asserts one of the field, and all claims agree."""
    asserted = {v.value for v in work.question.values if v.field == field and not v.negated}
    stated = {str(v) for c in claims for v in (c.value if isinstance(c.value, tuple) else (c.value,))}
    several = work.field(field).type != "enum" or work.field(field).multiple
    if (
        len(asserted) != 1
        or not _YES_NO.search(work.question.text)
        or (len(stated) > 1 and not (several and asserted <= stated))
        or stated & {"mixed", "partly", "restricted", "vendor_only"}
    ):
        return ""
    if asserted <= stated:
        return work.say("**是的。** ", "**Yes.** ")
    # A list that leaves something out does not deny it.
    return "" if several else work.say("**不是。** ", "**No.** ")


_HOW_MUCH = re.compile(r"多少钱|什么价|啥价|报价|费用|花多少|要花|how much (?:is|does|do|would|will|are)|price|\bcosts?\b", re.IGNORECASE)
_NEAR = 8
"""Characters between what is asked of and the word for its price, at most."""
_AMOUNT = re.compile(r"[$¥￥€£%％折]|\d\s*万?(?:元|美元|块|usd|cny|eur)|免费|\bfree\b", re.IGNORECASE)


def _without_price(work: Work, field: str, claims: Sequence[Claim]) -> str:
    """That no price is stated, where one is asked of something that the sources only describe ("私有化多少钱")."""
    record = work.field(field)
    text = work.question.masked.split(" \n ")[0]
    asked = [m for m in work.question.fields if m.field == field and m.end > m.start]
    if record.type not in ("text", "list") or not any(_is_price_of(text, a, m) for a in _HOW_MUCH.finditer(text) for m in asked):
        return ""
    if any(pattern(word).search(" ".join((*record.words, record.label.zh, record.label.en))) for word in ("price_word", "cost_word")):
        return ""
    if any(_AMOUNT.search(claim_text(c, work.catalog, work.language, with_source=False)) for c in claims):
        return ""
    return work.say(f"资料没有写{record.label.zh}的价格，不做猜测。", f"The sources state no price of {record.label.en}. ")


def _is_price_of(text: str, price: re.Match[str], mention: FieldMention) -> bool:
    """Whether the price words stand close to the mention, with nothing between that divides them."""
    (_, end), (start, _) = sorted((price.span(), (mention.start, mention.end)))
    return 0 <= start - end <= _NEAR and not re.search(r"[，,。;；、和与]|\band\b", text[end:start])


def _said(work: Work, claim: Claim) -> str:
    return f"{claim_text(claim, work.catalog, work.language, with_source=False)} {work.cite(claim)}"


_OVERVIEW = re.compile(
    r"怎么样|如何|是什么|是啥|是干|干嘛|干什么|干啥|做什么|介绍|说说|讲讲|评价|了解|情况|好用|特点|tell me about|what is|what's|overview|describe",
    re.IGNORECASE,
)


def _by_wording(
    work: Work, mention: Mention, entity: Entity, *, strict: bool = False
) -> tuple[Entity, list[str], list[str], list[str]] | None:
    """No field is named: the claims and passages about the mention's entities that fit the question best."""
    rest = re.sub(r"[\W_]+", "", work.question.masked.split(" \n ")[0])
    if not content_tokens(work.question.masked.split(" \n ")[0]) and (len(rest) <= 2 or _OVERVIEW.search(work.question.text)):
        return None if strict else _overview(work, entity)
    fits = closest(work, mention.entities)
    weights = catalog_weights(work.catalog)
    if (
        not strict
        and _OVERVIEW.search(work.question.text)
        and not any(t.isascii() or weights.known(t) for t in content_tokens(work.question.masked.split(" \n ")[0]))
        and (not fits or fits[0].score < ENOUGH)
    ):
        return _overview(work, entity)
    bar = ENOUGH + 0.25 if strict else ENOUGH
    if not fits or fits[0].score < bar:
        return None
    if fits[0].chunk is not None and says_nothing(fits[0].piece):
        return None
    fits = [f for f in fits if not (f.chunk is not None and says_nothing(f.piece))]
    best = [f for f in fits if f.score >= max(bar, 0.82 * fits[0].score)][:3]
    lines: list[str] = []
    fields: list[str] = []
    for fit in best:
        if fit.claim is not None:
            line = claim_line(work, fit.entity, fit.claim.field, [fit.claim])
            fields.append(fit.claim.field)
        elif fit.chunk is not None:
            line = _quoted(work, fit.chunk, fit.piece)
        if line not in lines:
            lines.append(line)
    return best[0].entity, lines, fields, []


def _quoted(work: Work, chunk: Chunk, piece: str) -> str:
    """A piece as a quote; of a table's row, the rows beside it too: the one that fits is seldom the only one meant."""
    if chunk.kind == "row" and work.library is not None:
        rows = [c for c in work.library.chunks_of(chunk.source) if c.kind == "row" and c.parent == chunk.parent]
        if 1 < len(rows) <= 8:
            return "\n".join(f"> {clean(c.text.splitlines()[-1])} {work.cite_chunk(c, c.text.splitlines()[-1])}" for c in rows)
    whole = chunk.text.strip()
    if chunk.kind == "text" and len(whole) <= SHORT_PARAGRAPH and "\n" not in whole:
        piece = whole
    return f"> {clean(piece)} {work.cite_chunk(chunk, piece)}"


def _overview(work: Work, entity: Entity) -> tuple[Entity, list[str], list[str], list[str]]:
    """A name alone: the entity's record in short."""
    order = (
        "rank",
        "country",
        "openness",
        *PRICE_FIELDS,
        "context_window",
        "strengths",
        "scenarios",
        "channels",
        "self_host",
        "distillation",
    )
    held = [f for f in order if entity.claims.get(f)] or list(entity.claims)[:8]
    vendor = work.catalog.vendors.get(entity.vendor)
    maker = work.say("（", " (") + vendor.name + work.say("）", ")") if vendor is not None and vendor.name not in display_name(work, entity) else ""
    lines = [f"**{display_name(work, entity)}**{maker}"] + [
        f"- {work.label(f)}{work.say('：', ': ')}" + work.say("；", "; ").join(_said(work, c) for c in entity.claims[f][:3]) for f in held
    ]
    return entity, lines, held, []


def _not_said(work: Work, entities: Sequence[Entity], fields: Sequence[str]) -> Draft | None:
    if not fields:
        return None
    labels = list(dict.fromkeys(work.label(f) for f in fields))[:3]
    names = work.say("、", ", ").join(e.name for e in entities)
    return missing_fact(work, names, work.say("、", ", ").join(labels), entities)
