"""What the tests of team chat share: an advisor that says what it is told to, a server that plays a platform, a hub that is stepped by hand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agent.events import AnswerDone, AnswerEvent, AnswerFailed, Chart, ChartSeries, TextDelta, Understood
from agent.session import Conversation
from channels.core.hub import Hub
from channels.core.settings import ChannelSettings
from channels.state.database import open_database
from kb.settings import Settings
from kb.types import Citation, Place

CHART = Chart("bar", "Cost", "model", "cost", "USD", (ChartSeries("month", ("A", "B"), (760.0, 1000.0)),))
CITATION = Citation("prices.md", "API prices", Place((26, 27)), "Input: $3.80")


def done(answer: str, **changes: Any) -> AnswerDone:
    """A finished answer with one source."""
    values: dict[str, Any] = {
        "citations": (CITATION,),
        "tools": (),
        "conflicts": (),
        "refused": False,
        "mode": "offline",
        "language": "zh",
        "ms": 1.0,
    }
    return AnswerDone(answer, **(values | changes))


class _Catalog:
    entities: dict[str, Any] = {}


class _Reader:
    catalog = _Catalog()


class FakeAdvisor:
    """Answers with `reply`; `asked` holds what it was asked. `gate` holds an answer back until it is set."""

    def __init__(self, reply: AnswerDone | None = None) -> None:
        self.reply = reply or done("DeepSeek 的价格是 $3.80 [1]。")
        self.asked: list[str] = []
        self.resumed: list[list[tuple[str, str]]] = []
        self.gate: threading.Event | None = None
        self.fails: Exception | AnswerFailed | None = None
        self.at_once: list[str] = []
        self.most_at_once = 0
        self.library = None
        self.reader = _Reader()
        self.settings = Settings()
        self._lock = threading.Lock()

    def answer(self, question: str, conversation: Conversation | None = None) -> Iterator[AnswerEvent]:
        with self._lock:
            self.asked.append(question)
            self.at_once.append(question)
            self.most_at_once = max(self.most_at_once, len(self.at_once))
        try:
            yield Understood("zh", "price", question)
            half = len(self.reply.answer) // 2
            yield TextDelta(self.reply.answer[:half])
            if self.gate is not None:
                self.gate.wait(120)
            if isinstance(self.fails, Exception):
                raise self.fails
            if self.fails is not None:
                yield self.fails
                return
            yield TextDelta(self.reply.answer[half:])
            if conversation is not None:
                conversation.turns.append((question, self.reply.answer))
            yield self.reply
        finally:
            with self._lock:
                self.at_once.remove(question)

    def resume(self, turns: Sequence[tuple[str, str]]) -> Conversation:
        self.resumed.append(list(turns))
        return Conversation(turns=list(turns))


@dataclass(frozen=True)
class Call:
    """A request that reached the platform."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    refused: bool = False

    @property
    def body(self) -> Any:
        """JSON, or the fields of a form (JSON inside a field is read too)."""
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {key: _value(values[0]) for key, values in parse_qs(self.raw.decode()).items()}
        return json.loads(self.raw) if self.raw else {}


def _value(text: str) -> Any:
    return json.loads(text) if text[:1] in "[{" else text


Handler = Callable[[Call], Any]


@dataclass
class Platform:
    """A loopback server. `answers` gives, by path, the JSON of an answer, or (status, JSON, headers), or a function of the call."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    default: Any = None

    def __enter__(self) -> Platform:
        platform = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                length = int(self.headers.get("content-length", 0))
                raw = self.rfile.read(length)
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                call = Call(self.command, parts.path, query, headers, raw)
                with platform.lock:
                    found = platform._answer(call)
                    status, value, extra = found if isinstance(found, tuple) else (200, found, {})
                    platform.calls.append(replace(call, refused=status >= 400))
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                for name, text in extra.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

            def log_message(self, *_: Any) -> None:
                pass

        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def _answer(self, call: Call) -> Any:
        for path, answer in self.answers.items():
            if call.path == path or (path.endswith("*") and call.path.startswith(path[:-1])):
                return answer(call) if callable(answer) else answer
        return self.default if self.default is not None else {}

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    def paths(self) -> list[str]:
        return [call.path for call in self.calls]

    def to(self, path: str) -> list[Call]:
        """Calls to a path, in order; `*` at the end matches the rest."""
        return [c for c in self.calls if not c.refused and (c.path == path or (path.endswith("*") and c.path.startswith(path[:-1])))]


class Clock:
    """The hub's time, moved by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def make_hub(adapters: dict[str, Any], home: Path, advisor: FakeAdvisor, settings: ChannelSettings, clock: Callable[[], float]) -> Hub:
    """A hub on a database in `home`."""
    return Hub(adapters, {}, settings, lambda: advisor, open_database(Settings(home=home)), clock)  # type: ignore[arg-type, return-value]


def drain(hub: Hub) -> None:
    """Do all work there is, on this thread."""
    while hub.worker.step() or hub.courier.step():
        pass
