"""Ingestion of the shipped corpus beside a plain LlamaIndex + Chroma pipeline with the same weights, in the same run."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from eval.bench.corpus import settings_for
from eval.bench.tables import Table
from kb.embed import Embedder
from kb.settings import Settings

NAME = "ingest"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""


def run(options: argparse.Namespace) -> list[Table]:
    """Documents, chunks and characters a second, the loading of the model counted apart."""
    from ingest.progress import SilentReporter
    from ingest.scan import scan_shipped
    from ingest.session import Request, ingest

    files = [found.file for found in scan_shipped().found if found.file is not None]
    characters = sum(len(file.read_text(encoding="utf-8")) for file in files)
    table = Table("Ingestion", ["pipeline", "documents", "chunks", "model load s", "rest s", "characters/s", "run again s"])
    options.work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="ingest-", dir=options.work))
    try:
        settings = settings_for(folder / "home")
        embedder, load_s = loaded(settings)
        paths = tuple(str(file) for file in files)
        first = ingest(settings, Request(paths=paths), SilentReporter(), embedder=embedder)
        again = ingest(settings, Request(paths=paths), SilentReporter(), embedder=embedder)
        rate = f"{characters / first.seconds:.0f}"
        cells = [str(len(files)), str(first.chunks), f"{load_s:.1f}", f"{first.seconds:.1f}", rate, f"{again.seconds:.1f}"]
        table.rows.append(["advisor ingest", *cells])
        if options.torch:
            from eval.bench.baseline import Baseline

            baseline = Baseline(settings)
            began = time.perf_counter()
            chunks = baseline.ingest(files, folder / "baseline")
            seconds = time.perf_counter() - began
            cells = [str(len(files)), str(chunks), f"{baseline.load_s:.1f}", f"{seconds:.1f}", f"{characters / seconds:.0f}", "the same"]
            table.rows.append(["LlamaIndex + Chroma", *cells])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table.notes.append("ours also indexes every table row and every catalog record, and words; the plain pipeline splits by sentences only")
    return [table]


def loaded(settings: Settings) -> tuple[Embedder, float]:
    """The embedder for ingestion, warm, and the seconds that took."""
    from kb.embed import get_embedder

    began = time.perf_counter()
    embedder = get_embedder(settings)
    embedder.embed_passages(["warm up"])
    return embedder, time.perf_counter() - began
