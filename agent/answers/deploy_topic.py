"""Whether a question is about running a model on one's own hardware, and which models a family's name stands for there."""

from __future__ import annotations

import re
from typing import Any

from agent.answers.sizing_kv import WANTS_KV
from agent.understand.deployment import Deployment
from agent.understand.deployment_words import edges
from agent.understand.hardware_names import spelling
from agent.work import Work

_OWN = edges(
    r"私有化|自建|自部署|自主部署|本地|部署|机房|自己跑|自己搭|私有|内网|self-?host|on-?prem|deploy|in-?house|locally|own (?:hardware|servers?|gpus?)|\bhost\b|\brun\b|跑"
)
_OWN_CLEARLY = edges(
    r"私有化|自建|自部署|自主部署|本地|部署|机房|内网|self-?host|on-?prem|deploy|in-?house|locally|own (?:hardware|servers?|gpus?)"
)
_WEIGHTS_ONLY = edges(r"权重|weights?\b|只放|光放|参数占")
_API = edges(r"\bapis?\b|接口|云上|云服务")
_SOURCES = edges(
    r"文中|资料(?:里|中|上)|原文|说法|来源|报告(?:里|中)|文章|按(?:资料|文档)|according to|\bthe (?:documents?|sources?|article|report)\b|方案"
)
"""The question is about what the documents say, not about a calculation."""
LOAD_ASKS = frozenset(
    {"longest", "cards", "concurrency", "speed", "memory", "recommend", "enough", "fits", "capacity", "quality", "quantise"}
)
MONEY_ASKS = frozenset({"cost", "tco", "break_even", "hybrid", "sensitivity", "scenarios", "unit_cost", "buy_or_rent"})
_NUMBERED = (LOAD_ASKS | MONEY_ASKS | {"power"}) - {"memory", "quantise", "quality"}
_PRICES = frozenset({"card_price", "rent_card_hour", "rent_card_month", "node_price"})


def is_about(work: Work, d: Deployment) -> bool:  # noqa: C901
    """Whether the deployment read from a question is what the question is about."""
    text = work.question.text
    if d.idle or not (d.said or d.asks):
        return False
    model = bool(d.words.get("model"))
    hardware = d.hardware
    if d.training:
        return (model or hardware) and bool({"cards", "memory", "cost", "enough", "fits"} & d.asks or d.carried)
    if d.carried:
        # Weights alone, in another format: that has an answer of its own.
        about_weights = bool(d.asks) or _only_weights(work.question.masked, d)
        weights_only = about_weights and d.asks <= {"memory", "quantise"} and not d.hardware and not d.money and not d.numbers
        return bool(d.strong or d.money) and not weights_only
    if _SOURCES.search(text) and not {"card_price", "rent_card_hour", "upfront"} & set(d.money):
        return False
    if _only_weights(text, d):
        return False
    if d.problems:
        return model or hardware
    if hardware and (model or _PRICES & set(d.money) or "fits" in d.asks or "enough" in d.asks and not work.question.named):
        return True
    if hardware and "kwh" in d.money:
        return True
    if hardware and d.asks & {"power", "cost", "tco", "break_even"} and (set(d.money) - {"budget", "budget_month"} or "power" in d.asks):
        return True
    if d.pays and "break_even" in d.asks and not work.question.has("break_even_word"):
        return True
    if model:
        return _about_a_model(text, d)
    if (
        hardware
        and {"cards", "enough"} & d.asks
        and any(m.entities and work.entity(m.entities[0]).kind == "model" for m in work.question.named)
    ):
        return True
    if {"save_low", "api_month"} <= {*d.numbers, *d.money}:
        return True
    if no_model_named(text, d):
        return True
    if {"memory", "cards"} & d.asks and _OWN.search(text) and family_members(work):
        return True
    if "break_even" in d.asks and not d.money and _OWN.search(text) and _API.search(text):
        return True
    return bool("tco" in d.asks and {"upfront", "rent_month"} & set(d.money) and "break_even" not in d.asks)


def no_model_named(text: str, d: Deployment) -> bool:
    """Cards or cost of running "something" for a number of people: a load without a model."""
    load = {"users", "concurrency"} & set(d.numbers)
    return bool(not d.strong and load and {"cost", "cards", "recommend"} & d.asks and _OWN_CLEARLY.search(text))


def _about_a_model(text: str, d: Deployment) -> bool:
    """A model or a size without hardware: about a deployment where cards, sessions or running it oneself are meant."""
    if {"concurrency", "context"} <= set(d.numbers):
        return True
    if "hybrid" in d.asks and "api_month" in d.money:
        return True
    if {"concurrency", "context"} & set(d.numbers) and d.asks & (_NUMBERED | {"quality"}):
        return True
    if d.asks & {"cards", "concurrency", "recommend"} and not _API.search(text):
        return True
    if d.asks & {"quality"}:
        return True
    # "Kimi K2 跑 90M input 多少钱": with a volume and nothing of hardware, an API bill is meant.
    own = (
        _OWN_CLEARLY
        if d.usage is not None or re.search(r"\d\s*[kmw万亿]?\s*(?:tokens?\s*)?(?:input|output|输入|输出)", text, re.IGNORECASE)
        else _OWN
    )
    return bool(d.asks & _NUMBERED and own.search(text))


def _only_weights(text: str, d: Deployment) -> bool:
    """Questions on the cache or on the weights alone have answers of their own."""
    if WANTS_KV.search(text) and not {"cards", "concurrency", "cost"} & d.asks:
        return True
    beyond = "concurrency" in d.numbers or {"concurrency", "cost", "break_even", "speed"} & d.asks
    return bool(_WEIGHTS_ONLY.search(text)) and not d.money and not beyond


def family_members(work: Work) -> str:
    """The name of a family that the question names without a size, where the hardware catalog has several sizes of it; else ""."""
    for mention in work.question.named:
        if len(members_of(mention.text)) > 1:
            return mention.text
    return ""


def members_of(name: str) -> list[Any]:
    """Records of the hardware catalog whose name begins with a family's."""
    from kb.catalog.hardware import default_hardware

    if len(re.sub(r"[\s\-_]", "", name)) < 3:
        return []
    spelt = re.compile(spelling(name) + r"(?=[\s\-_])")
    return [e for e in default_hardware().architectures.values() if spelt.match(e.name.lower())]
