"""WeCom's long connection: JSON frames, one connection a bot, replies under the request id of the message they answer."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from channels.core.adapter import ChannelError, RetryLater, Undeliverable
from channels.core.message import InboundMessage, json_object
from channels.core.settings import ChannelSettings
from channels.core.socket import Socket

_ANSWER_S = 5.0
_BUSY = (-1, 45009, 45033, 846607)
EVICTED = "another process has connected this bot; WeCom allows one connection"


class WecomSocket(Socket):
    """`receive` keeps a message. WeCom wants no acknowledgement of it; every frame that we send gets one."""

    ping_s = 30.0

    def __init__(self, settings: ChannelSettings, receive: Callable[[Mapping[str, Any]], bool]) -> None:
        super().__init__("wecom")
        self.settings = settings
        self.receive = receive
        self._waiting: dict[str, tuple[threading.Event, dict[str, Any]]] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._subscribe_id = ""

    def address(self) -> str:
        return self.settings.wecom_ws_url

    def opened(self) -> None:
        self._subscribe_id = _request_id("aibot_subscribe")
        secret = self.settings.wecom_bot_secret.get_secret_value()
        self._send("aibot_subscribe", self._subscribe_id, {"bot_id": self.settings.wecom_bot_id, "secret": secret})
        # Signed in or not is known before anything else is received.
        socket = self.socket
        until = time.monotonic() + 2 * _ANSWER_S
        while socket is not None and time.monotonic() < until:
            frame = json_object(_bytes(socket.recv(timeout=2 * _ANSWER_S))) or {}
            if (frame.get("headers") or {}).get("req_id") == self._subscribe_id:
                if frame.get("errcode"):
                    raise ChannelError(f"WeCom refuses the bot id or secret (code {frame.get('errcode')})")
                return
            self.received(json.dumps(frame))
        raise ChannelError("WeCom does not answer the sign-in")

    def ping(self) -> None:
        self.send(json.dumps({"cmd": "ping", "headers": {"req_id": _request_id("ping")}}))

    def received(self, frame: str | bytes) -> None:
        found = json_object(_bytes(frame))
        if found is None:
            return
        request_id = str((found.get("headers") or {}).get("req_id", ""))
        body = found.get("body") or {}
        if found.get("cmd") in ("aibot_msg_callback", "aibot_event_callback"):
            if (body.get("event") or {}).get("eventtype") == "disconnected_event":
                raise ChannelError(EVICTED)
            self.receive(dict(body) | {"req_id": request_id})
            return
        with self._lock:
            waiting = self._waiting.get(request_id)
        if waiting is not None and "errcode" in found:
            waiting[1].update(found)
            waiting[0].set()

    def stream(self, message: InboundMessage, content: str, *, finish: bool, turn_id: str = "") -> None:
        """The whole text so far of the reply to a message."""
        stream: dict[str, Any] = {"id": message.delivery_id, "finish": finish, "content": content}
        if turn_id:
            stream["feedback"] = {"id": turn_id}
        self._ask("aibot_respond_msg", str(message.reply["req_id"]), {"msgtype": "stream", "stream": stream})

    def push(self, message: InboundMessage, content: str) -> None:
        """A message of its own into the chat."""
        body = {"chatid": message.chat_id, "msgtype": "markdown", "markdown": {"content": content}}
        self._ask("aibot_send_msg", _request_id("aibot_send_msg"), body)

    def _ask(self, command: str, request_id: str, body: Mapping[str, Any]) -> None:
        """Send a frame and wait for its acknowledgement; frames under one request id go one after the other."""
        with self._lock:
            turn = self._turns.setdefault(request_id, threading.Lock())
        try:
            with turn:
                arrived, answer = threading.Event(), dict[str, Any]()
                with self._lock:
                    self._waiting[request_id] = (arrived, answer)
                self._send(command, request_id, body)
                if not arrived.wait(_ANSWER_S):
                    raise RetryLater("WeCom did not acknowledge a reply")
        finally:
            with self._lock:
                self._waiting.pop(request_id, None)
                if not turn.locked():
                    self._turns.pop(request_id, None)
        code = int(answer.get("errcode") or 0)
        if code in _BUSY:
            raise RetryLater(f"WeCom answered {code}", 10.0)
        if code:
            raise Undeliverable(f"WeCom answered {code}")

    def _send(self, command: str, request_id: str, body: Mapping[str, Any]) -> None:
        try:
            self.send(json.dumps({"cmd": command, "headers": {"req_id": request_id}, "body": body}, ensure_ascii=False))
        except ChannelError as error:
            raise RetryLater(str(error)) from None


def _request_id(command: str) -> str:
    return f"{command}_{uuid.uuid4().hex}"


def _bytes(frame: str | bytes) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()
