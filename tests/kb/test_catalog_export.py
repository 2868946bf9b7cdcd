"""CSV out and in: nothing is lost on the way, and bad rows are named."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from kb.catalog.export import COLUMNS, csv_to_yaml, to_csv
from kb.catalog.load import SHIPPED_FOLDER, load_catalog
from kb.errors import CatalogError


def test_the_catalog_survives_the_way_through_a_spreadsheet(tmp_path: Path) -> None:
    first = load_catalog(folders=[SHIPPED_FOLDER])
    (tmp_path / "back.yaml").write_text(csv_to_yaml(to_csv(first), "x.csv"), encoding="utf-8")
    second = load_catalog(folders=[tmp_path])
    assert list(second.entities) == [entity.id for entity in first.entities.values() if entity.claims]
    for entity in second.entities.values():
        before = first.entities[entity.id]
        assert (entity.name, entity.vendor, entity.family, entity.version, entity.aliases) == (
            before.name, before.vendor, before.family, before.version, before.aliases,
        )  # fmt: skip
        for field, claims in entity.claims.items():
            kept = [(c.value, c.unit, c.source, c.section, dict(c.when), c.about, c.approx, c.as_written, c.note) for c in claims]
            assert kept == [
                (c.value, c.unit, c.source, c.section, dict(c.when), c.about, c.approx, c.as_written, c.note) for c in before.claims[field]
            ]


def test_cells_that_a_spreadsheet_would_run_are_marked() -> None:
    text = csv_to_yaml("name,field,value,note\nHeron,license,MIT,'=1+1\n", "x.csv")
    assert "=1+1" in text
    rows = list(csv.reader(io.StringIO(to_csv(load_catalog(folders=[SHIPPED_FOLDER])))))
    assert tuple(rows[0]) == COLUMNS
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def test_rows_of_a_price_sheet_become_claims(tmp_path: Path) -> None:
    sheet = (
        "name,vendor,field,value,unit,when\n"
        "Heron 2,Polar,input_price,0.002,EUR/1k token,context_tokens=<=32000\n"
        "Heron 2,Polar,strengths,code | logs,,\n"
    )
    (tmp_path / "a.yaml").write_text(csv_to_yaml(sheet, "sheet.csv"), encoding="utf-8")
    entity = load_catalog(folders=[tmp_path]).entities["heron-2"]
    price = entity.claims["input_price"][0]
    assert (f"{price.value:f}", price.unit, dict(price.when), price.source, price.section) == (
        "2", "EUR/1M token", {"context_tokens": "<=32000"}, "sheet.csv", "row 2",
    )  # fmt: skip
    assert entity.claims["strengths"][0].value == ("code", "logs")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,value\nHeron,1\n", "x.csv:1: missing columns"),
        ("name,field,value,colour\nHeron,license,MIT,red\n", "x.csv:1: unknown columns"),
        ("name,field,value\nHeron,,MIT\n", "x.csv:2: no field"),
        ("name,field,value,when\nHeron,license,MIT,night\n", "x.csv:2: condition 'night'"),
    ],
)
def test_bad_rows_are_named_with_their_line(text: str, expected: str) -> None:
    with pytest.raises(CatalogError) as raised:
        csv_to_yaml(text, "x.csv")
    assert expected in str(raised.value)
