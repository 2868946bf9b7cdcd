"""Ingests in forked children and kills them at random moments. A process of its own: it forks after the slow imports.

Usage: durability_child.py HOME DOCS KILLS SEED. Prints one JSON line: kills done, whether every look in between was whole.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Everything that an ingestion imports when it needs it is imported before forking, so that a child starts at once.
import chromadb  # noqa: F401
import tantivy  # noqa: F401
from store_fakes import HashEmbedder

import kb.catalog.load
import kb.lexical
import kb.vectors  # noqa: F401
from ingest import pipeline, session
from ingest.progress import SilentReporter
from ingest.session import Request
from kb.errors import IndexMissingError
from kb.manifest import Manifest, Matrix
from kb.settings import Settings

WINDOW_TEXTS = 48
EMBED_S_PER_TEXT = 0.001


class SlowEmbedder(HashEmbedder):
    """Takes its time, so that there are moments to die in."""

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Matrix:
        time.sleep(EMBED_S_PER_TEXT * len(texts))
        return super().embed_passages(texts, progress)


def ingest_once(home: Path, docs: Path) -> int:
    """One undisturbed ingestion; its exit code."""
    pipeline.WINDOW_TEXTS = WINDOW_TEXTS
    report = session.ingest(Settings(home=home), Request((str(docs),), prune=True), SilentReporter(), embedder=SlowEmbedder())
    return report.exit_code


def documents_now(home: Path) -> dict[str, str]:
    """Source -> digest of its chunks, as a reader sees it."""
    try:
        manifest = Manifest.open(home)
    except IndexMissingError:
        return {}
    try:
        sources = [document.source for document in manifest.documents()]
        return {source: repr([(chunk.id, chunk.text, chunk.ordinal) for chunk in manifest.chunks_of(source)]) for source in sources}
    finally:
        manifest.close()


def run_with_kills(home: Path, docs: Path, kills: int, seed: int) -> dict[str, object]:
    """Start, kill, start again ...; then let it finish. Looks at the documents after every kill."""
    moments = random.Random(seed)
    looks: list[dict[str, str]] = [documents_now(home)]
    died = 0
    span_s = 0.5
    while True:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = ingest_once(home, docs)
            finally:
                os._exit(code)
        if died < kills:
            time.sleep(moments.uniform(0.0, span_s))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        looks.append(documents_now(home))
        if os.WIFSIGNALED(status):
            died += 1
            continue
        if died < kills:  # it was faster than its killer
            span_s /= 2
        if os.waitstatus_to_exitcode(status) != 0 or died >= kills or span_s < 0.01:
            break
    first, last = looks[0], looks[-1]
    whole = all(chunks in (first.get(source), last.get(source)) for look in looks for source, chunks in look.items())
    kept = all(source in look for look in looks for source in first if source in last)
    return {"exit": os.waitstatus_to_exitcode(status), "kills": died, "whole": whole, "kept": kept}


if __name__ == "__main__":
    home, docs, kills, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    print(json.dumps(run_with_kills(home, docs, kills, seed)))
