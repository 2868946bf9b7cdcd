"""DingTalk: which requests are DingTalk's, and what they say. Replies: dingtalk_reply.py; stream mode: dingtalk_stream.py."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from channels.adapters.dingtalk_reply import CARD_PREFIX, DingtalkReplies
from channels.core.adapter import Adapter, Caps, Connection
from channels.core.dialect import DingtalkMarkdown
from channels.core.memory import turn_id_of
from channels.core.message import Dropped, Inbound, InboundMessage, Reject, Thumb, Verdict, Verified, WebhookRequest, json_object, rating_of
from channels.core.payload import Payload
from channels.core.settings import ChannelSettings
from channels.core.verify import is_fresh, same, stamp_s


def sign(secret: str, timestamp: str) -> str:
    """DingTalk's signature, which covers the time alone: the body is protected by TLS, the short window and de-duplication."""
    return base64.b64encode(hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()).decode()


class DingtalkAdapter(Adapter):
    """An internal app's robot, in stream mode or over HTTP, in direct chats and groups."""

    name = "dingtalk"
    dialect = DingtalkMarkdown()

    def __init__(self, settings: ChannelSettings) -> None:
        from channels.adapters.registry import allow_list

        self.settings = settings
        self.secret = settings.dingtalk_client_secret.get_secret_value()
        self.has_webhook = bool(self.secret) and not settings.dingtalk_stream
        self.allowed = allow_list(settings.dingtalk_allow)
        self.caps = Caps(max_len=15_000, unit="bytes", streaming=bool(settings.dingtalk_card_template), images=True)
        self.replies = DingtalkReplies(settings)

    def verify(self, request: WebhookRequest, now: float) -> Verdict:
        timestamp, given = request.headers.get("timestamp", ""), request.headers.get("sign", "")
        if not self.secret:
            return Reject("no client secret is set")
        if self.settings.dingtalk_stream:
            return Reject("stream mode is on, so that DingTalk calls nobody")
        if not given or not same(sign(self.secret, timestamp), given):
            return Reject("signature")
        if not is_fresh(stamp_s(timestamp, 1000), now):
            return Reject("not fresh")
        payload = json_object(request.body)
        return Verified(payload) if payload is not None else Reject("not a JSON object")

    def parse(self, payload: Mapping[str, Any]) -> Inbound:
        if "outTrackId" in payload:
            return _thumb(payload)
        message_id, chat = str(payload.get("msgId") or ""), str(payload.get("conversationId") or "")
        sender = str(payload.get("senderStaffId") or payload.get("senderId") or "")
        if not message_id or not chat or not sender:
            return Dropped("malformed")
        text = _text(payload)
        webhook_until = stamp_s(str(payload.get("sessionWebhookExpiredTime", "")), 1000)
        return InboundMessage(
            channel=self.name,
            tenant=str(payload.get("chatbotCorpId") or payload.get("senderCorpId") or ""),
            chat_id=chat,
            chat_kind="dm" if str(payload.get("conversationType")) == "1" else "group",
            message_id=message_id,
            delivery_id=message_id,
            sender_id=sender,
            text=text.strip(),
            created_at=stamp_s(str(payload.get("createAt", "")), 1000) or 0.0,
            sender_is_bot=bool(payload.get("senderId")) and payload.get("senderId") == payload.get("chatbotUserId"),
            mentions_bot=bool(payload.get("isInAtList")),
            attachments=() if text.strip() or payload.get("msgtype") == "text" else (str(payload.get("msgtype") or "file"),),
            reply={
                "webhook": str(payload.get("sessionWebhook") or ""),
                "webhook_until": webhook_until or 0.0,
                "staff_id": str(payload.get("senderStaffId") or ""),
            },
        )

    def open_reply(self, message: InboundMessage, row_id: int, hint: str) -> dict[str, Any]:
        return self.replies.open(message, turn_id_of(message), hint)

    def update_reply(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        if handle:
            self.replies.stream(str(handle["card"]), shown, final=False)

    def deliver(self, message: InboundMessage, payload: Payload, handle: dict[str, Any], key: str) -> None:
        self.replies.deliver(message, payload, handle)

    def connection(self, receive: Callable[[Inbound], bool]) -> Connection | None:
        if not self.settings.dingtalk_stream:
            return None
        from channels.adapters.dingtalk_stream import DingtalkStream

        return DingtalkStream(self.settings, lambda payload: receive(self.parse(payload)))

    def close(self) -> None:
        self.replies.close()


def _text(payload: Mapping[str, Any]) -> str:
    """Text without the bot's mention, which DingTalk takes out itself; rich text; a voice message as DingTalk wrote it down."""
    content = payload.get("content") or {}
    match payload.get("msgtype"):
        case "text":
            return str((payload.get("text") or {}).get("content", ""))
        case "richText":
            return "".join(str(part.get("text", "")) for part in content.get("richText") or [] if isinstance(part, dict))
        case "audio":
            return str(content.get("recognition", ""))
        case _:
            return ""


def _thumb(payload: Mapping[str, Any]) -> Inbound:
    """A button of an AI card whose action ids are `up` and `down`."""
    content = payload.get("content")
    found = json_object(content.encode()) if isinstance(content, str) else content
    actions = ((found or {}).get("cardPrivateData") or {}).get("actionIds") or []
    card = str(payload["outTrackId"])
    if not actions or actions[0] not in ("up", "down") or not card.startswith(CARD_PREFIX):
        return Dropped("action")
    person, tenant = str(payload.get("userId", "")), str(payload.get("corpId", ""))
    return Thumb("dingtalk", tenant, f"{card}:{person}:{actions[0]}", person, card.removeprefix(CARD_PREFIX), rating_of(actions[0]))


def build(settings: ChannelSettings) -> Adapter:
    """Raises `SettingsError` where a setting is missing."""
    from channels.adapters.registry import need

    need(settings, "dingtalk_client_id", "dingtalk_client_secret")
    return DingtalkAdapter(settings)
