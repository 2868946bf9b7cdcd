"""The small frozen values that flow one way: `Document` -> `Chunk` -> `SearchHit` -> `Citation`.

No storage identity, no vendor type: Chroma, tantivy and parser objects never leave the module that uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["paragraph", "list", "table", "code", "quote"]
ChunkKind = Literal["text", "table", "row", "record"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in its source: lines are 1-based and inclusive; page, slide and sheet where there are any."""

    lines: tuple[int, int] = (1, 1)
    page: int | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its header flattened to one row ("Price / Input" for a two-row header) and merged cells filled in."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_lines: tuple[int, ...]
    caption: str = ""
    notes: tuple[str, ...] = ()
    """Captions and footnotes that hold for every row: a unit, a condition, a currency."""


@dataclass(frozen=True, slots=True)
class Block:
    """One structural piece of a document under its heading path."""

    kind: BlockKind
    text: str
    headings: tuple[str, ...]
    place: Place
    table: Table | None = None
    line_starts: tuple[int, ...] = ()
    """Offsets in `text` where the source's lines after `place.lines[0]` begin (empty: all of it counts as the whole range)."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed source. `source` is its path as given, relative to the folder that was given, or its URL."""

    source: str
    title: str
    content_hash: str
    blocks: tuple[Block, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A searchable piece.

    `text` is what a reader and a citation see; `context` (title and heading path, table caption and unit) is put before
    it for embedding and lexical search only. `parent` is the id of the whole-table chunk that a row belongs to.
    """

    id: str
    source: str
    ordinal: int
    kind: ChunkKind
    text: str
    context: str
    headings: tuple[str, ...]
    place: Place
    title: str = ""
    parent: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def section(self) -> str:
        """The heading path as one line, the document's title where there is none."""
        return " > ".join(self.headings) or self.title

    @property
    def indexed_text(self) -> str:
        """What is embedded and indexed: context, then text."""
        return f"{self.context}\n{self.text}" if self.context else self.text


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A chunk with its rank (1-based), fused score and the two legs' own scores (None: that leg did not return it)."""

    chunk: Chunk
    rank: int
    score: float
    dense_score: float | None = None
    lexical_score: float | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """`quote` occurs word for word in the cited chunk's text (checked when it is made)."""

    source: str
    section: str
    place: Place
    quote: str
    chunk_id: str = ""
