"""Each platform as the contract suite needs it: signed requests as the platform would send them, and what a person there would see."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from chat_world import Clock, Platform
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from channels.adapters import dingtalk, discord, feishu, feishu_crypto, slack, telegram, webhook, wecom, wecom_crypto
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
    is_pulled: bool = False
    """The platform comes for the answer; nothing is sent that it could refuse."""
    only_mentions: bool = False
    """The platform sends from a group only what mentions the bot."""
    has_age: bool = True
    """A message says when it was written."""
    has_signed_time: bool = True
    """The time of a request is signed; without it only de-duplication and the message's age stop a replay."""
    hub: Any = None

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



class FeishuKit(Kit):
    def __init__(self, platform: Platform, clock: Clock) -> None:
        super().__init__(platform, clock, "feishu", ("feishu-encrypt-key-1", "feishu-app-secret-2", "feishu-token-3", "t-tenant-token-4"))
        platform.default = {"code": 0, "data": {"card_id": "73", "message_id": "om_9", "image_key": "img_1", "file_key": "file_1"}}
        platform.answers |= {
            "/open-apis/auth/v3/tenant_access_token/internal": {"code": 0, "tenant_access_token": self.secrets[3], "expire": 7200},
            "/open-apis/bot/v3/info": {"code": 0, "bot": {"open_id": "ou_bot"}},
        }

    def settings(self, **changes: Any) -> ChannelSettings:
        values = {
            "feishu_app_id": "cli_1",
            "feishu_app_secret": SecretStr(self.secrets[1]),
            "feishu_encrypt_key": SecretStr(self.secrets[0]),
            "feishu_verification_token": SecretStr(self.secrets[2]),
            "feishu_base_url": self.platform.url,
        }
        return ChannelSettings(_env_file=None, **(values | changes))

    def adapter(self, **changes: Any) -> Adapter:
        return feishu.FeishuAdapter(self.settings(**{name.replace("webhook_secret", "feishu_encrypt_key"): value for name, value in changes.items()}))

    def event(self, event_type: str, event: dict[str, Any], event_id: str) -> bytes:
        header = {"event_id": event_id, "event_type": event_type, "token": self.secrets[2], "tenant_key": "TK1", "app_id": "cli_1"}
        return json.dumps({"schema": "2.0", "header": header, "event": event}, ensure_ascii=False).encode()

    def message(self, text: str, *, id_: str = "1", kind: str = "", group: bool = False, mention: bool = False, thread: str = "", age_s: float = 0.0, sender: str = "U1") -> bytes:
        message = {
            "message_id": f"om_{id_}",
            "create_time": str(int((self.clock() - age_s) * 1000)),
            "chat_id": "oc_1",
            "chat_type": "group" if group else "p2p",
            "message_type": "text",
            "content": json.dumps({"text": f"@_user_1 {text}" if mention else text}),
            "mentions": [{"key": "@_user_1", "id": {"open_id": "ou_bot"}, "name": "Advisor"}] if mention else [],
        }
        if thread:
            message |= {"thread_id": thread, "root_id": "om_0"}
        who = {"sender_id": {"open_id": sender}, "sender_type": "app" if kind == BOT_LOOP else "user", "tenant_key": "TK1"}
        kind_ = "im.message.updated_v1" if kind == EDIT else "im.message.receive_v1"
        return self.event(kind_, {"sender": who, "message": message}, f"ev_{id_}")

    def signed(self, body: bytes, *, offset_s: float = 0.0) -> WebhookRequest:
        raw = json.dumps({"encrypt": feishu_crypto.encrypt(self.secrets[0], body)}).encode()
        stamp = str(int(self.clock() + offset_s))
        signature = feishu_crypto.sign(self.secrets[0], stamp, "nonce", raw)
        headers = {"x-lark-request-timestamp": stamp, "x-lark-request-nonce": "nonce", "x-lark-signature": signature}
        return WebhookRequest("POST", headers, {}, raw)

    def challenge(self) -> tuple[WebhookRequest, bytes]:
        body = json.dumps({"type": "url_verification", "challenge": "abc", "token": self.secrets[2]}).encode()
        return self.signed(body), b'{"challenge": "abc"}'

    def thumb(self, turn_id: str, rating: str) -> bytes:
        value = {"action": "advisor_feedback", "rating": rating, "turn": turn_id}
        return self.event("card.action.trigger", {"operator": {"open_id": "U1"}, "action": {"tag": "button", "value": value}}, f"ev_{rating}")

    def cards(self) -> list[dict[str, Any]]:
        """The cards that stand at the end."""
        out = []
        for call in [call for call in self.platform.calls if not call.refused]:
            if call.method == "PUT" and call.path.count("/") == 5:
                out.append(json.loads(call.body["card"]["data"]))
            if call.path.endswith("/reply") and call.body["msg_type"] == "interactive" and "schema" in call.body["content"]:
                out.append(json.loads(call.body["content"]))
        return out

    def said(self) -> list[str]:
        files = [call.raw.decode("utf-8", "replace") for call in self.platform.to("/open-apis/im/v1/files")]
        return [card["body"]["elements"][0]["content"] for card in self.cards()] + files

    def turn_ids(self) -> list[str]:
        sets = [element for card in self.cards() for element in card["body"]["elements"] if element["tag"] == "column_set"]
        return [s["columns"][0]["elements"][0]["behaviors"][0]["value"]["turn"] for s in sets]

    def delivery_path(self) -> str:
        return "/open-apis/cardkit/v1/cards/73/elements/answer/content"


class WecomKit(Kit):
    aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

    def __init__(self, platform: Platform, clock: Clock) -> None:
        super().__init__(platform, clock, "wecom", ("wecom-token-1", self.aes_key))
        self.is_pulled, self.only_mentions, self.has_age = True, True, False
        self.streams: dict[str, str] = {}
        platform.default = {"errcode": 0}

    def settings(self, **changes: Any) -> ChannelSettings:
        values = {"wecom_token": SecretStr(self.secrets[0]), "wecom_aes_key": SecretStr(self.aes_key), "wecom_base_url": self.platform.url}
        return ChannelSettings(_env_file=None, **(values | changes))

    def adapter(self, **changes: Any) -> Adapter:
        return wecom.WecomAdapter(self.settings(**{name.replace("webhook_secret", "wecom_token"): value for name, value in changes.items()}))

    def message(self, text: str, *, id_: str = "1", kind: str = "", group: bool = False, mention: bool = False, thread: str = "", age_s: float = 0.0, sender: str = "U1") -> bytes:
        body: dict[str, Any] = {
            "msgid": f"m/{id_}=",
            "aibotid": "AIB1",
            "chattype": "group" if group else "single",
            "from": {"userid": sender},
            "response_url": f"{self.platform.url}/respond?response_code=RC",
            "msgtype": "text",
            "text": {"content": f"@Advisor {text}" if mention else text},
        }
        if group:
            body["chatid"] = "chat-1"
        if kind:  # WeCom sends neither bots' messages nor edits; events are what else it sends
            body |= {"msgtype": "event", "event": {"eventtype": "enter_chat" if kind == BOT_LOOP else "template_card_event"}}
        self.streams[wecom.stream_id_of(body["msgid"])] = ""
        return json.dumps(body, ensure_ascii=False).encode()

    def signed(self, body: bytes, *, offset_s: float = 0.0) -> WebhookRequest:
        key = wecom_crypto.key_of(self.aes_key)
        assert key is not None
        stamp, encrypted = str(int(self.clock() + offset_s)), wecom_crypto.encrypt(key, body)
        query = {"msg_signature": wecom_crypto.sign(self.secrets[0], stamp, "n1", encrypted), "timestamp": stamp, "nonce": "n1"}
        return WebhookRequest("POST", {"content-type": "application/json"}, query, json.dumps({"encrypt": encrypted}).encode())

    def challenge(self) -> tuple[WebhookRequest, bytes]:
        request = self.signed(b"1234567890")
        return WebhookRequest("GET", {}, dict(request.query) | {"echostr": json.loads(request.body)["encrypt"]}, b""), b"1234567890"

    def tampered(self, request: WebhookRequest) -> WebhookRequest:
        if request.method == "POST":
            return super().tampered(request)
        echo = request.query["echostr"]
        return replace(request, query=dict(request.query) | {"echostr": ("A" if echo[0] != "A" else "B") + echo[1:]})

    def opened(self, answer: bytes) -> dict[str, Any]:
        """What WeCom reads out of an encrypted answer."""
        sealed = json.loads(answer)
        key = wecom_crypto.key_of(self.aes_key)
        assert key is not None
        assert wecom_crypto.sign(self.secrets[0], str(sealed["timestamp"]), sealed["nonce"], sealed["encrypt"]) == sealed["msgsignature"]
        found: dict[str, Any] = json.loads(wecom_crypto.decrypt(key, sealed["encrypt"]) or b"")
        return found

    def poll(self, stream_id: str) -> dict[str, Any]:
        body = {"msgid": "p", "aibotid": "AIB1", "from": {"userid": "U1"}, "msgtype": "stream", "stream": {"id": stream_id}}
        answer = self.hub.intake.request(self.hub.adapters["wecom"], self.signed(json.dumps(body).encode()))
        found: dict[str, Any] = self.opened(answer.body)["stream"]
        return found

    def said(self) -> list[str]:
        known = [stream_id for stream_id in self.streams if self.hub.inbox.find("wecom", stream_id) is not None]
        polled = [self.poll(stream_id) for stream_id in known]
        pushed = [call.body["markdown"]["content"] for call in self.platform.to("/respond")]
        return [stream["content"] for stream in polled if stream["finish"]] + pushed

    def thumb(self, turn_id: str, rating: str) -> bytes:
        event = {"eventtype": "feedback_event", "feedback_event": {"id": turn_id, "type": {"up": 1, "down": 2}[rating], "content": "太贵"}}
        body = {"msgid": f"f-{rating}", "aibotid": "AIB1", "from": {"userid": "U1"}, "msgtype": "event", "event": event}
        return json.dumps(body).encode()

    def turn_ids(self) -> list[str]:
        answer = self.hub.intake.request(self.hub.adapters["wecom"], self.signed(self.message("DeepSeek 多少钱？")))
        return [self.opened(answer.body)["stream"]["feedback"]["id"]]

    def delivery_path(self) -> str:
        return "/respond"


class DingtalkKit(Kit):
    def __init__(self, platform: Platform, clock: Clock) -> None:
        super().__init__(platform, clock, "dingtalk", ("dingtalk-client-secret-1", "dingtalk-access-token-2"))
        self.has_challenge, self.signs_body, self.has_thumbs = False, False, False
        platform.default = {"errcode": 0, "media_id": "@media1"}
        platform.answers["/v1.0/oauth2/accessToken"] = {"accessToken": self.secrets[1], "expireIn": 7200}

    def settings(self, **changes: Any) -> ChannelSettings:
        values = {
            "dingtalk_client_id": "ding1",
            "dingtalk_client_secret": SecretStr(self.secrets[0]),
            "dingtalk_stream": False,
            "dingtalk_base_url": self.platform.url,
            "dingtalk_old_base_url": self.platform.url,
        }
        return ChannelSettings(_env_file=None, **(values | changes))

    def adapter(self, **changes: Any) -> Adapter:
        return dingtalk.DingtalkAdapter(self.settings(**{n.replace("webhook_secret", "dingtalk_client_secret"): value for n, value in changes.items()}))

    def message(self, text: str, *, id_: str = "1", kind: str = "", group: bool = False, mention: bool = False, thread: str = "", age_s: float = 0.0, sender: str = "U1") -> bytes:
        body = {
            "msgId": f"msg{id_}",
            "conversationId": "cid1",
            "conversationType": "2" if group else "1",
            "chatbotCorpId": "corp1",
            "chatbotUserId": "bot1",
            "senderId": "bot1" if kind == BOT_LOOP else f"$:{sender}",
            "senderStaffId": sender,
            "isInAtList": mention,
            "createAt": int((self.clock() - age_s) * 1000),
            "sessionWebhook": f"{self.platform.url}/robot/sendBySession?session=S",
            "sessionWebhookExpiredTime": int((self.clock() + 5400) * 1000),
            "msgtype": "text",
            "text": {"content": f" {text}"},
        }
        if kind == EDIT:  # DingTalk has no edits; a card's other buttons are what else it sends
            body = {"outTrackId": "x", "content": "{}"}
        return json.dumps(body, ensure_ascii=False).encode()

    def signed(self, body: bytes, *, offset_s: float = 0.0) -> WebhookRequest:
        stamp = str(int((self.clock() + offset_s) * 1000))
        return WebhookRequest("POST", {"timestamp": stamp, "sign": dingtalk.sign(self.secrets[0], stamp)}, {}, body)

    def tampered(self, request: WebhookRequest) -> WebhookRequest:
        # The body is not signed; what is, is the time.
        stamp = request.headers["timestamp"]
        return replace(request, headers=dict(request.headers) | {"timestamp": stamp[:-1] + ("0" if stamp[-1] != "0" else "1")})

    def said(self) -> list[str]:
        out = []
        for call in [call for call in self.platform.calls if not call.refused]:
            if call.path == "/robot/sendBySession":
                out.append(call.body["markdown"]["text"])
            if call.path == "/v1.0/card/streaming" and call.body["isFinalize"]:
                out.append(call.body["content"])
            if call.path.startswith("/v1.0/robot/") and call.body["msgKey"] == "sampleMarkdown":
                out.append(json.loads(call.body["msgParam"])["text"])
        return out

    def delivery_path(self) -> str:
        return "/robot/sendBySession"


class TelegramKit(Kit):
    def __init__(self, platform: Platform, clock: Clock) -> None:
        super().__init__(platform, clock, "telegram", ("telegram-webhook-secret-1", "99:AAtelegram-bot-token-2"))
        self.has_challenge, self.signs_body, self.has_signed_time = False, False, False
        platform.default = {"ok": True, "result": {"message_id": 7, "username": "advisor_bot"}}

    def settings(self, **changes: Any) -> ChannelSettings:
        values = {
            "telegram_bot_token": SecretStr(self.secrets[1]),
            "telegram_webhook_secret": SecretStr(self.secrets[0]),
            "telegram_base_url": self.platform.url,
        }
        return ChannelSettings(_env_file=None, **(values | changes))

    def adapter(self, **changes: Any) -> Adapter:
        return telegram.TelegramAdapter(self.settings(**{n.replace("webhook_secret", "telegram_webhook_secret"): value for n, value in changes.items()}))

    def message(self, text: str, *, id_: str = "1", kind: str = "", group: bool = False, mention: bool = False, thread: str = "", age_s: float = 0.0, sender: str = "U1") -> bytes:
        message: dict[str, Any] = {
            "message_id": int(id_),
            "date": int(self.clock() - age_s),
            "chat": {"id": -5 if group else 5, "type": "supergroup" if group else "private"},
            "from": {"id": int(sender.removeprefix("U")), "is_bot": kind == BOT_LOOP, "language_code": "zh-hans"},
            "text": f"@advisor_bot {text}" if mention else text,
        }
        return json.dumps({"update_id": int(id_), "edited_message" if kind == EDIT else "message": message}).encode()

    def signed(self, body: bytes, *, offset_s: float = 0.0) -> WebhookRequest:
        return WebhookRequest("POST", {"x-telegram-bot-api-secret-token": self.secrets[0]}, {}, body)

    def tampered(self, request: WebhookRequest) -> WebhookRequest:
        return replace(request, headers={"x-telegram-bot-api-secret-token": self.secrets[0][:-1] + "2"})

    def thumb(self, turn_id: str, rating: str) -> bytes:
        return json.dumps({"update_id": 70 + len(rating), "callback_query": {"id": f"q{rating}", "from": {"id": 1}, "data": f"advisor_feedback:{rating}:{turn_id}"}}).encode()

    def shown(self) -> list[dict[str, Any]]:
        out = []
        for call in [call for call in self.platform.calls if not call.refused]:
            method = call.path.rpartition("/")[2]
            if method in ("sendMessage", "editMessageText") and "link_preview_options" in call.body:
                out.append(call.body)
            if method == "sendDocument":
                out.append({"text": call.raw.decode("utf-8", "replace")})
        return out

    def said(self) -> list[str]:
        return [body["text"] for body in self.shown()]

    def turn_ids(self) -> list[str]:
        keyboards = [body["reply_markup"]["inline_keyboard"] for body in self.shown() if "reply_markup" in body]
        return [keyboard[0][0]["callback_data"].split(":")[2] for keyboard in keyboards]

    def delivery_path(self) -> str:
        return f"/bot{self.secrets[1]}/sendMessage"

    def busy(self, seconds: int) -> Any:
        return (429, {"ok": False, "error_code": 429, "parameters": {"retry_after": seconds}}, {})


class DiscordKit(Kit):
    key = Ed25519PrivateKey.from_private_bytes(b"7" * 32)

    def __init__(self, platform: Platform, clock: Clock) -> None:
        super().__init__(platform, clock, "discord", ("discord-bot-token-1", "interaction-token-2"))
        self.only_mentions = True
        platform.default = {"id": "900"}

    def settings(self, **changes: Any) -> ChannelSettings:
        values = {
            "discord_bot_token": SecretStr(self.secrets[0]),
            "discord_public_key": self.key.public_key().public_bytes_raw().hex(),
            "discord_gateway": False,
            "discord_base_url": self.platform.url,
        }
        return ChannelSettings(_env_file=None, **(values | changes))

    def adapter(self, **changes: Any) -> Adapter:
        if "webhook_secret" in changes:
            changes = {"discord_public_key": ""}
        return discord.DiscordAdapter(self.settings(**changes))

    def message(self, text: str, *, id_: str = "1", kind: str = "", group: bool = False, mention: bool = False, thread: str = "", age_s: float = 0.0, sender: str = "U1") -> bytes:
        snowflake = (int((self.clock() - age_s) * 1000) - 1_420_070_400_000 << 22) + int(id_)
        body: dict[str, Any] = {
            "type": 2,
            "id": str(snowflake),
            "application_id": "77",
            "token": f"{self.secrets[1]}-{id_}",
            "channel_id": "5",
            "data": {"name": "ask", "options": [{"name": "question", "value": text}]},
            "user": {"id": sender, "bot": kind == BOT_LOOP},
            "locale": "zh-CN",
        }
        if group:
            body["guild_id"] = "66"
        if kind == EDIT:
            body["type"] = 5
        if text.startswith("/"):
            body["data"] = {"name": text[1:].split(" ")[0], "options": []}
        return json.dumps(body).encode()

    def signed(self, body: bytes, *, offset_s: float = 0.0) -> WebhookRequest:
        stamp = str(int(self.clock() + offset_s))
        signature = self.key.sign(stamp.encode() + body).hex()
        return WebhookRequest("POST", {"x-signature-timestamp": stamp, "x-signature-ed25519": signature}, {}, body)

    def challenge(self) -> tuple[WebhookRequest, bytes]:
        return self.signed(b'{"type": 1}'), b'{"type": 1}'

    def thumb(self, turn_id: str, rating: str) -> bytes:
        return json.dumps({"type": 3, "id": f"80{len(rating)}", "user": {"id": "U1"}, "data": {"custom_id": f"advisor_feedback:{rating}:{turn_id}"}}).encode()

    def shown(self) -> list[dict[str, Any]]:
        """The last text of the first message, then what followed."""
        first: dict[str, dict[str, Any]] = {}
        others = []
        for call in [call for call in self.platform.calls if not call.refused]:
            if call.method == "PATCH":
                first[call.path] = call.body
            elif call.headers.get("content-type", "").startswith("multipart"):
                others.append({"content": call.raw.decode("utf-8", "replace")})
            elif call.method == "POST":
                others.append(call.body)
        return [*first.values(), *others]

    def said(self) -> list[str]:
        return [body["content"] for body in self.shown()]

    def turn_ids(self) -> list[str]:
        return [b["components"][0]["components"][0]["custom_id"].split(":")[2] for b in self.shown() if "components" in b]

    def delivery_path(self) -> str:
        return f"/webhooks/77/{self.secrets[1]}-1/messages/@original"

    def busy(self, seconds: int) -> Any:
        return (429, {"message": "You are being rate limited.", "retry_after": float(seconds)}, {})


KITS = {
    "webhook": WebhookKit,
    "slack": SlackKit,
    "feishu": FeishuKit,
    "wecom": WecomKit,
    "dingtalk": DingtalkKit,
    "telegram": TelegramKit,
    "discord": DiscordKit,
}
