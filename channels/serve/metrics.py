"""Counters for Prometheus. Labels are few and fixed: no user, key, question or address is among them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from agent.events import AnswerDone, AnswerEvent, AnswerFailed

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)


class Metrics:
    """The counters of one server. Safe to share between threads."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._questions = Counter(
            "advisor_questions",
            "Questions by channel, how they ended (answered, refused, failed, cancelled) and what answered (offline, llm, none).",
            ("channel", "outcome", "mode"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "advisor_answer_seconds", "From question to finished answer.", ("channel",), buckets=_SECONDS, registry=self.registry
        )
        self._in_flight = Gauge("advisor_answers_in_flight", "Answers being made.", ("channel",), registry=self.registry)
        self._unsupported = Counter(
            "advisor_unsupported_numbers", "Numbers that the checker removed or marked.", ("channel",), registry=self.registry
        )
        self._tokens = Counter(
            "advisor_llm_tokens", "Tokens of the language model by direction.", ("channel", "direction"), registry=self.registry
        )
        self._fallbacks = Counter(
            "advisor_llm_fallbacks", "Answers given without the language model that was asked for.", ("channel",), registry=self.registry
        )
        self._requests = Counter("advisor_http_requests", "Requests by surface and status.", ("surface", "status"), registry=self.registry)
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}
        self._ready = Gauge("advisor_ready", "1 when questions can be answered, by the last look.", registry=self.registry)

    def meter(self, channel: str, events: Iterator[AnswerEvent]) -> Iterator[AnswerEvent]:
        """Passes the events of one turn on and counts what came of it. Closing it closes them."""
        started = time.perf_counter()
        self._began(channel, 1)
        outcome, mode = "cancelled", "none"
        try:
            for event in events:
                if isinstance(event, AnswerDone):
                    outcome, mode = "refused" if event.refused else "answered", event.mode
                    self._count(channel, event)
                    # Now, not when the listener is done with it.
                    self._seconds.labels(channel).observe(time.perf_counter() - started)
                elif isinstance(event, AnswerFailed):
                    outcome = "failed"
                yield event
        except Exception:
            outcome = "failed"
            raise
        finally:
            self._began(channel, -1)
            self._questions.labels(channel, outcome, mode).inc()
            close = getattr(events, "close", None)
            if close is not None:
                close()

    def running(self, channel: str) -> int:
        """Answers being made for a channel."""
        with self._lock:
            return self._running.get(channel, 0)

    def request(self, surface: str, status: int) -> None:
        """Count a request."""
        self._requests.labels(surface, str(status)).inc()

    def ready(self, ready: bool) -> None:
        """What the last look at readiness found."""
        self._ready.set(int(ready))

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _began(self, channel: str, change: int) -> None:
        with self._lock:
            self._running[channel] = self._running.get(channel, 0) + change
        self._in_flight.labels(channel).inc(change)

    def _count(self, channel: str, done: AnswerDone) -> None:
        self._unsupported.labels(channel).inc(done.unsupported_numbers)
        for direction in ("input", "output"):
            self._tokens.labels(channel, direction).inc(done.usage.get(f"{direction}_tokens", 0))
        if done.notice:
            self._fallbacks.labels(channel).inc()


class Metered:
    """An advisor whose answers are counted under a channel; in everything else it is the advisor."""

    def __init__(self, advisor: Any, metrics: Metrics, channel: str) -> None:
        self._advisor = advisor
        self._metrics = metrics
        self._channel = channel

    def answer(self, question: str, conversation: Any = None) -> Iterator[AnswerEvent]:
        """As the advisor's."""
        return self._metrics.meter(self._channel, self._advisor.answer(question, conversation))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._advisor, name)
