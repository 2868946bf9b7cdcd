"""Two ways of answering the same questions side by side: offline and with a language model, or two models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.outcome import Result
from eval.stats import percentile

_COLUMNS = ("mode", "n", "right", "untraced", "removed", "p50 s", "p95 s", "tokens in", "tokens out")


def side_by_side(before: Sequence[Result], after: Sequence[Result]) -> list[dict[str, Any]]:
    """One row a run over the cases that both have, where at least one of the two asked a model; empty otherwise.

    `untraced` counts answers that show a figure without evidence, `removed` what the checker took out before it was shown; tokens are
    per answer.
    """
    both = {(r.suite, r.id, r.key) for r in before} & {(r.suite, r.id, r.key) for r in after}
    runs = [[r for r in results if (r.suite, r.id, r.key) in both] for results in (before, after)]
    if not both or not any(r.usage or r.notice for r in runs[0] + runs[1]):
        return []
    return [_row(run) for run in runs]


def _row(results: Sequence[Result]) -> dict[str, Any]:
    times = [r.ms / 1000 for r in results if not r.failed]
    with_model = sum(r.mode == "llm" for r in results)
    asked = any(r.usage or r.notice for r in results)
    return {
        "mode": f"llm ({with_model} of {len(results)} in its words)" if asked else "offline",
        "n": len(results),
        "right": sum(r.correct for r in results),
        "untraced": sum(bool(r.untraced) for r in results),
        "removed": sum(r.unsupported_numbers for r in results),
        "p50 s": round(percentile(times, 0.5), 2),
        "p95 s": round(percentile(times, 0.95), 2),
        "tokens in": round(sum(r.usage.get("input_tokens", 0) for r in results) / len(results)),
        "tokens out": round(sum(r.usage.get("output_tokens", 0) for r in results) / len(results)),
    }


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows as aligned text."""
    cells = [list(_COLUMNS), *([str(row[name]) for name in _COLUMNS] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    ]
