"""The other things that a question asks in the same breath: "它能蒸馏吗，输入多少钱" is answered in both parts."""

from __future__ import annotations

import re
from dataclasses import replace

from agent.answers.lookup import claim_line
from agent.answers.maker import made_by
from agent.answers.targets import PRICE_FIELDS, models
from agent.similar import catalog_weights, content_tokens, text_tokens
from agent.understand.question import FieldMention
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity

_SEGMENT = re.compile(r"[，,、；;。！!?？]|和|与|及|以及|还有|并且|同时|\band\b|\balso\b|\bplus\b", re.IGNORECASE)
_SINGLE = frozenset({"price", "api_cost", "budget", "look_up", "rank", "superlative", "owner", "filter"})
_FEW = 2
_NOT_ASKED = frozenset({"figure", "volume", "relative_price", "pricing_note", "stated_cost", "saving", "monthly_users"})
_ASKS = re.compile(
    r"吗|呢|多少|多大|多长|几|哪|谁|什么|啥|能不能|能否|可不可以|是否|有没有|怎么|如何|[?？]|\b(?:what|which|who|where|how|is|are|does|do|can)\b",
    re.IGNORECASE,
)


def complete(work: Work, draft: Draft) -> Draft:
    """The draft with a line for every field that is asked in a part of the question of its own and not answered yet."""
    if draft.refused or draft.intent not in _SINGLE | _LOOKED_UP or len(draft.entities) > _FEW or work.question.carried or not _is_asked(work, draft):
        return draft
    entities = [work.entity(i) for i in draft.entities if work.entity(i).kind == "model"]
    covered = {*draft.fields, *(c.field for c in work.claims), *_NOT_ASKED}
    if draft.intent == "budget" and not re.search(r"上下文|窗口|context|window", work.question.text, re.IGNORECASE):
        # "能用多少 token" is what the budget buys, not how long a prompt may be.
        covered.add("context_window")
    lines = _makers(work, draft)
    fields: list[str] = []
    for mention in work.question.fields:
        named_value = any(v.field == mention.field and v.start <= mention.start < v.end for v in work.question.values)
        if named_value or mention.field in covered or mention.field in PRICE_FIELDS or not _stands_apart(work, mention, draft):
            continue
        covered.add(mention.field)
        said = [line for entity in entities if (line := _line(work, entity, mention.field))]
        told_of_models = any(e.claims.get(mention.field) for e in models(work))
        if not said and len(entities) == 1 and told_of_models and _ASKS.search(_segment(work, mention)):
            untold = work.say(f"资料没有写 **{entities[0].name}** 的{work.label(mention.field)}。", f"The sources do not state the {work.label(mention.field)} of **{entities[0].name}**.")
            lines.append(untold)
        if said:
            fields.append(mention.field)
            lines += said
    if not lines:
        lines = _left_over(work, draft)
    if not lines:
        return draft
    return replace(draft, text="\n".join([draft.text, "", *lines]), fields=(*draft.fields, *fields))


def _is_asked(work: Work, draft: Draft) -> bool:
    """Whether the text asks, or only names what is wanted ("GLM-4 的上下文和价格")."""
    text = work.question.text
    return bool(_ASKS.search(text)) or draft.intent in _NOTED and not work.question.quantities and len(text) <= _SHORT


_NOTED, _SHORT = frozenset({"price", "look_up"}), 40
_LOOKED_UP = frozenset({"look_up", "compare", "rank"})
_MOST_EXTRA = 2
_ONE_RARE_WORD = 3.0
"""Weight (agent/similar.py) of leftover words that one more claim must hold: one rare word, or two common ones."""


def _left_over(work: Work, draft: Draft) -> list[str]:
    """Claims of what was answered about that hold words of the question which the answer has not taken up yet.

    "规模多大，占几成" asks two things of one entity; only a question with several parts is looked at.
    """
    text = work.question.masked.split(" \n ")[0]
    if draft.intent not in _LOOKED_UP or sum(bool(content_tokens(part)) for part in _SEGMENT.split(text)) < 2:
        return []
    weights = catalog_weights(work.catalog)
    split = work.reader.claim_tokens
    used = {id(c) for c in work.claims}
    taken = text_tokens(f"{draft.text} {' '.join(w for f in draft.fields for w in work.field(f).words)}")
    taken |= {t for c in work.claims for t in split[id(c)]}
    entities = [work.entity(i) for i in draft.entities]
    ways = {field: text_tokens(" ".join(work.field(field).words)) for entity in entities for field in entity.claims}
    left = [t for t in content_tokens(text) if not weights.held([t], taken) and (weights.known(t) or any(weights.held([t], w) for w in ways.values()))]
    found: list[tuple[float, Claim]] = []
    for entity in entities:
        for field, claims in entity.claims.items():
            words = ways[field]
            for claim in claims:
                weight = weights.held(left, split[id(claim)] | words)
                if id(claim) not in used and weight >= _ONE_RARE_WORD:
                    found.append((weight, claim))
    found.sort(key=lambda f: -f[0])
    return [claim_line(work, work.entity(c.entity), c.field, [c]) for _, c in found[:_MOST_EXTRA]]


_VENDOR = re.compile(r"厂商(?!私有|方案)|厂家|开发商|哪家(?:公司|做|出|的)|谁家|(?:是|由)谁(?:家|做|开发|出)|\bvendor\b|\bmaker\b|who (?:makes|made|owns)", re.IGNORECASE)


def _makers(work: Work, draft: Draft) -> list[str]:
    """Who makes what was answered about, where that is asked too and not said yet."""
    if not _VENDOR.search(work.question.masked.split(" \n ")[0]):
        return []
    found = []
    for entity in (work.entity(i) for i in draft.entities):
        vendor = work.catalog.vendors.get(entity.vendor)
        if entity.kind == "model" and vendor is not None and vendor.name not in draft.text:
            found.append(made_by(work, entity))
    return found


def _line(work: Work, entity: Entity, field: str) -> str:
    claims = entity.claims.get(field, ())
    return claim_line(work, entity, field, list(claims)) if claims else ""


def _bounds_of(text: str, mention: FieldMention) -> tuple[int, int]:
    """The segment of a text that a mention is in."""
    edges = [0, *(m.end() for m in _SEGMENT.finditer(text)), len(text)]
    return max(e for e in edges if e <= mention.start), min((e for e in edges if e > mention.start), default=len(text))


def _segment(work: Work, mention: FieldMention) -> str:
    text = work.question.masked.split(" \n ")[0]
    return text[slice(*_bounds_of(text, mention))]


def _stands_apart(work: Work, mention: FieldMention, draft: Draft) -> bool:
    """Whether the words for a field are in a segment that holds none of what the answer is about, and no bound ("超过128K")."""
    text = work.question.masked.split(" \n ")[0]
    if mention.end > len(text):
        return False
    start, end = _bounds_of(text, mention)
    if any(start <= q.start < end and (q.bound or q.value >= 1000) for q in work.question.quantities):
        return False
    if draft.intent in ("price", "api_cost", "budget"):
        from agent.understand.lexicon import has

        return not (has("price_word", text[start:end]) or has("cost_word", text[start:end]))
    return not any(start <= f.start < end and f.field in draft.fields for f in work.question.fields)
