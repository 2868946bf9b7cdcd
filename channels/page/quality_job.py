"""An evaluation started from the page: the command people use, in a process of its own, and how far it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SHIPPED_GATE = Path(__file__).parents[2] / "eval" / "gate.yaml"
_OUTSIDE_THE_GATE = 1
_LOG_TAIL_BYTES = 4000


@dataclass(frozen=True, slots=True)
class JobState:
    """`total` is 0 until the first answer; `error` is the last line of a run that failed."""

    running: bool = False
    done: int = 0
    total: int = 0
    wrong: int = 0
    seconds: float = 0.0
    stopped: bool = False
    error: str = ""


@dataclass
class EvaluationJob:
    """At most one run at a time for all visitors. The gate is ADVISOR_HOME/gate.yaml, or the shipped one where there is none."""

    home: Path
    command: Sequence[str] = (sys.executable, "-m", "channels.cli.main", "eval")
    _process: subprocess.Popen[bytes] | None = None
    _began: float = 0.0
    _began_wall: float = 0.0
    _stopped: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def folder(self) -> Path:
        """Where the command line keeps the runs of this data folder."""
        return self.home / "eval"

    def start(self) -> None:
        """Start a run unless one is under way."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            own = self.home / "gate.yaml"
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "running" / "progress.json").unlink(missing_ok=True)
            self._began, self._began_wall, self._stopped = time.monotonic(), time.time(), False
            with self._log().open("wb") as log:
                self._process = self._open(["--gate", str(own if own.is_file() else SHIPPED_GATE)], log)

    def _open(self, options: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        variables = os.environ | {"ADVISOR_HOME": str(self.home)}
        # A group of its own: its workers end with it, and Ctrl+C at the page's terminal is the page's alone.
        return subprocess.Popen(
            [*self.command, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables, start_new_session=True
        )

    def stop(self) -> None:
        """Break the run off; the next one goes on where it stopped if nothing has changed."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._stopped = True
                os.killpg(self._process.pid, signal.SIGTERM)
                self._process.wait(timeout=30)

    def state(self) -> JobState:
        """How far the run is, or how it ended."""
        process = self._process
        if process is None:
            return JobState()
        code = process.poll()
        if code is None:
            return JobState(True, *self._progress(), seconds=time.monotonic() - self._began)
        if self._stopped:
            return JobState(stopped=True)
        return JobState() if self._is_reported(code) else JobState(error=self._last_line() or f"exit code {code}")

    def _is_reported(self, code: int) -> bool:
        summary = self.folder / "last" / "summary.json"
        return code in (0, _OUTSIDE_THE_GATE) and summary.is_file() and summary.stat().st_mtime >= self._began_wall - 1

    def _progress(self) -> tuple[int, int, int]:
        try:
            read = json.loads((self.folder / "running" / "progress.json").read_text(encoding="utf-8"))
            return int(read["done"]), int(read["total"]), int(read["wrong"])
        except (OSError, ValueError, KeyError):  # not there yet, or being written
            return 0, 0, 0

    def _log(self) -> Path:
        return self.folder / "from-page.log"

    def _last_line(self) -> str:
        tail = self._log().read_bytes()[-_LOG_TAIL_BYTES:].decode("utf-8", "replace")
        return next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "")


@dataclass(frozen=True)
class Controls:
    """The job as visitors may use it. The buttons are hidden from those who may not, their events are not."""

    job: EvaluationJob
    may_run: Callable[[str | None], bool]
    """Whether a signed-in user (None: nobody signs in) may run an evaluation."""

    def start(self, user: str | None) -> None:
        if self.may_run(user):
            self.job.start()

    def stop(self, user: str | None) -> None:
        if self.may_run(user):
            self.job.stop()
