"""From a request to a row in the inbox. The acknowledgement is only given for what has been kept; no model is asked before it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from channels.core.adapter import Adapter
from channels.core.inbox import Inbox
from channels.core.message import Challenge, Dropped, HttpAnswer, Inbound, InboundMessage, Reject, WebhookRequest
from channels.core.settings import ChannelSettings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

log = logging.getLogger("advisor.channels")
MAX_BODY_BYTES = 1_048_576
UNAUTHORIZED = HttpAnswer(401, b"", "text/plain")
TRY_AGAIN = HttpAnswer(503, b"", "text/plain")


@dataclass(frozen=True)
class Intake:
    """The way in. Safe to share between threads."""

    inbox: Inbox
    settings: ChannelSettings
    clock: Callable[[], float]
    arrived: Callable[[], None]
    """Called when there is work."""

    def request(self, adapter: Adapter, request: WebhookRequest) -> HttpAnswer:
        """Verify, read, keep, acknowledge: in this order."""
        now = self.clock()
        verdict = adapter.verify(request, now)
        if isinstance(verdict, Reject):
            log.warning("%s: a request was refused (%s)", adapter.name, verdict.reason)
            return UNAUTHORIZED
        if isinstance(verdict, Challenge):
            return verdict.answer
        inbound = adapter.parse(verdict.payload)
        wanted = self.wanted(adapter, inbound)
        if isinstance(wanted, Dropped):
            log.debug("%s: dropped (%s)", adapter.name, wanted.reason)
            return adapter.ignored(verdict.payload, request, now)
        if self.inbox.add(wanted):
            self.arrived()
        return adapter.accepted(wanted, request, now)

    def keep(self, adapter: Adapter, inbound: Inbound) -> bool:
        """For long connections: True if the item may be acknowledged."""
        wanted = self.wanted(adapter, inbound)
        if isinstance(wanted, Dropped):
            log.debug("%s: dropped (%s)", adapter.name, wanted.reason)
        elif self.inbox.add(wanted):
            self.arrived()
        return True

    def wanted(self, adapter: Adapter, inbound: Inbound) -> Inbound:
        """The item if it is for us and may be answered, else why not."""
        if not isinstance(inbound, InboundMessage):
            return inbound
        if inbound.sender_is_bot:
            return Dropped("bot")
        if self.clock() - inbound.created_at > self.settings.channel_stale_s:
            return Dropped("stale")
        if not adapter.may_use(inbound):
            return Dropped("not-allowed")
        if inbound.chat_kind == "group" and not self._addressed(inbound):
            return Dropped("not-mentioned")
        return inbound

    def _addressed(self, message: InboundMessage) -> bool:
        """Mentioned, or in a thread that the bot is part of; a mention of everybody counts only where it is set to."""
        if message.mentions_bot or (message.mentions_everyone and self.settings.channel_answer_everyone):
            return True
        return bool(message.thread_id) and not message.starts_thread and self.inbox.has_spoken_in(message.conversation)


def route(adapter: Adapter, intake: Intake) -> Route:
    """The webhook of an adapter: `/channels/NAME/events`."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response
    from starlette.routing import Route

    async def endpoint(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                return Response(status_code=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = WebhookRequest(request.method, headers, dict(request.query_params), bytes(body))
        answer = await run_in_threadpool(_guarded, intake, adapter, received)
        return Response(answer.body, answer.status, media_type=answer.content_type)

    return Route(f"/channels/{adapter.name}/events", endpoint, methods=["GET", "POST"], name=f"channel-{adapter.name}")


def _guarded(intake: Intake, adapter: Adapter, request: WebhookRequest) -> HttpAnswer:
    """What fails here was not kept: the platform is asked to bring it again, and told nothing else."""
    try:
        return intake.request(adapter, request)
    except Exception:
        log.exception("%s: a delivery could not be kept", adapter.name)
        return TRY_AGAIN
