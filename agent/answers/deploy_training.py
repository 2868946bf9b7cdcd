"""Memory of training, as far as a sourced formula goes: weights, gradients and optimiser states, a lower bound for the cards."""

from __future__ import annotations

from agent.answers.deploy_case import Case, table
from agent.answers.sizing_parts import allow
from agent.sizing.training import METHODS, training_memory
from agent.work import Draft

_CARDS_GB = (24, 48, 80)


def answer_training(case: Case) -> Draft | None:
    """States of full fine-tuning, LoRA and QLoRA for a model, and what is not covered."""
    if case.model is None:
        return Draft(
            case.say(
                "训练显存要有模型或参数量才能算（如“微调 7B”）；训练时长、数据与费用不在计算范围内。",
                "Memory of training needs a model or a size (e.g. fine-tune a 7B); duration, data and cost of training are not covered.",
            ),
            refused=True,
            intent="not_covered",
        )
    cards = [case.gpu] if case.gpu is not None else list(_CARDS_GB)
    results = {method: [training_memory(case.model, method, gpu=c) for c in cards] for method in METHODS}
    header = [
        case.say("方式", "method"), case.say("显存下限 GB", "GB at least"),
        *((case.label,) if case.gpu is not None else (f"{g} GB" for g in _CARDS_GB)),
    ]  # fmt: skip
    rows = [
        [METHODS[m].name(case.work.language), f"{r[0].gb:,.1f}", *(case.say(f"{x.cards} 张", f"{x.cards}") for x in r)]
        for m, r in results.items()
    ]
    lines = table(header, rows)
    allow(case.work, lines)
    method = case.d.words.get("method", "full")
    chosen = method if method in METHODS else "full"
    full = results[chosen][0]
    head = (
        case.say(
            f"{case.model_name} 用 {METHODS[chosen].zh}微调至少要 **{full.gb:,.1f} GB** 显存，还没算激活值。",
            f"Fine-tuning {case.model_name} by {METHODS[chosen].en} takes at least **{full.gb:,.1f} GB**, activations aside.",
        )
        if chosen != "full"
        else ""
    ) or case.say(
        f"{case.model_name} 全参数训练至少要 **{full.gb:,.1f} GB** 显存放权重、梯度和优化器状态（16 字节/参数），还没算激活值。",
        f"Full training of {case.model_name} takes at least **{full.gb:,.1f} GB** for weights, gradients and optimiser states (16 bytes a parameter), activations aside.",
    )
    allow(case.work, [head])
    notes: list[str] = []
    for method in METHODS:
        notes += [s for s in results[method][0].steps(case.work.language)]
    allow(case.work, notes)
    notes.append(
        case.say(
            "不覆盖：激活值（取决于批大小和序列长度）、训练时长、数据与费用；张数是状态分片到各卡的下限，实际要更多。",
            "Not covered: activations (they depend on batch and sequence length), duration, data and cost; counts are lower bounds with the states sharded over the cards.",
        )
    )
    case.work.tool("training_memory", {"model": case.model_name}, {"gb": full.gb}, notes)
    return Draft("\n".join([head, "", *lines, "", *(f"- {n}" for n in notes)]), intent="sizing")
