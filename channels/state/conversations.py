"""Conversations and their turns in the database. Every call names the owner; another owner's conversation is as good as unknown.

An owner is `account:NAME`, `key:NAME`, `browser:DIGEST` (a page without accounts, see `browser_owner`) or a channel's own key
such as `slack:T1:C1:U1`. Deleting a conversation takes its turns along; feedback stays, it is a case of its own.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.codec import dump_done, load_done
from agent.events import AnswerDone, AnswerFailed, Understood
from kb.errors import AdvisorError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MAX_TITLE_CHARS = 80
_ATTEMPTS = 3


class UnknownConversationError(AdvisorError):
    """There is no such conversation of that owner: deleted, never there, or somebody else's."""


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """One question and how it ended: `done`, `failed`, or neither where it was stopped; `answer` is the text there was."""

    id: str
    question: str
    answer: str = ""
    done: AnswerDone | None = None
    understood: Understood | None = None
    failed: AnswerFailed | None = None
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as lists show it. Times are UTC seconds since 1970; `updated_at` grows with every change."""

    id: str
    owner: str
    channel: str
    title: str
    created_at: float
    updated_at: float
    turns: int


def account_owner(name: str) -> str:
    """The owner that a signed-in user is."""
    return f"account:{name}"


def browser_owner(secret: str) -> str:
    """The owner that a browser is where nobody signs in: a digest, so that the database does not hold the secret itself."""
    return f"browser:{hashlib.sha256(secret.encode()).hexdigest()[:48]}"


def title_of(question: str) -> str:
    """The first words of a question on one line."""
    text = " ".join(question.split())
    return text if len(text) <= MAX_TITLE_CHARS else f"{text[: MAX_TITLE_CHARS - 1]}…"


class Conversations:
    """The repository. Safe to share between threads; each call is one transaction."""

    def __init__(self, engine: Engine, now: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._now = now

    def create(self, owner: str, channel: str, title: str = "", id_: str | None = None) -> str:
        """A new, empty conversation; its id cannot be guessed unless the caller chose it."""
        from channels.state.schema import conversations

        chosen, now = id_ or secrets.token_urlsafe(24), self._now()
        values = {"id": chosen, "owner": owner, "channel": channel, "title": title_of(title), "created_at": now, "updated_at": now}
        with self._engine.begin() as connection:
            connection.execute(conversations.insert().values(values))
        return chosen

    def find(self, id_: str, owner: str) -> ConversationRow | None:
        """The owner's conversation of that id."""
        from channels.state.schema import conversations

        with self._engine.begin() as connection:
            rows = _rows(connection, [conversations.c.id == id_, conversations.c.owner == owner], 1)
        return rows[0] if rows else None

    def listed(self, owner: str, *, channel: str | None = None, query: str = "", limit: int = 100) -> list[ConversationRow]:
        """The owner's conversations, last changed first; with a query those whose title, questions or answers hold all its words."""
        from sqlalchemy import exists, or_

        from channels.state.schema import conversations, turns

        where: list[Any] = [conversations.c.owner == owner]
        if channel is not None:
            where.append(conversations.c.channel == channel)
        for word in query.split():
            spoken = exists().where(
                turns.c.conversation_id == conversations.c.id,
                or_(turns.c.question.icontains(word, autoescape=True), turns.c.answer.icontains(word, autoescape=True)),
            )
            where.append(or_(conversations.c.title.icontains(word, autoescape=True), spoken))
        with self._engine.begin() as connection:
            return _rows(connection, where, limit)

    def turns(self, id_: str, owner: str) -> tuple[StoredTurn, ...]:
        """All turns in order.

        Raises:
            UnknownConversationError: there is no such conversation of that owner.
        """
        from channels.state.schema import turns

        with self._engine.begin() as connection:
            self._require(connection, id_, owner)
            found = connection.execute(turns.select().where(turns.c.conversation_id == id_).order_by(turns.c.number)).all()
        return tuple(_turn(row) for row in found)

    def append(self, id_: str, owner: str, turn: StoredTurn) -> float:
        """Add a turn at the end and return the conversation's new `updated_at`. An untitled conversation takes its question as title.

        Raises:
            UnknownConversationError: there is no such conversation of that owner.
        """
        from sqlalchemy import func, select
        from sqlalchemy.exc import IntegrityError

        from channels.state.schema import conversations, turns

        for attempt in range(_ATTEMPTS):
            try:
                with self._engine.begin() as connection:
                    title = self._require(connection, id_, owner)
                    last = connection.execute(select(func.max(turns.c.number)).where(turns.c.conversation_id == id_)).scalar()
                    now = self._now()
                    values = _values(turn) | {"conversation_id": id_, "number": 0 if last is None else last + 1}
                    connection.execute(turns.insert().values(values | {"created_at": turn.created_at or now}))
                    changes = {"updated_at": now} | ({} if title else {"title": title_of(turn.question)})
                    connection.execute(conversations.update().where(conversations.c.id == id_).values(changes))
                return now
            except IntegrityError:  # another replica added a turn in between
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def cut(self, id_: str, owner: str, number: int) -> float:
        """Drop turn `number` (from 0) and all after it, before it is asked again; the new `updated_at` is returned.

        Raises:
            UnknownConversationError: there is no such conversation of that owner.
        """
        from channels.state.schema import conversations, turns

        with self._engine.begin() as connection:
            self._require(connection, id_, owner)
            now = self._now()
            connection.execute(turns.delete().where(turns.c.conversation_id == id_, turns.c.number >= number))
            connection.execute(conversations.update().where(conversations.c.id == id_).values(updated_at=now))
        return now

    def rename(self, id_: str, owner: str, title: str) -> None:
        """Give it another title; a blank one is ignored.

        Raises:
            UnknownConversationError: there is no such conversation of that owner.
        """
        from channels.state.schema import conversations

        if not title.strip():
            return
        with self._engine.begin() as connection:
            self._require(connection, id_, owner)
            connection.execute(conversations.update().where(conversations.c.id == id_).values(title=title_of(title)))

    def remove(self, id_: str, owner: str) -> None:
        """Delete it with its turns. One that is not there is gone already."""
        from channels.state.schema import conversations

        with self._engine.begin() as connection:
            connection.execute(conversations.delete().where(conversations.c.id == id_, conversations.c.owner == owner))

    def _require(self, connection: Connection, id_: str, owner: str) -> str:
        """Its title."""
        from sqlalchemy import select

        from channels.state.schema import conversations

        query = select(conversations.c.title).where(conversations.c.id == id_, conversations.c.owner == owner)
        title: str | None = connection.execute(query).scalar()
        if title is None:
            raise UnknownConversationError(f"there is no conversation {re.sub(r'[^A-Za-z0-9_-]', '?', id_)[:40]!r} of yours; was it deleted?")
        return title


def _rows(connection: Connection, where: Sequence[Any], limit: int) -> list[ConversationRow]:
    from sqlalchemy import func, select

    from channels.state.schema import conversations as c
    from channels.state.schema import turns

    count = select(func.count()).where(turns.c.conversation_id == c.c.id).scalar_subquery()
    columns = (c.c.id, c.c.owner, c.c.channel, c.c.title, c.c.created_at, c.c.updated_at, count)
    query = select(*columns).where(*where).order_by(c.c.updated_at.desc(), c.c.id).limit(limit)
    return [ConversationRow(*row) for row in connection.execute(query)]


def _values(turn: StoredTurn) -> dict[str, Any]:
    record: dict[str, Any] = {}
    if turn.done is not None:
        record["done"] = dump_done(turn.done)
    if turn.understood is not None:
        u = turn.understood
        record["understood"] = {"language": u.language, "intent": u.intent, "summary": u.summary}
    if turn.failed is not None:
        record["failed"] = {"public_text": turn.failed.public_text, "reference": turn.failed.reference}
    return {"id": turn.id, "question": turn.question, "answer": turn.answer, "done": record or None}


def _turn(row: Any) -> StoredTurn:
    record: dict[str, Any] = row.done or {}
    return StoredTurn(
        row.id,
        row.question,
        row.answer,
        load_done(record["done"]) if "done" in record else None,
        Understood(**record["understood"]) if "understood" in record else None,
        AnswerFailed(**record["failed"]) if "failed" in record else None,
        row.created_at,
    )
