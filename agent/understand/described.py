"""Names by description: "排第8的模型" stands for the model of that rank, where something else is asked about it."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from agent.understand.constraints import rank_asked
from agent.understand.link import Mention
from agent.understand.question import FieldMention, Question
from kb.catalog.catalog import Catalog


def resolve(question: Question, catalog: Catalog) -> Question:
    """The question with the entity of a named rank as a mention; unchanged where the rank itself is what is asked."""
    beside = _neighbour(question, catalog)
    if beside is not None:
        return beside
    if question.named or question.unknown:
        return question
    rank = rank_asked(question, catalog)
    if rank is None or rank.operator != "equals":
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
