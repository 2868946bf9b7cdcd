"""Feishu's long connection: protobuf frames over a websocket whose address is asked for with the app's credentials."""

from __future__ import annotations

import base64
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels.core.adapter import ChannelError
from channels.core.http import Api
from channels.core.message import json_object
from channels.core.settings import ChannelSettings
from channels.core.socket import MAX_FRAME_BYTES, Socket

_CONTROL, _DATA = 0, 1
_PENDING = 100
"""Messages in several frames that may be incomplete at a time."""


@cache
def frame_class() -> Any:
    """The message `Frame`: its fields are Feishu's, its class is made when it is first needed."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="advisor_feishu_frame.proto", package="advisor.feishu", syntax="proto2")

    def add(message: Any, name: str, number: int, kind: int, label: int, type_name: str = "") -> None:
        field = message.field.add(name=name, number=number, type=kind, label=label)
        if type_name:
            field.type_name = type_name

    header = file.message_type.add(name="Header")
    add(header, "key", 1, kinds.TYPE_STRING, kinds.LABEL_REQUIRED)
    add(header, "value", 2, kinds.TYPE_STRING, kinds.LABEL_REQUIRED)
    frame = file.message_type.add(name="Frame")
    for number, name in enumerate(("SeqID", "LogID"), 1):
        add(frame, name, number, kinds.TYPE_UINT64, kinds.LABEL_REQUIRED)
    for number, name in enumerate(("service", "method"), 3):
        add(frame, name, number, kinds.TYPE_INT32, kinds.LABEL_REQUIRED)
    add(frame, "headers", 5, kinds.TYPE_MESSAGE, kinds.LABEL_REPEATED, ".advisor.feishu.Header")
    add(frame, "payload_encoding", 6, kinds.TYPE_STRING, kinds.LABEL_OPTIONAL)
    add(frame, "payload_type", 7, kinds.TYPE_STRING, kinds.LABEL_OPTIONAL)
    add(frame, "payload", 8, kinds.TYPE_BYTES, kinds.LABEL_OPTIONAL)
    add(frame, "LogIDNew", 9, kinds.TYPE_STRING, kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("advisor.feishu.Frame"))


class FeishuSocket(Socket):
    """`event` keeps an event and gives what Feishu is to show; only then is the frame acknowledged."""

    ping_s = 120.0

    def __init__(self, settings: ChannelSettings, event: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        super().__init__("feishu")
        self.settings = settings
        self.event = event
        self.api = Api(settings.feishu_base_url, "Feishu")
        self.service = 0
        self._parts: OrderedDict[str, dict[int, bytes]] = OrderedDict()

    def address(self) -> str:
        body = {"AppID": self.settings.feishu_app_id, "AppSecret": self.settings.feishu_app_secret.get_secret_value()}
        found = self.api.call("POST", "/callback/ws/endpoint", body, headers={"locale": "zh"})
        if found.get("code", 0) != 0:
            raise ChannelError(f"Feishu gives no connection (code {found.get('code')})")
        data = found.get("data") or {}
        address = str(data.get("URL", ""))
        parts = urlsplit(address)
        if parts.scheme != "wss" and not (parts.scheme == "ws" and _is_loopback(parts.hostname or "")):
            raise ChannelError("Feishu gave an address that is not encrypted")
        self.service = int(parse_qs(parts.query).get("service_id", ["0"])[0])
        self._configure(data.get("ClientConfig") or {})
        return address

    def ping(self) -> None:
        frame = frame_class()(SeqID=0, LogID=0, service=self.service, method=_CONTROL)
        frame.headers.add(key="type", value="ping")
        self.send(frame.SerializeToString())

    def received(self, frame: str | bytes) -> None:
        found = frame_class().FromString(frame if isinstance(frame, bytes) else frame.encode())
        headers = {header.key: header.value for header in found.headers}
        if found.method == _CONTROL:
            if headers.get("type") == "pong" and found.payload:
                self._configure(json_object(found.payload) or {})
            return
        if found.method != _DATA or headers.get("type") != "event":
            return
        payload = self._whole(headers, found.payload)
        if payload is None:
            return
        began = time.monotonic()
        event = json_object(payload)
        code, shown = 200, {}
        try:
            shown = self.event(event) if event is not None else {}
        except Exception:
            code = 500
            raise
        finally:
            # Anything but 200 makes Feishu bring the event again.
            found.headers.add(key="biz_rt", value=str(int((time.monotonic() - began) * 1000)))
            answer: dict[str, Any] = {"code": code}
            if shown:
                answer["data"] = base64.b64encode(json.dumps(shown, ensure_ascii=False).encode()).decode()
            found.payload = json.dumps(answer).encode()
            self.send(found.SerializeToString())

    def _whole(self, headers: Mapping[str, str], payload: bytes) -> bytes | None:
        """The payload once all its frames are here."""
        total, number = int(headers.get("sum", "1")), int(headers.get("seq", "0"))
        if total <= 1:
            return payload
        if not 0 <= number < total or total * len(payload) > 4 * MAX_FRAME_BYTES:
            return None
        parts = self._parts.setdefault(headers["message_id"], {})
        parts[number] = payload
        while len(self._parts) > _PENDING:
            self._parts.popitem(last=False)
        if len(parts) < total:
            return None
        self._parts.pop(headers["message_id"], None)
        return b"".join(parts[i] for i in range(total))

    def _configure(self, config: Mapping[str, Any]) -> None:
        """Feishu says how often to ping."""
        given = config.get("PingInterval")
        if isinstance(given, int) and 1 <= given <= 600:
            self.ping_s = float(given)

    def stop(self) -> None:
        super().stop()
        self.api.close()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
