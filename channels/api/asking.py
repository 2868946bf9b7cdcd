"""Asking the advisor, which works in threads, from asynchronous code: bounded, with a deadline, and stopped when nobody listens."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.events import AnswerDone, AnswerEvent, AnswerFailed
from channels.api.errors import ApiError, answer_failed, overloaded

if TYPE_CHECKING:
    from agent.session import Advisor

log = logging.getLogger("advisor")
Turns = Sequence[tuple[str, str]]
Meter = Callable[[str, Iterator[AnswerEvent]], Iterator[AnswerEvent]]
"""Counts the events of one turn of a channel, and passes them on."""


class Asker:
    """At most `workers` answers at once, `waiting` more in line; the rest is told to come back.

    An answer whose listener has gone stops at its next event: its generator is closed, which cancels a language model's request.
    """

    def __init__(
        self,
        advisor: Callable[[], Advisor],
        *,
        workers: int = 8,
        waiting: int = 64,
        timeout_s: float = 180.0,
        meter: Meter = lambda _channel, events: events,
    ) -> None:
        self._advisor = advisor
        self._limit = workers + waiting
        self._timeout_s = timeout_s
        self._meter = meter
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # Not a pool of the library: its threads would hold the process at its end for as long as a language model is silent.
        self._threads = [threading.Thread(target=self._work, name=f"answer-{n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()
        self._running: dict[_Turn, None] = {}
        self.closed = False

    @property
    def in_flight(self) -> int:
        """Answers that somebody waits for."""
        return len(self._running)

    def admit(self) -> None:
        """Raises `ApiError` if a question would be turned away now."""
        if self.closed:
            raise overloaded("the server is shutting down", 5)
        if self.in_flight >= self._limit:
            raise overloaded("too many questions at once; try again in a moment")

    async def events(self, question: str, turns: Turns = (), *, channel: str, offline: bool = False) -> AsyncIterator[AnswerEvent]:
        """The events of one turn after the turns before it (question, answer). Close it to stop.

        Raises:
            ApiError: no place is free, the deadline has passed, the server stops, or the advisor cannot be asked.
        """
        self.admit()
        turn = _Turn(asyncio.get_running_loop())
        self._running[turn] = None
        try:
            self._waiting.put(partial(self._answer, turn, question, turns, channel, offline))
            deadline = turn.loop.time() + self._timeout_s
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        item = await turn.items.get()
                except TimeoutError:
                    raise ApiError(504, f"no answer within {self._timeout_s:.0f} s", code="timeout") from None
                if item is None:
                    return
                if isinstance(item, ApiError):
                    raise item
                yield item
        finally:
            turn.stop.set()
            self._running.pop(turn, None)

    async def ask(self, question: str, turns: Turns = (), *, channel: str, offline: bool = False) -> AnswerDone:
        """The finished answer. Raises `ApiError` as `events` does, and for a turn that failed."""
        async with aclosing(self.events(question, turns, channel=channel, offline=offline)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, AnswerDone):
                    return event
                if isinstance(event, AnswerFailed):
                    raise answer_failed(event)
        raise ApiError(500, "the answer ended early", code="answer_failed")

    async def drain(self, timeout_s: float) -> bool:
        """Take no more questions, and wait for the running answers; those that are not done in time are stopped. Whether all were."""
        self.closed = True
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self._running and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        late = list(self._running)
        for turn in late:
            turn.stop.set()
            turn.items.put_nowait(overloaded("the server is shutting down", 5))
        return not late

    def close(self) -> None:
        """Give the threads back once their answers have stopped; does not wait."""
        self.closed = True
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        while (task := self._waiting.get()) is not None:
            task()

    def _answer(self, turn: _Turn, question: str, turns: Turns, channel: str, offline: bool) -> None:
        """In a worker thread: puts every event, then None or what went wrong."""
        end: ApiError | None = None
        try:
            if turn.stop.is_set():
                return
            with closing(self._meter(channel, self._turn(question, turns, offline))) as events:  # type: ignore[type-var]
                for event in events:
                    if turn.stop.is_set():
                        return
                    turn.put(event)
        except Exception:
            reference = uuid.uuid4().hex[:8]
            log.exception("the advisor could not be asked, reference %s", reference)
            end = ApiError(503, f"the advisor is not ready (reference {reference})", code="not_ready", headers={"Retry-After": "10"})
        finally:
            turn.put(end)

    def _turn(self, question: str, turns: Turns, offline: bool) -> Iterator[AnswerEvent]:
        """The events of the turn, without the language model if asked."""
        from agent.session import Advisor as Offline

        advisor = self._advisor()
        conversation = advisor.resume(turns) if turns else None
        if offline and isinstance(advisor, Offline):
            yield from Offline.answer(advisor, question, conversation)
        else:
            yield from advisor.answer(question, conversation)


class _Turn:
    """One question on its way: what has come of it, and whether anybody still listens."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.items: asyncio.Queue[Any] = asyncio.Queue()
        self.stop = threading.Event()

    def put(self, item: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(self.items.put_nowait, item)
        except RuntimeError:  # the loop is closed: the process ends
            self.stop.set()
