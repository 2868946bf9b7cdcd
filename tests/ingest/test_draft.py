"""Drafting from documents about invented models, in every format, units and currencies: what is taken is right, nothing else is taken."""

# ruff: noqa: E501  (tables are easier to check on one line each)
from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from draft_corpus import CHINESE_BOOK, GERMAN_PAGE, MARKDOWN_BOOK, MEMO, NOT_MODELS, PROSE, RECORD, SUPPLIERS, TARIFF, TEXT_NOTES, build

from ingest.chunk import chunk_document
from ingest.draft import as_catalog_file, draft_claims, extract, extract_json
from ingest.draft_names import EntityDraft
from ingest.parse import parse_bytes, parse_file
from kb.catalog.load import SHIPPED_FOLDER, load_catalog
from kb.catalog.schema import CatalogFile
from kb.catalog.values import typed_value
from kb.types import Document

FIELDS = load_catalog(folders=[]).fields
Facts = set[tuple[str, str, str]]


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, EntityDraft]:
    """Every entity of the corpus by name; no name occurs in two of its files."""
    found: dict[str, EntityDraft] = {}
    for path in build(tmp_path_factory.mktemp("corpus")):
        for entity in draft_claims(parse_file(path, path.name)):
            assert entity.name not in found
            found[entity.name] = entity
    return found


def document(text: str, name: str = "a.md") -> Document:
    return parse_bytes(text.encode(), name)


def drafts(text: str, name: str = "a.md") -> dict[str, EntityDraft]:
    return {entity.name: entity for entity in draft_claims(document(text, name))}


def values(entity: EntityDraft, field: str, when: Mapping[str, str] | None = None) -> list[Any]:
    """Normal values of a field's claims, with the unit where there is one; only those under `when`, if given."""
    found = []
    for claim in entity.claims.get(field, []):
        if when is not None and claim.when != when:
            continue
        typed = typed_value(FIELDS[field], claim)
        found.append((typed.value, typed.unit) if typed.unit else typed.value)
    return found


PRICES = {
    # name: (input, output, currency), per million tokens, without conditions
    "Aurora-7 Mini": ("0.4", "1.2", "EUR"), "Kestrel 70B": ("0.9", "1.1", "EUR"), "Borealis XL": ("15", "45", "EUR"),
    "云雀 3.5": ("8", "24", "CNY"), "海豚-13B": ("1", "2", "CNY"), "白鹭 2.0": ("9", "27", "CNY"),
    "Zephyr-9B": ("0.2", "0.6", "USD"), "Zephyr-40B": ("1.1", "3.3", "USD"), "Lumen 2 Lite": ("0.1", "0.4", "GBP"), "Heron": ("3", "15", "USD"),
    "Quokka-3": ("0.4", "1.2", "AUD"), "Pomelo 2": ("1.1", "4.4", "USD"), "Quince 8B": ("0.05", "0.15", "USD"),
    "雪松-2": ("4", "16", "CNY"), "雪松-2-Lite": ("1", "4", "CNY"), "红桧 Pro": ("30", "90", "CNY"), "天狼-3": ("6", "18", "CNY"),
    "北辰-1": ("2", "8", "CNY"), "Gecko-5": ("0.9", "2.7", "USD"), "Iguana": ("3", "9", "USD"), "Sakura-12": ("300", "900", "JPY"),
    "Sakura-12 Nano": ("50", "150", "JPY"), "Momiji 4": ("800", "2400", "JPY"), "Condor 5": ("4", "12", "CHF"), "Llama-guanaco 9B": ("0.3", "0.9", "CHF"),
}  # fmt: skip

CONTEXTS = {
    "Aurora-7": 128_000, "Aurora-7 Mini": 64_000, "Kestrel 70B": 32_768, "Borealis XL": 1_000_000, "云雀 3.5": 200_000, "海豚-13B": 32_000,
    "Zephyr-40B": 256_000, "Heron": 200_000, "Egret": 8_000, "Ibis": 16_000, "Quokka-3": 96_000, "Pomelo 2": 200_000, "Quince 8B": 64_000,
    "雪松-2": 128_000, "雪松-2-Lite": 32_000, "红桧 Pro": 1_000_000, "天狼-3": 256_000, "北辰-1": 64_000, "Gecko-5": 65_536, "Iguana": 200_000,
    "Sakura-12": 131_072, "Sakura-12 Nano": 32_768, "Momiji 4": 262_144, "Poseidon 3": 1_000_000, "Condor 5": 256_000, "Llama-guanaco 9B": 64_000,
}  # fmt: skip

OPENNESS = {
    "Aurora-7": "closed", "Aurora-7 Mini": "closed", "Kestrel 70B": "open", "云雀 3.5": "closed", "海豚-13B": "open", "白鹭 2.0": "closed",
    "Zephyr-9B": "open", "Zephyr-40B": "closed", "Pomelo 2": "closed", "Quince 8B": "open", "雪松-2": "closed", "雪松-2-Lite": "open",
    "红桧 Pro": "closed", "天狼-3": "closed", "北辰-1": "open", "Gecko-5": "open", "Iguana": "closed", "Sakura-12": "closed", "Momiji 4": "open",
    "Poseidon 3": "closed", "Condor 5": "closed", "Llama-guanaco 9B": "open",
}  # fmt: skip

SELF_HOST = {
    "Aurora-7": "no", "Aurora-7 Mini": "no", "Kestrel 70B": "yes", "Borealis XL": "yes", "云雀 3.5": "no", "海豚-13B": "yes", "白鹭 2.0": "no",
    "Quokka-3": "yes", "Quince 8B": "yes", "Sakura-12": "no", "Momiji 4": "yes", "Poseidon 3": "no", "Condor 5": "no",
}  # fmt: skip

DISTILLATION = {
    "Aurora-7": "no", "Kestrel 70B": "yes", "云雀 3.5": "no", "白鹭 2.0": "no", "Pomelo 2": "no", "Quince 8B": "yes", "Sakura-12": "no",
    "Momiji 4": "yes", "Condor 5": "no",
}  # fmt: skip

LICENCES = {
    "Kestrel 70B": "Apache 2.0", "Borealis XL": "Borealis Community License", "海豚-13B": "Apache 2.0", "Zephyr-9B": "MIT",
    "Quokka-3": "CC BY-NC 4.0", "Quince 8B": "Apache-2.0", "北辰-1": "MIT", "Gecko-5": "Apache 2.0", "Momiji 4": "MIT",
}  # fmt: skip

CHANNELS = {
    "Aurora-7": {"Nordlicht Cloud", "Azure", "Google Vertex AI"}, "Kestrel 70B": {"Hugging Face", "FjordHub"}, "云雀 3.5": {"星河云", "火山引擎"},
    "白鹭 2.0": {"白鹭云平台"}, "Quokka-3": {"Outback Console", "AWS Marketplace"}, "天狼-3": {"天狼云"}, "Poseidon 3": {"Aegean Cloud", "Azure Marketplace"},
    "Condor 5": {"Andes Cloud", "Bedrock"},
}  # fmt: skip

VENDORS = {
    "Aurora-7": "Nordlicht AI", "Kestrel 70B": "Fjord Labs", "云雀 3.5": "星河智能", "海豚-13B": "深海科技", "Quokka-3": "Outback AI",
    "雪松-2": "山海智能", "Gecko-5": "Desert Labs", "Sakura-12": "Tokyo Neural", "Poseidon 3": "Aegean Systems",
}  # fmt: skip


def test_only_the_models_and_plans_of_the_corpus_are_entities(drafted: dict[str, EntityDraft]) -> None:
    named = {*PRICES, *CONTEXTS, "Lumen 2", "玄武 Max"}
    assert {entity.name for entity in drafted.values() if entity.kind == "model"} == named
    assert [entity.name for entity in drafted.values() if entity.kind == "plan"] == ["试点方案(月活2万用户)"]


@pytest.mark.parametrize("name", PRICES)
def test_prices_are_per_million_in_their_own_currency(drafted: dict[str, EntityDraft], name: str) -> None:
    into, out, currency = PRICES[name]
    unit = f"{currency}/1M token"
    assert values(drafted[name], "input_price", {}) == [(Decimal(into), unit)]
    assert values(drafted[name], "output_price", {}) == [(Decimal(out), unit)]


@pytest.mark.parametrize("name", CONTEXTS)
def test_context_windows_are_found(drafted: dict[str, EntityDraft], name: str) -> None:
    assert values(drafted[name], "context_window") == [(Decimal(CONTEXTS[name]), "token")]


@pytest.mark.parametrize(("field", "expected"), [("openness", OPENNESS), ("self_host", SELF_HOST), ("distillation", DISTILLATION)])
def test_what_may_be_done_with_a_model_is_found_and_nothing_else_is_claimed(
    drafted: dict[str, EntityDraft], field: str, expected: dict[str, str]
) -> None:
    assert {name: set(values(entity, field)) for name, entity in drafted.items() if field in entity.claims} == {
        name: {value} for name, value in expected.items()
    }


@pytest.mark.parametrize("name", LICENCES)
def test_licences_are_found(drafted: dict[str, EntityDraft], name: str) -> None:
    assert LICENCES[name] in values(drafted[name], "license")


def test_channels_are_found(drafted: dict[str, EntityDraft]) -> None:
    found = {
        name: {item for value in values(entity, "channels") for item in value}
        for name, entity in drafted.items()
        if "channels" in entity.claims
    }
    assert found == CHANNELS


def test_vendors_are_found(drafted: dict[str, EntityDraft]) -> None:
    assert {name: drafted[name].vendor for name in VENDORS} == VENDORS


def test_tiers_and_modes_are_conditions(drafted: dict[str, EntityDraft]) -> None:
    lumen, xuanwu, poseidon = drafted["Lumen 2"], drafted["玄武 Max"], drafted["Poseidon 3"]
    assert values(lumen, "input_price", {"context_tokens": "<=200000"}) == [(Decimal("1.25"), "GBP/1M token")]
    assert values(lumen, "input_price", {"context_tokens": ">200000", "mode": "cached"}) == [(Decimal("0.62"), "GBP/1M token")]
    assert values(lumen, "output_price", {"context_tokens": ">200000"}) == [(Decimal(15), "GBP/1M token")]
    assert values(xuanwu, "output_price", {"context_tokens": ">32000"}) == [(Decimal(120), "CNY/1M token")]
    assert values(xuanwu, "input_price", {"context_tokens": "<=32000", "mode": "batch"}) == [(Decimal(10), "CNY/1M token")]
    assert values(poseidon, "input_price", {"context_tokens": ">128000"}) == [(Decimal(5), "EUR/1M token")]


def test_a_surcharge_in_a_note_is_a_derived_claim_with_its_formula(drafted: dict[str, EntityDraft]) -> None:
    aurora = drafted["Aurora-7"]
    assert values(aurora, "input_price", {"context_tokens": "<=64000"}) == [(Decimal(2), "EUR/1M token")]
    (above,) = [claim for claim in aurora.claims["input_price"] if claim.when == {"context_tokens": ">64000"}]
    assert (Decimal(str(above.value)), above.formula, above.inputs["factor"]) == (Decimal(4), "multiple", "2")


def test_a_range_and_a_free_tier_are_notes_and_no_price(drafted: dict[str, EntityDraft]) -> None:
    for name, word in (("Ibis", "1–3 USD"), ("Egret", "free")):
        assert "input_price" not in drafted[name].claims
        assert word in str(drafted[name].claims["pricing_note"][0].value)


def test_a_heading_or_sentence_about_another_version_is_said_in_about(drafted: dict[str, EntityDraft]) -> None:
    egret = drafted["白鹭 2.0"]
    for field in ("input_price", "output_price", "openness", "self_host", "distillation"):
        assert {claim.about for claim in egret.claims[field]} == {"白鹭 1.5"}, field


def test_a_budget_line_keeps_its_volumes_and_the_formula_that_checks_it(drafted: dict[str, EntityDraft]) -> None:
    (stated,) = drafted["Aurora-7"].claims["stated_cost"]
    assert (stated.value, stated.unit, stated.formula, stated.approx) == ("7000", "EUR/month", "api_cost", True)
    assert stated.inputs == {"model": "Aurora-7", "input_tokens": "200000000", "output_tokens": "50000000", "per": "month"}
    plan = drafted["试点方案(月活2万用户)"]
    assert values(plan, "monthly_users") == [(Decimal(20_000), "user")]
    assert plan.claims["stated_cost"][0].inputs["model"] == "云雀 3.5"


def test_other_facts_are_found(drafted: dict[str, EntityDraft]) -> None:
    assert values(drafted["Kestrel 70B"], "scenarios") == [("coding assistant", "log analysis")]
    assert values(drafted["Poseidon 3"], "scenarios") == [("Contract review", "Claims handling")]
    assert values(drafted["Poseidon 3"], "max_output") == [(Decimal(64_000), "token")]
    assert values(drafted["Quince 8B"], "latency") == [(Decimal(95), "ms")]
    assert values(drafted["海豚-13B"], "benchmark") == [(Decimal("61.5"), "point")]
    assert values(drafted["玄武 Max"], "country") == ["SG"]
    assert values(drafted["玄武 Max"], "parameters") == [(Decimal(200_000_000_000), "parameter")]


@pytest.mark.parametrize("name", NOT_MODELS)
def test_documents_about_other_things_give_no_models(name: str) -> None:
    assert [entity for entity in draft_claims(document(NOT_MODELS[name], name)) if entity.kind == "model"] == []


@pytest.mark.parametrize("text", [MARKDOWN_BOOK, CHINESE_BOOK, PROSE, TARIFF, RECORD, TEXT_NOTES])
def test_every_claim_has_its_place_and_the_sources_own_words(text: str) -> None:
    parsed = document(text)
    searchable = "\n".join(chunk.text for chunk in chunk_document(parsed))
    lines = text.split("\n")
    for entity in draft_claims(parsed):
        for claims in entity.claims.values():
            for claim in claims:
                assert claim.quote and claim.quote in searchable
                assert 1 <= claim.source_line <= len(lines)
                assert claim.section and claim.source == "a.md"


SENTENCES = [
    ("Heron 2 does not support self-hosting.", {("self_host", "no")}),
    ("Heron 2 can be self-hosted.", {("self_host", "yes")}),
    ("Heron 2 is closed source, unlike open-source models.", {("openness", "closed")}),
    ("Heron 2 outperforms open-source alternatives.", set()),
    ("Heron 2 has an active open-source community.", set()),
    ("Heron 2 is not open source.", {("openness", "closed")}),
    ("The terms of Heron 2 forbid distillation.", {("distillation", "no")}),
    ("Heron 2 is available on Azure and Bedrock.", {("channels", "Azure, Bedrock")}),
    ("Heron 2 is not available on Azure.", set()),
    ("Heron 2 has a 128K context window.", {("context_window", "128000")}),
    ("For prompts over 128K tokens Heron 2 is slower.", set()),
    ("Heron 2 暂不支持自主部署。", {("self_host", "no")}),
    ("Heron 2 性能优于闭源模型。", set()),
    ("Heron 2 的上下文窗口为200万字。", {("context_window", "2000000")}),
    ("Heron 2 是否支持蒸馏取决于合同。", {("distillation", "restricted")}),
    ("与 Heron 2 相比，开源模型更便宜。", set()),
    ("训练 Heron 2 用了 1000 张 A100。", set()),
    ("Heron 2 was trained on 15 trillion tokens.", set()),
]
CHECKED = ("self_host", "openness", "distillation", "channels", "context_window", "input_price", "output_price")


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES)
def test_sentences_say_what_they_say_and_no_more(sentence: str, expected: set[tuple[str, str]]) -> None:
    text = f"# Models\n\n| Model | Input (USD/1M tokens) |\n|---|---|\n| Heron 2 | 7 |\n\n## Notes\n\n{sentence}\n"
    found = set()
    for field, claims in drafts(text)["Heron 2"].claims.items():
        for claim in claims:
            if claim.source_line > 6 and field in CHECKED:
                found.add((field, ", ".join(claim.value) if isinstance(claim.value, list) else str(claim.value)))
    assert found == expected


def test_two_models_in_one_sentence_keep_their_facts_apart() -> None:
    text = "# 对比\n\n| 模型 | 许可 |\n|---|---|\n| 甲一 1 | MIT |\n| 乙二 2 | 商业 |\n\n建议用甲一 1（输入$5/百万Tokens）、乙二 2（200K上下文）。\n"
    found = drafts(text)
    assert values(found["甲一 1"], "input_price") == [(Decimal(5), "USD/1M token")]
    assert values(found["乙二 2"], "context_window") == [(Decimal(200_000), "token")]
    assert "input_price" not in found["乙二 2"].claims and "context_window" not in found["甲一 1"].claims


def test_a_memo_of_names_prices_and_a_table_keeps_every_model_apart() -> None:
    found = drafts(MEMO)
    assert set(found) == {"Hydra", "Perseus Pro", "Cassini S", "Orion", "Lyra 2"}
    assert values(found["Hydra"], "input_price") == [(Decimal("0.5"), "EUR/1M token"), (Decimal("0.6"), "EUR/1M token")]
    assert values(found["Perseus Pro"], "input_price") == [(Decimal(2), "EUR/1M token")]
    assert values(found["Perseus Pro"], "self_host") == ["yes"]
    assert values(found["Cassini S"], "output_price") == [(Decimal("0.9"), "USD/1M token")]
    assert values(found["Orion"], "output_price") == [(Decimal("1.5"), "USD/1M token")]
    assert (values(found["Orion"], "self_host"), values(found["Lyra 2"], "self_host")) == (["no"], ["yes"])
    assert (found["Hydra"].vendor, found["Orion"].vendor) == ("Nordlicht AI", "Stellar Ltd")


def test_names_without_latin_letters_or_digits_are_found_by_their_sections() -> None:
    found = drafts(SUPPLIERS)
    assert set(found) == {"墨子", "星海", "星海 Lite"}
    assert values(found["墨子"], "input_price") == [(Decimal("0.5"), "CNY/1M token")] * 2
    assert values(found["星海"], "output_price") == [(Decimal(16), "CNY/1M token"), (Decimal(18), "CNY/1M token")]
    assert values(found["星海"], "channels") == [("东湖云 API",)]
    assert "channels" not in found["墨子"].claims and values(found["墨子"], "self_host") == ["yes"]
    assert values(found["星海 Lite"], "context_window") == [(Decimal(256_000), "token")]
    assert (values(found["墨子"], "openness"), values(found["星海 Lite"], "openness")) == (["open"], ["closed"])


def test_merged_headers_tiers_and_decimal_commas_of_a_web_page() -> None:
    found = drafts(GERMAN_PAGE, "a.html")
    assert values(found["Vela 3"], "input_price", {"context_tokens": "<=32000"}) == [(Decimal("1.2"), "EUR/1M token")]
    assert values(found["Vela 3"], "output_price", {"context_tokens": ">32000,<=256000"}) == [(Decimal("9.6"), "EUR/1M token")]
    assert values(found["Vela 3 Nano"], "output_price") == [(Decimal("0.4"), "EUR/1M token")]
    assert values(found["Vela 3 Nano"], "self_host") == ["yes"] and "self_host" not in found["Vela 3"].claims
    assert {claim.about for entity in found.values() for claims in entity.claims.values() for claim in claims} == {""}


def test_an_enumeration_of_open_models_says_so_of_each() -> None:
    text = "# 生态\n\n开源大模型很多，主流开源模型还包括：\n\n- 代码领域的StarFish、法律领域的LexGPT\n- Osprey系列（7B）、Finch-3（2.7B）等小模型\n\n闭源模型（如 Condor 5）另行采购。\n"
    found = drafts(text)
    assert {name: values(entity, "openness") for name, entity in found.items()} == {
        "StarFish": ["open"], "LexGPT": ["open"], "Osprey": ["open"], "Finch-3": ["open"], "Condor 5": ["closed"],
    }  # fmt: skip


def test_a_price_without_any_unit_is_left_out() -> None:
    found = drafts("# LLM 价格\n\n| 模型 | 输入 | 输出 | 上下文 |\n|---|---|---|---|\n| Heron 2 | $3 | $9 | 32K |\n")
    assert "input_price" not in found["Heron 2"].claims


def test_a_price_of_something_else_is_not_a_token_price() -> None:
    text = "# Heron 2\n\n| Item | Price |\n|---|---|\n| Input (per 1M tokens) | $3 |\n| Fine-tuning (per 1M tokens) | $25 |\n| Image input (per image) | $0.01 |\n"
    assert values(drafts(text)["Heron 2"], "input_price") == [(Decimal(3), "USD/1M token")]


def test_the_default_corpus_drafts_into_what_the_reviewed_catalog_says() -> None:
    """The shipped corpus is in other words than the catalog: prices must come out the same, and none may be made up."""
    from importlib.resources import files

    catalog = load_catalog(folders=[SHIPPED_FOLDER])
    found: Facts = set()
    for path in sorted(Path(str(files("kb").joinpath("sources"))).glob("*.md")):
        for draft in draft_claims(parse_file(path, path.name)):
            for entity in catalog.find(draft.name):
                for field in ("input_price", "output_price"):
                    for claim in draft.claims.get(field, []):
                        typed = typed_value(FIELDS[field], claim)
                        assert isinstance(typed.value, Decimal)
                        found.add((entity.id, field, f"{typed.value.normalize():f} {typed.unit}"))
    expected = {
        (entity.id, field, f"{claim.value.normalize():f} {claim.unit}")
        for entity in catalog.entities.values()
        for field in ("input_price", "output_price")
        for claim in entity.claims.get(field, ())
        if isinstance(claim.value, Decimal)
    }
    assert found == expected


def test_a_draft_is_a_catalog_file_that_loads(drafted: dict[str, EntityDraft], tmp_path: Path) -> None:
    from ingest.draft_review import to_yaml

    file = as_catalog_file(list(drafted.values()))
    assert file is not None
    (tmp_path / "drafted.yaml").write_text(to_yaml(file, "tests"), encoding="utf-8")
    catalog = load_catalog(folders=[tmp_path])
    assert set(PRICES) <= {entity.name for entity in catalog.entities.values()}


def test_what_ingestion_keeps_reads_back_the_same() -> None:
    kept = extract_json(document(MARKDOWN_BOOK))
    assert CatalogFile.model_validate_json(kept) == extract(document(MARKDOWN_BOOK))
    assert extract_json(document("# 散文\n\n今天天气很好。\n")) == ""


RANKED = """\
# 大模型调研

## 概览

| 排名 | 模型名称 | 开发商 | 优势 | 国家 |
|---|---|---|---|---|
| 1 | Alder 5.1 | Northwood | 推理强，支持64K上下文窗口 | 🇺🇸 |
| 2 | Birch3 | 白桦科技 白桦 | 支持百万级上下文 | 🇨🇳 |
| 3 | Cedar 4 | Redleaf | 全开源可商用 | 🇺🇸 |

## Alder 5.1

### 自主部署与蒸馏

作为**闭源模型**，Alder 4o **不支持**自主部署。服务条款禁止使用输出训练其他模型。

## Birch3

### 费用（API - Birch-Max）

| 类型 | 价格（每百万tokens） |
|---|---|
| 输入 | ¥80.00 |
| 输出 | ¥80.00 |

### 自主部署与蒸馏

其模型家族(白桦)包含多个**开源版本**，这些版本**完全支持**自主部署和知识蒸馏。旗舰闭源版本(如Birch-Max)则不支持自主部署，且API条款禁止蒸馏。

## 生态

除Cedar 4之外，主流开源模型还包括：

- **国产力量**：白桦 Birch系列（7B/72B等开源版本）
- **轻量模型**：Dogwood系列（7B/8x7B）、Elm-3（2.7B）等小参数量模型
"""
LANDSCAPE = """\
# 模型全景

* **开源浪潮**：Cedar、Fir、Ginkgo等模型降低了门槛

## 闭源阵营

| 模型名称 | 开发国家 | 核心优势 | 评分 |
|---|---|---|---|
| Alder 4o | 美国 | 实时交互，延迟<300ms | MMLU评测85.7分 |

## 国内

| 模型名称 | 开发企业 | 核心优势 |
|---|---|---|
| 松涛大模型 | 松涛科技 | 软硬协同 |
| Fir | 冷杉智能 | 数学 |
| Ginkgo | 银杏科技 | 法律 |

## 选型

* **追求精度**：闭源模型（Alder 4、松涛大模型）+ 微调
* **控制成本**：自有数据训练
"""


def drafts_of(tmp_path: Path, **texts: str) -> CatalogFile:
    """The draft of several documents together, as `advisor catalog draft` makes it."""
    from ingest.draft_review import draft_files, merge_drafts

    paths = {}
    for name, text in texts.items():
        path = tmp_path / f"{name}.md"
        path.write_text(text, encoding="utf-8")
        paths[path] = path.name
    files, failed, _ = draft_files(list(paths), paths)
    merged = merge_drafts(files)
    assert merged is not None and not failed
    return merged


def said(file: CatalogFile, name: str, field: str) -> set[tuple[str, str, str]]:
    """(value, variant, about) of a field's claims."""
    entity = next(one for one in file.entities if one.name == name)
    return {(str(claim.value), claim.when.get("variant", ""), claim.about) for claim in entity.claims.get(field, [])}


def test_a_section_about_another_version_speaks_of_it_though_another_document_knows_it(tmp_path: Path) -> None:
    file = drafts_of(tmp_path, ranked=RANKED, landscape=LANDSCAPE)
    assert said(file, "Alder 5.1", "openness") == {("closed", "", "Alder 4o")}
    assert said(file, "Alder 5.1", "self_host") == {("no", "", "Alder 4o")}
    assert said(file, "Alder 4o", "openness") == {("closed", "", "")}
    entity = next(one for one in file.entities if one.name == "Birch3")
    assert {claim.about for claim in entity.claims["input_price"]} == {"Birch-Max"}
    assert all(")" not in alias for one in file.entities for alias in one.aliases)


def test_what_only_the_open_versions_may_is_partly_allowed(tmp_path: Path) -> None:
    file = drafts_of(tmp_path, ranked=RANKED)
    for field in ("self_host", "distillation"):
        found = {(value, variant) for value, variant, _ in said(file, "Birch3", field)}
        assert found == {("yes", "open_versions"), ("no", "closed_versions"), ("partly", "")}


def test_enumerations_say_how_open_each_model_is_also_beside_other_documents(tmp_path: Path) -> None:
    file = drafts_of(tmp_path, ranked=RANKED, landscape=LANDSCAPE)
    for name in ("Birch 7B", "Birch 72B", "Dogwood", "Dogwood 7B", "Dogwood 8x7B", "Elm-3", "Fir", "Ginkgo"):
        assert ("open", "", "") in said(file, name, "openness"), name
    assert ("open", "", "白桦 Birch系列") in said(file, "Birch3", "openness")
    assert said(file, "Dogwood", "sizes") == {("['7B', '8x7B']", "", "")}
    for name in ("Alder 4", "松涛大模型"):
        assert said(file, name, "openness") == {("closed", "", "")}
    lines = {claim.source_line for one in file.entities if one.name == "Dogwood" for claim in one.claims["openness"]}
    assert lines == {RANKED.split("\n").index("- **轻量模型**：Dogwood系列（7B/8x7B）、Elm-3（2.7B）等小参数量模型") + 1}


def test_coverage_names_what_the_catalog_says_and_the_draft_does_not(tmp_path: Path) -> None:
    from ingest.draft_review import coverage, onto_catalog

    (tmp_path / "own.yaml").write_text(
        "entities:\n  - id: alder\n    name: Alder 5.1（旧版）\n    claims:\n"
        "      rank:\n        - {value: 1, source: a.md, section: s}\n        - {value: 2, source: b.md, section: s}\n"
        "      context_window:\n        - {value: 64000, unit: token, source: a.md, section: s}\n",
        encoding="utf-8",
    )
    catalog = load_catalog(folders=[tmp_path])
    found = {one.field: one for one in coverage(onto_catalog(drafts_of(tmp_path, ranked=RANKED), catalog), catalog)}
    assert (found["rank"].found, found["rank"].total, found["rank"].missed) == (1, 2, (("Alder 5.1（旧版）", "2", "b.md"),))
    assert (found["context_window"].found, found["context_window"].total) == (1, 1)
