"""Discord: interactions over HTTP (Ed25519), messages over the gateway (discord_gateway.py), answers as Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from channels.core.adapter import Adapter, Caps, Connection, Undeliverable
from channels.core.chart_png import png_of
from channels.core.dialect import DiscordMarkdown
from channels.core.http import Api, remember_secret
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
from channels.core.verify import is_fresh, stamp_s
from channels.core.words import say

_THUMB = "advisor_feedback"
_PING, _COMMAND, _BUTTON = 1, 2, 3
_EPHEMERAL = 64
_NOBODY: dict[str, list[str]] = {"parse": []}
"""Discord's own switch: no text of ours mentions anybody."""
_DEFAULT_TYPES = (0, 19)
"""Ordinary messages and replies."""


class DiscordAdapter(Adapter):
    """Servers, threads and direct messages."""

    name = "discord"
    caps = Caps(max_len=1950, streaming=True, images=True, files=True, edit_interval_s=1.2)
    dialect = DiscordMarkdown()

    def __init__(self, settings: ChannelSettings) -> None:
        from channels.adapters.registry import allow_list

        self.settings = settings
        self.key = settings.discord_public_key
        self.token = settings.discord_bot_token.get_secret_value()
        self.has_webhook = bool(self.key)
        self.allowed = allow_list(settings.discord_allow)
        self.api = Api(settings.discord_base_url, "Discord")

    def verify(self, request: WebhookRequest, now: float) -> Verdict:
        timestamp = request.headers.get("x-signature-timestamp", "")
        given = request.headers.get("x-signature-ed25519", "")
        if not self.key:
            return Reject("no public key is set")
        if not _signed_by(self.key, given, timestamp.encode() + request.body):
            return Reject("signature")
        if not is_fresh(stamp_s(timestamp), now):
            return Reject("not fresh")
        payload = json_object(request.body)
        if payload is None:
            return Reject("not a JSON object")
        return Challenge(json_answer({"type": 1})) if payload.get("type") == _PING else Verified(payload)

    def parse(self, payload: Mapping[str, Any]) -> Inbound:
        """An interaction, or a gateway message as `{"message": ..., "me": ID, "edited": bool}`."""
        if "message" in payload and "me" in payload:
            return self._message(payload["message"], str(payload["me"]), bool(payload.get("edited")))
        match payload.get("type"):
            case n if n == _COMMAND:
                return self._command(payload)
            case n if n == _BUTTON:
                return _thumb(payload)
            case _:
                return Dropped("kind")

    def _message(self, message: Mapping[str, Any], me: str, edited: bool) -> Inbound:
        if edited or message.get("edited_timestamp"):
            return Dropped("edit")
        author = message.get("author") or {}
        if message.get("type", 0) not in _DEFAULT_TYPES or not author.get("id"):
            return Dropped("kind")
        names = {str(m["id"]): str(m.get("global_name") or m.get("username", "")) for m in message.get("mentions") or []}
        content = str(message.get("content") or "")
        text = re.sub(r"<@!?(\d+)>", lambda found: " " if found[1] == me else f"@{names.get(found[1], found[1])}", content)
        return InboundMessage(
            channel=self.name,
            tenant=str(message.get("guild_id") or "dm"),
            chat_id=str(message.get("channel_id", "")),
            chat_kind="group" if message.get("guild_id") else "dm",
            message_id=str(message.get("id", "")),
            delivery_id=f"message:{message.get('id', '')}",
            sender_id=str(author["id"]),
            text=re.sub(r"[ \t]+", " ", text).strip(),
            created_at=datetime.fromisoformat(str(message["timestamp"])).timestamp(),
            thread_id=str(message.get("channel_id", "")) if message.get("in_thread") else "",
            sender_is_bot=bool(author.get("bot")) or bool(message.get("webhook_id")),
            mentions_bot=me in names,
            mentions_everyone=bool(message.get("mention_everyone")),
            attachments=tuple(str(a.get("filename", "file")) for a in message.get("attachments") or []),
        )

    def _command(self, payload: Mapping[str, Any]) -> Inbound:
        """`/ask question:...`, and `/help`, `/new` ... where they are registered: answered within fifteen minutes by its own token."""
        data, user = payload.get("data") or {}, (payload.get("member") or {}).get("user") or payload.get("user") or {}
        given = " ".join(str(option.get("value", "")) for option in data.get("options") or [])
        name = str(data.get("name", ""))
        snowflake = int(payload.get("id", 0))
        return InboundMessage(
            channel=self.name,
            tenant=str(payload.get("guild_id") or "dm"),
            chat_id=str(payload.get("channel_id", "")),
            chat_kind="group" if payload.get("guild_id") else "dm",
            message_id=str(payload.get("id", "")),
            delivery_id=f"interaction:{payload.get('id', '')}",
            sender_id=str(user.get("id", "")),
            text=given if name in ("ask", "advisor") else f"/{name} {given}".strip(),
            created_at=((snowflake >> 22) + 1_420_070_400_000) / 1000,
            sender_is_bot=bool(user.get("bot")),
            mentions_bot=True,
            locale=str(payload.get("locale") or ""),
            reply={"application": str(payload.get("application_id", "")), "token": str(payload.get("token", ""))},
        )

    def accepted(self, item: Item, request: WebhookRequest, now: float) -> HttpAnswer:
        if isinstance(item, Thumb):
            text = f"{say('feedback_stored', 'zh')} / {say('feedback_stored', 'en')}"
            return json_answer({"type": 4, "data": {"content": text, "flags": _EPHEMERAL, "allowed_mentions": _NOBODY}})
        return json_answer({"type": 5})

    def ignored(self, payload: Mapping[str, Any], request: WebhookRequest, now: float) -> HttpAnswer:
        text = "暂时不能在这里回答 / I cannot answer here"
        return json_answer({"type": 4, "data": {"content": text, "flags": _EPHEMERAL, "allowed_mentions": _NOBODY}})

    def open_reply(self, message: InboundMessage, row_id: int, hint: str) -> dict[str, Any]:
        if "token" in message.reply:
            remember_secret(str(message.reply["token"]))
            return {"message": "@original"}
        sent = self._post(message, {"content": hint, "nonce": f"advisor-{row_id}-live"[:25], "enforce_nonce": True})
        return {"message": str(sent["id"])}

    def update_reply(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        if handle:
            self._patch(message, str(handle["message"]), {"content": shown})

    def deliver(self, message: InboundMessage, payload: Payload, handle: dict[str, Any], key: str) -> None:
        nonce = {} if "token" in message.reply else {"nonce": key[:25], "enforce_nonce": True}
        if payload.chart is not None:
            picture = ("chart.png", png_of(payload.chart, self.settings.channel_font), "image/png")
            self._post(message, {"content": payload.text[:200]} | nonce, picture)
        elif payload.kind == "file":
            self._post(message, {"content": ""} | nonce, (payload.name, payload.text.encode(), "text/markdown"))
        elif payload.first and (handle or "token" in message.reply):
            self._patch(message, str(handle.get("message") or "@original"), {"content": payload.text} | _buttons(payload))
        else:
            self._post(message, {"content": payload.text} | nonce | _buttons(payload))

    def _post(self, message: InboundMessage, body: dict[str, Any], file: tuple[str, bytes, str] | None = None) -> dict[str, Any]:
        body = body | {"allowed_mentions": _NOBODY}
        if "token" in message.reply:
            path, headers = _followup(message), {}
        else:
            path, headers = f"/channels/{message.chat_id}/messages", self._headers()
            body |= {"message_reference": {"message_id": message.message_id, "fail_if_not_exists": False}}
        if file is None:
            return self.api.call("POST", path, body, headers=headers)
        return self.api.call("POST", path, headers=headers, data={"payload_json": json.dumps(body)}, files={"files[0]": file})

    def _patch(self, message: InboundMessage, message_id: str, body: dict[str, Any]) -> None:
        body = body | {"allowed_mentions": _NOBODY}
        if "token" in message.reply:
            self.api.call("PATCH", f"{_followup(message)}/messages/{message_id}", body)
        else:
            self.api.call("PATCH", f"/channels/{message.chat_id}/messages/{message_id}", body, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        if not self.token:
            raise Undeliverable("ADVISOR_DISCORD_BOT_TOKEN is not set")
        return {"authorization": f"Bot {self.token}"}

    def connection(self, receive: Callable[[Inbound], bool]) -> Connection | None:
        if not self.token or not self.settings.discord_gateway:
            return None
        from channels.adapters.discord_gateway import DiscordGateway

        return DiscordGateway(self.token, lambda payload: receive(self.parse(payload)))

    def close(self) -> None:
        self.api.close()


def _signed_by(public_key: str, signature: str, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _followup(message: InboundMessage) -> str:
    return f"/webhooks/{message.reply['application']}/{message.reply['token']}"


def _thumb(payload: Mapping[str, Any]) -> Inbound:
    kind, _, rest = str((payload.get("data") or {}).get("custom_id", "")).partition(":")
    rating, _, turn_id = rest.partition(":")
    if kind != _THUMB:
        return Dropped("action")
    user = (payload.get("member") or {}).get("user") or payload.get("user") or {}
    place = str(payload.get("guild_id") or "dm")
    return Thumb("discord", place, f"interaction:{payload.get('id', '')}", str(user.get("id", "")), turn_id, rating_of(rating))


def _buttons(payload: Payload) -> dict[str, Any]:
    if not payload.turn_id:
        return {}
    buttons = [
        {"type": 2, "style": 2, "label": say(rating, payload.language), "custom_id": f"{_THUMB}:{rating}:{payload.turn_id}"}
        for rating in ("up", "down")
    ]
    return {"components": [{"type": 1, "components": buttons}]}


def build(settings: ChannelSettings) -> Adapter:
    """Raises `SettingsError` where a setting is missing or is not a key."""
    from channels.adapters.registry import need
    from kb.errors import SettingsError

    if not settings.discord_public_key:
        need(settings, "discord_bot_token")
    elif not re.fullmatch(r"[0-9a-fA-F]{64}", settings.discord_public_key):
        raise SettingsError("ADVISOR_DISCORD_PUBLIC_KEY: expected the 64 hexadecimal digits of the application's page")
    return DiscordAdapter(settings)
