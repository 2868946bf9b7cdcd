"""Small corpora of suites are indexed once, and again when the code that reads documents changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from eval import prepare
from kb.errors import AdvisorError
from kb.index import Index
from kb.settings import Settings
from tests.kb.hashed_index import HashedWords

CORPORA = """
one: {texts: {"a.md": "# Orla 2\\n\\n## API 价格\\n\\n| 计费项 | Orla 2 单价（RMB / 百万 Tokens） |\\n|---|---|\\n| 输入 | ¥3.00 |\\n"}}
two: {texts: {"b.md": "# Tarn 1\\n\\nTarn 1 支持 96K Tokens 上下文。\\n"}}
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prepare, "ProcessPoolExecutor", lambda workers, mp_context: ThreadPoolExecutor(workers))
    monkeypatch.setattr("eval.bench.vector_cache.CachedEmbedder", lambda settings, folder: HashedWords())
    (tmp_path / "mine.corpora.yaml").write_text(CORPORA, encoding="utf-8")
    return tmp_path / "mine.jsonl"


def prepared(suite: Path, notes: list[str]) -> dict[str, Path]:
    return prepare.prepare(suite, Settings(home=suite.parent / "home"), notes.append)


def test_each_corpus_gets_an_index_of_its_own(suite: Path) -> None:
    notes: list[str] = []
    homes = prepared(suite, notes)
    assert notes == ["indexing 2 small corpora: one, two"]
    assert homes["one"] != homes["two"] and all(suite.parent / "home" in home.parents for home in homes.values())
    hits = Index.open(settings=Settings(home=homes["one"]), embedder=HashedWords()).search("Orla 输入", 5)
    assert {hit.chunk.source for hit in hits} >= {"a.md"} and "b.md" not in {hit.chunk.source for hit in hits}


def test_a_corpus_that_did_not_change_is_not_indexed_again_unless_the_code_did(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(suite, [])
    again: list[str] = []
    prepared(suite, again)
    assert again == []
    monkeypatch.setattr(prepare, "code_state", lambda folders: "other code")
    prepared(suite, again)
    assert again == ["indexing 2 small corpora: one, two"]


def test_a_corpus_that_cannot_be_ingested_is_named(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        return type("Report", (), {"failed": [type("Failure", (), {"source": "a.md", "path": "a.md", "error": "not a text"})()]})()

    monkeypatch.setattr("ingest.session.ingest", fails)
    with pytest.raises(AdvisorError, match="corpus one could not be ingested: a.md: not a text"):
        prepared(suite, [])
