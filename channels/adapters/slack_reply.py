"""Replies in Slack: a stream while the answer grows, a message that is edited where streams are not allowed, files for charts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from channels.core.adapter import ChannelError, RetryLater, Undeliverable
from channels.core.chart_png import png_of
from channels.core.http import Api, retry_after_s
from channels.core.message import InboundMessage
from channels.core.payload import Payload
from channels.core.settings import ChannelSettings
from channels.core.words import say

if TYPE_CHECKING:
    from slack_sdk import WebClient

FEEDBACK_ACTION = "advisor_feedback"
_TRANSIENT = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_SHOWN_KEPT = 1000
_NOT_STREAMING = frozenset({"message_not_in_streaming_state", "message_not_found", "stream_expired", "streaming_state_conflict"})


class SlackReplies:
    """Requests to Slack's Web API. Safe to share between threads."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.settings = settings
        self.hooks = Api("", "Slack")
        self._client: WebClient | None = None
        self._lock = threading.Lock()
        self._shown: OrderedDict[str, str] = OrderedDict()
        """Text that a stream of this process has shown, by its ts: a stream can only be appended to."""

    @property
    def client(self) -> WebClient:
        with self._lock:
            if self._client is None:
                from slack_sdk import WebClient

                token = self.settings.slack_bot_token.get_secret_value()
                self._client = WebClient(token, base_url=self.settings.slack_base_url, timeout=15, retry_handlers=[])
            return self._client

    def open(self, message: InboundMessage, hint: str) -> dict[str, Any]:
        """Start a stream that says what is being done; an ordinary message where Slack refuses the stream."""
        if "response_url" in message.reply:
            return {}
        place: dict[str, Any] = {"channel": message.chat_id, "thread_ts": str(message.reply["thread_ts"])}
        task = [{"type": "task_update", "id": "answer", "title": hint, "status": "in_progress"}]
        try:
            recipient = {"recipient_team_id": message.tenant, "recipient_user_id": message.sender_id}
            started = self._call(lambda: self.client.chat_startStream(**place, **recipient, chunks=task))
            ts = str(started["ts"])
            self._remember(ts, "")
            return {"ts": ts, "mode": "stream"}
        except Undeliverable:
            posted = self._call(lambda: self.client.chat_postMessage(**place, text=hint))
            return {"ts": str(posted["ts"]), "mode": "edit"}

    def update(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:
        """Append what is new; leave a stream alone whose text would have to change."""
        ts = handle.get("ts")
        if not ts:
            return
        if handle["mode"] == "edit":
            self._call(lambda: self.client.chat_update(channel=message.chat_id, ts=ts, text=shown[:300], blocks=_blocks(shown)))
            return
        before = self._shown.get(ts)
        if before is None or not shown.startswith(before) or shown == before:
            return
        self._call(lambda: self.client.chat_appendStream(channel=message.chat_id, ts=ts, markdown_text=shown[len(before) :]))
        self._remember(ts, shown)

    def deliver(self, message: InboundMessage, payload: Payload, handle: Mapping[str, Any]) -> None:
        """One part of the finished answer."""
        if payload.kind != "text":
            self._upload(message, payload)
        elif message.reply.get("response_url"):
            self._respond(message, payload)
        elif payload.first and handle.get("ts"):
            self._finish(message, payload, handle)
        else:
            place: dict[str, Any] = {"channel": message.chat_id, "thread_ts": str(message.reply["thread_ts"])}
            blocks = _blocks(payload.text, payload)
            self._call(lambda: self.client.chat_postMessage(**place, text=payload.text[:300], blocks=blocks, unfurl_links=False))

    def _finish(self, message: InboundMessage, payload: Payload, handle: Mapping[str, Any]) -> None:
        """Replace what is on the screen by the finished text: appended where the stream shows its beginning, edited where not."""
        chat, ts = message.chat_id, str(handle["ts"])
        if handle["mode"] == "stream":
            done = {"type": "task_update", "id": "answer", "title": say("sources", payload.language), "status": "complete"}
            shown = self._shown.get(ts)
            extends = shown is not None and payload.text.startswith(shown)
            rest = [{"type": "markdown_text", "text": payload.text[len(shown or "") :]}] if extends else []
            buttons = _buttons(payload) if extends else []
            try:
                self._call(lambda: self.client.chat_stopStream(channel=chat, ts=ts, chunks=[*rest, done], blocks=buttons or None))
            except Undeliverable as error:
                if str(error) not in _NOT_STREAMING:
                    raise
                extends = False
            self._shown.pop(ts, None)
            if extends:
                return
        blocks = _blocks(payload.text, payload)
        self._call(lambda: self.client.chat_update(channel=chat, ts=ts, text=payload.text[:300], blocks=blocks))

    def _respond(self, message: InboundMessage, payload: Payload) -> None:
        """To a slash command: by the address that came with it, which only Slack may have given."""
        address = str(message.reply["response_url"])
        expected = urlsplit(self.settings.slack_base_url).hostname
        if urlsplit(address).hostname not in ("hooks.slack.com", expected):
            raise Undeliverable("the response address is not Slack's")
        self.hooks.call("POST", address, {"response_type": "ephemeral", "text": payload.text[:300], "blocks": _blocks(payload.text)})

    def _upload(self, message: InboundMessage, payload: Payload) -> None:
        if payload.chart is not None:
            name, content = "chart.png", png_of(payload.chart, self.settings.channel_font)
        else:
            name, content = payload.name, payload.text.encode()
        thread = str(message.reply["thread_ts"]) if "thread_ts" in message.reply else None
        title = payload.text[:100] if payload.chart is not None else name
        self._call(
            lambda: self.client.files_upload_v2(channel=message.chat_id, thread_ts=thread, content=content, filename=name, title=title)
        )

    def _remember(self, ts: str, shown: str) -> None:
        with self._lock:
            self._shown[ts] = shown
            self._shown.move_to_end(ts)
            while len(self._shown) > _SHOWN_KEPT:
                self._shown.popitem(last=False)

    def _call(self, request: Callable[[], Any]) -> Any:
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            return request()
        except SlackApiError as error:
            raise _sorted(error.response) from None
        except (SlackClientError, OSError, HTTPException) as error:
            raise RetryLater(f"Slack cannot be reached ({type(error).__name__})") from None

    def close(self) -> None:
        """Give back connections."""
        self.hooks.close()


def _sorted(response: Any) -> ChannelError:
    """Slack's refusal as "later" or "never"."""
    code = str(response.get("error") or "") if hasattr(response, "get") else ""
    status = int(getattr(response, "status_code", 0) or 0)
    headers = {str(name).lower(): value for name, value in (getattr(response, "headers", None) or {}).items()}
    if status == 429 or status >= 500 or code in _TRANSIENT:
        return RetryLater(f"Slack answered {code or status}", retry_after_s(headers.get("retry-after")))
    return Undeliverable(code or f"Slack answered {status}")


def _blocks(text: str, payload: Payload | None = None) -> list[dict[str, Any]]:
    return [{"type": "markdown", "text": text}, *(_buttons(payload) if payload is not None else [])]


def _buttons(payload: Payload) -> list[dict[str, Any]]:
    """Thumbs under the last part of an answer."""
    if not payload.turn_id:
        return []

    def button(rating: str) -> dict[str, Any]:
        label = say(rating, payload.language)
        return {"text": {"type": "plain_text", "text": label}, "value": f"{rating}:{payload.turn_id}", "accessibility_label": label}

    thumbs = {"type": "feedback_buttons", "action_id": FEEDBACK_ACTION, "positive_button": button("up"), "negative_button": button("down")}
    return [{"type": "context_actions", "elements": [thumbs]}]
