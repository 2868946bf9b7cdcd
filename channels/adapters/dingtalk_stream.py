"""DingTalk's stream mode: JSON frames over a websocket whose address is asked for with the app's credentials.

The official SDK (0.24.3) is not used: it cannot be stopped, does not de-duplicate, and logs the ticket of the connection. The
tests hold these frames against it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

from channels.core.adapter import ChannelError
from channels.core.http import Api, remember_secret
from channels.core.message import json_object
from channels.core.settings import ChannelSettings
from channels.core.socket import Socket

MESSAGES = "/v1.0/im/bot/messages/get"
CARDS = "/v1.0/card/instances/callback"


class DingtalkStream(Socket):
    """`receive` keeps what a callback says; only then is the frame acknowledged."""

    ping_s = 60.0

    def __init__(self, settings: ChannelSettings, receive: Callable[[Mapping[str, Any]], bool]) -> None:
        super().__init__("dingtalk")
        self.settings = settings
        self.receive = receive
        self.api = Api(settings.dingtalk_base_url, "DingTalk")

    def address(self) -> str:
        body = {
            "clientId": self.settings.dingtalk_client_id,
            "clientSecret": self.settings.dingtalk_client_secret.get_secret_value(),
            "subscriptions": [{"type": "CALLBACK", "topic": topic} for topic in (MESSAGES, CARDS)],
            "ua": "llm-advisor",
        }
        found = self.api.call("POST", "/v1.0/gateway/connections/open", body)
        endpoint, ticket = str(found.get("endpoint", "")), str(found.get("ticket", ""))
        if not endpoint or not ticket:
            raise ChannelError("DingTalk gives no connection")
        if urlsplit(endpoint).scheme != "wss" and urlsplit(endpoint).hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ChannelError("DingTalk gave an address that is not encrypted")
        remember_secret(ticket)
        return f"{endpoint}?ticket={quote_plus(ticket)}"

    def ping(self) -> None:
        if self.socket is not None:
            self.socket.ping()

    def received(self, frame: str | bytes) -> None:
        found = json_object(frame if isinstance(frame, bytes) else frame.encode())
        if found is None:
            return
        headers = found.get("headers") or {}
        topic, data = headers.get("topic"), str(found.get("data") or "{}")
        match found.get("type"):
            case "SYSTEM" if topic == "disconnect":
                raise ChannelError("DingTalk asks for a new connection")
            case "SYSTEM":
                self._acknowledge(headers, data)
            case "CALLBACK" if topic in (MESSAGES, CARDS):
                self.receive(json_object(data.encode()) or {})
                self._acknowledge(headers, json.dumps({"response": "OK" if topic == MESSAGES else {}}))
            case "EVENT":
                self._acknowledge(headers, json.dumps({"status": "SUCCESS"}))
            case _:
                self._acknowledge(headers, "{}", code=404, message="not implemented")

    def _acknowledge(self, headers: Mapping[str, Any], data: str, *, code: int = 200, message: str = "OK") -> None:
        named = {"messageId": headers.get("messageId"), "contentType": "application/json"}
        self.send(json.dumps({"code": code, "headers": named, "message": message, "data": data}))

    def stop(self) -> None:
        super().stop()
        self.api.close()
