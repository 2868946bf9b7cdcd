"""Replies in DingTalk: an AI card that grows, the session's webhook, or the robot's API once that webhook has run out."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.core.adapter import RetryLater, Undeliverable
from channels.core.chart_png import png_of
from channels.core.http import Api, remember_secret
from channels.core.message import InboundMessage
from channels.core.payload import Payload
from channels.core.settings import ChannelSettings

CARD_PREFIX = "advisor-"
_CONTENT = "content"
_INPUTTING, _FINISHED = "2", "3"
_BUSY = {130101: 60.0, 410100: 60.0, 88: 10.0, -1: 5.0}
"""Error codes of the webhook -> seconds to wait; a group takes 20 messages a minute."""
_MARGIN_S = 30.0


class DingtalkReplies:
    """Requests to DingTalk's API. Safe to share between threads."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.settings = settings
        self.api = Api(settings.dingtalk_base_url, "DingTalk")
        self.robot = settings.dingtalk_robot_code or settings.dingtalk_client_id
        self._token = ""
        self._token_until = 0.0
        self._lock = threading.Lock()

    def open(self, message: InboundMessage, turn_id: str, hint: str) -> dict[str, Any]:
        """Put an AI card into the chat where a template is set; its id is the turn's, so that a repetition is the same card."""
        if not self.settings.dingtalk_card_template:
            return {}
        card = f"{CARD_PREFIX}{turn_id}"
        body: dict[str, Any] = {
            "cardTemplateId": self.settings.dingtalk_card_template,
            "outTrackId": card,
            "cardData": {"cardParamMap": {_CONTENT: hint, "flowStatus": _INPUTTING}},
            "callbackType": "STREAM",
            "imGroupOpenSpaceModel": {"supportForward": True},
            "imRobotOpenSpaceModel": {"supportForward": True},
            "userIdType": 1,
        }
        if message.chat_kind == "group":
            body |= {"openSpaceId": f"dtv1.card//IM_GROUP.{message.chat_id}", "imGroupOpenDeliverModel": {"robotCode": self.robot}}
        else:
            body |= {
                "openSpaceId": f"dtv1.card//IM_ROBOT.{message.reply['staff_id']}",
                "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT"},
            }
        self._call("POST", "/v1.0/card/instances/createAndDeliver", body)
        return {"card": card}

    def stream(self, card: str, text: str, *, final: bool) -> None:
        """The whole text so far."""
        body = {
            "outTrackId": card,
            "guid": str(uuid.uuid4()),
            "key": _CONTENT,
            "content": text,
            "isFull": True,
            "isFinalize": final,
            "isError": False,
        }
        self._call("PUT", "/v1.0/card/streaming", body)

    def deliver(self, message: InboundMessage, payload: Payload, handle: Mapping[str, Any]) -> None:
        """One part of the finished answer."""
        if payload.chart is not None:
            self._robot(message, "sampleImageMsg", {"photoURL": self._upload(png_of(payload.chart, self.settings.channel_font))})
        elif payload.first and "card" in handle:
            card = str(handle["card"])
            self.stream(card, payload.text, final=True)
            data = {"cardParamMap": {_CONTENT: payload.text, "flowStatus": _FINISHED}}
            self._call("PUT", "/v1.0/card/instances", {"outTrackId": card, "cardData": data})
        elif message.reply["webhook"] and time.time() + _MARGIN_S < float(message.reply["webhook_until"]):
            self._webhook(message, payload)
        else:
            self._robot(message, "sampleMarkdown", {"title": _title(payload.text), "text": payload.text})

    def _webhook(self, message: InboundMessage, payload: Payload) -> None:
        """The address that came with the message, which must be DingTalk's: the body that it came in is not signed."""
        address = str(message.reply["webhook"])
        host = urlsplit(address).hostname or ""
        ours = urlsplit(self.settings.dingtalk_old_base_url).hostname
        if host != ours and not (host.endswith(".dingtalk.com") and address.startswith("https://")):
            raise Undeliverable("the session's webhook is not DingTalk's")
        body = {"msgtype": "markdown", "markdown": {"title": _title(payload.text), "text": payload.text}, "at": {"isAtAll": False}}
        _check(self.api.call("POST", address, body))

    def _robot(self, message: InboundMessage, kind: str, parameters: Mapping[str, Any]) -> None:
        body: dict[str, Any] = {"robotCode": self.robot, "msgKey": kind, "msgParam": json.dumps(parameters, ensure_ascii=False)}
        if message.chat_kind == "group":
            self._call("POST", "/v1.0/robot/groupMessages/send", body | {"openConversationId": message.chat_id})
        else:
            self._call("POST", "/v1.0/robot/oToMessages/batchSend", body | {"userIds": [message.reply["staff_id"]]})

    def _upload(self, content: bytes) -> str:
        address = f"{self.settings.dingtalk_old_base_url}/media/upload?access_token={self._access_token()}&type=image"
        found = self.api.call("POST", address, files={"media": ("chart.png", content, "image/png")})
        _check(found)
        return str(found["media_id"])

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        try:
            return self.api.call(method, path, body, headers={"x-acs-dingtalk-access-token": self._access_token()})
        except Undeliverable as error:
            text = str(error)
            if " 401 " in f"{text} " or "InvalidAuthentication" in text:
                with self._lock:
                    self._token = ""
                raise RetryLater(text, 0.0) from None
            if "Throttling" in text or "QpsLimit" in text:
                raise RetryLater(text, 5.0) from None
            raise

    def _access_token(self) -> str:
        """The access token, which lasts two hours and is asked for again five minutes before."""
        with self._lock:
            if not self._token or time.time() > self._token_until:
                secret = self.settings.dingtalk_client_secret.get_secret_value()
                found = self.api.call("POST", "/v1.0/oauth2/accessToken", {"appKey": self.settings.dingtalk_client_id, "appSecret": secret})
                if not found.get("accessToken"):
                    raise Undeliverable("DingTalk gives no access token")
                self._token = str(found["accessToken"])
                remember_secret(self._token)
                self._token_until = time.time() + float(found.get("expireIn", 7200)) - 300
            return self._token

    def close(self) -> None:
        """Give back connections."""
        self.api.close()


def _title(text: str) -> str:
    """What a notification shows."""
    line = next((line.strip("#*> ") for line in text.splitlines() if line.strip("#*> ")), "…")
    return line[:40]


def _check(found: Mapping[str, Any]) -> None:
    """Raises for the error codes that the older API puts into a successful answer."""
    code = int(found.get("errcode") or 0)
    if code in _BUSY:
        raise RetryLater(f"DingTalk answered {code}", _BUSY[code])
    if code:
        raise Undeliverable(f"DingTalk answered {code}")
