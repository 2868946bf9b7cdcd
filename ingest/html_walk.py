"""One walk over an HTML tree: inline text into lines, blocks into pieces, tables with their spans, lists with their depth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.parse_markdown import image_text
from ingest.pieces import Line, Piece, Run, visible
from ingest.tables import Cell, build_tables, fill_spans

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_SKIPPED = frozenset(
    "script style noscript template svg canvas iframe object embed nav footer select option button textarea input dialog head map audio "
    "video".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure form header hgroup hr html li main ol p "
    "pre section summary table ul h1 h2 h3 h4 h5 h6 tr td th tbody thead tfoot caption legend menu".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SITE_NAME_PART = re.compile(
    r"^(?:nav|navbar|navigation|menu|submenu|breadcrumbs?|sidebar|side|footer|share|sharing|social|comments?|respond|related|recommend(?:ed|ations?)?|toc|"
    r"cookies?|advert(?:isement)?|ads?|adsbygoogle|banner|popup|modal|pagination|pager|prevnext|widget|tagcloud|copyright|skip|newsletter|subscribe|login|search)$"
)
_SITE_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "dialog", "menu", "menubar", "toolbar", "alert"})
_SITE_SHARE = 0.4
_MAX_DEPTH = 200


class Walker:
    """Collects the pieces below an element. `skip_site_parts` leaves out what its tag, role or class says is not content."""

    def __init__(self, skip_site_parts: bool = True) -> None:
        self.skip_site_parts = skip_site_parts
        self.pieces: list[Piece] = []
        self.open: list[Line] = []
        self.last_line = 1
        self.lists: list[int] = []  # one counter a level; 0 for bullets
        self.list_piece: Piece | None = None
        self.fresh_item = False
        self.quote_depth = 0
        self.total = 1

    def walk(self, root: HtmlElement) -> list[Piece]:
        """Every piece of the tree, in reading order."""
        self.total = max(1, len(root.text_content()))
        self._element(root, "", False, 0)
        self._flush()
        return self.pieces

    def _element(self, element: HtmlElement, href: str, strong: bool, depth: int) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if not tag or self._is_skipped(element, tag, depth):
            return
        if depth > _MAX_DEPTH:
            self._text(element.text_content(), href, strong)
            return
        self.last_line = element.sourceline or self.last_line
        if tag == "br":
            self._line_break()
        elif tag == "img":
            alternative = image_text(element.get("alt") or "")
            if alternative and not href and not element.get("alt", "").startswith("http"):
                self._text(alternative + " ", href, strong)
        elif tag == "table" and self._is_data_table(element):
            self._flush()
            self._table(element)
        elif tag == "pre":
            self._flush()
            self._code(element)
        elif tag in _HEADINGS or tag in _BLOCKS:
            self._block(element, tag, href, strong, depth)
        else:
            if tag == "a":
                target = (element.get("href") or "").strip()
                if target.startswith("#") and element.getparent() is not None and element.getparent().tag == "sup":
                    return  # a footnote's mark
                href = target or href
            self._children(element, href, strong or tag in ("b", "strong"), depth)
            if tag in ("td", "th", "option"):
                self._text(" ", "", False)

    def _children(self, element: HtmlElement, href: str, strong: bool, depth: int) -> None:
        self._text(element.text, href, strong)
        for child in element:
            self._element(child, href, strong, depth + 1)
            self._text(child.tail, href, strong)

    def _block(self, element: HtmlElement, tag: str, href: str, strong: bool, depth: int) -> None:
        in_item = tag in ("p", "div", "span") and self.fresh_item and not self.open
        if not in_item:
            self._flush()
        if tag in ("ul", "ol", "menu"):
            self.lists.append(_start(element) if tag == "ol" else 0)
        elif tag == "li":
            self.fresh_item = True
        elif tag == "dl":
            self.lists.append(0)
        elif tag == "dt":
            self.fresh_item = True
        elif tag == "blockquote":
            self.quote_depth += 1
        self._children(element, href, strong, depth)
        if tag in _HEADINGS:
            self._heading(_HEADINGS[tag])
        else:
            self._flush()
        if tag in ("ul", "ol", "menu", "dl") and self.lists:
            self.lists.pop()
            if not self.lists:
                self.list_piece = None
        elif tag == "li" and self.lists and self.lists[-1]:
            self.lists[-1] += 1
        elif tag == "blockquote":
            self.quote_depth -= 1

    def _is_skipped(self, element: HtmlElement, tag: str, depth: int) -> bool:
        if tag in _SKIPPED:
            return tag not in ("nav", "footer") or self.skip_site_parts
        if element.get("hidden") is not None or element.get("aria-hidden") == "true" and tag not in ("body", "main", "article"):
            return True
        if "display:none" in re.sub(r"\s", "", element.get("style") or "").lower():
            return True
        if not self.skip_site_parts or not depth or tag in ("body", "main", "article", "html", "table", "a", "p", "li") or tag in _HEADINGS:
            return False
        names = re.split(r"[\W_]+", f"{element.get('class') or ''} {element.get('id') or ''}".lower())
        if (element.get("role") or "") not in _SITE_ROLES and not any(_SITE_NAME_PART.match(name) for name in names):
            return False
        if len(element.text_content()) >= _SITE_SHARE * self.total:
            return False
        return not any(self._is_data_table(table) for table in element.iter("table"))

    def _text(self, text: str | None, href: str, strong: bool) -> None:
        if not text:
            return
        for position, part in enumerate(text.split("\n")):
            if position:
                self.last_line += 1
                if self.open and self.open[-1].runs:
                    self.open.append(Line([], self.last_line))
            shown = re.sub(r"[ \t\r\f\v]+", " ", part)
            if shown.strip() or (shown and self.open and self.open[-1].runs):
                if not self.open:
                    self.open.append(Line([], self.last_line))
                elif not self.open[-1].runs and not shown.strip():
                    continue
                self.open[-1].number = self.open[-1].number if self.open[-1].runs else self.last_line
                self.open[-1].runs.append(Run(shown, href, strong))

    def _line_break(self) -> None:
        if self.open:
            self.open.append(Line([], self.last_line, forced=True))

    def _flush(self) -> None:
        lines = _tidy(self.open)
        self.open = []
        if not lines:
            return
        first, last = lines[0].number, max(lines[-1].number, lines[0].number)
        if not self.lists:
            self.pieces.append(Piece("quote" if self.quote_depth else "paragraph", lines, first, last))
            return
        indent = "  " * (len(self.lists) - 1)
        number = self.lists[-1]
        mark = (f"{number}. " if number else "- ") if self.fresh_item else "  "
        self.fresh_item = False
        lines[0].forced, lines[0].prefix = True, indent + mark
        for line in lines[1:]:
            line.prefix = indent + "  "
        if self.list_piece is None or self.pieces[-1] is not self.list_piece:
            self.list_piece = Piece("list", [], first, last)
            self.pieces.append(self.list_piece)
        self.list_piece.lines.extend(lines)
        self.list_piece.last = max(self.list_piece.last, last)

    def _heading(self, level: int) -> None:
        lines = _tidy(self.open)
        self.open = []
        if lines:
            self.pieces.append(Piece("heading", lines, lines[0].number, lines[-1].number, level))

    def _code(self, element: HtmlElement) -> None:
        text = element.text_content().rstrip("\n")
        start = element.sourceline or self.last_line
        if not text.strip():
            return
        lines = [Line([Run(part)], start + index, forced=True) for index, part in enumerate(text.split("\n"))]
        self.last_line = start + len(lines) - 1
        self.pieces.append(Piece("code", lines, start, self.last_line))

    def _is_data_table(self, table: HtmlElement) -> bool:
        """A table of cells with text, not one that lays out a page (tables, headings or long sections inside of it)."""
        if (table.get("role") or "") in ("presentation", "none"):
            return False
        rows = _rows(table)
        if not rows or any(True for nested in table.iter("table") if nested is not table):
            return False
        if any(len(_cells(row)) > 1 for row in rows) and (len(rows) > 1 or table.find(".//th") is not None):
            longest = max((len(cell.text_content()) for row in rows for cell in _cells(row)), default=0)
            return table.find(".//th") is not None or not (longest > 1500 or table.xpath(".//h1|.//h2|.//h3|.//nav"))
        return False

    def _table(self, element: HtmlElement) -> None:
        rows: list[list[Cell]] = []
        numbers: list[int] = []
        runs: list[Run] = []
        for row in _rows(element):
            in_head = row.getparent() is not None and row.getparent().tag == "thead"
            cells = []
            for cell in _cells(row):
                text, found = self._cell(cell)
                runs.extend(found)
                cells.append(Cell(text, _span(cell, "rowspan"), _span(cell, "colspan"), in_head or cell.tag == "th"))
            rows.append(cells)
            numbers.append(row.sourceline or self.last_line)
        caption = element.find("caption")
        title = self._cell(caption)[0] if caption is not None else ""
        start = element.sourceline or self.last_line
        grid = fill_spans(rows, numbers)
        for table in build_tables(grid, title):
            first = (
                start
                if not self.pieces or self.pieces[-1].table is None or self.pieces[-1].first < start
                else min(table.row_lines, default=start)
            )
            self.last_line = max([self.last_line, *table.row_lines])
            self.pieces.append(Piece("table", [], first, max(first, self.last_line), table=table, table_runs=runs))
            runs = []

    def _cell(self, cell: HtmlElement) -> tuple[str, list[Run]]:
        inner = Walker(skip_site_parts=False)
        inner.last_line = cell.sourceline or 1
        inner._children(cell, "", False, 1)
        inner._flush()
        lines = [line for piece in inner.pieces for line in piece.lines]
        return " ".join(filter(None, (visible(line.runs) for line in lines))), [run for line in lines for run in line.runs]


def _rows(table: HtmlElement) -> list[HtmlElement]:
    return [row for row in table.iter("tr") if next(row.iterancestors("table"), None) is table]


def _cells(row: HtmlElement) -> list[HtmlElement]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _span(cell: HtmlElement, name: str) -> int:
    match = re.match(r"\s*(\d{1,4})", cell.get(name) or "")
    return max(1, int(match[1])) if match else 1


def _start(element: HtmlElement) -> int:
    match = re.match(r"\s*(\d{1,6})", element.get("start") or "")
    return int(match[1]) if match else 1


def _tidy(lines: list[Line]) -> list[Line]:
    """Lines without blanks at their ends and without empty lines; a forced break survives the removal."""
    kept: list[Line] = []
    forced = False
    for line in lines:
        forced = forced or line.forced
        if line.text:
            line.runs[0].text = line.runs[0].text.lstrip()
            line.runs[-1].text = line.runs[-1].text.rstrip()
            line.forced, forced = forced and bool(kept), False
            kept.append(line)
    return kept
