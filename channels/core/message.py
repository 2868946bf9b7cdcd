"""What an adapter hands to the core, and what a check of a request may find. No type of a chat SDK gets past here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

ChatKind = Literal["dm", "group"]
Rating = Literal["up", "down", "none"]


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message of a person. `text` has the bot's own mention taken out and other mentions as names.

    `thread_id` is empty where there is no thread. `delivery_id` is what stays the same when the platform delivers again.
    `created_at` is UTC seconds since 1970. `reply` is what the adapter needs to answer, as JSON values.
    """

    channel: str
    tenant: str
    chat_id: str
    chat_kind: ChatKind
    message_id: str
    delivery_id: str
    sender_id: str
    text: str
    created_at: float
    thread_id: str = ""
    starts_thread: bool = False
    """The answer opens the thread: nobody has spoken in it before this message."""
    sender_is_bot: bool = False
    mentions_bot: bool = False
    mentions_everyone: bool = False
    attachments: tuple[str, ...] = ()
    locale: str = ""
    reply: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["message"] = "message"

    @property
    def conversation(self) -> str:
        """The key under which turns belong together: the thread, else the person in a group, else the direct chat."""
        if self.thread_id:
            last = f"thread:{self.thread_id}"
        else:
            last = f"user:{self.sender_id}" if self.chat_kind == "group" else "dm"
        return "/".join((self.channel, self.tenant, self.chat_id, last))


@dataclass(frozen=True, slots=True)
class Thumb:
    """A press on one of the buttons under an answer."""

    channel: str
    tenant: str
    delivery_id: str
    sender_id: str
    turn_id: str
    rating: Rating
    reason: str = ""
    kind: Literal["thumb"] = "thumb"

    @property
    def conversation(self) -> str:
        """Never the key of a conversation: a thumb need not wait for an answer."""
        return f"{self.channel}/{self.tenant}/thumb:{self.delivery_id}"


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something that is not for us: a bot's message, an edit, a receipt. `reason` is one word for the log."""

    reason: str


Item = InboundMessage | Thumb
Inbound = Item | Dropped


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request as it came. Header names are in lower case; `body` is the raw bytes."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Verified:
    """The request comes from the platform and is fresh; `payload` is its (decrypted) JSON object."""

    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Challenge:
    """The platform asks whether this address is ours; `answer` says so."""

    answer: HttpAnswer


@dataclass(frozen=True, slots=True)
class Reject:
    """Not from the platform, or not fresh: answered with 401. `reason` is for the log and holds no part of the request."""

    reason: str


Verdict = Verified | Challenge | Reject


@cache
def _items() -> TypeAdapter[Item]:
    return TypeAdapter(Item)


def dump_item(item: Item) -> dict[str, Any]:
    """JSON values of an item; `load_item` gives an equal one back."""
    dumped: dict[str, Any] = _items().dump_python(item, mode="json")
    return dumped


def load_item(data: Any) -> Item:
    """Raises `pydantic.ValidationError` for anything that `dump_item` did not write."""
    return _items().validate_python(data)


def rating_of(value: object) -> Rating:
    """`up` or `down`; anything else takes a rating back."""
    return "up" if value == "up" else "down" if value == "down" else "none"


def json_answer(value: Any, status: int = 200) -> HttpAnswer:
    """The value as a JSON body."""
    return HttpAnswer(status, json.dumps(value, ensure_ascii=False).encode())


def json_object(body: bytes) -> dict[str, Any] | None:
    """The body's JSON object; None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
