"""What a chat conversation remembers: its finished turns in the database, and the understanding of them in this process."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from agent.codec import dump_done
from agent.events import AnswerDone
from agent.session import Advisor, Conversation
from channels.core.message import InboundMessage, Item
from channels.core.transaction import begin
from channels.state.conversations import Conversations, StoredTurn, title_of
from channels.state.feedback import Feedback, Opinion
from channels.state.schema import conversations, turns

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

IDLE_S = 24 * 3600.0
"""A direct chat goes on for ever; a question after so long a silence begins a new conversation. A thread has no such end."""
KEPT_CONVERSATIONS = 500


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation's place in the database and its turns so far."""

    id: str
    owner: str
    turns: tuple[StoredTurn, ...]

    @property
    def last(self) -> StoredTurn | None:
        return self.turns[-1] if self.turns else None


def turn_id_of(item: Item) -> str:
    """The same for every attempt at a delivery, so that a turn is kept once."""
    return hashlib.sha256(f"{item.channel}/{item.tenant}/{item.delivery_id}".encode()).hexdigest()[:24]


def owner_of(conversation: str) -> str:
    """The owner under which a conversation key is kept; a key too long for the column ends in a digest."""
    return conversation if len(conversation) <= 200 else f"{conversation[:150]}:{hashlib.sha256(conversation.encode()).hexdigest()[:40]}"


class Memory:
    """Conversations of team chat. Safe to share between threads and processes; a conversation is answered by one of them at a time."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self.engine = engine
        self.clock = clock
        self._stored = Conversations(engine, clock)
        self._feedback = Feedback(engine, clock)
        self._known: OrderedDict[str, tuple[int, Conversation]] = OrderedDict()
        self._lock = threading.Lock()

    def thread(self, message: InboundMessage) -> Thread:
        """The conversation that a message belongs to; begun where there is none, or where a direct chat was silent for long."""
        owner = owner_of(message.conversation)
        newest = next(iter(self._stored.listed(owner, channel=message.channel, limit=1)), None)
        if newest is None or (not message.thread_id and self.clock() - newest.updated_at > IDLE_S):
            return Thread(self._stored.create(owner, message.channel), owner, ())
        return Thread(newest.id, owner, self._stored.turns(newest.id, owner))

    def start_new(self, message: InboundMessage) -> None:
        """Forget what was said: the next question begins a conversation."""
        owner = owner_of(message.conversation)
        newest = next(iter(self._stored.listed(owner, channel=message.channel, limit=1)), None)
        if newest is None or newest.turns:
            self._stored.create(owner, message.channel)

    def conversation(self, thread: Thread, advisor: Advisor) -> Conversation:
        """What the advisor needs of the turns so far; kept from the last answer, or understood again from the database."""
        with self._lock:
            kept = self._known.pop(thread.id, None)
        answered = [(turn.question, turn.answer) for turn in thread.turns if turn.done is not None]
        if kept is not None and kept[0] == len(thread.turns):
            return kept[1]
        return advisor.resume(answered) if answered else Conversation()

    def keep(self, thread: Thread, conversation: Conversation) -> None:
        """Hold on to a conversation whose newest turn has just been stored."""
        with self._lock:
            self._known[thread.id] = (len(thread.turns) + 1, conversation)
            while len(self._known) > KEPT_CONVERSATIONS:
                self._known.popitem(last=False)

    def append(self, connection: Connection, thread: Thread, turn_id: str, question: str, done: AnswerDone) -> None:
        """Add a finished turn in the caller's transaction, the one that also closes the question."""
        last = connection.execute(select(func.max(turns.c.number)).where(turns.c.conversation_id == thread.id)).scalar()
        now = self.clock()
        connection.execute(
            insert(turns).values(
                conversation_id=thread.id,
                number=0 if last is None else last + 1,
                id=turn_id,
                question=question,
                answer=done.answer,
                done={"done": dump_done(done)},
                created_at=now,
            )
        )
        changes = {"updated_at": now} | ({"title": title_of(question)} if last is None else {})
        connection.execute(update(conversations).where(conversations.c.id == thread.id).values(**changes))

    def rate(self, turn_id: str, channel: str, tenant: str, sender_id: str, rating: str, reason: str) -> bool:
        """Keep (or, for `none`, withdraw) what a person thinks of an answer; False if there is no such answer in that workspace."""
        query = select(turns.c.conversation_id, turns.c.number, conversations.c.owner).join_from(turns, conversations)
        with begin(self.engine) as connection:
            found = connection.execute(query.where(turns.c.id == turn_id, conversations.c.channel == channel)).first()
        if found is None or not found.owner.startswith(f"{channel}/{tenant}/"):
            return False
        person = owner_of(f"{channel}/{tenant}/{sender_id}")
        if rating not in ("up", "down"):
            self._feedback.withdraw(person, turn_id)
            return True
        spoken = self._stored.turns(found.conversation_id, found.owner)[: found.number + 1]
        done = spoken[-1].done
        self._feedback.store(
            Opinion(
                owner=person,
                channel=channel,
                turn_id=turn_id,
                rating="up" if rating == "up" else "down",
                turns=[turn.question for turn in spoken],
                reason=reason,
                answer=spoken[-1].answer,
                sources=[citation.source for citation in done.citations] if done else [],
                mode=done.mode if done else "",
            )
        )
        return True
