"""What the text parsers produce before boilerplate is removed and headings become paths: runs in lines in pieces.

A piece keeps the link behind every run, because only links tell a site's menu from its content, and the source line of
every line, because a citation names lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from kb.types import Block, BlockKind, Place, Table

PieceKind = Literal["heading", "paragraph", "list", "table", "code", "quote"]

_CJK_END = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f]$")
_CJK_START = re.compile(r"^[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f]")
_CLOSED = re.compile(r"[。！？!?…：:；;.]['\"”’」』）)\]]*$")
_OPEN = re.compile(r"[，、,（(《“]$")
_SPACES = re.compile(r"[ \t\xa0\r\f\v]+")
_FIELD = re.compile(r"(?:\*\*)?[A-Z\u4e00-\u9fff][\w /()（）-]{0,18}(?:\*\*)?[:：](?!//)\s*\S")
_COLUMNS = re.compile(r"\S(?: {3,}|\t)\S")
_WRAPPED_WIDTH = 30  # columns; a shorter line was ended by its author, not by an editor's wrap
REFERENCE_LINK_SHARE = 0.4
REFERENCE_CHARS = 40


@dataclass(slots=True)
class Run:
    """A stretch of text with the target of its link, if it has one."""

    text: str
    href: str = ""
    strong: bool = False


@dataclass(slots=True)
class Line:
    """One source line: `number` is 1-based; a `forced` line starts a new line on the page as well."""

    runs: list[Run]
    number: int
    prefix: str = ""
    forced: bool = False

    @property
    def text(self) -> str:
        """The visible text, without prefix and link targets."""
        return _SPACES.sub(" ", "".join(run.text for run in self.runs)).strip()


@dataclass(slots=True)
class Piece:
    """One structural piece; `level` is a heading's. A table's cells are text already, `table_links` their links."""

    kind: PieceKind
    lines: list[Line]
    first: int
    last: int
    level: int = 0
    table: Table | None = None
    page: int | None = None
    table_runs: list[Run] = field(default_factory=list)
    marker: str = ""
    """A bulleted list's own marker: a single `*` item below a table is its footnote."""

    @property
    def runs(self) -> list[Run]:
        """Every run of the piece, a table's included."""
        return self.table_runs + [run for line in self.lines for run in line.runs]

    @property
    def text(self) -> str:
        """The visible text on one line."""
        return " ".join(filter(None, (line.text for line in self.lines)))


def display_width(text: str) -> int:
    """Columns on a terminal: CJK characters take two."""
    return 2 * len(text) - len(text.encode("ascii", "ignore"))


def joint(previous: str, following: str) -> str:
    """What stands between two source lines of a paragraph: nothing (wrapped CJK), a space, or a line break that was meant."""
    if not previous or not following:
        return ""
    if (display_width(previous) < _WRAPPED_WIDTH and not _OPEN.search(previous)) or _CLOSED.search(previous):
        return "\n"
    if _FIELD.match(following):
        return "\n"
    if _CJK_END.search(previous) or _CJK_START.match(following):
        return ""
    return " "


def visible(runs: Iterable[Run], own_host: str = "") -> str:
    """The text of runs. Where links are most of it (a reference list, a cell of links), outside targets stay readable."""
    runs = list(runs)
    total = sum(len(run.text.strip()) for run in runs)
    linked = sum(len(run.text.strip()) for run in runs if is_outside(run.href, own_host))
    keep = linked > 0 and (linked >= REFERENCE_LINK_SHARE * total or total <= REFERENCE_CHARS)
    parts = []
    for position, run in enumerate(runs):
        parts.append(run.text)
        ends = position + 1 == len(runs) or runs[position + 1].href != run.href
        if keep and ends and is_outside(run.href, own_host) and run.href not in run.text:
            parts.append(f" ({run.href})")
    return _SPACES.sub(" ", "".join(parts)).strip()


def host_of(url: str) -> str:
    """The lower-case host of an absolute http(s) address, without `www.`; empty for anything else."""
    match = re.match(r"(?:https?:)?//(?:[^/@?#]*@)?([^/:?#]+)", url, re.IGNORECASE)
    return match[1].lower().removeprefix("www.") if match else ""


def is_outside(href: str, own_host: str) -> bool:
    """Whether a link leads to another site than the document's own."""
    if not href:
        return False
    host = host_of(href)
    return bool(host) and host != own_host


def render(lines: list[Line], own_host: str = "") -> tuple[str, tuple[int, ...]]:
    """The lines as shown, and the offset at which each source line after the first begins."""
    text = ""
    previous = ""
    starts: list[int] = []
    number = lines[0].number if lines else 1
    for line in lines:
        shown = visible(line.runs, own_host)
        between = ""
        if text and shown:
            aligned = _COLUMNS.search("".join(run.text for run in line.runs).strip())
            between = "\n" if line.forced or aligned else joint(previous, shown)
            text += between
        starts.extend([len(text)] * (line.number - number))
        number = max(number, line.number)
        if shown and (not text or between == "\n"):
            text += line.prefix
        text += shown
        previous = shown or previous
    return text, tuple(starts)


def to_blocks(pieces: Iterable[Piece], title: str, own_host: str = "") -> list[Block]:
    """Blocks under their heading paths. A heading that repeats the document's title is not part of any path."""
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []
    bare: tuple[Piece, str] | None = None
    for piece in pieces:
        headings = tuple(text for _, text in path)
        if piece.kind == "heading":
            text = heading_text(piece.text)
            if not text:
                continue
            if bare is not None and piece.level <= bare[0].level:
                blocks.append(_heading_alone(*bare, path))
            while path and path[-1][0] >= piece.level:
                path.pop()
            bare = None
            if _same(text, title):
                continue
            path.append((piece.level, text))
            bare = (piece, text)
            continue
        if piece.table is not None:
            place = Place((piece.first, piece.last), page=piece.page)
            blocks.append(Block("table", "", headings, place, piece.table))
            bare = None
            continue
        text, starts = render(piece.lines, own_host)
        if not text.strip():
            continue
        kind: BlockKind = piece.kind
        blocks.append(Block(kind, text, headings, Place((piece.first, piece.last), page=piece.page), None, starts))
        bare = None
    if bare is not None:
        blocks.append(_heading_alone(*bare, path))
    return blocks


def heading_text(text: str) -> str:
    """A heading as a path shows it: no closing colon, no closing marks."""
    return text.strip().rstrip("#：: \u3000").strip()


def _heading_alone(piece: Piece, text: str, path: list[tuple[int, str]]) -> Block:
    """A heading with nothing under it is content of the section above: an outline that is only headings stays findable."""
    above = tuple(name for _, name in path[:-1])
    return Block("paragraph", text, above, Place((piece.first, piece.last), page=piece.page))


def _same(left: str, right: str) -> bool:
    return re.sub(r"\W+", "", left).lower() == re.sub(r"\W+", "", right).lower() != ""
