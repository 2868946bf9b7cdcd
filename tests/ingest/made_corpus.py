"""A folder of files in every format, made with the formats' own libraries, each with facts planted at known places.

`build(folder)` writes the files and returns the facts; tests of parsing, chunking and search use the same list.
"""

# ruff: noqa: E501  (the tables below are easier to check against the tests on one line each)
from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Planted:
    """A fact: where it was put, a question for it, words that must stand together in one chunk."""

    source: str
    question: str
    words: tuple[str, ...]
    lines: tuple[int, int] | None = None
    page: int | None = None
    sheet: str | None = None


def build(folder: Path) -> list[Planted]:
    """Writes the corpus; returns every planted fact."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = (_markdown, _gb18030, _utf16, _web_page, _scraped, _pdf, _docx, _pptx, _xlsx, _csv, _jsonl, _epub)
    return [fact for maker in makers for fact in maker(folder)]


def _markdown(folder: Path) -> list[Planted]:
    text = """---
title: 云杉模型手册
date: 2026-03-09
author: 平台组
---

# 云杉模型手册

[TOC]

## 1. 价格

下表为**云杉-7**的公开价格（单位：元/百万tokens）：

| 类型 | 标准价 | 批量价 |
| :--- | ---: | ---: |
| 输入 | ¥4.20 | ¥2.10 |
| 输出 | ¥12.60 | ¥6.30 |

> 注：上下文超过64K时输入价格加倍。

##2. 部署

- 单机：
  - 最低需要 2 张 48GB 显卡
  - 延迟约 180ms
- 集群：支持 *滚动升级*，参见[运维手册](####运维 手册)
"""
    (folder / "yunshan.md").write_text(text, encoding="utf-8")
    return [
        Planted("yunshan.md", "云杉-7 输出的批量价是多少", ("输出", "¥6.30", "批量价", "64K"), lines=(18, 18)),
        Planted("yunshan.md", "云杉手册的发布日期", ("2026-03-09",), lines=(1, 5)),
        Planted("yunshan.md", "云杉单机最低需要几张显卡", ("最低需要 2 张 48GB 显卡",), lines=(24, 27)),
    ]


def _gb18030(folder: Path) -> list[Planted]:
    text = "赤松模型采购纪要\n\n一、背景\n\n会议于三楼举行。\n\n二、结论\n\n赤松模型的年度授权费为38万元，含两次升级。\n另行约定的镕氪服务不在其内。\n"
    (folder / "会议纪要.txt").write_bytes(text.encode("gb18030"))
    return [Planted("会议纪要.txt", "赤松模型的年度授权费", ("年度授权费为38万元",), lines=(9, 10))]


def _utf16(folder: Path) -> list[Planted]:
    text = "Release notes\r\n\r\nThe Larch model answers within 350 ms at the 95th percentile.\r\n"
    (folder / "notes.txt").write_bytes(text.encode("utf-16"))
    return [Planted("notes.txt", "How fast does the Larch model answer?", ("350 ms", "95th percentile"), lines=(1, 3))]


WEB_PAGE = """<!DOCTYPE html>
<html lang="zh"><head><meta charset="utf-8"><title>银杏模型价格调整公告 - 山谷云</title>
<link rel="canonical" href="https://www.valley.example/news/77">
<meta property="article:published_time" content="2026-02-11T08:00:00+08:00">
<script>var menu = "不要索引脚本";</script><style>.x{color:red}</style></head>
<body class="has-sidebar">
<nav><ul><li><a href="/">首页</a></li><li><a href="/product">产品中心</a></li><li><a href="/price">价格总览</a></li></ul></nav>
<div class="breadcrumb"><a href="/">首页</a> &gt; <a href="/news">新闻</a></div>
<div id="content"><article>
<h1>银杏模型价格调整公告</h1>
<p class="meta">发布于 2026年02月11日 <a href="/author/9">编辑部</a></p>
<div class="toc"><ul><li><a href="#p">一、价格</a></li><li><a href="#s">二、说明</a></li></ul></div>
<h2 id="p">一、价格</h2>
<p>自二月起，银杏系列的调用价格按下表执行，老用户的合同价不变，直到合同期满为止。</p>
<table>
<caption>单位：元/百万tokens</caption>
<thead>
<tr><th rowspan="2">模型</th><th colspan="2">价格</th></tr>
<tr><th>输入</th><th>输出</th></tr>
</thead>
<tbody>
<tr><td rowspan="2">银杏-Max</td><td>8.80</td><td>26.40</td></tr>
<tr><td>夜间 4.40</td><td>夜间 13.20</td></tr>
<tr><td>银杏-Lite</td><td>0.90</td><td>2.70</td></tr>
</tbody></table>
<h2 id="s">二、说明</h2>
<ol start="3"><li>夜间指每日0点至6点，<br>以请求到达的时间为准。</li><li>图片按张计费：<ul><li>每张0.02元</li></ul></li></ol>
<p>如需测试额度，请在控制台提交申请，审核需要三个工作日，节假日顺延，请提前安排。</p>
</article>
<div class="share"><a href="#">分享到微博</a> <a href="#">点赞(7)</a></div>
<div class="related"><h3>相关文章</h3><ul><li><a href="/news/70">水杉模型上线公告</a></li><li><a href="/news/71">年度技术大会回顾</a></li></ul></div>
</div>
<aside class="sidebar"><h3>热门文章</h3><p><a href="/news/1">如何选择云服务器</a></p></aside>
<footer><p>© 2026 山谷云 版权所有 <a href="/about">关于我们</a></p></footer>
</body></html>
"""


def _web_page(folder: Path) -> list[Planted]:
    (folder / "ginkgo.html").write_text(WEB_PAGE, encoding="utf-8")
    return [
        Planted("ginkgo.html", "银杏-Max 夜间的输出价格", ("银杏-Max", "价格 / 输出: 夜间 13.20", "元/百万tokens"), lines=(23, 23)),
        Planted("ginkgo.html", "银杏模型公告什么时候发布", ("2026年02月11日",), lines=(1, 11)),
        Planted("ginkgo.html", "图片怎么计费", ("每张0.02元",), lines=(27, 28)),
    ]


SCRAPED = """---
title: 白桦模型选型指南
url: https://blog.birch.example/post/42/
source: 桦林笔记
date: 2026-01-20
---

# 白桦模型选型指南

[![桦林笔记](https://blog.birch.example/logo.png)](https://blog.birch.example)

* [首页](https://blog.birch.example/ "首页")
* [教程](https://blog.birch.example/howto/ "教程")
* 更多
  + [关于](https://blog.birch.example/about/ "关于")
  + [友链](https://blog.birch.example/links/ "友链")

# 白桦模型选型指南

* 发表于 2026年01月19日
* [模型](https://blog.birch.example/model/)

目录

展开

* [1. 规格](#1_%E8%A7%84%E6%A0%BC)
* [2. 建议](#2_%E5%BB%BA%E8%AE%AE)

## **1. 规格**

| 型号 | 参数量 | 许可证 |
| --- | --- | --- |
| **白桦-S** | 3B | MIT |
| **白桦-L** | 34B | 需申请 |

## **2. 建议**

* **个人**：先用 [白桦-S](https://blog.birch.example/model/s/)，一台笔记本即可
* **企业**：白桦-L 配合检索，[评测](https://bench.example/birch)得分71.5

点赞(3)

收藏

标签：[模型](https://blog.birch.example/tag/m/) , [选型](https://blog.birch.example/tag/x/)  原文链接：**[白桦模型选型指南](https://blog.birch.example/post/42/)**  允许转载，但须保留署名与链接。

* [相关推荐](#tab-1)
* [最热](#tab-2)

[![如何给博客换主题](https://blog.birch.example/loader.svg)

如何给博客换主题](https://blog.birch.example/post/7/ "如何给博客换主题")

[![夏天的湖边](https://blog.birch.example/loader.svg)

夏天的湖边](https://blog.birch.example/post/8/ "夏天的湖边")

[![没有写完的一篇](https://blog.birch.example/loader.svg)

没有写完的一篇](https://blog.bir"""


def _scraped(folder: Path) -> list[Planted]:
    (folder / "birch.txt").write_text(SCRAPED, encoding="utf-8")
    return [
        Planted("birch.txt", "白桦-L 的许可证", ("型号: 白桦-L", "许可证: 需申请"), lines=(35, 35)),
        Planted("birch.txt", "白桦文章发表日期", ("发表于 2026年01月19日",), lines=(20, 20)),
        Planted("birch.txt", "白桦-L 的评测得分", ("得分71.5",), lines=(39, 46)),
        Planted("birch.txt", "白桦指南可以转载吗", ("允许转载，但须保留署名与链接。",)),
    ]


def _pdf(folder: Path) -> list[Planted]:
    from reportlab.lib import colors
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    head = ParagraphStyle("head", fontName="STSong-Light", fontSize=17, leading=24)
    body = ParagraphStyle("body", fontName="STSong-Light", fontSize=10.5, leading=16, wordWrap="CJK")
    font = ("FONTNAME", (0, 0), (-1, -1), "STSong-Light")

    def running(canvas: object, document: object) -> None:
        canvas.setFont("STSong-Light", 8)  # type: ignore[attr-defined]
        canvas.drawString(60, 818, "红豆杉集团 内部资料")  # type: ignore[attr-defined]
        canvas.drawString(280, 30, f"第 {document.page} 页")  # type: ignore[attr-defined]

    prices = [["模型", "价格", ""], ["", "输入", "输出"], ["红杉-1", "¥3.30", "¥9.90"], ["红杉-2", "¥6.60", "¥19.80"]]
    ruled = TableStyle([font, ("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("SPAN", (1, 0), (2, 0)), ("SPAN", (0, 0), (0, 1))])
    plain = [["机型", "显存", "日租"], ["A100", "80GB", "¥196"], ["H20", "96GB", "¥231"], ["L40S", "48GB", "¥88"]]
    story = [
        Paragraph("一、调用价格", head),
        Paragraph("本手册列出红杉系列在公有云上的价格。价格含税，按实际用量每小时结算，不满一小时的按一小时计。" * 2, body),
        Paragraph("表1 单位：元/百万tokens", body),
        Table(prices, style=ruled),
        Paragraph("注：缓存命中的输入按三折计。", body),
        PageBreak(),
        Paragraph("二、租用价格", head),
        Paragraph("机器按日租用，以下为含税价，租期不少于七日；超过三十日的，从第三十一日起另行商议。" * 2, body),
        Spacer(1, 10),
        Table(
            plain,
            style=TableStyle([font, ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black), ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black)]),
        ),
        PageBreak(),
        Paragraph("三、联系方式", head),
        Paragraph("商务联系人为采购部的林晓岚，分机号是6621。", body),
    ]
    document = SimpleDocTemplate(str(folder / "redwood.pdf"), title="红杉价格手册", invariant=1)
    document.build(story, onFirstPage=running, onLaterPages=running)
    return [
        Planted("redwood.pdf", "红杉-2 的输出价格", ("模型: 红杉-2", "价格 / 输出: ¥19.80", "元/百万tokens", "三折"), page=1),
        Planted("redwood.pdf", "H20 的日租价格", ("机型: H20", "日租: ¥231"), page=2),
        Planted("redwood.pdf", "采购部林晓岚的分机号", ("林晓岚", "6621"), page=3),
    ]


def _docx(folder: Path) -> list[Planted]:
    import docx
    from docx.oxml import OxmlElement

    document = docx.Document()
    document.core_properties.author = "王小梅"
    document.add_heading("冷杉部署方案", 0)
    document.add_heading("硬件清单", 1)
    document.add_paragraph("下表为最低配置：")
    table = document.add_table(rows=5, cols=3)
    for row, cells in enumerate(
        [["环境", "配置", ""], ["", "显卡", "内存"], ["测试", "1×24GB", "64GB"], ["生产", "4×80GB", "512GB"], ["", "备用 2×80GB", "256GB"]]
    ):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(3, 0).merge(table.cell(4, 0))
    document.add_heading("验收", 1)
    for text in ("首字延迟不超过800毫秒", "连续运行72小时无中断"):
        document.add_paragraph(text, style="List Bullet")
    paragraph = document.add_paragraph("违约金为合同额的")
    inserted = OxmlElement("w:ins")
    run = paragraph.add_run("5%")
    run._r.addprevious(inserted)
    inserted.append(run._r)
    paragraph.add_run("。")
    document.save(str(folder / "fir.docx"))
    return [
        Planted("fir.docx", "冷杉生产环境备用显卡", ("环境: 生产", "配置 / 显卡: 备用 2×80GB", "配置 / 内存: 256GB")),
        Planted("fir.docx", "冷杉验收的首字延迟", ("首字延迟不超过800毫秒",)),
        Planted("fir.docx", "冷杉方案的违约金", ("违约金为合同额的5%。",)),
    ]


def _pptx(folder: Path) -> list[Planted]:
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "雪松平台季度汇报"
    first.placeholders[1].text = "本季度接入12个业务\n故障两次"
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "成本"
    frame = second.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(1))
    for row, cells in enumerate([["项目", "费用（万元）", ""], ["推理", "41.5", "同比降8%"], ["训练", "17.2", "同比升3%"]]):
        for column, text in enumerate(cells):
            frame.table.cell(row, column).text = text
    frame.table.cell(0, 1).merge(frame.table.cell(0, 2))
    second.notes_slide.notes_text_frame.text = "训练费用不含人力成本。"
    third = deck.slides.add_slide(deck.slide_layouts[5])
    third.shapes.title.text = "用量"
    data = CategoryChartData()
    data.categories = ["七月", "八月"]
    data.add_series("日均调用（万次）", (130, 165))
    third.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(2), Inches(5), Inches(3), data)
    deck.save(str(folder / "cedar.pptx"))
    return [
        Planted("cedar.pptx", "雪松的推理费用是多少万元", ("项目: 推理", "费用（万元）: 41.5"), page=2),
        Planted("cedar.pptx", "训练费用包含人力成本吗", ("训练费用不含人力成本",), page=2),
        Planted("cedar.pptx", "八月日均调用多少万次", ("八月", "日均调用（万次）: 165"), page=3),
        Planted("cedar.pptx", "本季度接入多少业务", ("本季度接入12个业务",), page=1),
    ]


def _xlsx(folder: Path) -> list[Planted]:
    import datetime as dt

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "报价"
    sheet["A1"] = "铁杉模型报价"
    sheet["A2"] = "单位：元/千tokens"
    rows = [
        ["模型", "价格", None, "生效日"],
        [None, "输入", "输出", None],
        ["铁杉-A", 0.0042, 0.0126, dt.date(2026, 4, 1)],
        ["铁杉-B", 0.0081, 0.0243, dt.date(2026, 5, 1)],
    ]
    for row, cells in enumerate(rows, start=3):
        for column, value in enumerate(cells, start=1):
            sheet.cell(row, column, value)
    sheet.merge_cells("B3:C3")
    sheet.merge_cells("A3:A4")
    sheet.merge_cells("D3:D4")
    for row in (5, 6):
        sheet.cell(row, 2).number_format = sheet.cell(row, 3).number_format = '"¥"0.0000'
        sheet.cell(row, 4).number_format = 'yyyy"年"m"月"d"日"'
    sheet["A7"] = "注：价格不含税。"
    sheet["A9"], sheet["B9"] = "等级", "折扣"
    sheet["A10"], sheet["B10"] = "金牌", 0.15
    sheet["A11"], sheet["B11"] = "银牌", 0.08
    sheet["B10"].number_format = sheet["B11"].number_format = "0%"
    second = book.create_sheet("库存")
    second.append(["机型", "数量", "单价", "合计"])
    second.append(["H200", 6, 260000, "=B2*C2"])
    second["C2"].number_format = "#,##0"
    hidden = book.create_sheet("底价")
    hidden.append(["模型", "底价"])
    hidden.append(["铁杉-A", 0.003])
    hidden.sheet_state = "hidden"
    book.save(str(folder / "hemlock.xlsx"))
    return [
        Planted(
            "hemlock.xlsx",
            "铁杉-B 的输出价格",
            ("模型: 铁杉-B", "价格 / 输出: ¥0.0243", "2026年5月1日", "元/千tokens", "不含税"),
            lines=(6, 6),
            sheet="报价",
        ),
        Planted("hemlock.xlsx", "金牌客户的折扣", ("等级: 金牌", "折扣: 15%"), lines=(10, 10), sheet="报价"),
        Planted("hemlock.xlsx", "H200 的单价", ("机型: H200", "单价: 260,000"), lines=(2, 2), sheet="库存"),
    ]


def _csv(folder: Path) -> list[Planted]:
    (folder / "gpus.csv").write_bytes('卡型;显存;功耗\nK80;24GB;300W\nT4;16GB;70W\n"V100, 旧";32GB;250W\n'.encode("utf-8-sig"))
    return [Planted("gpus.csv", "T4 的功耗", ("卡型: T4", "功耗: 70W"), lines=(3, 3))]


def _jsonl(folder: Path) -> list[Planted]:
    records = [
        {"title": "落羽杉常见问题", "url": "https://x.example/1", "text": "落羽杉模型每分钟限流600次请求。超过后返回429。"},
        {"title": "水松常见问题", "url": "https://x.example/2", "text": "水松模型的免费额度为每日20万tokens。" * 3},
    ]
    (folder / "faq.jsonl").write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return [
        Planted("faq.jsonl", "落羽杉每分钟限流多少次", ("每分钟限流600次",), lines=(1, 1)),
        Planted("faq.jsonl", "水松的免费额度", ("每日20万tokens",), lines=(2, 2)),
    ]


def _epub(folder: Path) -> list[Planted]:
    container = '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/p.opf"/></rootfiles></container>'
    package = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>侧柏训练笔记</dc:title><dc:creator>周行</dc:creator></metadata><manifest><item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/>
<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="nav"/><itemref idref="c1"/></spine></package>"""
    chapter = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>
<h1>第一章 数据</h1>
<p>侧柏模型用了9.4万亿词元训练，其中代码占两成。</p>
</body></html>"""
    with zipfile.ZipFile(folder / "cypress.epub", "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OEBPS/p.opf", package)
        archive.writestr("OEBPS/nav.xhtml", "<html><body><nav><a href='c1.xhtml'>目录项</a></nav></body></html>")
        archive.writestr("OEBPS/c1.xhtml", chapter)
    return [Planted("cypress.epub", "侧柏模型用了多少词元训练", ("9.4万亿词元",), lines=(4, 4))]
