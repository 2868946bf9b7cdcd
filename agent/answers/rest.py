"""The other things that a question asks in the same breath: "它能蒸馏吗，输入多少钱" is answered in both parts."""

from __future__ import annotations

import re
from dataclasses import replace

from agent.answers.lookup import claim_line
from agent.answers.targets import PRICE_FIELDS
from agent.understand.question import FieldMention
from agent.work import Draft, Work
from kb.catalog.schema import Entity

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
    if draft.refused or draft.intent not in _SINGLE or len(draft.entities) > _FEW or work.question.carried or not _ASKS.search(work.question.text):
        return draft
    entities = [work.entity(i) for i in draft.entities if work.entity(i).kind == "model"]
    covered = {*draft.fields, *(c.field for c in work.claims), *_NOT_ASKED}
    lines: list[str] = []
    fields: list[str] = []
    for mention in work.question.fields:
        named_value = any(v.field == mention.field and v.start <= mention.start < v.end for v in work.question.values)
        if named_value or mention.field in covered or mention.field in PRICE_FIELDS or not _stands_apart(work, mention, draft):
            continue
        covered.add(mention.field)
        said = [line for entity in entities if (line := _line(work, entity, mention.field))]
        if said:
            fields.append(mention.field)
            lines += said
    if not lines:
        return draft
    return replace(draft, text="\n".join([draft.text, "", *lines]), fields=(*draft.fields, *fields))


def _line(work: Work, entity: Entity, field: str) -> str:
    claims = entity.claims.get(field, ())
    return claim_line(work, entity, field, list(claims)) if claims else ""


def _stands_apart(work: Work, mention: FieldMention, draft: Draft) -> bool:
    """Whether the words for a field are in a segment that holds none of what the answer is about, and no bound ("超过128K")."""
    text = work.question.masked.split(" \n ")[0]
    if mention.end > len(text):
        return False
    edges = [0, *(m.end() for m in _SEGMENT.finditer(text)), len(text)]
    start = max(e for e in edges if e <= mention.start)
    end = min((e for e in edges if e > mention.start), default=len(text))
    if any(start <= q.start < end and (q.bound or q.value >= 1000) for q in work.question.quantities):
        return False
    if draft.intent in ("price", "api_cost", "budget"):
        from agent.understand.lexicon import has

        return not (has("price_word", text[start:end]) or has("cost_word", text[start:end]))
    return not any(start <= f.start < end and f.field in draft.fields for f in work.question.fields)
