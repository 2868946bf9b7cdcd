"""Conversations of the page's visitors, kept in this process: each under a token that only its browser knows."""

from __future__ import annotations

import copy
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.events import AnswerDone, AnswerEvent, AnswerFailed
from channels.page.cards import PassageOf
from channels.page.view import TurnView
from kb.errors import AdvisorError, UsageError

MAX_SESSIONS = 2000
"""Conversations kept; the one unused for longest goes first."""


class Answerer(Protocol):
    """What the page needs of the agent (agent/session.py)."""

    def answer(self, question: str, conversation: Any) -> Iterator[AnswerEvent]: ...


class BusyError(UsageError):
    """A second question came while the first of the same conversation was being answered."""


@dataclass
class Session:
    """One visitor's conversation. `before[i]` is the agent's memory as it was before turn i, so that a turn can be taken back."""

    new_conversation: Callable[[], Any]
    owner: str = ""
    turns: list[TurnView] = field(default_factory=list)
    before: list[Any] = field(default_factory=list)
    conversation: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.conversation = self.new_conversation()

    def ask(self, question: str, answerer: Answerer, passage_of: PassageOf) -> Iterator[TurnView]:
        """Ask, and give the turn again after each event. The agent's memory advances only with a finished answer."""
        turn = TurnView(question)
        with self._lock:
            if self.turns and not self.turns[-1].finished:
                raise BusyError("This conversation is still answering its last question: stop it, or wait for it to end.")
            self.before.append(_snapshot(self.conversation))
            self.turns.append(turn)
        memory = _snapshot(self.conversation)
        try:
            yield turn
            for event in answerer.answer(question, memory):
                if turn.stopped:
                    break
                turn.fold(event, passage_of)
                if turn.done is not None:
                    self.conversation = memory
                yield turn
        except AdvisorError as error:
            turn.fold(AnswerFailed(str(error), ""), passage_of)
            yield turn
        finally:
            turn.stopped = turn.done is None and turn.failed is None

    def stop(self) -> None:
        """Give up the running turn now, whether or not its generator has noticed."""
        if self.turns and not self.turns[-1].finished:
            self.turns[-1].stopped = True

    def rewind(self, turn: int) -> str:
        """Take back a turn and all after it; its question is returned."""
        question = self.turns[turn].question
        self.conversation = self.before[turn]
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
    """Token -> session. A token of another owner is as good as unknown."""

    def __init__(self, new_conversation: Callable[[], Any], limit: int = MAX_SESSIONS) -> None:
        self._new_conversation = new_conversation
        self._limit = limit
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, token: object, owner: str = "") -> Session | None:
        """The owner's session with that token."""
        with self._lock:
            session = self._sessions.get(token) if isinstance(token, str) else None
            if session is None or session.owner != owner:
                return None
            self._sessions.move_to_end(str(token))
            return session

    def open(self, owner: str = "") -> tuple[str, Session]:
        """A new session and its token."""
        token, session = secrets.token_urlsafe(24), Session(self._new_conversation, owner)
        with self._lock:
            self._sessions[token] = session
            while len(self._sessions) > self._limit:
                self._sessions.popitem(last=False)
        return token, session
