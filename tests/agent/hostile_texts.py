"""Strings that try a question reader's nerves: random, recombined from its own vocabulary, and built to be slow."""

from __future__ import annotations

import random
from collections.abc import Iterator

from hypothesis import strategies as st

PIECES = (
    "GPT-5.1", "claude", "kimi k2", "豆包", "通义千问", "qwen-max", "deepseek r3", "llama 4 70b", "gemini", "文心", "mistral 8x7b", "GPT-99", "星河-9",
    "每天", "每月", "一年", "每次", "per day", "a month", "2万次", "800字", "1亿", "3000万", "30M", "1.5k", "5,000", "0", "-3", "1e9", "１２８Ｋ", "一百二", "半",
    "输入", "输出", "input", "output", "in", "out", "token", "tokens", "¥", "$", "元", "美元", "刀", "€", "日元", "万元", "预算", "budget", "汇率7.2", "at 7.1",
    "3:1", "八成", "30%", "换成", "呢", "和", "vs", "比", "哪个便宜", "cheapest", "多少钱", "how much", "上下文", "context", "显存", "int4", "fp8", "A100",
    "4090", "几张卡", "回本", "break even", "省多少", "推荐", "国产", "开源", "私有化", "不要", "except", "大于", "at least", "以内", "谁", "哪些", "所有",
    "第4名", "对吗", "矛盾", "conflicts", "§4.4", "来源一", "那", "它", "再", "翻倍", "一半", "?", "？", "，", "。", ",", ".", "\n", " ", "!", "[1]", "**", "|",
    "<b>", "</script>", "' OR 1=1 --", "../../etc/passwd", "{{7*7}}", "%s%n", "${HOME}", "\\", "\x00", "\u202e", "\u200b", "😀", "🈶", "é", "ß", "٣", "Ⅷ",
)  # fmt: skip


def slow_builds() -> list[str]:
    """Long runs that make backtracking patterns and nested loops expensive."""
    runs = [
        "1",
        "9,",
        "0.",
        "一",
        "万",
        "零",
        "亿",
        "a",
        "A1",
        "gpt",
        "gpt-",
        "-",
        ":",
        "1:",
        "每",
        "每月",
        "per ",
        "¥",
        "$",
        "元",
        "%",
        "(",
        "[",
        "![",
        "<",
        "</",
        "|",
        " ",
        "\n",
        "的",
        "5k-",
        "3到",
        "1e",
        "~",
        "≤",
        "成",
        "折",
        "7B",
        "8x",
        "豆",
        "通义",
        "claud ",
        "x1.",
        "，1",
        "a b ",
    ]
    return [run * (3900 // len(run)) for run in runs] + [
        "GPT-5.1 和 Kimi K2 " * 200,
        "1亿输入2亿输出，" * 300,
        "$5/1M tokens " * 250,
    ]


def random_texts(count: int, seed: int = 5) -> Iterator[str]:
    """`count` questions: recombined pieces, half of them with damage."""
    draw = random.Random(seed)
    for _ in range(count):
        text = draw.choice(["", " "]).join(draw.choices(PIECES, k=draw.randint(1, 14)))
        if draw.random() < 0.4:
            for _ in range(draw.randint(1, 6)):
                at = draw.randrange(len(text) + 1)
                text = (
                    text[:at]
                    + chr(draw.choice([draw.randrange(1, 0x3000), draw.randrange(0x4E00, 0x9FFF), draw.randrange(0xFF00, 0xFFEF)]))
                    + text[at:]
                )
        if draw.random() < 0.2 and len(text) > 3:
            cut = draw.randrange(len(text))
            text = text[cut:] + text[:cut]
        yield text


questions = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=16).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=16).map(" ".join),
)
