"""Markdown of an answer -> blocks in a platform's own markup, each of which knows where it may be broken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from channels.core.dialect import Dialect, neutralise

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

MAX_STYLED_CHARS = 400
"""A longer bold or italic passage loses its style, so that it may be broken without leaving markup open."""
MAX_TABLE_COLUMNS = 76
"""A wider table would wrap in a code block and cannot be read there; it becomes a list."""
_WIDE = "\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
_ATOM = re.compile(rf"\s+|[^\s{_WIDE}]+|[{_WIDE}]|.", re.DOTALL)
_CLINGS = re.compile(r"[\s，。、；：？！”’）》」』】…,.;:?!)\]%]+|(?:\[\d+\])+")
_SENTENCE_END = re.compile(r"(?:[。！？；\n]|[.!?;]\s)(?:\[\d+\])*\s*$")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, code block or table. Broken only between atoms; `head` and `tail` go around every piece of it."""

    atoms: tuple[str, ...]
    head: str = ""
    tail: str = ""
    gap: str = "\n\n"
    """What separates it from the block before."""

    @property
    def whole(self) -> str:
        return f"{self.head}{''.join(self.atoms)}{self.tail}"


def ends_sentence(atom: str) -> bool:
    """Whether a good place to break comes after this atom."""
    return bool(_SENTENCE_END.search(atom))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def blocks_of(markdown: str, dialect: Dialect) -> list[Block]:
    """The blocks of a Markdown text in order."""
    from markdown_it.tree import SyntaxTreeNode

    out: list[Block] = []
    # Over the whole text: a mention may straddle atoms.
    for node in SyntaxTreeNode(_parser().parse(neutralise(markdown))).children:
        out += _block(node, dialect, 0)
    return out


def plain_block(text: str, dialect: Dialect, *, head: str = "", gap: str = "\n\n") -> Block:
    """A paragraph of plain text, in which nothing is markup."""
    return Block(tuple(dialect.text(atom) for atom in atoms_of(text)), dialect.text(head) if head else "", gap=gap)


def table_block(header: Sequence[str], rows: Sequence[Sequence[str]], dialect: Dialect) -> list[Block]:
    """A table of plain cells, the way the platform shows tables. Rows are never broken unless one alone is too long."""
    width = len(header)
    cells = [[" ".join(str(cell).split()) for cell in row][:width] + [""] * (width - len(row)) for row in rows]
    widths = [max([columns(header[i]), *(columns(row[i]) for row in cells)]) for i in range(width)]
    if dialect.tables == "rows" or (dialect.tables == "code" and sum(widths) > MAX_TABLE_COLUMNS):
        return [Block(_list_row(header, row, dialect), dialect.item(0, "-"), gap="\n" if i else "\n\n") for i, row in enumerate(cells)]
    if dialect.tables == "native":

        def line(row: Sequence[str]) -> str:
            return "| " + " | ".join(dialect.text(cell).replace("|", "\\|") for cell in row) + " |\n"

        return [Block(tuple(line(row) for row in cells), line(header) + "|" + " --- |" * width + "\n")]

    def aligned(row: Sequence[str]) -> str:
        padded = (cell + " " * (widths[i] - columns(cell)) for i, cell in enumerate(row))
        return dialect.code_text("  ".join(padded).rstrip()) + "\n"

    opening, closing = dialect.fence("")
    ruler = "  ".join("-" * size for size in widths) + "\n"
    return [Block(tuple(aligned(row) for row in cells), opening + aligned(header) + ruler, closing)]


def _list_row(header: Sequence[str], row: Sequence[str], dialect: Dialect) -> tuple[str, ...]:
    """A row where tables cannot be shown: its first cell in bold, the others after their column's name."""
    rest = [f"{dialect.text(name)}: {dialect.text(cell)}; " for name, cell in zip(header[1:], row[1:], strict=True) if cell]
    return (dialect.strong(dialect.text(row[0])) + "  ", *rest)


def columns(text: str) -> int:
    """Columns that a text takes in a fixed-width font: two for wide characters."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def atoms_of(text: str) -> list[str]:
    """Pieces between which a text may be broken: words, wide characters; closing punctuation and `[1]` stay with what they follow."""
    out: list[str] = []
    for atom in _ATOM.findall(_marked(neutralise(text))):
        joins = out and (_CLINGS.fullmatch(atom) or _joins(atom, out[-1]))
        if joins:
            out[-1] += atom
        else:
            out.append(atom)
    return out


def _marked(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\x00", "\ufffd")


def _joins(atom: str, before: str) -> bool:
    """Whether two pieces are one character to the eye (combining marks, variation selectors, joined emoji), or a quantity."""
    if unicodedata.combining(atom[0]) or atom[0] in "\u200d\ufe0f\ufe0e" or before[-1] == "\u200d":
        return True
    opens = before[-1] in "（《「『【“‘([" and not before[-1].isspace()
    return opens or (before[-1].isdigit() and atom[0] in "万亿元年月日个卡张次倍")


def _block(node: SyntaxTreeNode, dialect: Dialect, depth: int) -> list[Block]:
    match node.type:
        case "paragraph":
            return [Block(tuple(_inline(node, dialect)))]
        case "heading":
            return [Block((dialect.heading(int(node.tag[1]), "".join(_inline(node, dialect))),))]
        case "fence" | "code_block":
            opening, closing = dialect.fence(re.sub(r"[^\w+#.-]", "", node.info.split(" ")[0]) if node.info else "")
            lines = tuple(dialect.code_text(line) + "\n" for line in node.content.rstrip("\n").split("\n"))
            return [Block(lines, opening, closing)]
        case "table":
            return _table(node, dialect)
        case "bullet_list" | "ordered_list":
            return _list(node, dialect, depth)
        case "blockquote":
            opening, closing = dialect.quote()
            inner = [block for child in node.children for block in _block(child, dialect, depth)]
            return [Block(b.atoms, opening + b.head, b.tail + closing, b.gap) for b in inner]
        case "hr":
            return [Block((dialect.rule(),))]
        case _:
            return [Block(tuple(dialect.text(atom) for atom in atoms_of(node.content)))] if node.content else []


def _table(node: SyntaxTreeNode, dialect: Dialect) -> list[Block]:
    rows = [[_plain(cell) for cell in row.children] for section in node.children for row in section.children]
    return table_block(rows[0], rows[1:], dialect) if rows else []


def _plain(node: SyntaxTreeNode) -> str:
    """The text of a node without its markup."""
    if node.type in ("text", "code_inline"):
        return node.content
    if node.type in ("softbreak", "hardbreak"):
        return " "
    return "".join(_plain(child) for child in node.children)


def _list(node: SyntaxTreeNode, dialect: Dialect, depth: int) -> list[Block]:
    out: list[Block] = []
    start = int(str(node.attrs.get("start", 1)))
    for number, item in enumerate(node.children, start):
        marker = f"{number}." if node.type == "ordered_list" else "-"
        first = True
        for child in item.children:
            nested = child.type in ("bullet_list", "ordered_list")
            for block in _block(child, dialect, depth + 1 if nested else depth):
                lead = dialect.item(depth, marker) if first and not nested else "" if nested else "   " * (depth + 1)
                breaks_line = block.head.startswith("`") or block.head.startswith("<pre")
                tied = not out and depth == 0
                out.append(Block(block.atoms, block.head if breaks_line else lead + block.head, block.tail, "\n\n" if tied else "\n"))
                first = False
    return out


def _inline(node: SyntaxTreeNode, dialect: Dialect) -> list[str]:
    """Atoms of the inline content, each with balanced markup."""
    out: list[str] = []
    for child in node.children:
        match child.type:
            case "inline":
                out += _inline(child, dialect)
            case "text":
                _extend(out, [dialect.text(atom) for atom in atoms_of(child.content)], child.content)
            case "softbreak" | "hardbreak":
                out.append(dialect.soft_break)
            case "code_inline":
                out.append(dialect.code(child.content))
            case "strong" | "em" | "s":
                out += _styled(child, dialect)
            case "link" | "image":
                out.append(_link(child, dialect))
            case _:
                _extend(out, [dialect.text(atom) for atom in atoms_of(_plain(child))], "")
    return out


def _extend(out: list[str], atoms: list[str], raw: str) -> None:
    """Append; a citation mark or closing punctuation at the start stays with the atom before it."""
    if out and atoms and _CLINGS.match(raw):
        out[-1] += atoms.pop(0)
    out += atoms


def _styled(node: SyntaxTreeNode, dialect: Dialect) -> list[str]:
    inner = _inline(node, dialect)
    whole = "".join(inner)
    if len(whole) > MAX_STYLED_CHARS or not whole.strip():
        return inner
    style = {"strong": dialect.strong, "em": dialect.emphasis, "s": dialect.strike}[node.type]
    return [style(whole)]


def _link(node: SyntaxTreeNode, dialect: Dialect) -> str:
    address = str(node.attrs.get("href") or node.attrs.get("src") or "")
    label = dialect.text(_plain(node) or str(node.attrs.get("alt") or "") or node.content or address)
    return dialect.link(label, address) if address.startswith(("https://", "http://", "mailto:")) else label
