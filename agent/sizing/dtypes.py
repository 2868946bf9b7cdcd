"""Number formats of weights and caches: bits for a value, and which part of the model a format covers.

Coverage: `all` parameters (bf16, and GGUF files, whose figure is the average over the file); the matrices of the `linear`
layers, embeddings and everything small staying at 16 bit (fp8, int8, int4); the routed `experts` only (gpt-oss's MXFP4).
Widths: OCP MX specification for mxfp4 (4 bit + one 8-bit scale for 32 values; NVFP4 has one for 16);
 AWQ/GPTQ with groups of 128 add a 16-bit
scale and a 4-bit zero point for a group (20/128 bit); NF4 with double quantisation adds 0.127 bit (QLoRA, arXiv:2305.14314);
q4_k_m and q8_0 as measured over whole Llama files by llama.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from agent.sizing.errors import SizingError
from agent.sizing.inputs import exact


@dataclass(frozen=True, slots=True)
class WeightType:
    """`bits` a weight where the format applies, scales included; elsewhere 16."""

    name: str
    bits: Fraction
    covers: str
    words_zh: str
    words_en: str


def _w(name: str, bits: str, covers: str, zh: str, en: str) -> WeightType:
    return WeightType(name, Fraction(bits), covers, zh, en)


WEIGHT_TYPES: dict[str, WeightType] = {
    t.name: t
    for t in (
        _w("fp32", "32", "all", "32 位，一般只用于训练", "32 bit, for training rather than serving"),
        _w("bf16", "16", "all", "16 位，质量基准", "16 bit, the quality baseline"),
        _w("fp16", "16", "all", "16 位，质量基准", "16 bit, the quality baseline"),
        _w(
            "fp8",
            "8",
            "linear",
            "8 位浮点，质量损失通常很难察觉，需要支持 FP8 的卡才能提速",
            "8-bit float: quality loss usually hard to notice; only cards with FP8 units gain speed",
        ),
        _w(
            "int8",
            "8",
            "linear",
            "8 位整数，质量损失通常很小，建议用自己的任务复测",
            "8-bit integer: quality loss usually small; re-test on your own task",
        ),
        _w(
            "int4",
            str(Fraction(4) + Fraction(20, 128)),
            "linear",
            "4 位整数，数学、代码和长文任务可能有可见损失，上线前必须用自己的任务复测",
            "4-bit integer: maths, code and long documents may suffer visibly; test on your own task before going live",
        ),
        _w(
            "nf4",
            "4.127",
            "linear",
            "4 位 NF4，主要用于微调和试用，质量与速度都不如 16 位",
            "4-bit NF4, mainly for fine-tuning and trials; slower and less exact than 16 bit",
        ),
        _w(
            "nvfp4",
            "4.5",
            "linear",
            "4 位浮点（NVFP4），只有 Blackwell 一代能提速，上线前需复测",
            "4-bit float (NVFP4): only the Blackwell generation gains speed; test before going live",
        ),
        _w(
            "mxfp4_experts",
            "4.25",
            "experts",
            "仅专家权重为 MXFP4；若模型按此格式训练发布，则不属于额外损失",
            "MXFP4 on the experts only; no extra loss where the model was trained and published this way",
        ),
        _w("q8_0", "8.5", "all", "GGUF 8 位，质量损失很小", "GGUF 8 bit: very little quality loss"),
        _w(
            "q4_k_m",
            "4.8",
            "all",
            "GGUF 约 4.8 位，适合单机试用，复杂任务会有损失",
            "GGUF at about 4.8 bit: fine for a workstation, complex tasks suffer",
        ),
    )
}
WEIGHT_ALIASES = {
    "float32": "fp32", "f32": "fp32", "bfloat16": "bf16", "float16": "fp16", "half": "fp16", "f16": "fp16", "16bit": "bf16",
    "16-bit": "bf16", "16位": "bf16",
    "半精度": "fp16",
    "float8": "fp8", "fp8_e4m3": "fp8", "fp8_e5m2": "fp8", "f8": "fp8", "w8a8": "int8", "8bit": "int8", "8-bit": "int8", "8位": "int8",
    "i8": "int8",
    "4bit": "int4", "4-bit": "int4", "4位": "int4", "i4": "int4", "awq": "int4", "gptq": "int4", "w4a16": "int4", "mxfp4": "mxfp4_experts",
    "q4": "q4_k_m", "gguf": "q4_k_m",
}  # fmt: skip

KV_BITS: dict[str, int] = {"fp32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "int4": 4}
KV_ALIASES = {
    "float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "half": "fp16", "auto": "bf16", "16bit": "bf16", "fp8_e4m3": "fp8",
    "fp8_e5m2": "fp8",
    "fp8_ds_mla": "fp8", "float8": "fp8", "8bit": "int8", "4bit": "int4",
}  # fmt: skip


def weight_type(name: Any, bits_per_weight: Any = None) -> WeightType:
    """The format of that name, or of a stated average of bits over all weights. Raises `SizingError` naming the known ones."""
    if bits_per_weight is not None:
        bits = exact(bits_per_weight, "bits_per_weight", low=0, high=64)
        return WeightType(
            f"{float(bits):g} bits", bits, "all", f"平均每个权重 {float(bits):g} 位", f"{float(bits):g} bits a weight on average"
        )
    if isinstance(name, WeightType):
        return name
    word = str(name).strip().lower().replace(" ", "")
    word = WEIGHT_ALIASES.get(word, word)
    if word not in WEIGHT_TYPES:
        known = ", ".join(WEIGHT_TYPES)
        raise SizingError(
            f"weight_dtype is {name!r}; known formats: {known}; for any other give bits_per_weight, e.g. 3.5",
            f"不认识的权重格式 {name!r}；支持：{known}；其他格式请直接给 bits_per_weight（每权重位数）",
        )
    return WEIGHT_TYPES[word]


def kv_bits(name: Any) -> int:
    """Bits of one cached value. Raises `SizingError` naming the known formats."""
    word = str(name).strip().lower().replace(" ", "")
    word = KV_ALIASES.get(word, word)
    if word not in KV_BITS:
        raise SizingError(
            f"kv_dtype is {name!r}; known formats: {', '.join(KV_BITS)}", f"不认识的 KV 缓存格式 {name!r}；支持：{', '.join(KV_BITS)}"
        )
    return KV_BITS[word]
