"""What a chat platform has to offer to the core. An adapter knows one platform and nothing of questions and answers."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from channels.core.message import HttpAnswer, Inbound, InboundMessage, Item, Verdict, WebhookRequest
from channels.core.payload import Payload

if TYPE_CHECKING:
    from channels.core.dialect import Dialect
    from channels.core.inbox import Inbox

Unit = Literal["chars", "bytes", "utf16"]


@dataclass(frozen=True, slots=True)
class Caps:
    """What a platform can do. `max_len` counts `unit`s of one message; `max_parts` beyond which a file is sent instead."""

    max_len: int
    unit: Unit = "chars"
    streaming: bool = False
    images: bool = False
    files: bool = False
    max_parts: int = 3
    edit_interval_s: float = 0.0
    """Seconds between two edits where the platform takes fewer than the settings allow."""


class ChannelError(Exception):
    """A request to a platform failed. The message is for the operator: status and error code, never an address or a token."""


class RetryLater(ChannelError):
    """It may work later; `after_s` is what the platform asked for, None where it named no time."""

    def __init__(self, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class Undeliverable(ChannelError):
    """It will never work: the chat is gone, the bot was removed, the reply's time has run out. `detail` is the platform's own
    description, which is compared with and never shown or logged."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class Adapter(ABC):
    """One platform. Requests to it are synchronous and made from the core's threads."""

    name: str
    caps: Caps
    dialect: Dialect
    inbox: Inbox
    """Set by the hub; for platforms that come and ask for the text of a reply."""
    has_webhook: bool = True
    """Whether its settings let the platform call us."""

    @abstractmethod
    def verify(self, request: WebhookRequest, now: float) -> Verdict:
        """Whether a request is the platform's: signature over the raw bytes, then freshness, then decryption."""

    @abstractmethod
    def parse(self, payload: Mapping[str, Any]) -> Inbound:
        """What a verified payload says. Anything that is not a person's message or thumb is `Dropped`."""

    def accepted(self, item: Item, request: WebhookRequest, now: float) -> HttpAnswer:
        """The acknowledgement of a delivery, new or repeated."""
        return HttpAnswer()

    def ignored(self, payload: Mapping[str, Any], request: WebhookRequest, now: float) -> HttpAnswer:
        """The acknowledgement of something that is not for us."""
        return HttpAnswer()

    def may_use(self, message: InboundMessage) -> bool:
        """The allow-list: everyone where it is empty, else the chats and people named in it."""
        allowed = self.allowed
        return not allowed or message.chat_id in allowed or message.sender_id in allowed

    allowed: frozenset[str] = frozenset()

    def open_reply(self, message: InboundMessage, row_id: int, hint: str) -> dict[str, Any]:
        """The first sign of life: a message that will be edited, a typing signal, a reaction. Returns the reply's handle.

        Raises:
            ChannelError: nothing is shown; the answer comes all the same.
        """
        return {}

    def update_reply(self, message: InboundMessage, handle: dict[str, Any], shown: str) -> None:  # noqa: B027
        """Show the whole text so far, already in the platform's markup. Called only where `caps.streaming`."""

    @abstractmethod
    def deliver(self, message: InboundMessage, payload: Payload, handle: dict[str, Any], key: str) -> None:
        """Send one part; `key` stays the same when the part is sent again.

        Raises:
            RetryLater, Undeliverable: it was not taken.
        """

    def can_deliver(self) -> bool:
        """Whether this process is one that can send now (a long connection may be another's)."""
        return True

    def connection(self, receive: Callable[[Inbound], bool]) -> Connection | None:
        """The long connection of this adapter, if its settings ask for one. `receive` keeps an item before it is acknowledged
        and says whether it could; what could not be kept must not be acknowledged."""
        return None

    def close(self) -> None:  # noqa: B027
        """Give back network connections."""


class Connection(ABC):
    """A connection that we open, on a thread of its own."""

    name: str = "connection"

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.problem = "not connected yet"
        """Empty while it is connected."""

    @abstractmethod
    def run(self) -> None:
        """Receive until `stopping`; reconnects by itself."""

    def stop(self) -> None:
        """Ask `run` to return soon."""
        self.stopping.set()
