"""How long a search and an answer take once everything is loaded, and what the process weighs."""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path

from eval.bench.corpus import settings_for
from eval.bench.shipped import shipped_home, shipped_questions
from eval.bench.tables import Table, each_timed, p50_p95
from kb.index import Index

NAME = "latency"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--questions", type=int, default=120, metavar="N", help="questions to time (latency)")


def run(options: argparse.Namespace) -> list[Table]:
    """Searches and offline answers over the shipped corpus, and the plain pipeline's searches beside them."""
    home = shipped_home(options.work)
    settings = settings_for(home)
    questions = shipped_questions()[: options.questions]
    table = Table("Latency after load", ["what", "calls", "p50 ms", "p95 ms", "memory MB"])
    index = Index.open(settings=settings)
    index.warm_up()
    table.rows.append(["search, hybrid", str(len(questions)), *p50_p95(each_timed(index.search, questions)), f"{resident_mb():.0f}"])
    index.forget_queries()
    table.rows.append(
        ["  embedding the question", str(len(questions)), *p50_p95(each_timed(lambda q: index.embed_queries([q]), questions)), ""]
    )
    table.rows.append(["  search, question embedded", str(len(questions)), *p50_p95(each_timed(index.search, questions)), ""])
    table.rows.append(_answers(settings_home=home, questions=questions))
    if options.torch:
        table.rows.append(_plain_searches(options.work, home, questions))
    table.notes.append(f"{len(index)} chunks; memory is the resident set after the row's calls, rows share one process")
    table.notes.append("one question a section of the shipped corpus; answers are offline")
    return [table]


def _answers(settings_home: Path, questions: list[str]) -> list[str]:
    from agent.session import open_advisor

    advisor = open_advisor(settings_for(settings_home))
    advisor.ask([questions[0]])
    seconds = each_timed(lambda question: advisor.ask([question]), questions)
    return ["answer, offline", str(len(questions)), *p50_p95(seconds), f"{resident_mb():.0f}"]


def _plain_searches(work: Path, home: Path, questions: list[str]) -> list[str]:
    import shutil
    import tempfile

    from eval.bench.baseline import Baseline
    from ingest.scan import scan_shipped

    folder = Path(tempfile.mkdtemp(prefix="baseline-", dir=work))
    try:
        baseline = Baseline(settings_for(home))
        baseline.ingest([found.file for found in scan_shipped().found if found.file is not None], folder)
        baseline.search(questions[0])
        return [
            "search, LlamaIndex + Chroma",
            str(len(questions)),
            *p50_p95(each_timed(baseline.search, questions)),
            f"{resident_mb():.0f}",
        ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def resident_mb() -> float:
    """Memory of this process now; its peak where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize() / 1e6
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
