"""A test double of the agent: replays events and keeps what it was asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from agent.events import (
    AnswerDone,
    AnswerEvent,
    Chart,
    ChartSeries,
    Conflict,
    ConflictClaim,
    TextDelta,
    ToolFinished,
    ToolStarted,
    Understood,
)
from kb.types import Citation, Place

PASSAGE = "## API 价格\n\nDeepSeek 输入每百万 tokens 2 元，输出 8 元。\n<script>alert('x')</script> 另见 [链接](http://example.invalid/)。"
QUOTE = "输入每百万 tokens 2 元，输出 8 元"
ANSWER = """**DeepSeek** 每月约 **¥500** [1]，GPT-5.1 约 **$562.50** [2]。

| 模型 | 输入 | 输出 | 每月 |
|---|---|---|---|
| DeepSeek | 2 元 | 8 元 | ¥500 |
| GPT-5.1 | $1.25 | $10 | $562.50 |

- 输入输出各一半 `<b>`
- ![图](http://example.invalid/pixel.png) [点我](http://example.invalid/) http://example.invalid/page <img src=x onerror=alert(1)>
"""


def scripted_done(**changes: object) -> AnswerDone:
    """A full answer: two citations, a conflict, a calculation, charts, follow-ups."""
    citations = (
        Citation("api-prices.md", "API 价格 > 国产模型", Place((10, 12)), QUOTE, "c1"),
        Citation("report.pdf", "定价", Place((1, 1), page=3), "输入 $1.25，输出 $10", "gone"),
    )
    steps = ("输入 50,000,000 ÷ 1,000,000 × 2 元 = 100 元", "输出 50,000,000 ÷ 1,000,000 × 8 元 = 400 元", "合计 100 + 400 = 500 元")
    tool = ToolFinished("api_cost", {"tokens": "1亿", "share": "0.5"}, {"cost": "500", "unit": "CNY"}, steps, 0.012)
    values: dict[str, object] = {
        "answer": ANSWER,
        "citations": citations,
        "tools": (tool,),
        "conflicts": (
            Conflict("GPT-5.1 输出价", (ConflictClaim("$10 / 百万", "top-list.md"), ConflictClaim("$12 <b>", "api-prices.md")), "相差 20%"),
        ),
        "refused": False,
        "mode": "offline",
        "language": "zh",
        "ms": 41.7,
        "charts": (
            Chart(
                "bar", "每月费用", "模型", "费用", "元", (ChartSeries("每月", ("DeepSeek", "GPT-5.1", "Claude 4.5"), (500, 4050, 6480)),)
            ),
            Chart(
                "stacked",
                "显存",
                "精度",
                "显存",
                "GB",
                (ChartSeries("权重", ("fp16", "int4"), (140, 35)), ChartSeries("KV 缓存", ("fp16", "int4"), (12, 12))),
            ),
            Chart(
                "line",
                "费用与用量",
                "每月 tokens",
                "费用",
                "元",
                (ChartSeries("API", (0, 1e8, 2e8), (0, 5000, 10000)), ChartSeries("自建", (0, 1e8, 2e8), (7000, 7050, 7100))),
                ((1.41e8, "盈亏平衡 1.41亿"),),
            ),
        ),
        "follow_ups": ("如果用量翻倍呢？", "换成 GLM-4 呢？"),
    }
    return AnswerDone(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class ScriptedConversation:
    turns: list[str] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)


@dataclass
class ScriptedAdvisor:
    """Streams the words of `done` with a pause between them. Advances the conversation only at the end."""

    done: AnswerDone = field(default_factory=scripted_done)
    pause_s: float = 0.0
    failure: Exception | None = None
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    weights: list[dict[str, float]] = field(default_factory=list)

    def answer(self, question: str, conversation: ScriptedConversation) -> Iterator[AnswerEvent]:
        self.asked.append((question, tuple(conversation.turns)))
        self.weights.append(dict(conversation.weights))
        yield Understood(self.done.language, "api_cost", "DeepSeek、GPT-5.1；1亿 tokens")
        for tool in self.done.tools:
            yield ToolStarted(tool.name, tool.input)
            time.sleep(self.pause_s)
            yield tool
        if self.failure is not None:
            raise self.failure
        for piece in self._pieces():
            time.sleep(self.pause_s)
            yield TextDelta(piece)
        conversation.turns.append(question)
        yield self.done

    def resume(self, turns: Sequence[tuple[str, str]]) -> ScriptedConversation:
        return ScriptedConversation([question for question, _ in turns])

    def _pieces(self) -> Sequence[str]:
        return self.done.answer.splitlines(keepends=True)


def scripted_passage(citation: Citation) -> str:
    return PASSAGE if citation.chunk_id == "c1" else citation.quote
