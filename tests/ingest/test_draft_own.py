"""Documents of companies that nobody reviewed: rights, bills, discounts, free tiers, makers, in three languages and several formats."""

# ruff: noqa: E501  (tables are easier to check on one line each)
from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest

from ingest.draft import draft_claims
from ingest.draft_names import EntityDraft
from ingest.parse import parse_bytes
from kb.catalog.load import load_catalog
from kb.catalog.values import typed_value

FIELDS = load_catalog(folders=[]).fields


def drafts(data: str | bytes, name: str) -> dict[str, EntityDraft]:
    raw = data.encode() if isinstance(data, str) else data
    return {entity.name: entity for entity in draft_claims(parse_bytes(raw, name))}


def said(entity: EntityDraft, field: str) -> set[str]:
    """Values of a field, with the unit's head and the conditions where there are any."""
    found = set()
    for claim in entity.claims.get(field, []):
        typed = typed_value(FIELDS[field], claim)
        value = f"{typed.value.normalize():f}" if isinstance(typed.value, Decimal) else str(typed.value)
        when = "".join(f" @{text}" for text in claim.when.values())
        found.add(value + (f" {typed.unit.split('/')[0]}" if typed.unit.endswith("1M token") else "") + when)
    return found


RIGHTS_DE = """# Modellübersicht

Alle Preise in EUR pro 1.000.000 Token.

| Modell | Eingabe | Ausgabe | Kontext | Lizenz | Selbsthosting |
|---|---|---|---|---|---|
| Horn 3 | 2,40 | 9,60 | 256.000 | proprietär | nicht erlaubt |
| Horn 3 Mini | 0,15 | 0,60 | 64.000 | Apache 2.0 | erlaubt |
"""
RIGHTS_EN = """# Notes on language models

- Osprey 2 is closed. It can't be installed on-premises.
- Osprey 2 Lite is released under MIT; on-premises deployment is possible, distillation is prohibited.
- Kite 5 is our open-weight model; you run it yourself on two 24 GB GPUs.
- Kite 5 Pro: fine-tuning is available, private cloud is not offered.
- Lark 4 is open-weight under Apache 2.0; self-hosting, fine-tuning and distillation are allowed.
"""
RIGHTS_ZH = """大模型采购说明

星槎 3：闭源，不提供本地化部署，禁止蒸馏。
星槎 3 mini：开源（MIT），可私有化部署、禁止用输出训练其他模型。
沐光 8B：权重开放，支持私有化部署，推理需要 1 张 24GB 显卡。
沐光 70B：闭源，只提供 API，数据不出境。
云岚 9B：闭源，签约客户可私有化部署，一体机 60 万元起，禁止蒸馏。
"""
RIGHTS = [
    ("a.md", RIGHTS_DE, "Horn 3", "closed", "no", ""),
    ("a.md", RIGHTS_DE, "Horn 3 Mini", "open", "yes", ""),
    ("b.md", RIGHTS_EN, "Osprey 2", "closed", "", ""),
    ("b.md", RIGHTS_EN, "Osprey 2 Lite", "open", "yes", "no"),
    ("b.md", RIGHTS_EN, "Kite 5", "open", "yes", ""),
    ("b.md", RIGHTS_EN, "Kite 5 Pro", "", "no", ""),
    ("b.md", RIGHTS_EN, "Lark 4", "open", "yes", "yes"),
    ("c.txt", RIGHTS_ZH, "星槎 3", "closed", "no", "no"),
    ("c.txt", RIGHTS_ZH, "星槎 3 mini", "open", "yes", "no"),
    ("c.txt", RIGHTS_ZH, "沐光 8B", "open", "yes", ""),
    ("c.txt", RIGHTS_ZH, "沐光 70B", "closed", "no", ""),
    ("c.txt", RIGHTS_ZH, "云岚 9B", "closed", "vendor_only", "no"),
]


@pytest.mark.parametrize(("name", "text", "model", "openness", "self_host", "distillation"), RIGHTS, ids=[row[2] for row in RIGHTS])
def test_what_may_be_done_with_a_model_is_read_with_its_denials(
    name: str, text: str, model: str, openness: str, self_host: str, distillation: str
) -> None:
    entity = drafts(text, name)[model]
    for field, expected in (("openness", openness), ("self_host", self_host), ("distillation", distillation)):
        assert said(entity, field) == ({expected} if expected else set()), field


def test_private_deployment_is_stated_only_where_it_is_offered() -> None:
    models = {**drafts(RIGHTS_ZH, "c.txt"), **drafts(RIGHTS_EN, "b.md")}
    assert {name for name, entity in models.items() if "private_deployment" in entity.claims} == {
        "星槎 3 mini", "沐光 8B", "云岚 9B", "Osprey 2 Lite",
    }  # fmt: skip
    assert "60 万元" in str(models["云岚 9B"].claims["private_deployment"][0].value)


def test_terms_of_use_are_no_strengths_and_cards_are_no_platforms() -> None:
    models = {**drafts(RIGHTS_ZH, "c.txt"), **drafts(RIGHTS_EN, "b.md")}
    assert not any(entity.claims.get("channels") for entity in models.values())
    assert {name for name, entity in models.items() if "strengths" in entity.claims} == {"沐光 70B"}
    assert said(models["沐光 8B"], "hardware") == {"推理需要 1 张 24GB 显卡"}


MODES = """# 价目

价格单位：元/百万 tokens

| 模型 | 输入 | 输出 | 备注 |
|---|---|---|---|
| 甲龙 1 | 5 | 10 | 支持批量 |
| 乙龙 1 | 4 | 8 | 不支持批量接口 |
| 丙龙 1 | 3 | 6 | 不支持缓存 |
| 戊龙 1 | 2 | 4 | Batch API |

己龙 2.5：输入 8 元/百万 tokens，缓存命中 2 元/百万 tokens，输出 20 元/百万 tokens。
庚龙 2.5：输入 8 元/百万 tokens，输出 20 元/百万 tokens，支持批量接口。
"""


def test_a_mode_that_is_only_offered_or_denied_is_no_condition_of_the_price() -> None:
    models = drafts(MODES, "m.md")
    assert {name: (said(e, "input_price"), said(e, "output_price")) for name, e in models.items()} == {
        "甲龙 1": ({"5 CNY"}, {"10 CNY"}),
        "乙龙 1": ({"4 CNY"}, {"8 CNY"}),
        "丙龙 1": ({"3 CNY"}, {"6 CNY"}),
        "戊龙 1": ({"2 CNY @batch"}, {"4 CNY @batch"}),
        "己龙 2.5": ({"8 CNY", "2 CNY @cached"}, {"20 CNY"}),
        "庚龙 2.5": ({"8 CNY"}, {"20 CNY"}),
    }


def test_each_price_of_an_english_sentence_has_its_own_mode() -> None:
    text = "Plover 2: $1.20 per million input tokens, $0.30 per million cached input tokens, $4.80 per million output tokens."
    plover = drafts(text, "p.txt")["Plover 2"]
    assert said(plover, "input_price") == {"1.2 USD", "0.3 USD @cached"}
    assert said(plover, "output_price") == {"4.8 USD"}


def test_a_discount_holds_for_every_model_that_its_clause_lists() -> None:
    book = docx.Document()
    table = book.add_table(rows=1, cols=3)
    for cell, text in zip(table.rows[0].cells, ("Model", "Input (EUR per 1M tokens)", "Output (EUR per 1M tokens)"), strict=True):
        cell.text = text
    for row in (("Alfa 1", "2", "5"), ("Bravo 1.5", "1", "4"), ("Cocoa 3", "3", "6")):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    book.add_paragraph("Batch jobs on Alfa 1 and Bravo 1.5 are 25% cheaper than the list price.")
    book.add_paragraph("Prompts of Cocoa 3 above 128k tokens cost twice the list price.")
    data = io.BytesIO()
    book.save(data)
    models = drafts(data.getvalue(), "offer.docx")
    assert said(models["Alfa 1"], "input_price") == {"2 EUR", "1.5 EUR @batch"}
    assert said(models["Bravo 1.5"], "output_price") == {"4 EUR", "3 EUR @batch"}
    assert said(models["Cocoa 3"], "input_price") == {"3 EUR @<=128000", "6 EUR @>128000"}
    assert said(models["Cocoa 3"], "output_price") == {"6 EUR @<=128000", "12 EUR @>128000"}


def test_a_discount_on_prices_that_another_document_has_is_kept_as_a_rule() -> None:
    entity = drafts("# 大模型笔记\n\n## 墨川 3\n\n- 上下文：128K tokens\n- 批量接口价格为标准价的六折。\n", "d.md")["墨川 3"]
    (rule,) = (claim for claim in entity.claims["pricing_note"] if claim.formula == "price_rule")
    assert rule.inputs == {"factor": "0.6", "sides": ["input", "output"], "when": {"mode": "batch"}}


BILLS = """# Bills

| Model | Input (EUR per 1M tokens) | Output (EUR per 1M tokens) |
|---|---|---|
| Alfa 1 | 2 | 5 |
| Bravo 1.5 | 1 | 4 |

- Triage on Alfa 1: 50M input tokens and 10M output tokens a month, EUR 150 per month.
- Chat (Bravo 1.5): 2,000 requests a day, 1,500 input and 400 output tokens each, 30 days: EUR 186 a month.
- Archive, Alfa 1: 10M input tokens and 2M output tokens per month, EUR 360 per year.
- Bravo 1.5 helps the desk: 300 requests of 2,000 input tokens, EUR 12 a month.
"""


def stated(entity: EntityDraft) -> dict[str, Any]:
    (claim,) = entity.claims["stated_cost"]
    return dict(claim.inputs)


def test_a_bill_keeps_all_its_volumes_and_its_plan_has_no_models_name() -> None:
    plans = {name: entity for name, entity in drafts(BILLS, "bills.md").items() if "stated_cost" in entity.claims}
    assert set(plans) == {"Triage", "Chat", "Archive"}
    assert stated(plans["Triage"]) == {"model": "Alfa 1", "input_tokens": "50000000", "output_tokens": "10000000", "per": "month"}
    assert stated(plans["Chat"]) == {"model": "Bravo 1.5", "input_tokens": "90000000", "output_tokens": "24000000", "per": "month"}
    assert stated(plans["Archive"])["times"] == "12"


def test_requests_a_day_are_counted_over_the_stated_days() -> None:
    text = "# 测算\n\n| 模型 | 输入（元/百万tokens） | 输出（元/百万tokens） |\n|---|---|---|\n| 甲龙 2 | 2 | 8 |\n\n- 工单摘要：用甲龙 2，日均 2 万次调用，单次约 800 输入 200 输出 tokens，按 22 天算，每月 1408 元。\n"
    plan = drafts(text, "b.md")["工单摘要"]
    assert stated(plan) == {"model": "甲龙 2", "input_tokens": "352000000", "output_tokens": "88000000", "per": "month"}


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        ("甲龙 2 每月前 100 万 tokens 免费，超出部分 0.8 元/百万 tokens。", {"1000000"}),
        ("甲龙 2 每月赠送 50 万 tokens。", {"500000"}),
        ("甲龙 2 没有免费额度，每月至少 100 万 tokens。", set()),
        ("The first 2M tokens a month of 甲龙 2 are free.", {"2000000"}),
        ("甲龙 2 gives 1M tokens a month at no charge.", {"1000000"}),
        ("甲龙 2 is no longer free: 1M tokens a month cost EUR 2.", set()),
    ],
)
def test_a_free_tier_is_a_count_of_tokens_a_month(line: str, tokens: set[str]) -> None:
    text = f"# 价目\n\n| 模型 | 输入（元/百万tokens） |\n|---|---|\n| 甲龙 2 | 0.8 |\n\n## 甲龙 2\n\n{line}\n"
    assert said(drafts(text, "f.md")["甲龙 2"], "free_tokens") == tokens


def test_a_table_of_plans_names_no_vendor() -> None:
    text = "# Halden 7\n\nHalden 7 是闭源模型，上下文 128K tokens。\n\n| 套餐 | 每分钟请求数 | 每分钟 tokens |\n|---|---|---|\n| 标准 | 600 | 40 万 |\n| 企业 | 3000 | 200 万 |\n"
    assert drafts(text, "h.md")["Halden 7"].vendor == ""


def test_makers_and_english_names_come_from_the_heading_of_a_family() -> None:
    text = (
        "# 模型笔记\n\n## 青岚 2 系列（岚山智能，杭州，中国）\n\n岚山智能的主力大模型，英文名 Qinglan。\n\n### 青岚 2 Pro\n\n- 上下文：128K\n\n"
        "### 青岚 3 预览版\n\n预计 2027 年发布，价格未公布。\n\n## Oriel 2 (Berlin, Germany)\n\n- 上下文：64K\n"
    )
    models = drafts(text, "n.md")
    assert models["青岚 2 Pro"].vendor == "岚山智能" and "Qinglan 2 Pro" in models["青岚 2 Pro"].aliases
    assert said(models["青岚 2 Pro"], "country") == {"CN"}
    assert "availability" in models["青岚 3 预览版"].claims and "input_price" not in models["青岚 3 预览版"].claims
    assert models["Oriel 2"].vendor == ""  # a city is no maker


def test_media_that_a_model_takes_are_read_from_prose() -> None:
    text = "# Notes on models\n\n## Brio 3\n\n- Context: 64K tokens\n- It takes speech, images and text.\n\n## Brio 3 Mini\n\n- Context: 32K tokens\n- It does not accept images.\n"
    models = drafts(text, "v.md")
    assert said(models["Brio 3"], "modalities") == {"('文本', '图像', '语音')"}
    assert "modalities" not in models["Brio 3 Mini"].claims


def test_german_headers_and_number_forms_of_a_work_sheet_are_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"] = "Preisliste (Preis in EUR je 1.000 Token)"
    sheet.merge_cells("A1:E1")
    for column, text in enumerate(("Modell", "Eingabe", "Ausgabe", "Kontextfenster (Token)", "Lizenz"), 1):
        sheet.cell(2, column, text)
    for column, text in enumerate(("Sonne 3 Large", "0,0030", "0,0090", "128.000", "proprietär"), 1):
        sheet.cell(3, column, text)
    path = tmp_path / "preise.xlsx"
    book.save(path)
    sonne = drafts(path.read_bytes(), "preise.xlsx")["Sonne 3 Large"]
    assert said(sonne, "input_price") == {"3 EUR"} and said(sonne, "output_price") == {"9 EUR"}
    assert said(sonne, "context_window") == {"128000"} and said(sonne, "openness") == {"closed"}
