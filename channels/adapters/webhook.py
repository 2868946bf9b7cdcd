"""A program of your own: signed JSON in, signed JSON out, by the same scheme that Slack uses for its requests.

In: `POST /channels/webhook/events` with `X-Advisor-Request-Timestamp` (seconds) and `X-Advisor-Signature: v0=HEX`, the HMAC-SHA256
of `v0:TIMESTAMP:BODY`. The body is `{"id", "chat", "sender", "text"}` and may have `thread`, `group` (bool), `mentioned` (bool),
`locale`, `at` (seconds), or be a thumb `{"id", "sender", "turn", "rating": "up"}`. Out: `{"key", "id", "chat", "thread", "kind",
"text", ...}` to the reply address. `{"challenge": TEXT}` is answered with the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from channels.core.adapter import Adapter, Caps
from channels.core.chart_png import png_of
from channels.core.dialect import Dialect
from channels.core.http import Api
from channels.core.message import (
    Challenge,
    Dropped,
    Inbound,
    InboundMessage,
    Reject,
    Thumb,
    Verdict,
    Verified,
    WebhookRequest,
    json_answer,
    json_object,
    rating_of,
)
from channels.core.payload import Payload
from channels.core.settings import ChannelSettings
from channels.core.verify import is_fresh, same, stamp_s

VERSION = "v0"


class PlainMarkdown(Dialect):
    """Standard Markdown with its tables."""

    tables = "native"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body at a time."""
    return f"{VERSION}={hmac.new(secret.encode(), f'{VERSION}:{timestamp}:'.encode() + body, hashlib.sha256).hexdigest()}"


class WebhookAdapter(Adapter):
    """See the module."""

    name = "webhook"
    caps = Caps(max_len=16_000, streaming=True, images=True, files=True)
    dialect = PlainMarkdown()

    def __init__(self, settings: ChannelSettings) -> None:
        from channels.adapters.registry import allow_list

        self.secret = settings.webhook_secret.get_secret_value()
        self.font = settings.channel_font
        self.allowed = allow_list(settings.webhook_allow)
        self.api = Api(settings.webhook_reply_url, "the reply address")

    def verify(self, request: WebhookRequest, now: float) -> Verdict:
        timestamp = request.headers.get("x-advisor-request-timestamp", "")
        given = request.headers.get("x-advisor-signature", "")
        if not self.secret:
            return Reject("no secret is set")
        if not given or not same(sign(self.secret, timestamp, request.body), given):
            return Reject("signature")
        if not is_fresh(stamp_s(timestamp), now):
            return Reject("not fresh")
        payload = json_object(request.body)
        if payload is None:
            return Reject("not a JSON object")
        return Challenge(json_answer({"challenge": payload["challenge"]})) if "challenge" in payload else Verified(payload)

    def parse(self, payload: Mapping[str, Any]) -> Inbound:
        try:
            if "turn" in payload:
                sender, reason = str(payload["sender"]), str(payload.get("reason", ""))
                rating = rating_of(payload["rating"])
                return Thumb(self.name, "", str(payload["id"]), sender, str(payload["turn"]), rating, reason)
            if payload.get("edited"):
                return Dropped("edit")
            return InboundMessage(
                channel=self.name,
                tenant="",
                chat_id=str(payload["chat"]),
                chat_kind="group" if payload.get("group") else "dm",
                message_id=str(payload["id"]),
                delivery_id=str(payload["id"]),
                sender_id=str(payload["sender"]),
                text=str(payload["text"]),
                created_at=float(payload.get("at", time.time())),
                thread_id=str(payload.get("thread", "")),
                sender_is_bot=bool(payload.get("bot")),
                mentions_bot=bool(payload.get("mentioned")),
                locale=str(payload.get("locale", "")),
            )
        except (KeyError, TypeError, ValueError):
            return Dropped("malformed")

    def open_reply(self, message: InboundMessage, row_id: int, hint: str) -> dict[str, Any]:
        key = f"advisor-{row_id}-live"
        self._post(message, {"key": key, "kind": "status", "text": hint})
        return {"live": key}

    def update_reply(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        self._post(message, {"key": handle.get("live", ""), "kind": "preview", "text": shown})

    def deliver(self, message: InboundMessage, payload: Payload, handle: dict[str, Any], key: str) -> None:
        body: dict[str, Any] = {"key": key, "kind": payload.kind, "text": payload.text, "turn": payload.turn_id, "name": payload.name}
        if payload.first and handle:
            body["replaces"] = handle["live"]
        if payload.chart is not None:
            body["png"] = base64.b64encode(png_of(payload.chart, self.font)).decode()
        self._post(message, body)

    def _post(self, message: InboundMessage, body: dict[str, Any]) -> None:
        whole = {"id": message.message_id, "chat": message.chat_id, "thread": message.thread_id} | body
        raw = json.dumps(whole, ensure_ascii=False).encode()
        timestamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "x-advisor-request-timestamp": timestamp,
            "x-advisor-signature": sign(self.secret, timestamp, raw),
        }
        self.api.send("POST", "", raw, headers)

    def close(self) -> None:
        self.api.close()


def build(settings: ChannelSettings) -> Adapter:
    """Raises `SettingsError` where a setting is missing."""
    from channels.adapters.registry import need

    need(settings, "webhook_secret", "webhook_reply_url")
    return WebhookAdapter(settings)
