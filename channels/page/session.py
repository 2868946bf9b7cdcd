"""Conversations of the page's visitors: running ones in this process, every finished turn in the database.

A conversation that this process does not hold, or that another one has gone on with, is read from the database; what the
agent remembers of it is rebuilt when the next question comes. Without an owner nothing is stored: the token alone leads there.
"""

from __future__ import annotations

import copy
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agent.events import AnswerDone, AnswerEvent, AnswerFailed
from channels.page.cards import PassageOf
from channels.page.view import VISIBLE_TURNS, TurnView
from kb.errors import AdvisorError, UsageError

if TYPE_CHECKING:
    from channels.state.conversations import Conversations

log = logging.getLogger("advisor")
MAX_SESSIONS = 2000
"""Conversations held by this process; the one unused for longest goes first."""
MAX_STORED_SESSIONS = 200
"""Of these, how many that the database has as well: an older one is read again when its visitor comes back."""
CHANNEL = "page"


class Answerer(Protocol):
    """What the page needs of the agent (agent/session.py)."""

    def answer(self, question: str, conversation: Any) -> Iterator[AnswerEvent]: ...
    def resume(self, turns: Sequence[tuple[str, str]]) -> Any: ...


class BusyError(UsageError):
    """A second question came while the first of the same conversation was being answered."""


class NotKeptError(AdvisorError):
    """The answer was given, and the database did not take it."""


@dataclass
class Session:
    """One conversation. `before[i]` is the agent's memory as it was before turn i; None where it has to be rebuilt."""

    new_conversation: Callable[[], Any]
    owner: str = ""
    turns: list[TurnView] = field(default_factory=list)
    before: list[Any] = field(default_factory=list)
    memory: Any = None
    """The agent's memory after the last turn; None where it has to be rebuilt."""
    keep: Callable[[TurnView], None] = lambda _turn: None
    cut: Callable[[int], None] = lambda _number: None
    updated_at: float | None = None
    """The database's stamp of what this process has seen of the conversation; None before its first stored turn."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def running(self) -> bool:
        """Whether its last question is still being answered."""
        return bool(self.turns) and not self.turns[-1].finished

    def ask(
        self, question: str, answerer: Answerer, passage_of: PassageOf, weights: Mapping[str, float] | None = None
    ) -> Iterator[TurnView]:
        """Ask, and give the turn again after each event. The agent's memory advances only with a finished answer.

        `weights` are what the visitor puts first in any choice, see `agent.session.Conversation`.
        """
        turn = TurnView(question)
        with self._lock:
            if self.running:
                raise BusyError("This conversation is still answering its last question: stop it, or wait for it to end.")
            self.before.append(self.memory)
            self.turns.append(turn)
        try:
            yield turn
            memory = self._memory(answerer)
            memory.weights = dict(weights or {})
            for event in answerer.answer(question, memory):
                if turn.stopped:
                    break
                turn.fold(event, passage_of)
                if turn.done is not None:
                    self.memory = memory
                yield turn
        except AdvisorError as error:
            turn.fold(AnswerFailed(str(error), ""), passage_of)
            yield turn
        finally:
            turn.stopped = turn.done is None and turn.failed is None
            self._keep(turn)

    def _memory(self, answerer: Answerer) -> Any:
        """A memory that this turn may change, rebuilt from the finished turns where this process has none."""
        if self.memory is None:
            told = [(turn.question, turn.done.answer) for turn in self.turns if turn.done is not None]
            self.memory = answerer.resume(told) if told else self.new_conversation()
            self.before[-1] = self.memory
        return _snapshot(self.memory)

    def stop(self) -> None:
        """Give up the running turn now, whether or not its generator has noticed."""
        if self.running:
            self.turns[-1].stopped = True
            self._keep(self.turns[-1])

    def _keep(self, turn: TurnView) -> None:
        """Store a turn once, unless it was taken back meanwhile."""
        with self._lock:
            if turn.kept or all(other is not turn for other in self.turns):
                return
            turn.kept = True
        self.keep(turn)

    def rewind(self, turn: int) -> str:
        """Take back a turn and all after it; its question is returned."""
        question = self.turns[turn].question
        self.memory = self.before[turn]
        self.cut(turn)
        with self._lock:
            del self.turns[turn:], self.before[turn:]
        return question

    def last_done(self) -> AnswerDone | None:
        """The last finished answer."""
        return next((turn.done for turn in reversed(self.turns) if turn.done is not None), None)


def _snapshot(conversation: Any) -> Any:
    """A copy that later turns do not change: its own lists and tables, the frozen values in them shared."""
    clone = copy.copy(conversation)
    for name, value in vars(clone).items():
        if isinstance(value, (list, dict, set)):
            setattr(clone, name, copy.copy(value))
    return clone


class Sessions:
    """Token -> session. A token of another owner is as good as unknown; the token is the conversation's id in the database."""

    def __init__(
        self,
        new_conversation: Callable[[], Any],
        store: Callable[[], Conversations | None] = lambda: None,
        passage_of: PassageOf = lambda citation: citation.quote,
        limit: int = MAX_SESSIONS,
    ) -> None:
        self._new_conversation = new_conversation
        self._store = store
        self._passage_of = passage_of
        self._limit = limit
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, token: object, owner: str = "") -> Session | None:
        """The owner's session with that token, as the database has it now unless it is answering."""
        if not isinstance(token, str) or not token:
            return None
        with self._lock:
            session = self._sessions.get(token)
            if session is not None and session.owner != owner:
                return None
            if session is not None:
                self._sessions.move_to_end(token)
        store = self._store() if owner else None
        if store is None or (session is not None and (session.running or session.updated_at is None)):
            return session
        row = store.find(token, owner)
        if row is None:
            self.forget(token, owner)
            return None
        if session is None or session.updated_at != row.updated_at:
            session = self._load(store, token, owner, row.updated_at)
        return session

    def open(self, owner: str = "") -> tuple[str, Session]:
        """A new session and its token. The database learns of it with its first turn."""
        token = secrets.token_urlsafe(24)
        return token, self._hold(token, Session(self._new_conversation, owner))

    def forget(self, token: str, owner: str) -> None:
        """Let go of a session, e.g. because its conversation was deleted."""
        with self._lock:
            session = self._sessions.get(token)
            if session is not None and session.owner == owner:
                del self._sessions[token]

    def _load(self, store: Conversations, token: str, owner: str, updated_at: float) -> Session:
        from channels.state.conversations import UnknownConversationError

        try:
            stored = store.turns(token, owner)
        except UnknownConversationError:  # deleted in between
            stored = ()
        first = len(stored) - VISIBLE_TURNS
        views = [TurnView.restored(turn, self._passage_of if i >= first else None) for i, turn in enumerate(stored)]
        return self._hold(token, Session(self._new_conversation, owner, views, [None] * len(views), updated_at=updated_at))

    def _hold(self, token: str, session: Session) -> Session:
        store = self._store() if session.owner else None
        if store is not None:
            session.keep = lambda turn: _store_turn(store, token, session, turn)
            session.cut = lambda number: _cut_turns(store, token, session, number)
        with self._lock:
            self._sessions[token] = session
            self._sessions.move_to_end(token)
            self._make_room()
        return session

    def _make_room(self) -> None:
        """Let go of the oldest that the database has, then of any above the limit."""
        if len(self._sessions) > MAX_STORED_SESSIONS:
            stored = [token for token, session in self._sessions.items() if session.updated_at is not None and not session.running]
            for token in stored[: max(0, len(stored) - MAX_STORED_SESSIONS)]:
                del self._sessions[token]
        while len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)


def _store_turn(store: Conversations, token: str, session: Session, turn: TurnView) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if session.updated_at is None:
            store.create(session.owner, CHANNEL, id_=token)
        session.updated_at = store.append(token, session.owner, turn.stored())
    except SQLAlchemyError:
        log.exception("turn %s was not stored", turn.id)
        raise NotKeptError("The answer could not be stored, so that it will be gone after a reload; the server's log says why.") from None


def _cut_turns(store: Conversations, token: str, session: Session, number: int) -> None:
    if session.updated_at is not None:
        session.updated_at = store.cut(token, session.owner, number)
