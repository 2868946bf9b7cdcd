"""Telegram: updates over a webhook or polled for, answers as HTML, drafts while an answer grows in a direct chat."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from channels.core.adapter import Adapter, Caps, ChannelError, Connection, RetryLater, Undeliverable
from channels.core.chart_png import png_of
from channels.core.dialect import TelegramHtml
from channels.core.http import Api
from channels.core.message import (
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
from channels.core.verify import same
from channels.core.words import say

log = logging.getLogger("advisor.channels")
_THUMB = "advisor_feedback"
_POLL_S = 10
_ASK_AGAIN_S = 60.0
UPDATES = ["message", "callback_query"]


class TelegramAdapter(Adapter):
    """Direct chats, groups and topics of forums."""

    name = "telegram"
    caps = Caps(max_len=4096, unit="utf16", streaming=True, images=True, files=True, edit_interval_s=1.5)
    dialect = TelegramHtml()

    def __init__(self, settings: ChannelSettings) -> None:
        from channels.adapters.registry import allow_list

        self.settings = settings
        self.token = settings.telegram_bot_token.get_secret_value()
        self.secret = settings.telegram_webhook_secret.get_secret_value()
        self.has_webhook = bool(self.secret)
        self.allowed = allow_list(settings.telegram_allow)
        self.me = self.token.partition(":")[0]
        self.api = Api(f"{settings.telegram_base_url}/bot{self.token}", "Telegram")
        self._username = ""
        self._asked_at = 0.0

    def verify(self, request: WebhookRequest, now: float) -> Verdict:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not self.secret:
            return Reject("no webhook secret is set")
        if not given or not same(self.secret, given):
            return Reject("secret token")
        payload = json_object(request.body)
        return Verified(payload) if payload is not None else Reject("not a JSON object")

    def parse(self, payload: Mapping[str, Any]) -> Inbound:
        if "callback_query" in payload:
            return self._thumb(payload)
        message = payload.get("message")
        if not isinstance(message, dict):
            return Dropped("edit" if "edited_message" in payload else "kind")
        sender, chat = message.get("from") or {}, message.get("chat") or {}
        if "id" not in sender or "id" not in chat:
            return Dropped("malformed")
        text = str(message.get("text") or message.get("caption") or "")
        text, mentioned = self._without_me(text, message)
        answered = str(((message.get("reply_to_message") or {}).get("from") or {}).get("id", ""))
        thread = str(message.get("message_thread_id") or "") if message.get("is_topic_message") else ""
        media = tuple(kind for kind in ("photo", "document", "voice", "video", "sticker", "audio") if kind in message)
        return InboundMessage(
            channel=self.name,
            tenant=self.me,
            chat_id=str(chat["id"]),
            chat_kind="dm" if chat.get("type") == "private" else "group",
            message_id=str(message.get("message_id", "")),
            delivery_id=str(payload.get("update_id", "")),
            sender_id=str(sender["id"]),
            text=text,
            created_at=float(message.get("date") or 0),
            thread_id=thread,
            starts_thread=False,
            sender_is_bot=bool(sender.get("is_bot")),
            mentions_bot=mentioned or answered == self.me,
            attachments=media,
            locale=str(sender.get("language_code") or ""),
        )

    def _without_me(self, text: str, message: Mapping[str, Any]) -> tuple[str, bool]:
        """(text without mentions of the bot, whether there was one); `/help@bot` keeps its command."""
        if "@" not in text:
            return text, any(str((e.get("user") or {}).get("id")) == self.me for e in message.get("entities") or [])
        name = self._name()
        pattern = re.compile(rf"@{re.escape(name)}\b", re.IGNORECASE) if name else re.compile(r"(?!)")
        return re.sub(r"[ \t]+", " ", pattern.sub(" ", text)).strip(), bool(pattern.search(text))

    def _name(self) -> str:
        """The bot's user name, asked for once."""
        if not self._username and time.monotonic() - self._asked_at > _ASK_AGAIN_S:
            self._asked_at = time.monotonic()
            try:
                self._username = str((self._call("getMe").get("result") or {}).get("username", ""))
            except ChannelError as error:
                log.warning("telegram: the bot's name is not known (%s)", error)
        return self._username

    def _thumb(self, payload: Mapping[str, Any]) -> Inbound:
        query = payload["callback_query"]
        kind, _, rest = str(query.get("data", "")).partition(":")
        rating, _, turn_id = rest.partition(":")
        if kind != _THUMB:
            return Dropped("action")
        person = str((query.get("from") or {}).get("id", ""))
        return Thumb(self.name, self.me, f"thumb:{query.get('id')}", person, turn_id, rating_of(rating))

    def accepted(self, item: Item, request: WebhookRequest, now: float) -> HttpAnswer:
        if isinstance(item, Thumb):
            # The answer to a webhook may be a call of a method: the button stops turning.
            return json_answer({"method": "answerCallbackQuery"} | thanks(item))
        return HttpAnswer()

    def open_reply(self, message: InboundMessage, row_id: int, hint: str) -> dict[str, Any]:
        place = _place(message)
        if message.chat_kind == "dm":
            self._call("sendChatAction", place | {"action": "typing"})
            return {"draft": row_id}
        reply = {"reply_parameters": {"message_id": int(message.message_id), "allow_sending_without_reply": True}}
        sent = self._call("sendMessage", place | reply | {"text": hint})
        return {"message_id": int((sent.get("result") or {})["message_id"])}

    def update_reply(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        text = {"text": shown, "parse_mode": "HTML"}
        if "draft" in handle:
            self._call("sendMessageDraft", _place(message) | text | {"draft_id": handle["draft"]})
        elif "message_id" in handle:
            self._edit(_place(message) | text | {"message_id": handle["message_id"]})

    def deliver(self, message: InboundMessage, payload: Payload, handle: dict[str, Any], key: str) -> None:
        place = _place(message)
        if payload.chart is not None:
            picture = {"photo": ("chart.png", png_of(payload.chart, self.settings.channel_font), "image/png")}
            self._call("sendPhoto", fields=place | {"caption": payload.text[:1000]}, files=picture)
        elif payload.kind == "file":
            self._call("sendDocument", fields=place, files={"document": (payload.name, payload.text.encode(), "text/markdown")})
        else:
            body = place | {"text": payload.text, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}} | _buttons(payload)
            if payload.first and "message_id" in handle:
                self._edit(body | {"message_id": handle["message_id"]})
            else:
                self._call("sendMessage", body)

    def _edit(self, body: Mapping[str, Any]) -> None:
        body = {name: value for name, value in body.items() if name != "message_thread_id"}
        try:
            self._call("editMessageText", body)
        except Undeliverable as error:
            # The same text again, after a crash between sending and noting it, is refused: it is there already.
            if "not modified" not in error.detail:
                raise

    def _call(self, method: str, body: Any = None, *, fields: Mapping[str, Any] | None = None, files: Any = None) -> dict[str, Any]:
        data = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()} if fields else None
        return self.api.call("POST", f"/{method}", body, data=data, files=files)

    def connection(self, receive: Callable[[Inbound], bool]) -> Connection | None:
        return None if self.has_webhook else _Poller(self, receive)

    def close(self) -> None:
        self.api.close()


class _Poller(Connection):
    """Asks for updates; asking for those after a number tells Telegram that all before it are kept."""

    name = "telegram"

    def __init__(self, adapter: TelegramAdapter, receive: Callable[[Inbound], bool]) -> None:
        super().__init__()
        self.adapter = adapter
        self.receive = receive

    def run(self) -> None:
        offset, pause_s = 0, 1.0
        while not self.stopping.is_set():
            try:
                body = {"offset": offset, "timeout": _POLL_S, "allowed_updates": UPDATES}
                for update in self.adapter._call("getUpdates", body).get("result") or []:
                    inbound = self.adapter.parse(update)
                    self.receive(inbound)
                    offset = int(update["update_id"]) + 1
                    if isinstance(inbound, Thumb):
                        self.adapter._call("answerCallbackQuery", thanks(inbound))
                self.problem, pause_s = "", 1.0
            except Exception as error:  # the network or the database; nothing that is not kept is skipped
                self.problem = str(error) if isinstance(error, ChannelError) else type(error).__name__
                after_s = error.after_s if isinstance(error, RetryLater) and error.after_s is not None else pause_s
                log.warning("telegram: %s; again in %.0f s", self.problem, after_s)
                self.stopping.wait(after_s)
                pause_s = min(60.0, pause_s * 2)


def thanks(thumb: Thumb) -> dict[str, Any]:
    """What is shown to who pressed a button."""
    text = f"{say('feedback_stored', 'zh')} / {say('feedback_stored', 'en')}"
    return {"callback_query_id": thumb.delivery_id.removeprefix("thumb:"), "text": text}


def _place(message: InboundMessage) -> dict[str, Any]:
    chat: dict[str, Any] = {"chat_id": int(message.chat_id)}
    return chat | ({"message_thread_id": int(message.thread_id)} if message.thread_id else {})


def _buttons(payload: Payload) -> dict[str, Any]:
    if not payload.turn_id:
        return {}
    row = [{"text": say(r, payload.language), "callback_data": f"{_THUMB}:{r}:{payload.turn_id}"} for r in ("up", "down")]
    return {"reply_markup": {"inline_keyboard": [row]}}


def build(settings: ChannelSettings) -> Adapter:
    """Raises `SettingsError` where a setting is not what Telegram gives out."""
    from kb.errors import SettingsError

    if not re.fullmatch(r"\d+:[\w-]{10,}", settings.telegram_bot_token.get_secret_value()):
        raise SettingsError("ADVISOR_TELEGRAM_BOT_TOKEN: expected what @BotFather gives, a number, a colon and letters")
    return TelegramAdapter(settings)
