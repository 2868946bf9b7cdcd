from __future__ import annotations

import pytest

from kb.text import index_tokens, normalise, query_tokens, sentences


@pytest.mark.parametrize("raw", ["ＧＰＴ－４ｏ", "¥０．６", "Straße ﬁne ﷺ", "—–−"])
def test_normalising_twice_changes_nothing_more(raw: str) -> None:
    assert normalise(normalise(raw)) == normalise(raw)


def test_full_width_and_half_width_forms_meet() -> None:
    assert normalise("ＧＰＴ－４ｏ　￥０．６") == normalise("gpt-4o ¥0.6")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Qwen2.5-72B-Instruct", {"qwen2.5-72b-instruct", "qwen2.5", "72b", "qwen", "2.5"}),
        ("A100 80GB", {"a100", "80gb", "80"}),
        ("¥0.6/千tokens", {"0.6", "千", "tokens"}),
        ("GPT-4o", {"gpt-4o", "gpt4o", "gpt", "4o"}),
        ("约 1,000,000 tokens，30%", {"1000000", "30%", "30"}),
        ("大模型", {"大", "模", "型", "大模", "模型"}),
    ],
)
def test_identifiers_versions_and_amounts_are_indexed_whole_and_in_parts(text: str, wanted: set[str]) -> None:
    assert wanted <= set(index_tokens(text))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("gpt4o 价格", "GPT-4o 的价格"),
        ("GPT 4o", "GPT-4o"),
        ("qwen2.5 72b", "Qwen2.5-72B"),
        ("80 GB 显存", "显存 80GB"),
        ("0.6元", "¥0.6"),
        ("1000000 tokens", "1,000,000 tokens"),
    ],
)
def test_every_asked_word_finds_another_spelling_of_the_same_thing(question: str, text: str) -> None:
    indexed = set(index_tokens(text))
    latin = [token for token in query_tokens(question) if token.isascii()]
    assert latin and sum(token in indexed for token in latin) >= (len(latin) + 1) // 2


def test_a_question_asks_for_pairs_alone_except_for_a_lone_character() -> None:
    assert query_tokens("中文模型") == ["中文", "文模", "模型"]
    assert query_tokens("元 GPT") == ["元", "gpt"]


def test_every_question_token_of_a_sentence_is_among_its_index_tokens() -> None:
    text = "DeepSeek-R1 的输入价格是每百万 tokens ¥4.0，比 GPT-4.1（$2.00）便宜 70%。"
    assert set(query_tokens(text)) <= set(index_tokens(text))


@pytest.mark.parametrize("text", ["", "   ", "😀😀", "\x00\x01", "——……", "\ud800"])
def test_text_without_words_has_no_tokens(text: str) -> None:
    assert index_tokens(text) == [] and query_tokens(text) == []


def test_an_endless_run_is_cut() -> None:
    assert max(map(len, index_tokens("a" * 100_000))) <= 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("价格是3.5元。很便宜！真的吗？", ["价格是3.5元。", "很便宜！", "真的吗？"]),
        ("See https://a.b/c?d=1.5&e!f for more. Next one.", ["See https://a.b/c?d=1.5&e!f for more.", "Next one."]),
        (
            "Models, e.g. GPT-4.1 and Claude 3.5 vs. others, differ. Yes.",
            ["Models, e.g. GPT-4.1 and Claude 3.5 vs. others, differ.", "Yes."],
        ),
        ("他说：“可以。”然后走了。", ["他说：“可以。”", "然后走了。"]),
        ("第一行\n- 项目一\n- 项目二", ["第一行", "- 项目一", "- 项目二"]),
        ("a soft\nwrapped line. Done", ["a soft\nwrapped line.", "Done"]),
        ("等等……还有呢", ["等等……", "还有呢"]),
        ("1. First item costs $2.50.\n2. Second.", ["1. First item costs $2.50.", "2. Second."]),
        ("What?! 真的。", ["What?!", "真的。"]),
        ("没有标点", ["没有标点"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_each_sentence_is_a_substring_in_order() -> None:
    text = "甲。乙！ 丙 e.g. x.\n\n| a | b |\n丁 No. 3 is 3.5x. End"
    position = 0
    for sentence in sentences(text):
        position = text.index(sentence, position) + len(sentence)
