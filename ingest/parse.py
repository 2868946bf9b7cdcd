"""One way in: a path or bytes -> `Document`. The name's extension proposes a parser, the bytes have the last word."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ingest.assemble import from_pieces, make_document, metadata_block, stem
from ingest.errors import DamagedFileError, ParseError, TooLargeError, UnsupportedFormatError
from kb.types import Document

MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_TEXT_BYTES = 32 * 1024 * 1024
"""Text above this is refused: its pieces and chunks would need more memory than a laptop has to spare."""

_MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd"})
_TEXT = frozenset({".txt", ".text", ".log", ".rst", ".asc", ".adoc", ".org"})
_HTML = frozenset({".html", ".htm", ".xhtml", ".shtml"})
_TABULAR = frozenset({".csv", ".tsv"})
_JSON = frozenset({".json", ".jsonl", ".ndjson"})
_BINARY = frozenset({".pdf", ".docx", ".pptx", ".xlsx", ".xlsm", ".epub"})
SUPPORTED_SUFFIXES = _MARKDOWN | _TEXT | _HTML | _TABULAR | _JSON | _BINARY


def parse_file(path: Path, source: str) -> Document:
    """Reads and parses one file; `source` is the name it is known by (relative to the folder that was given).

    Raises `ParseError` (subclasses name the cause) for anything that is wrong with the file, also if it disappears or
    becomes unreadable meanwhile.
    """
    return parse_bytes(read_limited(path, source), source)


def read_limited(path: Path, source: str) -> bytes:
    """The bytes of a regular file no larger than the limit of its kind."""
    suffix = path.suffix.lower()
    limit = MAX_FILE_BYTES if suffix in _BINARY else MAX_TEXT_BYTES
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > limit:
                raise TooLargeError(_too_large(source, size, limit))
            data = stream.read(limit + 1)
    except FileNotFoundError:
        raise ParseError(f"{source}: the file is gone; it was there when the folder was listed. Run the command again") from None
    except IsADirectoryError:
        raise ParseError(f"{source}: this is a folder; expected a file. Give the folder itself to ingest what is in it") from None
    except PermissionError:
        raise ParseError(f"{source}: the file may not be read by this user; change its permissions (chmod +r) or leave it out") from None
    except OSError as error:
        raise ParseError(
            f"{source}: reading failed ({error.strerror or error}); check the disk or the network share, then run again"
        ) from None
    if len(data) > limit:
        raise TooLargeError(_too_large(source, len(data), limit))
    return data


def _too_large(source: str, size: int, limit: int) -> str:
    return (
        f"{source}: {size / 1e6:.0f} MB is more than the limit of {limit / 1e6:.0f} MB for this kind of file; "
        "split it into parts (chapters, months) and ingest those"
    )


def parse_bytes(data: bytes, source: str, *, media_type: str = "", charset: str | None = None) -> Document:
    """Parses a file's bytes. `media_type` and `charset` are what a server said, for pages without a telling name."""
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise DamagedFileError(f"{source}: the file is empty (0 characters); expected text. Save it again, or leave it out")
    return _parser_for(data, source, media_type)(data, source, charset)


Parser = Callable[[bytes, str, str | None], Document]


def _parser_for(data: bytes, source: str, media_type: str) -> Parser:
    suffix = PurePosixPath(source.split("?")[0] if "://" in source else source).suffix.lower()
    by_content = _by_signature(data, source)
    if by_content is not None:
        return by_content
    if suffix in _BINARY:
        raise DamagedFileError(
            f"{source}: this is not a {suffix[1:].upper()} file (it starts with {data[:8]!r}); expected one. "
            "It may be cut off or have the wrong extension: export it again"
        )
    media = media_type.split(";")[0].strip().lower()
    if suffix in _HTML or media in ("text/html", "application/xhtml+xml"):
        return _html
    if suffix in _TABULAR or media in ("text/csv", "text/tab-separated-values"):
        return _csv
    if suffix in _JSON or media in ("application/json", "application/x-ndjson"):
        return _json
    if suffix in _MARKDOWN or media == "text/markdown":
        return _markdown
    if suffix in _TEXT or suffix == "" or media.startswith("text/"):
        return _text
    raise UnsupportedFormatError(
        f"{source}: files of type {suffix or media or 'unknown'} are not read; expected one of "
        f"{', '.join(sorted(SUPPORTED_SUFFIXES))}. Convert it to one of these"
    )


def _by_signature(data: bytes, source: str) -> Parser | None:
    if data.startswith(b"%PDF-") or b"%PDF-" in data[:1024] and source.lower().endswith(".pdf"):
        return _pdf
    if data.startswith(b"PK\x03\x04") or data.startswith(b"PK\x05\x06"):
        from ingest.archives import package_kind

        return {"docx": _docx, "pptx": _pptx, "xlsx": _xlsx, "epub": _epub}[package_kind(data, source)]
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        from ingest.archives import refuse_ole

        refuse_ole(data, source)
    return None


def _text(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_markdown import looks_like_markdown
    from ingest.parse_text import decode, first_line_title, text_blocks

    text = decode(data, source, charset)
    start = text[:2000].lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return _html(data, source, charset)
    if looks_like_markdown(text):
        return _markdown_text(text, data, source)
    title = first_line_title(text) or stem(source)
    return make_document(source, data, title, text_blocks(text, title), {})


def _markdown(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_text import decode

    return _markdown_text(decode(data, source, charset), data, source)


def _markdown_text(text: str, data: bytes, source: str) -> Document:
    from ingest.parse_markdown import markdown_pieces, split_front_matter
    from ingest.parse_text import first_line_title, promote_heading, text_pieces

    fields, body, lines = split_front_matter(text)
    pieces = markdown_pieces(body, lines + 1) or text_pieces(body, lines + 1)
    title = ""
    if not any(piece.kind == "heading" for piece in pieces):
        title = first_line_title(body)
        for piece in pieces:
            promote_heading(piece)
    return from_pieces(source, data, pieces, fields, title=title, head=metadata_block(fields, lines))


def _html(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_html import parse_html

    return parse_html(data, source, charset)


def _csv(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_csv import parse_csv

    return parse_csv(data, source, charset)


def _json(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_json import parse_json

    return parse_json(data, source, charset)


def _pdf(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_pdf import parse_pdf

    return parse_pdf(data, source)


def _docx(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_docx import parse_docx

    return parse_docx(data, source)


def _pptx(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_pptx import parse_pptx

    return parse_pptx(data, source)


def _xlsx(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_xlsx import parse_xlsx

    return parse_xlsx(data, source)


def _epub(data: bytes, source: str, charset: str | None) -> Document:
    from ingest.parse_epub import parse_epub

    return parse_epub(data, source)
