"""Drafts across documents survive what makes the index anew."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ingest.progress import SilentReporter
from ingest.session import Request, ingest
from kb.catalog.extracted import MANIFEST_NAME
from kb.catalog.load import load_catalog
from kb.settings import Settings
from kb.store import store_for
from tests.kb.hashed_index import HashedWords

PRICES = """# 价目

| 模型 | 输入（RMB / 百万 Tokens） |
| --- | --- |
| Orla 2 | ¥3.00 |
"""
NEWS = """# 快讯

## 发布

Orla 2 是开源模型，支持自主部署。
"""


def claims(home: Path) -> dict[str, list[str]]:
    catalog = load_catalog(Settings(home=home))
    return {name: [str(claim.value) for claim in group] for entity in catalog.entities.values() for name, group in entity.claims.items()}


def test_a_rebuild_keeps_what_one_document_says_of_a_model_that_another_names(tmp_path: Path) -> None:
    folder, settings = tmp_path / "docs", Settings(home=tmp_path / "home")
    folder.mkdir()
    (folder / "a.md").write_text(PRICES, encoding="utf-8")
    (folder / "b.md").write_text(NEWS, encoding="utf-8")
    ingest(settings, Request((str(folder),)), SilentReporter(), embedder=HashedWords())
    before = claims(settings.home)
    assert "openness" in before and "input_price" in before
    ingest(settings, Request((str(folder),), rebuild=True), SilentReporter(), embedder=HashedWords())
    assert claims(settings.home) == before


def test_documents_drafted_by_former_rules_are_drafted_again_without_being_changed(tmp_path: Path) -> None:
    folder, settings = tmp_path / "docs", Settings(home=tmp_path / "home")
    folder.mkdir()
    (folder / "a.md").write_text(PRICES, encoding="utf-8")
    ingest(settings, Request((str(folder),)), SilentReporter(), embedder=HashedWords())
    before = claims(settings.home)
    with closing(sqlite3.connect(settings.home / MANIFEST_NAME)) as connection:
        connection.execute("UPDATE meta SET value = 'former' WHERE key = 'draft_rules'")
        connection.execute("UPDATE document_rows SET draft = replace(draft, '\"3.00\"', '\"4.00\"')")
        connection.commit()
    assert claims(settings.home) != before
    ingest(settings, Request((str(folder),)), SilentReporter(), embedder=HashedWords())
    assert claims(settings.home) == before


def test_taking_the_same_documents_in_again_changes_no_draft_in_any_store(store_settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text(PRICES, encoding="utf-8")
    (folder / "b.md").write_text(NEWS, encoding="utf-8")

    def drafts() -> dict[str, str]:
        with closing(store_for(store_settings).open()) as manifest:
            query = "SELECT source, draft FROM document_rows WHERE generation = ?"
            return {source: draft for source, draft in manifest.connection.execute(query, (manifest.generation,)).fetchall()}

    ingest(store_settings, Request((str(folder),)), SilentReporter(), embedder=HashedWords())
    before = drafts()
    assert all(before.values())
    again = ingest(store_settings, Request((str(folder),)), SilentReporter(), embedder=HashedWords())
    assert drafts() == before and not again.failed
