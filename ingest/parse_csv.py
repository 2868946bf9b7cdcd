"""CSV and TSV: one table, its dialect and its header found from the data; lines above the header are captions."""

from __future__ import annotations

import csv
import io
from collections import Counter

from ingest.assemble import make_document, stem
from ingest.errors import DamagedFileError
from ingest.parse_text import decode, text_blocks
from ingest.tables import build_tables, clean_cell, plain_grid
from kb.types import Block, Document, Place

_DELIMITERS = ",\t;|，"
_SAMPLE_LINES = 50
_FIELD_LIMIT = 32 * 1024 * 1024


def parse_csv(data: bytes, source: str, charset: str | None = None) -> Document:
    """The rows as a table with exact line numbers; a file without any delimiter is read as plain text."""
    text = decode(data, source, charset)
    delimiter = _delimiter(text)
    title = stem(source)
    if not delimiter:
        return make_document(source, data, title, text_blocks(text, title), {})
    rows: list[list[str]] = []
    numbers: list[int] = []
    csv.field_size_limit(_FIELD_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    begin = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([clean_cell(cell) for cell in row])
                numbers.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DamagedFileError(
            f"{source}:{reader.line_num}: no CSV row ({error}); expected quotes to be closed. Export the file again"
        ) from None
    captions, start = _captions(rows)
    notes, end = _notes(rows, start)
    grid = plain_grid(rows[start:end], numbers[start:end])
    blocks = [
        Block(
            "table",
            "",
            (),
            Place((numbers[0] if index == 0 else min(table.row_lines), numbers[-1] if end == len(rows) else numbers[-1])),
            table,
        )
        for index, table in enumerate(build_tables(grid, " / ".join(captions), notes))
    ]
    return make_document(source, data, title, blocks, {})


def _delimiter(text: str) -> str:
    """The delimiter that divides most lines into the same number of fields, outside quotes; empty if none does."""
    lines = [line for line in text[:200_000].split("\n") if line.strip()][:_SAMPLE_LINES]
    best = (0.0, "")
    for delimiter in _DELIMITERS:
        try:
            counts = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        except csv.Error:
            continue
        width, times = max(
            ((width, times) for width, times in counts.items() if width > 1), key=lambda item: item[1] * item[0], default=(1, 0)
        )
        if width > 1 and times * 2 >= len(lines) or (width > 1 and len(lines) <= 3 and times >= 2):
            best = max(best, (times * min(width, 8), delimiter))
    return best[1]


def _captions(rows: list[list[str]]) -> tuple[list[str], int]:
    """Lines with a single field above the table."""
    start = 0
    while start < len(rows) - 2 and sum(1 for cell in rows[start] if cell) == 1 and sum(1 for cell in rows[start + 1] if cell) >= 1:
        start += 1
    while start and sum(1 for cell in rows[start] if cell) == 1:
        start -= 1
    return [next(cell for cell in row if cell) for row in rows[:start]], start


def _notes(rows: list[list[str]], start: int) -> tuple[list[str], int]:
    """Lines with a single field below the table."""
    end = len(rows)
    while end > start + 2 and sum(1 for cell in rows[end - 1] if cell) == 1 and len(rows[start]) > 1 and len(rows[end - 1]) <= 1:
        end -= 1
    return [next(cell for cell in row if cell) for row in rows[end:]], end
