"""PowerPoint: a slide's title is a heading, its text, tables, chart data and notes follow; `Place.page` is the slide's number."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from ingest.assemble import clean_title, from_pieces, metadata_block
from ingest.ooxml import damage_reported, properties
from ingest.pieces import Line, Piece, Run
from ingest.tables import Cell, Grid, build_tables, fill_spans, plain_grid
from kb.types import Document

_DRAWING_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"


def parse_pptx(data: bytes, source: str) -> Document:
    """Every slide, hidden ones too; shapes from top to bottom, then left to right. Lines count paragraphs within the file."""
    import pptx

    with damage_reported(source, "PowerPoint"):
        deck = pptx.Presentation(io.BytesIO(data))
        reader = _Reader()
        for number, slide in enumerate(deck.slides, start=1):
            reader.slide(slide, number)
        fields = properties(deck.core_properties)
    title = clean_title(fields.pop("title", "") or reader.first_title)
    return from_pieces(source, data, reader.pieces, fields, title=title, web=False, head=metadata_block(fields, 1))


class _Reader:
    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.number = 0
        self.first_title = ""

    def slide(self, slide: Any, page: int) -> None:
        """One slide. Without a title its first line serves as the heading path's last step."""
        title_shape = slide.shapes.title
        title = clean_title(title_shape.text_frame.text.replace("\v", " ")) if title_shape is not None else ""
        self.number += 1
        if title:
            self.first_title = self.first_title or title
            self.pieces.append(Piece("heading", [Line([Run(title)], self.number)], self.number, self.number, 2, page=page))
        else:
            self.pieces.append(Piece("heading", [Line([Run(f"#{page}")], self.number)], self.number, self.number, 2, page=page))
        for shape in _in_order(slide.shapes):
            if title_shape is not None and shape.shape_id == title_shape.shape_id:
                continue
            self._shape(shape, page)
        self._diagrams(slide, page)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            self._text(slide.notes_slide.notes_text_frame, page)

    def _shape(self, shape: Any, page: int) -> None:
        if getattr(shape, "has_table", False):
            self._table(shape.table, page)
        elif getattr(shape, "has_chart", False):
            self._chart(shape.chart, page)
        elif shape.has_text_frame:
            self._text(shape.text_frame, page)

    def _text(self, frame: Any, page: int) -> None:
        paragraphs = [paragraph for paragraph in frame.paragraphs if paragraph.text.strip()]
        several = len(paragraphs) > 1
        lines: list[Line] = []
        for paragraph in paragraphs:
            self.number += 1
            runs = [Run(run.text.replace("\v", " "), _target(run), bool(run.font.bold)) for run in paragraph.runs] or [
                Run(paragraph.text.replace("\v", " "))
            ]
            lines.append(Line(runs, self.number, "  " * paragraph.level + "- " if several else "", forced=True))
        if lines:
            self.pieces.append(Piece("list" if several else "paragraph", lines, lines[0].number, lines[-1].number, page=page))

    def _table(self, table: Any, page: int) -> None:
        rows: list[list[Cell]] = []
        numbers: list[int] = []
        for row in table.rows:
            self.number += 1
            numbers.append(self.number)
            cells = [cell for cell in row.cells if not cell.is_spanned]
            rows.append(
                [
                    Cell(
                        cell.text.replace("\v", " "),
                        cell.span_height if cell.is_merge_origin else 1,
                        cell.span_width if cell.is_merge_origin else 1,
                    )
                    for cell in cells
                ]
            )
        grid = fill_spans(rows, numbers)
        self._add_tables(Grid(grid.rows, grid.merged, grid.lines), page, "")

    def _chart(self, chart: Any, page: int) -> None:
        """A chart's data as a table: categories down, series across."""
        title = chart.chart_title.text_frame.text.strip() if chart.has_title and chart.chart_title.has_text_frame else ""
        plot = next(iter(chart.plots), None)
        if plot is None:
            return
        series = list(plot.series)
        categories = [str(category) for category in plot.categories] or [
            str(index + 1) for index in range(max((len(list(each.values)) for each in series), default=0))
        ]
        rows = [["", *(each.name or "" for each in series)]]
        columns = [list(each.values) for each in series]
        for index, category in enumerate(categories):
            rows.append([category, *("" if index >= len(values) or values[index] is None else f"{values[index]:g}" for values in columns)])
        numbers = []
        for _ in rows:
            self.number += 1
            numbers.append(self.number)
        self._add_tables(plain_grid(rows, numbers, 1), page, title)

    def _add_tables(self, grid: Grid, page: int, caption: str) -> None:
        for table in build_tables(grid, caption):
            first = min(table.row_lines, default=self.number) - 1
            self.pieces.append(Piece("table", [], max(1, first), max(table.row_lines, default=self.number), table=table, page=page))

    def _diagrams(self, slide: Any, page: int) -> None:
        """The text of SmartArt, which is kept beside the slide."""
        from lxml import etree

        for relation in slide.part.rels.values():
            if relation.is_external or not relation.reltype.endswith("/diagramData"):
                continue
            root = etree.fromstring(relation.target_part.blob, etree.XMLParser(resolve_entities=False))
            lines = []
            for node in root.iter(_DRAWING_TEXT):
                if (node.text or "").strip():
                    self.number += 1
                    lines.append(Line([Run(node.text)], self.number, "- ", forced=True))
            if lines:
                self.pieces.append(Piece("list", lines, lines[0].number, lines[-1].number, page=page))


def _target(run: Any) -> str:
    return str(run.hyperlink.address or "")


def _in_order(shapes: Iterable[Any]) -> Iterator[Any]:
    """Shapes as they are read: top to bottom in bands, left to right; groups opened in place."""
    for shape in sorted(shapes, key=lambda shape: ((shape.top or 0) // 300_000, shape.left or 0)):
        if hasattr(shape, "shapes"):
            yield from _in_order(shape.shapes)
        else:
            yield shape
