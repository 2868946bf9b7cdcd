"""The made corpus: every planted fact is in one chunk, with the right lines, page or sheet; nothing of a site's frame is."""

from __future__ import annotations

import pytest
from made_corpus import Planted, build

from ingest.chunk import chunk_document
from ingest.parse import parse_file
from kb.types import Chunk


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Planted], dict[str, list[Chunk]]]:
    folder = tmp_path_factory.mktemp("corpus")
    facts = build(folder)
    return facts, {path.name: chunk_document(parse_file(path, path.name)) for path in sorted(folder.iterdir())}


def test_every_planted_fact_is_in_a_chunk_at_its_place(corpus: tuple[list[Planted], dict[str, list[Chunk]]]) -> None:
    facts, chunks = corpus
    missed = []
    for fact in facts:
        found = [chunk for chunk in chunks[fact.source] if all(words in chunk.text for words in fact.words)]
        placed = [c for c in found if fact.lines in (None, c.place.lines) and (c.place.page, c.place.sheet) == (fact.page, fact.sheet)]
        if not placed:
            missed.append((fact, [(chunk.kind, chunk.place) for chunk in found]))
    assert missed == []


@pytest.mark.parametrize(
    ("source", "unwanted"),
    [
        (
            "ginkgo.html",
            [
                "首页",
                "产品中心",
                "价格总览",
                "新闻",
                "一、价格\n二、",
                "分享到",
                "点赞",
                "相关文章",
                "水杉",
                "技术大会",
                "热门",
                "云服务器",
                "版权所有",
                "脚本",
            ],
        ),
        (
            "birch.txt",
            [
                "首页",
                "教程",
                "友链",
                "目录",
                "展开",
                "点赞",
                "收藏",
                "标签",
                "原文链接",
                "相关推荐",
                "最热",
                "换主题",
                "湖边",
                "没有写完",
                "桦林笔记]",
            ],
        ),
        ("redwood.pdf", ["内部资料", "第 1 页"]),
        ("cypress.epub", ["目录项"]),
        ("yunshan.md", ["[TOC]"]),
    ],
)
def test_menus_contents_lists_share_buttons_and_running_titles_are_not_chunked(
    corpus: tuple[list[Planted], dict[str, list[Chunk]]], source: str, unwanted: list[str]
) -> None:
    text = "\n".join(chunk.indexed_text for chunk in corpus[1][source])
    assert [words for words in unwanted if words in text] == []


def test_a_hidden_sheet_is_read_and_marked(corpus: tuple[list[Planted], dict[str, list[Chunk]]]) -> None:
    chunks = [chunk for chunk in corpus[1]["hemlock.xlsx"] if chunk.place.sheet == "底价"]
    assert chunks and all("hidden" in chunk.section for chunk in chunks)
    assert chunks[0].metadata["hidden_sheets"] == "底价"


def test_a_formula_without_saved_result_shows_itself(corpus: tuple[list[Planted], dict[str, list[Chunk]]]) -> None:
    assert any("合计: =B2*C2" in chunk.text for chunk in corpus[1]["hemlock.xlsx"])


def test_every_row_chunk_names_its_table_chunk(corpus: tuple[list[Planted], dict[str, list[Chunk]]]) -> None:
    for chunks in corpus[1].values():
        kinds = {chunk.id: chunk.kind for chunk in chunks}
        assert all(kinds[chunk.parent or ""] == "table" for chunk in chunks if chunk.kind == "row")
