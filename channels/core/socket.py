"""A websocket that we open and keep open: reconnects with growing pauses, stops when told to, survives a malformed frame."""

from __future__ import annotations

import logging
import random
import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING

from channels.core.adapter import ChannelError, Connection

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

log = logging.getLogger("advisor.channels")
MAX_PAUSE_S = 60.0
MAX_FRAME_BYTES = 1_048_576
_TICK_S = 0.5


class Socket(Connection):
    """Subclasses say where to connect and what a frame means. Frames are handled one after the other on the connection's thread."""

    ping_s = 30.0

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.socket: ClientConnection | None = None
        self._sending = threading.Lock()

    @abstractmethod
    def address(self) -> str:
        """Where to connect, asked for anew before each attempt. Raises `ChannelError`."""

    @abstractmethod
    def received(self, frame: str | bytes) -> None:
        """Handle one frame; acknowledge it with `send`. What it raises is logged and costs only this frame."""

    def opened(self) -> None:
        """The connection stands: sign in."""

    def ping(self) -> None:
        """Keep the connection alive, every `ping_s` seconds."""

    def send(self, frame: str | bytes) -> None:
        """Send a frame from any thread.

        Raises:
            ChannelError: there is no connection.
        """
        from websockets.exceptions import ConnectionClosed

        socket = self.socket
        if socket is None:
            raise ChannelError(f"{self.name}: not connected")
        try:
            with self._sending:
                socket.send(frame)
        except ConnectionClosed:
            raise ChannelError(f"{self.name}: the connection was closed") from None

    def run(self) -> None:
        """Until told to stop."""
        failures = 0
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                self._connect_and_receive()
                self.problem = "the connection was closed"
            except ChannelError as error:
                self.problem = str(error)
            except Exception as error:  # a refused or broken connection comes in many types
                self.problem = f"{type(error).__name__} while connecting"
            failures = 1 if time.monotonic() - began > MAX_PAUSE_S else failures + 1
            if not self.stopping.is_set():
                pause_s = min(MAX_PAUSE_S, 2.0 ** min(failures - 1, 6)) * random.uniform(0.5, 1.0)
                log.warning("%s: %s; again in %.1f s", self.name, self.problem, pause_s)
                self.stopping.wait(pause_s)

    def _connect_and_receive(self) -> None:
        from websockets.exceptions import ConnectionClosed
        from websockets.sync.client import connect

        socket = connect(self.address(), max_size=MAX_FRAME_BYTES, ping_interval=None, open_timeout=15, close_timeout=2)
        with socket:
            self.socket = socket
            try:
                self.opened()
                self.problem = ""
                next_ping = time.monotonic() + self.ping_s
                while not self.stopping.is_set():
                    if time.monotonic() >= next_ping:
                        self.ping()
                        next_ping = time.monotonic() + self.ping_s
                    try:
                        frame = socket.recv(timeout=_TICK_S)
                    except TimeoutError:
                        continue
                    self._handle(frame)
            except ConnectionClosed:
                return
            finally:
                self.socket = None

    def _handle(self, frame: str | bytes) -> None:
        try:
            self.received(frame)
        except ChannelError:
            raise
        except Exception as error:
            # Not acknowledged: the platform brings it again if it matters.
            log.error("%s: a frame could not be handled (%s)", self.name, type(error).__name__)
