"""`advisor catalog` from the command line: what goes to stdout, what to stderr, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from channels.cli.main import run
from kb.settings import get_settings

SHEET = """# Prices

| Model | Vendor | Input (EUR per 1M tokens) | Output (EUR per 1M tokens) | Context |
|---|---|---|---|---|
| Aurora-7 | Nordlicht AI | 2 | 6 | 128K |
| Claude 4.5 | Anthropic | 14 | 70 | 200K |
"""


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert run(["catalog", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "docs" / "prices.md"
    path.parent.mkdir()
    path.write_text(SHEET, encoding="utf-8")
    return path


def test_list_shows_the_entities_that_have_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(out(capsys, "list", "--field", "input_price", "--json")[0])
    assert {"gpt-5.1", "claude-4.5"} <= {row["id"] for row in rows}
    assert all(row["values"] for row in rows)


def test_an_unknown_field_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected one of" in out(capsys, "list", "--field", "nonsense", code=2)[1]


def test_show_finds_a_model_by_alias_with_its_sources_and_conflicts(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = out(capsys, "show", "qwen3", "--lang", "en")
    assert "¥120.00 / 1M tokens" in text and "Qwen-Max" in text and "! Qwen3" in text


def test_show_of_an_unknown_model_fails_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no entity" in out(capsys, "show", "clyde-9.9", code=1)[1]


def test_validate_says_every_problem_and_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "sound" in out(capsys, "validate")[1]
    bad = tmp_path / "bad.yaml"
    bad.write_text("entities:\n  - {id: x, name: X, claims: {opennes: [{value: open, source: a, section: b}]}}\n", encoding="utf-8")
    text, _ = out(capsys, "validate", str(bad), code=1)
    assert text.startswith(f"{bad}:2: unknown field 'opennes'")


def test_conflicts_come_with_both_sides_and_the_computed_value(capsys: pytest.CaptureFixture[str]) -> None:
    records = json.loads(out(capsys, "conflicts", "--json", "--lang", "en")[0])
    sums = [record for record in records if record["kind"] == "sum"]
    assert any(float(record["computed"]["value"]) == 15600 for record in sums)
    assert all(len(record["claims"]) >= 2 and record["verdict"] for record in sums)


def test_draft_proposes_yaml_and_a_diff_and_writes_nothing(capsys: pytest.CaptureFixture[str], sheet: Path) -> None:
    text, report = out(capsys, "draft", str(sheet))
    assert "name: Aurora-7" in text and "quote: '14'" in text
    assert "+ Aurora-7  input_price: 2 EUR/1M token" in report
    assert "~ Claude 4.5  input_price: 14 EUR/1M token  (catalog: 15.00 USD/1M token)" in report
    assert not (get_settings().home / "catalog").exists()


def test_draft_shows_what_the_catalog_says_and_the_document_does_not(capsys: pytest.CaptureFixture[str], sheet: Path) -> None:
    report = out(capsys, "draft", str(sheet), "--missed")[1]
    assert "missed: Claude 4.5: 15.00 USD/1M token  [claude-4.5.md]" in report
    record = json.loads(out(capsys, "draft", str(sheet), "--missed", "--json")[0])
    prices = next(one for one in record["coverage"] if one["field"] == "input_price")
    assert (prices["found"], prices["total"]) == (0, 11) and len(prices["missed"]) == 11


def test_an_accepted_draft_is_part_of_the_catalog(capsys: pytest.CaptureFixture[str], sheet: Path) -> None:
    out(capsys, "draft", str(sheet.parent), "--accept")
    assert (get_settings().home / "catalog" / "drafted.yaml").is_file()
    claims = json.loads(out(capsys, "show", "claude-4.5", "--json")[0])["claims"]["input_price"]
    assert {(claim["value"], claim["origin"]) for claim in claims} == {("15.00", "catalog"), ("14", "overlay")}
    assert "currency" in {record["kind"] for record in json.loads(out(capsys, "conflicts", "claude-4.5", "--json")[0])}


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_drafted(capsys: pytest.CaptureFixture[str], sheet: Path) -> None:
    (sheet.parent / "broken.pdf").write_bytes(b"not a pdf")
    text, report = out(capsys, "draft", str(sheet.parent), code=3)
    assert "Aurora-7" in text and "failed: broken.pdf" in report


def test_documents_without_facts_give_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "poem.md").write_text("# 春晓\n\n春眠不觉晓，处处闻啼鸟。\n", encoding="utf-8")
    text, report = out(capsys, "draft", str(tmp_path / "poem.md"))
    assert text == "" and "nothing to propose" in report


def test_export_and_import_go_round(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = out(capsys, "export", "kimi")[0]
    changed = tmp_path / "kimi.csv"
    changed.write_text(rows.replace("12.00", "11.00"), encoding="utf-8")
    assert "written" in out(capsys, "import", str(changed))[1]
    prices = json.loads(out(capsys, "show", "kimi", "--json")[0])["claims"]["input_price"]
    assert "11.00" in {price["value"] for price in prices}
    assert "exists" in out(capsys, "import", str(changed), code=2)[1]


def test_a_bad_import_changes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("name,field,value,unit\nHeron,input_price,cheap,USD/1M token\n", encoding="utf-8")
    assert "expected a number" in out(capsys, "import", str(bad), code=1)[1]
    assert not (get_settings().home / "catalog").exists()
