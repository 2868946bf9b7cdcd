"""What people see of an ingestion, on stderr: a bar on a terminal, one line a document otherwise."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Reporter(Protocol):
    """Hears what ingestion does. `total` and `done` count documents; `done` may be a fraction while one is embedded."""

    def message(self, text: str) -> None: ...

    def start(self, total: int) -> None: ...

    def working(self, source: str, done: float) -> None: ...

    def finished(self, source: str, outcome: str, chunk_count: int) -> None: ...

    def failed(self, source: str, error: str) -> None: ...

    def stop(self) -> None: ...


class SilentReporter:
    """Says nothing."""

    def message(self, text: str) -> None:
        """Ignored."""

    def start(self, total: int) -> None:
        """Ignored."""

    def working(self, source: str, done: float) -> None:
        """Ignored."""

    def finished(self, source: str, outcome: str, chunk_count: int) -> None:
        """Ignored."""

    def failed(self, source: str, error: str) -> None:
        """Ignored."""

    def stop(self) -> None:
        """Ignored."""


class LineReporter(SilentReporter):
    """One line a document, for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total = 0
        self._done = 0
        self._began = time.monotonic()

    def message(self, text: str) -> None:
        """A line of its own."""
        print(text, file=self._stream, flush=True)

    def start(self, total: int) -> None:
        """Begin counting."""
        self._total, self._done, self._began = total, 0, time.monotonic()

    def finished(self, source: str, outcome: str, chunk_count: int) -> None:
        """`[3/20] added docs/a.md (12 chunks)`."""
        self._done += 1
        self.message(f"[{self._done}/{self._total}] {outcome} {one_line(source)} ({chunk_count} chunks)")

    def failed(self, source: str, error: str) -> None:
        """The error names its source."""
        self._done += 1
        self.message(f"[{self._done}/{self._total}] failed {named(source, error)}")


class BarReporter(SilentReporter):
    """A bar with the document at work, documents a second and the remaining time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._done = 0.0

    def message(self, text: str) -> None:
        """Above the bar."""
        if self._progress is not None:
            self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=self._stream, flush=True)

    def start(self, total: int) -> None:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
        from rich.table import Column
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Task) -> Text:
                speed = task.finished_speed or task.speed
                return Text(f"{speed:.1f} docs/s" if speed else "- docs/s")

        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"), markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            expand=True,
        )
        self._task = self._progress.add_task("", total=total)
        self._done = 0.0
        self._progress.start()

    def working(self, source: str, done: float) -> None:
        """Name the document; move the bar within it."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=one_line(source), completed=max(self._done, done))

    def finished(self, source: str, outcome: str, chunk_count: int) -> None:
        """One further."""
        self._advance(source)

    def failed(self, source: str, error: str) -> None:
        """One further, and the error stays above the bar."""
        self._advance(source)
        self.message(f"failed {named(source, error)}")

    def stop(self) -> None:
        """Leave the terminal as it was."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _advance(self, source: str) -> None:
        self._done += 1
        self.working(source, self._done)


def reporter_for(stream: TextIO | None = None) -> Reporter:
    """A bar where somebody watches, lines where nobody does."""
    chosen = stream or sys.stderr
    return BarReporter(chosen) if chosen.isatty() else LineReporter(chosen)


def one_line(text: str) -> str:
    """File names may hold anything, newlines and terminal codes included; shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def named(source: str, error: str) -> str:
    """`source: error`, once, on one line."""
    text = error if error.startswith(source) else f"{source}: {error}"
    return one_line(" ".join(text.split("\n")) if source.isprintable() else text)
