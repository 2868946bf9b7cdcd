"""Feishu and Lark: which requests are theirs, and what they say. Replies: feishu_reply.py; the long connection: feishu_socket.py."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from channels.adapters import feishu_crypto
from channels.adapters.feishu_reply import FEEDBACK_ACTION, FeishuReplies
from channels.core.adapter import Adapter, Caps, Connection
from channels.core.dialect import FeishuMarkdown
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
from channels.core.words import say


class FeishuAdapter(Adapter):
    """Event subscription 2.0 over HTTP or the long connection; direct chats, groups and topics."""

    name = "feishu"
    caps = Caps(max_len=24_000, unit="bytes", streaming=True, images=True, files=True)
    dialect = FeishuMarkdown()

    def __init__(self, settings: ChannelSettings) -> None:
        from channels.adapters.registry import allow_list

        self.settings = settings
        self.key = settings.feishu_encrypt_key.get_secret_value()
        self.token = settings.feishu_verification_token.get_secret_value()
        self.has_webhook = bool(self.key)
        self.allowed = allow_list(settings.feishu_allow)
        self.replies = FeishuReplies(settings)

    def verify(self, request: WebhookRequest, now: float) -> Verdict:
        timestamp = request.headers.get("x-lark-request-timestamp", "")
        nonce = request.headers.get("x-lark-request-nonce", "")
        given = request.headers.get("x-lark-signature", "")
        if not self.key:
            return Reject("no encrypt key is set, so that nothing would be signed")
        if given and not same(feishu_crypto.sign(self.key, timestamp, nonce, request.body), given):
            return Reject("signature")
        body = json_object(request.body) or {}
        plain = feishu_crypto.decrypt(self.key, str(body.get("encrypt", "")))
        payload = json_object(plain) if plain is not None else None
        if payload is None:
            return Reject("not encrypted with our key")
        header = payload.get("header")
        token = str((header if isinstance(header, dict) else payload).get("token", ""))
        if self.token and not same(self.token, token):
            return Reject("verification token")
        if payload.get("type") == "url_verification":
            # Feishu does not sign this one; it proves itself by the encryption and the token.
            return Challenge(json_answer({"challenge": str(payload.get("challenge", ""))}))
        if not given:
            return Reject("signature")
        return Verified(payload) if is_fresh(stamp_s(timestamp), now) else Reject("not fresh")

    def parse(self, payload: Mapping[str, Any]) -> Inbound:
        header, event = payload.get("header") or {}, payload.get("event") or {}
        match header.get("event_type"):
            case "im.message.receive_v1":
                return self._message(header, event)
            case "card.action.trigger":
                return _thumb(header, event)
            case "im.message.updated_v1":
                return Dropped("edit")
            case _:
                return Dropped("kind")

    def accepted(self, item: Item, request: WebhookRequest, now: float) -> HttpAnswer:
        return json_answer(reply_to(item))

    def _message(self, header: Mapping[str, Any], event: Mapping[str, Any]) -> Inbound:
        message, sender = event.get("message") or {}, event.get("sender") or {}
        identity = sender.get("sender_id") or {}
        if not message.get("message_id") or not message.get("chat_id") or not identity.get("open_id"):
            return Dropped("malformed")
        mentions = message.get("mentions") or []
        bots = {str(m.get("key")) for m in mentions if self.replies.is_me(m)}
        names = {str(m.get("key")): str(m.get("name", "")) for m in mentions}
        raw, everyone = _content(message)
        return InboundMessage(
            channel=self.name,
            tenant=str(header.get("tenant_key") or sender.get("tenant_key") or ""),
            chat_id=str(message["chat_id"]),
            chat_kind="dm" if message.get("chat_type") == "p2p" else "group",
            message_id=str(message["message_id"]),
            delivery_id=str(message["message_id"]),
            sender_id=str(identity["open_id"]),
            text=_with_names(raw, names, bots),
            created_at=(stamp_s(str(message.get("create_time", "")), 1000)) or 0.0,
            thread_id=str(message.get("thread_id") or ""),
            starts_thread=bool(message.get("thread_id")) and not message.get("root_id"),
            sender_is_bot=sender.get("sender_type", "user") != "user",
            mentions_bot=bool(bots),
            mentions_everyone=everyone,
            attachments=() if message.get("message_type") in ("text", "post") else (str(message.get("message_type", "file")),),
        )

    def open_reply(self, message: InboundMessage, row_id: int, hint: str) -> dict[str, Any]:
        return self.replies.open(message, f"advisor-{row_id}-live", hint)

    def update_reply(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        self.replies.update(message, handle, shown)

    def deliver(self, message: InboundMessage, payload: Payload, handle: dict[str, Any], key: str) -> None:
        self.replies.deliver(message, payload, handle, key)

    def connection(self, receive: Callable[[Inbound], bool]) -> Connection | None:
        if not self.settings.feishu_long_connection:
            return None
        from channels.adapters.feishu_socket import FeishuSocket

        def event(payload: Mapping[str, Any]) -> dict[str, Any]:
            inbound = self.parse(payload)
            receive(inbound)
            return reply_to(inbound)

        return FeishuSocket(self.settings, event)

    def close(self) -> None:
        self.replies.close()


def reply_to(inbound: Inbound) -> dict[str, Any]:
    """What Feishu shows at once: a note that a thumb was taken; nothing for a message."""
    if not isinstance(inbound, Thumb):
        return {}
    return {"toast": {"type": "success", "content": f"{say('feedback_stored', 'zh')} / {say('feedback_stored', 'en')}"}}


def _content(message: Mapping[str, Any]) -> tuple[str, bool]:
    """(text with the placeholders of mentions, whether everybody is mentioned)."""
    content = json_object(str(message.get("content", "")).encode()) or {}
    if message.get("message_type") == "text":
        text = str(content.get("text", ""))
    elif message.get("message_type") == "post":
        text = _post_text(content)
    else:
        return "", False
    return text.replace("@_all", " "), "@_all" in text


def _post_text(content: Mapping[str, Any]) -> str:
    """The lines of a rich text; it may be kept under its locale."""
    body = content if "content" in content else next((v for v in content.values() if isinstance(v, dict)), {})
    lines = [str(body["title"])] if body.get("title") else []
    for line in body.get("content") or []:
        words = [str(e.get("user_id", "")) if e.get("tag") == "at" else str(e.get("text", "")) for e in line if isinstance(e, dict)]
        lines.append("".join(words))
    return "\n".join(lines)


def _with_names(text: str, names: Mapping[str, str], bots: set[str]) -> str:
    """The text with other people's names in place of `@_user_1`, and without the bot's."""

    def plain(found: re.Match[str]) -> str:
        key = found.group()
        return " " if key in bots else f"@{names[key]}" if key in names else key

    return re.sub(r"[ \t]+", " ", re.sub(r"@_user_\d+", plain, text)).strip()


def _thumb(header: Mapping[str, Any], event: Mapping[str, Any]) -> Inbound:
    value = (event.get("action") or {}).get("value")
    if isinstance(value, str):
        value = json_object(value.encode())
    if not isinstance(value, dict) or value.get("action") != FEEDBACK_ACTION:
        return Dropped("action")
    person = str((event.get("operator") or {}).get("open_id", ""))
    tenant, delivery = str(header.get("tenant_key", "")), str(header.get("event_id", ""))
    return Thumb("feishu", tenant, delivery, person, str(value.get("turn", "")), rating_of(value.get("rating")))


def build(settings: ChannelSettings) -> Adapter:
    """Raises `SettingsError` where a setting is missing."""
    from channels.adapters.registry import need

    need(settings, "feishu_app_id", "feishu_app_secret")
    if not settings.feishu_long_connection:
        need(settings, "feishu_encrypt_key")
    return FeishuAdapter(settings)
