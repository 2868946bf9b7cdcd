"""Whether this process can answer: each part by one word, nothing that tells a stranger how it is set up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from channels.serve.opening import Opening

log = logging.getLogger("advisor")
Word = Literal["ok", "opening", "failed", "off", "stopping"]
KEPT_S = 2.0
"""A finding is given again for so long, so that probes cannot load the database."""


class Readiness:
    """Looks at every part; what is wrong goes to the log, not to the prober."""

    def __init__(
        self, opening: Opening, engine: Engine, *, channels: Callable[[], Sequence[Any]] | None, stopping: Callable[[], bool]
    ) -> None:
        self._opening = opening
        self._engine = engine
        self._channels = channels
        self._stopping = stopping
        self._lock = threading.Lock()
        self._seen: tuple[float, dict[str, Word]] | None = None
        self._logged: dict[str, str] = {}

    def look(self) -> tuple[bool, dict[str, Word]]:
        """(ready, part -> word). Blocking."""
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > KEPT_S:
                parts = {"advisor": self._advisor, "index": self._index, "database": self._database, "channels": self._channels_state}
                self._seen = (time.monotonic(), {name: self._guarded(name, look) for name, look in parts.items()})
            found = dict(self._seen[1])
        if self._stopping():
            found["server"] = "stopping"
        return all(word in ("ok", "off") for word in found.values()), found

    def _guarded(self, name: str, look: Callable[[], Word]) -> Word:
        try:
            word = look()
        except Exception as error:
            if self._logged.get(name) != str(error):
                log.warning("not ready: %s", name, exc_info=True)
                self._logged[name] = str(error)
            return "failed"
        self._logged.pop(name, None)
        return word

    def _advisor(self) -> Word:
        if self._opening.failure is not None:
            return "failed"
        return "ok" if self._opening.advisor is not None else "opening"

    def _index(self) -> Word:
        advisor = self._opening.advisor
        if advisor is None:
            return "opening" if self._opening.failure is None else "failed"
        library: Any = advisor.library
        return "ok" if library is not None and library.search("ready", 1) else "failed"

    def _database(self) -> Word:
        from sqlalchemy import text

        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return "ok"

    def _channels_state(self) -> Word:
        if self._channels is None:
            return "off"
        # One that fails is for its own people to mend; the process is ready while any works.
        states = [channel.state for channel in self._channels() if channel.state in ("running", "failing")]
        return "failed" if states and "running" not in states else "ok"
