"""A calculation was asked for and something it needs is missing: say what, instead of quoting something else."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.closest import WANTS_DATE
from agent.answers.example_bill import HOW_MUCH
from agent.answers.sizing_names import named_gpu
from agent.answers.strangers import unknown_names
from agent.understand.constraints import constraints_of
from agent.understand.followup import own_words
from agent.work import Draft, Work

_CARDS = re.compile(r"(?:哪|什么)[种个张款]?(?:显卡|gpu|卡)|(?:多少|几个?)\s*gpu|which (?:gpu|card)|what gpu|几张卡|多少张?卡|几块卡|多少显存|how many (?:cards|gpus)|how much (?:vram|memory)", re.IGNORECASE)


def answer_clarify(work: Work) -> Draft | None:
    """What a cost or a sizing still needs; None where the question has words of its own that the sources may answer."""
    question = work.question
    if question.mentions or unknown_names(work) or WANTS_DATE.search(question.masked):
        return None
    if _CARDS.search(question.masked) and not named_gpu(question.text) and len(own_words(question)) <= 3:
        work.computed(Decimal(70) * 10**9, Decimal(24), Decimal(8))
        return Draft(
            work.say(
                "要算几张卡，请给出：模型或参数量（如 70B）、精度（如 INT8）、显卡或单卡显存（如 24GB）；如有上下文长度与并发数，可以把 KV 缓存也算进去。",
                "To size it, please give the model or its parameters (e.g. 70B), the precision (e.g. INT8) and the card or its memory (e.g. a 24 GB GPU); with context length and concurrency the KV cache is included.",
            ),
            intent="clarify",
        )
    counted = question.usage.requests is not None
    asks = question.has("cost_word") or question.has("price_word") or "how much" in question.masked.lower()
    asks = asks or counted and bool(HOW_MUCH.search(question.masked))
    if (
        not asks
        or question.usage.has_volume
        or any(question.has(g) for g in ("cheap_word", "dear_word", "list_word", "compare_word", "select_word", "break_even_word"))
    ):
        return None
    if len(own_words(question)) > (4 if counted else 1) or not counted and (constraints_of(question, work.catalog) or question.values):
        return None
    return Draft(
        work.say(
            "要算费用，请告诉我：用哪个模型，以及用量（每月多少输入、输出 token；或每天多少次、每次多少 token）。没有指明模型时，也可以问“哪个最便宜”。",
            "To calculate a cost I need the model and the volume (input and output tokens a month, or requests a day and tokens a request). Without a model you can ask which one is cheapest.",
        ),
        intent="clarify",
    )
