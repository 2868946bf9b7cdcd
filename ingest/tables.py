"""Tables from any format: merged cells filled in, headers flattened to one row, captions, units and notes kept with them.

A grid is a list of rows of text, all of one length. The parsers of the formats know where cells are; what a row *is*
(header, title, group line, data, note) is decided here, once, the same way for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kb.types import Table

CAPTION_CHARS = 120
NOTE_CHARS = 300
ROW_NOTE_CHARS = 120  # a longer note stays with the whole table and is not repeated in every row
MAX_SPAN = 200  # a hostile page may claim a cell a million columns wide

_NUMBER = re.compile(r"\d")
_UNIT = re.compile(
    r"(单位|币种|计价|货币|以.{1,8}计|\bunits?\b|\bprices?\s+(?:are\s+)?(?:in|per)\b|\bper\s+[\d,.]*\s*(?:k|m|million|thousand|tokens?)\b|\b(?:usd|cny|rmb)\b)",
    re.IGNORECASE,
)
_CAPTION = re.compile(r"^(?:表|表格|附表|图表|table|tab\.|exhibit)\s*[\d一二三四五六七八九十A-Z.\-]*[\s:：.、]?", re.IGNORECASE)
_NOTE = re.compile(
    r"^(?:[*＊※†‡]|\[\d+\]|[①-⑳]|\(\d\)\s|（\d）|注\s*\d*\s*[:：、.]|备注|附注|说明|说明书?[:：]|参考|来源|数据来源|资料来源|提示"
    r"|notes?\b|source\b|remarks?\b|footnotes?\b|n\.?b\.?\b)",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"^\W*(?:参考|来源|数据来源|资料来源|source|see|https?:)", re.IGNORECASE)
_MARK = re.compile(r"^([*＊※†‡]+|\[\d+\]|[①-⑳])")
_VALUE = re.compile(r"^[\s$¥￥€£<>≤≥~≈+\-−(（]*\d[\d,.]*\s*(?:%|[a-zA-Z$¥￥/\u4e00-\u9fff°.]{0,16})\)?$")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as written: its text, how many rows and columns it covers, whether the format marks it as a header."""

    text: str
    rows: int = 1
    columns: int = 1
    header: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A filled rectangle. `merged[r][c]` tells that the text came from the cell to the left; `header_rows` is what the format says."""

    rows: tuple[tuple[str, ...], ...]
    merged: tuple[tuple[bool, ...], ...]
    lines: tuple[int, ...]
    header_rows: int | None = None


def clean_cell(text: str) -> str:
    """A cell's text on one line."""
    return " ".join(text.replace("\u200b", "").split())


def fill_spans(rows: Sequence[Sequence[Cell]], lines: Sequence[int]) -> Grid:
    """Repeats every merged cell's text in all the places that it covers, so that each row can be read alone."""
    filled: list[dict[int, tuple[str, bool, bool]]] = [{} for _ in rows]
    for index, row in enumerate(rows):
        column = 0
        for cell in row:
            while column in filled[index]:
                column += 1
            text = clean_cell(cell.text)
            for down in range(max(1, min(cell.rows, MAX_SPAN, len(rows) - index))):
                for right in range(max(1, min(cell.columns, MAX_SPAN))):
                    filled[index + down].setdefault(column + right, (text, right > 0, cell.header))
            column += max(1, min(cell.columns, MAX_SPAN))
    width = max((max(row) + 1 for row in filled if row), default=0)
    blank = ("", False, False)
    texts = tuple(tuple(row.get(column, blank)[0] for column in range(width)) for row in filled)
    merged = tuple(tuple(row.get(column, blank)[1] for column in range(width)) for row in filled)
    headers = 0
    for found in filled:
        marks = [cell[2] for cell in found.values() if cell[0]]
        if not marks or not all(marks):
            break
        headers += 1
    known = headers if 0 < headers < len(filled) else None
    if headers == 0 and len(filled) > 1 and width > 1 and all(row.get(0, blank)[2] and not row.get(width - 1, blank)[2] for row in filled):
        known = 0  # labels down the first column, none across
    return drop_empty(Grid(texts, merged, tuple(lines), known))


def drop_empty(grid: Grid) -> Grid:
    """The grid without rows and columns that hold nothing."""
    rows = [index for index, row in enumerate(grid.rows) if any(row)]
    columns = [column for column in range(len(grid.rows[0]) if grid.rows else 0) if any(row[column] for row in grid.rows)]
    return Grid(
        tuple(tuple(grid.rows[index][column] for column in columns) for index in rows),
        tuple(tuple(grid.merged[index][column] for column in columns) for index in rows),
        tuple(grid.lines[index] for index in rows),
        None if grid.header_rows is None else sum(1 for index in rows if index < grid.header_rows),
    )


def plain_grid(rows: Sequence[Sequence[str]], lines: Sequence[int], header_rows: int | None = None) -> Grid:
    """A grid of rows without merged cells; shorter rows are padded."""
    width = max((len(row) for row in rows), default=0)
    texts = tuple(tuple(clean_cell(cell) for cell in row) + ("",) * (width - len(row)) for row in rows)
    return drop_empty(Grid(texts, tuple((False,) * width for _ in rows), tuple(lines), header_rows))


def build_tables(grid: Grid, caption: str = "", notes: Sequence[str] = ()) -> list[Table]:
    """The tables of a grid: usually one; one a group where lines across the whole width divide it.

    A line across the whole width at the top is a caption, at the bottom a note, in between the name of the rows that follow.
    """
    rows, merged, lines = list(grid.rows), list(grid.merged), list(grid.lines)
    header_rows = grid.header_rows
    captions = [caption] if caption else []
    found_notes: list[str] = []
    while len(rows) > 1 and _is_across(rows[0], merged[0]):
        captions.append(next(filter(None, rows[0])))
        rows, merged, lines = rows[1:], merged[1:], lines[1:]
        header_rows = max(0, header_rows - 1) or None if header_rows is not None else None
    while len(rows) > 2 and _is_across(rows[-1], merged[-1]) and (_NOTE.match(_only(rows[-1])) or _UNIT.search(_only(rows[-1]))):
        found_notes.insert(0, _only(rows[-1]))
        rows, merged, lines = rows[:-1], merged[:-1], lines[:-1]
    if not rows:
        return []
    count = header_count(rows, merged) if header_rows is None else header_rows
    header = flatten_header(rows[:count], len(rows[0]))
    groups: list[tuple[str, list[tuple[str, ...]], list[int]]] = [("", [], [])]
    for row, marks, line in zip(rows[count:], merged[count:], lines[count:], strict=True):
        if _is_across(row, marks) and any(marks):
            groups.append((_only(row), [], []))
        else:
            groups[-1][1].append(row)
            groups[-1][2].append(line)
    tables = []
    whole = tuple(notes) + tuple(found_notes)
    for name, body, numbers in groups:
        if not body and name:
            captions.append(name)  # a line across with no rows of its own speaks for what follows
            continue
        if body or len(groups) == 1:
            tables.append(Table(header, tuple(body), tuple(numbers), " / ".join(filter(None, [*captions, name])), whole))
    return tables


def header_count(rows: Sequence[Sequence[str]], merged: Sequence[Sequence[bool]]) -> int:
    """How many of the first rows are headers, where the format does not say: labels over values, more than one where cells span."""
    if len(rows) < 2:
        return 0
    first = [cell for cell in rows[0] if cell]
    if not first or sum(bool(_VALUE.match(cell)) for cell in first) * 2 > len(first):
        return 0
    if any(len(cell) > 60 for cell in first):
        return 0
    count = 1
    while count < min(4, len(rows) - 1) and any(merged[count - 1]):
        labels = [cell for cell in rows[count] if cell]
        if any(_VALUE.match(cell) for cell in labels) or not labels:
            break
        count += 1
    return count


def flatten_header(rows: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """One label a column: "Price / Input" for a two-row header; a label that only repeats the one above is said once."""
    labels = []
    for column in range(width):
        parts: list[str] = []
        for row in rows:
            if row[column] and (not parts or parts[-1] != row[column]):
                parts.append(row[column])
        labels.append(" / ".join(parts))
    return tuple(labels)


def is_caption(text: str) -> bool:
    """Whether a short paragraph right above a table names it or gives its unit."""
    if not text or len(text) > CAPTION_CHARS or "\n" in text:
        return False
    return bool(_CAPTION.match(text) and len(text) <= 60) or text.endswith((":", "：")) or bool(_UNIT.search(text) and len(text) <= 60)


def is_note(text: str) -> bool:
    """Whether a paragraph right below a table is its footnote: marked as one, or a unit on a line of its own."""
    if not text or len(text) > NOTE_CHARS:
        return False
    return bool(_NOTE.match(text)) or (len(text) <= 60 and bool(re.match(r"^[(（]?(?:单位|unit|prices?)\b", text, re.IGNORECASE)))


def markdown(table: Table, first: int = 0, last: int | None = None) -> str:
    """The table as shown: caption, header and rows as Markdown, then the notes."""
    width = max(len(table.header), max((len(row) for row in table.rows[first:last]), default=0))
    lines = [table.caption] if table.caption else []
    lines.append(_markdown_row(table.header, width))
    lines.append("|" + " --- |" * width)
    lines.extend(_markdown_row(row, width) for row in table.rows[first:last])
    lines.extend(table.notes)
    return "\n".join(lines)


def row_statement(table: Table, index: int) -> str:
    """One row as a sentence of its own: "header: value; header: value"; a value without header stands alone."""
    parts = []
    row = table.rows[index]
    if not any(table.header) and len(row) > 1 and row[0]:
        return f"{row[0]}: " + "; ".join(filter(None, row[1:]))
    for column, value in enumerate(row):
        if not value:
            continue
        label = table.header[column] if column < len(table.header) else ""
        parts.append(f"{label}: {value}" if label and label != value else value)
    return "; ".join(parts)


def row_notes(table: Table, index: int, notes: Sequence[tuple[str, str]]) -> list[str]:
    """Those of `carried_notes` that hold for one row."""
    return [note for note, mark in notes if not mark or any(mark in cell for cell in table.rows[index])]


def carried_notes(table: Table) -> list[tuple[str, str]]:
    """The notes that rows carry: each with the mark that a row must bear, or with none if it holds for all rows."""
    carried = []
    for note in table.notes:
        if len(note) > ROW_NOTE_CHARS or _REFERENCE.match(note):
            continue
        found = _MARK.match(note)
        mark = found[1] if found else ""
        somewhere = bool(mark) and any(mark in cell for row in table.rows for cell in row) and mark not in "".join(table.header)
        carried.append((note, mark if somewhere else ""))
    return carried


def _markdown_row(row: Sequence[str], width: int) -> str:
    cells = [cell.replace("|", "\\|") for cell in row] + [""] * (width - len(row))
    return "| " + " | ".join(cells) + " |"


def _only(row: Sequence[str]) -> str:
    return next(filter(None, row), "")


def _is_across(row: Sequence[str], merged: Sequence[bool]) -> bool:
    """One text over the whole width (merged), or alone in its row in a table of three columns or more."""
    texts = [cell for cell in row if cell]
    if len(row) < 2 or not texts:
        return False
    if all(cell == texts[0] for cell in row) and any(merged):
        return sum(merged) == len(row) - 1
    return len(texts) == 1 and bool(row[0]) and len(row) >= 3
