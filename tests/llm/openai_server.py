"""A server on loopback that speaks OpenAI's chat protocol and says what a script tells it, badly where the script wants that."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One answer to one request."""

    text: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    """Tool calls in the protocol's own field; arguments that are a string are sent as they are."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    """Before each piece."""
    cut_after: int | None = None
    """Pieces after which the connection is dropped."""
    raw: str = ""
    """Sent instead of a stream."""
    endless: bool = False
    usage: bool = True
    finish_reason: str = "stop"
    pieces: int = 4
    """Characters of a piece."""


Script = Callable[[int, dict[str, Any]], Reply]


class OpenAIServer:
    """`script(number, request body)` gives the reply to the number-th request, counted from 0. `asked` keeps all bodies."""

    def __init__(self, script: Script | Reply | list[Reply], models: tuple[str, ...] = ("scripted",), key: str = "") -> None:
        self.script = script
        self.key = key
        self.models = models
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.first_piece_at: float | None = None
        self.url = ""

    def reply(self, body: dict[str, Any]) -> Reply:
        number = len(self.asked)
        self.asked.append(body)
        if isinstance(self.script, Reply):
            return self.script
        if isinstance(self.script, list):
            return self.script[min(number, len(self.script) - 1)]
        return self.script(number, body)

    @contextmanager
    def running(self) -> Iterator[OpenAIServer]:
        owner = self

        class Handler(_Handler):
            server_owner = owner

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_owner: OpenAIServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""

    def do_GET(self) -> None:
        if self._refused():
            return
        self._json(200, {"object": "list", "data": [{"id": name} for name in self.server_owner.models]})

    def do_POST(self) -> None:
        if self._refused():
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server_owner.headers.append(dict(self.headers))
        reply = self.server_owner.reply(body)
        if reply.status != 200:
            self._json(reply.status, {"error": {"message": reply.text or "no", "type": "error"}}, reply.headers)
            return
        if not body.get("stream"):
            self._whole(reply)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            self._stream(reply)
        except (BrokenPipeError, ConnectionResetError):
            return

    def _refused(self) -> bool:
        key = self.server_owner.key
        if not key or self.headers.get("Authorization") == f"Bearer {key}":
            return False
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._json(401, {"error": {"message": "wrong key"}})
        return True

    def _stream(self, reply: Reply) -> None:
        if reply.raw:
            self.wfile.write(reply.raw.encode())
            return
        self._send({"role": "assistant", "content": ""})
        sent = 0
        while True:
            for start in range(0, len(reply.text), reply.pieces):
                time.sleep(reply.pause_s)
                if reply.cut_after is not None and sent >= reply.cut_after:
                    return
                if self.server_owner.first_piece_at is None:
                    self.server_owner.first_piece_at = time.perf_counter()
                self._send({"content": reply.text[start : start + reply.pieces]})
                sent += 1
            if not reply.endless:
                break
        for index, (name, arguments) in enumerate(reply.calls):
            written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
            self._send(
                {"tool_calls": [{"index": index, "id": f"c{index}", "type": "function", "function": {"name": name, "arguments": ""}}]}
            )
            for start in range(0, len(written), 7):
                self._send({"tool_calls": [{"index": index, "function": {"arguments": written[start : start + 7]}}]})
        self._send({}, "tool_calls" if reply.calls else reply.finish_reason)
        if reply.usage:
            self._line({"choices": [], "usage": {"prompt_tokens": 321, "completion_tokens": 45, "total_tokens": 366}})
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, delta: dict[str, Any], finish: str | None = None) -> None:
        self._line({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def _line(self, extra: dict[str, Any]) -> None:
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "scripted"} | extra
        self.wfile.write(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()

    def _whole(self, reply: Reply) -> None:
        calls = [
            {"id": f"c{i}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for i, (name, arguments) in enumerate(reply.calls)
        ]
        message = {"role": "assistant", "content": reply.text} | ({"tool_calls": calls} if calls else {})
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
        self._json(200, {"id": "x", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice], "usage": usage})

    def _json(self, status: int, data: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        payload = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)
