"""From pieces to a `Document`: front matter, title, boilerplate, captions and notes, heading paths."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from ingest.boilerplate import content_only, is_web_page, own_host, posted_date, without_contents_lists
from ingest.errors import EmptyTextError
from ingest.pieces import Line, Piece, render, to_blocks
from ingest.tables import is_caption, is_note
from kb.types import Block, Document, Place

_LABELS = {
    "subtitle": "副标题 (subtitle)",
    "author": "作者 (author)",
    "authors": "作者 (authors)",
    "date": "发布日期 (date)",
    "published": "发布日期 (published)",
    "publish_date": "发布日期 (publish_date)",
    "pubdate": "发布日期 (pubdate)",
    "updated": "更新日期 (updated)",
    "lastmod": "更新日期 (lastmod)",
    "source": "来源 (source)",
    "publisher": "发布者 (publisher)",
    "sitename": "网站 (sitename)",
    "url": "网址 (url)",
    "tags": "标签 (tags)",
    "keywords": "关键词 (keywords)",
    "version": "版本 (version)",
    "license": "许可证 (license)",
    "description": "摘要 (description)",
    "summary": "摘要 (summary)",
    "fetch_date": "抓取日期 (fetch_date)",
}
_HIDDEN = frozenset(
    (
        "layout draft slug weight sidebar id type permalink template cover image thumbnail lang math toc "
        "created modified pages pages_without_text"
    ).split()
)
_FIELD_CHARS = 400


def make_document(source: str, data: bytes, title: str, blocks: Sequence[Block], metadata: Mapping[str, str]) -> Document:
    """The document, or `EmptyTextError` if there is nothing in it to find."""
    if not blocks:
        raise EmptyTextError(
            f"{source}: no text was found in it; expected paragraphs, lists or tables. "
            "If it is a scan or a picture, run OCR on it first and give the text"
        )
    return Document(source, title or stem(source), hashlib.sha256(data).hexdigest(), tuple(blocks), dict(metadata))


def from_pieces(
    source: str,
    data: bytes,
    pieces: Sequence[Piece],
    metadata: Mapping[str, str],
    *,
    title: str = "",
    web: bool | None = None,
    head: Sequence[Block] = (),
) -> Document:
    """A document out of pieces. `web`: remove what belongs to the site (None: only if it looks scraped); `head` goes first.

    Properties of a file are no text: without any piece left, `EmptyTextError` is raised even if there is a `head`.
    """
    fields = dict(metadata)
    title = clean_title(fields.get("title") or title or first_heading(pieces)) or stem(source)
    pieces = _without_title_line(pieces, title)
    scraped = is_web_page(pieces, fields) if web is None else web
    host = own_host(pieces, fields) if scraped else ""
    kept = content_only(pieces, title, fields) if scraped else without_contents_lists(pieces)
    if "date" not in fields and (posted := posted_date(kept)):
        fields["date"] = posted
    blocks = to_blocks(attach_captions(kept, host), title, host)
    if not blocks and title and any(piece.kind == "heading" for piece in pieces):
        first = next(piece for piece in pieces if piece.kind == "heading")
        blocks = [Block("paragraph", title, (), Place((first.first, first.last)))]
    return make_document(source, data, title, [*head, *blocks] if blocks else [], fields)


def metadata_block(fields: Mapping[str, str], last_line: int) -> list[Block]:
    """The front matter as a small readable block, so that a question about date, author or source finds it.

    The title is left to the chunk's context: a block that only repeats it would outrank the text on every question.
    """
    shown = [
        f"{_LABELS.get(key.lower(), key)}: {value}"
        for key, value in fields.items()
        if value and key.lower() != "title" and key.lower() not in _HIDDEN and not key.startswith("_") and len(value) <= _FIELD_CHARS
    ]
    if not shown:
        return []
    return [Block("paragraph", "\n".join(shown), (), Place((1, max(1, last_line))))]


def attach_captions(pieces: Sequence[Piece], host: str = "") -> list[Piece]:
    """Moves a caption right above a table and the notes right below it into the table, where every row can carry them."""
    result: list[Piece] = []
    after: Piece | None = None
    for piece in pieces:
        if piece.table is not None:
            above = result[-1] if result and result[-1].kind == "paragraph" and result[-1].table is None else None
            text = render(above.lines, host)[0].strip() if above else ""
            table = piece.table
            if above is not None and above is not after and is_caption(text):
                result.pop()
                table = replace(table, caption=" / ".join(filter(None, [text, table.caption])))
                piece = replace_piece(piece, table, first=above.first)
            result.append(piece)
            after = piece
        elif after is not None and (piece.kind in ("paragraph", "quote") or _is_starred(piece)):
            text = ("* " if piece.kind == "list" else "") + render([Line(line.runs, line.number) for line in piece.lines], host)[0].strip()
            if after.table is not None and (is_note(text) or (piece.kind == "quote" and len(text) <= 120)):
                after = replace_piece(after, replace(after.table, notes=(*after.table.notes, text)), last=piece.last)
                result[-1] = after
            else:
                result.append(piece)
                after = None
        else:
            result.append(piece)
            after = None
    return result


def _without_title_line(pieces: Sequence[Piece], title: str) -> Sequence[Piece]:
    """The pieces without a first paragraph that is nothing but the title: as context it is in every chunk anyway."""
    first = pieces[0] if len(pieces) > 1 else None
    return pieces[1:] if first is not None and first.kind == "paragraph" and first.text == title else pieces


def _is_starred(piece: Piece) -> bool:
    """A footnote that Markdown takes for a list of one item."""
    return piece.kind == "list" and piece.marker == "*" and len(piece.lines) == 1


def replace_piece(piece: Piece, table: object, first: int | None = None, last: int | None = None) -> Piece:
    """The piece with another table and range of lines."""
    from kb.types import Table

    assert isinstance(table, Table)
    return Piece(
        "table",
        [],
        piece.first if first is None else min(first, piece.first),
        piece.last if last is None else max(last, piece.last),
        table=table,
        page=piece.page,
        table_runs=piece.table_runs,
    )


def first_heading(pieces: Sequence[Piece]) -> str:
    """The heading that stands for the whole text: alone at the highest level, near the top. Empty if there is none."""
    headings = [piece for piece in list(pieces)[:20] if piece.kind == "heading"]
    if not headings:
        return ""
    level = min(piece.level for piece in pieces if piece.kind == "heading")
    tops = [piece for piece in pieces if piece.kind == "heading" and piece.level == level]
    first = tops[0]
    if first not in headings:
        return ""
    if len({piece.text for piece in tops}) > 1:  # one of several chapters, unless nothing stands between it and the next
        after = pieces[next(at for at, piece in enumerate(pieces) if piece is first) + 1]
        return first.text if after.kind == "heading" and after.level == level else ""
    return first.text if level == 1 or first is pieces[0] else ""


def clean_title(title: str) -> str:
    """A title on one line, of bounded length."""
    return re.sub(r"\s+", " ", title).strip().rstrip("#").strip()[:200]


def stem(source: str) -> str:
    """The name of a file or page without folders and extension."""
    path = PurePosixPath(re.sub(r"[?#].*$", "", source) if "://" in source else source)
    return re.sub(r"\s+", " ", path.stem or path.name or source).strip() or source
