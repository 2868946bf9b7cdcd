"""KV cache from a shape or a size a token that the question states itself: 2 x layers x KV heads x head size x width."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.sizing_parts import context_of, done
from agent.words import plain
from agent.work import Draft, Work

WANTS_KV = re.compile(r"kv\s*-?\s*(?:cache|缓存)|kvcache", re.IGNORECASE)
_LAYERS = re.compile(r"(\d+)\s*(?:层|layers?)|(?:num_hidden_layers|layers|层数)\s*(?:=|:|是|为)?\s*(\d+)", re.IGNORECASE)
_KV_HEADS = re.compile(
    r"(\d+)\s*个?\s*(?:kv\s*头|kv[ _-]?heads?|kv head)|(?:num_key_value_heads|kv[ _-]?heads?|kv\s*头数?)\s*(?:=|:|是|为)?\s*(\d+)",
    re.IGNORECASE,
)
_HEAD_DIM = re.compile(
    r"(?:head[ _-]?dim(?:ension)?|头维度|每头维度)\s*(?:=|:|是|为|of)?\s*(\d+)|(\d+)\s*(?:维(?:的)?头|head[ _-]?dim)", re.IGNORECASE
)
_BYTES_PER_TOKEN = re.compile(
    r"([\d,]+(?:\.\d+)?)\s*(KB|KiB|bytes?|字节|B)\s*(?:/|per|每|一个|a)\s*(?:个)?\s*tok|每\s*(?:个)?\s*token\s*(?:占|是|为|要)?\s*([\d,]+(?:\.\d+)?)\s*(KB|KiB|bytes?|字节)",
    re.IGNORECASE,
)


def explicit_kv(work: Work, text: str) -> Draft | None:
    """KV cache from stated layers, KV heads and head size, or from stated bytes a token: 2 x layers x KV heads x head size x width."""
    if not WANTS_KV.search(text):
        return None
    width = Decimal(1) if re.search(r"fp8|int8|8[- ]?bit", text, re.IGNORECASE) else Decimal(2)
    layers, heads, dim = (m and Decimal(m[1] or m[2]) for m in (_LAYERS.search(text), _KV_HEADS.search(text), _HEAD_DIM.search(text)))
    stated = _BYTES_PER_TOKEN.search(text)
    steps = []
    if layers and heads and dim:
        per_token = 2 * layers * heads * dim * width
        steps.append(
            f"2 × {plain(layers)} × {plain(heads)} × {plain(dim)} × {plain(width)} = {plain(per_token)} "
            + work.say("字节/token", "bytes a token")
        )
    elif stated:
        per_token = Decimal((stated[1] or stated[3]).replace(",", "")) * (
            Decimal(1024) if "kib" in stated[0].lower() else Decimal(1000) if "kb" in stated[0].lower() else Decimal(1)
        )
    else:
        return None
    context = context_of(work) or Decimal(1)
    sessions = next((q.value for q in work.question.quantities if q.unit in ("concurrency", "request", "user")), Decimal(1))
    total = per_token * context * sessions
    if context > 1 or sessions > 1:
        steps.append(f"{plain(per_token)} × {plain(context)} token × {plain(sessions)} = {plain(total)} " + work.say("字节", "bytes"))
    work.computed(
        per_token,
        total,
        context,
        sessions,
        width,
        Decimal(2),
        *(total / Decimal(10) ** n for n in (3, 6, 9)),
        *(total / Decimal(1024) ** n for n in (1, 2, 3)),
    )
    unit, size, binary, bsize = (
        ("GB", Decimal(10**9), "GiB", Decimal(2**30))
        if total >= 10**9
        else ("MB", Decimal(10**6), "MiB", Decimal(2**20))
        if total >= 10**6
        else ("KB", Decimal(1000), "KiB", Decimal(1024))
    )
    head = work.say(
        f"KV 缓存：**{plain(total / size, 3)} {unit}**（{plain(total / bsize, 2)} {binary}）。",
        f"KV cache: **{plain(total / size, 3)} {unit}** ({plain(total / bsize, 2)} {binary}).",
    )
    return done(
        work,
        "kv_cache",
        head,
        steps,
        {"bytes_per_token": str(per_token), "context_tokens": str(context), "sessions": str(sessions)},
        {"bytes": str(total)},
    )
