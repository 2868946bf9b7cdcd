"""Conflicts are found by comparing and recomputing claims; figures that agree raise none."""

# ruff: noqa: E501  (tables are easier to check on one line each)
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.conflicts import FoundConflict, find_conflicts
from agent.verdicts import to_event
from kb.catalog.catalog import Catalog
from kb.catalog.load import SHIPPED_FOLDER, load_catalog

USD = "USD/1M token"


def claim(value: Any, unit: str = "", source: str = "a.md", **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": source, "section": "S", **more}


class Maker:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, fields: dict[str, list[dict[str, Any]]], name: str = "Heron 2", **more: Any) -> Catalog:
        entities = [{"id": "heron", "name": name, "claims": fields, **more}]
        (self.folder / "c.yaml").write_text(yaml.safe_dump({"entities": entities}, allow_unicode=True), encoding="utf-8")
        return load_catalog(folders=[self.folder])

    def conflicts(self, fields: dict[str, list[dict[str, Any]]], name: str = "Heron 2", **more: Any) -> list[FoundConflict]:
        return find_conflicts(self(fields, name, **more))


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


AGREEING: list[tuple[str, list[dict[str, Any]]]] = [
    ("context_window", [claim(1_000_000, "token", as_written="百万级", approx=True), claim("1048576", "token", "b.md")]),
    ("context_window", [claim(1_000_000, "token", as_written="百万级", approx=True), claim("2000000", "token", "b.md")]),
    ("context_window", [claim(128_000, "token", as_written="128K"), claim(131_072, "token", "b.md")]),
    ("context_window", [claim(2_000_000, "字", as_written="200万字"), claim("200万", "character", "b.md", as_written="200万汉字")]),
    ("context_window", [claim(2_000_000, "字"), claim(128_000, "token", "b.md")]),
    ("context_window", [claim(800_000, "token", as_written="800K+"), claim(1_000_000, "token", "b.md")]),
    ("input_price", [claim("5.00", USD), claim("0.005", "USD/1k token", "b.md")]),
    ("input_price", [claim("0.60", USD, approx=True, as_written="about $0.6"), claim("0.62", USD, "b.md")]),
    ("input_price", [claim("3.5", USD, when={"context_tokens": "<=128000"}), claim("7", USD, when={"context_tokens": ">128000"})]),
    ("input_price", [claim("3.5", USD, when={"context_tokens": "<=128000"}), claim("7", USD, when={"context_tokens": ">128000"}), claim("3.5", USD, "b.md")]),
    ("input_price", [claim("5", USD), claim("1", USD, when={"mode": "cached"})]),
    ("input_price", [claim("5", USD), claim("0.6", USD, when={"channel": "third_party"})]),
    ("input_price", [claim("5", USD), claim("9", USD, about="Heron 1")]),
    ("openness", [claim("mixed"), claim("open", source="b.md")]),
    ("self_host", [claim("yes", when={"variant": "open_versions"}), claim("no", when={"variant": "closed_versions"})]),
    ("strengths", [claim(["code"]), claim(["maths"], source="b.md")]),
    ("published_on", [claim("2025-02"), claim("2025-02-14", source="b.md")]),
    ("license", [claim("Apache 2.0"), claim("全开源可商用", source="b.md")]),
    ("latency", [claim(1, "s"), claim(1000, "ms", "b.md")]),
    ("latency", [claim(300, "ms", as_written="<300ms"), claim(180, "ms", "b.md")]),
]  # fmt: skip

DISAGREEING: list[tuple[str, list[dict[str, Any]], str]] = [
    ("context_window", [claim(256_000, "token", as_written="256K"), claim(10_000_000, "token", "b.md", as_written="千万级", approx=True)], "values"),
    ("context_window", [claim(128_000, "token"), claim(200_000, "token", "b.md")], "values"),
    ("context_window", [claim(800_000, "token", as_written="800K+"), claim(128_000, "token", "b.md")], "values"),
    ("input_price", [claim("5.00", USD), claim("5.10", USD, "b.md")], "values"),
    ("input_price", [claim("3.5", USD, when={"context_tokens": "<=128000"}), claim("7", USD, when={"context_tokens": ">128000"}), claim("4", USD, "b.md")], "values"),
    ("input_price", [claim("5", USD), claim("36", "CNY/1M token", "b.md")], "currency"),
    ("openness", [claim("open"), claim("closed", source="b.md")], "values"),
    ("openness", [claim("closed"), claim("open", source="b.md", about="Heron 基础开源模型")], "values"),
    ("self_host", [claim("yes"), claim("no", source="b.md")], "values"),
    ("license", [claim("MIT"), claim("Apache 2.0", source="b.md")], "values"),
    ("published_on", [claim("2025-02-13"), claim("2025-02-14", source="b.md")], "date"),
    ("latency", [claim(300, "ms", as_written="<300ms"), claim("0.4", "s", "b.md")], "values"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "claims"), AGREEING)
def test_claims_that_agree_raise_no_alarm(make: Maker, field: str, claims: list[dict[str, Any]]) -> None:
    assert [found for found in make.conflicts({field: claims}) if found.kind != "version"] == []


@pytest.mark.parametrize(("field", "claims", "kind"), DISAGREEING)
def test_claims_that_disagree_are_one_conflict(make: Maker, field: str, claims: list[dict[str, Any]], kind: str) -> None:
    found = make.conflicts({field: claims})
    assert [one.kind for one in found] == [kind]
    assert found[0].fields == (field,)
    assert len(found[0].claims) >= 2


PRICES = {"input_price": [claim("120", "CNY/1M token")], "output_price": [claim("120", "CNY/1M token")]}
VOLUMES = {"model": "heron", "input_tokens": 100_000_000, "output_tokens": "3000万"}


def test_a_stated_total_is_recomputed_and_a_slip_of_ten_is_said(make: Maker) -> None:
    catalog = make(PRICES | {"stated_cost": [claim("15.6万", "CNY/month", formula="api_cost", inputs=VOLUMES)]})
    (found,) = find_conflicts(catalog)
    assert (found.kind, found.computed, found.computed_unit) == ("sum", 15600, "CNY")
    chinese, english = to_event(found, catalog, "zh"), to_event(found, catalog, "en")
    assert "15,600" in chinese.verdict and "10 倍" in chinese.verdict
    assert "15,600" in english.verdict and "10 times too large" in english.verdict


def test_a_stated_total_that_is_right_is_no_conflict(make: Maker) -> None:
    assert make.conflicts(PRICES | {"stated_cost": [claim("1.56万", "CNY/month", formula="api_cost", inputs=VOLUMES)]}) == []


def test_a_total_in_another_currency_is_not_converted_at_a_made_up_rate(make: Maker) -> None:
    catalog = make(PRICES | {"stated_cost": [claim("2200", "USD/month", formula="api_cost", inputs=VOLUMES)]})
    (found,) = find_conflicts(catalog)
    assert "没有汇率" in to_event(found, catalog, "zh").verdict
    assert "no exchange rate" in to_event(found, catalog, "en").verdict


@pytest.mark.parametrize(
    ("value", "unit", "formula", "inputs", "conflicts"),
    [
        ("7", USD, "multiple", {"of": "3.5", "factor": 2}, 0),
        ("8", USD, "multiple", {"of": "3.5", "factor": 2}, 1),
        ("350万", "CNY", "share", {"total": "500万", "share": "70%"}, 0),
        ("150万", "CNY", "share", {"total": "500万", "share": "0.4"}, 1),
        ("12", "percent", "ratio", {"numerator": 3, "denominator": 25}, 0),
        ("700", "EUR", "sum", {"terms": [400, 300]}, 0),
        ("700", "EUR", "product", {"factors": [70, 11]}, 1),
        ("5", USD, "unheard_of", {"x": 1}, 0),
        ("5", USD, "multiple", {"of": "price_of_nothing", "factor": 2}, 0),
    ],
)
def test_formulas_are_recomputed_and_what_cannot_be_computed_is_no_conflict(
    make: Maker, value: str, unit: str, formula: str, inputs: dict[str, Any], conflicts: int
) -> None:
    field = "input_price" if "/" in unit else "figure" if unit == "percent" else "stated_cost"
    assert len(make.conflicts({field: [claim(value, unit, formula=formula, inputs=inputs)]})) == conflicts


def test_a_total_of_an_unknown_model_is_no_conflict(make: Maker) -> None:
    inputs = {**VOLUMES, "model": "nobody"}
    assert make.conflicts(PRICES | {"stated_cost": [claim("9", "CNY", formula="api_cost", inputs=inputs)]}) == []


def test_prices_headed_with_another_version_are_a_version_conflict(make: Maker) -> None:
    catalog = make({"input_price": [claim("5", USD, about="Heron 1.5")], "output_price": [claim("9", USD, about="Heron 1.5")]})
    (found,) = find_conflicts(catalog)
    assert (found.kind, found.names, found.fields) == ("version", ("Heron 2", "Heron 1.5"), ("input_price", "output_price"))
    assert "Heron 1.5" in to_event(found, catalog, "en").verdict


@pytest.mark.parametrize(
    ("name", "about", "aliases"),
    [
        ("GPT-5.1", "GPT-5.10", ["GPT-5.10"]),
        ("Kimi K2", "Kimi", []),
        ("Doubao-1.5", "Doubao - 1.5", []),
        ("文心一言 4.5", "ERNIE 4.5", ["ERNIE 4.5"]),
    ],
)
def test_another_way_to_write_the_name_is_no_other_version(make: Maker, name: str, about: str, aliases: list[str]) -> None:
    assert make.conflicts({"input_price": [claim("5", USD, about=about)]}, name, aliases=aliases) == []


def test_an_alias_of_another_version_is_still_another_version(make: Maker) -> None:
    found = make.conflicts({"input_price": [claim("5", USD, about="ERNIE 4.0")]}, "文心一言 4.5", aliases=["ERNIE 4.0"])
    assert [one.kind for one in found] == ["version"]


def test_only_the_entities_and_fields_asked_about_are_looked_at(make: Maker) -> None:
    catalog = make({"openness": [claim("open"), claim("closed", source="b.md")], "license": [claim("MIT"), claim("BSD", source="b.md")]})
    assert {one.fields for one in find_conflicts(catalog, fields={"license"})} == {("license",)}
    assert find_conflicts(catalog, entities={"nobody"}) == []


def test_every_conflict_of_the_shipped_catalog_can_be_said_in_both_languages() -> None:
    catalog = load_catalog(folders=[SHIPPED_FOLDER])
    found = find_conflicts(catalog)
    kinds = {one.kind for one in found}
    assert {"values", "sum", "version", "date"} <= kinds
    for one in found:
        for language in ("zh", "en"):
            event = to_event(one, catalog, language)
            assert event.about and event.verdict and len(event.claims) >= 1
            assert all(side.value and side.source for side in event.claims)
