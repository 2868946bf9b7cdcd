"""Letters, memos, quotations and pages of companies that do not exist, with everything that a drafter must take from them.

`FACTS` was checked by hand against the documents: a claim that is not there is a false one or a double.
"""

# ruff: noqa: E501  (tables and facts are easier to check on one line each)
from __future__ import annotations

from pathlib import Path

TEXTS = {
    "vendor_brief.md": """\
# Supplier brief: Meridian Computing

Meridian Computing is a company from Toronto, Canada. Its language model **Polaris 3** answers in 35 ms on average and reads prompts of up to 300,000 tokens. Polaris 3 is sold as an API at $1.80 per million input tokens and $7.20 per million output tokens; cached input is billed at 25% of the input price. Weights are not released. Customers may run Polaris 3 inside their own VPC under an enterprise agreement.

Its smaller sibling, Polaris 3 Swift, costs $0.35 per million input tokens and $1.40 per million output tokens and has a context window of 64k tokens. Polaris 3 Swift is released under the Apache 2.0 license, so teams can self-host it.

Training other models on the outputs of Polaris 3 is forbidden by the terms of service.

## Rival: Obsidian Labs (Iceland)

Obsidian Labs, based in Reykjavik, Iceland, makes Basalt-2. Basalt-2 has a 128K context window. Input tokens cost €2.20 per million and output tokens cost €8.80 per million. It is proprietary. It is available on Azure and through Obsidian's own API.

## Plans

| Plan | Monthly fee | Included tokens |
|---|---|---|
| Starter | $20 | 5M |
| Team | $200 | 60M |
""",
    "list.md": """\
# 2026 年度大模型采购清单

以下价格均为人民币，每百万 tokens 计价（含税）。

- 青鸾-72B：厂商 昆仑智算；输入 4 元，输出 12 元；上下文 128K；许可证为 Apache 2.0；支持私有化部署
- 玄铁 Pro：厂商 天工网络；输入 18 元，输出 54 元；上下文 256K；闭源；仅提供 API
- 赤霄 Mini：厂商 天工网络；输入 1.5 元，输出 4.5 元；上下文 32K；许可证为 仅限研究；不支持商用

## 说明

1. 青鸾-72B 的权重可以在魔搭社区下载，允许蒸馏。
2. 玄铁 Pro 的服务条款禁止用输出训练其他模型。
3. 赤霄 Mini 的首字延迟约 120 毫秒。
""",
    "quote.md": """\
# Quotation Q-2291

| Item | Unit | Price (INR) |
|---|---|---|
| Garuda-2 input | 1M tokens | 160 |
| Garuda-2 output | 1M tokens | 640 |
| Garuda-2 Nano input | 1M tokens | 25 |
| Garuda-2 Nano output | 1M tokens | 100 |
| Onboarding | once | 50,000 |

Garuda-2 is made by Ashoka AI (India). Context window: 200K tokens. Licence: commercial, closed source.
""",
    "noise.md": """\
# Sedge K2 单价

| 类型 | 价格 |
|---|---|
| 输入 | 4 元 / 百万 tokens |
| 输出 | 16 元 / 百万 tokens |
""",
    "cmp.md": """\
# Which model should we buy?

| | Tern 5 | Plover XL | Dunlin 8B |
|---|---|---|---|
| Maker | Coastal AI | Coastal AI | Marsh Research |
| Country of origin | Netherlands | Netherlands | Denmark |
| Price in / out (per 1M tokens) | €3 / €12 | €9 / €36 | free |
| Context window | 200k | 1M | 32k |
| Licence | proprietary | proprietary | MIT |
| On-premises | on request | no | yes |
| Fine-tuning | yes | no | yes |
| Latency (p50) | 0.4 s | 1.2 s | 60 ms |
| Batch discount | 50% | 50% | – |

Prices were checked on 3 March 2026. Tern 5's price rises by 25% above 128k tokens.

According to the January newsletter, Tern 5 costs €4 per million input tokens.
""",
    "wiki.md": """\
# 内部 Wiki：大模型选型

## 1. 鲲鹏大模型 4.0

**厂商**：瀚海科技（杭州）
**国家**：中国
**类型**：闭源商业模型
**上下文窗口**：20万 tokens（约30万汉字）
**价格**：输入 0.6 分/千 tokens，输出 2.4 分/千 tokens
**部署**：瀚海云；金融客户可签约私有化部署
**蒸馏**：协议明令禁止

## 2. 云豹-14B

云豹-14B 是瀚海科技开源的小模型，采用 MIT 许可证，允许商用，可下载权重在本地运行，最低需要一张 24GB 显卡。上下文 32K。官方 API 定价为输入 ￥0.5/百万tokens、输出 ￥1/百万tokens。

## 3. 外部模型

据供应商邮件，Sable Ultra 的价格为每百万输入 token 2.5 美元、每百万输出 token 10 美元，上下文长度 400K，总部位于美国西雅图，不开放权重。

## 4. 会议结论

- 2026-02-11 会议：鲲鹏大模型 4.0 输入价降至 0.4 分/千 tokens。
- 优先采购云豹-14B 用于客服。
""",
    "email.txt": """\
From: sales@lumenai.example
Subject: Your pricing question

Hi Tom,

thanks for your interest in Lumen AI. Here are the list prices you asked for:

Firefly 2        $0.25 / $1.00 per 1M tokens (input / output), 128K context
Firefly 2 Pro    $2.00 / $8.00 per 1M tokens (input / output), 512K context
Ember            $12 / $60 per 1M tokens (input / output), 1M context

All models are closed-weights and hosted in the EU (Frankfurt). Firefly 2 can also be deployed on-premises for customers with more than 500 seats. Cached input tokens get a 75% discount.

Best regards,
Ana
""",
    "page.html": """\
<!DOCTYPE html><html lang="en"><head><title>Pricing – Solace AI</title></head><body>
<header><nav><ul><li><a href="/">Home</a></li><li><a href="/docs">Docs</a></li><li><a href="/careers">Careers</a></li></ul></nav></header>
<main><h1>Solace AI API pricing</h1><p>Solace AI is headquartered in Zurich, Switzerland. Prices are in Swiss francs (CHF), per million tokens, excluding VAT.</p>
<div class="card"><h3>Serein 4</h3><p class="tag">Our flagship</p><ul><li>Input: CHF 2.75</li><li>Cached input: CHF 0.55</li><li>Output: CHF 11.00</li><li>Context: 256K</li></ul></div>
<div class="card"><h3>Serein 4 Petit</h3><p class="tag">Small and quick</p><ul><li>Input: CHF 0.20</li><li>Output: CHF 0.80</li><li>Context: 64K</li></ul></div>
<div class="card"><h3>Bise 9B</h3><p class="tag">Open weights (Apache-2.0)</p><ul><li>Input: CHF 0.05</li><li>Output: CHF 0.10</li><li>Context: 32K</li></ul></div>
<h2>FAQ</h2><p>Can I host Serein 4 myself? No. Serein 4 is only available via the Solace API and on Google Cloud Marketplace.</p><p>Can I train on outputs? Bise 9B: yes. Serein 4: no.</p></main>
<footer><p>© 2026 Solace AI. Cookie settings</p></footer></body></html>
""",
    "multi.md": """\
# LLM vendors at a glance (APAC edition)

### Tokyo — Hinode Inc.
Model: **Hinode Large**. ¥400 (JPY) per 1M input tokens; ¥1,600 (JPY) per 1M output tokens. 128K context. Closed.

### Seoul — Hanbit
Model: **Hanbit-32B**. ₩900 per 1M input tokens, ₩2,700 per 1M output tokens. Open weights under the Hanbit Open License; commercial use allowed; 64K context.

### Bengaluru — Veda Labs
Model: **Veda 2**. ₹120 / ₹480 per million tokens (in/out). Context length 100K tokens. Weights on Hugging Face, licence: CC BY-NC 4.0 (no commercial use).
""",
    "plans.md": """\
# 瑶光大模型套餐说明

瑶光 Max 由星槎科技推出，上下文 512K，闭源。

| 套餐名称 | 月费 | 包含 tokens | 超出部分（元/百万tokens） |
|---|---|---|---|
| 基础版（个人开发者与学生） | 99 元 | 500 万 | 12 |
| 专业版（中小企业团队使用） | 999 元 | 6000 万 | 10 |

瑶光 Max 按量价：输入 8 元/百万 tokens，输出 24 元/百万 tokens；命中缓存的输入按 25% 计费；夜间（0–8 点）五折。
""",
    "notes.md": """\
# 模型档案

## 云梦 4（Yunmeng 4）

| 项目 | 内容 |
|---|---|
| 研发方 | 洞庭科技 |
| 所在国家 | 中国 |
| 价格 | 输入 0.8 元/百万 tokens，输出 3.2 元/百万 tokens |
| 上下文 | 256K（可扩展至 1M） |
| 开源协议 | 不开源 |
| 部署方式 | 洞庭云 API、阿里云百炼 |
| 自主部署 | 不支持 |
| 响应延迟 | 首 token 约 280ms |

## 衡山 Coder 32B

- 研发方：南岳实验室
- 协议：Apache 2.0（可商用）
- 价格：免费开放权重；官方托管 API 每百万 tokens 输入 1 元、输出 2 元
- 上下文：64K
- 部署要求：2 张 A100 80GB
- 可蒸馏

## 洞庭 Vision

洞庭 Vision 支持图像与文本输入，上下文窗口 32K，每百万 tokens 输入 6 元，输出 18 元。闭源，仅通过洞庭云 API 提供，禁止将输出用于训练其他模型。

## 冲突与更正

- 价格表（2026-01）写云梦 4 输入价为 0.8 元/百万 tokens，销售邮件（2026-03）写 1.0 元/百万 tokens。
- 官网称云梦 4 上下文为 128K，白皮书称 256K。
""",
    "thousand.md": """\
# Tarif des modèles / Model tariff

| Model | Input (€/1k tokens) | Output (€/1k tokens) | Max context (tokens) | Hosting |
|---|---|---|---|---|
| Mistigri 2 | 0,0008 | 0,0032 | 128 000 | EU cloud only |
| Mistigri 2 Grand | 0,0040 | 0,0160 | 512 000 | EU cloud, on-premise |

Mistigri 2 and Mistigri 2 Grand are made by Chat Noir SAS (France). Licence: proprietary.

Above 128 000 tokens, Mistigri 2 Grand costs 50% more.
""",
    "deploy.md": """\
# Self-hosting guide

## Juniper 70B

Juniper 70B is an open-weight model by Evergreen AI. License: Evergreen Community License (free below 100 million monthly users). Context: 128K.

Hardware: 4 x H100 80GB for BF16, 2 x H100 with INT4.

Running Juniper 70B on your own cluster costs roughly $9,800 a month in cloud GPUs.

Hosted by PineHost at $0.55 per million input tokens and $0.75 per million output tokens.

## Juniper 405B

Context: 128K. License: as Juniper 70B. Hosted by PineHost at $2.70/$2.70 per million tokens (input/output).
""",
    "mix.csv": """\
name,org,in_usd_per_mtok,out_usd_per_mtok,ctx,license,self_host
Puffin-1,Seacliff AI,0.9,3.6,128000,proprietary,no
Puffin-1-mini,Seacliff AI,0.1,0.4,64000,MIT,yes
""",
    "news.md": """\
# Weekly AI news

Granite Peak announced Summit 3 on 4 March 2026. The company says Summit 3 beats GPT-5.1 on coding benchmarks and costs 40% less than Claude 4.5. Prices were not disclosed. Summit 3 supports 1 million tokens of context.

Analysts expect open-source models to take 30% of the market.

Tealeaf raised $200 million. Its model Oolong 2 will be open-sourced under Apache 2.0 in June; the API price is $0.40 per million input tokens, $1.60 per million output tokens.
""",
}

QUOTE_GB18030 = """\
关于大模型接口报价的回复

张工您好：

我司「长庚」系列报价如下（含税，单位：元/千tokens）：
长庚-Pro      输入 0.02   输出 0.06   上下文128K
长庚-Flash    输入 0.001  输出 0.004  上下文32K

以上模型均不开源，不支持自主部署；年采购额 500 万元以上可签约私有化部署。
长庚-Pro 首字延迟 350 毫秒，长庚-Flash 90 毫秒。

启明星辰智能科技有限公司
"""


def build(folder: Path) -> list[Path]:
    """Writes the documents, each in its own format; returns their paths."""
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "quote.txt").write_bytes(QUOTE_GB18030.encode("gb18030"))
    _workbook(folder / "prices.xlsx")
    _memo(folder / "memo.docx")
    _price_list(folder / "list.pdf")
    return sorted(folder.iterdir())


def _workbook(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    prices = book.active
    assert prices is not None
    prices.title = "价格"
    prices.append(["模型报价（2026Q1）"])
    prices.merge_cells("A1:F1")
    prices.append(["模型", "供应商", "币种", "单价（每百万 tokens）", "", "上下文长度"])
    prices.merge_cells("D2:E2")
    prices.append(["", "", "", "输入", "输出", ""])
    for column in "ABCF":
        prices.merge_cells(f"{column}2:{column}3")
    for row in (
        ["星槎-3", "远山智能", "人民币", 3.5, 14, "128K"],
        ["星槎-3 Lite", "远山智能", "人民币", 0.6, 2.4, "64K"],
        ["Corvus 2", "Blackbird Ltd", "美元", 2.2, 9.9, "200K"],
        ["Corvus 2 Mini", "Blackbird Ltd", "美元", 0.15, 0.6, "32K"],
    ):
        prices.append(row)
    terms = book.create_sheet("许可与部署")
    for line in (
        ["模型", "许可证", "是否开源", "私有化部署", "自主部署", "可否蒸馏", "国家"],
        ["星槎-3", "商业许可", "否", "支持（需签约）", "否", "否", "中国"],
        ["星槎-3 Lite", "Apache-2.0", "是", "支持", "是", "是", "中国"],
        ["Corvus 2", "Proprietary", "否", "不支持", "否", "否", "英国"],
        ["Corvus 2 Mini", "Corvus Community License", "是", "支持", "是", "受限", "英国"],
    ):
        terms.append(line)
    book.save(path)


def _memo(path: Path) -> None:
    import docx

    memo = docx.Document()
    memo.add_heading("Model selection memo", 0)
    memo.add_paragraph("Prepared by procurement. All prices in GBP per million tokens.")
    memo.add_heading("Shortlist", 1)
    rows = [
        ["Model", "Vendor", "Price", "", "Context"],
        ["", "", "Input", "Output", ""],
        ["Thistle 3", "Highland AI", "1.10", "4.40", "128,000"],
        ["Thistle 3 Max", "Highland AI", "6.00", "24.00", "1,000,000"],
        ["Bracken 12B", "Moorland", "0.00", "0.00", "32,000"],
    ]
    table = memo.add_table(rows=len(rows), cols=5)
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            table.cell(r, c).text = text
    table.cell(0, 2).merge(table.cell(0, 3))
    for column in (0, 1, 4):
        table.cell(0, column).merge(table.cell(1, column))
    for heading, *paragraphs in (
        (
            "Licensing",
            "Thistle 3 and Thistle 3 Max are proprietary. Bracken 12B is published under the MIT licence and can be run on your own servers.",
        ),
        ("Deployment", "Thistle 3 is offered on AWS and through Highland Cloud. Thistle 3 Max is only available through Highland Cloud."),
        (
            "Discrepancies",
            "The vendor’s February price list gives £1.30 per million input tokens for Thistle 3.",
            "An older slide says the context window of Thistle 3 is 64K tokens.",
        ),
    ):
        memo.add_heading(heading, 1)
        for paragraph in paragraphs:
            memo.add_paragraph(paragraph)
    memo.save(str(path))


def _price_list(path: Path) -> None:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

    styles = getSampleStyleSheet()
    rows = [
        ["Model", "Prompt", "Completion", "Context length", "Weights"],
        ["Manta 4", "0.0012", "0.0048", "131,072", "closed"],
        ["Manta 4 Ray", "0.0100", "0.0400", "1,048,576", "closed"],
        ["Skate 7B", "0.0001", "0.0002", "32,768", "open (Apache 2.0)"],
    ]
    deployment = (
        "Manta 4 and Manta 4 Ray are served from Lagoon Cloud and Azure. A private deployment of Manta 4 is possible for customers"
        " with an annual contract. Manta 4 Ray cannot be deployed privately."
    )
    story = [
        Paragraph("Lagoon AI price list 2026", styles["Title"]),
        Paragraph("Effective 1 February 2026. All prices in USD per 1,000 tokens.", styles["Normal"]),
        Spacer(1, 12),
        Table(rows, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")]),
        Spacer(1, 12),
        Paragraph("Deployment", styles["Heading2"]),
        Paragraph(deployment, styles["Normal"]),
        Paragraph("Skate 7B may be downloaded and self-hosted; 16 GB of GPU memory are enough.", styles["Normal"]),
        Paragraph("Terms", styles["Heading2"]),
        Paragraph("Output of Manta models must not be used to train competing models.", styles["Normal"]),
    ]
    SimpleDocTemplate(str(path), pagesize=A4, title="Price list", invariant=1).build(story)


FACTS: dict[str, dict[str, str]] = {
    "cmp.md": {
        "Tern 5": "vendor=Coastal AI; input_price=3 EUR @context_tokens<=128000; input_price=3.75 EUR @context_tokens>128000; input_price=4 EUR; output_price=12 EUR @context_tokens<=128000; output_price=15 EUR @context_tokens>128000; context_window=200000; openness=closed; license=proprietary; country=NL; latency=0.4 s",
        "Plover XL": "vendor=Coastal AI; input_price=9 EUR; output_price=36 EUR; context_window=1000000; openness=closed; license=proprietary; country=NL; latency=1.2 s",
        "Dunlin 8B": "vendor=Marsh Research; context_window=32000; openness=open; license=MIT; country=DK; latency=60",
    },
    "deploy.md": {
        "Juniper 70B": "vendor=Evergreen AI; input_price=0.55 USD @third_party; output_price=0.75 USD @third_party; context_window=128000; openness=open; license=Evergreen Community License",
        "Juniper 405B": "input_price=2.7 USD @third_party; output_price=2.7 USD @third_party; context_window=128000; license=as Juniper 70B",
    },
    "email.txt": {
        "Firefly 2": "input_price=0.25 USD; input_price=0.0625 USD @cached; output_price=1 USD; context_window=128000; openness=closed; self_host=vendor_only",
        "Firefly 2 Pro": "input_price=2 USD; output_price=8 USD; context_window=512000; openness=closed",
        "Ember": "input_price=12 USD; output_price=60 USD; context_window=1000000; openness=closed",
    },
    "list.md": {
        "青鸾-72B": "vendor=昆仑智算; input_price=4 CNY; output_price=12 CNY; context_window=128000; openness=open; distillation=yes; license=Apache 2.0; self_host=yes",
        "玄铁 Pro": "vendor=天工网络; input_price=18 CNY; output_price=54 CNY; context_window=256000; openness=closed; distillation=no; self_host=no",
        "赤霄 Mini": "vendor=天工网络; input_price=1.5 CNY; output_price=4.5 CNY; context_window=32000; license=不支持商用; license=仅限研究; latency=120",
    },
    "list.pdf": {
        "Manta 4": "input_price=1.2 USD; output_price=4.8 USD; context_window=131072; openness=closed; channels=Lagoon Cloud/Azure",
        "Manta 4 Ray": "input_price=10 USD; output_price=40 USD; context_window=1048576; openness=closed; channels=Lagoon Cloud/Azure",
        "Skate 7B": "input_price=0.1 USD; output_price=0.2 USD; context_window=32768; openness=open; self_host=yes; license=Apache 2.0",
    },
    "memo.docx": {
        "Thistle 3": "vendor=Highland AI; input_price=1.1 GBP; input_price=1.3 GBP; output_price=4.4 GBP; context_window=128000; context_window=64000; openness=closed; channels=AWS/Highland Cloud",
        "Thistle 3 Max": "vendor=Highland AI; input_price=6 GBP; output_price=24 GBP; context_window=1000000; openness=closed; channels=Highland Cloud",
        "Bracken 12B": "vendor=Moorland; input_price=0 GBP; output_price=0 GBP; context_window=32000; openness=open; self_host=yes; license=MIT",
    },
    "mix.csv": {
        "Puffin-1": "vendor=Seacliff AI; input_price=0.9 USD; output_price=3.6 USD; context_window=128000; openness=closed; self_host=no; license=proprietary",
        "Puffin-1-mini": "vendor=Seacliff AI; input_price=0.1 USD; output_price=0.4 USD; context_window=64000; openness=open; self_host=yes; license=MIT",
    },
    "multi.md": {
        "Hinode Large": "input_price=400 JPY; output_price=1600 JPY; context_window=128000; openness=closed",
        "Hanbit-32B": "input_price=900 KRW; output_price=2700 KRW; context_window=64000; openness=open; license=Hanbit Open License; license=commercial use allowed",
        "Veda 2": "input_price=120 INR; output_price=480 INR; context_window=100000; license=CC BY-NC 4.0",
    },
    "news.md": {
        "Summit 3": "context_window=1000000",
    },
    "noise.md": {
        "Sedge K2": "input_price=4 CNY; output_price=16 CNY",
    },
    "notes.md": {
        "云梦 4": "vendor=洞庭科技; input_price=0.8 CNY; input_price=1 CNY; output_price=3.2 CNY; context_window=256000; context_window=128000; openness=closed; self_host=no; country=CN; latency=280; channels=洞庭云 API/阿里云百炼",
        "衡山 Coder 32B": "vendor=南岳实验室; input_price=1 CNY; output_price=2 CNY; context_window=64000; openness=open; distillation=yes; license=Apache 2.0（可商用）",
        "洞庭 Vision": "input_price=6 CNY; output_price=18 CNY; context_window=32000; openness=closed; distillation=no; channels=洞庭云 API",
    },
    "page.html": {
        "Serein 4": "vendor=Solace AI; input_price=2.75 CHF; input_price=0.55 CHF @cached; output_price=11 CHF; context_window=256000; self_host=no; country=CH; channels=Solace API/Google Cloud Marketplace",
        "Serein 4 Petit": "vendor=Solace AI; input_price=0.2 CHF; output_price=0.8 CHF; context_window=64000; country=CH",
        "Bise 9B": "vendor=Solace AI; input_price=0.05 CHF; output_price=0.1 CHF; context_window=32000; openness=open; license=Apache-2.0; country=CH",
    },
    "plans.md": {
        "瑶光 Max": "vendor=星槎科技; input_price=8 CNY; input_price=2 CNY @cached; output_price=24 CNY; context_window=512000; openness=closed",
    },
    "prices.xlsx": {
        "星槎-3": "vendor=远山智能; input_price=3.5 CNY; output_price=14 CNY; context_window=128000; openness=closed; self_host=no; distillation=no; license=商业许可; country=CN",
        "星槎-3 Lite": "vendor=远山智能; input_price=0.6 CNY; output_price=2.4 CNY; context_window=64000; openness=open; self_host=yes; distillation=yes; license=Apache-2.0; country=CN",
        "Corvus 2": "vendor=Blackbird Ltd; input_price=2.2 USD; output_price=9.9 USD; context_window=200000; openness=closed; self_host=no; distillation=no; license=Proprietary; country=GB",
        "Corvus 2 Mini": "vendor=Blackbird Ltd; input_price=0.15 USD; output_price=0.6 USD; context_window=32000; openness=open; self_host=yes; distillation=restricted; license=Corvus Community License; country=GB",
    },
    "quote.md": {
        "Garuda-2": "vendor=Ashoka AI; input_price=160 INR; output_price=640 INR; context_window=200000; openness=closed; license=commercial; country=IN",
        "Garuda-2 Nano": "input_price=25 INR; output_price=100 INR",
    },
    "quote.txt": {
        "长庚-Pro": "input_price=20 CNY; output_price=60 CNY; context_window=128000; openness=closed; self_host=no",
        "长庚-Flash": "input_price=1 CNY; output_price=4 CNY; context_window=32000; openness=closed; self_host=no",
    },
    "thousand.md": {
        "Mistigri 2": "vendor=Chat Noir SAS; input_price=0.8 EUR; output_price=3.2 EUR; context_window=128000; country=FR; channels=EU cloud",
        "Mistigri 2 Grand": "vendor=Chat Noir SAS; input_price=4 EUR @context_tokens<=128000; input_price=6 EUR @context_tokens>128000; output_price=16 EUR @context_tokens<=128000; output_price=24 EUR @context_tokens>128000; context_window=512000; country=FR; channels=EU cloud",
    },
    "vendor_brief.md": {
        "Polaris 3": "vendor=Meridian Computing; input_price=1.8 USD; input_price=0.45 USD @cached; output_price=7.2 USD; context_window=300000; openness=closed; distillation=no; country=CA; latency=35; self_host=vendor_only",
        "Polaris 3 Swift": "vendor=Meridian Computing; input_price=0.35 USD; output_price=1.4 USD; context_window=64000; openness=open; self_host=yes; license=Apache 2.0; country=CA",
        "Basalt-2": "vendor=Obsidian Labs; input_price=2.2 EUR; output_price=8.8 EUR; context_window=128000; openness=closed; country=IS; channels=Azure/Obsidian's own API",
    },
    "wiki.md": {
        "鲲鹏大模型 4.0": "vendor=瀚海科技; input_price=6 CNY; input_price=4 CNY; output_price=24 CNY; context_window=200000; openness=closed; distillation=no; country=CN; channels=瀚海云",
        "云豹-14B": "vendor=瀚海科技; input_price=0.5 CNY; output_price=1 CNY; context_window=32000; openness=open; self_host=yes; license=MIT; license=允许商用",
        "Sable Ultra": "input_price=2.5 USD; output_price=10 USD; context_window=400000; openness=closed",
    },
}
