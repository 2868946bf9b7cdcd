"""One JSON line a request on the `advisor.access` logger: no header, query, body or key, only what was asked for and how it ended."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from channels.api.guard import App, Message, Receive, Scope, Send

access = logging.getLogger("advisor.access")
_SURFACES = (("/v1", "api"), ("/openapi.json", "api"), ("/mcp", "mcp"), ("/channels", "channels"), ("/healthz", "ops"), ("/readyz", "ops"),
             ("/metrics", "ops"))  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9_./-]{1,120}")


def surface_of(path: str) -> str:
    """Which part of the server an address belongs to; all others are the page's."""
    return next((name for prefix, name in _SURFACES if path == prefix or path.startswith(prefix + "/")), "page")


class AccessLog:
    """ASGI middleware. The page's own requests are counted and not written: a visit makes dozens."""

    def __init__(self, app: App, count: Callable[[str, int], None], *, write: bool = True) -> None:
        self._app = app
        self._count = count
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, sent = time.perf_counter(), 0, 0
        request_id = uuid.uuid4().hex[:16]
        surface = surface_of(scope["path"])
        # Shared by reference with everything below, which names the caller.
        state: dict[str, Any] = scope.setdefault("state", {})

        async def counted(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, counted)
        finally:
            self._count(surface, status)
            if self._write and surface != "page":
                line = {
                    "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "id": request_id,
                    "surface": surface,
                    "method": scope["method"],
                    "path": plain_path(scope["path"]),
                    "status": status,
                    "bytes": sent,
                    "ms": round((time.perf_counter() - started) * 1000, 1),
                    "from": (scope.get("client") or ("",))[0],
                    "caller": state.get("caller", ""),
                }
                access.info(json.dumps(line))


def plain_path(path: str) -> str:
    """The path if it is an ordinary one; a long or odd one may hold anything, and is cut to where it is ordinary."""
    found = _PLAIN.match(path)
    shown = found.group() if found else "/"
    return shown if shown == path else shown.rpartition("/")[0] + "/..."
