"""Suites from tables of questions, from feedback and from a catalog."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook

from eval.drafts import Drafter
from eval.intake import cases_from_feedback, cases_from_table, needs_review, write_table
from eval.lint import lint
from eval.suite import Case
from kb.catalog.load import SHIPPED_FOLDER, load_catalog
from kb.errors import UsageError

CATALOG = """
vendors:
  - {id: orla, name: Orla Labs}
entities:
  - id: tarn-1
    name: Tarn 1
    vendor: orla
    claims:
      input_price: [{value: "2.00", unit: EUR/1M token, source: p.md, section: Prices}]
      output_price: [{value: "8.00", unit: EUR/1M token, source: p.md, section: Prices}]
      context_window:
        - {value: 64000, unit: token, source: p.md, section: Context}
        - {value: 96000, unit: token, source: q.md, section: Context}
  - id: tarn-2
    name: Tarn 2
    vendor: orla
    claims:
      input_price: [{value: "0.5", unit: EUR/1M token, source: p.md, section: Prices}]
      output_price: [{value: "1.5", unit: EUR/1M token, source: p.md, section: Prices}]
      country: [{value: FR, source: p.md, section: About}]
  - id: tarn-mini
    name: Tarn Mini
    vendor: orla
    claims:
      country: [{value: FR, source: p.md, section: About}]
"""


@pytest.fixture
def own_catalog(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "own.yaml").write_text(CATALOG, encoding="utf-8")
    return folder


def test_a_drafted_suite_covers_prices_costs_conflicts_and_what_has_no_price(own_catalog: Path) -> None:
    cases = Drafter(load_catalog(folders=[own_catalog])).cases()
    by_category = {c.category for c in cases}
    assert {"price", "cost_calc", "budget", "compare", "conflict", "unanswerable"} <= by_category
    assert [c.turns[0] for c in cases if c.category == "unanswerable" and "Tarn Mini" not in c.turns[0]] == []
    conflict = next(c for c in cases if c.category == "conflict")
    assert "Tarn 1" in conflict.turns[0] and conflict.expect.sources == ["p.md > Context", "q.md > Context"]
    assert lint(cases, ["Tarn 1", "Tarn 2"]) == []


def test_drafted_expectations_are_the_claims_arithmetic(own_catalog: Path) -> None:
    drafter = Drafter(load_catalog(folders=[own_catalog]), langs=("en",))
    tarn = next(p for p in drafter.priced if p.entity.id == "tarn-1")
    assert tarn.cost(30_000_000, 8_000_000) == Decimal(124)
    total = next(c for c in drafter.cases() if c.category == "cost_calc" and "Tarn 1: 30M in and 8M out" in c.turns[0])
    assert [(n.value, n.unit) for n in total.expect.numbers] == [(124.0, "EUR")]


def test_drafting_is_repeatable_and_the_shipped_catalog_gives_a_suite() -> None:
    catalog = load_catalog(folders=[SHIPPED_FOLDER])
    cases = Drafter(catalog).cases()
    assert cases == Drafter(catalog).cases()
    assert len(cases) > 60
    assert len({c.id for c in cases}) == len(cases)


@pytest.mark.parametrize("kind", ["csv", "gb18030", "xlsx"])
def test_a_table_of_questions_becomes_cases(kind: str, tmp_path: Path) -> None:
    rows = [
        ["问题", "标准答案", "类别", "必须包含", "拒答"],
        ["Kimi 1亿输入多少钱", "1,200元", "cost_calc", "", ""],
        ["falcon 什么协议", "", "", "Apache/阿帕奇", ""],
        ["明天天气", "", "out_of_scope", "", "是"],
        ["", "", "", "", ""],
    ]
    path = tmp_path / ("q.xlsx" if kind == "xlsx" else "q.csv")
    if kind == "xlsx":
        book = Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows)
        path.write_bytes(text.encode("gb18030" if kind == "gb18030" else "utf-8-sig"))
    cost, falcon, weather = cases_from_table(path)
    assert [(n.value, n.unit) for n in cost.expect.numbers] == [(1200.0, "CNY")]
    assert falcon.expect.all_of == [["Apache", "阿帕奇"]] and falcon.lang == "zh"
    assert weather.expect.refuse and weather.category == "out_of_scope"


def test_a_table_without_questions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="column named question"):
        cases_from_table(tmp_path / "x.csv")


def test_thumbs_down_answers_become_cases_to_review(tmp_path: Path) -> None:
    lines = [
        {"question": "豆包输出价", "answer": "12 元", "rating": "down", "reason": "应是 36 元"},
        {"question": "kimi 价格", "answer": "12 元", "rating": "up", "reason": ""},
        {"question": "glm 价格", "answer": "1", "rating": "down", "reason": ""},
        {"question": "glm 价格", "answer": "2.9", "rating": "up", "reason": ""},
    ]
    path = tmp_path / "feedback.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    (case,) = cases_from_feedback(path)
    assert case.turns == ["豆包输出价"] and "应是 36 元" in case.why and needs_review(case)
    with pytest.raises(UsageError, match="no feedback there"):
        cases_from_feedback(tmp_path / "none.jsonl")


def test_a_table_of_cases_to_be_filled_in_is_read_back(tmp_path: Path) -> None:
    feedback = tmp_path / "feedback.jsonl"
    lines = [{"question": "那豆包呢", "turns": ["Kimi 多少钱", "那豆包呢"], "rating": "down", "reason": "价格不对", "answer": "a, \"b\"\nc"}]
    feedback.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    table = tmp_path / "cases.csv"
    write_table(table, cases_from_feedback(feedback))
    assert needs_review(cases_from_table(table)[0])
    table.write_text(table.read_text(encoding="utf-8-sig").replace(",feedback,,", ",feedback,12 元,"), encoding="utf-8-sig")
    (case,) = cases_from_table(table)
    assert case.turns == ["Kimi 多少钱", "那豆包呢"] and case.id.startswith("feedback-")
    assert case.expect.numbers[0].value == 12 and not needs_review(case)


def test_a_question_that_looks_like_a_formula_stays_text_in_a_spreadsheet(tmp_path: Path) -> None:
    case = Case.model_validate({"id": "f", "lang": "en", "category": "c", "turns": ["=HYPERLINK(1)"], "expect": {"all_of": [["x"]]}})
    write_table(tmp_path / "t.csv", [case])
    assert ",'=HYPERLINK(1)," in (tmp_path / "t.csv").read_text(encoding="utf-8-sig")
    assert cases_from_table(tmp_path / "t.csv")[0].turns == ["=HYPERLINK(1)"]
