"""What a benchmark returns and how it is printed: a titled table with the conditions it was measured under."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from eval.stats import percentile, wilson_interval

_T = TypeVar("_T")


@dataclass(slots=True)
class Table:
    """Rows of cells under a header; `notes` are printed below."""

    title: str
    header: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The table as Markdown."""
        widths = [max(len(str(row[i])) for row in [self.header, *self.rows]) for i in range(len(self.header))]
        lines = [
            "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
            for row in [self.header, *self.rows]
        ]
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"## {self.title}", "", lines[0], rule, *lines[1:], *([""] if notes else []), *notes, ""])

    def as_json(self) -> str:
        """The table as one JSON object."""
        rows = [dict(zip(self.header, row, strict=True)) for row in self.rows]
        return json.dumps({"title": self.title, "rows": rows, "notes": self.notes}, ensure_ascii=False)


def share(successes: int, total: int) -> str:
    """A share with its 95% Wilson interval, e.g. `0.982 (0.972-0.989)`."""
    if not total:
        return "-"
    low, high = wilson_interval(successes, total)
    return f"{successes / total:.3f} ({low:.3f}-{high:.3f})"


def p50_p95(seconds: Sequence[float]) -> tuple[str, str]:
    """Median and 95th percentile in milliseconds."""
    return f"{percentile(seconds, 0.5) * 1000:.1f}", f"{percentile(seconds, 0.95) * 1000:.1f}"


def timed(action: Callable[[], _T]) -> tuple[_T, float]:
    """The result and the seconds it took."""
    began = time.perf_counter()
    result = action()
    return result, time.perf_counter() - began


def each_timed(action: Callable[[_T], object], inputs: Iterable[_T]) -> list[float]:
    """Seconds of each call."""
    return [timed(lambda value=value: action(value))[1] for value in inputs]  # type: ignore[misc]
