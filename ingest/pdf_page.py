"""One page of a PDF: characters to lines, segments, columns and ruled tables, in reading order. Distances are in points."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.tables import Cell, Grid, fill_spans

_CELL_GAP = 1.1  # gap between segments of a line, in font sizes, from which they stand in different columns
_TEXT_SHARE = 0.8  # share of a page's or column's width that running text fills at least
_CID = re.compile(r"\(cid:\d+\)")
_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


@dataclass(slots=True)
class TextLine:
    """A line of one column: its segments are (left, right, text)."""

    segments: list[tuple[float, float, str]]
    top: float
    bottom: float
    size: float
    bold: bool = False
    number: int = 0
    edge: float = 0.0
    """The right edge that full lines of its column reach."""

    @property
    def text(self) -> str:
        """The whole line."""
        return " ".join(text for _, _, text in self.segments)

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.segments[0][0]

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.segments[-1][1]


@dataclass(slots=True)
class RuledTable:
    """A table with rules: its cells' grid; `lines` of the grid are row numbers until lines are numbered."""

    grid: Grid
    top: float
    bottom: float
    number: int = 0


@dataclass(slots=True)
class Page:
    """One page's lines and tables in reading order."""

    number: int
    width: float
    height: float
    items: list[TextLine | RuledTable] = field(default_factory=list)

    @classmethod
    def read(cls, page: Any, data: bytes) -> Page:
        """Reads a pdfplumber page."""
        result = cls(page.page_number, float(page.width), float(page.height))
        boxes: list[tuple[float, float, float, float]] = []
        for found in page.find_tables() if page.lines or page.rects or page.curves else []:
            grid = _ruled_grid(found)
            if grid is not None:
                boxes.append(found.bbox)
                result.items.append(RuledTable(grid, found.bbox[1], found.bbox[3]))
        words = page.extract_words(x_tolerance_ratio=0.18, y_tolerance=2.5, extra_attrs=["size", "fontname"], use_text_flow=False)
        words = [word for word in words if word.get("upright", True) and not any(_inside(word, box) for box in boxes)]
        joined = "".join(word["text"] for word in words)
        if len(_CID.findall(joined)) * 8 > 0.05 * max(1, len(joined)):
            result.items.extend(_fallback_lines(data, page.page_number))
        else:
            result.items.extend(_in_columns(_lines(words), result.width))
        if boxes:
            result.items = _merge_by_top(result.items)
        number = 1
        for item in result.items:
            item.number = number
            number += len(item.grid.rows) if isinstance(item, RuledTable) else 1
        return result


def _inside(word: Any, box: tuple[float, float, float, float]) -> bool:
    x, y = (word["x0"] + word["x1"]) / 2, (word["top"] + word["bottom"]) / 2
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def _ruled_grid(found: Any) -> Grid | None:
    """The cells with their spans, from their boxes; None for frames and figures."""
    rows = found.rows
    texts = found.extract()
    columns = sorted({round(edge, 0) for row in rows for cell in row.cells if cell for edge in (cell[0], cell[2])})
    edges = sorted({round(edge, 0) for row in rows for cell in row.cells if cell for edge in (cell[1], cell[3])})
    columns, edges = _close_merged(columns), _close_merged(edges)
    if len(columns) < 3 or len(edges) < 3:
        return None
    cells: list[list[Cell]] = []
    filled = 0
    for row, line in zip(rows, texts, strict=True):
        made = []
        for box, text in zip(row.cells, line, strict=True):
            if box is None:
                continue
            text = join_wrapped((text or "").split("\n"))
            filled += bool(text)
            made.append(Cell(text, _steps(edges, box[1], box[3]), _steps(columns, box[0], box[2])))
        cells.append(made)
    total = sum(len(row) for row in cells)
    if filled < 3 or filled < 0.3 * total:
        return None
    grid = fill_spans(cells, list(range(len(cells))))
    return Grid(grid.rows, grid.merged, grid.lines) if len(grid.rows) > 1 and len(grid.rows[0]) > 1 else None


def _close_merged(edges: list[float]) -> list[float]:
    kept: list[float] = []
    for edge in edges:
        if not kept or edge - kept[-1] > 3:
            kept.append(edge)
    return kept


def _steps(edges: list[float], low: float, high: float) -> int:
    return max(1, sum(1 for edge in edges if low + 3 < edge <= high + 3))


def join_wrapped(lines: Sequence[str]) -> str:
    """The lines of a cell or paragraph as one: Chinese without a blank between, other scripts with one."""
    text = ""
    for line in (line.strip() for line in lines):
        if not line:
            continue
        if text and not (_CJK.match(text[-1]) or _CJK.match(line[0])):
            text += "" if text.endswith("-") and line[0].islower() and text[-2:-1].isalpha() else " "
        text += line
    return text


def _lines(words: Sequence[Any]) -> list[TextLine]:
    """Words on one base line, joined to segments where they stand close."""
    rows: list[list[Any]] = []
    for word in sorted(words, key=lambda word: (word["bottom"], word["x0"])):
        if rows and abs(rows[-1][0]["bottom"] - word["bottom"]) <= 0.35 * max(1.0, word["size"]):
            rows[-1].append(word)
        else:
            rows.append([word])
    lines = []
    for row in rows:
        row.sort(key=lambda word: word["x0"])
        sizes: Counter[float] = Counter()
        segments: list[tuple[float, float, str]] = []
        bold = 0
        for word in row:
            text = word["text"]
            sizes[round(word["size"] * 2) / 2] += len(text)
            bold += len(text) if re.search(r"bold|black|heavy|hei(?!ght)", word["fontname"], re.IGNORECASE) else 0
            if segments and word["x0"] - segments[-1][1] <= _CELL_GAP * word["size"]:
                left, right, before = segments[-1]
                glue = "" if word["x0"] - right < 0.12 * word["size"] or (_CJK.match(before[-1]) and _CJK.match(text[0])) else " "
                segments[-1] = (left, word["x1"], before + glue + text)
            else:
                segments.append((word["x0"], word["x1"], text))
        total = sum(len(word["text"]) for word in row)
        lines.append(
            TextLine(
                segments,
                min(word["top"] for word in row),
                max(word["bottom"] for word in row),
                sizes.most_common(1)[0][0],
                bold * 2 > total,
            )
        )
    return lines


def _in_columns(lines: list[TextLine], width: float) -> list[TextLine]:
    """Lines of a page in two columns: left before right, between the lines that run across; other pages stay as they are."""
    gutter = _gutter(lines, width)
    if gutter is None:
        _set_edge(lines, _TEXT_SHARE * width)
        return lines
    ordered: list[TextLine] = []
    left: list[TextLine] = []
    right: list[TextLine] = []
    across: list[TextLine] = []
    sides: tuple[list[TextLine], list[TextLine]] = ([], [])
    for line in lines:
        parts = [[each for each in line.segments if each[1] <= gutter], [each for each in line.segments if each[0] >= gutter]]
        if len(parts[0]) + len(parts[1]) < len(line.segments):
            ordered += [*left, *right, line]
            left, right = [], []
            across.append(line)
            continue
        for column, side, segments in zip((left, right), sides, parts, strict=True):
            if segments:
                column.append(TextLine(segments, line.top, line.bottom, line.size, line.bold))
                side.append(column[-1])
    for group, least in zip((*sides, across), (_TEXT_SHARE * gutter, _TEXT_SHARE * width, _TEXT_SHARE * width), strict=True):
        _set_edge(group, least)
    return [*ordered, *left, *right]


def _set_edge(lines: Sequence[TextLine], least: float) -> None:
    """Gives lines the right edge that full lines of their column reach."""
    rights = sorted(line.right for line in lines)
    edge = max(least, rights[int(len(rights) * 0.95)]) if rights else least
    for line in lines:
        line.edge = edge


def _gutter(lines: Sequence[TextLine], width: float) -> float | None:
    """The middle of a vertical band near the page's middle that hardly any line crosses, with running text on both sides."""
    if len(lines) < 12:
        return None
    best: tuple[float, float, float] | None = None
    for step in range(80, 121):
        x = width * step / 200
        crossing = sum(1 for line in lines for left, right, _ in line.segments if left < x - 4 and right > x + 4)
        lefts = [text for line in lines for left, right, text in line.segments if right <= x + 4]
        rights = [text for line in lines for left, right, text in line.segments if left >= x - 4]
        if crossing <= 0.2 * len(lines) and min(len(lefts), len(rights)) >= 0.4 * len(lines):
            if all(sum(map(len, side)) / len(side) > 14 for side in (lefts, rights)):
                best = min(best or (crossing, width, x), (crossing, abs(x - width / 2), x))
    return best[2] if best else None


def _merge_by_top(items: list[TextLine | RuledTable]) -> list[TextLine | RuledTable]:
    """Tables put before the first line that stands below their top."""
    tables = sorted((item for item in items if isinstance(item, RuledTable)), key=lambda table: table.top)
    merged: list[TextLine | RuledTable] = []
    for item in items:
        if isinstance(item, RuledTable):
            continue
        while tables and tables[0].top < item.top:
            merged.append(tables.pop(0))
        merged.append(item)
    return [*merged, *tables]


def _fallback_lines(data: bytes, number: int) -> list[TextLine]:
    """The page's lines as pdfium reads them, for fonts without a usable mapping to characters."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    try:
        text = document[number - 1].get_textpage().get_text_range()
    finally:
        document.close()
    return [
        TextLine([(0.0, 100.0, line.strip())], 12.0 * at, 12.0 * at + 10, 10.0) for at, line in enumerate(text.splitlines()) if line.strip()
    ]
