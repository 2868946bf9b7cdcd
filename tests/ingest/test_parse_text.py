"""Encodings, plain text and its headings."""

from __future__ import annotations

import pytest

from ingest.errors import DamagedFileError
from ingest.parse import parse_bytes
from ingest.parse_text import decode

CHINESE = "价格说明：输入每百万词元四元，输出每百万词元十二元。\n第二行还有更多的内容，用来判断编码是不是对的。"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk", "big5", "shift_jis"]
)
def test_chinese_text_is_read_in_every_common_encoding(encoding: str) -> None:
    text = {
        "big5": "價格說明：輸入每百萬詞元四元，輸出的價格是一樣的，這是我們的規定。",
        "shift_jis": "これは日本語のテキストです。価格は百万トークンあたり五円です。",
    }.get(encoding, CHINESE)
    assert decode(text.encode(encoding), "a.txt") == text


def test_a_declared_encoding_is_believed_only_if_it_fits() -> None:
    assert decode("naïve café".encode("latin-1"), "a.txt", "latin-1") == "naïve café"
    assert decode(CHINESE.encode("gb18030"), "a.txt", "ascii") == CHINESE


def test_a_file_cut_in_the_middle_of_a_character_loses_only_that_character() -> None:
    assert decode(CHINESE.encode()[:-1], "a.txt") == CHINESE[:-1]


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, b"MZ\x90\x00" + b"\x00\x01\x02" * 500]
)
def test_binary_data_named_as_text_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedFileError, match=r"a\.md: this is binary data"):
        parse_bytes(data, "a.md")


def test_line_ends_of_all_systems_count_as_lines() -> None:
    document = parse_bytes("一。\r\n\r\n二。\r三。\n".encode(), "a.txt")
    assert [block.place.lines for block in document.blocks] == [(1, 1), (3, 4)]


def test_numbered_headings_of_plain_text_make_the_path() -> None:
    text = "采购制度\n\n第一章 总则\n\n本制度适用于全公司。\n\n一、范围\n\n包括全部云服务。\n\n1. 甲\n2. 乙\n"
    document = parse_bytes(text.encode(), "a.txt")
    assert document.title == "采购制度"
    assert document.blocks[-1].headings == ("第一章 总则", "一、范围")


def test_hard_wrapped_lines_are_joined_and_intended_line_breaks_stay() -> None:
    wrapped = (
        "这一段文字被编辑器在固定的宽度上折断了所以它的每一行都差不多是一样长的样子，\n"
        "而第二行接着上面继续说下去直到这一句话完全说完为止。\n价格：五元\n折扣：八折"
    )
    block = parse_bytes(wrapped.encode(), "a.txt").blocks[0]
    assert "样子，而第二行" in block.text
    assert "\n价格：五元\n折扣：八折" in block.text


def test_text_with_markdown_in_it_is_read_as_markdown() -> None:
    document = parse_bytes("# 标题\n\n| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n".encode(), "a.txt")
    assert document.blocks[0].table is not None


def test_a_page_saved_without_extension_is_read_as_html() -> None:
    document = parse_bytes("<!DOCTYPE html><html><body><p>这一页没有扩展名，但是它的内容是网页。</p></body></html>".encode(), "page")
    assert document.blocks[0].text == "这一页没有扩展名，但是它的内容是网页。"


def test_the_shortest_chinese_text_and_western_texts_are_told_apart() -> None:
    assert decode("价格5元".encode("gb18030"), "a.txt") == "价格5元"
    for text in ("It’s the “best” model: it costs £5 per million tokens. ", "Größe und Preis: fünf Euro, schöne Straße. "):
        assert decode((text * 4).encode("cp1252"), "a.txt") == text * 4
