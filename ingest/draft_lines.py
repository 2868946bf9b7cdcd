"""The lines of a block as a drafter reads them, with their places, and the block's own wording for quotes."""

from __future__ import annotations

import re
from bisect import bisect_right

from ingest.draft_words import Wording
from kb.types import Block

LABEL = re.compile(r"^(?P<mark>\s*(?:[-*+•]|\d+[.)、])?\s*)(?P<label>[^:：]{1,40}?)\s*[:：]\s*(?P<rest>\S.*)$", re.DOTALL)
"""`- Context window: 200K`: the list mark, the label and the rest of a line."""

_FIELD_LINE = re.compile(r"[A-Z\u4e00-\u9fff][\w \u4e00-\u9fff/()-]{1,28}[:：]\s*\S")
_TERM = r"(?m)^([-*•]\s[^\n:：。.]{2,32})\n "


def lines_of(block: Block) -> list[tuple[int, str]]:
    """The lines of a block with their offsets. A wrapped line is part of the one before, unless it begins with a label."""
    found: list[tuple[int, str]] = []
    text = _with_terms_joined(block.text)
    cuts = sorted({start for start in block.line_starts if 0 < start < len(text) and _FIELD_LINE.match(text, start)})
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found += _split_lines(text[start:end], start)
    return found


def _split_lines(text: str, offset: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for line in text.split("\n"):
        for part in re.split(r"(?<=[；;])\s*(?=\d+[.、)]\s)", line):
            if part.strip():
                found.append((offset, part.strip()))
            offset += len(part)
        offset += 1
    return found


def line_number(block: Block, offset: int) -> int:
    """The line of the source in which a place of the block's text stands."""
    return block.place.lines[0] + bisect_right(block.line_starts, offset)


def wording_of(block: Block) -> Wording:
    """What the block says, for quotes: its text, or all that a table consists of."""
    if block.table is None:
        return Wording(block.text)
    cells = [cell for row in (block.table.header, *block.table.rows) for cell in row]
    return Wording("\n".join([*cells, block.table.caption, *block.table.notes, *block.headings]))


def _with_terms_joined(text: str) -> str:
    """A term with its definition in the next line (`- Context window` / `  200,000 tokens`) as one line; offsets stay."""
    return re.sub(_TERM + r"(?= *[^\s\-*•\d.])", r"\1: ", re.sub(_TERM + r"(?= *\d)", r"\1: ", text))
