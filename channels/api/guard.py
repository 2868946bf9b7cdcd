"""What stands before the API and MCP: the server's name, the key, its limits, and a request that is small and arrives in time.

All of it is decided before anything is parsed, and the key before the body is read.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from channels.api.errors import ApiError
from channels.api.hosts import Hosts
from channels.state.keys import ApiKeys, key_owner
from channels.state.limits import Limits, Rate

log = logging.getLogger("advisor")
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
SEND_TIMEOUT_S = 60.0
"""A client that takes nothing for so long is given up."""
LOCAL = "local"
"""Whoever asks where there are no keys."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may ask, how often, and how much at once."""

    keys: ApiKeys
    hosts: Hosts
    limits: Limits | None = None
    requests: Rate | None = None
    questions: Rate | None = None
    max_body_bytes: int = 1_000_000
    body_timeout_s: float = 15.0

    async def take(self, caller: str, *, question: bool) -> None:
        """Take one request, or one question, out of what a key may. Without keys the machine's own user asks as often as they like.

        Raises:
            ApiError: 429 with `Retry-After`, or 503 where the database cannot be asked.
        """
        rate = self.questions if question else self.requests
        if self.limits is None or rate is None or not self.keys:
            return
        # Questions share the bucket of the page's own interface for programs.
        bucket = key_owner(caller) if question else f"requests:{key_owner(caller)}"
        try:
            wait_s = await asyncio.to_thread(self.limits.take, bucket, rate)
        except Exception:
            log.exception("the limits cannot be read")
            raise ApiError(503, "limits cannot be checked at the moment", code="not_ready", headers={"Retry-After": "5"}) from None
        if wait_s > 0:
            seconds = max(1, math.ceil(wait_s))
            what = "questions" if question else "requests"
            text = f"{caller}: more than {rate.per_minute:g} {what} a minute; try again in {seconds} s"
            raise ApiError(429, text, kind="requests", code="rate_limit_exceeded", headers={"Retry-After": str(seconds)})


class Guard:
    """ASGI middleware. The app finds the key's name in `scope["state"]["caller"]`, and the request's body is there at once."""

    def __init__(self, app: App, policy: Policy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check_host(headers)
            caller = self._caller(headers)
            scope.setdefault("state", {})["caller"] = caller
            await self._policy.take(caller, question=False)
            body, rest = await self._body(headers, receive)
        except ApiError as error:
            await error.response()(scope, receive, send)
            return
        await self._app(scope, _replay(body, rest, receive), _patient(send))

    def _check_host(self, headers: MutableMapping[str, str]) -> None:
        host = headers.get("host", "")
        if not self._policy.hosts.allow(host):
            raise ApiError(421, "this server is not known by that name; ADVISOR_ALLOWED_HOSTS lists its names", code="unknown_host")
        if not self._policy.hosts.allow_origin(headers.get("origin", ""), host):
            raise ApiError(403, "pages of another origin may not ask; ADVISOR_ALLOWED_HOSTS lists this server's names", code="origin")

    def _caller(self, headers: MutableMapping[str, str]) -> str:
        if not self._policy.keys:
            return LOCAL
        given = headers.get("authorization", "")
        name = self._policy.keys.name_of_header(given)
        if name is None:
            message = "this key is not known" if given else "no key was given; send the header Authorization: Bearer KEY"
            raise ApiError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})
        return name

    async def _body(self, headers: MutableMapping[str, str], receive: Receive) -> tuple[bytes, Message | None]:
        """The whole body, and what came instead of its end where the client has gone."""
        most = self._policy.max_body_bytes
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > most:
            raise _too_large(most)
        body = bytearray()
        try:
            async with asyncio.timeout(self._policy.body_timeout_s):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return bytes(body), message
                    body += message.get("body", b"")
                    if len(body) > most:
                        raise _too_large(most)
                    if not message.get("more_body"):
                        return bytes(body), None
        except TimeoutError:
            text = f"the request did not arrive within {self._policy.body_timeout_s:g} s"
            raise ApiError(408, text, code="request_timeout", headers={"Connection": "close"}) from None


def _too_large(most: int) -> ApiError:
    return ApiError(413, f"the request is larger than {most:,} bytes", code="request_too_large", headers={"Connection": "close"})


def _replay(body: bytes, rest: Message | None, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": rest is not None}]
    if rest is not None:
        waiting.append(rest)

    async def replayed() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return replayed


def _patient(send: Send) -> Send:
    async def sent(message: Message) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await send(message)

    return sent
