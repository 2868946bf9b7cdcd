"""What happens in the chat when a visitor asks, retries, edits, stops, reloads or gives an opinion."""

# No `from __future__ import annotations` here: the framework looks the types of a handler up on every call, and strings cost it 3 ms.

import html
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from channels.page.backend import Backend
from channels.page.history import History
from channels.page.session import CHANNEL, Session
from channels.page.settings_tab import Choices
from channels.page.view import all_messages, language_of, turn_of_message
from channels.page.visitors import owner_of, user_of
from channels.page.words import word
from channels.state.feedback import Opinion, Rating
from kb.errors import AdvisorError
from kb.settings import Settings

REPAINT_S = 0.08
"""Each repaint carries the visible history, so streamed text is shown about twelve times a second."""
BUSY_S = 0.5
"""Where as many answers as possible are under way, one that is ready within this time is painted once, as a whole."""
REPAINT_SHARE = 0.2
"""What repainting may take of an answer's time: a busy server shows streamed text less often instead of answering later."""

CHATS_WITH_MODEL = 16
"""Answers under way at once where a language model writes them: they wait for it more than they compute."""

Update = tuple[Any, ...]
"""New values of: token, conversation, question box, list of conversations, head."""
Repaint = Callable[..., Iterator[Update]]


def parallel_answers(settings: Settings) -> int:
    """Answers that are worked on at once: many where each waits for a language model, else what the processors can do side by side."""
    return CHATS_WITH_MODEL if settings.llm_base_url else 1 + (os.cpu_count() or 1)


class Asking:
    """Handlers that ask. Each generator's last update gives the question box back."""

    def __init__(self, backend: Backend, history: History) -> None:
        self._backend = backend
        self._history = history
        self._choices = Choices(backend)
        self._parallel = parallel_answers(backend.settings)
        self._running = 0
        self._count = threading.Lock()

    def ask(self, token: str, settings: object, query: str, text: str, request: gr.Request) -> Iterator[Update]:
        """A question from the box, an example or a follow-up; blank ones are ignored. `query` is what the list is searched for."""
        if not text.strip():
            yield _unchanged()
            return
        session = self._session(token, request)
        if session is None:
            token, session = self._backend.sessions.open(owner_of(request))
        self._admit(text, request)
        yield from self._run(session, token, settings, query, text, request)

    def retry(self, token: str, settings: object, query: str, event: gr.RetryData, request: gr.Request) -> Iterator[Update]:
        yield from self._again(token, settings, query, _message(event.index), None, request)

    def edit(self, token: str, settings: object, query: str, event: gr.EditData, request: gr.Request) -> Iterator[Update]:
        # The box showed the question as it was disarmed for display.
        yield from self._again(token, settings, query, _message(event.index), html.unescape(str(event.value)), request)

    def follow(self, token: str, settings: object, query: str, event: gr.SelectData, request: gr.Request) -> Iterator[Update]:
        yield from self.ask(token, settings, query, str(event.value), request)

    def stopped(self, token: str, request: gr.Request) -> Update:
        """After the running answer was cancelled: what there is of it stays."""
        session = self._session(token, request)
        if session is None:
            return gr.skip(), _box_free()
        session.stop()
        return all_messages(session.turns), _box_free()

    def start(self, request: gr.Request) -> Update:
        """A new conversation; the old one is kept until it is pushed out."""
        token, _ = self._backend.sessions.open(owner_of(request))
        return token, [], gr.update(value="", submit_btn=True, stop_btn=False), gr.update(visible=False)

    def resume(self, token: str, request: gr.Request) -> Any:
        """A reloaded page shows its conversation again."""
        session = self._session(token, request)
        return all_messages(session.turns) if session else []

    def _session(self, token: str, request: gr.Request) -> Session | None:
        return self._backend.sessions.find(token, owner_of(request))

    def _again(self, token: str, settings: object, query: str, message: int, text: str | None, request: gr.Request) -> Iterator[Update]:
        """Ask a turn once more, in other words if there are any; what came after it is dropped."""
        session = self._session(token, request)
        turn = turn_of_message(session.turns, message) if session else None
        if session is None or turn is None:
            yield _unchanged()
            return
        self._admit(session.turns[turn].question, request)
        question = session.rewind(turn)
        yield from self._run(session, token, settings, query, question if text is None else text, request)

    def _admit(self, question: str, request: gr.Request) -> None:
        """Let the question pass, or say how long to wait."""
        wait_s = self._backend.wait_s(owner_of(request), user_of(request))
        if wait_s:
            raise gr.Error(word("too_often", language_of(question), math.ceil(wait_s)), print_exception=False)

    def _run(self, session: Session, token: str, settings: object, query: str, question: str, request: gr.Request) -> Iterator[Update]:
        with self._count:
            self._running += 1
            due = time.monotonic() + BUSY_S if self._running >= self._parallel else 0.0
        mode, weights = self._choices.read(settings)
        box = gr.update(value="", submit_btn=False, stop_btn=True)
        try:
            for turn in session.ask(question, self._backend.answerer_for(mode), self._backend.passage_of, weights):
                began = time.monotonic()
                if began < due or turn.finished:  # finished ones are painted below, once they are stored
                    continue
                yield token, all_messages(session.turns), box, gr.skip(), gr.skip()
                painted, box = time.monotonic(), gr.skip()
                due = painted + max(REPAINT_S, (painted - began) / REPAINT_SHARE)
        except AdvisorError as error:
            raise gr.Error(str(error), print_exception=False) from None
        finally:
            with self._count:
                self._running -= 1
        yield token, all_messages(session.turns), _box_free(), *self._history.shown(token, query, request)


class Opinions:
    """Handlers of thumbs and their reasons."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def opine(self, token: str, event: gr.LikeData, request: gr.Request) -> Update:
        """Store the thumb and ask why; a thumb that is taken back is forgotten."""
        owner = owner_of(request)
        session = self._backend.sessions.find(token, owner)
        turn = turn_of_message(session.turns, _message(event.index)) if session else None
        if session is None or turn is None:
            return gr.skip(), gr.skip(), gr.skip()
        if event.liked in (None, ""):
            self._backend.state.feedback.withdraw(owner, session.turns[turn].id)
            return None, gr.update(visible=False), gr.update(value="")
        rating: Rating = "up" if event.liked in (True, "Like") else "down"
        self._backend.state.feedback.store(_opinion(session, turn, rating, owner))
        return (session.turns[turn].id, rating), gr.update(visible=True), gr.update(value="")

    def explain(self, token: str, opinion: tuple[str, Rating] | None, text: str, request: gr.Request) -> Update:
        """Store the reason with its thumb."""
        owner = owner_of(request)
        session = self._backend.sessions.find(token, owner)
        turns = session.turns if session else []
        turn = next((i for i, t in enumerate(turns) if opinion is not None and t.id == opinion[0]), None)
        if session is not None and turn is not None and opinion is not None:
            if text.strip():
                self._backend.state.feedback.store(_opinion(session, turn, opinion[1], owner, text.strip()))
            gr.Info(word("feedback_thanks", turns[turn].language), duration=3)
        return gr.update(visible=False), gr.update(value="")


def _opinion(session: Session, turn: int, rating: Rating, owner: str, reason: str = "") -> Opinion:
    done = session.turns[turn].done
    return Opinion(
        owner,
        CHANNEL,
        session.turns[turn].id,
        rating,
        [view.question for view in session.turns[: turn + 1]],
        reason,
        done.answer if done else session.turns[turn].text,
        [citation.source for citation in done.citations] if done else [],
        done.mode if done else "",
    )


def _unchanged() -> Update:
    return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()


def _box_free() -> Any:
    return gr.update(submit_btn=True, stop_btn=False)


def _message(index: int | tuple[int, int]) -> int:
    """The message that an event is about; the framework gives a pair where a message has parts."""
    return index[0] if isinstance(index, (tuple, list)) else index
