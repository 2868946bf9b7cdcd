"""A user's own corpus about something else gets the same treatment, with no code change: five formats, four currencies.

The cases stand in own_corpus.jsonl in the suite format, so `advisor eval` can run them too.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from conftest import run_cli

from agent.events import AnswerDone
from agent.session import Advisor
from eval.score import Answered, score
from eval.suite import Case, load_suite
from kb.catalog.load import load_catalog
from kb.index import Index
from kb.settings import Settings

CASES = load_suite(Path(__file__).parent / "own_corpus.jsonl")

PRICES = {
    "Halo-2 Pro": ("EUR/1M token", "4", "16"),
    "Halo-2 Mini": ("EUR/1M token", "0.3", "0.9"),
    "霜木三号": ("JPY/1M token", "450", "1800"),
    "霜木三号轻量版": ("JPY/1M token", "60", "180"),
    "北辰-Nano": ("CNY/1M token", "0.5", "1.5"),
    "Vela Ultra": ("USD/1M token", "6.5", "26"),
    "Vela Swift": ("USD/1M token", "0.8", "3.2"),
    "Kestrel 40B": ("USD/1M token", "0.9", "1.1"),
}
"""From the documents by hand, for a million tokens."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_invented_world_is_answered(own_advisor: Advisor, case: Case) -> None:
    answer = own_advisor.ask(list(case.turns))
    assert isinstance(answer, AnswerDone), answer
    names = [[e.name, *e.aliases] for e in own_advisor.reader.catalog.entities.values()]
    result = score(case.expect, Answered(answer.answer, answer.refused, len(answer.conflicts)), names)
    assert result.correct, (result.misses, answer.answer)


@pytest.mark.parametrize("name", sorted(PRICES))
def test_prices_are_drafted_from_every_format(own_advisor: Advisor, name: str) -> None:
    (entity,) = own_advisor.reader.catalog.find(name)
    unit, input_price, output_price = PRICES[name]
    for field, value in (("input_price", input_price), ("output_price", output_price)):
        assert {(c.unit, c.value) for c in entity.claims[field] if "mode" not in c.when} == {(unit, Decimal(value))}


def test_a_cached_price_given_as_a_share_is_drafted(own_advisor: Advisor) -> None:
    (entity,) = own_advisor.reader.catalog.find("Halo-2 Pro")
    assert [c.value for c in entity.claims["input_price"] if c.when.get("mode") == "cached"] == [Decimal(1)]


def test_tiers_are_drafted_with_their_conditions(own_advisor: Advisor) -> None:
    (entity,) = own_advisor.reader.catalog.find("北辰-X1")
    assert {(c.when["context_tokens"], c.value) for c in entity.claims["input_price"]} == {("<=64000", Decimal(4)), (">64000", Decimal(8))}


def test_nothing_of_the_shipped_corpus_is_known_here(own_advisor: Advisor) -> None:
    assert own_advisor.reader.catalog.find("GPT-5.1") == ()
    for question in ("GPT-5.1 多少钱", "哪个模型适合写代码", "哪个最便宜", "What can I host myself?"):
        answer = own_advisor.ask([question])
        assert isinstance(answer, AnswerDone)
        sources = {c.source for c in answer.citations}
        assert sources <= {"aurinko.md", "beichen.docx", "kestrel.pdf", "shimoki.html", "vela.xlsx", "采购笔记.md"}, (question, sources)


def test_every_citation_stands_word_for_word_in_its_source(own_advisor: Advisor, own_corpus: Path) -> None:
    index = Index.open(own_corpus / "home")
    seen = 0
    for case in CASES:
        answer = own_advisor.ask(list(case.turns))
        assert isinstance(answer, AnswerDone)
        for citation in answer.citations:
            chunks = index.chunks_of(citation.source)
            assert any(citation.quote in chunk.text for chunk in chunks), (case.id, citation)
            seen += 1
    assert seen > len(CASES) // 2


def test_citations_say_where_in_the_file(own_advisor: Advisor) -> None:
    def places(question: str) -> list[tuple[str, int | None, str | None]]:
        answer = own_advisor.ask([question])
        assert isinstance(answer, AnswerDone)
        return [(c.source, c.place.page, c.place.sheet) for c in answer.citations]

    assert ("kestrel.pdf", 1, None) in places("Kestrel 9B context window?")
    assert ("vela.xlsx", None, "Vela") in places("Vela Swift output price?")


def test_a_draft_that_is_accepted_becomes_the_users_catalog(own_corpus: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = run_cli(home, "catalog", "draft", str(own_corpus / "documents"), "--accept", "--name", "mine")
    assert done.returncode == 0, done.stderr
    written = home / "catalog" / "mine.yaml"
    names = {entity["name"] for entity in yaml.safe_load(written.read_text(encoding="utf-8"))["entities"]}
    assert names >= {*PRICES, "北辰-X1", "Kestrel 9B"}
    catalog = load_catalog(Settings(home=home))
    (entity,) = catalog.find("Vela Swift")
    assert entity.claims["input_price"][0].origin == "overlay"
    assert run_cli(home, "catalog", "validate", str(written)).returncode == 0


def test_all_conflicts_of_the_corpus_are_listed_and_no_others(own_corpus: Path) -> None:
    done = run_cli(own_corpus / "home", "catalog", "conflicts", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    about = {(entity, field) for conflict in found for entity in conflict["entities"] for field in conflict["fields"]}
    assert ("halo-2-pro", "stated_cost") in about
    assert {entity for entity, _ in about} <= {"halo-2-pro", "霜木三号", "kestrel-40b"}
    stated = next(c for c in found if "stated_cost" in c["fields"])
    assert Decimal(stated["computed"]["value"]) == 320
