"""Markdown as people write it."""

from __future__ import annotations

import pytest

from ingest.chunk import chunk_document
from ingest.parse import parse_bytes
from kb.types import Block, Document


def parse(text: str, name: str = "a.md") -> Document:
    return parse_bytes(text.encode(), name)


def only(text: str) -> Block:
    (block,) = parse(text).blocks
    return block


def test_front_matter_becomes_metadata_and_a_searchable_block() -> None:
    document = parse("---\ntitle: 手册\ndate: 2026-01-02T03:04:05\ntags: [甲, 乙]\nlayout: post\n---\n\n# 手册\n\n正文在这里。\n")
    assert document.title == "手册"
    assert document.metadata["date"] == "2026-01-02T03:04:05"
    assert document.blocks[0].text == "发布日期 (date): 2026-01-02T03:04:05\n标签 (tags): 甲, 乙"
    assert document.blocks[0].place.lines == (1, 6)
    assert document.blocks[1].place.lines == (10, 10)


def test_broken_front_matter_is_still_read_line_by_line() -> None:
    document = parse("---\ntitle: 价格: 2026版: 新\ndate: 2026-05-06\n---\n正文。\n")
    assert document.metadata == {"title": "价格: 2026版: 新", "date": "2026-05-06"}


def test_the_header_of_page_to_markdown_services_is_metadata() -> None:
    head = "Title: 价格公告\n\nURL Source: https://a.example/p/1\n\nPublished Time: 2026-02-03\n\nMarkdown Content:\n"
    text = head + "# 价格公告\n\n每月十元，按月结算，长期有效。\n"
    document = parse(text, "a.txt")
    assert document.metadata == {"title": "价格公告", "url": "https://a.example/p/1", "date": "2026-02-03"}
    assert document.blocks[-1].place.lines == (10, 10)


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert parse("---\n\n正文没有元数据。\n\n---\n").metadata == {}


def test_a_posted_on_line_gives_the_date() -> None:
    assert parse("# 公告\n\n发布时间：2026年3月5日\n\n正文。").metadata["date"] == "2026年3月5日"


def test_heading_paths_leave_out_the_title_and_closing_colons() -> None:
    document = parse("# 书\n\n## 章:\n\n### 节：\n\n内容。\n\n## 另一章\n\n内容二。")
    assert [block.headings for block in document.blocks] == [("章", "节"), ("另一章",)]


def test_several_top_headings_are_chapters_and_no_title() -> None:
    document = parse("# 一\n\n甲。\n\n# 二\n\n乙。", "报告.md")
    assert document.title == "报告"
    assert [block.headings for block in document.blocks] == [("一",), ("二",)]


def test_careless_headings_count_outside_code_only() -> None:
    document = parse("# t\n\n##价格\n\n五元。\n\n```\n##注释\n```\n")
    assert [block.headings for block in document.blocks] == [("价格",), ("价格",)]
    assert document.blocks[1].text == "##注释"


def test_a_bold_line_alone_stands_for_a_heading() -> None:
    document = parse("# t\n\n## 章\n\n**费用**\n\n每月十元。\n\n**注意：这是一句完整的话。**\n\n完。")
    assert document.blocks[0].headings == ("章", "费用")
    assert document.blocks[1].text == "注意：这是一句完整的话。"


def test_a_heading_with_nothing_below_stays_findable() -> None:
    assert [block.text for block in parse("# 题\n\n## 空的一节\n\n## 有的一节\n\n内容。").blocks] == ["空的一节", "内容。"]


def test_emphasis_and_links_leave_their_words() -> None:
    assert (
        only("**闭源**，*不支持*`自建`，见[说明](####说明 甲)与[乙](#b)和~~旧~~<br>新 &amp; 好").text
        == "闭源，不支持自建，见说明与乙和旧\n新 & 好"
    )


def test_reference_links_keep_their_targets_and_prose_links_do_not() -> None:
    assert (
        only("- 榜单：[甲](https://a.example/x) ，[乙](https://b.example)").text
        == "- 榜单：甲 (https://a.example/x) ，乙 (https://b.example)"
    )
    long = "这是一段比较长的文字，里面顺带提到了[某个网站](https://a.example/x)，但是链接在这里并不重要，读者也不会去点开它。"
    assert "https" not in only(long).text


def test_lists_keep_their_depth_numbers_and_lines() -> None:
    block = only("3. 甲\n   续行\n\n4. 乙\n   - 丙\n     - 丁\n")
    assert block.kind == "list"
    assert block.text == "3. 甲\n  续行\n4. 乙\n  - 丙\n    - 丁"
    assert block.place.lines == (1, 6)


def test_tables_keep_rows_lines_captions_and_notes() -> None:
    block = only(
        "价格（元/百万tokens）：\n\n| 类型 | 价 |\n|---|---|\n| 输入 | **¥1** |\n| 输出 | ¥2 * |\n\n> 超过128K翻倍。\n\n*仅限夜间。\n"
    )
    table = block.table
    assert table is not None
    assert (table.header, table.rows, table.row_lines) == (("类型", "价"), (("输入", "¥1"), ("输出", "¥2 *")), (5, 6))
    assert table.caption == "价格（元/百万tokens）："
    assert table.notes == ("超过128K翻倍。", "*仅限夜间。")
    rows = [
        chunk.text
        for chunk in chunk_document(parse("# t\n\n## s\n\n| 类型 | 价 |\n|---|---|\n| 输入 | ¥1 |\n| 输出 | ¥2 * |\n\n* 仅限夜间。\n"))
    ]
    assert "仅限夜间" in rows[0]


def test_a_marked_note_goes_only_to_rows_with_its_mark() -> None:
    chunks = chunk_document(parse("| 类型 | 价 |\n|---|---|\n| 输入 | ¥1 |\n| 输出 | ¥2① |\n\n① 仅限夜间。\n\n注：含税。\n"))
    rows = [chunk.text for chunk in chunks if chunk.kind == "row"]
    assert rows == ["类型: 输入; 价: ¥1\n注：含税。", "类型: 输出; 价: ¥2①\n① 仅限夜间。\n注：含税。"]


def test_an_html_table_inside_markdown_is_a_table_even_with_blank_lines() -> None:
    block = only("<table>\n<tr><th>甲</th><th>乙</th></tr>\n\n<tr><td>1</td>\n\n<td>2</td></tr>\n</table>")
    assert block.table is not None and block.table.rows == (("1", "2"),)
    assert block.table.row_lines == (4,)


def test_a_list_of_links_to_its_own_headings_is_left_out_and_other_links_stay() -> None:
    document = parse("# 书\n\n- [一](#一)\n- [二](#二)\n\n## 一\n\n- [资料](https://x.example)\n- [论文](https://y.example)\n")
    assert [block.text for block in document.blocks] == ["- 资料 (https://x.example)\n- 论文 (https://y.example)"]


@pytest.mark.parametrize("text", ["[" * 3000, "*a " * 2000, ">" * 500 + "深", "`" * 4000, "![" * 1500, "<table>\n\n" * 500 + "完"])
def test_hostile_markup_is_read_as_text(text: str) -> None:
    assert parse("前言。\n\n" + text).blocks


def test_line_numbers_of_a_long_document_read_in_parts_are_exact() -> None:
    body = "".join(f"## 第{n}节\n\n{'这里有一些正文。' * 60}\n\n" for n in range(1, 1500))
    document = parse("# 长\n\n" + body)
    last = document.blocks[-1]
    assert last.headings == ("第1499节",)
    assert last.place.lines == (2 + 1498 * 4 + 3, 2 + 1498 * 4 + 3)
