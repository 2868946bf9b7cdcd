"""Names by description: "排第8的模型" stands for the model of that rank, where something else is asked about it."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from agent.understand.constraints import rank_asked
from agent.understand.link import Mention
from agent.understand.question import FieldMention, Question
from agent.understand.usage import Usage
from kb.catalog.catalog import Catalog


def resolve(question: Question, catalog: Catalog) -> Question:
    """The question with the entity of a named rank as a mention; unchanged where the rank itself is what is asked."""
    beside = _neighbour(question, catalog)
    if beside is not None:
        return beside
    if question.named and not question.fields:
        return replace(question, fields=_fields_of_values(question, catalog))
    if question.named or question.unknown:
        return question
    pointed = _pointed_at(question, catalog)
    if pointed is not None:
        return pointed
    rank = rank_asked(question, catalog)
    if rank is None or rank.operator != "equals":
        return question
    if any(not v.negated for v in question.values):
        # "排第一的国产模型" is the first of those.
        return question
    others = {f.field for f in question.fields if catalog.fields[f.field].type != "rank" and f.field != "figure"}
    if not (others or question.has("price_word") or question.usage.has_volume or question.has("cost_word")):
        return question
    holders = [e.id for e in catalog.entities.values() if any(c.value == rank.value for c in e.claims.get(rank.field, ()))]
    if len(holders) != 1:
        return question
    mention = Mention(rank.text, rank.start, rank.end, tuple(holders), "alias", "", catalog.entities[holders[0]].family)
    masked = question.masked[: rank.start] + " " * (rank.end - rank.start) + question.masked[rank.end :]
    return replace(question, mentions=(mention,), masked=masked)


_WHICH_HOLDS = re.compile(r"到底|究竟|还是|哪个(?:对|准|是)|\bor\b|really|actually", re.IGNORECASE)
_POINTS = re.compile(r"(?:那|这)个[^，,。]{0,14}的|\b(?:the (?:one|model)|that one) (?:with|that)\b", re.IGNORECASE)


def _fields_of_values(question: Question, catalog: Catalog) -> tuple[FieldMention, ...]:
    """The fields whose stated values the question puts side by side ("到底是256K还是千万级"), where it names no field."""
    if not _WHICH_HOLDS.search(question.masked):
        return ()
    figures = {q.value for q in question.quantities}
    held = [
        f
        for m in question.named
        for i in m.entities[:1]
        for f, claims in catalog.entities[i].claims.items()
        if catalog.fields[f].type == "quantity" and any(c.value in figures for c in claims)
    ]
    return tuple(FieldMention(f, 0, 0, "") for f in dict.fromkeys(held))


def _pointed_at(question: Question, catalog: Catalog) -> Question | None:
    """ "那个200万字的": the one entity with that figure as a mention; None where several have it, or none."""
    pointer = _POINTS.search(question.masked)
    if pointer is None:
        return None
    inside = [q for q in question.quantities if pointer.start() <= q.start and q.end <= pointer.end() + 12 and not q.is_money and q.value >= 1000]
    holders = {
        e.id
        for q in inside[:1]
        for e in catalog.entities.values()
        for f, claims in e.claims.items()
        if catalog.fields[f].type == "quantity" and catalog.fields[f].unit.split("/")[0] in (*_LENGTHS, q.unit)
        and any(c.value == q.value for c in claims)
    }
    if len(holders) != 1:
        return None
    entity = catalog.entities[holders.pop()]
    start, end = inside[0].start, inside[0].end
    mention = Mention(entity.name, start, end, (entity.id,), "alias", "", entity.family)
    masked = question.masked[:start] + " " * (end - start) + question.masked[end:]
    kept = tuple(q for q in question.quantities if q is not inside[0])
    return replace(question, mentions=(mention,), masked=masked, quantities=kept, usage=Usage())


_LENGTHS = ("token", "char")
"""Units in which people give the length of a text, often one where the sources give the other."""
_NEXT = re.compile(r"(?:它|他|这个|那个)?(?:后面|后边|下面|之后|后一名|下一名|下一位|身后)|\b(?:next|below|behind|right after)\b", re.IGNORECASE)
_PREVIOUS = re.compile(r"(?:它|他|这个|那个)?(?:前面|前边|上面|之前|前一名|上一名|上一位)|\b(?:above|ahead of|right before|in front of)\b", re.IGNORECASE)
_WHO = re.compile(r"谁|哪|什么|\bwho\b|\bwhich\b|\bwhat\b", re.IGNORECASE)


def _neighbour(question: Question, catalog: Catalog) -> Question | None:
    """ "它后面那个是谁": the entity one place on in the ranking from the one spoken of; asked for by its rank."""
    text = question.masked.split(" \n ")[0]
    step = 1 if _NEXT.search(text) else -1 if _PREVIOUS.search(text) else 0
    if not step or len(question.named) != 1 or not _WHO.search(text) or len(text.strip()) > _LONGEST_POINTER:
        return None
    ranks = [i for i, f in catalog.fields.items() if f.type == "rank"]
    here = catalog.entities[question.named[0].entities[0]]
    for field in ranks:
        for claim in here.claims.get(field, ())[:1]:
            if not isinstance(claim.value, Decimal):
                continue
            wanted = claim.value + step
            found = [e for e in catalog.entities.values() if any(c.value == wanted for c in e.claims.get(field, ()))]
            if len(found) == 1:
                mention = Mention(text.strip(), 0, 0, (found[0].id,), "alias", "", found[0].family)
                return replace(question, mentions=(mention,), fields=(FieldMention(field, 0, 0, ""),))
    return None


_LONGEST_POINTER = 24
