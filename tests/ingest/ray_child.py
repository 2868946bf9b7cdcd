"""Ingests a folder on a running Ray cluster in a process of its own: `ray_child.py HOME DOCS ADDRESS DIE_AFTER`.

Dies by SIGKILL when that many documents are stored; 0: does not.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from store_fakes import HashEmbedder, file_caches

from ingest.progress import SilentReporter
from ingest.ray_engine import RayEngine
from ingest.session import Request, ingest
from kb.settings import Settings


class Mortal(SilentReporter):
    """Counts what is stored."""

    def __init__(self, die_after: int) -> None:
        self._left = die_after

    def finished(self, source: str, outcome: str, chunk_count: int) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    home, docs, address, die_after = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    settings = Settings(home=home)
    engine = RayEngine(settings, address, workers=2)
    report = ingest(settings, Request((docs,)), Mortal(die_after), embedder=HashEmbedder(), make_caches=file_caches(home), engine=engine)
    print(report.done, report.embedded_texts)


if __name__ == "__main__":
    main()
