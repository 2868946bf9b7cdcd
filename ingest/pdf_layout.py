"""From the lines and tables of all pages to headings, paragraphs, lists and tables, without running titles.

Sizes are compared with the size that most of the document's text has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ingest.pdf_aligned import aligned_grid, aligned_rows
from ingest.pdf_page import Page, RuledTable, TextLine, join_wrapped
from ingest.pieces import Line, Piece, Run
from ingest.tables import Grid, build_tables
from kb.types import Table

_HEADING_RATIO = 1.12
_HEADING_CHARS = 80
_RUNNING_BAND = 0.09  # share of the page's height at its top and bottom where running titles stand
_BULLET = re.compile(r"^(?:[•●○■□▪◦‣·–\-*➢✓]\s*|[（(]\d{1,2}[)）]|\d{1,2}[.、)）]\s?(?!\d)|[①-⑳])")
_CLOSED = re.compile(r"[。！？!?.；;：:][”’\"')）】]*$")
_NUMBERED = re.compile(r"^(?:第[\d一二三四五六七八九十百]+[章节篇]|[一二三四五六七八九十]+、|\d{1,2}(?:\.\d{1,2}){0,3}[\s.、]\s*\S)")
_LEADER = re.compile(r"(?:\.\s?){5,}\s*(?:\d+|[ivxlc]+)$|…{2,}\s*\d+$|·{5,}\s*\d+$")


def document_pieces(pages: Sequence[Page]) -> tuple[list[Piece], str]:
    """The pieces of all pages without running titles and page numbers, and the title (the first page's largest line)."""
    from ingest.assemble import attach_captions

    running = _running_titles(pages)
    for page in pages:
        leaders = sum(1 for item in page.items if isinstance(item, TextLine) and _LEADER.search(item.text))
        page.items = [
            item
            for item in page.items
            if isinstance(item, RuledTable)
            or not (_in_band(item, page) and _running_key(item.text) in running or leaders >= 3 and _LEADER.search(item.text))
        ]
    body = _body_size(pages)
    sizes = sorted(
        {item.size for page in pages for item in page.items if isinstance(item, TextLine) and _is_large(item, body)}, reverse=True
    )
    title = _title(pages, body)
    pieces: list[Piece] = []
    for page in pages:
        made = attach_captions(_Builder(page, body, sizes).build())
        _continue_paragraph(pieces, made)
        _continue_table(pieces, made)
        pieces.extend(made)
    return pieces, title


def _body_size(pages: Sequence[Page]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for item in page.items:
            if isinstance(item, TextLine):
                sizes[item.size] += len(item.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def _is_large(line: TextLine, body: float) -> bool:
    return line.size >= body * _HEADING_RATIO and len(line.text) <= _HEADING_CHARS


def _title(pages: Sequence[Page], body: float) -> str:
    lines = [item for item in pages[0].items if isinstance(item, TextLine)] if pages else []
    large = max((line.size for line in lines), default=0.0)
    later = any(isinstance(item, TextLine) and item.size >= large and _is_large(item, body) for page in pages[1:] for item in page.items)
    if large < body * 1.3 or later:  # sections in the same size: the document has no title of its own
        return ""
    first = next(index for index, line in enumerate(lines) if line.size == large)
    parts = [lines[first].text]
    while first + 1 < len(lines) and lines[first + 1].size == large and len(parts) < 3 and len("".join(parts)) < 60:
        first += 1
        parts.append(lines[first].text)
    return join_wrapped(parts)


def _running_key(text: str) -> str:
    return re.sub(r"[\s\d]+|[一二三四五六七八九十]+(?=页)|\b[ivxlc]+\b", "#", text.strip().lower())


def _in_band(line: TextLine, page: Page) -> bool:
    return line.bottom <= page.height * _RUNNING_BAND or line.top >= page.height * (1 - _RUNNING_BAND)


def _running_titles(pages: Sequence[Page]) -> set[str]:
    """Lines that stand at the edge of many pages, apart from their numbers; a bare page number always."""
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({_running_key(item.text) for item in page.items if isinstance(item, TextLine) and _in_band(item, page)})
    often = {key for key, count in seen.items() if count >= 3 and count >= 0.3 * len(pages)}
    return (
        often
        | {"#", "-#-", "第#页", "page #", "page#", "#/#", "第#页共#页", "第#页/共#页"}
        | {key for key in seen if re.fullmatch(r"第#页.{0,3}(?:共#页)?", key)}
    )


class _Builder:
    """One page's items to pieces."""

    def __init__(self, page: Page, body: float, sizes: list[float]) -> None:
        self.page = page
        self.body = body
        self.sizes = sizes
        self.pieces: list[Piece] = []
        self.open: list[TextLine] = []

    def build(self) -> list[Piece]:
        items = self.page.items
        index = 0
        while index < len(items):
            item = items[index]
            if isinstance(item, RuledTable):
                self._close()
                grid = Grid(item.grid.rows, item.grid.merged, tuple(line + item.number for line in item.grid.lines))
                self._tables(grid, item.number, item.number + len(grid.rows) - 1)
                index += 1
                continue
            end = aligned_rows(items, index)
            if end:
                self._close()
                lines = [line for line in items[index:end] if isinstance(line, TextLine)]
                self._tables(aligned_grid(lines), lines[0].number, lines[-1].number)
                index = end
                continue
            self._line(item)
            index += 1
        self._close()
        return self.pieces

    def _tables(self, grid: Grid, first: int, last: int) -> None:
        for table in build_tables(grid):
            self.pieces.append(Piece("table", [], first, last, table=table, page=self.page.number))

    def _line(self, line: TextLine) -> None:
        level = self._level(line)
        if level:
            previous = self.pieces[-1] if self.pieces and not self.open else None
            if (
                previous is not None
                and previous.kind == "heading"
                and previous.level == level
                and previous.last == line.number - 1
                and self._continues(previous, line)
            ):
                previous.lines.append(Line([Run(line.text)], line.number))
                previous.last = line.number
                return
            self._close()
            self.pieces.append(
                Piece("heading", [Line([Run(line.text)], line.number)], line.number, line.number, level, page=self.page.number)
            )
            return
        if self.open and self._starts_new(self.open[-1], line):
            self._close()
        self.open.append(line)

    def _level(self, line: TextLine) -> int:
        text = line.text.strip()
        if len(line.segments) > 2 or not re.search(r"[^\W\d]", text):
            return 0
        if _is_large(line, self.body) and not re.search(r"[。；;，,]$", text):
            return min(6, 1 + self.sizes.index(line.size))
        if (
            line.bold
            and len(text) <= 40
            and not re.search(r"[。；;，,.:：]$", text)
            and _NUMBERED.match(text)
            and line.right < line.edge * 0.85
        ):
            return 7
        return 0

    @staticmethod
    def _continues(previous: Piece, line: TextLine) -> bool:
        return len(previous.text) > 20 and not _NUMBERED.match(line.text)

    def _starts_new(self, previous: TextLine, line: TextLine) -> bool:
        gap = line.top - previous.bottom
        if gap > 0.9 * line.size or gap < -3 * line.size or abs(line.size - previous.size) > 0.15 * line.size:
            return True
        if _BULLET.match(line.text):
            return True
        short = previous.right < previous.edge - 2.5 * line.size
        indented = line.left > self.open[0].left + 1.2 * line.size and len(self.open) > 1
        return (short and bool(_CLOSED.search(previous.text))) or (indented and bool(_CLOSED.search(previous.text)))

    def _close(self) -> None:
        if not self.open:
            return
        lines = [Line([Run(line.text)], line.number) for line in self.open]
        first, last = self.open[0].number, self.open[-1].number
        previous = self.pieces[-1] if self.pieces else None
        if _BULLET.match(self.open[0].text):
            lines[0].forced = True
            if previous is not None and previous.kind == "list" and previous.last >= first - 1:
                previous.lines.extend(lines)
                previous.last = last
            else:
                self.pieces.append(Piece("list", lines, first, last, page=self.page.number))
        else:
            self.pieces.append(Piece("paragraph", lines, first, last, page=self.page.number))
        self.open = []


def _continue_paragraph(before: list[Piece], after: list[Piece]) -> None:
    """A sentence that runs over the page's end is joined; it is cited by the page where it begins."""
    if not before or not after or before[-1].kind != "paragraph" or after[0].kind != "paragraph":
        return
    text = before[-1].text
    if _CLOSED.search(text) or len(text) < 20:
        return
    first = after.pop(0)
    number = before[-1].lines[-1].number
    for line in first.lines:
        line.number = number
    before[-1].lines.extend(first.lines)


def _continue_table(before: list[Piece], after: list[Piece]) -> None:
    """A table that goes on at the top of the next page gets the header and caption of its first part."""
    if not before or not after or before[-1].table is None or after[0].table is None:
        return
    first, second = before[-1].table, after[0].table
    if len(first.header) != len(second.header) or not any(first.header) or first.header == second.header:
        if first.header == second.header and not second.caption:
            after[0].table = Table(second.header, second.rows, second.row_lines, first.caption, second.notes)
        return
    if _like_data(second.header, first):
        line = after[0].first
        rows = ((*second.header,), *second.rows) if any(second.header) else second.rows
        lines = (line, *second.row_lines) if any(second.header) else second.row_lines
        after[0].table = Table(first.header, rows, lines, first.caption, (*first.notes, *second.notes))


def _like_data(header: Sequence[str], first: Table) -> bool:
    """Whether what was taken for a header looks like one more row: digits in the columns where the rows above have them."""
    numeric = [any(re.search(r"\d", row[column]) for row in first.rows) for column in range(len(first.header))]
    return not any(header) or any(wanted and re.search(r"\d", cell) for wanted, cell in zip(numeric, header, strict=True))
