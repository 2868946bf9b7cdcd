"""Asking from asynchronous code: work stops when nobody listens, and the server's end lets running answers finish."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from api_fakes import Voice

from agent.events import AnswerDone, AnswerEvent
from agent.session import Advisor
from channels.api.asking import Asker
from channels.api.errors import ApiError
from channels.serve.metrics import Metered, Metrics


def asker(voice: Any, **options: Any) -> Asker:
    return Asker(lambda: voice, **options)


async def read(events: Any, most: int = 1000) -> list[AnswerEvent]:
    found: list[AnswerEvent] = []
    async for event in events:
        found.append(event)
        if len(found) >= most:
            break
    return found


def test_events_come_in_order_and_the_place_is_given_back() -> None:
    async def run() -> None:
        one = asker(Voice())
        events = await read(one.events("q", channel="api"))
        assert isinstance(events[-1], AnswerDone) and one.in_flight == 0
        one.close()

    asyncio.run(run())


def test_an_answer_that_nobody_listens_to_is_stopped_at_its_next_event() -> None:
    async def run() -> None:
        voice = Voice(held=threading.Event())
        one = asker(voice)
        events = one.events("q", channel="api")
        await read(events, 2)
        await events.aclose()  # type: ignore[attr-defined]
        assert one.in_flight == 0 and not voice.closed.is_set()
        voice.held.set()  # type: ignore[union-attr]
        assert await asyncio.to_thread(voice.closed.wait, 10)
        one.close()

    asyncio.run(run())


def test_a_question_whose_client_left_while_it_waited_is_never_asked() -> None:
    async def run() -> None:
        first, one = Voice(held=threading.Event()), None
        one = asker(first, workers=1)
        running = asyncio.ensure_future(read(one.events("first", channel="api")))
        await asyncio.to_thread(first.begun.wait, 10)
        waiting = one.events("second", channel="api")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(waiting), 0.05)
        first.held.set()  # type: ignore[union-attr]
        await running
        assert [question for question, _ in first.asked] == ["first"]
        one.close()

    asyncio.run(run())


def test_draining_waits_for_running_answers_and_takes_no_more() -> None:
    async def run() -> None:
        voice = Voice(held=threading.Event())
        one = asker(voice)
        running = asyncio.ensure_future(read(one.events("q", channel="api")))
        await asyncio.to_thread(voice.begun.wait, 10)
        draining = asyncio.ensure_future(one.drain(10))
        await asyncio.sleep(0.1)
        with pytest.raises(ApiError) as refused:
            await read(one.events("q", channel="api"))
        assert refused.value.status == 503 and not draining.done()
        voice.held.set()  # type: ignore[union-attr]
        assert await draining and isinstance((await running)[-1], AnswerDone)
        one.close()

    asyncio.run(run())


def test_draining_stops_what_is_not_done_in_time_and_says_so() -> None:
    async def run() -> None:
        voice = Voice(held=threading.Event())
        one = asker(voice)
        running = asyncio.ensure_future(read(one.events("q", channel="api")))
        await asyncio.to_thread(voice.begun.wait, 10)
        assert not await one.drain(0.1)
        with pytest.raises(ApiError) as stopped:
            await running
        assert stopped.value.status == 503
        voice.held.set()  # type: ignore[union-attr]
        assert await asyncio.to_thread(voice.closed.wait, 10)
        one.close()

    asyncio.run(run())


def test_offline_is_without_the_language_model() -> None:
    class Loud(Advisor):
        def __init__(self) -> None: ...

        def answer(self, question: str, conversation: Any = None) -> Any:
            raise AssertionError("the model was asked")

    calls: list[str] = []

    async def run() -> None:
        original = Advisor.answer
        Advisor.answer = lambda self, question, conversation=None: (calls.append(question), iter(()))[1]  # type: ignore[method-assign, misc]
        try:
            one = asker(Loud())
            await read(one.events("q", channel="api", offline=True))
            one.close()
        finally:
            Advisor.answer = original  # type: ignore[method-assign]

    asyncio.run(run())
    assert calls == ["q"]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_what_is_asked_is_counted_by_channel_and_by_how_it_ended() -> None:
    metrics = Metrics()
    list(Metered(Voice(), metrics, "page").answer("q"))
    stopped = Metered(Voice(), metrics, "page").answer("q")
    next(stopped)
    assert value(metrics, "advisor_answers_in_flight", channel="page") == 1
    stopped.close()  # type: ignore[attr-defined]
    with pytest.raises(ValueError):
        list(Metered(Voice(failure=ValueError()), metrics, "page").answer("q"))
    ended = {"answered": "offline", "cancelled": "none", "failed": "none"}
    assert [value(metrics, "advisor_questions_total", channel="page", outcome=o, mode=m) for o, m in ended.items()] == [1, 1, 1]
    assert value(metrics, "advisor_answer_seconds_count", channel="page") == 1
    assert value(metrics, "advisor_answers_in_flight", channel="page") == 0
