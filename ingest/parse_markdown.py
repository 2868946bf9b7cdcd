"""Markdown as people write and scrape it: pipe tables, HTML tables, careless link targets, front matter, exact lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ingest.pieces import Line, Piece, Run
from ingest.tables import build_tables, plain_grid

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MARKS = re.compile(r"[*_`~\[\]<&\\!]")
_SPACED_TARGET = re.compile(r"(?<!\\)\[([^\[\]\n]*)\]\((#[^()<>\n]{0,200}|[^()<>\s\"'#][^()<>\n\"']{0,200}\s[^()<>\n\"']{0,200})\)")
_CLOSED_ONLY = re.compile(r"^([^\[\]]+)\]\((\S*?)(?:\s+\"[^\"]*\"?)?\)?$", re.DOTALL)
_TIGHT_HEADING = re.compile(r"^(#{2,6})(?=[^#\s])|^(#)(?=[\u4e00-\u9fff][^#\n]{0,60}$)", re.MULTILINE)
_LINE = re.compile(r".*\n|.+")
_FENCE = re.compile(r"^\s*(?:>\s*)*(```+|~~~+)")
_HTML_TABLE = re.compile(r"^[ ]{0,3}<table\b", re.IGNORECASE | re.MULTILINE)
_HTML_TABLE_END = re.compile(r"</table>", re.IGNORECASE)
_EMPTY_LINE = re.compile(r"\n[ \t]*(?=\n)")
_TOC_MARK = re.compile(r"^\[(?:toc|目录)\]$|^\[\[_?toc_?\]\]$|^\{:?\s*toc\s*\}$", re.IGNORECASE)
_READER_HEADER = re.compile(r"Title: .*\n\s*(?:URL Source: .*\n\s*)(?:[A-Z][\w ]{2,30}: .*\n\s*){0,6}Markdown Content:[ \t]*\n")
_PSEUDO_HEADING_CHARS = 40
_INLINE_LIMIT = 20_000  # a longer single paragraph is taken as it is: inline parsing is not linear on hostile input
_MAX_NESTING = 40
_PART_CHARS = 200_000

_STRONG_SIGNS = re.compile(
    r"^#{1,6}[ \t]+\S|^\s{0,3}\|?[ \t]*:?-{3,}:?[ \t]*\|[-:| \t]*$|^\s{0,3}(?:```|~~~)|^---\s*$|\*\*[^*\n]{1,80}\*\*|\]\((?:https?://|#|/|\.)[^)\n]{0,400}\)"
    r"|^#{2,6}\S",
    re.MULTILINE,
)
_LIST_SIGN = re.compile(r"^\s{0,3}(?:[-*+]|\d{1,3}\.)[ \t]+\S", re.MULTILINE)
_SNIFF_CHARS = 100_000


def looks_like_markdown(text: str) -> bool:
    """Whether a text file is Markdown: a heading, table, fence, emphasis or link of Markdown, or several list items."""
    sample = text[:_SNIFF_CHARS]
    return bool(_STRONG_SIGNS.search(sample)) or len(_LIST_SIGN.findall(sample)) >= 2


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # "code": people indent paragraphs by four spaces. "inline" is run by hand, only where there is markup.
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"]).disable("code")
    parser.core.ruler.disable("inline")
    return parser


def split_front_matter(text: str) -> tuple[dict[str, str], str, int]:
    """The fields of a front matter block, the text below it, and how many lines it took (0: there is none)."""
    if not text.startswith("---"):
        return _reader_header(text)
    match = re.match(r"---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|$)", text, re.DOTALL)
    if match is None or not match[1] or not re.search(r"^[\w\u4e00-\u9fff][^\n:：]{0,40}[:：]", match[1], re.MULTILINE):
        return {}, text, 0
    return _fields(match[1]), text[match.end() :], match[0].count("\n")


def _reader_header(text: str) -> tuple[dict[str, str], str, int]:
    """The header that page-to-Markdown services write: "Title:", "URL Source:", "Published Time:", "Markdown Content:"."""
    match = _READER_HEADER.match(text)
    if match is None:
        return {}, text, 0
    fields = {}
    for line in match[0].splitlines():
        name, _, value = line.partition(":")
        key = {"title": "title", "url source": "url", "published time": "date"}.get(name.strip().lower())
        if key and value.strip():
            fields[key] = value.strip()
    return fields, text[match.end() :], match[0].count("\n")


def _fields(block: str) -> dict[str, str]:
    import yaml

    try:
        loaded = yaml.load(block, Loader=yaml.BaseLoader)  # noqa: S506  (strings only: a date stays as it was written)
    except (yaml.YAMLError, ValueError, RecursionError):
        loaded = None
    fields: dict[str, str] = {}
    if isinstance(loaded, dict) and block.count("&") < 20:
        for key, value in loaded.items():
            if isinstance(value, list):
                value = ", ".join(str(item) for item in value if not isinstance(item, dict | list))
            if value and not isinstance(value, dict):
                fields[str(key).strip()] = str(value).strip()
        return fields
    for line in block.splitlines():
        key, found, value = line.partition(":")
        if found and value.strip():
            fields[key.strip()] = value.strip().strip("\"'")
    return fields


def markdown_pieces(text: str, first_line: int = 1) -> list[Piece]:
    """The pieces of a Markdown text whose first line has number `first_line` in its file."""
    text = _close_headings(_keep_html_tables(text))
    walker = _Walker(first_line)
    for part in _parts(text):
        walker.walk(_parser().parse(part))
        walker.first_line += part.count("\n")
    return walker.pieces


def _parts(text: str) -> Iterator[str]:
    """A long text in parts that begin at headings outside code: the parser keeps its tokens of one part only in memory."""
    if len(text) <= 2 * _PART_CHARS:
        yield text
        return
    fence = ""
    size = 0
    begin = position = 0
    for line in _LINE.findall(text):
        match = _FENCE.match(line)
        if match and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else match[1]
        elif not fence and size >= _PART_CHARS and line.startswith("#"):
            yield text[begin:position]
            begin, size = position, 0
        position += len(line)
        size += len(line)
    yield text[begin:]


def _close_headings(text: str) -> str:
    """`##Title` counts as a heading, as most editors have it, outside code."""
    if not _TIGHT_HEADING.search(text):
        return text
    lines = text.split("\n")
    fence = ""
    for index, line in enumerate(lines):
        match = _FENCE.match(line)
        if match and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else match[1]
        elif not fence:
            lines[index] = _TIGHT_HEADING.sub(lambda found: (found[1] or found[2]) + " ", line)
    return "\n".join(lines)


def _keep_html_tables(text: str) -> str:
    """Markdown ends an HTML block at a blank line; a comment there keeps a table in one piece and the line count as it is."""
    parts: list[str] = []
    done = 0
    while (opening := _HTML_TABLE.search(text, done)) and (closing := _HTML_TABLE_END.search(text, opening.end())):
        parts += [text[done : opening.start()], _EMPTY_LINE.sub("\n<!-- -->", text[opening.start() : closing.end()])]
        done = closing.end()
    return "".join(parts) + text[done:]


class _Walker:
    """Walks the flat token list once and collects pieces."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.pieces: list[Piece] = []
        self.level = 0
        self.open_lists: list[list[int]] = []  # one [next number or 0, fresh item?] a level
        self.list_piece: Piece | None = None
        self.quote_depth = 0
        self.marker = ""

    def walk(self, tokens: Sequence[Token]) -> None:
        index = 0
        while index < len(tokens):
            token = tokens[index]
            if token.type == "table_open":
                index = self._table(tokens, index)
            elif token.type == "heading_open":
                self._heading(token, tokens[index + 1])
                index += 2
            elif token.type == "inline":
                self._paragraph(token)
            elif token.type in ("fence", "code_block"):
                self._code(token)
            elif token.type == "html_block":
                self._html(token)
            else:
                self._nesting(token)
            index += 1

    def _number(self, token: Token, end: bool = False) -> int:
        begin, after = token.map or (0, 1)
        return self.first_line + (max(begin, after - 1) if end else begin)

    def _nesting(self, token: Token) -> None:
        if token.type == "bullet_list_open":
            self.open_lists.append([0, 0])
            self.marker = token.markup
        elif token.type == "ordered_list_open":
            self.open_lists.append([int(token.attrGet("start") or 1), 0])
        elif token.type == "list_item_open":
            self.open_lists[-1][1] = 1
        elif token.type == "list_item_close" and self.open_lists[-1][0]:
            self.open_lists[-1][0] += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self.open_lists.pop()
            if not self.open_lists:
                self.list_piece = None
        elif token.type == "blockquote_open":
            self.quote_depth += 1
        elif token.type == "blockquote_close":
            self.quote_depth -= 1

    def _heading(self, token: Token, inline: Token) -> None:
        lines = inline_lines(inline.content, self._number(token))
        level = int(token.tag[1])
        shown = " ".join(line.text for line in lines)
        if token.markup in ("-", "=") and len(shown) > 60:
            self._add(Piece("paragraph", lines, self._number(token), self._number(token, end=True)))
            return
        self.level = level
        self.list_piece = None
        self.pieces.append(Piece("heading", lines, self._number(token), self._number(token, end=True), level))

    def _paragraph(self, token: Token) -> None:
        first, last = self._number(token), self._number(token, end=True)
        if _TOC_MARK.match(token.content.strip()):
            return
        lines = inline_lines(token.content, first)
        if not self.open_lists and not self.quote_depth and _is_pseudo_heading(lines):
            self.pieces.append(Piece("heading", lines, first, last, min(7, self.level + 1) if self.level < 7 else 7))
            return
        self._add(Piece("quote" if self.quote_depth and not self.open_lists else "paragraph", lines, first, last))

    def _add(self, piece: Piece) -> None:
        if not self.open_lists:
            self.pieces.append(piece)
            return
        indent = "  " * (len(self.open_lists) - 1)
        number, fresh = self.open_lists[-1]
        mark = (f"{number}. " if number else "- ") if fresh else "  "
        self.open_lists[-1][1] = 0
        for index, line in enumerate(piece.lines):
            line.forced = line.forced or index == 0
            line.prefix = indent + mark if index == 0 else indent + "  "
        if self.list_piece is None or self.pieces[-1] is not self.list_piece:
            self.list_piece = Piece("list", [], piece.first, piece.last, marker=self.marker if not number else "")
            self.pieces.append(self.list_piece)
        self.list_piece.lines.extend(piece.lines)
        self.list_piece.last = max(self.list_piece.last, piece.last)

    def _code(self, token: Token) -> None:
        first = self._number(token) + (1 if token.type == "fence" else 0)
        content = token.content.rstrip("\n")
        if not content.strip():
            return
        lines = [Line([Run(text)], first + index, forced=True) for index, text in enumerate(content.split("\n"))]
        self.pieces.append(Piece("code", lines, self._number(token), self._number(token, end=True)))

    def _html(self, token: Token) -> None:
        bare = re.sub(r"<!--.*?-->|</?(?:br|hr|p|div|center|span|font|a)\b[^>]*>", "", token.content, flags=re.DOTALL | re.IGNORECASE)
        if not bare.strip():
            return
        from ingest.parse_html import fragment_pieces

        for piece in fragment_pieces(token.content, self._number(token)):
            if piece.kind == "heading":
                self.level = piece.level
            self.pieces.append(piece)

    def _table(self, tokens: Sequence[Token], index: int) -> int:
        opening = tokens[index]
        rows: list[list[str]] = []
        numbers: list[int] = []
        runs: list[Run] = []
        while tokens[index].type != "table_close":
            token = tokens[index]
            if token.type == "tr_open":
                rows.append([])
                numbers.append(self._number(token))
            elif token.type == "inline":
                lines = inline_lines(token.content, 1)
                rows[-1].append(cell_text(lines))
                runs.extend(run for line in lines for run in line.runs)
            index += 1
        header_rows = 1 if any(rows[0]) else 0
        for table in build_tables(plain_grid(rows, numbers, header_rows)):
            first = self._number(opening) if not self._same_table(table.row_lines, numbers) else min(table.row_lines)
            last = max(table.row_lines, default=self._number(opening, end=True))
            self.pieces.append(Piece("table", [], first, max(first, last), table=table, table_runs=runs))
            runs = []
        return index

    @staticmethod
    def _same_table(lines: tuple[int, ...], numbers: list[int]) -> bool:
        """Whether these rows are a later part of a table that was divided by group lines."""
        return bool(lines) and lines[0] > numbers[min(1, len(numbers) - 1)]


def image_text(alternative: str) -> str:
    """What an image says to a reader who cannot see it; nothing if its text is only a file name or a placeholder."""
    text = alternative.strip()
    return "" if re.fullmatch(r"(?:[\w\-. %]+\.\w{2,5}|image|img|图片?|logo|icon|avatar|\W*|[\w\-]{0,3}|[0-9a-fA-F\-]{8,})", text) else text


def cell_text(lines: list[Line]) -> str:
    """A cell on one line, with the outside links of a cell that is mostly links."""
    from ingest.pieces import visible

    return " ".join(filter(None, (visible(line.runs) for line in lines)))


def _is_pseudo_heading(lines: list[Line]) -> bool:
    """A short paragraph that is bold from end to end stands for a heading."""
    runs = [run for line in lines for run in line.runs if run.text.strip()]
    text = " ".join(line.text for line in lines)
    return (
        bool(runs)
        and len(lines) == 1
        and all(run.strong and not run.href for run in runs)
        and len(text) <= _PSEUDO_HEADING_CHARS
        and not re.search(r"[。！？!?；;，,.]$", text)
        and not re.search(r"[:：]\s*\S", text)
    )


def inline_lines(content: str, number: int) -> list[Line]:
    """The runs of a paragraph's or cell's source, one `Line` a source line."""
    if not _MARKS.search(content) or len(content) > _INLINE_LIMIT:
        return [Line([Run(text.strip())], number + index) for index, text in enumerate(content.split("\n"))]
    return _runs(_mend_links(content), number)


def _mend_links(content: str) -> str:
    """Links that CommonMark refuses and people write: targets with spaces, a link cut in two by a blank line."""
    if "](" not in content:
        return content
    if "[" not in content.split("](", 1)[0]:
        match = _CLOSED_ONLY.match(content)
        content = f"[{match[1].strip()}](<{match[2]}>)" if match else "[" + content
    elif content.startswith("[![") and content.count("](") == 1:
        content += "](/)"  # the other half of this link stands below a blank line
    return _SPACED_TARGET.sub(lambda match: f"[{match[1]}](<{match[2].strip()}>)", content)


def _runs(content: str, number: int) -> list[Line]:
    children: list[Token] = []
    _parser().inline.parse(content, _parser(), {}, children)
    lines = [Line([], number)]
    href: list[str] = []
    strong = 0
    for token in children:
        if token.type == "text" or token.type == "code_inline" or token.type == "text_special":
            lines[-1].runs.append(Run(token.content, href[-1] if href else "", strong > 0))
        elif token.type == "softbreak" or token.type == "hardbreak":
            number += 1
            lines.append(Line([], number, forced=token.type == "hardbreak"))
        elif token.type == "image":
            lines[-1].runs.append(Run("" if href else image_text(token.content), href[-1] if href else ""))
        elif token.type == "link_open":
            href.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            href.pop()
        elif token.type in ("strong_open", "strong_close"):
            strong += 1 if token.type == "strong_open" else -1
        elif token.type == "html_inline" and re.match(r"<br\b", token.content, re.IGNORECASE):
            lines.append(Line([], number, forced=True))
    for line in lines:
        if line.runs:
            line.runs[0].text = line.runs[0].text.lstrip()
            line.runs[-1].text = line.runs[-1].text.rstrip()
    return lines
