"""The web server: it stops in order. Running answers are finished first, then connections are closed, then the parts are stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import uvicorn

log = logging.getLogger("advisor")
HEADERS_TIMEOUT_S = 20.0
"""For the first request of a new connection to begin; a connection that only waits costs a place."""
_LEFTOVER_S = 2
"""After the answers: for pages that keep a connection open, which would otherwise hold the process."""


class Server(uvicorn.Server):
    """`drain(timeout_s)` is waited for before connections are closed."""

    def __init__(self, config: uvicorn.Config, *, drain: Callable[[float], Any], drain_s: float, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain = drain
        self._drain_s = drain_s
        self._on_started = started

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: Any = None) -> None:
        for server in self.servers:
            server.close()
        log.info("stopping: no new questions, running answers have %.0f s", self._drain_s)
        if not self.force_exit:
            waiting = asyncio.ensure_future(self._drain(self._drain_s))
            while not waiting.done() and not self.force_exit:
                await asyncio.wait({waiting}, timeout=0.1)
            waiting.cancel()
        self.config.timeout_graceful_shutdown = _LEFTOVER_S
        # A stop that was asked for and has worked is no failure of the process.
        self._captured_signals.clear()
        await super().shutdown(sockets)


def make_server(app: Any, host: str, port: int, *, drain: Callable[[float], Any], drain_s: float, started: Callable[[], None]) -> Server:
    """A server for the application. It believes no forwarding header, names no product and logs no address line."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_keep_alive=20,
        h11_max_incomplete_event_size=32 * 1024,
    )
    config.load()
    config.http_protocol_class = _impatient(config.http_protocol_class)
    return Server(config, drain=drain, drain_s=drain_s, started=started)


def _impatient(protocol: Any) -> Any:
    """The protocol, which gives a new connection up that sends no request."""

    class Impatient(protocol):  # type: ignore[misc]
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._hello = self.loop.call_later(HEADERS_TIMEOUT_S, self._give_up)

        def connection_lost(self, exc: Exception | None) -> None:
            self._hello.cancel()
            super().connection_lost(exc)

        def _give_up(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

    return Impatient
