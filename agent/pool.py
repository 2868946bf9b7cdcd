"""Answers in processes of their own: one interpreter works on one answer at a time, however many processors there are.

For the offline agent alone: a language model is waited for, and threads wait as well as processes. Each process opens the
index for itself and looks for changes before each answer, as the process that asks does.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields

from agent.events import AnswerEvent
from agent.evidence import Library
from agent.session import Advisor, Conversation
from kb.settings import Settings


class PooledAdvisor(Advisor):
    """An advisor whose answers are worked out by `settings.answer_processes` others. Safe to share between threads.

    The events of a turn arrive together when it is done. A process that dies is replaced; the question that it worked on is
    asked once more, and fails if that ends the same way.
    """

    def __init__(self, settings: Settings, library: Library | None) -> None:
        super().__init__(settings, library)
        self._swap = threading.Lock()
        self._executor = self._start()

    def answer(self, question: str, conversation: Conversation | None = None) -> Iterator[AnswerEvent]:
        """As `Advisor.answer`; the conversation advances with the first event that is taken."""
        state = conversation if conversation is not None else Conversation()
        try:
            events, after = self._ask(question, state)
        except BrokenProcessPool:
            events, after = self._ask(question, state)
        for kept in fields(state):
            setattr(state, kept.name, getattr(after, kept.name))
        yield from events

    def warm_up(self) -> None:
        """Start every process and wait until one has the index open."""
        for waiting in [self._executor.submit(_opened_here) for _ in range(self.settings.answer_processes)]:
            waiting.result()

    def close(self) -> None:
        """End the processes; what they work on is finished first."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _ask(self, question: str, state: Conversation) -> tuple[list[AnswerEvent], Conversation]:
        executor = self._executor
        try:
            return executor.submit(_answer, question, state).result()
        except BrokenProcessPool:
            with self._swap:
                if self._executor is executor:
                    executor.shutdown(wait=False)
                    self._executor = self._start()
            raise

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.settings.answer_processes, multiprocessing.get_context("spawn"), initializer=_open, initargs=(self.settings,)
        )


_opened: Advisor | None = None
"""The advisor of a worker process."""


def _open(settings: Settings) -> None:
    global _opened
    from agent.session import open_advisor

    threading.Thread(target=_end_with_parent, daemon=True).start()
    _opened = open_advisor(settings)
    _opened.warm_up()


def _end_with_parent() -> None:
    """A parent that was killed ends no process; one that waits for its next question would do so for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _opened_here() -> int:
    return os.getpid()


def _answer(question: str, state: Conversation) -> tuple[list[AnswerEvent], Conversation]:
    assert _opened is not None
    return list(_opened.answer(question, state)), state
