"""One writer at a time: a file lock that says who holds it. The kernel frees it when the holder dies, however it dies."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from kb.errors import IndexLockedError

LOCK_NAME = "write.lock"
_NOTE_NAME = "write.lock.json"
_POLL_S = 0.1


@contextmanager
def write_lock(home: Path, *, wait_s: float = 600.0, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the right to write to a data folder. `on_wait` hears once who is being waited for.

    Raises:
        IndexLockedError: somebody else still holds it after `wait_s` seconds.
    """
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if on_wait is not None and wait_s > 0:
            on_wait(f"waiting for {lock_holder(home)}")
        try:
            lock.acquire(timeout=max(0.0, wait_s), poll_interval=_POLL_S)
        except Timeout:
            raise IndexLockedError(
                f"the index in {home} is being written by {lock_holder(home)}; "
                f"still busy after {wait_s:.0f} s: try again when it has finished, or stop it"
            ) from None
    try:
        _leave_note(home)
        yield
    finally:
        lock.release()


def is_locked(home: Path) -> bool:
    """Whether some process is writing now."""
    if not (home / LOCK_NAME).exists():
        return False
    lock = FileLock(home / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def lock_holder(home: Path) -> str:
    """The holder in words, e.g. `process 4711 on host box (advisor ingest docs) since 2026-01-02 10:00:00`."""
    try:
        note = json.loads((home / _NOTE_NAME).read_text(encoding="utf-8"))
        since = datetime.fromtimestamp(note["since"]).strftime("%Y-%m-%d %H:%M:%S")
        return f"process {note['pid']} on host {note['host']} ({note['command']}) since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _leave_note(home: Path) -> None:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
    note = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "command": command}
    target = home / _NOTE_NAME
    draft = target.with_suffix(".tmp")
    try:
        draft.write_text(json.dumps(note), encoding="utf-8")
        draft.replace(target)
    except OSError:  # the note is a courtesy; a full disk is reported where it matters
        draft.unlink(missing_ok=True)
