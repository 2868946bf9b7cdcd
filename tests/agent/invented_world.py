"""A user's own corpus about an invented market: five vendors, nine models, five file formats, prices in EUR, JPY, CNY and USD.

Nothing in it exists. Facts stand in one place unless they are meant to disagree: the context of 霜木三号 and the licence of
Kestrel 40B are told in two ways, and one monthly bill is stated that its own inputs contradict.
"""

# ruff: noqa: E501  (tables are easier to check on one line each)
from __future__ import annotations

from pathlib import Path

AURINKO = """# Aurinko Labs: Halo model line

Aurinko Labs (Helsinki, Finland) sells two closed models through its own API. All prices are net, in euros.

## Prices

| Model | Input (EUR per 1k tokens) | Output (EUR per 1k tokens) |
| --- | --- | --- |
| Halo-2 Pro | €0.0040 | €0.0160 |
| Halo-2 Mini | €0.0003 | €0.0009 |

Halo-2 Pro: cached input is billed at 25% of the input price.

## Halo-2 Pro

- Context window: 200K tokens
- Openness: closed source
- Self-hosting: not supported
- Distillation: forbidden by the terms of service
- Strengths: legal drafting, contract review
- Modalities: text, image
- Channels: Aurinko API, Fjord Cloud

## Halo-2 Mini

- Context window: 64K tokens
- Openness: closed source
- Self-hosting: not supported
- Strengths: short replies, classification
- Median latency: 120 ms

## Example bill

A support desk with 40M input tokens and 10M output tokens a month on Halo-2 Pro pays about €520 a month.
"""

SHIMOKI = """<!DOCTYPE html>
<html lang="zh"><head><meta charset="utf-8"><title>霜木科技模型介绍</title></head>
<body><nav><ul><li><a href="/">首页</a></li><li><a href="/buy">购买</a></li></ul></nav>
<article><h1>霜木科技模型介绍</h1>
<p>霜木科技是一家日本公司，提供霜木三号和霜木三号轻量版两个闭源模型，以日元计价。</p>
<h2>价格</h2>
<table><caption>单位：日元/百万tokens</caption>
<thead><tr><th>模型</th><th>输入价</th><th>输出价</th></tr></thead>
<tbody><tr><td>霜木三号</td><td>450</td><td>1800</td></tr><tr><td>霜木三号轻量版</td><td>60</td><td>180</td></tr></tbody></table>
<h2>霜木三号</h2>
<ul><li>上下文窗口：128K tokens</li><li>开源/闭源：闭源</li><li>自主部署：不支持</li><li>私有化部署：可签合同部署在客户机房</li><li>擅长：日语客服、漫画翻译</li></ul>
<h2>霜木三号轻量版</h2>
<ul><li>上下文窗口：32K tokens</li><li>开源/闭源：闭源</li><li>自主部署：不支持</li><li>擅长：短信分类</li></ul>
<h2>联系方式</h2><p>销售热线在工作日九点到十八点开放，技术支持由合作伙伴赤羽商会承担。</p>
</article><footer><p>© 霜木科技</p></footer></body></html>
"""

NOTES = """# 采购笔记

## 各家印象

- 霜木三号：上下文窗口 96K tokens（销售在电话里说的）
- Kestrel 40B：许可证为 仅限研究
- 北辰-X1：推荐用于长合同审阅
- Vela Ultra：推荐用于科研写作
- Kestrel 9B：推荐用于边缘设备

## 会议结论

试用期定为六周，由采购组的沈南乔负责；试用期间每周五汇报。
"""


def build(folder: Path) -> None:
    """Writes the corpus into a new folder."""
    folder.mkdir(parents=True)
    (folder / "aurinko.md").write_text(AURINKO, encoding="utf-8")
    (folder / "shimoki.html").write_text(SHIMOKI, encoding="utf-8")
    (folder / "采购笔记.md").write_text(NOTES, encoding="utf-8")
    _docx(folder)
    _xlsx(folder)
    _pdf(folder)


def _docx(folder: Path) -> None:
    import docx

    document = docx.Document()
    document.add_heading("北辰智算 北辰-X1 说明书", 0)
    document.add_paragraph("北辰智算是中国公司，总部在合肥。北辰-X1 按上下文长度分档计价，单位为元/百万tokens。")
    document.add_heading("价格", 1)
    _table(
        document,
        [
            ["模型", "上下文", "输入价（元/百万tokens）", "输出价（元/百万tokens）"],
            ["北辰-X1", "≤64K", "¥4.00", "¥12.00"],
            ["北辰-X1", ">64K", "¥8.00", "¥24.00"],
            ["北辰-Nano", "", "¥0.50", "¥1.50"],
        ],
    )
    document.add_heading("北辰-X1", 1)
    for text in (
        "上下文窗口：512K tokens",
        "开源/闭源：闭源",
        "自主部署：不支持",
        "蒸馏：禁止",
        "模态：文本、图像、音频",
        "优势：长合同审阅、表格抽取",
    ):
        document.add_paragraph(text, style="List Bullet")
    document.add_heading("北辰-Nano", 1)
    for text in ("上下文窗口：16K tokens", "开源/闭源：开源", "自主部署：支持", "许可证：MIT", "优势：离线问答"):
        document.add_paragraph(text, style="List Bullet")
    document.save(str(folder / "beichen.docx"))


def _table(document: object, rows: list[list[str]]) -> None:
    table = document.add_table(rows=len(rows), cols=len(rows[0]))  # type: ignore[attr-defined]
    for i, cells in enumerate(rows):
        for j, text in enumerate(cells):
            table.cell(i, j).text = text


def _xlsx(folder: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Vela"
    for row in (
        ["Model", "Vendor", "Country", "Input price (USD per 1M tokens)", "Output price (USD per 1M tokens)", "Context window", "License"],
        ["Vela Ultra", "Vela Systems", "Canada", 6.5, 26, "1M tokens", "proprietary"],
        ["Vela Swift", "Vela Systems", "Canada", 0.8, 3.2, "256K tokens", "proprietary"],
    ):
        sheet.append(row)
    book.save(str(folder / "vela.xlsx"))


def _pdf(folder: Path) -> None:
    from reportlab.lib import colors
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    styles = getSampleStyleSheet()
    rows = [
        ["Model", "Parameters", "License", "Self-hosting", "Context window"],
        ["Kestrel 9B", "9B", "Apache-2.0", "supported", "48K tokens"],
        ["Kestrel 40B", "40B", "Kestrel Community Licence", "supported", "128K tokens"],
    ]
    story = [
        Paragraph("Kestrel open models", styles["Title"]),
        Paragraph(
            "Kestrel AI is a Brazilian company that publishes its weights. Both models may be run on your own servers.", styles["BodyText"]
        ),
        Paragraph("Models", styles["Heading2"]),
        Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])),
        Spacer(1, 12),
        Paragraph("Hosted prices", styles["Heading2"]),
        Paragraph("Hosted by Tern Cloud, Kestrel 40B costs $0.90 per 1M input tokens and $1.10 per 1M output tokens.", styles["BodyText"]),
        Paragraph("Kestrel 9B answers in 35 ms on one 24 GB card.", styles["BodyText"]),
    ]
    SimpleDocTemplate(str(folder / "kestrel.pdf"), title="Kestrel open models", invariant=1).build(story)
