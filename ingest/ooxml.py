"""What Word, PowerPoint and Excel files have in common: their libraries' failures and their properties."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ingest.errors import DamagedFileError, ParseError

JUNK_TITLE = re.compile(
    r"^(?:powerpoint 演示文稿|powerpoint presentation|presentation\d*|演示文稿\d*|document\d*|文档\d*|word document|microsoft word - .*"
    r"|untitled|无标题|title|book\d*|工作簿\d*)$",
    re.IGNORECASE,
)


_THROWN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    OSError,
    EOFError,
    RecursionError,
    SyntaxError,  # xml.etree's ParseError is one
)
"""What the libraries throw, unwrapped, at bytes that are not what they expect."""


@contextmanager
def damage_reported(source: str, kind: str) -> Iterator[None]:
    """Turns whatever a library throws at a broken file into one `DamagedFileError`; `ParseError`s pass."""
    from lxml.etree import LxmlError

    try:
        yield
    except ParseError:
        raise
    except (LxmlError, *_THROWN) as error:
        raise DamagedFileError(
            f"{source}: the {kind} file could not be read ({type(error).__name__}: {str(error)[:120]}); expected an intact one. "
            "Open it in the program it comes from and save it again"
        ) from error
    except Exception as error:
        if type(error).__module__.split(".")[0] in ("docx", "pptx", "openpyxl"):
            raise DamagedFileError(f"{source}: this is no {kind} file ({str(error)[:160]}); save it again as one") from error
        raise


def properties(core: Any) -> dict[str, str]:
    """Title, author and dates of a document's core properties, as far as they say anything."""
    fields: dict[str, str] = {}
    title = str(getattr(core, "title", "") or "").strip()
    if title and not JUNK_TITLE.match(title):
        fields["title"] = title
    author = str(getattr(core, "author", None) or getattr(core, "creator", None) or "").strip()
    if author and author.lower() not in ("python-docx", "openpyxl", "steve canny"):
        fields["author"] = author
    for key in ("created", "modified"):
        moment = getattr(core, key, None)
        if moment is not None and getattr(moment, "year", 0) > 2013:
            fields[key] = moment.date().isoformat()
    keywords = str(getattr(core, "keywords", "") or "").strip()
    if keywords:
        fields["keywords"] = keywords
    return fields
