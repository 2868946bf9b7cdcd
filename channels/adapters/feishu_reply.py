"""Replies in Feishu: a card that streams while the answer grows, then the finished card with thumbs; pictures and files."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from channels.core.adapter import ChannelError, RetryLater, Undeliverable
from channels.core.chart_png import png_of
from channels.core.http import Api, remember_secret
from channels.core.message import InboundMessage
from channels.core.payload import Payload
from channels.core.settings import ChannelSettings
from channels.core.words import say

FEEDBACK_ACTION = "advisor_feedback"
_ELEMENT = "answer"
_BUSY = ("99991400", "230020", "230006", "11232", "200740", "300020")
"""Codes of the rate limits of the platform, of a chat, and of a card."""
_TOKEN_EXPIRED = ("99991661", "99991663", "99991664", "99991668", "99991671")
_ASK_AGAIN_S = 60.0


class FeishuReplies:
    """Requests to Feishu's API. Safe to share between threads."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.settings = settings
        self.api = Api(settings.feishu_base_url, "Feishu")
        self._token = ""
        self._token_until = 0.0
        self._lock = threading.Lock()
        self._me = ""
        self._asked_me_at = 0.0

    def is_me(self, mention: Mapping[str, Any]) -> bool:
        """Whether a mention is of this bot. Feishu names it only by its open id, which is asked for once."""
        given = str((mention.get("id") or {}).get("open_id", ""))
        if not self._me and time.monotonic() - self._asked_me_at > _ASK_AGAIN_S:
            self._asked_me_at = time.monotonic()
            try:
                self._me = str((self._call("GET", "/open-apis/bot/v3/info").get("bot") or {}).get("open_id", ""))
            except ChannelError:
                self._me = ""
        if self._me:
            return given == self._me
        # A bot is no member of the organisation: it has no user id there.
        return mention.get("mentioned_type") == "bot" or not (mention.get("id") or {}).get("user_id", "?")

    def open(self, message: InboundMessage, key: str, hint: str) -> dict[str, Any]:
        """Create a streaming card and send it."""
        card = {"type": "card_json", "data": json.dumps(_card(hint, hint, streaming=True), ensure_ascii=False)}
        created = self._call("POST", "/open-apis/cardkit/v1/cards", card)
        card_id = str(created["data"]["card_id"])
        self._reply(message, "interactive", {"type": "card", "data": {"card_id": card_id}}, key)
        return {"card_id": card_id}

    def update(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        """Show the whole text so far; Feishu types out what is new."""
        if "card_id" in handle:
            self._content(message, str(handle["card_id"]), shown)

    def deliver(self, message: InboundMessage, payload: Payload, handle: Mapping[str, Any], key: str) -> None:
        """One part of the finished answer. `key` lets Feishu drop a repetition within an hour."""
        if payload.kind == "chart" and payload.chart is not None:
            files = {"image": ("chart.png", png_of(payload.chart, self.settings.channel_font), "image/png")}
            image = self._call("POST", "/open-apis/im/v1/images", files=files, data={"image_type": "message"})
            self._reply(message, "image", {"image_key": image["data"]["image_key"]}, key)
        elif payload.kind == "file":
            files = {"file": (payload.name, payload.text.encode(), "text/markdown")}
            file = self._call("POST", "/open-apis/im/v1/files", files=files, data={"file_type": "stream", "file_name": payload.name})
            self._reply(message, "file", {"file_key": file["data"]["file_key"]}, key)
        elif payload.first and "card_id" in handle:
            self._finish(message, payload, str(handle["card_id"]))
        else:
            self._reply(message, "interactive", _card(payload.text, payload.text[:60], payload=payload), key)

    def _finish(self, message: InboundMessage, payload: Payload, card_id: str) -> None:
        """The last text, then the end of streaming, then the card with its buttons. Each step may be repeated."""
        self._content(message, card_id, payload.text)
        settings = json.dumps({"config": {"streaming_mode": False}})
        body = {"settings": settings, "sequence": self._sequence(message)}
        self._call("PATCH", f"/open-apis/cardkit/v1/cards/{card_id}/settings", body)
        card = {"type": "card_json", "data": json.dumps(_card(payload.text, payload.text[:60], payload=payload), ensure_ascii=False)}
        self._call("PUT", f"/open-apis/cardkit/v1/cards/{card_id}", {"card": card, "sequence": self._sequence(message)})

    def _content(self, message: InboundMessage, card_id: str, text: str) -> None:
        body = {"content": text, "sequence": self._sequence(message)}
        self._call("PUT", f"/open-apis/cardkit/v1/cards/{card_id}/elements/{_ELEMENT}/content", body)

    def _sequence(self, message: InboundMessage) -> int:
        """Grows with every call, in any process: milliseconds since the question, which fit 31 bits for 24 days."""
        with self._lock:
            time.sleep(0.001)
            return max(1, int((time.time() - message.created_at) * 1000)) % 2_147_483_647

    def _reply(self, message: InboundMessage, kind: str, content: Any, key: str) -> None:
        body: dict[str, Any] = {"msg_type": kind, "content": json.dumps(content, ensure_ascii=False), "uuid": key}
        body |= {"reply_in_thread": True} if message.thread_id else {}
        self._call("POST", f"/open-apis/im/v1/messages/{message.message_id}/reply", body)

    def _call(self, method: str, path: str, body: Any = None, **how: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._tenant_token()}"}
        try:
            found = self.api.call(method, path, body, headers=headers, **how)
        except Undeliverable as error:
            raise self._sorted(str(error), str(error).rpartition(" ")[2]) from None
        code = str(found.get("code", 0))
        if code != "0":
            raise self._sorted(f"Feishu answered code {code}", code)
        return found

    def _sorted(self, text: str, code: str) -> ChannelError:
        if code in _TOKEN_EXPIRED:
            with self._lock:
                self._token = ""
            return RetryLater(text, 0.0)
        return RetryLater(text) if code in _BUSY else Undeliverable(text)

    def _tenant_token(self) -> str:
        """The access token, which lasts two hours and is asked for again five minutes before."""
        with self._lock:
            if not self._token or time.time() > self._token_until:
                secret = self.settings.feishu_app_secret.get_secret_value()
                body = {"app_id": self.settings.feishu_app_id, "app_secret": secret}
                found = self.api.call("POST", "/open-apis/auth/v3/tenant_access_token/internal", body)
                if found.get("code", 0) != 0 or not found.get("tenant_access_token"):
                    raise Undeliverable(f"Feishu refuses the app id or secret (code {found.get('code')})")
                self._token = str(found["tenant_access_token"])
                remember_secret(self._token)
                self._token_until = time.time() + float(found.get("expire", 7200)) - 300
            return self._token

    def close(self) -> None:
        """Give back connections."""
        self.api.close()


def _card(text: str, summary: str, *, streaming: bool = False, payload: Payload | None = None) -> dict[str, Any]:
    """A card of JSON 2.0 with one text, and thumbs under the last part of an answer."""
    elements: list[dict[str, Any]] = [{"tag": "markdown", "element_id": _ELEMENT, "content": text}]
    if payload is not None and payload.turn_id:
        buttons = []
        for rating, kind in (("up", "primary"), ("down", "default")):
            value = {"action": FEEDBACK_ACTION, "rating": rating, "turn": payload.turn_id}
            label = {"tag": "plain_text", "content": say(rating, payload.language)}
            button = {"tag": "button", "type": kind, "size": "small", "text": label, "behaviors": [{"type": "callback", "value": value}]}
            buttons.append({"tag": "column", "width": "auto", "elements": [button]})
        elements.append({"tag": "column_set", "columns": buttons})
    config = {"streaming_mode": streaming, "update_multi": True, "summary": {"content": summary}}
    return {"schema": "2.0", "config": config, "body": {"elements": elements}}
