"""Each platform as the contract suite needs it: signed requests as the platform would send them, and what a person there would see."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from chat_world import Clock, Platform
from pydantic import SecretStr

from channels.adapters import slack, webhook
from channels.core.adapter import Adapter
from channels.core.message import WebhookRequest
from channels.core.settings import ChannelSettings

BOT_LOOP = "bot"
EDIT = "edit"


@dataclass
class Kit:
    """One platform. `said` is the text of everything that was shown for good, in order."""

    platform: Platform
    clock: Clock
    name: str = ""
    secrets: tuple[str, ...] = ()
    has_challenge: bool = True
    signs_body: bool = True
    has_thumbs: bool = True
    changes: dict[str, Any] = field(default_factory=dict)

    def settings(self, **changes: Any) -> ChannelSettings:
        raise NotImplementedError

    def adapter(self, **changes: Any) -> Adapter:
        raise NotImplementedError

    def message(self, text: str, *, id_: str = "1", kind: str = "", group: bool = False, mention: bool = False, thread: str = "", age_s: float = 0.0, sender: str = "U1") -> bytes:
        """The body of a delivery; `kind` is `bot` or `edit` for something that is no question."""
        raise NotImplementedError

    def signed(self, body: bytes, *, offset_s: float = 0.0) -> WebhookRequest:
        raise NotImplementedError

    def challenge(self) -> tuple[WebhookRequest, bytes]:
        """A request that asks whether the address is ours, and the body of the right answer."""
        raise NotImplementedError

    def thumb(self, turn_id: str, rating: str) -> bytes:
        raise NotImplementedError

    def said(self) -> list[str]:
        raise NotImplementedError

    def turn_ids(self) -> list[str]:
        """What the thumbs under the answers carry."""
        raise NotImplementedError

    def busy(self, seconds: int) -> Any:
        """The platform's way of saying "not now"."""
        return (429, {"error": "ratelimited", "ok": False, "code": 99991400}, {"retry-after": str(seconds)})

    def delivery_path(self) -> str:
        """Where finished answers go."""
        raise NotImplementedError

    def tampered(self, request: WebhookRequest) -> WebhookRequest:
        """The request with one byte flipped in what is signed."""
        body = bytearray(request.body)
        body[len(body) // 2] ^= 1
        return replace(request, body=bytes(body))

    def unsigned(self, request: WebhookRequest) -> WebhookRequest:
        return replace(request, headers={"content-type": "application/json"}, query={})


class WebhookKit(Kit):
    def __init__(self, platform: Platform, clock: Clock) -> None:
        super().__init__(platform, clock, "webhook", ("hook-secret-0123456789",))

    def settings(self, **changes: Any) -> ChannelSettings:
        values = {"webhook_secret": SecretStr(self.secrets[0]), "webhook_reply_url": f"{self.platform.url}/replies"}
        return ChannelSettings(_env_file=None, **(values | changes))

    def adapter(self, **changes: Any) -> Adapter:
        return webhook.WebhookAdapter(self.settings(**changes))

    def message(self, text: str, *, id_: str = "1", kind: str = "", group: bool = False, mention: bool = False, thread: str = "", age_s: float = 0.0, sender: str = "U1") -> bytes:
        body = {"id": id_, "chat": "C1", "sender": sender, "text": text, "at": self.clock() - age_s, "group": group, "mentioned": mention, "thread": thread}
        return json.dumps(body | {"bot": kind == BOT_LOOP, "edited": kind == EDIT}).encode()

    def signed(self, body: bytes, *, offset_s: float = 0.0) -> WebhookRequest:
        stamp = str(int(self.clock() + offset_s))
        headers = {"x-advisor-request-timestamp": stamp, "x-advisor-signature": webhook.sign(self.secrets[0], stamp, body)}
        return WebhookRequest("POST", headers, {}, body)

    def challenge(self) -> tuple[WebhookRequest, bytes]:
        return self.signed(b'{"challenge": "abc"}'), b'{"challenge": "abc"}'

    def thumb(self, turn_id: str, rating: str) -> bytes:
        return json.dumps({"id": f"t-{rating}", "sender": "U1", "turn": turn_id, "rating": rating}).encode()

    def said(self) -> list[str]:
        return [call.body["text"] for call in self.platform.to("/replies") if call.body["kind"] in ("text", "file")]

    def turn_ids(self) -> list[str]:
        return [call.body["turn"] for call in self.platform.to("/replies") if call.body.get("turn")]

    def delivery_path(self) -> str:
        return "/replies"


class SlackKit(Kit):
    def __init__(self, platform: Platform, clock: Clock) -> None:
        super().__init__(platform, clock, "slack", ("slack-signing-secret-1", "xoxb-secret-token-2"))
        platform.default = {"ok": True, "ts": "1700000009.000100", "channel": "C1"}
        platform.answers |= {
            "/api/files.getUploadURLExternal": lambda call: {"ok": True, "upload_url": f"{platform.url}/upload", "file_id": "F1"},
            "/api/files.completeUploadExternal": {"ok": True, "files": [{"id": "F1"}]},
        }

    def settings(self, **changes: Any) -> ChannelSettings:
        values = {
            "slack_signing_secret": SecretStr(self.secrets[0]),
            "slack_bot_token": SecretStr(self.secrets[1]),
            "slack_base_url": f"{self.platform.url}/api/",
        }
        return ChannelSettings(_env_file=None, **(values | changes))

    def adapter(self, **changes: Any) -> Adapter:
        settings = self.settings(**{name.replace("webhook_secret", "slack_signing_secret"): value for name, value in changes.items()})
        return slack.SlackAdapter(settings)

    def message(self, text: str, *, id_: str = "1", kind: str = "", group: bool = False, mention: bool = False, thread: str = "", age_s: float = 0.0, sender: str = "U1") -> bytes:
        ts = f"{self.clock() - age_s:.0f}.{int(id_):06d}"
        event: dict[str, Any] = {
            "type": "message",
            "channel": "C1" if group else "D1",
            "channel_type": "channel" if group else "im",
            "user": sender,
            "ts": ts,
            "text": f"<@UBOT> {text}" if mention else text,
        }
        if thread:
            event["thread_ts"] = thread
        if kind == BOT_LOOP:
            event |= {"bot_id": "B1", "user": "UBOT"}
        if kind == EDIT:
            event = {"type": "message", "subtype": "message_changed", "channel": "D1", "ts": ts, "message": event}
        body = {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{id_}", "event": event, "authorizations": [{"user_id": "UBOT", "is_bot": True}]}
        return json.dumps(body, ensure_ascii=False).encode()

    def signed(self, body: bytes, *, offset_s: float = 0.0) -> WebhookRequest:
        stamp = str(int(self.clock() + offset_s))
        kind = "application/x-www-form-urlencoded" if body.startswith(b"payload=") else "application/json"
        signature = slack.sign(self.secrets[0], stamp, body)
        headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature, "content-type": kind}
        return WebhookRequest("POST", headers, {}, body)

    def challenge(self) -> tuple[WebhookRequest, bytes]:
        return self.signed(b'{"type": "url_verification", "challenge": "abc"}'), b'{"challenge": "abc"}'

    def thumb(self, turn_id: str, rating: str) -> bytes:
        from urllib.parse import urlencode

        action = {"action_id": "advisor_feedback", "value": f"{rating}:{turn_id}", "action_ts": f"17.{rating}"}
        payload = {"type": "block_actions", "user": {"id": "U1"}, "team": {"id": "T1"}, "actions": [action]}
        return urlencode({"payload": json.dumps(payload)}).encode()

    def said(self) -> list[str]:
        streams: dict[str, str] = {}
        out: list[str] = []
        for call in [call for call in self.platform.calls if not call.refused]:
            if call.path == "/api/chat.appendStream":
                streams[call.body["ts"]] = streams.get(call.body["ts"], "") + call.body["markdown_text"]
            if call.path == "/api/chat.stopStream":
                rest = "".join(chunk.get("text", "") for chunk in call.body["chunks"] if chunk["type"] == "markdown_text")
                if rest:
                    out.append(streams.pop(call.body["ts"], "") + rest)
            if call.path in ("/api/chat.postMessage", "/api/chat.update") and call.body.get("blocks"):
                out.append("".join(block.get("text", "") for block in call.body["blocks"] if block["type"] == "markdown"))
            if call.path == "/upload":
                out.append(call.raw.decode("utf-8", "replace"))
        return out

    def turn_ids(self) -> list[str]:
        out = []
        for call in self.platform.calls:
            for block in (call.body.get("blocks") or []) if call.path.startswith("/api/chat.") else []:
                if block["type"] == "context_actions":
                    out.append(block["elements"][0]["positive_button"]["value"].partition(":")[2])
        return out

    def delivery_path(self) -> str:
        return "/api/chat.stopStream"


KITS = {"webhook": WebhookKit, "slack": SlackKit}
