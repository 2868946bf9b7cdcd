"""Deliveries of the chat platforms, each kept once, and who is working on which.

One row is both the de-duplication (a unique constraint decides, not a look-up) and the durable record that lets the platform be
told "received" before any model is asked. A row that is taken has a lease; the process that took it renews the lease, and when
it dies another one takes the row. Only the oldest unfinished row of a conversation can be taken, so that answers keep their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, exists, func, or_, select, text, update

from channels.core.message import Item, dump_item, load_item
from channels.core.transaction import begin
from channels.state.schema import inbox

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

KEEP_S = 7 * 24 * 3600.0
"""Rows stay a week: every platform has stopped delivering again by then (the longest known series takes 7.5 hours)."""
MAX_ATTEMPTS = 3
"""A question that has ended the process so often is given up rather than taken once more."""
_CLAIM_LOCK = 7_310_572
UNFINISHED = ("new", "working")


@dataclass(slots=True)
class Claimed:
    """A row that this process works on. `handle` changes when a reply is opened on the platform."""

    id: int
    item: Item
    received_at: float
    attempts: int
    handle: dict[str, Any] = field(default_factory=dict)


class Inbox:
    """The table `inbox`. Safe to share between threads and processes."""

    def __init__(self, engine: Engine, owner: str, lease_s: float, clock: Callable[[], float]) -> None:
        self.engine = engine
        self.owner = owner
        self.lease_s = lease_s
        self.clock = clock

    def add(self, item: Item) -> bool:
        """Keep a delivery; False if it is here already, whichever process kept it."""
        values = {
            "channel": item.channel,
            "tenant": item.tenant[:200],
            "delivery_id": item.delivery_id[:200],
            "conversation": item.conversation[:500],
            "item": dump_item(item),
            "handle": {},
            "preview": "",
            "state": "new",
            "attempts": 0,
            "lease_owner": "",
            "lease_until": 0.0,
            "received_at": self.clock(),
        }
        with begin(self.engine) as connection:
            return insert_once(connection, inbox, values, ["channel", "tenant", "delivery_id"])

    def claim(self, channels: Sequence[str]) -> Claimed | None:
        """Take the oldest row whose conversation nobody is answering; None if there is none."""
        now = self.clock()
        other = inbox.alias("other")
        earlier = exists(
            select(other.c.id).where(other.c.conversation == inbox.c.conversation, other.c.state.in_(UNFINISHED), other.c.id < inbox.c.id)
        )
        held = exists(
            select(other.c.id).where(
                other.c.conversation == inbox.c.conversation,
                other.c.state == "working",
                other.c.lease_until >= now,
                other.c.id != inbox.c.id,
            )
        )
        free = or_(inbox.c.state == "new", and_(inbox.c.state == "working", inbox.c.lease_until < now))
        wanted = select(inbox).where(free, inbox.c.channel.in_(channels), ~earlier, ~held).order_by(inbox.c.id).limit(1)
        with begin(self.engine) as connection:
            if connection.dialect.name == "postgresql":
                # Rows may become visible out of order there; one claim at a time keeps one answer at a time a conversation.
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CLAIM_LOCK})
            row = connection.execute(wanted).mappings().first()
            if row is None:
                return None
            taken = {"state": "working", "lease_owner": self.owner, "lease_until": now + self.lease_s, "attempts": row["attempts"] + 1}
            connection.execute(update(inbox).where(inbox.c.id == row["id"]).values(**taken))
        return Claimed(row["id"], load_item(row["item"]), row["received_at"], row["attempts"] + 1, dict(row["handle"]))

    def renew(self, ids: Sequence[int]) -> None:
        """Keep rows that this process is still working on."""
        if ids:
            mine = and_(inbox.c.id.in_(ids), inbox.c.lease_owner == self.owner, inbox.c.state == "working")
            with begin(self.engine) as connection:
                connection.execute(update(inbox).where(mine).values(lease_until=self.clock() + self.lease_s))

    def release(self, row_id: int) -> None:
        """Hand a row back unanswered, for another process or a later start."""
        mine = and_(inbox.c.id == row_id, inbox.c.lease_owner == self.owner, inbox.c.state == "working")
        with begin(self.engine) as connection:
            connection.execute(
                update(inbox).where(mine).values(state="new", lease_owner="", lease_until=0.0, attempts=inbox.c.attempts - 1)
            )

    def finish(self, connection: Connection, row_id: int, state: str = "done") -> bool:
        """Close a row in the caller's transaction; False if another process has it by now, and then nothing may be written."""
        mine = and_(inbox.c.id == row_id, inbox.c.lease_owner == self.owner, inbox.c.state == "working")
        done = connection.execute(update(inbox).where(mine).values(state=state, finished_at=self.clock(), lease_until=0.0))
        return bool(done.rowcount)

    def save_handle(self, row_id: int, handle: Mapping[str, Any], *, final: bool = False) -> None:
        """Remember the reply that is on the screen, so that a resumed turn edits it instead of opening another."""
        self._write(row_id, final, handle=dict(handle))

    def save_preview(self, row_id: int, shown: str, *, final: bool = False) -> None:
        """The reply's text, for platforms that come and ask for it."""
        self._write(row_id, final, preview=shown)

    def _write(self, row_id: int, final: bool, **values: Any) -> None:
        """What is not final may only be written by who has the row: a process that was slow must not undo another's answer."""
        mine = and_(inbox.c.lease_owner == self.owner, inbox.c.state == "working")
        with begin(self.engine) as connection:
            connection.execute(update(inbox).where(inbox.c.id == row_id, *(() if final else (mine,))).values(**values))

    def find(self, channel: str, delivery_id: str) -> Mapping[str, Any] | None:
        """The row of a delivery, by the platform's own id."""
        query = select(inbox).where(inbox.c.channel == channel, inbox.c.delivery_id == delivery_id)
        with begin(self.engine) as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row is not None else None

    def get(self, row_id: int) -> Mapping[str, Any] | None:
        """A row by its number."""
        with begin(self.engine) as connection:
            row = connection.execute(select(inbox).where(inbox.c.id == row_id)).mappings().first()
        return dict(row) if row is not None else None

    def has_spoken_in(self, conversation: str) -> bool:
        """Whether a question of this conversation was taken up before: the bot is part of the thread."""
        query = select(inbox.c.id).where(inbox.c.conversation == conversation, inbox.c.state != "dropped").limit(1)
        with begin(self.engine) as connection:
            return connection.execute(query).first() is not None

    def waiting(self) -> int:
        """Rows that are not finished."""
        with begin(self.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(inbox).where(inbox.c.state.in_(UNFINISHED))).scalar() or 0)

    def purge(self) -> int:
        """Forget finished rows older than `KEEP_S`, with their outbox rows; returns how many."""
        old = and_(inbox.c.state.notin_(UNFINISHED), inbox.c.received_at < self.clock() - KEEP_S)
        with begin(self.engine) as connection:
            return int(connection.execute(delete(inbox).where(old)).rowcount)


def insert_once(connection: Connection, table: Any, values: Mapping[str, Any], unique: Sequence[str]) -> bool:
    """Insert unless the unique columns are taken; whether it was inserted. One statement, so that nothing comes between."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        done = connection.execute(postgresql_insert(table).values(**values).on_conflict_do_nothing(index_elements=list(unique)))
    else:
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        done = connection.execute(sqlite_insert(table).values(**values).on_conflict_do_nothing(index_elements=list(unique)))
    return done.rowcount == 1
