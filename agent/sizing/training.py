"""Bytes that training keeps on the cards whatever the batch: weights, gradients and the optimiser's states.

Mixed precision with Adam: 2 bytes of weights and 2 of gradients a parameter, and 12 of fp32 copies (weights, momentum,
variance), 16 in all (ZeRO, arXiv:1910.02054, section 3.1). LoRA freezes the 16-bit weights and trains small matrices beside
them (arXiv:2106.09685); QLoRA holds the frozen weights at 4.127 bit (NF4 with double quantisation, arXiv:2305.14314).
Activations depend on batch and sequence length and are left out: every figure is a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from agent.sizing.dtypes import weight_type
from agent.sizing.errors import SizingError
from agent.sizing.inputs import GB, exact
from agent.sizing.models import ModelLike, StatedModel, as_model
from agent.sizing.params import split
from agent.sizing.resolve import resolve_gpu
from agent.sizing.steps import Calculation, Steps, billions, size

BYTES_FULL = Fraction(16)
BYTES_TRAINED = Fraction(16)
DEFAULT_TRAINED_SHARE = Fraction(1, 100)
"""Share of the parameters that adapters train where none is stated; LoRA papers train between 0.01% and a few per cent."""


@dataclass(frozen=True, slots=True)
class Method:
    """`frozen` bytes a parameter of the base model; `trained` whether all of them are trained."""

    zh: str
    en: str
    frozen: Fraction
    trains_all: bool

    def name(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


METHODS: dict[str, Method] = {
    "full": Method("全参数（混合精度 Adam）", "full (mixed precision, Adam)", Fraction(0), True),
    "lora": Method("LoRA（16 位底座）", "LoRA (16-bit base)", Fraction(2), False),
    "qlora": Method("QLoRA（4 位底座）", "QLoRA (4-bit base)", weight_type("nf4").bits / 8, False),
}


@dataclass(frozen=True, kw_only=True)
class TrainingMemory(Calculation):
    """`bytes` of states over all cards; `cards` hold them when they are sharded evenly, a lower bound. 0 cards: none was named."""

    method: str
    parameters: int
    bytes: Fraction
    gb: float
    cards: int


def training_memory(
    model: ModelLike | str | int | float, method: str = "full", *, gpu: Any = None, trained_share: Any = None
) -> TrainingMemory:
    """Bytes of training states: full = 16 a parameter; LoRA = 2 a parameter + 16 a trained one; QLoRA = 4.127/8 + 16 a trained one.

    `trained_share` of the parameters belongs to adapters (0.01); `gpu` by name or memory in GB gives the cards, 90% of whose
    memory is used. Raises `SizingError` for an unknown method.
    """
    found = as_model(model)
    if method not in METHODS:
        raise SizingError(
            f"method is {method!r}; expected one of: {', '.join(METHODS)}", f"训练方式 {method!r} 不认识；支持：{', '.join(METHODS)}"
        )
    kind = METHODS[method]
    total = found.parameters if isinstance(found, StatedModel) else split(found).total
    part = exact(trained_share, "trained_share", high=1, kind="share") if trained_share is not None else DEFAULT_TRAINED_SHARE
    trained = Fraction(total) if kind.trains_all else total * part
    number = total * kind.frozen + trained * BYTES_TRAINED
    steps = Steps()
    if kind.trains_all:
        steps.add(
            f"{kind.zh}：{billions(total)} 参数 × 16 字节（权重 2 + 梯度 2 + 优化器 12）= {size(number)}",
            f"{kind.en}: {billions(total)} parameters × 16 bytes (weights 2 + gradients 2 + optimiser 12) = {size(number)}",
        )
    else:
        steps.add(
            f"{kind.zh}：底座 {billions(total)} × {float(kind.frozen):.3g} 字节 + 适配器按 {float(part):.1%} 参数"
            f" × 16 字节 = {size(number)}",
            f"{kind.en}: base {billions(total)} × {float(kind.frozen):.3g} bytes + adapters of {float(part):.1%} of the parameters"
            f" × 16 bytes = {size(number)}",
        )
    cards = 0
    if gpu is not None:
        usable = resolve_gpu(gpu).memory() * Fraction(9, 10)
        cards = int(-(-number // usable))
    return TrainingMemory(
        method=method, parameters=total, bytes=number, gb=float(number / GB), cards=cards, steps_zh=steps.zh, steps_en=steps.en
    )
