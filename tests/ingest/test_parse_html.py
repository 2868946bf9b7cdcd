# ruff: noqa: E501  (pages in one line each)
"""Saved web pages: the main content with every table and list, without the site around it."""

from __future__ import annotations

import pytest

from ingest.parse import parse_bytes
from kb.types import Document

FILLER = "这一段是文章的正文，句子写得比较完整，好让人看出它是内容而不是菜单，长度也足够。"


def page(body: str, head: str = "") -> Document:
    return parse_bytes(f"<!DOCTYPE html>\n<html><head><meta charset='utf-8'>{head}</head>\n<body>{body}</body></html>".encode(), "a.html")


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks]


def test_the_title_comes_without_the_name_of_the_site() -> None:
    assert page(f"<p>{FILLER}</p>", "<title>模型价格一览表 | 某某云文档</title>").title == "模型价格一览表"
    assert page(f"<h1>模型价格</h1><p>{FILLER}</p>", "<title>模型价格_帮助中心-某云</title>").title == "模型价格"


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ("<meta property='article:published_time' content='2026-01-02'>", "2026-01-02"),
        ('<script type=\'application/ld+json\'>{"datePublished": "2026-03-04"}</script>', "2026-03-04"),
        ("<meta name='pubdate' content='2026/05/06'>", "2026/05/06"),
    ],
)
def test_the_date_is_taken_from_where_pages_keep_it(head: str, date: str) -> None:
    assert page(f"<p>{FILLER}</p>", head).metadata["date"] == date


def test_a_declared_chinese_encoding_is_used() -> None:
    html = f"<html><head><meta http-equiv='Content-Type' content='text/html; charset=gb2312'></head><body><p>{FILLER}</p></body></html>"
    assert texts(parse_bytes(html.encode("gb18030"), "a.html")) == [FILLER]


def test_spans_in_both_directions_are_filled_in() -> None:
    body = f"""<p>{FILLER}</p><table>
<tr><th rowspan=2>模型</th><th colspan=2>价格（元）</th></tr>
<tr><th>输入</th><th>输出</th></tr>
<tr><td rowspan="2">甲</td><td>1</td><td>2</td></tr>
<tr><td colspan="2">面议</td></tr>
<tr><td colspan="3">二、国际模型</td></tr>
<tr><td>乙</td><td>3</td><td>4</td></tr>
</table>"""
    first, second = (block.table for block in page(body).blocks if block.table)
    assert first is not None and second is not None
    assert first.header == second.header == ("模型", "价格（元） / 输入", "价格（元） / 输出")
    assert first.rows == (("甲", "1", "2"), ("甲", "面议", "面议"))
    assert (second.caption, second.rows, second.row_lines) == ("二、国际模型", (("乙", "3", "4"),), (9,))


def test_a_table_with_labels_down_the_side_gives_statements_without_header() -> None:
    from ingest.tables import row_statement

    (table,) = [
        block.table
        for block in page(f"<p>{FILLER}</p><table><tr><th>开发商</th><td>甲公司</td></tr><tr><th>参数</th><td>7B</td></tr></table>").blocks
        if block.table
    ]
    assert [row_statement(table, index) for index in range(2)] == ["开发商: 甲公司", "参数: 7B"]


def test_a_layout_table_is_read_as_text_and_the_table_inside_it_as_a_table() -> None:
    body = f"<table><tr><td><a href='/'>首页</a></td><td><h2>价格</h2><p>{FILLER}</p><table><tr><th>甲</th><th>乙</th></tr><tr><td>1</td><td>2</td></tr></table></td></tr></table>"
    blocks = page(body).blocks
    assert blocks[0].text == FILLER and blocks[0].headings == ("价格",)
    assert blocks[1].table is not None and blocks[1].table.rows == (("1", "2"),)


def test_nested_lists_definitions_code_and_line_breaks_keep_their_form() -> None:
    body = f"""<h1>规格</h1><p>{FILLER}</p><ol><li>甲<ul><li>甲一</li><li>甲二</li></ul></li><li><p>乙</p><p>乙续</p></li></ol>
<dl><dt>上下文</dt><dd>128K</dd></dl><pre>pip install x
run --fast</pre><p>第一行<br>第二行</p><blockquote>引文在此。</blockquote>"""
    document = page(body)
    assert texts(document)[1:] == [
        "1. 甲\n  - 甲一\n  - 甲二\n2. 乙\n  乙续",
        "- 上下文\n  128K",
        "pip install x\nrun --fast",
        "第一行\n第二行",
        "引文在此。",
    ]
    assert [block.kind for block in document.blocks] == ["paragraph", "list", "list", "code", "paragraph", "quote"]


def test_every_table_and_list_of_a_long_article_survives() -> None:
    sections = "".join(
        f"<h2>第{n}节</h2><p>{FILLER}</p><table><tr><th>项</th><th>值</th></tr><tr><td>项{n}</td><td>¥{n}.5</td></tr></table><ul><li>要点{n}甲</li><li>要点{n}乙</li></ul>"
        for n in range(30)
    )
    document = page(f"<nav><a href='/'>首页</a></nav><div class='main'><h1>长文</h1>{sections}</div><footer>版权所有</footer>")
    tables = [block.table for block in document.blocks if block.table]
    assert [table.rows[0] for table in tables] == [(f"项{n}", f"¥{n}.5") for n in range(30)]
    assert sum(block.kind == "list" for block in document.blocks) == 30
    assert not any("首页" in text or "版权" in text for text in texts(document))


def test_a_table_beside_the_article_text_is_kept_even_in_a_box_called_sidebar() -> None:
    body = f"<article><p>{FILLER}</p><p>{FILLER}</p><div class='sidebar'><table><tr><th>型号</th><th>价格</th></tr><tr><td>甲</td><td>¥9</td></tr></table></div></article>"
    assert any(block.table for block in page(body).blocks)


def test_sections_that_blogs_print_below_an_article_are_left_out_and_content_of_that_name_is_kept() -> None:
    body = f"<h1>文</h1><h2>推荐方案</h2><p>{FILLER}</p><h2>评论功能说明</h2><p>{FILLER}</p><h2>3 条评论</h2><p>写得真好，受益匪浅，感谢作者的分享，下次还来看。</p>"
    document = page(body)
    assert [block.headings[-1] for block in document.blocks] == ["推荐方案", "评论功能说明"]
    early = page(f"<h1>文档</h1><h2>Comments</h2><p>{FILLER}</p><h2>Types</h2><p>{FILLER}</p><p>{FILLER}</p>")
    assert early.blocks[0].headings == ("Comments",)


def test_a_page_of_links_keeps_them() -> None:
    links = "".join(f"<li><a href='/doc/{n}'>第{n}份说明</a></li>" for n in range(6))
    assert "第3份说明" in texts(page(f"<h1>索引</h1><ul>{links}</ul>"))[0]


def test_hidden_parts_scripts_and_forms_are_not_text() -> None:
    body = f"<p>{FILLER}</p><p style='display: none'>藏一</p><div hidden>藏二</div><div aria-hidden='true'>藏三</div><script>藏四</script><button>藏五</button>"
    assert "藏" not in "".join(texts(page(body)))


def test_lines_of_blocks_and_rows_are_those_of_the_file() -> None:
    document = page(
        f"\n<h1>题</h1>\n<p>\n{FILLER}\n</p>\n<table>\n<tr><th>甲</th><th>乙</th></tr>\n<tr><td>1</td><td>2</td></tr>\n</table>"
    )
    assert document.blocks[0].place.lines == (6, 6)
    table = document.blocks[1]
    assert table.table is not None and (table.place.lines, table.table.row_lines) == ((8, 10), (10,))


def test_cards_of_other_pages_below_the_article_are_left_out_and_linked_headings_inside_it_stay() -> None:
    cards = "".join(
        f"<div><h3><a href='/post/{n}'>另一篇文章{n}</a></h3><p>这是另一篇文章的开头几句话，点进去可以读到全文。</p></div>"
        for n in range(4)
    )
    article = f"<h1>文</h1><h2><a href='/model/a'>甲模型</a></h2><p>{FILLER * 3}</p><h2>乙模型</h2><p>{FILLER * 4}</p>"
    document = page(article + cards + "<h3><a href='/post/9'>只有题目</a></h3>")
    assert [block.headings for block in document.blocks] == [("甲模型",), ("乙模型",)]
