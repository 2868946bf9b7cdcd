"""Catalog entities as records that a search can find."""

from __future__ import annotations

from ingest.records import record_documents
from kb.catalog.load import SHIPPED_FOLDER, load_catalog


def test_every_reviewed_entity_is_one_record_in_both_languages() -> None:
    catalog = load_catalog(folders=[SHIPPED_FOLDER])
    records = [chunk for _, chunks in record_documents(catalog) for chunk in chunks]
    with_claims = [entity for entity in catalog.entities.values() if entity.claims]
    assert sorted(chunk.section for chunk in records) == sorted(entity.name for entity in with_claims)
    kimi = next(chunk for chunk in records if chunk.section == "Kimi K2")
    assert kimi.kind == "record" and kimi.source.startswith("catalog/") and kimi.place.lines[0] > 1
    assert "输入价 / input price: ¥12.00" in kimi.text and "月之暗面" in kimi.text


def test_records_are_the_same_in_every_run() -> None:
    catalog = load_catalog(folders=[SHIPPED_FOLDER])
    first, second = record_documents(catalog), record_documents(catalog)
    assert first == second
    ids = [chunk.id for _, chunks in first for chunk in chunks]
    assert len(ids) == len(set(ids))
