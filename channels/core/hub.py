"""Everything of team chat in one process: the channels that are set up, the threads that answer, and how they are."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agent.session import Advisor
from channels.core import chart_png
from channels.core.adapter import Adapter, Connection
from channels.core.courier import Courier
from channels.core.http import protect, unprotect
from channels.core.inbox import Inbox
from channels.core.intake import Intake, route
from channels.core.memory import Memory
from channels.core.outbox import Outbox
from channels.core.settings import ChannelSettings, get_channel_settings
from channels.core.worker import Worker
from channels.state.limits import Limits
from kb.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.routing import Route

log = logging.getLogger("advisor.channels")
COURIERS = 2
_IDLE_S = 0.5
"""How often the tables are looked at when nothing has announced itself: work that another process left."""
_PURGE_S = 3600.0


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How one channel is. `detail` says what to do, or why it fails; no secret, no address with a token in it."""

    name: str
    state: Literal["off", "not installed", "running", "failing"]
    detail: str = ""


class Hub:
    """Started and stopped once. `routes` may be mounted before the start; what arrives is kept until workers run."""

    def __init__(
        self,
        adapters: Mapping[str, Adapter],
        others: Mapping[str, ChannelStatus],
        settings: ChannelSettings,
        advisor_factory: Callable[[], Advisor],
        engine: Engine,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.adapters = dict(adapters)
        self._others = dict(others)
        self.settings = settings
        self._factory = advisor_factory
        self._advisor: Advisor | None = None
        self._advisor_lock = threading.Lock()
        self.owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
        self.inbox = Inbox(engine, self.owner, settings.channel_lease_s, clock)
        self.outbox = Outbox(engine, self.owner, clock)
        self.stopping = threading.Event()
        self._work = threading.Semaphore(0)
        self._mail = threading.Semaphore(0)
        self.intake = Intake(self.inbox, settings, clock, self._work.release)
        self.worker = Worker(
            self.adapters,
            self.inbox,
            self.outbox,
            Memory(engine, clock),
            Limits(engine, clock),
            settings,
            self.advisor,
            lambda chart: chart_png.can_draw(chart, settings.channel_font),
            clock,
            self._mail.release,
            self.stopping,
        )
        self.courier = Courier(self.adapters, self.inbox, self.outbox, clock)
        self._connections: dict[str, Connection] = {}
        for name, adapter in self.adapters.items():
            adapter.inbox = self.inbox
            connection = adapter.connection(lambda inbound, adapter=adapter: self.intake.keep(adapter, inbound))  # type: ignore[misc]
            if connection is not None:
                self._connections[name] = connection
        self._threads: list[threading.Thread] = []
        self._sending = threading.Event()
        self._redact = protect(settings.secrets())

    def advisor(self) -> Advisor:
        """The advisor, made when the first question needs it. Raises `AdvisorError` while it cannot be made, and tries again."""
        with self._advisor_lock:
            if self._advisor is None:
                self._advisor = self._factory()
            return self._advisor

    def routes(self) -> list[Route]:
        """The webhooks: `/channels/NAME/events` of every channel that is set up."""
        return [route(adapter, self.intake) for adapter in self.adapters.values()]

    def start(self) -> None:
        """Open the long connections and begin to work, also on what an earlier process left."""
        if not self.adapters or self._threads:
            return
        for number in range(self.settings.channel_workers):
            self._run(f"channel-worker-{number}", lambda: self._loop(self.worker.step, self._work, self.stopping))
        for number in range(COURIERS):
            self._run(f"channel-courier-{number}", lambda: self._loop(self.courier.step, self._mail, self._sending))
        self._run("channel-leases", self._keep_leases)
        for name, connection in self._connections.items():
            self._run(f"channel-{name}", connection.run)

    def stop(self, timeout_s: float = 20.0) -> None:
        """Take no more work; finish what is being answered, or after `timeout_s` hand it back; send what is due."""
        until = time.monotonic() + timeout_s
        for connection in self._connections.values():
            connection.stop()
        self.stopping.set()
        workers = [thread for thread in self._threads if thread.name.startswith("channel-worker")]
        for thread in workers:
            thread.join(max(0.0, until - time.monotonic()))
        for row_id in list(self.worker.working):
            self.inbox.release(row_id)
        while time.monotonic() < until and self.outbox.due(list(self.adapters)):
            time.sleep(0.05)
        self._sending.set()
        for thread in self._threads:
            if thread not in workers:
                thread.join(max(0.1, until - time.monotonic()))
        for adapter in self.adapters.values():
            adapter.close()
        unprotect(self._redact)

    def status(self) -> list[ChannelStatus]:
        """Every channel this version knows, in a fixed order."""
        from channels.adapters.registry import NAMES

        return [self._status(name) for name in dict.fromkeys([*NAMES, *self.adapters])]

    def _status(self, name: str) -> ChannelStatus:
        if name not in self.adapters:
            return self._others.get(name, ChannelStatus(name, "off"))
        connection = self._connections.get(name)
        problem = self.courier.problems.get(name, "")
        if connection is not None and connection.problem and self._threads:
            problem = connection.problem
        if problem:
            return ChannelStatus(name, "failing", problem)
        adapter = self.adapters[name]
        ways = ["webhook"] * adapter.has_webhook + ["long connection"] * (connection is not None)
        charts = f"; charts as tables, pictures with {chart_png.INSTALL}" if adapter.caps.images and not chart_png.installed() else ""
        return ChannelStatus(name, "running", " and ".join(ways) + charts)

    def _run(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _loop(self, step: Callable[[], bool], signal: threading.Semaphore, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if not step():
                    signal.acquire(timeout=_IDLE_S)
            except Exception:
                log.exception("the database cannot be read")
                stop.wait(2.0)

    def _keep_leases(self) -> None:
        purged = 0.0
        while not self._sending.wait(self.settings.channel_lease_s / 4):
            try:
                self.inbox.renew(list(self.worker.working))
                if time.monotonic() - purged > _PURGE_S:
                    self.inbox.purge()
                    purged = time.monotonic()
            except Exception:
                log.exception("leases cannot be renewed")


def build_hub(
    settings: Settings,
    advisor_factory: Callable[[], Advisor],
    engine: Engine,
    channel_settings: ChannelSettings | None = None,
    clock: Callable[[], float] = time.time,
) -> Hub:
    """The hub with every channel whose settings are there and whose package is installed.

    `engine` is that of `channels.state.database.open_database(settings)`; `advisor_factory` is called with the first question.
    """
    from channels.adapters.registry import build_adapters

    chosen = channel_settings or get_channel_settings()
    adapters, others = build_adapters(chosen)
    return Hub(adapters, others, chosen, advisor_factory, engine, clock)
