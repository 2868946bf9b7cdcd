"""Benchmark documents as an ingested index: written to a folder, one file each, and taken in as a user would."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from eval.bench.vector_cache import CachedEmbedder
from kb.index import Index
from kb.settings import Settings, get_settings


def ingested(documents: dict[str, str], work: Path) -> tuple[Index, float]:
    """The index of the documents and the seconds that ingestion took (near zero where an earlier run did it, in the same `work`)."""
    from ingest.progress import SilentReporter
    from ingest.session import Request, ingest

    home = home_for(documents, work)
    folder = home / "documents"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        path = folder / name
        if not path.exists():
            path.write_bytes(text.encode("utf-8", "replace"))
    settings = settings_for(home)
    print(f"ingesting {len(documents)} documents into {home} (done already where nothing changed) ...", file=sys.stderr, flush=True)
    report = ingest(settings, Request(paths=(str(folder),)), SilentReporter(), embedder=CachedEmbedder(settings, work))
    return Index.open(settings=settings), report.seconds


def home_for(documents: dict[str, str], work: Path) -> Path:
    """A data folder that belongs to these documents."""
    digest = hashlib.blake2b(digest_size=6)
    for name, text in documents.items():
        digest.update(f"{name}\0{text}\0".encode("utf-8", "replace"))
    return work / f"home-{digest.hexdigest()}"


def settings_for(home: Path) -> Settings:
    """The user's settings with another data folder."""
    return get_settings().model_copy(update={"home": home})
