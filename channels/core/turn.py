"""One answer being made on a thread of its own, so that a deadline can be kept although the advisor cannot be interrupted."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from agent.events import AnswerEvent


class Turn:
    """Runs `make`, whose events can be taken until it ends or time runs out."""

    def __init__(self, make: Callable[[], Iterator[AnswerEvent]]) -> None:
        self._events: queue.SimpleQueue[AnswerEvent | BaseException | None] = queue.SimpleQueue()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(make,), name="answer", daemon=True)
        self._thread.start()

    def _run(self, make: Callable[[], Iterator[AnswerEvent]]) -> None:
        try:
            for event in make():
                if self._abandoned.is_set():
                    break
                self._events.put(event)
        except BaseException as error:
            self._events.put(error)
        else:
            self._events.put(None)

    def next(self, timeout_s: float) -> AnswerEvent | None:
        """The next event; None when there are no more.

        Raises:
            queue.Empty: nothing within `timeout_s`.
            Exception: what the advisor raised.
        """
        found = self._events.get(timeout=max(0.0, timeout_s))
        if isinstance(found, BaseException):
            raise found
        return found

    def abandon(self) -> None:
        """Nobody wants the rest; it stops at its next event."""
        self._abandoned.set()

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended within `timeout_s`."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()
