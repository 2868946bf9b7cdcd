"""Parts of replies on their way out: kept before they are sent, sent in order, tried again when the platform says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, func, insert, or_, select, text, update

from channels.core.payload import Payload, dump_payload, load_payload
from channels.core.transaction import begin
from channels.state.schema import outbox

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LEASE_S = 60.0
"""Longer than any single request to a platform may take."""
MAX_ATTEMPTS = 8
_CLAIM_LOCK = 7_310_573
OPEN = ("ready", "sending")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A part that this process is to send. `attempts` counts this one."""

    id: int
    inbox_id: int
    part: int
    channel: str
    payload: Payload
    attempts: int


class Outbox:
    """The table `outbox`. Safe to share between threads and processes."""

    def __init__(self, engine: Engine, owner: str, clock: Callable[[], float]) -> None:
        self.engine = engine
        self.owner = owner
        self.clock = clock

    def put(self, connection: Connection, inbox_id: int, channel: str, payloads: Sequence[Payload]) -> None:
        """Keep a reply's parts in the caller's transaction, the one that closes the question."""
        now = self.clock()
        rows = [
            {
                "inbox_id": inbox_id,
                "part": part,
                "channel": channel,
                "payload": dump_payload(payload),
                "state": "ready",
                "attempts": 0,
                "next_at": now,
                "lease_owner": "",
                "lease_until": 0.0,
                "problem": "",
                "created_at": now,
            }
            for part, payload in enumerate(payloads)
        ]
        if rows:
            connection.execute(insert(outbox), rows)

    def claim(self, channels: Sequence[str]) -> Outgoing | None:
        """Take the next part that is due and whose predecessors have left; None if there is none."""
        now = self.clock()
        other = outbox.alias("other")
        earlier = exists(
            select(other.c.id).where(other.c.inbox_id == outbox.c.inbox_id, other.c.part < outbox.c.part, other.c.state.in_(OPEN))
        )
        free = or_(and_(outbox.c.state == "ready", outbox.c.next_at <= now), and_(outbox.c.state == "sending", outbox.c.lease_until < now))
        wanted = select(outbox).where(free, outbox.c.channel.in_(channels), ~earlier).order_by(outbox.c.next_at, outbox.c.id).limit(1)
        with begin(self.engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CLAIM_LOCK})
            row = connection.execute(wanted).mappings().first()
            if row is None:
                return None
            taken = {"state": "sending", "lease_owner": self.owner, "lease_until": now + LEASE_S, "attempts": row["attempts"] + 1}
            connection.execute(update(outbox).where(outbox.c.id == row["id"]).values(**taken))
        payload = load_payload(row["payload"])
        return Outgoing(row["id"], row["inbox_id"], row["part"], row["channel"], payload, row["attempts"] + 1)

    def sent(self, outgoing: Outgoing) -> None:
        """The platform has taken the part."""
        self._close(outgoing, state="sent", problem="")

    def later(self, outgoing: Outgoing, after_s: float, problem: str) -> None:
        """Try again after `after_s` seconds."""
        self._close(outgoing, state="ready", next_at=self.clock() + after_s, problem=problem)

    def dead(self, outgoing: Outgoing, problem: str) -> None:
        """Give the part up; `problem` is for the operator."""
        self._close(outgoing, state="dead", problem=problem)

    def _close(self, outgoing: Outgoing, **values: object) -> None:
        mine = and_(outbox.c.id == outgoing.id, outbox.c.lease_owner == self.owner)
        with begin(self.engine) as connection:
            connection.execute(update(outbox).where(mine).values(lease_until=0.0, **values))

    def due(self, channels: Sequence[str]) -> bool:
        """Whether something could be sent now or is being sent."""
        open_ = or_(and_(outbox.c.state == "ready", outbox.c.next_at <= self.clock()), outbox.c.state == "sending")
        with begin(self.engine) as connection:
            return connection.execute(select(outbox.c.id).where(open_, outbox.c.channel.in_(channels)).limit(1)).first() is not None

    def counts(self) -> dict[str, int]:
        """State -> number of parts."""
        with begin(self.engine) as connection:
            found = connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state)).all()
        return {str(state): int(count) for state, count in found}
