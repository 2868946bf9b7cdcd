"""The shipped corpus and catalog, ingested once into a data folder of the benchmark's own."""

from __future__ import annotations

import sys
from pathlib import Path

from eval.bench.corpus import settings_for


def shipped_home(work: Path) -> Path:
    """The data folder; ingested if it is not there or not up to date."""
    from ingest.progress import SilentReporter
    from ingest.session import Request, ingest

    home = work / "home-shipped"
    print("ingesting the shipped corpus (done already where nothing changed) ...", file=sys.stderr, flush=True)
    ingest(settings_for(home), Request(), SilentReporter())
    return home


def shipped_questions() -> list[str]:
    """One question a section of the shipped corpus: its heading, asked in words. They time the search; they judge nothing."""
    from ingest.chunk import chunk_document
    from ingest.parse import parse_bytes
    from ingest.scan import scan_shipped

    asked: dict[str, None] = {}
    for found in scan_shipped().found:
        if found.file is None:
            continue
        document = parse_bytes(found.file.read_bytes(), found.name)
        for chunk in chunk_document(document):
            if chunk.headings:
                asked[f"{document.title} 的{chunk.headings[-1].split('(')[0].strip()}是怎样的？"] = None
    return list(asked)
