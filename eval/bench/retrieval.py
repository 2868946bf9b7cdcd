"""How often the right document is found: recall, reciprocal rank, nDCG and latency, for each leg alone and for both."""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from eval.bench.corpus import ingested
from eval.bench.data import Asked, Data, read_cmrc, read_rgb, read_texts
from eval.bench.tables import Table, p50_p95, share, timed
from eval.stats import ndcg_at, reciprocal_rank
from kb.index import Index, Legs
from kb.types import SearchHit

NAME = "retrieval"
_DEPTH = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--cmrc", type=Path, metavar="FILE", help="CMRC-2018 or SQuAD JSON")
    parser.add_argument("--rgb", type=Path, metavar="FILE", help="RGB JSONL")
    parser.add_argument("--distractors", type=Path, metavar="FILE", help="texts, one a line, that answer none of the questions")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="ask the first N questions only")


def run(options: argparse.Namespace) -> list[Table]:
    """One table a data set; the distractors, where given, make a second one beside the plain one."""
    tables = []
    if options.cmrc:
        plain = read_cmrc(options.cmrc)
        tables.append(_measure(f"Passages of {options.cmrc.name}", plain, options))
        if options.distractors:
            more = Data(plain.documents | read_texts(options.distractors), plain.questions)
            tables.append(_measure(f"Passages of {options.cmrc.name} among {options.distractors.name}", more, options))
    if options.rgb:
        tables.append(_measure(f"Passages of {options.rgb.name}", read_rgb(options.rgb), options))
    return tables


def _measure(title: str, data: Data, options: argparse.Namespace) -> Table:
    index, _ = ingested(data.documents, options.work)
    index.warm_up()
    questions = data.questions[: options.limit] if options.limit else data.questions
    header = ["search", "recall@1", "recall@5", "recall@10", "MRR@10", "nDCG@10", "answer in top 3", "p50 ms", "p95 ms"]
    table = Table(title, header)
    ways: list[tuple[str, Index, Legs]] = [("dense", index, "dense"), ("words", index, "lexical"), ("both", index, "both")]
    if index.settings.rerank_model:
        plain = Index.open(settings=index.settings.model_copy(update={"rerank_model": ""}))
        ways = [(name, plain, legs) for name, _, legs in ways] + [(f"both + {index.settings.rerank_model}", index, "both")]
    for name, way, legs in ways:
        table.rows.append([name, *_row(way, questions, legs)])
    table.notes.append(f"{len(data.documents)} documents, {len(index)} chunks, {len(questions)} questions; 95% Wilson intervals")
    table.notes.append("a document counts as found at the rank of its first hit; the questions' vectors are made anew for each row")
    return table


def _row(index: Index, questions: Sequence[Asked], legs: Legs) -> list[str]:
    found: list[list[SearchHit]] = []
    seconds = []
    index.forget_queries()
    for asked in questions:
        hits, took = timed(lambda asked=asked: index.search(asked.text, _DEPTH, legs=legs))  # type: ignore[misc]
        found.append(hits)
        seconds.append(took)
    named = [[frozenset(_names(hit)) for hit in hits] for hits in found]
    total = len(questions)
    cells = [share(sum(_found(names[:k], asked) for names, asked in zip(named, questions, strict=True)), total) for k in (1, 5, 10)]
    ranks = [reciprocal_rank(names, sorted(asked.gold)) for names, asked in zip(named, questions, strict=True)]
    gains = [ndcg_at(_DEPTH, names, sorted(asked.gold)) for names, asked in zip(named, questions, strict=True)]
    answered = sum(holds_answer([hit.chunk.text for hit in hits[:3]], asked) for hits, asked in zip(found, questions, strict=True))
    return [*cells, f"{sum(ranks) / total:.3f}", f"{sum(gains) / total:.3f}", share(answered, total), *p50_p95(seconds)]


def _found(names: Sequence[frozenset[str]], asked: Asked) -> bool:
    return any(labels & asked.gold for labels in names)


def _names(hit: SearchHit) -> list[str]:
    from kb.manifest import ALSO_IN

    sources = [hit.chunk.source, *hit.chunk.metadata.get(ALSO_IN, "").split("\n")]
    return [source.rsplit("/", 1)[-1] for source in sources if source]


def holds_answer(texts: Sequence[str], asked: Asked) -> bool:
    """Whether every part of the answer occurs in the texts in one of its forms, spaces and width apart."""
    whole = _plain(" ".join(texts))
    return bool(asked.answers) and all(any(_plain(form) in whole for form in forms) for forms in asked.answers if forms)


def _plain(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFKC", text).lower() if not character.isspace() and character != ",")
