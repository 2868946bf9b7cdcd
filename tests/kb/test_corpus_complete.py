"""The shipped corpus and catalog lose nothing of the documents they were written from, and agree with each other.

`corpus_facts.yaml` was taken down from those documents independently of the files under test. Every catalog claim must also
be found where it says it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

import kb
from kb.catalog.catalog import Catalog
from kb.catalog.load import SHIPPED_FOLDER, load_catalog
from kb.catalog.schema import Claim

SOURCES = Path(kb.__file__).parent / "sources"
FACTS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "corpus_facts.yaml").read_text(encoding="utf-8"))
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*$")


def squeeze(text: str) -> str:
    """As compared: NFKC, case folded, without white space."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def sections_of(path: Path) -> dict[str, str]:
    """Leaf heading -> its own text (heading included), up to the next heading of any level."""
    found: dict[str, list[str]] = defaultdict(list)
    current = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        match = _HEADING.match(line)
        if match:
            current = match[2]
        found[current].append(line)
    return {heading: "\n".join(lines) for heading, lines in found.items()}


SECTIONS = {path.name: sections_of(path) for path in sorted(SOURCES.glob("*.md"))}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(folders=[SHIPPED_FOLDER])


def values_of(catalog: Catalog, entity: str, field: str) -> list[Claim]:
    claims = list(catalog.claims(entity, field))
    assert claims, f"{entity} has no {field}"
    return claims


@pytest.mark.parametrize("row", FACTS["corpus"], ids=lambda row: f"{row[0]}:{row[1]}")
def test_each_fact_stands_whole_in_one_section(row: list[str]) -> None:
    file, *strings = row
    best = min(
        ([string for string in strings if squeeze(string) not in squeeze(text)] for text in SECTIONS[file].values()), key=len
    )
    assert not best, f"{file}: no section has all of the row; nearest lacks {best}"


def test_every_corpus_file_has_one_title_and_says_which_source_speaks() -> None:
    for name, sections in SECTIONS.items():
        text = (SOURCES / name).read_text(encoding="utf-8")
        assert len(re.findall(r"^# ", text, flags=re.M)) == 1, name
        assert "来源一" in text or "来源二" in text, name
        assert len(sections) == len(re.findall(r"^#", text, flags=re.M)), f"{name}: two headings alike"


def test_tables_are_well_formed() -> None:
    for name in SECTIONS:
        widths: list[int] = []
        for line in [*(SOURCES / name).read_text(encoding="utf-8").splitlines(), ""]:
            if line.startswith("|"):
                widths.append(line.count("|"))
            elif widths:
                assert len(set(widths)) == 1 and len(widths) >= 3, f"{name}: {widths}"
                widths = []


@pytest.mark.parametrize("row", FACTS["rates"], ids=lambda row: f"{row[0]}:{row[-1]}")
def test_prices_are_those_of_the_documents(catalog: Catalog, row: list[str]) -> None:
    entity, input_price, output_price, unit, *condition = row
    for field, price in (("input_price", input_price), ("output_price", output_price)):
        claims = [c for c in values_of(catalog, entity, field) if not condition or c.when.get(condition[0]) == condition[1]]
        assert claims
        assert {(c.value, c.unit) for c in claims} == {(Decimal(price), unit)}


def test_nothing_else_has_a_price(catalog: Catalog) -> None:
    priced = {entity.id for entity in catalog.entities.values() if "input_price" in entity.claims or "output_price" in entity.claims}
    assert priced == set(FACTS["priced"])


@pytest.mark.parametrize("row", FACTS["claims"], ids=lambda row: ":".join(map(str, row[:3])))
def test_the_catalog_claims_each_fact(catalog: Catalog, row: list[Any]) -> None:
    entity, field, value, unit = row
    held = [(item, c.unit) for c in values_of(catalog, entity, field) for item in (c.value if isinstance(c.value, tuple) else (c.value,))]
    wanted = Decimal(str(value)) if isinstance(value, int | float) else value
    assert (wanted, unit) in held


def test_countries_are_claimed_for_every_model_that_has_one(catalog: Catalog) -> None:
    for code, entities in FACTS["countries"].items():
        for entity in entities:
            assert {c.value for c in values_of(catalog, entity, "country")} == {code}, entity


def test_all_scenarios_of_the_ranked_models_are_there(catalog: Catalog) -> None:
    for entity, count in FACTS["scenario_counts"].items():
        listed = [c for c in values_of(catalog, entity, "scenarios") if c.section.startswith("应用场景")]
        assert sum(len(c.value) for c in listed if isinstance(c.value, tuple)) == count, entity


@pytest.mark.parametrize("row", FACTS["spoken_of"], ids=lambda row: ":".join(row))
def test_a_statement_about_another_name_says_so(catalog: Catalog, row: list[str]) -> None:
    entity, field, about = row
    assert about in {c.about for c in values_of(catalog, entity, field)}


@pytest.mark.parametrize(("name", "entity"), FACTS["names"].items())
def test_the_names_that_people_use_lead_to_the_entity(catalog: Catalog, name: str, entity: str) -> None:
    assert [found.id for found in catalog.find(name)] == [entity]


def test_no_name_belongs_to_two_entities(catalog: Catalog) -> None:
    assert {name: ids for name, ids in catalog.names.items() if len(ids) > 1} == {}


def _surface_forms(claim: Claim, catalog: Catalog) -> list[list[str]]:
    """For each item of the claim's value, the forms that may stand in its section."""
    if claim.as_written:
        return [[claim.as_written]]
    if isinstance(claim.value, tuple):
        return [[item] for item in claim.value]
    field = catalog.fields[claim.field]
    if field.type == "enum":
        label = field.values[str(claim.value)]
        return [[label.label.zh, *label.words]]
    if isinstance(claim.value, Decimal):
        number = f"{claim.value:f}"
        return [[number, number.rstrip("0").rstrip(".") if "." in number else number]]
    return [[str(claim.value)]]


def test_every_claim_is_found_in_the_section_it_cites(catalog: Catalog) -> None:
    missing: list[str] = []
    for entity in catalog.entities.values():
        names = [squeeze(name) for name in (entity.name, *entity.aliases, entity.id)]
        for claim in catalog.claims(entity.id):
            where = f"{entity.id}.{claim.field} {claim.value} -> {claim.source} / {claim.section}"
            text = SECTIONS.get(claim.source, {}).get(claim.section)
            if text is None:
                missing.append(f"{where}: no such file or section")
                continue
            haystack = squeeze(text)
            missing += [
                f"{where}: none of {forms}" for forms in _surface_forms(claim, catalog) if not any(squeeze(f) in haystack for f in forms)
            ]
            title = squeeze((SOURCES / claim.source).read_text(encoding="utf-8").splitlines()[0])
            spoken = [squeeze(claim.about)] if claim.about else names
            if not any(name in haystack or name in title for name in spoken) and entity.kind == "model":
                missing.append(f"{where}: the section does not name {claim.about or entity.name}")
    assert not missing, "\n".join(missing)


def test_every_chinese_value_has_english_words(catalog: Catalog) -> None:
    """English answers would otherwise quote Chinese. Values without Chinese characters stand for themselves."""
    han = re.compile(r"[\u4e00-\u9fff]")
    lacking = [
        f"{claim.entity}.{claim.field}: {claim.value}"
        for entity in catalog.entities.values()
        for claim in catalog.claims(entity.id)
        if catalog.fields[claim.field].type in ("text", "list") and han.search(str(claim.value)) and not claim.en
    ]
    notes = [
        f"{claim.entity}.{claim.field} note: {claim.note}"
        for entity in catalog.entities.values()
        for claim in catalog.claims(entity.id)
        if han.search(claim.note) and not claim.note_en
    ]
    assert lacking + notes == []


def test_families_tie_the_versions_of_both_documents_together(catalog: Catalog) -> None:
    for family in ("gpt", "claude", "gemini", "deepseek", "qwen", "ernie", "llama", "glm", "doubao", "mistral"):
        assert len(catalog.families[family]) >= 2, family


def test_every_vendor_and_formula_refers_to_something_that_exists(catalog: Catalog) -> None:
    for entity in catalog.entities.values():
        assert not entity.vendor or entity.vendor in catalog.vendors, entity.id
        for claim in catalog.claims(entity.id):
            assert claim.formula in ("", "api_cost", "share", "multiple"), claim.formula
            if claim.formula == "api_cost":
                assert {"input_price", "output_price"} <= set(catalog.entity(claim.inputs["model"]).claims)
