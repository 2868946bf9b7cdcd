"""Weights of fewer bits: what they cost in quality, how many cards they take, and whether they are needed at all."""

from __future__ import annotations

from agent.answers.deploy_capacity import have_cards, needed
from agent.answers.deploy_case import Case


def quality(case: Case) -> None:
    """What each format costs in quality, in words, and how many cards it takes."""
    from agent.sizing.dtypes import weight_type
    from agent.sizing.memory import weights

    if case.model is None:
        return
    for dtype in ("bf16", *_fewer_bits(case)):
        kind = weight_type(dtype)
        size = weights(case.model, dtype)
        need = needed(case, case.gpu, dtype) if case.gpu is not None else None
        cards_zh = f"，{case.n(need.gpus)} 张 {case.label}" if need is not None else ""
        cards_en = f", {case.n(need.gpus)} × {case.label}" if need is not None else ""
        case.step(
            f"{dtype}：权重 {case.n(round(size.gb, 1), 1)} GB{cards_zh}；{kind.words_zh}",
            f"{dtype}: {case.n(round(size.gb, 1), 1)} GB of weights{cards_en}; {kind.words_en}",
        )
    kind = weight_type(case.dtype)
    if "quality" in case.d.asks and kind.covers != "all":
        case.heads.insert(
            0,
            case.say(
                f"{case.model_name} 用 {kind.name}：{kind.words_zh}。没有可引用的损失数字。",
                f"{case.model_name} as {kind.name}: {kind.words_en}. There is no figure of the loss to quote.",
            ),
        )
    case.note(
        "量化损失没有可引用的数字，取决于任务；上线前用自己的评测集对比。",
        "There is no figure to quote for the loss; it depends on the task. Compare on your own test set before going live.",
    )


def quantisation_needed(case: Case) -> None:
    """Whether the stated cards hold the model as it is; where they do not, the formats of fewer bits with which they do."""
    from agent.sizing.dtypes import weight_type

    cards = have_cards(case)
    if case.model is None or case.gpu is None or not cards:
        return
    whole = needed(case, case.gpu, case.dtype)
    fitting = [
        dtype
        for dtype in _fewer_bits(case)
        if weight_type(dtype).bits < weight_type(case.dtype).bits
        and (need := needed(case, case.gpu, dtype)) is not None
        and need.gpus <= cards
    ]
    have_zh, have_en = f"你有 {case.n(cards)} 张 {case.label}", f"you have {case.n(cards)} × {case.label}"
    takes_zh = f"{case.dtype} 要 {case.n(whole.gpus)} 张" if whole is not None else f"{case.dtype} 放不下"
    takes_en = f"{case.dtype} takes {case.n(whole.gpus)}" if whole is not None else f"{case.dtype} does not fit"
    if whole is not None and whole.gpus <= cards:
        said = case.say(f"**不必量化**：{takes_zh}，{have_zh}。", f"**Not needed**: {takes_en}, {have_en}.")
    elif fitting:
        said = case.say(
            f"**要量化**：{takes_zh}，{have_zh}；放得下的格式：{'、'.join(fitting)}。",
            f"**Needed**: {takes_en}, {have_en}; formats that fit: {', '.join(fitting)}.",
        )
    else:
        said = case.say(f"**量化到 4 位也放不下**：{takes_zh}，{have_zh}。", f"**Not even 4 bits fit**: {takes_en}, {have_en}.")
    case.heads.insert(0, said)


def _fewer_bits(case: Case) -> tuple[str, ...]:
    """Formats below 16 bits, those that the card's units do not calculate with left out."""
    eight = ("fp8",) if case.gpu is None or case.gpu.fp8_flops is not None else ()
    return (*eight, "int8", "int4")
