"""The runs of a data folder: one under way, the last finished one, and the one before it, which it is compared with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Folders:
    """Under ADVISOR_HOME/eval. `last` stays whole until the next run is finished, so that a page can go on showing it."""

    root: Path

    @classmethod
    def of(cls, home: Path) -> Folders:
        return cls(home / "eval")

    @property
    def running(self) -> Path:
        return self.root / "running"

    @property
    def last(self) -> Path:
        return self.root / "last"

    @property
    def previous(self) -> Path:
        return self.root / "previous"

    def publish(self) -> None:
        """The run under way is finished: it becomes the last one, and the last one the previous."""
        if self.last.exists():
            shutil.rmtree(self.previous, ignore_errors=True)
            self.last.rename(self.previous)
        self.running.rename(self.last)


@contextmanager
def only_one(folders: Folders) -> Iterator[None]:
    """Raises `UsageError` while another process evaluates into the same data folder."""
    from filelock import FileLock, Timeout

    folders.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folders.root / "running.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(f"another evaluation of {folders.root.parent} is running; wait for it, or give another --out") from None
    try:
        yield
    finally:
        lock.release()
