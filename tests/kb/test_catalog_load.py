"""The catalog as loaded: shipped, overlay and drafts; values in normal form; every problem with its line."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from kb.catalog.catalog import Catalog, name_key
from kb.catalog.load import SHIPPED_FOLDER, check_files, load_catalog, overlay_folder
from kb.catalog.schema import CatalogFile
from kb.errors import CatalogError
from kb.settings import Settings, get_settings

PRICES = """\
vendors:
  - {id: fjord, name: Fjord Labs, aliases: [峡湾]}
entities:
  - id: kestrel
    name: Kestrel 70B
    vendor: fjord
    aliases: [红隼]
    claims:
      input_price:
        - {value: "0.0009", unit: EUR/1k token, source: prices.md, section: Prices}
      output_price:
        - value: 1.10
          unit: EUR/1M token
          source: prices.md
          section: Prices
          when: {context_tokens: "<=32000"}
      context_window:
        - {value: 128K, unit: token, source: prices.md, section: Prices}
        - {value: 20, unit: 万字, source: other.md, section: Facts}
      openness:
        - {value: open, source: prices.md, section: Prices}
      self_host:
        - {value: yes, source: prices.md, section: Prices}
      strengths:
        - {value: [code, logs], source: prices.md, section: Prices}
      published_on:
        - {value: 2025年2月3日, source: prices.md, section: Prices}
"""


def write(folder: Path, text: str, name: str = "own.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path) -> Catalog:
    return load_catalog(folders=[folder])


def manifest(home: Path, shipped: str, drafts: dict[str, str] | None = None) -> None:
    home.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(home / "manifest.sqlite") as connection:
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        connection.execute("INSERT INTO meta VALUES ('shipped', ?)", (shipped,))
        connection.execute("CREATE TABLE documents (source TEXT, corpus TEXT, draft TEXT)")
        connection.executemany("INSERT INTO documents VALUES (?, 'user', ?)", list((drafts or {}).items()))


def test_the_shipped_catalog_is_sound_and_its_prices_are_decimals() -> None:
    catalog = load_catalog(folders=[SHIPPED_FOLDER])
    prices = [claim for entity in catalog.entities.values() for claim in entity.claims.get("input_price", ())]
    assert len(prices) >= 10
    assert all(isinstance(claim.value, Decimal) and claim.unit.endswith("/1M token") and claim.file and claim.line for claim in prices)


def test_values_come_out_in_normal_form(tmp_path: Path) -> None:
    claims = load(write(tmp_path, PRICES).parent).entities["kestrel"].claims
    assert (claims["input_price"][0].value, claims["input_price"][0].unit) == (Decimal("0.9"), "EUR/1M token")
    assert (claims["output_price"][0].value, claims["output_price"][0].when) == (Decimal("1.10"), {"context_tokens": "<=32000"})
    assert [(claim.value, claim.unit) for claim in claims["context_window"]] == [(Decimal(128000), "token"), (Decimal(200000), "character")]
    assert claims["self_host"][0].value == "yes"
    assert claims["strengths"][0].value == ("code", "logs")
    assert claims["published_on"][0].value == "2025-02-03"


def test_a_claim_knows_the_line_it_was_written_on(tmp_path: Path) -> None:
    path = write(tmp_path, PRICES)
    claim = load(tmp_path).entities["kestrel"].claims["output_price"][0]
    assert claim.file == str(path)
    assert claim.line == next(n for n, line in enumerate(PRICES.splitlines(), 1) if "value: 1.10" in line)


def test_names_are_found_whatever_their_case_spaces_and_hyphens(tmp_path: Path) -> None:
    catalog = load(write(tmp_path, PRICES).parent)
    assert [entity.id for entity in catalog.find("KESTREL-70b")] == ["kestrel"]
    assert [entity.id for entity in catalog.find("红隼")] == ["kestrel"]
    assert name_key("Doubao - 1.5") == name_key("doubao1.5")


def test_an_unknown_entity_is_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="kestrel"):
        load(write(tmp_path, PRICES).parent).claims("kestral")


@pytest.mark.parametrize(
    ("wrong", "line", "expected"),
    [
        ("value: open, source", 21, "did you mean"),
        ("EUR/1k token", 10, "unit 'EURO/1k token'"),
        ("128K", 18, "expected a number"),
        ("name: Kestrel 70B", 4, "'name' is missing"),
        ("openness:", 20, "unknown field"),
        ("section: Facts", 19, "unknown key"),
    ],
)
def test_every_problem_is_reported_with_its_line_and_what_was_expected(tmp_path: Path, wrong: str, line: int, expected: str) -> None:
    replacement = {
        "value: open, source": "value: opened, source", "EUR/1k token": "EURO/1k token", "128K": "a lot",
        "name: Kestrel 70B": "kind: model", "openness:": "opennes:", "section: Facts": "section: Facts, sections: x",
    }[wrong]  # fmt: skip
    path = write(tmp_path, PRICES.replace(wrong, replacement))
    problems, _ = check_files([path])
    assert any(problem.startswith(f"{path}:{line}:") and expected in problem for problem in problems), problems


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    text = PRICES.replace("128K", "a lot").replace("EUR/1k token", "EURO").replace("value: yes", "value: perhaps")
    with pytest.raises(CatalogError) as raised:
        load(write(tmp_path, text).parent)
    assert len(str(raised.value).splitlines()) == 3


def test_a_file_that_is_not_yaml_is_one_problem_with_its_line(tmp_path: Path) -> None:
    problems, _ = check_files([write(tmp_path, "entities:\n  - {id: x\n")])
    assert len(problems) == 1 and "not valid YAML" in problems[0]


def test_a_key_given_twice_is_a_problem(tmp_path: Path) -> None:
    problems, _ = check_files([write(tmp_path, PRICES + "      openness:\n        - {value: closed, source: a, section: b}\n")])
    assert any("given twice" in problem for problem in problems)


def test_one_alias_for_two_entities_is_a_warning(tmp_path: Path) -> None:
    text = PRICES + "  - id: other\n    name: Heron\n    aliases: [红隼]\n    claims: {}\n"
    _, warnings = check_files([write(tmp_path, text)])
    assert any("红隼" in warning and "2 entities" in warning for warning in warnings)


def test_the_overlay_extends_the_shipped_catalog() -> None:
    settings = get_settings()
    write(overlay_folder(settings), PRICES)
    catalog = load_catalog(settings)
    assert "kestrel" in catalog.entities and "gpt-5.1" in catalog.entities
    assert catalog.entities["kestrel"].claims["openness"][0].origin == "overlay"


def test_an_overlay_may_replace_the_shipped_entities_but_keeps_the_fields() -> None:
    settings = get_settings()
    write(overlay_folder(settings), "extends: false\n" + PRICES)
    catalog = load_catalog(settings)
    assert list(catalog.entities) == ["kestrel"]
    assert "input_price" in catalog.fields


def test_an_overlay_claim_of_the_same_place_takes_the_shipped_ones_place() -> None:
    settings = get_settings()
    shipped = load_catalog(settings).entities["claude-4.5"].claims["input_price"][0]
    text = f"""entities:
  - id: claude-4.5
    name: Claude 4.5
    claims:
      input_price:
        - {{value: 14, unit: USD/1M token, source: {shipped.source!r}, section: {shipped.section!r}}}
        - {{value: 13, unit: USD/1M token, source: contract.md, section: Prices}}
"""
    write(overlay_folder(settings), text)
    values = [(claim.value, claim.origin) for claim in load_catalog(settings).entities["claude-4.5"].claims["input_price"]]
    assert values[:2] == [(Decimal(14), "overlay"), (Decimal(13), "overlay")]
    assert (shipped.value, "catalog") not in values


def test_a_new_field_in_an_overlay_is_part_of_the_registry() -> None:
    settings = get_settings()
    fields = "fields:\n  - {id: carbon, type: quantity, label: {zh: 碳排放, en: carbon}, words: [碳]}\n"
    entity = "entities:\n  - {id: x, name: X, claims: {carbon: [{value: 3, unit: kg, source: a, section: b}]}}\n"
    write(overlay_folder(settings), fields + entity)
    claim = load_catalog(settings).entities["x"].claims["carbon"][0]
    assert (claim.value, claim.unit) == (Decimal(3), "kg")


def test_without_the_default_corpus_the_shipped_entities_are_not_active() -> None:
    settings = get_settings()
    manifest(settings.home, "0")
    assert not load_catalog(settings).entities


def test_drafts_of_ingested_documents_are_claims_of_their_own_origin() -> None:
    settings = get_settings()
    draft = CatalogFile.model_validate(
        {"entities": [{"id": "kestrel-70b", "name": "Kestrel 70B", "claims": {"input_price": [_price("0.9", "EUR", line=7)]}}]}
    )
    manifest(settings.home, "0", {"prices.md": draft.model_dump_json(exclude_defaults=True)})
    claim = load_catalog(settings).entities["kestrel-70b"].claims["input_price"][0]
    assert (claim.origin, claim.file, claim.line, claim.value) == ("extracted", "prices.md", 7, Decimal("0.9"))


def test_a_draft_joins_the_entity_that_goes_by_its_name() -> None:
    settings = get_settings()
    draft = {"entities": [{"id": "x", "name": "claude4.5", "claims": {"input_price": [_price("20", "USD")]}}]}
    manifest(settings.home, "1", {"user.md": CatalogFile.model_validate(draft).model_dump_json(exclude_defaults=True)})
    catalog = load_catalog(settings)
    assert "x" not in catalog.entities
    assert Decimal(20) in {claim.value for claim in catalog.entities["claude-4.5"].claims["input_price"]}


def test_a_model_that_only_a_document_names_is_found_by_the_aliases_that_the_shipped_catalog_knows() -> None:
    settings = get_settings()
    draft = {"entities": [{"id": "k2", "name": "Kimi K2", "claims": {"input_price": [_price("11", "CNY")]}}]}
    manifest(settings.home, "0", {"user.md": CatalogFile.model_validate(draft).model_dump_json(exclude_defaults=True)})
    catalog = load_catalog(settings)
    assert [entity.id for entity in catalog.find("kimi")] == ["k2"]
    assert list(catalog.entities) == ["k2"]
    assert catalog.vendors[catalog.entities["k2"].vendor].name == "月之暗面"


def test_a_changed_file_is_loaded_again(tmp_path: Path) -> None:
    path = write(tmp_path, PRICES)
    first = load(tmp_path)
    assert load(tmp_path) is first
    path.write_text(PRICES.replace("1.10", "1.20"), encoding="utf-8")
    assert load(tmp_path).entities["kestrel"].claims["output_price"][0].value == Decimal("1.20")
    assert load(tmp_path).fingerprint != first.fingerprint


def test_the_compiled_form_gives_the_same_catalog(tmp_path: Path) -> None:
    from kb.catalog import load as module

    settings = Settings(home=tmp_path)
    write(overlay_folder(settings), PRICES)
    first = load_catalog(settings)
    assert list((tmp_path / "cache" / "catalog").glob("*.json"))
    module._load.cache_clear()
    assert load_catalog(settings).entities == first.entities


def _price(value: str, currency: str, line: int = 0) -> dict[str, object]:
    return {"value": value, "unit": f"{currency}/1M token", "source": "prices.md", "section": "Prices", "source_line": line}
