"""A turn's deployment in its conversation: whether it goes on with the one before it, and what stands for the API side."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.understand.deployment import Deployment, continued, hosted_models, read_deployment
from agent.understand.usage import Usage

if TYPE_CHECKING:
    from agent.understand.question import Question

_NEW_TOPIC = re.compile(
    r"先不(?:管|说)|换个话题|另外(?:问|请教)|顺便问|不说这个|by the way|different question|new question|another topic|unrelated",
    re.IGNORECASE,
)
_REFERS = re.compile(
    r"呢[?？。!！ ]*$|换成|换到|换|改成|改用|改为|如果|要是|那|再|同样|它|这个|这些|\b(?:instead|what about|how about|what if|same|it|that|then|and)\b",
    re.IGNORECASE,
)
_COMPARES = frozenset({"break_even", "hybrid", "tco"})
_ON_HARDWARE = frozenset({"enough", "concurrency", "speed", "capacity", "unit_cost"})
"""What is asked of cards that were named before, when a turn names a model alone."""
_FAMILY_GAP = 3
"""Characters between a family's name and the size that goes with it ("Llama 4 70B")."""


def deployment_of(now: Question, before: Question | None) -> Deployment:
    """What the conversation says about a deployment by now.

    A turn with a model and a wish of its own starts afresh; one that says nothing of the kind keeps what was said for
    later turns, marked `idle`.
    """
    mine = _own(now)
    earlier = before.deployment if before is not None else None
    if earlier is None or not (earlier.strong or earlier.pays):
        return mine
    if _NEW_TOPIC.search(now.text) or now.unknown and not mine.words.get("model"):
        return mine
    compares = bool(_COMPARES & (mine.asks | earlier.asks))
    adds = mine.said or mine.asks or mine.training or compares and (mine.usage is not None or mine.priced)
    if not adds or mine.priced and not compares and not mine.words and not mine.money:
        return replace(earlier, idle=True)
    on_them = mine.asks & _ON_HARDWARE and not mine.hardware and earlier.hardware
    if mine.words.get("model") and mine.asks and not on_them and not _REFERS.search(now.text):
        return mine
    if not earlier.strong and mine.strong:
        return mine
    return continued(mine, earlier)


_LONGEST_REQUEST = Decimal(2_000_000)


def _lengths(usage: Usage) -> dict[str, Decimal]:
    """Prompt and answer of one request, where the question states both."""
    prompt, answer = usage.request_input_tokens, usage.request_output_tokens
    if prompt is None and not usage.period and usage.duration_days is None:
        prompt, answer = usage.input_tokens, usage.output_tokens
    if prompt is None or answer is None or prompt > _LONGEST_REQUEST or answer > _LONGEST_REQUEST:
        return {}
    return {"input": prompt, "output": answer}


def _own(now: Question) -> Deployment:
    """What this turn says by itself, with the volume and the priced models that it names beside the one to deploy."""
    mine = read_deployment(now.text)
    hosted = hosted_models(now.text) if mine.said or now.usage.has_volume else []
    beside = [m for m in now.named if not any(m.start < h.end and h.start <= m.end + _FAMILY_GAP for h in hosted)]
    priced = tuple(dict.fromkeys(m.entities[0] for m in beside if m.entities and m.how != "vendor"))
    # "每人 20 tokens/s" is a speed to keep, not a volume of use.
    speed = now.usage.requests is None and any("second" in a.quantity.per for a in now.usage.amounts)
    volume = now.usage if not speed and now.usage.has_volume and (now.usage.period or now.usage.asked) else None
    numbers = {**mine.numbers, **_lengths(now.usage)}
    if now.rate is not None:
        numbers["rate"] = now.rate
    return replace(mine, usage=volume, priced=priced, numbers=numbers)
