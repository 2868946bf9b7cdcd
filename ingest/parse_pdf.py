"""PDF files, read in a process of their own: a hostile file can neither hang, crash nor swell the one that ingests.

pdfplumber reads them because it gives ruled tables with their cells, and the size and place of every character, from
which headings, columns, running titles and tables without rules are told; pdfium is the fallback for pages whose fonts
it cannot decode. `Place.page` is the page's number in the file, `Place.lines` are lines of that page.
"""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from ingest.assemble import clean_title, from_pieces, metadata_block, stem
from ingest.errors import DamagedFileError, EmptyTextError, EncryptedFileError, ParseTimeoutError, TooLargeError
from ingest.ooxml import JUNK_TITLE
from ingest.pieces import Piece
from kb.types import Document

TIME_LIMIT_S = 180
MEMORY_LIMIT_BYTES = 1_600_000_000
_TAIL_BYTES = 64 * 1024
_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")
ENCRYPTED, NO_TEXT, DAMAGED, OUT_OF_MEMORY = 3, 4, 5, 6
"""Exit codes of the worker."""


def parse_pdf(data: bytes, source: str, *, time_limit_s: float = TIME_LIMIT_S) -> Document:
    """The text layer and the tables, page by page. A file without text layer, cut off or encrypted is refused with the reason."""
    tail = data[-_TAIL_BYTES:]
    if b"%%EOF" not in tail and b"startxref" not in tail:
        raise DamagedFileError(
            f"{source}: the PDF is cut off (its end marker is missing); expected a complete file. Download or export it again"
        )
    result = _run_worker(data, source, time_limit_s)
    pieces: list[Piece] = result["pieces"]
    info: dict[str, str] = result["info"]
    fields = {
        key: info[name].strip()
        for key, name in (("author", "Author"), ("keywords", "Keywords"))
        if info.get(name, "").strip(" ()") not in ("", "anonymous")
    }
    for key, name in (("created", "CreationDate"), ("modified", "ModDate")):
        if found := _DATE.match(info.get(name, "")):
            fields[key] = "-".join(part for part in found.groups() if part)
    named = info.get("Title", "").strip()
    title = named if named and not JUNK_TITLE.match(named) and "(anonymous)" not in named else result["title"]
    title = clean_title(title) or stem(source)
    fields["pages"] = str(result["pages"])
    if result["empty_pages"]:
        fields["pages_without_text"] = ", ".join(map(str, result["empty_pages"]))
    return from_pieces(source, data, pieces, fields, title=title, web=False, head=metadata_block(fields, 1))


def _run_worker(data: bytes, source: str, time_limit_s: float) -> dict[str, Any]:
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))}
    command = [sys.executable, "-W", "ignore", "-m", "ingest.pdf_worker", str(MEMORY_LIMIT_BYTES)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=time_limit_s, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise ParseTimeoutError(
            f"{source}: reading took longer than {time_limit_s:.0f} s, the limit for one file; "
            "split the PDF into parts, or print it to a new PDF"
        ) from None
    if done.returncode == 0:
        result: dict[str, Any] = pickle.loads(done.stdout)  # noqa: S301  (written by our own worker)
        return result
    reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = reason[-1][:200] if reason else f"the reader stopped with status {done.returncode}"
    if done.returncode == ENCRYPTED:
        raise EncryptedFileError(
            f"{source}: the PDF asks for a password; expected one that opens without. Remove the protection and save it again"
        )
    if done.returncode == NO_TEXT:
        raise EmptyTextError(
            f"{source}: the PDF has no text layer ({last}); expected text, not pictures of it. Run OCR on it first (e.g. ocrmypdf)"
        )
    if done.returncode == OUT_OF_MEMORY:
        raise TooLargeError(f"{source}: reading needs more than {MEMORY_LIMIT_BYTES / 1e9:.1f} GB of memory; split the PDF into parts")
    raise DamagedFileError(f"{source}: the PDF could not be read ({last}); expected an intact file. Download or export it again")
