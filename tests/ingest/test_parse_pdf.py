"""PDF layout: columns, headings by size, running titles, contents pages, tables with and without rules, over pages."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate, Paragraph, SimpleDocTemplate, Table, TableStyle

from ingest import parse_pdf, pdf_worker
from ingest.parse import parse_bytes
from kb.types import Document

pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
BODY = ParagraphStyle("body", fontName="STSong-Light", fontSize=10.5, leading=16, wordWrap="CJK")
HEAD = ParagraphStyle("head", parent=BODY, fontSize=16, leading=24)
TITLE = ParagraphStyle("title", parent=BODY, fontSize=24, leading=32)
LATIN = ParagraphStyle("latin", fontName="Helvetica", fontSize=10, leading=13)
FONT = ("FONTNAME", (0, 0), (-1, -1), "STSong-Light")
GRID = TableStyle([FONT, ("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
SENTENCE = "模型的价格由厂商按月公布，采购时以合同签订当日的公开价格为准，另有约定的除外。"


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layout is tested without starting the worker process each time; the made corpus and the hostile files start it."""
    monkeypatch.setattr(parse_pdf, "_run_worker", lambda data, source, limit: pdf_worker._read(data))


def built(*story: object, **options: object) -> Document:
    target = io.BytesIO()
    SimpleDocTemplate(target, pagesize=A4, **options).build(list(story))
    return parse_bytes(target.getvalue(), "文件.pdf")


def drawn(draw: Callable[[Canvas], None]) -> Document:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4)
    draw(canvas)
    canvas.save()
    return parse_bytes(target.getvalue(), "文件.pdf")


def test_headings_are_told_by_their_size_and_the_largest_line_is_the_title() -> None:
    document = built(
        Paragraph("云平台采购指南", TITLE),
        Paragraph("一、范围", HEAD),
        Paragraph(SENTENCE * 4, BODY),
        Paragraph("二、价格", HEAD),
        Paragraph(SENTENCE, BODY),
    )
    assert document.title == "云平台采购指南"
    assert [(block.headings, block.text) for block in document.blocks] == [(("一、范围",), SENTENCE * 4), (("二、价格",), SENTENCE)]


def test_wrapped_lines_of_chinese_and_english_are_joined() -> None:
    english = "The price of a model is published by its vendor every month and the contract refers to the price of the day of signature."
    document = built(Paragraph(SENTENCE * 5, BODY), Paragraph(english * 2, LATIN))
    assert document.blocks[0].text == SENTENCE * 5
    assert " ".join(document.blocks[1].text.split()) == " ".join((english * 2).split())


def test_a_paragraph_that_goes_on_over_the_page_is_one_and_cited_where_it_begins() -> None:
    document = drawn(
        lambda canvas: (
            canvas.setFont("STSong-Light", 11),
            canvas.drawString(60, 400, "这一句话从第一页的末尾开始，一直要说到第二页上"),
            canvas.showPage(),
            canvas.setFont("STSong-Light", 11),
            canvas.drawString(60, 700, "才算说完。"),
        )[0]
    )
    assert [(block.text, block.place.page) for block in document.blocks] == [
        ("这一句话从第一页的末尾开始，一直要说到第二页上才算说完。", 1)
    ]


def test_running_titles_page_numbers_and_contents_pages_are_left_out() -> None:
    def frame(canvas: Canvas, document: object) -> None:
        canvas.setFont("STSong-Light", 8)
        canvas.drawString(60, 815, "采购部 价格手册 二〇二六")
        canvas.drawString(280, 25, f"- {canvas.getPageNumber()} -")

    target = io.BytesIO()
    story: list[object] = [Paragraph(f"第{n}节 {'.' * 60} {n}", BODY) for n in range(1, 5)]
    for number in range(1, 5):
        story += [PageBreak(), Paragraph(f"第{number}节的正文。{SENTENCE}", BODY)]
    SimpleDocTemplate(target, pagesize=A4).build(story, onFirstPage=frame, onLaterPages=frame)
    document = parse_bytes(target.getvalue(), "a.pdf")
    text = "\n".join(block.text for block in document.blocks)
    assert "价格手册" not in text and "...." not in text and "- 3 -" not in text
    assert [block.place.page for block in document.blocks] == [2, 3, 4, 5]


def test_two_columns_are_read_one_after_the_other() -> None:
    target = io.BytesIO()
    document = BaseDocTemplate(target, pagesize=A4)
    frames = [Frame(40, 40, 250, 750, id="left"), Frame(305, 40, 250, 750, id="right")]
    document.addPageTemplates([PageTemplate(id="two", frames=frames)])
    words = [f"Sentence number {n} of the left and right columns talks about the price of model {n} and its unit." for n in range(60)]
    document.build([Paragraph(" ".join(words), LATIN)])
    text = " ".join(" ".join(block.text for block in parse_bytes(target.getvalue(), "a.pdf").blocks).split())
    assert text == " ".join(words)


def test_a_ruled_table_over_two_pages_keeps_its_header_on_both() -> None:
    rows = [["模型", "输入", "输出"]] + [[f"模型{n}", f"¥{n}.10", f"¥{n}.90"] for n in range(1, 61)]
    document = built(Paragraph("表3 单位：元/百万tokens", BODY), Table(rows, style=GRID))
    tables = [block for block in document.blocks if block.table]
    assert [block.place.page for block in tables] == [1, 2]
    assert all(block.table and block.table.header == ("模型", "输入", "输出") for block in tables)
    assert all(block.table and "元/百万tokens" in block.table.caption for block in tables)
    assert [row[0] for block in tables if block.table for row in block.table.rows] == [f"模型{n}" for n in range(1, 61)]


def test_wrapped_and_merged_cells_of_a_ruled_table_are_whole() -> None:
    cell = ParagraphStyle("cell", parent=BODY, fontSize=9, leading=11)
    rows = [
        ["厂商", "模型", "说明"],
        ["甲公司", "甲-1", Paragraph("支持一百二十八千词元的上下文，夜间半价，周末不打折", cell)],
        ["", "甲-2", "无"],
        ["乙公司", "乙-1", "无"],
    ]
    style = TableStyle([FONT, ("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("SPAN", (0, 1), (0, 2))])
    (block,) = [block for block in built(Paragraph(SENTENCE, BODY), Table(rows, colWidths=[60, 60, 90], style=style)).blocks if block.table]
    assert block.table is not None
    assert block.table.rows == (
        ("甲公司", "甲-1", "支持一百二十八千词元的上下文，夜间半价，周末不打折"),
        ("甲公司", "甲-2", "无"),
        ("乙公司", "乙-1", "无"),
    )


@pytest.mark.parametrize("rules", [[], [("LINEBELOW", (0, 0), (-1, 0), 1, colors.black)]])
def test_a_table_without_vertical_rules_is_found_by_its_alignment(rules: list[object]) -> None:
    rows = [
        ["型号", "显存", "功耗", "价格"],
        ["A10", "24GB", "150W", "¥2.1万"],
        ["A100", "80GB", "400W", "¥9.8万"],
        ["H20", "96GB", "400W", "¥8.5万"],
    ]
    document = built(
        Paragraph(SENTENCE * 3, BODY), Table(rows, colWidths=[90] * 4, style=TableStyle([FONT, *rules])), Paragraph(SENTENCE, BODY)
    )
    (table,) = [block.table for block in document.blocks if block.table]
    assert (table.header, table.rows) == (tuple(rows[0]), tuple(tuple(row) for row in rows[1:]))
    assert document.blocks[-1].text == SENTENCE


def test_ordinary_text_is_never_taken_for_a_table() -> None:
    document = built(*[Paragraph(SENTENCE * 2 + f"第{n}条。", BODY) for n in range(12)])
    assert not any(block.table for block in document.blocks)


def test_bullets_are_a_list() -> None:
    document = built(Paragraph(SENTENCE, BODY), *[Paragraph(f"（{n + 1}）第{n}项要求，供应商应当满足。", BODY) for n in range(3)])
    assert [block.kind for block in document.blocks] == ["paragraph", "list"]
    assert document.blocks[1].text.count("\n") == 2


def test_properties_of_the_file_are_metadata() -> None:
    document = built(Paragraph(SENTENCE, BODY), title="价格手册", author="林晓岚")
    assert (document.title, document.metadata["author"], document.metadata["pages"]) == ("价格手册", "林晓岚", "1")


def test_pages_without_text_are_named() -> None:
    document = drawn(
        lambda canvas: (
            canvas.rect(9, 9, 50, 50),
            canvas.showPage(),
            canvas.setFont("STSong-Light", 11),
            canvas.drawString(60, 700, "第二页有字。"),
        )[0]
    )
    assert document.metadata["pages_without_text"] == "1"
