"""Workbooks: the tables of every sheet, divided at blank rows and columns, values as the sheet shows them.

`Place.sheet` is the sheet's name and `Place.lines` are its row numbers. openpyxl reads them because it alone gives
number formats and merged cells; a formula shows the result that was saved with it, or itself if none was saved.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ingest.archives import MAX_MEMBER_BYTES
from ingest.assemble import clean_title, make_document, metadata_block, stem
from ingest.errors import TooLargeError
from ingest.number_format import shown
from ingest.ooxml import damage_reported, properties
from ingest.tables import CAPTION_CHARS, Grid, build_tables, clean_cell, drop_empty, is_note
from kb.types import Block, Document, Place

MAX_CELLS = 1_000_000
_MAX_MERGED = 100_000  # cells; a larger area is a background, not a cell


@dataclass(slots=True)
class _Sheet:
    """The filled cells of a sheet by (row, column), 1-based; `merged` are those that repeat the cell to their left."""

    name: str
    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: set[tuple[int, int]] = field(default_factory=set)
    comments: dict[int, list[str]] = field(default_factory=dict)


def parse_xlsx(data: bytes, source: str) -> Document:
    """Every sheet, hidden ones marked as such. Charts and pictures are left out."""
    import warnings

    import openpyxl

    with damage_reported(source, "Excel"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about extensions of the format that do not matter for reading
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
        formulas = openpyxl.load_workbook(io.BytesIO(data), keep_links=False) if _lacks_results(data) else None
        blocks: list[Block] = []
        hidden: list[str] = []
        for sheet in book.worksheets:
            name = sheet.title
            if sheet.sheet_state != "visible":
                hidden.append(name)
            blocks.extend(_blocks(_read(sheet, formulas[name] if formulas else None, source), sheet.sheet_state != "visible"))
        fields = properties(book.properties)
    title = clean_title(fields.pop("title", "") or stem(source))
    if hidden:
        fields["hidden_sheets"] = ", ".join(hidden)
    head = metadata_block(fields, 1) if blocks else []
    return make_document(source, data, title, [*head, *blocks], fields)


def _lacks_results(data: bytes) -> bool:
    """Whether some formula was saved without its result, as programs other than Excel do."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.filename.startswith("xl/worksheets/") and member.file_size <= MAX_MEMBER_BYTES:
                if re.search(rb"</f>\s*(?:<v\s*/>|<v>\s*</v>|</c>)", archive.read(member)):
                    return True
    return False


def _read(sheet: Any, formulas: Any, source: str) -> _Sheet:
    read = _Sheet(sheet.title)
    for row in sheet.iter_rows():
        for cell in row:
            value = cell.value
            if value is None and formulas is not None:
                value = formulas.cell(cell.row, cell.column).value
            text = "" if value is None else clean_cell(shown(value, getattr(cell, "number_format", None)))
            if text:
                read.cells[cell.row, cell.column] = text
            if getattr(cell, "comment", None):
                read.comments.setdefault(cell.row, []).append(clean_cell(cell.comment.text))
        if len(read.cells) > MAX_CELLS:
            found = f"sheet {sheet.title!r} has more than {MAX_CELLS} filled cells"
            raise TooLargeError(f"{source}: {found}, the limit for one sheet; export the part that is needed as CSV")
    for area in sheet.merged_cells.ranges:
        _fill(read, area)
    return read


def _fill(read: _Sheet, area: Any) -> None:
    """Repeats a merged cell's text in the whole area."""
    text = read.cells.get((area.min_row, area.min_col), "")
    if not text or area.size["rows"] * area.size["columns"] > _MAX_MERGED:
        return
    for row in range(area.min_row, area.max_row + 1):
        for column in range(area.min_col, area.max_col + 1):
            read.cells[row, column] = text
            if column > area.min_col:
                read.merged.add((row, column))


def _blocks(sheet: _Sheet, hidden: bool) -> Iterator[Block]:
    """The tables and loose texts of a sheet. A short text right above a table is its caption, one right below its note."""
    headings = (f"{sheet.name} (隐藏工作表, hidden sheet)" if hidden else sheet.name,)
    pending: list[tuple[str, int]] = []
    made: list[Block] = []
    for first, last, left, right in _areas(sheet):
        rows = [[sheet.cells.get((row, column), "") for column in range(left, right + 1)] for row in range(first, last + 1)]
        numbers = list(range(first, last + 1))
        lead = _leading_texts(rows)
        pending.extend((text, numbers[index]) for index, text in enumerate(lead))
        rows, numbers = rows[len(lead) :], numbers[len(lead) :]
        if not rows:
            if made and made[-1].table is not None and pending and all(is_note(text) for text, _ in pending):
                made[-1] = _with_notes(made[-1], [text for text, _ in pending], pending[-1][1])
                pending.clear()
            continue
        trail = _leading_texts(rows[::-1])[::-1] if len(rows) > len(_leading_texts(rows[::-1])) else []
        rows, numbers = rows[: len(rows) - len(trail)], numbers[: len(numbers) - len(trail)]
        captions = [text for text, number in pending if len(text) <= CAPTION_CHARS and first - number <= 3]
        made.extend(_text_block(text, number, headings, sheet.name) for text, number in pending if text not in captions)
        start = min([numbers[0], *(number for text, number in pending if text in captions)])
        pending.clear()
        merged = tuple(tuple((row, column) in sheet.merged for column in range(left, right + 1)) for row in numbers)
        grid = drop_empty(Grid(tuple(map(tuple, rows)), merged, tuple(numbers)))
        notes = trail + [note for row in numbers for note in sheet.comments.get(row, [])]
        end = numbers[-1] + len(trail)
        tables = build_tables(grid, " / ".join(captions), notes)
        for index, table in enumerate(tables):
            low = start if index == 0 else min(table.row_lines, default=start)
            high = end if index == len(tables) - 1 else max(table.row_lines, default=low)
            made.append(Block("table", "", headings, Place((low, high), sheet=sheet.name), table))
    made.extend(_text_block(text, number, headings, sheet.name) for text, number in pending)
    yield from made


def _text_block(text: str, number: int, headings: tuple[str, ...], sheet: str) -> Block:
    return Block("paragraph", text, headings, Place((number, number), sheet=sheet))


def _with_notes(block: Block, notes: list[str], last: int) -> Block:
    assert block.table is not None
    table = replace(block.table, notes=(*block.table.notes, *notes))
    return replace(block, table=table, place=replace(block.place, lines=(block.place.lines[0], max(last, block.place.lines[1]))))


def _leading_texts(rows: list[list[str]]) -> list[str]:
    """The texts of the first rows that hold a single text each (titles, units), if fuller rows follow or nothing does."""
    texts = []
    for row in rows:
        filled = {cell for cell in row if cell}
        if len(filled) != 1 or (len(row) == 1 and len(rows) > 1):
            break
        texts.append(filled.pop())
    return texts


def _areas(sheet: _Sheet) -> Iterator[tuple[int, int, int, int]]:
    """(first row, last row, first column, last column) of each area of filled cells, in reading order."""
    by_row: dict[int, list[int]] = {}
    for row, column in sheet.cells:
        by_row.setdefault(row, []).append(column)
    for rows in _runs(sorted(by_row)):
        columns = sorted({column for row in rows for column in by_row[row]})
        for span in _runs(columns):
            inner = [row for row in rows if any(span[0] <= column <= span[-1] for column in by_row[row])]
            for part in _runs(inner):
                yield part[0], part[-1], span[0], span[-1]


def _runs(numbers: list[int]) -> list[list[int]]:
    """Consecutive numbers grouped."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups
