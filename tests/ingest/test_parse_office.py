"""Word, PowerPoint, Excel, CSV, JSON: the corners that the made corpus does not have."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import docx
import openpyxl
import pytest

from ingest.number_format import shown
from ingest.parse import parse_bytes
from ingest.tables import row_statement
from kb.types import Document, Table


def tables(document: Document) -> list[Table]:
    return [block.table for block in document.blocks if block.table]


def book(fill: object) -> Document:
    workbook = openpyxl.Workbook()
    fill(workbook.active)  # type: ignore[operator]
    target = io.BytesIO()
    workbook.save(target)
    return parse_bytes(target.getvalue(), "价格.xlsx")


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (5, '"¥"#,##0.00', "¥5.00"),
        (1234.5, "[$¥-804]#,##0.00", "¥1,234.50"),
        (1234567, "#,##0", "1,234,567"),
        (0.256, "0.0%", "25.6%"),
        (-3, "#,##0;(#,##0)", "(3)"),
        (-3.5, "0.00", "-3.50"),
        (0, '0;-0;"免费"', "免费"),
        (128000, '#,##0,"K"', "128K"),
        (1.5, "_($* #,##0.00_);_($* (#,##0.00)", "$1.50"),
        (15, '"$"#,##0.00_);[Red]\\("$"#,##0.00\\)', "$15.00"),
        (0.1 + 0.2, "General", "0.3"),
        (0.0000025, "General", "0.0000025"),
        (12.3, "0.00E+00", "1.23E+1"),
        (7, "000", "007"),
        (2.5, '0.00"元/千次"', "2.50元/千次"),
        (True, "General", "TRUE"),
        ("备用", "@", "备用"),
        (dt.datetime(2026, 2, 14), 'yyyy"年"m"月"d"日"', "2026年2月14日"),
        (dt.datetime(2026, 2, 14), "mm-dd-yy", "02-14-26"),
        (dt.datetime(2026, 2, 14, 9, 5), "m/d/yy h:mm", "2/14/26 9:05"),
        (dt.datetime(2026, 2, 14, 15, 5), "h:mm AM/PM", "3:05 PM"),
        (dt.datetime(2026, 2, 14), "General", "2026-02-14"),
        (dt.time(9, 30), "h:mm:ss", "9:30:00"),
    ],
)
def test_values_are_shown_as_the_sheet_shows_them(value: object, code: str, text: str) -> None:
    assert shown(value, code) == text


def test_tables_side_by_side_and_below_each_other_are_told_apart() -> None:
    def fill(sheet: object) -> None:
        for row, cells in enumerate(
            [["模型", "价格", None, "卡", "显存"], ["甲", 1, None, "A", "24GB"], ["乙", 2, None, "B", "80GB"]], start=1
        ):
            for column, value in enumerate(cells, start=1):
                sheet.cell(row, column, value)  # type: ignore[attr-defined]
        sheet["A6"] = "注：以上价格含税。"  # type: ignore[index]

    first, second = tables(book(fill))
    assert (first.header, second.header) == (("模型", "价格"), ("卡", "显存"))
    assert second.notes == ("注：以上价格含税。",) or first.notes == ("注：以上价格含税。",)


def test_comments_of_cells_are_notes() -> None:
    from openpyxl.comments import Comment

    def fill(sheet: object) -> None:
        for row in (["模型", "价格"], ["甲", 1], ["乙", 2]):
            sheet.append(row)  # type: ignore[attr-defined]
        sheet["B2"].comment = Comment("仅限新用户", "x")  # type: ignore[index]

    assert tables(book(fill))[0].notes == ("仅限新用户",)


def test_a_sheet_of_loose_text_is_text() -> None:
    document = book(lambda sheet: sheet.append(["本表暂无数据，请联系销售。"]))
    assert (document.blocks[0].text, document.blocks[0].place.sheet) == ("本表暂无数据，请联系销售。", "Sheet")


def test_word_paragraphs_in_content_controls_text_boxes_and_footnote_marks_are_read() -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    document.add_paragraph("正文开头。")
    control = parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>控件里的话。</w:t></w:r></w:p></w:sdtContent></w:sdt>")
    document.element.body.insert(1, control)
    deleted = parse_xml(
        f"<w:p {nsdecls('w')}><w:del><w:r><w:delText>删去的话</w:delText></w:r></w:del><w:r><w:t>留下的话。</w:t></w:r></w:p>"
    )
    document.element.body.insert(2, deleted)
    target = io.BytesIO()
    document.save(target)
    text = "\n".join(block.text for block in parse_bytes(target.getvalue(), "a.docx").blocks)
    assert "控件里的话。" in text and "留下的话。" in text and "删去" not in text


def test_a_word_table_divided_by_lines_across_gives_a_table_a_group() -> None:
    document = docx.Document()
    table = document.add_table(rows=5, cols=3)
    for row, cells in enumerate([["模型", "输入", "输出"], ["国内", "", ""], ["甲", "1", "2"], ["国际", "", ""], ["乙", "3", "4"]]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    for row in (1, 3):
        table.cell(row, 0).merge(table.cell(row, 2))
    target = io.BytesIO()
    document.save(target)
    first, second = tables(parse_bytes(target.getvalue(), "a.docx"))
    assert [(t.caption, row_statement(t, 0)) for t in (first, second)] == [
        ("国内", "模型: 甲; 输入: 1; 输出: 2"),
        ("国际", "模型: 乙; 输入: 3; 输出: 4"),
    ]


@pytest.mark.parametrize(
    ("data", "header", "row", "line"),
    [
        ("模型,价格\n甲,1\n", ("模型", "价格"), ("甲", "1"), 2),
        ("模型\t价格\n甲\t1\n", ("模型", "价格"), ("甲", "1"), 2),
        ('模型|说明\n甲|"多行\n说明"\n乙|短\n', ("模型", "说明"), ("甲", "多行 说明"), 2),
        ("价格表\n单位：元\n模型,价格,备注\n甲,1,无\n乙,2,无\n", ("模型", "价格", "备注"), ("甲", "1", "无"), 4),
    ],
)
def test_delimited_text_gives_a_table_with_exact_lines(data: str, header: tuple[str, ...], row: tuple[str, ...], line: int) -> None:
    (table,) = tables(parse_bytes(data.encode(), "a.csv"))
    assert (table.header, table.rows[0], table.row_lines[0]) == (header, row, line)


def test_lines_above_a_csv_header_are_its_caption() -> None:
    (table,) = tables(parse_bytes("价格表\n单位：元\n模型,价格,备注\n甲,1,无\n乙,2,无\n".encode(), "a.csv"))
    assert table.caption == "价格表 / 单位：元"


def test_a_csv_without_header_is_still_a_table() -> None:
    (table,) = tables(parse_bytes(b"1,2.5\n2,3.5\n3,4.5\n", "a.csv"))
    assert (table.header, len(table.rows)) == (("", ""), 3)


def test_flat_json_records_are_a_table_with_the_lines_of_each() -> None:
    data = '[\n  {"model": "甲", "price": 1.20},\n  {"model": "乙",\n   "price": null, "open": true}\n]\n'
    (table,) = tables(parse_bytes(data.encode(), "a.json"))
    assert (table.header, table.rows, table.row_lines) == (("model", "price", "open"), (("甲", "1.2", ""), ("乙", "", "true")), (2, 3))


def test_nested_json_is_paths_and_values_with_lines() -> None:
    data = '{\n "name": "冬青",\n "limits": {"context": 131072, "tags": ["开源", "中文"]},\n "steps": [{"a": {"b": 1}}]\n}'
    document = parse_bytes(data.encode(), "a.json")
    assert document.title == "冬青"
    assert [(block.headings, block.text, block.place.lines) for block in document.blocks] == [
        ((), "name: 冬青", (2, 2)),
        (("limits",), "context: 131072\ntags: 开源, 中文", (3, 3)),
        (("steps", "#1"), "a.b: 1", (4, 4)),
    ]


def test_a_record_with_markdown_in_it_keeps_its_structure(tmp_path: Path) -> None:
    import json

    line = json.dumps({"id": 7, "title": "手册", "content": "## 价格\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n"}, ensure_ascii=False)
    document = parse_bytes(f"{line}\n{line}\n".encode(), "a.jsonl")
    table = document.blocks[-1]
    assert table.table is not None and table.headings == ("手册", "价格") and table.place.lines == (2, 2)
