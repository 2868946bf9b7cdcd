"""Whether the search knows when the answer is not there: the confidence gate on questions whose answering passages are taken out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from eval.bench.corpus import ingested
from eval.bench.data import Asked, Data, read_cmrc, read_rgb
from eval.bench.retrieval import holds_answer
from eval.bench.tables import Table, share
from kb.confidence import SURE
from kb.index import Index

NAME = "refusal"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark, beside those of `retrieval`."""
    parser.add_argument(
        "--threshold", type=float, default=SURE, help=f"confidence below which a question counts as refused (default {SURE})"
    )


def run(options: argparse.Namespace) -> list[Table]:
    """One table: each data set with its answers in the index, and without."""
    header = ["data", "asked", "unanswerable", "refused", "refusal precision", "refusal recall", "answerable answered", "AUC"]
    table = Table(f"Confidence gate at {options.threshold:g}", header)
    if options.rgb:
        with_answers, without = read_rgb(options.rgb), read_rgb(options.rgb, kinds=("negative",))
        table.rows.append([f"{options.rgb.name}: negatives only", *_row(with_answers, without, options)])
    if options.cmrc:
        whole = read_cmrc(options.cmrc)
        kept = sorted(whole.documents)[::2]
        half = Data({name: whole.documents[name] for name in kept}, [asked for asked in whole.questions if not asked.gold & set(kept)])
        answered = Data(whole.documents, half.questions)
        table.rows.append([f"{options.cmrc.name}: other half of the passages only", *_row(answered, half, options)])
    table.notes.append("each question is asked twice: of an index with the passages that answer it, and of one without them")
    table.notes.append("a question whose answer occurs in the first hits all the same is not counted as unanswerable")
    return [table] if table.rows else []


def _row(answerable: Data, unanswerable: Data, options: argparse.Namespace) -> list[str]:
    good, _ = _confidences(ingested(answerable.documents, options.work)[0], answerable.questions)
    bad, there = _confidences(ingested(unanswerable.documents, options.work)[0], unanswerable.questions)
    bad = [value for value, holds in zip(bad, there, strict=True) if not holds]
    refused_rightly = sum(value < options.threshold for value in bad)
    refused_wrongly = sum(value < options.threshold for value in good)
    refused = refused_rightly + refused_wrongly
    return [
        str(len(good) + len(bad)),
        str(len(bad)),
        str(refused),
        share(refused_rightly, refused),
        share(refused_rightly, len(bad)),
        share(len(good) - refused_wrongly, len(good)),
        f"{area_under_curve(good, bad):.3f}",
    ]


def _confidences(index: Index, questions: Sequence[Asked]) -> tuple[list[float], list[bool]]:
    values, holds = [], []
    for asked in questions:
        hits = index.search(asked.text, 10)
        values.append(index.confidence(asked.text, hits))
        holds.append(holds_answer([hit.chunk.text for hit in hits[:3]], asked))
    return values, holds


def area_under_curve(good: Sequence[float], bad: Sequence[float]) -> float:
    """How likely a good one has the higher value than a bad one, ties counting half."""
    wins = sum((better > worse) + 0.5 * (better == worse) for better in good for worse in bad)
    return wins / (len(good) * len(bad)) if good and bad else 0.0
