"""E-books: the chapters in spine order, each read like a web page. `Place.lines` are lines of the chapter's own file."""

from __future__ import annotations

import io
import posixpath
import zipfile
from urllib.parse import unquote

from ingest.assemble import clean_title, from_pieces, metadata_block
from ingest.errors import EncryptedFileError
from ingest.html_walk import Walker
from ingest.ooxml import damage_reported
from ingest.parse_html import html_tree
from ingest.parse_text import decode
from ingest.pieces import Piece
from kb.types import Document

_DC = "{http://purl.org/dc/elements/1.1/}"
_LABELS = {"title": "title", "creator": "author", "date": "date", "publisher": "publisher", "language": "lang"}


def parse_epub(data: bytes, source: str) -> Document:
    """Title, author and date as metadata; the table-of-contents page and the cover add nothing and are left out."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    with damage_reported(source, "EPUB"), zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        if (
            "META-INF/encryption.xml" in names
            and b"EncryptedData" in archive.read("META-INF/encryption.xml")
            and "META-INF/rights.xml" in names
        ):
            raise EncryptedFileError(f"{source}: the book is protected (DRM); expected one that any reader opens")
        container = etree.fromstring(archive.read("META-INF/container.xml"), parser)
        package_path = container.find(".//{*}rootfile").get("full-path")
        package = etree.fromstring(archive.read(package_path), parser)
        fields = {
            _LABELS[element.tag.removeprefix(_DC)]: (element.text or "").strip()
            for element in package.iterfind(".//{*}metadata/*")
            if isinstance(element.tag, str) and element.tag.removeprefix(_DC) in _LABELS and (element.text or "").strip()
        }
        manifest = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
        pieces: list[Piece] = []
        for reference in package.iterfind(".//{*}spine/{*}itemref"):
            item = manifest.get(reference.get("idref"))
            if item is None or "nav" in (item.get("properties") or "").split() or reference.get("linear") == "no":
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(package_path), unquote(item.get("href") or "")))
            if path in names and (item.get("media-type") or "").endswith(("html", "xml")):
                pieces.extend(_chapter(decode(archive.read(path), source), source))
    title = clean_title(fields.get("title", ""))
    return from_pieces(source, data, pieces, fields, title=title, web=False, head=metadata_block(fields, 1))


def _chapter(text: str, source: str) -> list[Piece]:
    root = html_tree(text, source)
    body = root.find("body")
    return Walker(skip_site_parts=False).walk(root if body is None else body)
