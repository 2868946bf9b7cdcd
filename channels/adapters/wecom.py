"""WeCom's AI bot: callbacks that are answered at once with a stream, which WeCom then comes back for; or a long connection."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from channels.adapters import wecom_crypto
from channels.core.adapter import Adapter, Caps, Connection, RetryLater, Undeliverable
from channels.core.dialect import WecomMarkdown
from channels.core.http import Api
from channels.core.memory import turn_id_of
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
from channels.core.words import language_of, say

if TYPE_CHECKING:
    from channels.adapters.wecom_socket import WecomSocket

_POLLED_S = 330.0
"""WeCom comes back for a stream for six minutes; later the answer needs the response address."""
_RATINGS = {1: "up", 2: "down"}
_OK = HttpAnswer(200, b"", "text/plain")


class WecomAdapter(Adapter):
    """One of the two ways, never both: WeCom has one mode a bot."""

    name = "wecom"
    dialect = WecomMarkdown()

    def __init__(self, settings: ChannelSettings) -> None:
        from channels.adapters.registry import allow_list

        self.settings = settings
        self.token = settings.wecom_token.get_secret_value()
        self.key = wecom_crypto.key_of(settings.wecom_aes_key.get_secret_value())
        self.by_socket = bool(settings.wecom_bot_id and settings.wecom_bot_secret.get_secret_value())
        self.has_webhook = bool(self.token and self.key) and not self.by_socket
        self.allowed = allow_list(settings.wecom_allow)
        # Over the response address one more message can be sent, over the long connection several.
        self.caps = Caps(max_len=20_000, unit="bytes", streaming=True, max_parts=3 if self.by_socket else 2, edit_interval_s=2.0)
        self.api = Api(settings.wecom_base_url, "WeCom")
        self.socket: WecomSocket | None = None

    def verify(self, request: WebhookRequest, now: float) -> Verdict:
        given, timestamp, nonce = (request.query.get(name, "") for name in ("msg_signature", "timestamp", "nonce"))
        if not self.token or self.key is None:
            return Reject("no token or key is set")
        body = json_object(request.body) or {}
        encrypted = request.query.get("echostr", "") if request.method == "GET" else str(body.get("encrypt", ""))
        if not given or not encrypted or not same(wecom_crypto.sign(self.token, timestamp, nonce, encrypted), given):
            return Reject("signature")
        if not is_fresh(stamp_s(timestamp), now):
            return Reject("not fresh")
        plain = wecom_crypto.decrypt(self.key, encrypted)
        if plain is None:
            return Reject("not encrypted with our key")
        if request.method == "GET":
            return Challenge(HttpAnswer(200, plain, "text/plain"))
        payload = json_object(plain)
        return Verified(payload) if payload is not None else Reject("not a JSON object")

    def parse(self, payload: Mapping[str, Any]) -> Inbound:
        kind = payload.get("msgtype")
        if kind == "stream":
            return Dropped("poll")
        if kind == "event":
            return _event(payload)
        person = str((payload.get("from") or {}).get("userid", ""))
        if not payload.get("msgid") or not person:
            return Dropped("malformed")
        group = payload.get("chattype") == "group"
        text = _text(payload)
        return InboundMessage(
            channel=self.name,
            tenant=str(payload.get("aibotid", "")),
            chat_id=str(payload.get("chatid") or person),
            chat_kind="group" if group else "dm",
            message_id=str(payload["msgid"]),
            delivery_id=stream_id_of(str(payload["msgid"])),
            sender_id=person,
            text=re.sub(r"^\s*@\S+[\s\u2005]*|[\s\u2005]*@\S+\s*$", "", text).strip() if group else text.strip(),
            created_at=float(payload.get("create_time") or time.time()),
            # In a group WeCom sends only what mentions the bot.
            mentions_bot=group,
            attachments=() if text else (str(kind),),
            reply={key: str(payload[key]) for key in ("response_url", "req_id") if payload.get(key)},
        )

    def accepted(self, item: Item, request: WebhookRequest, now: float) -> HttpAnswer:
        if not isinstance(item, InboundMessage):
            return _OK
        return self._sealed(self._stream(item.delivery_id, turn_id_of(item), language_hint(item)), now)

    def ignored(self, payload: Mapping[str, Any], request: WebhookRequest, now: float) -> HttpAnswer:
        if payload.get("msgtype") != "stream":
            return _OK
        return self._sealed(self._stream(str((payload.get("stream") or {}).get("id", ""))), now)

    def _stream(self, stream_id: str, turn_id: str = "", hint: str = "…") -> dict[str, Any]:
        """What the reply says by now. The table is asked, so that any process can be."""
        row = self.inbox.find(self.name, stream_id)
        finished = row is None or bool(row["handle"].get("finish")) or row["state"] == "dropped"
        shown = str(row["preview"]) if row is not None else ""
        stream: dict[str, Any] = {"id": stream_id, "finish": finished, "content": shown or hint}
        if turn_id:
            stream["feedback"] = {"id": turn_id}
        return {"msgtype": "stream", "stream": stream}

    def _sealed(self, value: Mapping[str, Any], now: float) -> HttpAnswer:
        encrypted = wecom_crypto.encrypt(self.key or b"", json.dumps(value, ensure_ascii=False).encode())
        timestamp, nonce = str(int(now)), secrets.token_hex(8)
        signature = wecom_crypto.sign(self.token, timestamp, nonce, encrypted)
        return json_answer({"encrypt": encrypted, "msgsignature": signature, "timestamp": int(timestamp), "nonce": nonce})

    def open_reply(self, message: InboundMessage, row_id: int, hint: str) -> dict[str, Any]:
        if "req_id" in message.reply and self.socket is not None:
            self.socket.stream(message, hint, finish=False, turn_id=turn_id_of(message))
        return {"row": row_id}

    def update_reply(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        if "req_id" in message.reply and self.socket is not None:
            self.socket.stream(message, shown, finish=False)
        elif "row" in handle:
            self.inbox.save_preview(int(handle["row"]), shown)

    def deliver(self, message: InboundMessage, payload: Payload, handle: dict[str, Any], key: str) -> None:
        if self.by_socket:
            self._over_socket(message, payload)
        elif payload.first and time.time() - message.created_at < _POLLED_S:
            row = self.inbox.find(self.name, message.delivery_id)
            if row is None:
                raise Undeliverable("the question is not in the inbox any more")
            self.inbox.save_preview(int(row["id"]), payload.text, final=True)
            self.inbox.save_handle(int(row["id"]), dict(row["handle"]) | {"finish": True}, final=True)
        else:
            self._respond(message, payload)

    def _over_socket(self, message: InboundMessage, payload: Payload) -> None:
        if self.socket is None:
            raise RetryLater("WeCom's connection is not there yet")
        if not payload.first:
            self.socket.push(message, payload.text)
            return
        try:
            self.socket.stream(message, payload.text, finish=True)
        except Undeliverable:  # a stream ends after ten minutes, or with the connection that opened it
            self.socket.push(message, payload.text)

    def _respond(self, message: InboundMessage, payload: Payload) -> None:
        """By the address that came with the message, which works once within an hour, and which only WeCom may have given."""
        address = str(message.reply.get("response_url", ""))
        hosts = ("qyapi.weixin.qq.com", urlsplit(self.settings.wecom_base_url).hostname)
        if urlsplit(address).hostname not in hosts:
            raise Undeliverable("the response address is not WeCom's")
        found = self.api.call("POST", address, {"msgtype": "markdown", "markdown": {"content": payload.text}})
        code = int(found.get("errcode", 0))
        if code in (-1, 45009, 45033):
            raise RetryLater(f"WeCom answered {code}", 10.0)
        if code:
            raise Undeliverable(f"WeCom answered {code}")

    def can_deliver(self) -> bool:
        return not self.by_socket or (self.socket is not None and not self.socket.problem)

    def connection(self, receive: Callable[[Inbound], bool]) -> Connection | None:
        if not self.by_socket:
            return None
        from channels.adapters.wecom_socket import WecomSocket

        self.socket = WecomSocket(self.settings, lambda payload: receive(self.parse(payload)))
        return self.socket

    def close(self) -> None:
        self.api.close()


def stream_id_of(message_id: str) -> str:
    """The stream of a message, the same at every delivery of it."""
    return hashlib.sha256(message_id.encode()).hexdigest()[:32]


def language_hint(message: InboundMessage) -> str:
    """What the stream says before there is text."""
    return say("working", language_of(message.text, message.locale))


def _text(payload: Mapping[str, Any]) -> str:
    """Text, the text parts of a mixed message, or a voice message as WeCom wrote it down."""
    kind = str(payload.get("msgtype"))
    content = payload.get(kind) or {}
    if kind == "mixed":
        return " ".join(
            str((part.get("text") or {}).get("content", "")) for part in content.get("msg_item") or [] if part.get("msgtype") == "text"
        )
    return str(content.get("content", "")) if kind in ("text", "voice") else ""


def _event(payload: Mapping[str, Any]) -> Inbound:
    event = payload.get("event") or {}
    if event.get("eventtype") != "feedback_event":
        return Dropped("event")
    feedback = event.get("feedback_event") or {}
    person = str((payload.get("from") or {}).get("userid", ""))
    rating = _RATINGS.get(feedback.get("type", 0), "none")
    delivery = stream_id_of(str(payload.get("msgid", "")))
    reason = str(feedback.get("content") or "")
    return Thumb("wecom", str(payload.get("aibotid", "")), delivery, person, str(feedback.get("id", "")), rating_of(rating), reason)


def build(settings: ChannelSettings) -> Adapter:
    """Raises `SettingsError` where a setting is missing."""
    from channels.adapters.registry import need
    from kb.errors import SettingsError

    if settings.wecom_bot_id:
        need(settings, "wecom_bot_secret")
    else:
        need(settings, "wecom_token", "wecom_aes_key")
        if wecom_crypto.key_of(settings.wecom_aes_key.get_secret_value()) is None:
            raise SettingsError("ADVISOR_WECOM_AES_KEY: expected the 43 characters of the callback's EncodingAESKey")
    return WecomAdapter(settings)
