"""JSON and JSON lines: records with text become sections, records of the same flat fields become a table, the rest "path: value"."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from ingest.assemble import clean_title, make_document, stem
from ingest.errors import DamagedFileError
from ingest.parse_text import decode, text_blocks
from ingest.pieces import to_blocks
from ingest.tables import build_tables, plain_grid
from kb.types import Block, Document, Place

_TITLE_KEYS = ("title", "name", "标题", "名称", "question", "subject", "headline")
_TEXT_KEYS = ("text", "content", "body", "正文", "内容", "markdown", "answer", "abstract", "passage", "html")
_LONG_CHARS = 120
_MAX_DEPTH = 60
_SPACE = " \t\r\n"


def parse_json(data: bytes, source: str, charset: str | None = None) -> Document:
    """The file's values with exact lines: each record, or each member of the outermost object, has its own."""
    text = decode(data, source, charset)
    title = stem(source)
    try:
        items = list(_items(text, source))
        whole = _document_title(items)
        blocks = _blocks(items)
    except RecursionError:
        raise DamagedFileError(f"{source}: the JSON is nested too deeply to be data; expected at most {_MAX_DEPTH} levels") from None
    return make_document(source, data, whole or title, blocks, {})


Item = tuple[str, Any, tuple[int, int]]  # key in the outermost object (or ""), value, lines


def _items(text: str, source: str) -> Iterator[Item]:
    """The outermost array's elements, the outermost object's members, or one value a line."""
    newlines = [position for position, character in enumerate(text) if character == "\n"]
    decoder = json.JSONDecoder()
    position = _skip(text, 0)

    def lines(start: int, end: int) -> tuple[int, int]:
        return bisect_right(newlines, start - 1) + 1, bisect_right(newlines, max(start, end - 1) - 1) + 1

    try:
        value, end = decoder.raw_decode(text, position)
        rest = _skip(text, end)
        if rest < len(text):
            yield "", value, lines(position, end)
            while rest < len(text):
                value, end = decoder.raw_decode(text, rest)
                yield "", value, lines(rest, end)
                rest = _skip(text, end)
            return
        if not isinstance(value, dict | list):
            yield "", value, lines(position, end)
            return
        position = _skip(text, position + 1)
        while text[position] not in "]}":
            key = ""
            if isinstance(value, dict):
                key, position = decoder.raw_decode(text, position)
                position = _skip(text, _skip(text, position) + 1)
            element, end = decoder.raw_decode(text, position)
            yield key, element, lines(position, end)
            position = _skip(text, end)
            if text[position] == ",":
                position = _skip(text, position + 1)
    except json.JSONDecodeError as error:
        line = text.count("\n", 0, error.pos) + 1
        raise DamagedFileError(
            f"{source}:{line}: no JSON ({error.msg}); expected a JSON value, or one a line. Export the file again"
        ) from None


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position


def _document_title(items: list[Item]) -> str:
    for key, value, _ in items:
        if key.lower() in _TITLE_KEYS and isinstance(value, str):
            return clean_title(value)
    return ""


def _blocks(items: list[Item]) -> list[Block]:
    records = [item for item in items if not item[0] and isinstance(item[1], dict)]
    if len(records) == len(items) and records:
        table = _table(records, ())
        if table:
            return table
        return [
            block
            for position, (_, record, lines) in enumerate(records, start=1)
            for block in _record(record, lines, (_name(record, position),))
        ]
    blocks: list[Block] = []
    loose: list[tuple[str, tuple[int, int]]] = []
    for key, value, lines in items:
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            table = _table([("", each, lines) for each in value], (key,) if key else ())
            blocks.extend(
                table or [block for at, each in enumerate(value, start=1) for block in _record(each, lines, (key, _name(each, at)))]
            )
        elif isinstance(value, dict):
            blocks.extend(_record(value, lines, (key,) if key else ()))
        elif isinstance(value, str) and len(value) > _LONG_CHARS:
            blocks.extend(_long_text(value, lines, (key,) if key else ()))
        else:
            loose.extend((line, lines) for line in _lines(key, value, 0))
    if loose:
        span = (min(lines[0] for _, lines in loose), max(lines[1] for _, lines in loose))
        blocks.insert(0, Block("paragraph", "\n".join(line for line, _ in loose), (), Place(span)))
    return blocks


def _table(records: list[Item], headings: tuple[str, ...]) -> list[Block]:
    """Two or more flat records with mostly the same short fields."""
    keys: dict[str, int] = {}
    for _, record, _ in records:
        for key, value in record.items():
            if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict | list) for each in value)):
                return []
            if isinstance(value, str) and (len(value) > _LONG_CHARS or "\n" in value.strip()):
                return []
            keys[key] = keys.get(key, 0) + 1
    if len(records) < 2 or not keys or len(keys) > 60 or sum(keys.values()) < 0.5 * len(keys) * len(records):
        return []
    rows = [list(keys), *([_scalar(record.get(key)) for key in keys] for _, record, _ in records)]
    numbers = [records[0][2][0], *(lines[0] for _, _, lines in records)]
    grid = plain_grid(rows, numbers, 1)
    span = (records[0][2][0], max(lines[1] for _, _, lines in records))
    return [Block("table", "", headings, Place(span), table) for table in build_tables(grid)]


def _name(record: dict[str, Any], position: int) -> str:
    for key in (*_TITLE_KEYS, "id"):
        value = record.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return clean_title(str(value))[:80]
    return f"#{position}"


def _record(record: dict[str, Any], lines: tuple[int, int], headings: tuple[str, ...]) -> list[Block]:
    """One record: its short fields as lines, its long texts as paragraphs (Markdown where they are Markdown)."""
    short: list[str] = []
    long: list[Block] = []
    for key, value in record.items():
        if isinstance(value, str) and (len(value) > _LONG_CHARS or key.lower() in _TEXT_KEYS):
            long.extend(_long_text(value, lines, headings))
        else:
            short.extend(_lines(key, value, 0))
    head = [Block("paragraph", "\n".join(short), headings, Place(lines))] if short else []
    return head + long


def _long_text(value: str, lines: tuple[int, int], headings: tuple[str, ...]) -> list[Block]:
    from ingest.parse_markdown import looks_like_markdown, markdown_pieces

    inner = to_blocks(markdown_pieces(value), "") if looks_like_markdown(value) else text_blocks(value, "")
    return [Block(block.kind, block.text, headings + block.headings, Place(lines), block.table) for block in inner]


def _lines(path: str, value: Any, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(f"{path}.{key}" if path else str(key), inner, depth + 1)
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for position, inner in enumerate(value, start=1):
            yield from _lines(f"{path}[{position}]", inner, depth + 1)
    else:
        text = _scalar(value)
        if text:
            yield f"{path}: {text}" if path else text


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_scalar(each) for each in value)
    return str(value).strip()
