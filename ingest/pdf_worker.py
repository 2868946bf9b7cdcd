"""The process that reads one PDF: bytes on stdin, a pickled dict of pieces on stdout, the reason of a failure on stderr."""

from __future__ import annotations

import io
import logging
import pickle
import sys
from typing import Any

from ingest.parse_pdf import DAMAGED, ENCRYPTED, NO_TEXT, OUT_OF_MEMORY


def main(memory_limit_bytes: int) -> int:
    """Reads stdin, writes the result; returns the exit code."""
    _limit_memory(memory_limit_bytes)
    logging.disable(logging.CRITICAL)
    data = sys.stdin.buffer.read()
    try:
        result = _read(data)
    except MemoryError:
        return OUT_OF_MEMORY
    except RecursionError:
        print("it refers to itself without end", file=sys.stderr)
        return DAMAGED
    except Exception as error:  # whatever a damaged file makes the library throw is reported by the parent
        if _is_password(error):
            return ENCRYPTED
        print(f"{type(error).__name__}: {error}".strip().replace("\n", " "), file=sys.stderr)
        return DAMAGED
    if not result["pieces"]:
        print(f"{result['pages']} pages without text" if result["pages"] else "no page was found", file=sys.stderr)
        return NO_TEXT if result["pages"] else DAMAGED
    sys.stdout.buffer.write(pickle.dumps(result))
    return 0


def _read(data: bytes) -> dict[str, Any]:
    import pdfplumber

    from ingest.pdf_layout import document_pieces
    from ingest.pdf_page import Page

    with pdfplumber.open(io.BytesIO(data), unicode_norm="NFC") as document:
        pages = []
        for page in document.pages:
            pages.append(Page.read(page, data))
            page.close()
        info = {str(key): str(value) for key, value in (document.metadata or {}).items() if isinstance(value, str)}
    empty = [page.number for page in pages if not page.items]
    pieces, title = document_pieces(pages)
    return {"pieces": pieces, "title": title, "info": info, "pages": len(pages), "empty_pages": empty}


def _is_password(error: BaseException | None) -> bool:
    while error is not None:
        if (
            "Password" in type(error).__name__
            or "Encryption" in type(error).__name__
            or any("Password" in type(each).__name__ for each in error.args)
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def _limit_memory(limit: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
