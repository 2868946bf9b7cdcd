"""One ingestion of a folder into `ADVISOR_HOME`, in a process of its own; prints seconds and peak memory as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ingest.progress import SilentReporter
from ingest.session import Request, ingest
from kb.caches import cache_factory
from kb.embed import embedder_fingerprint, get_embedder
from kb.generations import open_writer
from kb.manifest import Matrix
from kb.settings import get_settings

_DIM = 384


class _Invented:
    """Random unit vectors."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self._random = np.random.default_rng(3)

    def embed_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Matrix:
        vectors = self._random.standard_normal((len(texts), _DIM)).astype(np.float32)
        scaled: Matrix = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return scaled


def main() -> None:
    """Opens the index once beforehand, so that libraries are imported and the model is loaded before the clock starts."""
    from ingest.chunk import CHUNKER_VERSION

    settings = get_settings()
    docs, fake = Path(sys.argv[1]), "--fake" in sys.argv[2:]
    fingerprint = embedder_fingerprint(settings)
    has_index = (settings.home / "manifest.sqlite").exists()
    with open_writer(settings.home, cache_factory(settings), embedder=fingerprint, chunker=CHUNKER_VERSION):
        pass
    model = _Invented(fingerprint) if fake else None if has_index else get_embedder(settings)
    began = time.perf_counter()
    ingest(settings, Request((str(docs),)), SilentReporter(), embedder=model)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """Peak resident memory. `ru_maxrss` would include the parent's, from which this process was made."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
