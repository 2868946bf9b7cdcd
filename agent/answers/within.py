"""The models that a table of prices or bills is about where the question names a kind of them: "国产模型", "人民币计价的四家", "前五名"."""

from __future__ import annotations

from collections.abc import Sequence

from agent.answers.listing import scope
from agent.answers.price import exchange_rate
from agent.tools.query import judge
from agent.understand.constraints import Constraint, constraints_of, rank_asked
from agent.work import Work
from kb.catalog.schema import Entity

_KINDS = frozenset({"is", "not", "currency", "has"})


def kind_conditions(work: Work) -> list[Constraint]:
    """Conditions that say which models are meant: a country, openness, a currency, a place in a ranking. No bound on a figure."""
    found = [c for c in constraints_of(work.question, work.catalog) if c.operator in _KINDS]
    rank = rank_asked(work.question, work.catalog)
    return [c for c in found if rank is None or c.field != rank.field] + ([rank] if rank is not None else [])


def models_within(work: Work, conditions: Sequence[Constraint]) -> list[Entity]:
    """The models in scope that meet all the conditions, by rank where the question ranks."""
    matches = judge(work.catalog, scope(work), conditions, cny_per_usd=exchange_rate(work)[0])
    return [m.entity for m in matches if m.meets_all]


def said(work: Work, conditions: Sequence[Constraint]) -> str:
    """The conditions in the words of the question; "" for none."""
    return work.say("、", ", ").join(dict.fromkeys(c.text for c in conditions))
