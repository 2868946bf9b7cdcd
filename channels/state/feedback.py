"""Thumbs and reasons in the database: one row for each answer and owner, whole enough to become a case of a suite."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from sqlalchemy import Engine

Rating = Literal["up", "down"]
MAX_REASON_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody thought of one answer. `turns` are the questions of the conversation up to the one that is rated, in order."""

    owner: str
    channel: str
    turn_id: str
    rating: Rating
    turns: Sequence[str]
    reason: str = ""
    answer: str = ""
    sources: Sequence[str] = field(default=())
    mode: str = ""


class Feedback:
    """The repository. Safe to share between threads; each call is one transaction."""

    def __init__(self, engine: Engine, now: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._now = now

    def store(self, opinion: Opinion) -> None:
        """Keep it in place of what the owner thought of that answer before; a reason is cut at `MAX_REASON_CHARS`."""
        from channels.state.schema import feedback

        values = {
            "at": self._now(),
            "owner": opinion.owner,
            "channel": opinion.channel,
            "turn_id": opinion.turn_id,
            "rating": opinion.rating,
            "reason": opinion.reason[:MAX_REASON_CHARS],
            "turns": list(opinion.turns),
            "answer": opinion.answer,
            "sources": list(opinion.sources),
            "mode": opinion.mode,
        }
        with self._engine.begin() as connection:
            connection.execute(feedback.delete().where(feedback.c.turn_id == opinion.turn_id, feedback.c.owner == opinion.owner))
            connection.execute(feedback.insert().values(values))

    def withdraw(self, owner: str, turn_id: str) -> None:
        """Forget what the owner thought of an answer."""
        from channels.state.schema import feedback

        with self._engine.begin() as connection:
            connection.execute(feedback.delete().where(feedback.c.turn_id == turn_id, feedback.c.owner == owner))

    def records(self) -> Iterator[dict[str, Any]]:
        """Every opinion, oldest first, in the shape that `advisor eval collect` takes: question, turns, rating, reason, answer ..."""
        from channels.state.schema import feedback

        with self._engine.begin() as connection:
            rows = connection.execute(feedback.select().order_by(feedback.c.at, feedback.c.id)).all()
        for row in rows:
            turns = [str(turn) for turn in row.turns]
            yield {
                "at": row.at,
                "channel": row.channel,
                "owner": row.owner,
                "turn_id": row.turn_id,
                "question": turns[-1] if turns else "",
                "turns": turns,
                "rating": row.rating,
                "reason": row.reason,
                "answer": row.answer,
                "sources": list(row.sources),
                "mode": row.mode,
            }
