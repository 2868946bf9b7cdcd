"""The documents' list and the search that says why."""

from __future__ import annotations

from channels.page.documents_view import documents_html, hits_html, marked
from kb.manifest import DocumentRow
from kb.types import Chunk, Place, SearchHit


def hit(text: str, dense: float | None = 0.8712, lexical: float | None = 12.5) -> SearchHit:
    chunk = Chunk("c", "a<b>.md", 0, "row", text, "", ("价格",), Place((3, 4)))
    return SearchHit(chunk, 1, 0.9, dense, lexical)


def test_words_shared_with_the_query_are_marked_also_where_pairs_overlap() -> None:
    assert marked("上下文窗口是 256K", "上下文窗口") == "<mark>上下文窗口</mark>是 256K"
    assert marked("Price of GPT-5.1 & <b>", "gpt-5.1 PRICE") == "<mark>Price</mark> of <mark>GPT-5.1</mark> &amp; &lt;b&gt;"


def test_a_hit_says_where_it_stands_what_it_is_and_how_either_search_liked_it() -> None:
    html = hits_html("价格", [hit("价格 5 元")], 0.64)
    chinese, english = html.split("adv-en")
    assert all(text in chinese for text in ("a&lt;b&gt;.md", "第 3–4 行", "表格行", "语义 0.871", "词语 12.50", "64%"))
    assert "lines 3–4" in english and "table row" in english


def test_a_search_that_only_one_leg_found_shows_that_leg_alone() -> None:
    assert "词语" not in hits_html("x", [hit("t", lexical=None)], 0.1).split("adv-en")[0]


def test_nothing_found_is_said_and_nothing_asked_is_empty() -> None:
    assert "没有找到" in hits_html("x", [], 0.0) and "adv-notice" not in hits_html(" ", [], 0.0)


def test_documents_are_listed_and_records_of_the_catalog_counted() -> None:
    row = DocumentRow("a<b>.md", "/d/a.md", "folder", "h", "标题", 10, "2026-11-22T06:00:00+00:00", {}, 7)
    html = documents_html([row, DocumentRow("r", "record:r", "record", "h2", "r", 1, "2026-11-22T06:00:00", {}, 1)])
    assert all(text in html for text in ("a&lt;b&gt;.md", "<td>7</td>", "2026-11-22 06:00", "另有 1 条"))
