"""A server in this process over an advisor that says what a test wants, and programs that talk to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripted import scripted_done

from agent.events import AnswerDone, AnswerEvent, AnswerFailed, TextDelta, Understood
from channels.api.app import Served
from channels.api.asking import Asker
from channels.api.guard import Policy
from channels.api.hosts import Hosts
from channels.serve.app import Parts, build_app
from channels.serve.health import Readiness
from channels.serve.metrics import Metrics
from channels.serve.opening import Opening
from channels.state.database import open_database
from channels.state.keys import ApiKeys
from kb.settings import Settings

KEY = "correct-horse-battery"
QUESTION = [{"role": "user", "content": "GPT-5.1 多少钱"}]


@dataclass
class Voice:
    """Streams `done`'s text by lines. `held`: waits in the middle until it is set. Keeps what it was asked and whether it was closed."""

    done: AnswerDone = field(default_factory=scripted_done)
    failed: AnswerFailed | None = None
    failure: Exception | None = None
    held: threading.Event | None = None
    library: Any = None
    asked: list[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    def resume(self, turns: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple(turns)

    def answer(self, question: str, conversation: Any = None) -> Iterator[AnswerEvent]:
        self.asked.append((question, conversation or ()))
        try:
            yield Understood(self.done.language, "", "")
            self.begun.set()
            if self.failure is not None:
                raise self.failure
            if self.failed is not None:
                yield self.failed
                return
            for line in self.done.answer.splitlines(keepends=True):
                yield TextDelta(line)
                if self.held is not None:
                    self.held.wait(20)
            yield self.done
        finally:
            self.closed.set()


class Library:
    """An index that finds something."""

    def search(self, query: str, k: int = 10) -> list[str]:
        return ["hit"]


def opened(voice: Any, home: Path) -> Opening:
    """An opening that is over."""
    opening = Opening(Settings(home=home))
    opening._advisor = voice
    opening._done.set()
    return opening


def make_parts(
    voice: Any, home: Path, *, keys: str = "", has_model: bool = False, policy: dict[str, Any] | None = None, **asker: Any
) -> Parts:
    """The API over an advisor, without page, MCP and team chat."""
    metrics, opening = Metrics(), opened(voice, home)
    chosen = Policy(ApiKeys.read(keys), Hosts.of(loopback=True, given=("testserver",)), **(policy or {}))
    asking = Asker(opening, meter=metrics.meter, **asker)
    readiness = Readiness(opening, open_database(Settings(home=home)), channels=None, stopping=lambda: asking.closed)
    return Parts(chosen, asking, metrics, readiness, Served(asking, has_model, chosen))


def client(parts: Parts, **headers: str) -> Any:
    """A program that talks to the parts' application; close it, or use it in a `with`."""
    from starlette.testclient import TestClient

    return TestClient(build_app(parts), raise_server_exceptions=False, headers=headers, client=("127.0.0.1", 50000))


def chat(messages: Any = None, **more: Any) -> dict[str, Any]:
    """A request's body."""
    return {"model": "llm-advisor", "messages": QUESTION if messages is None else messages} | more


def chunks_of(text: str) -> list[dict[str, Any]]:
    """The JSON of every `data:` line, which must end with `[DONE]`."""
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]", text
    return [json.loads(line) for line in lines[:-1]]


def said(chunks: list[dict[str, Any]], key: str = "content") -> str:
    """The text of the pieces."""
    return "".join(choice["delta"].get(key) or "" for chunk in chunks for choice in chunk.get("choices", ()))
