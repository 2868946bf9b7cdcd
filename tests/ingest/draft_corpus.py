"""Price books of models that do not exist, in every format, with what a drafter must and must not take from them."""

# ruff: noqa: E501  (tables are easier to check on one line each)
from __future__ import annotations

import json
from pathlib import Path

MARKDOWN_BOOK = """\
# Model price book, spring edition

All prices are in EUR per 1,000 tokens unless noted otherwise.

| Model | Vendor | Input | Output | Context | License | Self-hosting |
|---|---|---:|---:|---|---|---|
| Aurora-7 | Nordlicht AI | 0.0020 | 0.0060 | 128K | Proprietary | Not available |
| Aurora-7 Mini | Nordlicht AI | 0,0004 | 0,0012 | 64K | Proprietary | Not available |
| Kestrel 70B | Fjord Labs | 0.0009 | 0.0011 | 32,768 | Apache 2.0 | Yes |
| Borealis XL | Polar Compute | 0.0150 | 0.0450 | 1M | Borealis Community License | Yes, with registration |

Note: for Aurora-7, requests above 64K tokens are billed at twice the listed price.

## Aurora-7

Aurora-7 is a closed-source model developed by Nordlicht AI. It is available through Nordlicht Cloud, Azure and Google Vertex AI.
Customers may not use its output to train other models. On-premises deployment is offered to public bodies under contract.
It is faster than open-source models such as Kestrel 70B.

## Kestrel 70B

- **Strengths:** fast code completion, low memory footprint
- **Use cases:** coding assistant, log analysis
- **Deployment:** Hugging Face, FjordHub
- Latency: 180 ms
- Kestrel 70B is open-weight and can be self-hosted.
- Distillation is allowed.

## Budget

Processing 200M input tokens and 50M output tokens a month on Aurora-7 costs about €7,000 per month.
"""

CHINESE_BOOK = """\
# 星河大模型选型手册

> 本手册价格均为人民币，单位：元/千tokens。

## 一、云雀 3.5

厂商：星河智能

- 上下文长度：200K
- 输入：0.008
- 输出：0.024
- 开源情况：闭源
- 部署渠道：星河云、火山引擎
- 自主部署：不支持
- 蒸馏：条款禁止使用输出训练其他模型

## 二、海豚-13B

海豚-13B 由 深海科技 开发，采用 Apache 2.0 协议开源，支持本地部署，上下文 32K tokens。输入价 0.001元/千tokens，输出价 0.002元/千tokens。

## 三、玄武 Max（企业版）

| 计费项 | 上下文≤32K | 上下文>32K |
|---|---|---|
| 输入 | 0.02 | 0.04 |
| 输出 | 0.06 | 0.12 |

批量调用价格五折。

## 四、白鹭 2.0

### 费用（API - 白鹭 1.5）

| 类型 | 价格（每百万tokens） |
|---|---|
| 输入 | ¥9.00 |
| 输出 | ¥27.00 |

### 部署

主要通过 白鹭云平台 提供服务。

### 自主部署与蒸馏

作为闭源模型，白鹭 1.5 不支持自主部署。其服务条款禁止使用输出训练其他模型。

## 五、对比

| 指标 | 云雀 3.5 | 海豚-13B | 玄武 Max |
|---|---|---|---|
| 国家 | 中国 | 中国 | 新加坡 |
| 参数量 | 未公开 | 13B | 约2000亿 |
| 首字延迟 | 300ms | 120ms | 0.8秒 |
| MMLU | 82.1 | 61.5 | 88.0 |

## 六、预算

- 试点方案（月活2万用户）：每月输入5000万tokens、输出1000万tokens，选用云雀 3.5约需6400元/月。
"""

PROSE = """\
# Zephyr family pricing

Zephyr-9B costs $0.20 per million input tokens and $0.60 per million output tokens. Zephyr-40B costs $1.10 per million input tokens and $3.30 per million output tokens, and has a context window of 256,000 tokens.

Zephyr-9B is released under the MIT license; Zephyr-40B is proprietary. Both are hosted on Breeze Cloud.

Competitors such as OpenOwl 2 are open source and cost less than half.
"""

MEMO = """\
# Procurement memo: language models

**Hydra** (Nordlicht AI)

Pricing: €0.50 in / €1.50 out per 1M tokens. Context window of 200k tokens. Proprietary; API only.

**Perseus Pro** (Polar Compute)

Pricing: €2.00 in / €8.00 out per 1M tokens. Context window of 1M tokens. Weights are available under the Perseus Community License; self-hosting allowed.

| Model | Currency | Input / 1M | Output / 1M | EU hosted | Open weights |
|---|---|---|---|---|---|
| Hydra | EUR | 0.50 | 1.50 | yes | no |
| Perseus Pro | EUR | 2.00 | 8.00 | no | yes |
| Cassini S | USD | 0.30 | 0.90 | yes | no |

Hydra costs €0.60 per million input tokens when billed monthly.

## Tabular facts

| | Orion | Lyra 2 |
|---|---|---|
| Vendor | Stellar Ltd | Stellar Ltd |
| Input price | $0.50 per million | $5 per million |
| Output price | $1.50 per million | $25 per million |
| Context length | 128,000 tokens | 1,000,000 tokens |
| Self-hosting | ❌ | ✅ |
| License | Commercial | Apache-2.0 |
| Distillation | Not permitted | Permitted |
"""

SUPPLIERS = """\
# 供应商资料汇总

## 墨子

- 出品方：赤壁科技
- 定价：0.5元/百万token（输入），1.5元/百万token（输出）
- 上下文：128K，最大输出 8K
- 许可：墨子社区许可证，允许商用
- 部署：支持自主部署，需 2 张 80GB 显卡
- 蒸馏：允许

## 星海

- 出品方：东湖智能
- 定价：输入 4 元、输出 16 元（每百万 tokens）
- 上下文窗口：约 100 万 tokens
- 许可：商业授权，不开源
- 部署：仅通过 东湖云 API 提供，不支持私有化
- 蒸馏：禁止

## 价格一览

| 模型 | 单价（输入/输出，元每百万 token） | 上下文 (K) | 开源 | 私有部署 |
|---|---|---|---|---|
| 墨子 | 0.5/1.5 | 128 | ✓ | ✓ |
| 星海 | 4/18 | 1000 | ✗ | ✗ |
| 星海 Lite | 1/4 | 256 | ✗ | ✗ |
"""

GERMAN_PAGE = """<html><head><title>Preisliste</title></head><body><h1>Model prices</h1><table><caption>Prices in EUR per million tokens, Q3</caption><thead><tr><th rowspan="2">Model</th><th colspan="2">Price</th><th rowspan="2">Context</th><th rowspan="2">Hosting</th></tr><tr><th>Input</th><th>Output</th></tr></thead><tbody><tr><td rowspan="2">Vela 3</td><td>1,20</td><td>4,80</td><td>up to 32k</td><td rowspan="2">Vela Cloud, Azure</td></tr><tr><td>2,40</td><td>9,60</td><td>32k – 256k</td></tr><tr><td>Vela 3 Nano</td><td>0,10</td><td>0,40</td><td>32k</td><td>Vela Cloud</td></tr></tbody></table><p>Vela 3 Nano is released under the MIT licence and may be self-hosted. Vela 3 is closed source.</p></body></html>"""

TARIFF = """\
# Tariff sheet

| Product | Tier | Input (£/1M tok) | Cached input (£/1M tok) | Output (£/1M tok) |
|---|---|---|---|---|
| Lumen 2 | up to 200K | 1.25 | 0.31 | 10.00 |
| Lumen 2 | over 200K | 2.50 | 0.62 | 15.00 |
| Lumen 2 Lite | any | 0.10 | 0.025 | 0.40 |
| Total | | 3.85 | | |

| Product | Price (in/out, per 1M tokens) | Context |
|---|---|---|
| Heron | $3 / $15 | 200k |
| Egret | free | 8k |
| Ibis | 1–3 USD | 16k |
"""

RECORD = """\
# Vendor notes

Model: Quokka-3
Vendor: Outback AI
Country: Australia
License: CC BY-NC 4.0
Context window: 96k tokens
Input price: A$0.40 per 1M tokens
Output price: A$1.20 per 1M tokens
Self-hosting: allowed for research only
Channels: Outback Console; AWS Marketplace
"""

TEXT_NOTES = """\
内部询价记录

天狼-3
输入：每百万tokens 6元
输出：每百万tokens 18元
上下文：256K
部署：天狼云，支持私有化部署
开源：否

北辰-1
输入：每百万tokens 2元
输出：每百万tokens 8元
上下文：64K
开源：是（MIT）
"""

PAGE = """<html><head><title>Orchard AI – models and prices</title></head><body><nav><a href="/">Home</a><a href="/blog">Blog</a></nav><main><h1>Models and prices</h1>
<h2>Pomelo 2</h2><dl><dt>Input</dt><dd>US$1.10 / 1M tokens</dd><dt>Output</dt><dd>US$4.40 / 1M tokens</dd><dt>Context window</dt><dd>200,000 tokens</dd><dt>License</dt><dd>Proprietary</dd></dl>
<h2>Quince 8B</h2><p>Quince 8B is open source under Apache-2.0 and may be self-hosted. Input tokens cost US$0.05 per million, output tokens US$0.15 per million. It has a 64K context window.</p>
<h2>Comparison</h2><table><tr><th></th><th>Pomelo 2</th><th>Quince 8B</th></tr><tr><td>Country</td><td>USA</td><td>Canada</td></tr><tr><td>Latency</td><td>420 ms</td><td>95 ms</td></tr><tr><td>Distillation</td><td>not allowed</td><td>allowed</td></tr></table></main><footer>© Orchard</footer></body></html>"""

SHEET_CSV = """\
模型,厂商,输入价(元/百万token),输出价(元/百万token),上下文,是否开源,私有化部署
雪松-2,山海智能,4,16,128K,否,支持
雪松-2-Lite,山海智能,1,4,32K,是,支持
红桧 Pro,林间科技,30,90,1M,否,不支持
"""

# Documents with tables, names and prices from which nothing may be drafted as a model.
NOT_MODELS = {
    "team.md": "# Team\n\n| Name | Company | Country | Price |\n|---|---|---|---|\n| John Smith | Acme | US | $50 |\n| Li Lei | 某公司 | 中国 | 300元 |\n",
    "cars.md": "# Cars\n\n| Model | Price | Country |\n|---|---|---|\n| Corolla 2024 | $22,000 | Japan |\n| Golf 8 | €29,000 | Germany |\n",
    "phones.md": "# 手机\n\n| 型号 | 价格 | 参数 |\n|---|---|---|\n| 星辰 12 | 3999元 | 8GB |\n",
    "news.md": "# 新闻\n\n某公司发布了新的大模型，称其开源，价格下降了50%。分析师认为闭源模型仍有优势。\n",
    "cards.md": "# GPU prices\n\n| Model | Memory | Price per hour |\n|---|---|---|\n| A100 | 80GB | $1.20 |\n| H100 | 80GB | $2.40 |\n",
    "manual.md": "# Command line\n\n## Options\n\nTokens are read from `STDIN` with `--token`. Available on Linux and Windows.\n\n- Performance: faster start\n- Features: portable, x86\n\n## Environment variables\n\nThe token is available through the API platform of the cluster. It is open source.\n",
    "agenda.md": "# 会议纪要\n\n## 1. 预算\n\n- 推理费用：41.5万元\n- 训练费用：17.2万元\n\n## 2. 部署\n\n第三季度完成私有化部署，支持50人使用。\n",
}


def build(folder: Path) -> list[Path]:
    """Writes the corpus; returns its files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "book.md": MARKDOWN_BOOK, "galaxy.md": CHINESE_BOOK, "zephyr.md": PROSE, "tariff.md": TARIFF, "quokka.md": RECORD, "orchard.html": PAGE,
        "sheet.csv": SHEET_CSV,
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "notes.txt").write_bytes(TEXT_NOTES.encode("gb18030"))
    records = [
        {
            "model": "Gecko-5",
            "vendor": "Desert Labs",
            "input_price_usd_per_1m": 0.9,
            "output_price_usd_per_1m": 2.7,
            "context_window": 65536,
            "license": "Apache 2.0",
        },
        {
            "model": "Iguana",
            "vendor": "Desert Labs",
            "input_price_usd_per_1m": 3,
            "output_price_usd_per_1m": 9,
            "context_window": 200000,
            "license": "proprietary",
        },
    ]
    (folder / "lizards.json").write_text(json.dumps(records), encoding="utf-8")
    _workbook(folder / "tokyo.xlsx")
    _datasheet(folder / "poseidon.docx")
    _brochure(folder / "andes.pdf")
    return sorted(folder.iterdir())


def _workbook(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    prices = book.active
    assert prices is not None
    prices.title = "API prices"
    for row in (
        ["Model", "Provider", "Input (¥/1k tok)", "Output (¥/1k tok)", "Max context"],
        ["Sakura-12", "Tokyo Neural", 0.3, 0.9, "131072"],
        ["Sakura-12 Nano", "Tokyo Neural", 0.05, 0.15, "32768"],
        ["Momiji 4", "Kyoto AI", 0.8, 2.4, "262144"],
        ["Prices in JPY"],
    ):
        prices.append(row)
    terms = book.create_sheet("Terms")
    for row in (
        ["Model", "License", "Open weights", "Self-hosting", "Distillation"],
        ["Sakura-12", "Commercial", "No", "No", "Prohibited"],
        ["Momiji 4", "MIT", "Yes", "Yes", "Allowed"],
    ):
        terms.append(row)
    book.save(path)


def _datasheet(path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_heading("Poseidon 3 datasheet", 0)
    document.add_paragraph("Poseidon 3 is a proprietary model from Aegean Systems. It cannot be self-hosted.")
    document.add_heading("Pricing", 1)
    rows = [
        ["Token type", "Up to 128k context", "Above 128k context"],
        ["Input (per million tokens)", "€2.50", "€5.00"],
        ["Output (per million tokens)", "€10.00", "€20.00"],
    ]
    table = document.add_table(rows=len(rows), cols=3)
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            table.cell(r, c).text = text
    document.add_heading("Context window", 1)
    document.add_paragraph("The context window is 1 million tokens; the maximum output is 64,000 tokens.")
    document.add_heading("Deployment", 1)
    for item in ("Aegean Cloud", "Azure Marketplace", "Dedicated private deployment for banks"):
        document.add_paragraph(item, style="List Bullet")
    document.add_heading("Use cases", 1)
    for item in ("Contract review", "Claims handling"):
        document.add_paragraph(item, style="List Bullet")
    document.save(str(path))


def _brochure(path: Path) -> None:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    styles = getSampleStyleSheet()
    rows = [
        ["Model", "Input (CHF per 1M tokens)", "Output (CHF per 1M tokens)", "Context window", "Open source"],
        ["Condor 5", "4.00", "12.00", "256K", "no"],
        ["Llama-guanaco 9B", "0.30", "0.90", "64K", "yes"],
    ]
    table = Table(rows)
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.5, "black")]))
    story = [
        Paragraph("Andes model brochure", styles["Title"]),
        Paragraph("Prices of our language models", styles["Heading1"]),
        table,
        Spacer(1, 24),
        Paragraph("Condor 5", styles["Heading1"]),
        Paragraph(
            "Condor 5 is available through Andes Cloud and Bedrock. Self-hosting is not permitted. Distillation is prohibited.",
            styles["Normal"],
        ),
    ]
    SimpleDocTemplate(str(path), pagesize=A4, title="Andes model brochure", invariant=1).build(story)
