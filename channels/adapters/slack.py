"""Slack: which requests are Slack's, and what they say. The replies are in slack_reply.py, Socket Mode in slack_socket.py."""

from __future__ import annotations

import hashlib
import hmac
import html
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from channels.adapters.slack_reply import FEEDBACK_ACTION, SlackReplies
from channels.core.adapter import Adapter, Caps, Connection
from channels.core.dialect import SlackMarkdown
from channels.core.message import (
    Challenge,
    Dropped,
    HttpAnswer,
    Inbound,
    InboundMessage,
    Item,
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

_REFERENCE = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_EVERYONE = ("!here", "!channel", "!everyone")
_HUMAN_SUBTYPES = ("", "file_share", "thread_broadcast")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature of a request body."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


class SlackAdapter(Adapter):
    """Events API and Socket Mode, DMs, channels and threads."""

    name = "slack"
    caps = Caps(max_len=11_000, streaming=True, images=True, files=True)
    dialect = SlackMarkdown()

    def __init__(self, settings: ChannelSettings) -> None:
        from channels.adapters.registry import allow_list

        self.settings = settings
        self.secret = settings.slack_signing_secret.get_secret_value()
        self.has_webhook = bool(self.secret)
        self.allowed = allow_list(settings.slack_allow)
        self.replies = SlackReplies(settings)

    def verify(self, request: WebhookRequest, now: float) -> Verdict:
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        given = request.headers.get("x-slack-signature", "")
        if not self.secret:
            return Reject("no signing secret is set")
        if not given or not same(sign(self.secret, timestamp, request.body), given):
            return Reject("signature")
        if not is_fresh(stamp_s(timestamp), now):
            return Reject("not fresh")
        payload = _payload(request)
        if payload is None:
            return Reject("neither JSON nor a form")
        if payload.get("type") == "url_verification":
            return Challenge(json_answer({"challenge": str(payload.get("challenge", ""))}))
        return Verified(payload)

    def parse(self, payload: Mapping[str, Any]) -> Inbound:
        match payload.get("type"):
            case "event_callback":
                return self._event(payload)
            case "block_actions":
                return _thumb(payload)
            case None if "command" in payload:
                return _slash_command(payload)
            case _:
                return Dropped("kind")

    def accepted(self, item: Item, request: WebhookRequest, now: float) -> HttpAnswer:
        # Slack shows the body of an answer to a slash command.
        return HttpAnswer(200, b"", "text/plain")

    def ignored(self, payload: Mapping[str, Any], request: WebhookRequest, now: float) -> HttpAnswer:
        return HttpAnswer(200, b"", "text/plain")

    def _event(self, payload: Mapping[str, Any]) -> Inbound:
        event = payload.get("event") or {}
        if event.get("type") not in ("message", "app_mention"):
            return Dropped("kind")
        if event.get("subtype", "") not in _HUMAN_SUBTYPES or "edited" in event or event.get("hidden"):
            return Dropped("edit" if event.get("subtype") == "message_changed" or "edited" in event else "subtype")
        bots = {a.get("user_id", "") for a in payload.get("authorizations") or [] if a.get("is_bot", True)}
        text, mentioned = readable(str(event.get("text") or ""), bots)
        chat, ts = str(event.get("channel") or ""), str(event.get("ts") or "")
        if not chat or not ts or not event.get("user"):
            return Dropped("bot" if event.get("bot_id") else "malformed")
        direct = event.get("channel_type") == "im" or chat.startswith("D")
        root = str(event.get("thread_ts") or "")
        return InboundMessage(
            channel=self.name,
            tenant=str(payload.get("team_id") or event.get("team") or ""),
            chat_id=chat,
            chat_kind="dm" if direct else "group",
            message_id=ts,
            # The same message comes as `app_mention` and as `message` where both are subscribed to, each with its own event id.
            delivery_id=f"{chat}:{ts}",
            sender_id=str(event["user"]),
            text=text,
            created_at=_seconds(ts),
            thread_id=root or ("" if direct else ts),
            starts_thread=not root,
            sender_is_bot=bool(event.get("bot_id")) or event["user"] in bots,
            mentions_bot=mentioned or event["type"] == "app_mention",
            mentions_everyone=any(f"<{word}" in str(event.get("text")) for word in _EVERYONE),
            attachments=tuple(str(f.get("name") or "file") for f in event.get("files") or []),
            reply={"thread_ts": root or ts},
        )

    def open_reply(self, message: InboundMessage, row_id: int, hint: str) -> dict[str, Any]:
        return self.replies.open(message, hint)

    def update_reply(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        self.replies.update(message, handle, shown)

    def deliver(self, message: InboundMessage, payload: Payload, handle: dict[str, Any], key: str) -> None:
        self.replies.deliver(message, payload, handle)

    def connection(self, receive: Callable[[Inbound], bool]) -> Connection | None:
        if not self.settings.slack_app_token.get_secret_value():
            return None
        from channels.adapters.slack_socket import SlackSocket

        return SlackSocket(self.settings, lambda payload: receive(self.parse(payload)))

    def close(self) -> None:
        self.replies.close()


def _payload(request: WebhookRequest) -> dict[str, Any] | None:
    """Events are JSON; buttons are a form with JSON in it, slash commands a plain form."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return json_object(request.body)
    fields = {key: values[0] for key, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    return json_object(fields["payload"].encode()) if "payload" in fields else dict(fields)


def readable(text: str, bots: set[str]) -> tuple[str, bool]:
    """(text as a person reads it, whether one of `bots` is mentioned): Slack writes mentions and links as `<...>`."""
    mentioned = False

    def plain(found: re.Match[str]) -> str:
        nonlocal mentioned
        sign_, target, label = found.groups()
        if sign_ == "@" and target in bots:
            mentioned = True
            return " "
        if sign_ == "!":
            return " "
        return f"{sign_}{label or target}" if sign_ else label or target

    shown = _REFERENCE.sub(plain, text)
    return re.sub(r"[ \t]+", " ", html.unescape(shown)).strip(), mentioned


def _seconds(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0


def _thumb(payload: Mapping[str, Any]) -> Inbound:
    user, team = payload.get("user") or {}, payload.get("team") or {}
    for action in payload.get("actions") or []:
        if action.get("action_id") == FEEDBACK_ACTION:
            rating, _, turn_id = str(action.get("value", "")).partition(":")
            stamp = str(action.get("action_ts") or payload.get("trigger_id") or "")
            delivery = f"thumb:{user.get('id', '')}:{stamp}"
            return Thumb("slack", str(team.get("id") or ""), delivery, str(user.get("id", "")), turn_id, rating_of(rating))
    return Dropped("action")


def _slash_command(payload: Mapping[str, Any]) -> Inbound:
    """`/advisor help` and `/advisor QUESTION`: the answer is shown to the person alone."""
    text = str(payload.get("text") or "help").strip()
    first = text.split(" ", 1)[0].lstrip("/")
    chat = str(payload.get("channel_id") or "")
    return InboundMessage(
        channel="slack",
        tenant=str(payload.get("team_id") or ""),
        chat_id=chat,
        chat_kind="dm" if chat.startswith("D") else "group",
        message_id=str(payload.get("trigger_id") or ""),
        delivery_id=f"slash:{payload.get('trigger_id', '')}",
        sender_id=str(payload.get("user_id") or ""),
        text=f"/{text.lstrip('/')}" if first in ("help", "new", "sources", "feedback", "status") else text,
        created_at=time.time(),
        mentions_bot=True,
        reply={"response_url": str(payload.get("response_url") or "")},
    )


def build(settings: ChannelSettings) -> Adapter:
    """Raises `SettingsError` where a setting is missing."""
    from channels.adapters.registry import need

    need(settings, "slack_bot_token")
    if not settings.slack_app_token.get_secret_value():
        need(settings, "slack_signing_secret")
    return SlackAdapter(settings)
