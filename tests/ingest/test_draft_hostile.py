"""The drafter on texts that nobody writes: it finishes, it does not fail, and whatever it drafts fits the registry."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.draft import draft_claims, extract_json
from ingest.draft_lengths import lengths_in
from ingest.draft_values import date_in, items_of, price_unit, rates_in
from ingest.draft_words import plain, tier
from ingest.errors import ParseError
from ingest.parse import parse_bytes
from kb.catalog.load import load_catalog
from kb.catalog.values import typed_value

FIELDS = load_catalog(folders=[]).fields
TABLE = "| Model | Input ($/1M tokens) | Output |\n|---|---|---|\n"

LONG = {
    "capitals": "# LLM\n\n" + TABLE + "| Heron 2 | 1 | 2 |\n\n" + "A" * 20_000 + "\n\n" + "A " * 10_000,
    "digits": "## Heron 2\n\n- Context: 3K tokens\n\n" + "1," * 50_000 + "\n\n" + "$1 per million tokens " * 2000,
    "brackets": "## Heron 2\n\n- Context: 3K tokens\n\n" + "(" * 10_000 + "\n\n" + "开源、" * 5000,
    "rows": "# LLM\n\n" + TABLE + "".join(f"| Model-{i} | {i} | {i} |\n" for i in range(400)),
    "one model": "# LLM\n\n" + TABLE + "".join(f"| Heron 2 | {i} | {i} |\n" for i in range(400)),
    "headings": "# LLM\n\n" + "".join(f"## Heron {i}\n\n- Context: {i}K tokens\n- License: MIT\n\n" for i in range(100)),
}

PIECES = st.sampled_from(
    [
        "Heron 2", "云雀 3.5", "Aurora-7 Pro", "输入", "输出", "价格", "$5.00", "¥0,002", "€/1k tokens", "每百万Tokens", "128K", "百万级", ">128K", "≤32K", "翻倍",
        "五折", "闭源", "开源", "不支持", "自主部署", "self-hosted", "MIT", "|", "\n| --- | --- |\n", "\n", "\n\n", "## ", "- ", "：", ": ", "(", ")", "，", "。", "、",
        "context window", "is", "not", "available on", "Azure", "10万", "亿", "-", "/", "%", "🇨🇳", "free", "n/a", "…", "1–3", "2025-02-30", "\t", "¥" * 3, "**",
    ]
)  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_long_runs_of_one_thing_do_not_stop_it(name: str) -> None:
    extract_json(parse_bytes(LONG[name].encode(), "a.md"))


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=3, max_size=60))
def test_any_mixture_of_its_own_words_gives_claims_that_fit_their_fields(pieces: list[str]) -> None:
    try:
        document = parse_bytes(("# 大模型 model token\n\n" + " ".join(pieces)).encode(), "a.md")
    except ParseError:
        return
    for entity in draft_claims(document):
        assert entity.name.strip()
        for field, claims in entity.claims.items():
            for claim in claims:
                typed_value(FIELDS[field], claim)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_the_readers_of_values_never_fail(text: str) -> None:
    shown = plain(text)
    lengths_in(shown)
    rates_in(text, price_unit(text))
    tier(text)
    date_in(text)
    items_of(text)


def test_a_document_drafted_only_in_part_says_so(caplog: pytest.LogCaptureFixture) -> None:
    rows = "".join(f"| Model-{i} | {i} | {i} |\n" for i in range(1, 2004))
    drafts = draft_claims(parse_bytes(("# LLM\n\n" + TABLE + rows).encode(), "long.md"))
    assert len(drafts) == 2000
    (record,) = caplog.records
    assert "long.md" in record.getMessage() and "3 rows of the table in line 3 are left out (at most 2000 are read)" in record.getMessage()


def test_facts_far_down_in_a_long_document_are_found() -> None:
    text = "# 手册\n\n" + "".join(f"第{i}段，今天天气很好。\n\n" for i in range(600)) + "## Heron 2\n\n- 上下文: 64K tokens\n- 许可: MIT\n"
    (entity,) = draft_claims(parse_bytes(text.encode(), "a.md"))
    assert entity.name == "Heron 2" and set(entity.claims) >= {"context_window", "license"}
