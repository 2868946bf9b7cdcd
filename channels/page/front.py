"""What the browser gets around the page: a policy that keeps it from asking any other host, and our script before all others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-src 'none'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


def head_script(language: str) -> str:
    """Our script as a tag. `language` is `zh`, `en` or `auto`, which follows the browser."""
    script = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    return f'<script>window.advisorLanguage="{language}";\n{script}</script>'


class Front:
    """ASGI middleware. The framework puts a page's own `head` in place only after its code has chosen a language; this is earlier."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], language: str = "auto") -> None:
        self.app = app
        self._insert = head_script(language).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def forward(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                message["headers"] = headers + list(HEADERS)
                if any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in headers):
                    start = message
                    return
            elif message["type"] == "http.response.body" and start is not None:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                page = bytes(body).replace(b"<head>", b"<head>" + self._insert, 1)
                start["headers"] = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
                start["headers"].append((b"content-length", str(len(page)).encode()))
                await send(start)
                start = None
                message = {"type": "http.response.body", "body": page if scope["method"] != "HEAD" else b""}
            await send(message)

        await self.app(scope, receive, forward)
