"""Chunks: nothing lost, nothing cut, always the same."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunk import HARD_WEIGHT, LIMIT_WEIGHT, chunk_document
from ingest.parse import parse_bytes
from ingest.segment import chunk_weight, sentence_cuts, split_text
from ingest.tables import row_statement
from kb.types import Block, Document, Place, Table

WORDS = st.text(alphabet="价格输入每百万tokens128K¥5.00，、：（）%-/ab。！？\n \u3000😀\u0301|*#", min_size=1, max_size=160)
HEADINGS = st.lists(st.sampled_from(["一", "二", "三 节", "GPT-5"]), max_size=3).map(tuple)


@st.composite
def text_blocks(draw: st.DrawFn) -> Block:
    text = draw(WORDS) * draw(st.integers(1, 12))
    lines = draw(st.integers(1, 400))
    starts = tuple(sorted(draw(st.lists(st.integers(0, len(text)), max_size=5))))
    return Block(
        "paragraph", text, draw(HEADINGS), Place((lines, lines + len(starts)), page=draw(st.none() | st.integers(1, 2))), None, starts
    )


@st.composite
def table_blocks(draw: st.DrawFn) -> Block:
    width = draw(st.integers(1, 4))
    cell = st.text(alphabet="输出¥12.5 万x|", max_size=30)
    rows = draw(st.lists(st.tuples(*[cell] * width), min_size=1, max_size=40))
    first = draw(st.integers(1, 400))
    table = Table(draw(st.tuples(*[cell] * width)), tuple(rows), tuple(range(first + 1, first + 1 + len(rows))), draw(cell), (draw(cell),))
    return Block("table", "", draw(HEADINGS), Place((first, first + len(rows))), table)


DOCUMENTS = st.lists(text_blocks() | table_blocks(), min_size=1, max_size=8).map(
    lambda blocks: Document("文/a.md", "标题", "0" * 64, tuple(blocks))
)


def visible(text: str) -> Counter[str]:
    return Counter(re.sub(r"\s", "", text))


@settings(max_examples=120, deadline=None)
@given(DOCUMENTS)
def test_no_character_of_a_text_block_is_lost(document: Document) -> None:
    chunks = chunk_document(document)
    shown = visible("".join(chunk.text for chunk in chunks if chunk.kind == "text"))
    wanted = visible("".join(block.text for block in document.blocks if block.table is None))
    assert wanted - shown == Counter()


@settings(max_examples=120, deadline=None)
@given(DOCUMENTS)
def test_every_row_is_whole_in_its_own_chunk_and_in_its_table(document: Document) -> None:
    chunks = chunk_document(document)
    by_id = {chunk.id: chunk for chunk in chunks}
    rows = [chunk for chunk in chunks if chunk.kind == "row"]
    for block in document.blocks:
        for index in range(len(block.table.rows) if block.table else 0):
            assert block.table is not None
            statement = row_statement(block.table, index)
            if not statement or (len(block.table.rows) == 1 and not any(block.table.header)):
                continue
            mine = [row for row in rows if statement in row.text and row.place.lines[0] == block.table.row_lines[index]]
            assert mine
            parent = by_id[mine[0].parent or ""]
            assert all(cell.replace("|", "\\|").strip() in parent.text for cell in block.table.rows[index])


@settings(max_examples=120, deadline=None)
@given(DOCUMENTS)
def test_places_lie_inside_the_document_and_ids_are_stable_and_unique(document: Document) -> None:
    chunks = chunk_document(document)
    low = min(block.place.lines[0] for block in document.blocks)
    high = max(block.place.lines[1] for block in document.blocks)
    assert all(low <= chunk.place.lines[0] <= chunk.place.lines[1] <= high for chunk in chunks)
    assert chunks == chunk_document(document)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.text.strip() for chunk in chunks)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=40).map("".join))
def test_a_long_text_is_cut_at_sentence_ends_only(text: str) -> None:
    ranges = split_text(text, 50, 80, 10_000)
    assert [start for start, _ in ranges] == [0, *(end for _, end in ranges[:-1])]
    assert ranges[-1][1] == len(text)
    assert {end for _, end in ranges} <= set(sentence_cuts(text))


def test_a_number_is_never_split_from_its_unit() -> None:
    text = "输入 ¥1,234.50 元/百万tokens 输出 3.5 USD per 1M tokens " * 400
    for start, end in split_text(text, 50, 60, 100):
        assert re.match(r"\s*(?:输入|输出|¥|\d|元|USD|per|tokens|1M)", text[start:end])
        assert not re.match(r"[\d.,]*\.\d", text[start:end]) or text[start - 1] in " ¥"


def test_an_endless_sentence_is_cut_between_words_and_stays_under_the_hard_limit() -> None:
    (document,) = [parse_bytes(("价格低" * 4000).encode(), "a.txt")]
    chunks = chunk_document(document)
    assert all(chunk_weight(chunk.text) <= HARD_WEIGHT for chunk in chunks)
    assert "".join(chunk.text for chunk in chunks) == "价格低" * 4000


def test_a_passage_of_ordinary_length_stays_in_one_or_two_chunks() -> None:
    for sentences in (12, 18, 22, 26):
        text = "这一句话有二十个字左右用来凑成一段常见的报道，其中第三季度增长了百分之十二。" * sentences
        assert len(chunk_document(parse_bytes(text.encode(), "a.txt"))) <= 2


def test_long_sections_are_divided_evenly_and_their_lines_are_exact() -> None:
    lines = [f"第{n}句话说的是第{n}件事，这件事和别的事没有关系，只是为了凑够长度而写下的。" for n in range(1, 61)]
    chunks = chunk_document(parse_bytes("\n".join(lines).encode(), "a.txt"))
    assert len(chunks) > 2
    assert all(chunk_weight(chunk.text) <= LIMIT_WEIGHT for chunk in chunks)
    for chunk in chunks:
        first, last = chunk.place.lines
        assert chunk.text == "\n".join(lines[first - 1 : last])


def test_tiny_sibling_sections_are_joined_under_their_parent_and_larger_ones_keep_their_heading() -> None:
    text = "# 书\n\n## 模型\n\n### 国别\n\n中国。\n\n### 许可证\n\nMIT。\n\n### 部署\n\n" + "部署方式灵活，可以在云上也可以在本地运行。" * 5
    chunks = chunk_document(parse_bytes(text.encode(), "a.md"))
    assert [(chunk.section, chunk.place.lines) for chunk in chunks] == [("模型", (7, 11)), ("模型 > 部署", (15, 15))]
    assert chunks[0].text == "## 国别\n\n中国。\n\n## 许可证\n\nMIT。"


def test_a_long_table_is_divided_between_rows_with_its_header_repeated() -> None:
    rows = "\n".join(f"| 模型{n} | ¥{n}.00 | {'说明文字' * 6} |" for n in range(1, 121))
    chunks = chunk_document(parse_bytes(f"# t\n\n| 模型 | 价格 | 说明 |\n|---|---|---|\n{rows}\n\n注：含税。".encode(), "a.md"))
    tables = [chunk for chunk in chunks if chunk.kind == "table"]
    assert len(tables) > 1
    assert all(table.text.startswith("| 模型 | 价格 | 说明 |") and table.text.endswith("注：含税。") for table in tables)
    assert sum(chunk.kind == "row" for chunk in chunks) == 120
    assert [table.place.lines[0] for table in tables[1:]] == [
        int(re.search(r"模型(\d+)", table.text.split("\n")[2])[1]) + 4 for table in tables[1:]
    ]  # type: ignore[index]


def test_a_file_name_of_codes_is_no_context() -> None:
    text = "这是正文的第一句话，后面没有标题。".encode()
    assert chunk_document(parse_bytes(text, "news/0042.txt"))[0].context == ""
    assert chunk_document(parse_bytes(text, "doc_8f3a91c2.txt"))[0].context == ""
    assert chunk_document(parse_bytes(text, "价格说明.txt"))[0].context == "价格说明"
    assert chunk_document(parse_bytes(text, "hemlock.txt"))[0].context == "hemlock"


def test_ids_depend_on_source_and_content() -> None:
    first, renamed, changed = (
        chunk_document(parse_bytes(text.encode(), name))[0].id for text, name in (("甲。", "a.md"), ("甲。", "b.md"), ("乙。", "a.md"))
    )
    assert len({first, renamed, changed}) == 3
