"""Word documents: paragraphs, lists and tables in reading order, with tracked insertions, text boxes and footnotes.

python-docx opens the package; the body is walked as XML, because its own iterators leave out content controls, tracked
insertions and text boxes. `Place.lines` counts paragraphs and table rows from 1; the page is given where Word saved one.
"""

from __future__ import annotations

import io
import re
from typing import Any

from ingest.assemble import clean_title, from_pieces, metadata_block
from ingest.ooxml import damage_reported, properties
from ingest.pieces import Line, Piece, Run
from ingest.tables import Cell, build_tables, fill_spans
from kb.types import Document

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_HEADING = re.compile(r"^(?:heading|标题|überschrift|titre|見出し)\s*(\d)$", re.IGNORECASE)
_HYPERLINK = f"{_W}hyperlink"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def parse_docx(data: bytes, source: str) -> Document:
    """The document in reading order; comments, deleted text, page headers and footers are left out."""
    import docx

    with damage_reported(source, "Word"):
        package = docx.Document(io.BytesIO(data))
        walker = _Walker(package)
        walker.container(package.element.body)
        walker.footnotes()
        fields = properties(package.core_properties)
    title = clean_title(walker.title or fields.get("title", ""))
    fields.pop("title", None)
    return from_pieces(source, data, walker.pieces, fields, title=title, web=False, head=metadata_block(fields, 1))


class _Walker:
    def __init__(self, package: Any) -> None:
        self.package = package
        self.pieces: list[Piece] = []
        self.number = 0
        self.page = 1
        self.has_pages = next(package.element.body.iter(f"{_W}lastRenderedPageBreak"), None) is not None
        self.title = ""
        self.styles = {style.style_id: style for style in package.styles if style.style_id}
        self.counters: dict[tuple[str, int], int] = {}

    def container(self, element: Any) -> None:
        """Paragraphs, tables and what content controls wrap."""
        for child in element:
            if child.tag == f"{_W}p":
                self._paragraph(child)
            elif child.tag == f"{_W}tbl":
                self._table(child)
            elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}smartTag", f"{_W}customXml"):
                self.container(child)

    def _paragraph(self, element: Any) -> None:
        self.number += 1
        page = self.page
        if self.has_pages:
            breaks = sum(1 for _ in element.iter(f"{_W}lastRenderedPageBreak"))
            self.page += breaks
            first = next((child.tag for child in element.iter() if child.tag in (f"{_W}t", f"{_W}lastRenderedPageBreak")), "")
            page = page + 1 if breaks and first.endswith("lastRenderedPageBreak") else page
        boxes = [box for box in element.iter(f"{_W}txbxContent") if not _inside(box, _MC_FALLBACK, element)]
        lines = self._lines(element)
        if any(line.text for line in lines):
            self._add(element, lines, page if self.has_pages else None)
        for box in boxes:
            self.container(box)

    def _add(self, element: Any, lines: list[Line], page: int | None) -> None:
        level, is_title = self._heading_level(element)
        text = " ".join(line.text for line in lines)
        if is_title and not self.title:
            self.title = text
            self.pieces.append(Piece("heading", lines, self.number, self.number, 1, page=page))
            return
        if level:
            self.pieces.append(Piece("heading", lines, self.number, self.number, level, page=page))
            return
        mark = self._list_mark(element)
        if mark:
            lines[0].forced, lines[0].prefix = True, mark
            for line in lines[1:]:
                line.prefix = " " * len(mark)
            last = self.pieces[-1] if self.pieces else None
            if last is not None and last.kind == "list" and last.page == page:
                last.lines.extend(lines)
                last.last = self.number
                return
            self.pieces.append(Piece("list", lines, self.number, self.number, page=page))
            return
        if _all_bold(lines) and len(text) <= 40 and not re.search(r"[。！？!?；;，,.]$|[:：]\s*\S", text):
            self.pieces.append(Piece("heading", lines, self.number, self.number, 7, page=page))
            return
        self.pieces.append(Piece("paragraph", lines, self.number, self.number, page=page))

    def _heading_level(self, element: Any) -> tuple[int, bool]:
        properties_element = element.find(f"{_W}pPr")
        if properties_element is None:
            return 0, False
        outline = properties_element.find(f"{_W}outlineLvl")
        if outline is not None and (outline.get(f"{_W}val") or "9").isdigit() and int(outline.get(f"{_W}val") or 9) < 9:
            return int(outline.get(f"{_W}val")) + 1, False
        style_element = properties_element.find(f"{_W}pStyle")
        style = self.styles.get(style_element.get(f"{_W}val")) if style_element is not None else None
        for _ in range(10):
            if style is None:
                break
            match = _HEADING.match(style.name or "")
            if match:
                return int(match[1]), False
            if (style.name or "").lower() in ("title", "标题"):
                return 1, True
            level = style.element.find(f"{_W}pPr/{_W}outlineLvl")
            if level is not None and (level.get(f"{_W}val") or "9") in "012345678":
                return int(level.get(f"{_W}val")) + 1, False
            style = getattr(style, "base_style", None)
        return 0, False

    def _list_mark(self, element: Any) -> str:
        numbering = element.find(f"{_W}pPr/{_W}numPr")
        style_element = element.find(f"{_W}pPr/{_W}pStyle")
        style = self.styles.get(style_element.get(f"{_W}val")) if style_element is not None else None
        name = (style.name or "").lower() if style is not None else ""
        level = 0
        if numbering is None and not name.startswith("list "):
            return ""
        if numbering is not None:
            depth = numbering.find(f"{_W}ilvl")
            level = int(depth.get(f"{_W}val") or 0) if depth is not None else 0
        else:
            level = int(name[-1]) - 1 if name[-1].isdigit() else 0
        if "number" in name:
            last = self.pieces[-1] if self.pieces else None
            key = (name, level)
            self.counters[key] = self.counters.get(key, 0) + 1 if last is not None and last.kind == "list" else 1
            return "  " * level + f"{self.counters[key]}. "
        return "  " * level + "- "

    def _lines(self, paragraph: Any) -> list[Line]:
        lines = [Line([], self.number)]
        for node in paragraph.iter():
            if node.tag not in (f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr", f"{_W}noBreakHyphen", _MATH_TEXT, f"{_W}footnoteReference"):
                continue
            if _inside(node, f"{_W}txbxContent", paragraph) or _inside(node, _MC_FALLBACK, paragraph):
                continue
            run = node.getparent()
            strong = (
                run is not None
                and run.find(f"{_W}rPr/{_W}b") is not None
                and run.find(f"{_W}rPr/{_W}b").get(f"{_W}val") not in ("0", "false")
            )
            if node.tag in (f"{_W}br", f"{_W}cr"):
                if node.get(f"{_W}type") != "page":
                    lines.append(Line([], self.number, forced=True))
            elif node.tag == f"{_W}footnoteReference":
                lines[-1].runs.append(Run(f"[{node.get(f'{_W}id')}]", "", strong))
            else:
                text = {f"{_W}tab": "\t", f"{_W}noBreakHyphen": "-"}.get(node.tag, node.text or "")
                if node.tag == f"{_W}tab" and run is not None and run.tag == f"{_W}tabs":
                    continue
                lines[-1].runs.append(Run(text, self._link(node, paragraph), strong))
        return [line for line in lines if line.text] or lines[:1]

    def _link(self, node: Any, stop: Any) -> str:
        parent = node.getparent()
        while parent is not None and parent is not stop:
            if parent.tag == _HYPERLINK:
                relation = self.package.part.rels.get(parent.get(_RELATION) or "")
                return str(relation.target_ref) if relation is not None and relation.is_external else ""
            parent = parent.getparent()
        return ""

    def _table(self, element: Any) -> None:
        start = self.number + 1
        rows: list[list[Cell]] = []
        numbers: list[int] = []
        open_merges: dict[int, tuple[int, int]] = {}
        header_rows = 0
        for row in _rows(element):
            self.number += 1
            numbers.append(self.number)
            header = row.find(f"{_W}trPr/{_W}tblHeader") is not None
            header_rows += 1 if header and header_rows == len(rows) else 0
            cells: list[Cell] = []
            before = row.find(f"{_W}trPr/{_W}gridBefore")
            column = int(before.get(f"{_W}val") or 0) if before is not None else 0
            if column:
                cells.append(Cell("", 1, column))
            for cell in _cells(row):
                columns = _value(cell, f"{_W}tcPr/{_W}gridSpan", 1)
                merge = cell.find(f"{_W}tcPr/{_W}vMerge")
                if merge is not None and merge.get(f"{_W}val") != "restart" and column in open_merges:
                    at_row, at_cell = open_merges[column]
                    above = rows[at_row][at_cell]
                    rows[at_row][at_cell] = Cell(above.text, above.rows + 1, above.columns, above.header)
                else:
                    if merge is not None:
                        open_merges[column] = (len(rows), len(cells))
                    else:
                        open_merges.pop(column, None)
                    cells.append(Cell(self._cell_text(cell), 1, columns, header))
                column += columns
            rows.append(cells)
        if self.has_pages:
            self.page += sum(1 for _ in element.iter(f"{_W}lastRenderedPageBreak"))
        if max((sum(cell.columns for cell in row) for row in rows), default=0) == 1 and len(rows) == 1:
            for cell in element.iter(f"{_W}tc"):  # a frame around text, not a table
                self.container(cell)
            return
        for table in build_tables(fill_spans(rows, numbers)):
            first = start if not table.row_lines or table.row_lines[0] <= numbers[min(1, len(numbers) - 1)] else table.row_lines[0]
            last = max(table.row_lines, default=self.number)
            self.pieces.append(Piece("table", [], first, max(first, last), table=table, page=self.page if self.has_pages else None))

    def _cell_text(self, cell: Any) -> str:
        parts: list[str] = []
        for paragraph in cell.iter(f"{_W}p"):
            parts.extend(line.text for line in self._lines(paragraph))
        return " ".join(filter(None, parts))

    def footnotes(self) -> None:
        """Footnotes and endnotes, each with the number that marks it in the text."""
        from lxml import etree

        for relation in self.package.part.rels.values():
            if relation.is_external or not relation.reltype.endswith(("/footnotes", "/endnotes")):
                continue
            root = etree.fromstring(relation.target_part.blob, etree.XMLParser(resolve_entities=False))
            for note in root:
                if note.get(f"{_W}type") in ("separator", "continuationSeparator", "continuationNotice"):
                    continue
                text = "".join(node.text or "" for node in note.iter(f"{_W}t")).strip()
                if text:
                    self.number += 1
                    line = Line([Run(f"[{note.get(f'{_W}id')}] {text}")], self.number)
                    self.pieces.append(Piece("paragraph", [line], self.number, self.number))


def _rows(table: Any) -> list[Any]:
    return [
        row for child in table for row in ([child] if child.tag == f"{_W}tr" else child.iter(f"{_W}tr") if child.tag == f"{_W}sdt" else [])
    ]


def _cells(row: Any) -> list[Any]:
    return [
        cell for child in row for cell in ([child] if child.tag == f"{_W}tc" else child.iter(f"{_W}tc") if child.tag == f"{_W}sdt" else [])
    ]


def _value(element: Any, path: str, default: int) -> int:
    found = element.find(path)
    value = found.get(f"{_W}val") if found is not None else None
    return max(1, int(value)) if value and value.isdigit() else default


def _inside(node: Any, tag: str, stop: Any) -> bool:
    parent = node.getparent()
    while parent is not None and parent is not stop:
        if parent.tag == tag:
            return True
        parent = parent.getparent()
    return False


def _all_bold(lines: list[Line]) -> bool:
    runs = [run for line in lines for run in line.runs if run.text.strip()]
    return bool(runs) and all(run.strong and not run.href for run in runs)
