"""Sends what is in the outbox, and tries again when a platform is busy or out of reach."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from channels.core.adapter import Adapter, RetryLater, Undeliverable
from channels.core.inbox import Inbox
from channels.core.message import InboundMessage, load_item
from channels.core.outbox import MAX_ATTEMPTS, Outbox, Outgoing

log = logging.getLogger("advisor.channels")
MAX_BACKOFF_S = 300.0


@dataclass
class Courier:
    """What the sending threads share. `problems` holds each channel's last failure until something is sent again."""

    adapters: Mapping[str, Adapter]
    inbox: Inbox
    outbox: Outbox
    clock: Callable[[], float]
    problems: dict[str, str] = field(default_factory=dict)

    def step(self) -> bool:
        """Send one part; False if none was due."""
        able = [name for name, adapter in self.adapters.items() if adapter.can_deliver()]
        outgoing = self.outbox.claim(able) if able else None
        if outgoing is None:
            return False
        try:
            self._send(outgoing)
        except RetryLater as error:
            self._again(outgoing, error)
        except Undeliverable as error:
            self._give_up(outgoing, str(error))
        except Exception as error:
            log.exception("%s: part %d of row %d could not be sent", outgoing.channel, outgoing.part, outgoing.inbox_id)
            self._again(outgoing, RetryLater(type(error).__name__))
        else:
            self.outbox.sent(outgoing)
            self.problems.pop(outgoing.channel, None)
        return True

    def _send(self, outgoing: Outgoing) -> None:
        row = self.inbox.get(outgoing.inbox_id)
        item = load_item(row["item"]) if row is not None else None
        if row is None or not isinstance(item, InboundMessage):
            raise Undeliverable("the question is not in the inbox any more")
        key = f"advisor-{outgoing.inbox_id}-{outgoing.part}"
        self.adapters[outgoing.channel].deliver(item, outgoing.payload, dict(row["handle"]), key)

    def _again(self, outgoing: Outgoing, error: RetryLater) -> None:
        self.problems[outgoing.channel] = str(error)
        if outgoing.attempts >= MAX_ATTEMPTS:
            self._give_up(outgoing, str(error))
            return
        after_s = error.after_s if error.after_s is not None else min(MAX_BACKOFF_S, 2.0 ** (outgoing.attempts - 1))
        log.warning("%s: %s; again in %.1f s", outgoing.channel, error, after_s)
        self.outbox.later(outgoing, after_s, str(error))

    def _give_up(self, outgoing: Outgoing, problem: str) -> None:
        log.error("%s: part %d of row %d was given up (%s)", outgoing.channel, outgoing.part, outgoing.inbox_id, problem)
        self.problems[outgoing.channel] = problem
        self.outbox.dead(outgoing, problem)
