"""Changing what is indexed from the page: the command people use, in a process of its own, one change at a time.

A process of its own gives its memory back and cannot take the page down; a document that fails leaves what was indexed before.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from channels.page.uploads import Uploads

_COUNT = re.compile(r"^\[(\d+)/(\d+)\] ")
_LOG_LINES = 200
_LITTLE_BYTES = 2 * 2**20


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that was not taken in, and why: a key of words.yaml with its values, or ingestion's own words."""

    name: str
    key: str = ""
    values: tuple[str, ...] = ()
    text: str = ""


@dataclass
class Change:
    """One change of the index and how far it is. `failed` grows while it runs; the other figures are final when `finished` is set."""

    kind: Literal["add", "remove"]
    names: tuple[str, ...]
    failed: list[Refused] = field(default_factory=list)
    waiting: bool = True
    done: int = 0
    total: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    """Documents by outcome: added, updated, unchanged, removed."""
    error: str = ""
    """The last line of a command that did not report."""
    finished: threading.Event = field(default_factory=threading.Event)


@dataclass
class LibraryJob:
    """Starts changes; each waits for the one before."""

    uploads: Uploads
    command: Sequence[str] = (sys.executable, "-m", "channels.cli.main", "ingest")
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def add(self, waiting: Sequence[Path], refused: Sequence[Refused] = ()) -> Change:
        """Put documents from the waiting room into the folder and index them."""
        change = Change("add", tuple(path.name for path in waiting), list(refused))
        self._start(change, lambda: self._add(change, waiting))
        return change

    def remove(self, source: str, path: str) -> Change:
        """Take a document out of the index; its file goes too if it was uploaded here. `path` is the manifest's."""
        change = Change("remove", (source,))
        self._start(change, lambda: self._remove(change, path))
        return change

    def _start(self, change: Change, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                with self._turn:
                    change.waiting = False
                    work()
            except OSError as error:
                change.error = f"{type(error).__name__}: {error.strerror or error}"
            finally:
                change.finished.set()

        threading.Thread(target=run, name="change-index", daemon=True).start()

    def _add(self, change: Change, waiting: Sequence[Path]) -> None:
        if not waiting:
            return
        folder = self.uploads.folder
        folder.mkdir(parents=True, exist_ok=True)
        kept: dict[Path, Path | None] = {}
        for path in waiting:
            place = folder / path.name
            before = path.with_name(f"{path.name}.before") if place.exists() else None
            if before is not None and place not in kept:
                place.replace(before)
            path.replace(place)
            kept.setdefault(place, before)
        failed = self._run(change, [str(place) for place in kept])
        for place, before in kept.items():
            if change.error or place.name in failed:
                # What was indexed of it before is still there; so is its file.
                place.unlink(missing_ok=True)
                if before is not None:
                    before.replace(place)
        for path in waiting:
            shutil.rmtree(path.parent, ignore_errors=True)

    def _remove(self, change: Change, path: str) -> None:
        self._run(change, [f"--remove={path}"])
        if not change.error and Path(path).parent == self.uploads.folder.resolve():
            Path(path).unlink(missing_ok=True)

    def _quick(self, arguments: Sequence[str]) -> dict[str, str]:
        """For little to read, the embedder that loads in a second rather than the one that is fastest once it has loaded."""
        from kb.settings import get_settings

        size = sum(os.path.getsize(path) for path in arguments if os.path.isfile(path))
        return {"ADVISOR_EMBED_BACKEND": "onnx"} if get_settings().embed_backend == "auto" and size < _LITTLE_BYTES else {}

    def _run(self, change: Change, arguments: list[str]) -> set[str]:
        """Run the command; the names of what failed."""
        variables = os.environ | {"ADVISOR_HOME": str(self.uploads.home)} | self._quick(arguments)
        process = subprocess.Popen(
            [*self.command, "--json", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        assert process.stdout is not None and process.stderr is not None
        said: list[str] = []
        with process, process.stdout, process.stderr:
            for line in process.stderr:
                said = [*said[-_LOG_LINES:], line.strip()]
                count = _COUNT.match(line)
                if count:
                    change.done, change.total = int(count[1]), int(count[2])
            report = process.stdout.read()
        return _read(change, report, said, process.returncode)


def _read(change: Change, report: str, said: Sequence[str], code: int) -> set[str]:
    try:
        documents = json.loads(report)["documents"]
    except (ValueError, KeyError, TypeError):
        change.error = next((line for line in reversed(said) if line), f"exit code {code}").removeprefix("advisor: ")
        return set()
    change.counts = {kind: int(documents[kind]) for kind in ("added", "updated", "unchanged", "removed")}
    failed = [(str(item["source"]), str(item["error"])) for item in documents["failed"]]
    change.failed += [Refused(source, text=error.removeprefix(f"{source}: ")) for source, error in failed]
    return {Path(source).name for source, _ in failed}
