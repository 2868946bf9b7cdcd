"""The made corpus, ingested and searched for real: every planted fact is among the first three hits, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_corpus import Planted, build

from ingest.progress import SilentReporter
from ingest.session import Request, ingest
from kb.index import Index
from kb.settings import Settings


def _is_at(fact: Planted, lines: tuple[int, int], page: int | None, sheet: str | None) -> bool:
    """A whole-table hit counts where the row that is meant lies in it."""
    inside = fact.lines is None or (lines[0] <= fact.lines[0] and fact.lines[1] <= lines[1])
    return inside and (page, sheet) == (fact.page, fact.sheet)


def test_every_planted_fact_is_found_among_the_first_three_hits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_EMBED_BACKEND", "onnx")
    settings = Settings()
    facts = build(tmp_path / "corpus")
    report = ingest(settings, Request((str(tmp_path / "corpus"),)), SilentReporter())
    assert report.failed == []
    index = Index.open(settings=settings)
    missed = []
    for fact in facts:
        hits = index.search(fact.question, 3)
        right = [hit for hit in hits if hit.chunk.source == fact.source and fact.words[-1].split(": ")[-1] in hit.chunk.text]
        if not any(_is_at(fact, hit.chunk.place.lines, hit.chunk.place.page, hit.chunk.place.sheet) for hit in right):
            missed.append((fact.question, [(hit.chunk.source, hit.chunk.place, hit.chunk.text[:40]) for hit in hits]))
    assert missed == []
