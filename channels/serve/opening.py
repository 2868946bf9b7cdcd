"""The advisor, opened in a thread beside the server's start."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.session import Advisor
    from kb.settings import Settings


class Opening:
    """Call it for the advisor: it waits until that is open, and raises what opening raised."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._advisor: Advisor | None = None
        self._done = threading.Event()
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._open, name="open-advisor", daemon=True).start()

    def __call__(self) -> Advisor:
        self._done.wait()
        if self._advisor is None:
            assert self.failure is not None
            raise self.failure
        return self._advisor

    @property
    def advisor(self) -> Advisor | None:
        """The advisor if it is open."""
        return self._advisor

    def _open(self) -> None:
        try:
            from agent.session import open_advisor

            advisor = open_advisor(self._settings, for_many=True)
            advisor.warm_up()
            self._advisor = advisor
        except BaseException as error:  # kept for the threads that need the advisor
            self.failure = error
        finally:
            self._done.set()
