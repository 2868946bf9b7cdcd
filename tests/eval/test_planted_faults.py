"""A fault planted in the catalog, the chunker, the index, the checker or the arithmetic turns the gate red and names the slice.

The agent, the corpus and the catalog are the shipped ones; only the embedding model is replaced by one that needs no weights.
The gate is the one that `advisor eval gate` writes from a run in good health.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

import agent.answer
import agent.tools.cost
import kb.catalog.load
from agent.check import Checked
from agent.session import Advisor
from eval.answerers import answerer_of, entity_names
from eval.build import SUITES
from eval.gate import Gate, Violation, check_gate
from eval.gate_draft import draft_gate
from eval.outcome import Answerer, Result
from eval.run import Suite, run
from eval.session import shipped_labels
from eval.suite import load_suite
from ingest import pipeline
from ingest.progress import SilentReporter
from ingest.session import Request, ingest
from kb.index import Index
from kb.lexical import LexicalIndex
from kb.settings import Settings, get_settings
from tests.kb.hashed_index import HashedWords

MONEY = ("price", "cost_calc", "budget")
FOUND = ("lookup", "deploy")


@pytest.fixture(scope="module")
def healthy_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ingested(tmp_path_factory.mktemp("healthy"))


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    yield
    get_settings.cache_clear()


def ingested(home: Path) -> Path:
    report = ingest(Settings(home=home), Request(), SilentReporter(), embedder=HashedWords())
    assert not report.failed and report.chunks > 200
    return home


@dataclass(frozen=True)
class OverIndex:
    home: Path

    def __call__(self, corpus: str) -> Answerer:
        settings = Settings(home=self.home)
        return answerer_of(Advisor(settings, Index.open(settings=settings, embedder=HashedWords())))


def asked(home: Path, out: Path, categories: tuple[str, ...]) -> tuple[Result, ...]:
    cases = [c for c in load_suite(SUITES / "advisor.jsonl") if c.category in categories]
    suite = Suite("advisor", cases, shipped_labels())
    return run([suite], OverIndex(home), out, entities=lambda corpus: entity_names(home), workers=1).results


def gate_of(results: tuple[Result, ...]) -> Gate:
    return Gate.model_validate(yaml.safe_load(draft_gate(results, "")) | {"baseline": ""})


@dataclass
class Bench:
    """Runs slices in good health, plants a fault, runs them again and says what the gate says."""

    home: Path
    out: Path
    known: dict[tuple[str, ...], tuple[Result, ...]]

    def red(self, categories: tuple[str, ...], fault: Callable[[], Any], home: Path | None = None) -> list[Violation]:
        if categories not in self.known:
            self.known[categories] = asked(self.home, self.out / "good", categories)
        good = self.known[categories]
        assert check_gate(gate_of(good), good, good) == []
        fault()
        return check_gate(gate_of(good), asked(home or self.home, self.out / "bad", categories), good)


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, ...], tuple[Result, ...]]:
    """Results in good health, by categories: asked once for all faults."""
    return {}


@pytest.fixture
def bench(healthy_home: Path, tmp_path: Path, known: dict[tuple[str, ...], tuple[Result, ...]]) -> Bench:
    return Bench(healthy_home, tmp_path, known)


def named(violations: list[Violation], slice_name: str, metric: str = "") -> bool:
    return any(v.slice == slice_name and v.text.startswith(metric) for v in violations)


def test_a_wrong_price_in_the_catalog(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plant() -> None:
        shutil.copytree(kb.catalog.load.SHIPPED_FOLDER, tmp_path / "catalog", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        path = tmp_path / "catalog" / "models-ranked.yaml"
        text = path.read_text(encoding="utf-8")
        right = '{value: "2.90", unit: USD/1M token'
        assert right in text
        path.write_text(text.replace(right, '{value: "3.90", unit: USD/1M token'), encoding="utf-8")
        monkeypatch.setattr(kb.catalog.load, "SHIPPED_FOLDER", tmp_path / "catalog")

    violations = bench.red(MONEY, plant)
    assert named(violations, "advisor/cost_calc") and named(violations, "all", "accuracy")


def test_a_cost_function_that_is_off_by_ten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = agent.tools.cost.per_tokens
    violations = bench.red(MONEY, lambda: monkeypatch.setattr(agent.tools.cost, "per_tokens", lambda quote: real(quote) * Decimal(10)))
    assert named(violations, "advisor/cost_calc", "accuracy") and named(violations, "advisor/budget", "accuracy")


def test_a_chunker_that_cuts_documents_to_shreds(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pipeline.chunk_document

    def shreds(document: Any) -> list[Any]:
        return [replace(c, text=c.text[:12], context="", headings=()) for c in real(document)]

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "chunk_document", shreds)
        broken = ingested(tmp_path / "broken")
    violations = bench.red(FOUND, lambda: None, home=broken)
    assert named(violations, "advisor", "recall_at_5") and named(violations, "advisor/lookup")


def test_a_lexical_index_that_is_switched_off(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    violations = bench.red(FOUND, lambda: monkeypatch.setattr(LexicalIndex, "search", lambda *a, **k: []))
    assert named(violations, "advisor", "recall_at_5") and named(violations, "advisor/lookup")


def test_a_checker_that_is_switched_off(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The composer starts to make figures up. With the checker on the answers stay clean; with it off the gate sees them."""
    real = agent.answer.plan

    def invent() -> None:
        monkeypatch.setattr(agent.answer, "plan", lambda work: replace(d := real(work), text=d.text + "\n- 附加费：$987,654"))

    def invent_unchecked() -> None:
        invent()
        monkeypatch.setattr(agent.answer, "check", lambda text, work: Checked(text))

    assert not named(bench.red(("price",), invent), "advisor", "answers_with_untraced_numbers")
    monkeypatch.undo()
    assert named(bench.red(("price",), invent_unchecked), "advisor", "answers_with_untraced_numbers")
