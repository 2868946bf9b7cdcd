"""Rendering and splitting: what survives on every platform, and where a text is never cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.core.compose import stable
from channels.core.dialect import (
    Dialect,
    DingtalkMarkdown,
    DiscordMarkdown,
    FeishuMarkdown,
    SlackMarkdown,
    TelegramHtml,
    WecomMarkdown,
    neutralise,
)
from channels.core.markdown import atoms_of, blocks_of, columns
from channels.core.split import size_in, split

DIALECTS = [Dialect(), SlackMarkdown(), FeishuMarkdown(), WecomMarkdown(), DingtalkMarkdown(), DiscordMarkdown(), TelegramHtml()]
LONG_TABLE = "| 模型 | 价格 |\n|---|---|\n" + "".join(f"| 模型{i} | ¥{i}.50/百万 [{i % 9 + 1}] |\n" for i in range(300))
LONG_CODE = "```python\n" + "".join(f"价格_{i} = {i}  # 注释\n" for i in range(400)) + "```\n"
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=300)


def bodies(parts: list[str]) -> list[str]:
    return [part.partition("\n")[2] if len(parts) > 1 else part for part in parts]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("unit", ["chars", "bytes", "utf16"])
@given(text=words)
@settings(max_examples=25, deadline=None)
def test_no_message_is_longer_than_the_limit(dialect: Dialect, unit: str, text: str) -> None:
    size = size_in(unit)  # type: ignore[arg-type]
    parts = split(blocks_of(f"# {text}\n\n{text} [1]\n\n- {text}\n\n```\n{text}\n```", dialect), 120, unit)  # type: ignore[arg-type]
    assert all(size(part) <= 120 for part in parts)


@given(text=words)
@settings(max_examples=100, deadline=None)
def test_atoms_joined_are_the_text(text: str) -> None:
    expected = neutralise(text).replace("\r\n", "\n").replace("\x00", "\ufffd")
    assert "".join(atoms_of(text)) == expected


def test_a_fence_is_closed_and_opened_again_in_every_part() -> None:
    parts = bodies(split(blocks_of(LONG_CODE, Dialect()), 1000))
    assert len(parts) > 3
    for part in parts:
        assert part.startswith("```python\n") and part.endswith("```")
        assert all(re.fullmatch(r"价格_\d+ = \d+  # 注释", line) for line in part.splitlines()[1:-1])
    assert sum(part.count("# 注释") for part in parts) == 400


@pytest.mark.parametrize("dialect", [FeishuMarkdown(), SlackMarkdown()], ids=lambda d: type(d).__name__)
def test_a_table_repeats_its_header_and_never_loses_or_cuts_a_row(dialect: Dialect) -> None:
    parts = bodies(split(blocks_of(LONG_TABLE, dialect), 1500, "bytes"))
    assert len(parts) > 3
    assert all("模型" in part.splitlines()[0 if dialect.tables == "native" else 1] and "价格" in part for part in parts)
    rows = re.findall(r"模型(\d+)[ |]+¥(\d+)\.50/百万 \[(\d)\]", "\n".join(parts))
    assert rows == [(str(i), str(i), str(i % 9 + 1)) for i in range(300)]


def test_citations_links_and_numbers_are_never_cut() -> None:
    text = "".join(f"价格是 1,234.56 元[12][3]，见[文档{i}](https://example.com/a/{i})。" for i in range(100))
    parts = bodies(split(blocks_of(text, Dialect()), 300))
    joined = "\n".join(parts)
    assert joined.count("1,234.56") == 100 and joined.count("元[12][3]") == 100
    assert len(re.findall(r"\[文档\d+\]\(https://example\.com/a/\d+\)", joined)) == 100


def test_sixty_kilobytes_of_chinese_come_in_numbered_parts_that_lose_nothing() -> None:
    text = "".join(f"第{i}句话说的是模型的价格[1]。" for i in range(1300))
    parts = split(blocks_of(text, WecomMarkdown()), 20_480, "bytes")
    assert [part.partition("\n")[0] for part in parts] == [f"({i}/{len(parts)})" for i in range(1, len(parts) + 1)]
    assert "".join(bodies(parts)) == text


def test_one_emoji_of_several_code_points_stays_one() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert family in atoms_of("a " + family + " b")[1]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: type(d).__name__)
def test_nobody_is_mentioned_in_text_code_or_tables(dialect: Dialect) -> None:
    evil = "@all @here @channel @everyone @所有人 <!channel> <!here|x> <@U1> <#C1> <at id=all></at> <at user_id='ou'>x</at>"
    text = f"{evil}\n\n`{evil}`\n\n```\n{evil}\n```\n\n| {evil.replace('|', '')} | b |\n|---|---|\n| {evil.replace('|', '')} | c |\n\n[{evil}](https://a.b)"
    shown = "\n".join(split(blocks_of(text, dialect), 4000))
    for mention in ("@all", "@here", "@channel", "@everyone", "@所有人", "<!", "<@", "<#", "<at"):
        assert mention not in shown


def test_only_web_links_stay_links() -> None:
    shown = split(blocks_of("[a](javascript:alert(1)) [b](file:///etc/passwd) [c](https://x.y)", TelegramHtml()), 4000)[0]
    assert shown.count("<a ") == 1 and 'href="https://x.y"' in shown
    assert "\\[链接](javascript:alert(1))" in split(blocks_of("[链接](javascript:alert(1))", SlackMarkdown()), 4000)[0]


def test_html_of_a_document_is_text_in_telegram() -> None:
    assert split(blocks_of("<script>x</script> **a<b**", TelegramHtml()), 4000) == ["&lt;script&gt;x&lt;/script&gt; <b>a&lt;b</b>"]


def test_a_wide_table_becomes_a_list_where_it_would_wrap() -> None:
    wide = "| 项目 | 甲 |\n|---|---|\n| 优势 | " + "长" * 60 + " |\n"
    assert "```" not in split(blocks_of(wide, SlackMarkdown()), 4000)[0]
    assert columns("价格a") == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一。二", "一。"),
        ("段一\n\n| a | b |\n|---", "段一\n\n"),
        ("段一\n\n```\ncode", "段一\n\n"),
        ("段一\n\n- 一\n- 二", "段一\n\n- 一"),
    ],
)
def test_only_what_will_not_change_is_shown_of_a_growing_answer(text: str, expected: str) -> None:
    assert stable(text) == expected
