"""What a deployment holds: cards for a load, sessions on given cards, copies where one group of cards is not enough."""

from __future__ import annotations

import re
from typing import Any

from agent.answers.deploy_case import Case, decimal
from agent.answers.sizing_parts import allow
from agent.sizing.errors import DoesNotFitError, SizingError
from agent.sizing.gpus import Gpu

FORMATS = ("bf16", "fp8", "int4")
_FEWER = (16, 8, 4, 2, 1)


def needed(case: Case, gpu: Any, dtype: str, concurrency: int | None = None) -> Any:
    """`GpusNeeded` for the case's load on a card, or None where no allowed count will do."""
    from agent.sizing.capacity import gpus_needed

    try:
        return gpus_needed(
            case.model or "", gpu=gpu, context_tokens=case.context, concurrency=concurrency or case.concurrency, weight_dtype=dtype, kv_dtype=case.kv_dtype
        )  # fmt: skip
    except DoesNotFitError:
        return None


def format_for(gpu: Gpu, dtype: str) -> str:
    """8 bit on cards without fp8 units is int8."""
    return "int8" if dtype == "fp8" and gpu.fp8_flops is None else dtype


def load_words(case: Case) -> tuple[str, str]:
    """The load in both languages."""
    return (
        f"{case.n(case.concurrency)} 个并发、每会话 {case.n(case.context)} token",
        f"{case.n(case.concurrency)} at once, {case.n(case.context)} tokens each",
    )


def size_one_card(case: Case) -> None:
    """Cards of the named kind for the load; with a stated number of cards, whether they are enough and what they carry."""
    from agent.sizing.charts import memory_split

    assert case.gpu is not None and case.model is not None
    need = needed(case, case.gpu, case.dtype)
    have = have_cards(case)
    if have:
        case.stated_cards, case.cards = True, have
    if need is None:
        _copies(case)
        return
    if have:
        _enough(case, need.gpus)
    else:
        case.cards = need.gpus
        _needs(case, need.gpus)
    case.shown(need)
    case.output["gpus"] = need.gpus
    case.charts.append(memory_split(need, case.work.language))
    sessions(case)


def have_cards(case: Case) -> int:
    """Cards that are there: "两台 8 卡" is 16; 0 if none were stated."""
    have, nodes = case.d.numbers.get("cards"), case.d.numbers.get("nodes")
    if have is None:
        return 0
    return int(have * nodes) if nodes is not None and have <= 16 else int(have)


_HOLDS = re.compile(r"[装放塞]得下|[装放塞]不下|[装放塞]下")


def _enough(case: Case, need: int) -> None:
    load_zh, load_en = load_words(case)
    enough = case.cards >= need
    yes, no = ("装得下", "装不下") if _HOLDS.search(case.work.question.text) else ("够", "不够")
    case.head(
        f"**{yes if enough else no}**：{case.model_name}（{case.dtype}，{load_zh}）最少要 **{case.n(need)} 张 {case.label}**，你有 {case.n(case.cards)} 张。",
        f"**{'Enough' if enough else 'Not enough'}**: {case.model_name} ({case.dtype}, {load_en}) takes at least **{case.n(need)} × {case.label}**; you have {case.n(case.cards)}.",
    )
    if not enough:
        _cheaper_formats(case)


def _needs(case: Case, need: int) -> None:
    from agent.sizing.capacity import cards_for_weights

    if "qps" in case.d.numbers and "concurrency" not in case.d.numbers:
        return
    load_zh, load_en = load_words(case)
    alone = cards_for_weights(case.model or "", case.dtype, gpu=case.gpu).cards
    weights_zh = f"，只放权重至少 {case.n(alone)} 张" if alone != need else ""
    weights_en = f"; the weights alone take {case.n(alone)}" if alone != need else ""
    case.head(
        f"需要 **{case.n(need)} 张 {case.label}**（{case.model_name}，{case.dtype}，{load_zh}{weights_zh}）。",
        f"**{case.n(need)} × {case.label}** for {case.model_name} as {case.dtype} ({load_en}{weights_en}).",
    )


def _copies(case: Case) -> None:
    """More load than one group of up to 16 cards holds: the cheapest number of equal copies, or that not even one session fits."""
    from agent.sizing.capacity import gpus_needed

    load_zh, load_en = load_words(case)
    try:
        gpus_needed(case.model or "", gpu=case.gpu, context_tokens=case.context, concurrency=case.concurrency, weight_dtype=case.dtype, kv_dtype=case.kv_dtype)  # fmt: skip
    except DoesNotFitError as error:
        reason = error.text(case.work.language).split("; tried")[0]
        allow(case.work, [reason])
        case.steps.append(reason)
    best: tuple[int, int, int, int] | None = None
    for n in sorted(_FEWER):
        held = held_sessions(case, n)
        if held:
            copies = -(-case.concurrency // held)
            best = min(best or (10**9, 0, 0, 0), (copies * n, copies, n, held))
    if best is None:
        case.head(
            f"**放不下**：{case.model_name}（{case.dtype}，每会话 {case.n(case.context)} token）用 16 张 {case.label} 连一个会话也放不下。",
            f"**It does not fit**: not even one session of {case.model_name} ({case.dtype}, {case.n(case.context)} tokens) fits on 16 × {case.label}.",
        )
        case.work.computed(decimal(16))
        _cheaper_formats(case)
        return
    total, copies, n, held = best
    enough = case.say(f"你有 {case.n(case.cards)} 张，**{'够' if case.cards >= total else '不够'}**。", f"You have {case.n(case.cards)}: **{'enough' if case.cards >= total else 'not enough'}**.") if case.stated_cards else ""  # fmt: skip
    case.head(
        f"要 **{case.n(total)} 张 {case.label}**：一组卡放不下（{load_zh}），分成 {case.n(copies)} 套 × {case.n(n)} 张，每套 {case.n(held)} 个会话。{enough}",
        f"**{case.n(total)} × {case.label}**: one group does not hold it ({load_en}), so {case.n(copies)} copies of {case.n(n)} cards, {case.n(held)} sessions each. {enough}",
    )
    if not case.stated_cards:
        case.cards = total
    case.output["gpus"] = total
    _cheaper_formats(case)


def held_sessions(case: Case, n: int) -> int:
    """Sessions that `n` cards in one group hold; 0 where they do not hold the model or cannot split it."""
    from agent.sizing.capacity import max_concurrency

    try:
        room = max_concurrency(case.model or "", gpu=case.gpu, n_gpus=n, weight_dtype=case.dtype, context_tokens=case.context, kv_dtype=case.kv_dtype)  # fmt: skip
    except SizingError:
        return 0
    return int(room.requests or 0)


def _cheaper_formats(case: Case) -> None:
    """Formats with fewer bits that would do, with what they cost in quality."""
    from agent.sizing.dtypes import weight_type

    assert case.gpu is not None
    bits = weight_type(case.dtype).bits
    for dtype in ("fp8", "int4"):
        kind = weight_type(format_for(case.gpu, dtype))
        if kind.bits >= bits:
            continue
        need = needed(case, case.gpu, kind.name)
        if need is not None:
            case.note(
                f"改用 {kind.name} 需要 {case.n(need.gpus)} 张 {case.label}：{kind.words_zh}。",
                f"As {kind.name} it takes {case.n(need.gpus)} × {case.label}: {kind.words_en}.",
            )


def usable_count(case: Case) -> int:
    """The most of the cards that can work together: tensor parallelism must divide the heads."""
    from agent.sizing.budget import layout
    from agent.sizing.memory import architecture_of

    assert case.model is not None
    a = architecture_of(case.model)
    for n in (case.cards, *(c for c in _FEWER if c < case.cards)):
        try:
            layout(a, n)
        except SizingError:
            continue
        return n
    return 1


def sessions(case: Case) -> None:
    """Most sessions at once on the cards of the case."""
    from agent.sizing.capacity import max_concurrency

    if case.gpu is None or case.model is None or not case.cards:
        return
    n = usable_count(case)
    if n != case.cards:
        case.note(
            f"{case.n(case.cards)} 张里一组最多用 {case.n(n)} 张（要整除注意力头），其余可另起一套。",
            f"One group uses {case.n(n)} of the {case.n(case.cards)} cards (the heads must divide); the rest can hold another copy.",
        )
    room = max_concurrency(case.model, gpu=case.gpu, n_gpus=n, weight_dtype=case.dtype, context_tokens=case.context, kv_dtype=case.kv_dtype)
    whole = int(room.requests or 0)
    case.output["max_concurrency"] = whole
    if not whole:
        # That not even one fits has been said.
        return
    asked = "concurrency" in case.d.asks
    line = case.say(
        f"{case.n(n)} 张 {case.label} 按显存最多同时 **{case.n(whole)} 个会话**（{case.dtype}，每会话 {case.n(case.context)} token）。",
        f"{case.n(n)} × {case.label} hold at most **{case.n(whole)} session{'' if whole == 1 else 's'} at once** by memory ({case.dtype}, {case.n(case.context)} tokens each).",
    )
    if asked and case.stated_cards and not {"concurrency", "users"} & set(case.d.numbers):
        case.heads.insert(0, line)
    elif (asked or case.stated_cards or whole > case.concurrency) and "qps" not in case.d.numbers:
        case.heads.append(line)
    if asked or case.stated_cards:
        case.shown(room)
    longest = getattr(case.model, "max_context_tokens", None)
    if longest and case.context > longest:
        case.note(
            f"上下文 {case.n(case.context)} 超过 {case.model_name} 标称的 {case.n(longest)} token。",
            f"A context of {case.n(case.context)} is more than the {case.n(longest)} tokens that {case.model_name} is published for.",
        )


def longest_context(case: Case) -> None:
    """Tokens of context that each session can have on the cards of the case."""
    from agent.sizing.capacity import max_concurrency

    if case.gpu is None or case.model is None or not case.cards:
        return
    n = usable_count(case)
    room = max_concurrency(case.model, gpu=case.gpu, n_gpus=n, weight_dtype=case.dtype, kv_dtype=case.kv_dtype)
    each = room.kv_tokens // case.concurrency
    if not each:
        return
    published = getattr(case.model, "max_context_tokens", None)
    limit_zh = f"；模型标称上限 {case.n(published)}" if published and published < each else ""
    limit_en = f"; the model is published for {case.n(published)}" if published and published < each else ""
    case.heads.insert(
        0,
        case.say(
            f"{case.n(n)} 张 {case.label}（{case.dtype}）按显存每会话最长约 **{case.n(each)} token** 上下文（{case.n(case.concurrency)} 个并发{limit_zh}）。",
            f"{case.n(n)} × {case.label} ({case.dtype}) hold about **{case.n(each)} tokens** of context a session by memory ({case.n(case.concurrency)} at once{limit_en}).",
        ),
    )
    case.shown(room)
    case.output["longest_context"] = each
