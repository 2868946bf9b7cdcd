"""Many files: documents a second beside the plain pipeline, how cost grows with their number, and what a second run costs."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from eval.bench.corpus import settings_for
from eval.bench.data import read_texts
from eval.bench.ingest_speed import loaded
from eval.bench.startup import environment
from eval.bench.tables import Table
from kb.errors import UsageError

NAME = "files"
_PLAIN_DOCUMENTS = 240
"""Documents that both pipelines ingest, alternately in two halves: enough that opening an index does not decide the rate."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--files", type=Path, metavar="FILE", help="texts, one a line, that become one file each (files)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 2000], metavar="N", help="numbers of files (files)")
    parser.add_argument("--fake-embedding", action="store_true", help="grow with random vectors: everything but the model (files)")


def run(options: argparse.Namespace) -> list[Table]:
    """The comparison, and one row a size."""
    if not options.files:
        return []
    texts = list(read_texts(options.files).values())
    if len(texts) < _PLAIN_DOCUMENTS:
        raise UsageError(f"{options.files} holds {len(texts)} texts; expected at least {_PLAIN_DOCUMENTS}, one a line")
    options.work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="files-", dir=options.work))
    try:
        tables = [_side_by_side(texts, folder)] if options.torch else []
        return [*tables, _growth(texts, options.sizes, folder, fake=options.fake_embedding)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _side_by_side(texts: Sequence[str], folder: Path) -> Table:
    """Both pipelines on the same files: ours, theirs, ours, theirs, so that a change of the machine's load meets both."""
    from eval.bench.baseline import Baseline
    from ingest.progress import SilentReporter
    from ingest.session import Request, ingest

    settings = settings_for(folder / "home-compare")
    embedder, _ = loaded(settings)
    baseline = Baseline(settings)
    ours, plain = "advisor ingest", "LlamaIndex + Chroma"
    seconds, busy, pieces = dict.fromkeys((ours, plain), 0.0), dict.fromkeys((ours, plain), 0.0), dict.fromkeys((ours, plain), 0)
    half = _PLAIN_DOCUMENTS // 2
    for part in range(2):
        docs = _write(texts[part * half : (part + 1) * half], folder / f"compare-{part}")
        home = settings.model_copy(update={"home": folder / f"home-compare-{part}"})
        for name in (ours, plain):
            began, before = time.perf_counter(), time.process_time()
            if name == ours:
                pieces[name] += ingest(home, Request((str(docs),)), SilentReporter(), embedder=embedder).chunks
            else:
                pieces[name] += baseline.ingest(sorted(docs.iterdir()), folder / f"plain-{part}")
            seconds[name] += time.perf_counter() - began
            busy[name] += time.process_time() - before
    table = Table("Ingestion of many files", ["pipeline", "documents", "chunks", "seconds", "CPU s", "documents/s", "times"])
    for name, took in seconds.items():
        rate = f"{_PLAIN_DOCUMENTS / took:.2f}"
        cells = [str(_PLAIN_DOCUMENTS), str(pieces[name]), f"{took:.1f}", f"{busy[name]:.1f}", rate, f"{seconds[plain] / took:.2f}"]
        table.rows.append([name, *cells])
    table.notes.append(f"same weights, models loaded and warm, in turns; embedder of ours: {type(embedder).__name__}")
    return table


def _growth(texts: Sequence[str], sizes: Sequence[int], folder: Path, *, fake: bool) -> Table:
    columns = ["files", "first run s", "documents/s", "again s", "one changed s", "peak memory MB", "disk MB"]
    table = Table("Ingestion as files grow in number", columns)
    for size in sizes:
        docs = _write([texts[i % len(texts)] + ("" if i < len(texts) else f"\n{i}") for i in range(size)], folder / f"docs-{size}")
        home = folder / f"home-{size}"
        found = []
        for step in ("first", "again", "changed"):
            if step == "changed":
                (docs / "000000.txt").write_text(texts[0] + "\n更新。", encoding="utf-8")
            found.append(_child(home, docs, fake=fake))
        first, again, changed = found
        disk = sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / 1e6
        peak = max(step["peak_mb"] for step in found)
        table.rows.append(
            [
                *(f"{size:,}", f"{first['seconds']:.1f}", f"{size / first['seconds']:.2f}", f"{again['seconds']:.2f}"),
                *(f"{changed['seconds']:.2f}", f"{peak:.0f}", f"{disk:.0f}"),
            ]
        )
    table.notes.append("each run in a process of its own, timed after imports; `one changed` loads the model again")
    if fake:
        table.notes.append("vectors are invented: everything but the model is measured")
    return table


def _child(home: Path, docs: Path, *, fake: bool) -> dict[str, float]:
    command = [sys.executable, "-m", "eval.bench.many_files_child", str(docs), *(["--fake"] if fake else [])]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _write(texts: Sequence[str], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number:06}.txt").write_text(text, encoding="utf-8")
    return folder
