"""Saved web pages -> pieces of their main content, with every table and list of it.

A library (trafilatura) says where on the page the main content stands; the structure itself (spans of table cells,
nested lists, source lines, link targets) is read from that part of the tree here, because the library's output keeps
neither merged cells nor lines and leaves out tables that it takes for layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ingest.assemble import clean_title, from_pieces, metadata_block
from ingest.errors import DamagedFileError, TooLargeError
from ingest.html_walk import Walker
from ingest.parse_text import decode
from ingest.pieces import Piece, heading_text
from kb.types import Document

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w\-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([\w\-]+)", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_LD_DATE = re.compile(r"\"datePublished\"\s*:\s*\"([^\"]{4,40})\"")
_SITE_NAME = re.compile(r"\s*(?:[|｜_»·•]|\s[-–—]\s|-(?=[\u4e00-\u9fff]))\s*")
MAX_HTML_BYTES = 12 * 1024 * 1024
_MAIN_SHARE = 0.5
_MIN_MAIN_CHARS = 120

_META = {
    "date": (
        "article:published_time",
        "datepublished",
        "date",
        "pubdate",
        "publishdate",
        "dc.date",
        "dc.date.issued",
        "og:published_time",
        "publish_date",
    ),
    "updated": ("article:modified_time", "datemodified", "lastmod", "og:updated_time"),
    "author": ("author", "article:author", "dc.creator"),
    "sitename": ("og:site_name", "application-name"),
    "keywords": ("keywords",),
}


def parse_html(data: bytes, source: str, charset: str | None = None) -> Document:
    """A saved page: title, date and author as metadata, the main content as blocks; menus, share buttons and the like removed."""
    if len(data) > MAX_HTML_BYTES:
        raise TooLargeError(
            f"{source}: {len(data) / 1e6:.0f} MB of HTML is more than the limit of {MAX_HTML_BYTES / 1e6:.0f} MB; "
            "save the page without embedded pictures, or in parts"
        )
    declared = charset or _declared_charset(data)
    text = decode(data, source, declared)
    root = html_tree(text, source)
    fields = _metadata(root, text)
    if "url" not in fields and source.startswith(("http://", "https://")):
        fields["url"] = source
    raw_title = _meta(root, ("og:title", "twitter:title")) or _text_of(root.find(".//title"))
    pieces = Walker().walk(_main_part(root))
    title = clean_title(_page_title(raw_title, root))
    head_line = max((element.sourceline or 1 for element in root.iterfind(".//head/*")), default=1)
    head = metadata_block(fields, head_line)
    return from_pieces(source, data, pieces, {**fields, "title": title} if title else fields, title=title, web=True, head=head)


def html_tree(text: str, source: str) -> HtmlElement:
    """The parsed tree; however broken the markup is, something is recovered, unless there is no element at all."""
    from lxml import etree, html

    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, recover=True)
    try:
        root = html.document_fromstring(_XML_DECLARATION.sub("", text).encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise DamagedFileError(f"{source}: no HTML element could be read ({error}); expected a saved web page. Save it again") from None
    return root


def fragment_pieces(text: str, first_line: int) -> list[Piece]:
    """The pieces of a stretch of HTML inside another format, such as a table in Markdown."""
    from lxml import html

    root = html.fragment_fromstring(text, create_parent="div")
    pieces = Walker().walk(root)
    for piece in pieces:
        _move_lines(piece, first_line - 1)
    return pieces


def _move_lines(piece: Piece, by: int) -> None:
    from dataclasses import replace

    piece.first += by
    piece.last += by
    for line in piece.lines:
        line.number += by
    if piece.table is not None:
        piece.table = replace(piece.table, row_lines=tuple(line + by for line in piece.table.row_lines))


def _declared_charset(data: bytes) -> str | None:
    match = _XML_ENCODING.match(data[:200]) or _CHARSET.search(data[:4096])
    name = match[1].decode("ascii", "ignore").lower() if match else ""
    return {"gb2312": "gb18030", "gbk": "gb18030"}.get(name, name) or None


def _main_part(root: HtmlElement) -> HtmlElement:
    """The smallest element that holds what the library takes for the main text; the body where it finds too little."""
    body = root.find("body")
    body = root if body is None else body
    marked = body.xpath(".//article | .//main | .//*[@role='main']")
    wanted = _library_text(root)
    if len(wanted) < _MIN_MAIN_CHARS:
        return marked[0] if len(marked) == 1 and len(_squeeze(marked[0].text_content())) >= _MIN_MAIN_CHARS else body
    grams = _grams(wanted)
    found = [element for element in body.iter() if isinstance(element.tag, str) and _is_wanted(element, grams)]
    return _with_headings(_common_ancestor(found, body), body)


def _library_text(root: HtmlElement) -> str:
    """The page's main text without blanks, as trafilatura extracts it (tables and lists included, comments not)."""
    import logging
    from copy import deepcopy

    from trafilatura import extract

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it warns about pages without an article; here they have a fallback
    try:
        text = extract(deepcopy(root), include_comments=False, include_tables=True, favor_recall=True, with_metadata=False)
    except (ValueError, RecursionError, AttributeError, TypeError):
        return ""  # the library gives up on the strangest trees; the whole body is then the main part
    return _squeeze(text or "")


def _squeeze(text: str) -> str:
    return re.sub(r"\W+", "", text)


def _grams(text: str, size: int = 12) -> set[str]:
    return {text[start : start + size] for start in range(max(1, len(text) - size + 1))}


def _is_wanted(element: HtmlElement, grams: set[str], size: int = 12) -> bool:
    """Whether the element's own words (not its children's) are part of the main text."""
    own = _squeeze("".join([element.text or "", *(child.tail or "" for child in element)]))
    if len(own) < size:
        return False
    picks = [own[start : start + size] for start in range(0, len(own) - size + 1, size)]
    return sum(pick in grams for pick in picks) * 2 >= len(picks)


def _common_ancestor(found: list[HtmlElement], body: HtmlElement) -> HtmlElement:
    """The lowest element that holds nearly all of the found text: single strays (a footer's sentence) do not widen it."""
    weights: dict[Any, int] = {}
    total = 0
    for element in found:
        weight = len(element.text_content())
        total += weight
        for ancestor in (element, *element.iterancestors()):
            weights[ancestor] = weights.get(ancestor, 0) + weight
    best = body
    for element in body.iter():
        if isinstance(element.tag, str) and weights.get(element, 0) >= 0.9 * total > 0:
            best = element
    return best


def _with_headings(main: HtmlElement, body: HtmlElement) -> HtmlElement:
    """One or more steps up where the heading, the byline or a table of the article stands right outside of the found part."""
    current = main
    while current is not body and current.tag not in ("article", "main", "body"):
        parent = current.getparent()
        if parent is None or parent is body:
            break
        inside = len(_squeeze(current.text_content()))
        around = len(_squeeze(parent.text_content())) - inside
        outside_tables = [table for table in parent.iter("table") if current not in table.iterancestors() and table not in current.iter()]
        if around > inside * _MAIN_SHARE and not (outside_tables and around <= 2 * inside):
            break
        current = parent
    return current


def _metadata(root: HtmlElement, text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for key, names in _META.items():
        value = _meta(root, names)
        if value:
            fields[key] = value
    if "date" not in fields:
        found = _LD_DATE.search(text)
        stamp = root.xpath("string((//time[@datetime and not(ancestor::*[contains(@class,'comment')])])[1]/@datetime)")
        date = found[1] if found else str(stamp).strip()
        if date:
            fields["date"] = date
    address = root.xpath("string((//link[@rel='canonical']/@href)[1])") or _meta(root, ("og:url",))
    saved = re.search(r"<!--\s*saved from url=\(\d+\)(\S+)\s*-->", text[:3000])
    if not str(address).startswith("http") and saved:
        address = saved[1]
    if str(address).startswith("http"):
        fields["url"] = str(address).strip()
    return fields


def _meta(root: HtmlElement, names: Iterable[str]) -> str:
    values: dict[str, str] = {}
    for element in root.iterfind(".//meta"):
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").strip().lower()
        content = (element.get("content") or "").strip()
        if name and content:
            values.setdefault(name, re.sub(r"\s+", " ", content))
    return next((values[name] for name in names if name in values), "")


def _text_of(element: HtmlElement | None) -> str:
    return "" if element is None else re.sub(r"\s+", " ", element.text_content()).strip()


def _page_title(raw: str, root: HtmlElement) -> str:
    """The heading that the page's title repeats, else the title without the site's name."""
    headings = [heading_text(_text_of(element)) for element in root.iter("h1")]
    repeated = [heading for heading in headings if heading and (heading in raw or not raw)]
    if repeated:
        return min(repeated, key=raw.find)  # the page's own name comes before the site's
    parts = [part for part in _SITE_NAME.split(raw) if part]
    if len(headings) == 1 and headings[0] and not any(_squeeze(part) in _squeeze(headings[0]) for part in parts if _squeeze(part)):
        return raw or headings[0]
    return max(parts, key=len) if len(parts) > 1 and len(max(parts, key=len)) >= 6 else raw
