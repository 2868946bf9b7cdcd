"""Tables without vertical rules in a PDF: lines whose segments stand below each other. Distances are in points."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.pdf_page import RuledTable, TextLine, join_wrapped
from ingest.tables import Grid, drop_empty, plain_grid


def aligned_rows(items: Sequence[TextLine | RuledTable], start: int) -> int:
    """Where a table without rules that starts here ends (exclusive); 0 if none starts."""
    end = start
    columns: list[tuple[float, float]] = []
    while end < len(items):
        line = items[end]
        if not isinstance(line, TextLine) or (end > start and line.top - items[end - 1].bottom > 2.2 * line.size):
            break
        if len(line.segments) < 2 and not (end > start and _fits_column(line, columns)):
            break
        merged = _merged_columns(columns, line)
        if merged is None:
            break
        columns = merged
        end += 1
    lines = [line for line in items[start:end] if isinstance(line, TextLine)]
    while lines and len(lines[-1].segments) < 2 and len(columns) > 2 and lines[-1].left <= columns[0][1]:
        lines.pop()  # a first cell alone at the end belongs to what follows
    full = [line for line in lines if len(line.segments) >= 2]
    if len(full) < 3 or len(columns) < 2:
        return 0
    cells = [text for line in full for _, _, text in line.segments]
    average = sum(map(len, cells)) / len(cells)
    numeric = sum(1 for cell in cells if re.search(r"\d", cell))
    if (
        average > 24
        or (len(columns) == 2 and numeric < 0.3 * len(cells))
        or sum(len(line.segments) for line in full) < 0.6 * len(columns) * len(full)
    ):
        return 0
    return start + len(lines)


def _fits_column(line: TextLine, columns: Sequence[tuple[float, float]]) -> bool:
    """Whether a lone segment is the second line of a cell right of the first column."""
    left, right, _ = line.segments[0]
    return any(left >= column[0] - 3 and right <= column[1] + 12 for column in columns[1:])


def _merged_columns(columns: Sequence[tuple[float, float]], line: TextLine) -> list[tuple[float, float]] | None:
    """The columns widened by a line's segments; None if a segment bridges two of them."""
    result = list(columns)
    for left, right, _ in line.segments:
        touching = [column for column in result if left < column[1] + 2 and right > column[0] - 2]
        if len(touching) > 1:
            return None
        if touching:
            result.remove(touching[0])
            left, right = min(left, touching[0][0]), max(right, touching[0][1])
        result.append((left, right))
    return sorted(result)


def aligned_grid(lines: Sequence[TextLine]) -> Grid:
    """The grid of such lines; a line without a first cell goes on with the row above."""
    columns: list[tuple[float, float]] = []
    for line in lines:
        columns = _merged_columns(columns, line) or columns
    rows: list[list[str]] = []
    numbers: list[int] = []
    for line in lines:
        row = [""] * len(columns)
        for left, right, text in line.segments:
            at = next((index for index, column in enumerate(columns) if left < column[1] + 2 and right > column[0] - 2), 0)
            row[at] = f"{row[at]} {text}".strip()
        if rows and not row[0] and any(rows[-1]) and sum(map(bool, row)) < len(columns) - 1:
            rows[-1] = [join_wrapped([above, below]) for above, below in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
            numbers.append(line.number)
    return drop_empty(plain_grid(rows, numbers))
