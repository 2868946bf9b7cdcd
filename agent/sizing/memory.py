"""Bytes of weights and of the key/value cache."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from agent.sizing.arch import Architecture
from agent.sizing.dtypes import WeightType, kv_bits, weight_type
from agent.sizing.errors import SizingError
from agent.sizing.inputs import GB, GIB, MAX_CONTEXT, MAX_PARAMETERS, exact, one_of, whole
from agent.sizing.models import ModelLike, StatedModel, as_model
from agent.sizing.params import split
from agent.sizing.steps import Calculation, Steps, billions, count, size

PER = ("token", "marginal_token", "sequence")


@dataclass(frozen=True, kw_only=True)
class Weights(Calculation):
    """Bytes of the stored or loaded weights; `bytes_per_gpu` after splitting over tensor and pipeline parallel ranks."""

    model: str
    weight_dtype: str
    parameters: int
    bytes: Fraction
    bytes_per_gpu: Fraction
    gb: float
    gib: float
    from_checkpoint: bool = False


def weight_bytes(model: Architecture, kind: WeightType, *, stored_head_copy: bool = False) -> Fraction:
    """Bytes by coverage of the format: everything; matrices of linear layers; routed experts only. The rest is 16 bit."""
    parts = split(model)
    copy = parts.input_embedding if stored_head_copy and model.tie_word_embeddings else 0
    covered = {"all": parts.total + copy, "linear": parts.linear + parts.routed_experts, "experts": parts.routed_experts}[kind.covers]
    return (covered * kind.bits + (parts.total + copy - covered) * 16) / 8


def weights(
    model: ModelLike | str | int | float,
    weight_dtype: Any = None,
    *,
    bits_per_weight: Any = None,
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    stored_head_copy: bool = False,
) -> Weights:
    """Bytes of a model's weights.

    unquantised: parameters * width. 8 and 4 bit: linear layers at that width (int4 with its scales), embedding and head at
    2 bytes. mxfp4_experts: routed experts at 4.25 bit, the rest at 2 bytes. Where a published checkpoint's own size is known
    and asked for in its own format, that size. With a bare parameter count everything is taken at the format's plain width.
    No `weight_dtype`: the published one, else bf16.
    """
    model = as_model(model)
    ranks = whole(tensor_parallel, "tensor_parallel") * whole(pipeline_parallel, "pipeline_parallel")
    steps = Steps()
    stored = False
    if isinstance(model, StatedModel):
        kind = weight_type(weight_dtype or "bf16", bits_per_weight)
        bits = Fraction(int(kind.bits)) if kind.covers != "all" else kind.bits
        total, number = model.parameters, model.parameters * bits / 8
        extra = (
            ("；量化的缩放系数和 16 位词嵌入会再多几个百分点", "; scales and 16-bit embeddings add a few percent")
            if kind.covers != "all"
            else ("", "")
        )
        steps.add(
            f"权重 = 参数量 {billions(total)} × {float(bits):g} 位 ÷ 8 = {size(number)}（{kind.name}{extra[0]}）",
            f"weights = {billions(total)} parameters × {float(bits):g} bit ÷ 8 = {size(number)} ({kind.name}{extra[1]})",
        )
    else:
        kind = weight_type(weight_dtype or model.checkpoint_dtype, bits_per_weight)
        total = split(model).total
        stored = model.checkpoint_bytes is not None and bits_per_weight is None and _same_format(kind.name, model.checkpoint_dtype)
        number = Fraction(model.checkpoint_bytes or 0) if stored else weight_bytes(model, kind, stored_head_copy=stored_head_copy)
        how_zh, how_en = _coverage_words(kind)
        if stored:
            how_zh, how_en = "取自已发布权重文件的大小", "size of the published files"
        steps.add(
            f"{model.name} 权重：{billions(total)} 参数，{kind.name}（{how_zh}）= {size(number)}",
            f"{model.name} weights: {billions(total)} parameters as {kind.name} ({how_en}) = {size(number)}",
        )
    if ranks > 1:
        steps.add(f"分到 {ranks} 张卡：每卡 {size(number / ranks)}", f"split over {ranks} GPUs: {size(number / ranks)} each")
    return Weights(
        model=model.name,
        weight_dtype=kind.name,
        parameters=total,
        bytes=number,
        bytes_per_gpu=number / ranks,
        gb=float(number / GB),
        gib=float(number / GIB),
        from_checkpoint=stored,
        steps_zh=steps.zh,
        steps_en=steps.en,
    )


def _same_format(one: str, other: str) -> bool:
    return one == other or {one, other} == {"bf16", "fp16"}


def _coverage_words(kind: WeightType) -> tuple[str, str]:
    bits = f"{float(kind.bits):g}"
    if kind.covers == "linear":
        return f"线性层每权重 {bits} 位，词嵌入和输出头 16 位", f"linear layers {bits} bit a weight, embedding and head 16 bit"
    if kind.covers == "experts":
        return f"专家每权重 {bits} 位，其余 16 位", f"experts {bits} bit a weight, the rest 16 bit"
    return f"每权重 {bits} 位", f"{bits} bit a weight"


def kv_values_per_layer(a: Architecture, tensor_parallel: int = 1) -> Fraction:
    """Cached values for one token in one layer on one tensor-parallel rank.

    Keys and values of max(1, k/TP) heads; MLA caches one latent of c + r values, whole on every rank.
    """
    if a.mla:
        return Fraction(a.mla.kv_lora_rank + a.mla.qk_rope_head_dim)
    return 2 * a.head_dim * max(Fraction(1), Fraction(a.num_key_value_heads, tensor_parallel))


def check_parallel(a: Architecture, tensor_parallel: int, pipeline_parallel: int = 1) -> None:
    """Tensor parallelism must divide the query heads; pipeline stages cannot outnumber the layers."""
    if a.num_attention_heads % tensor_parallel:
        divisors = [n for n in (1, 2, 4, 8, 16, 32, 64) if a.num_attention_heads % n == 0]
        raise SizingError(
            f"tensor_parallel is {tensor_parallel}; it must divide the {a.num_attention_heads} query heads of {a.name}, e.g."
            f" {', '.join(map(str, divisors))}",
            f"张量并行 {tensor_parallel} 必须整除 {a.name} 的 {a.num_attention_heads} 个查询头，可用：{', '.join(map(str, divisors))}",
        )
    if pipeline_parallel > a.num_hidden_layers:
        raise SizingError(f"pipeline_parallel is {pipeline_parallel}; {a.name} has {a.num_hidden_layers} layers")


def kv_per_token(a: Architecture, kv_dtype: Any = "bf16", *, tensor_parallel: int = 1, pipeline_parallel: int = 1) -> Fraction:
    """Bytes of one token over all layers, on one rank if parallel sizes are given."""
    return kv_values_per_layer(a, tensor_parallel) * a.num_hidden_layers * kv_bits(kv_dtype) / 8 / pipeline_parallel


def kv_sequence(
    a: Architecture, context_tokens: Fraction | int, kv_dtype: Any = "bf16", *, tensor_parallel: int = 1, pipeline_parallel: int = 1
) -> Fraction:
    """Bytes of one sequence with windows honoured: full_layers*b*C + windowed_layers*b*min(C, w)."""
    layer = kv_values_per_layer(a, tensor_parallel) * kv_bits(kv_dtype) / 8 / pipeline_parallel
    tokens = Fraction(context_tokens)
    windowed = a.window.layers * min(tokens, Fraction(a.window.size)) if a.window else 0
    return layer * (a.full_layers * tokens + windowed)


@dataclass(frozen=True, kw_only=True)
class KvCache(Calculation):
    """`bytes` as asked for; `bytes_per_token` reserves every layer, `flat_sequence_bytes` what an engine without window support holds."""

    model: str
    bytes: Fraction
    per: str
    bytes_per_token: Fraction
    kv_dtype: str
    sequence_bytes: Fraction | None = None
    flat_sequence_bytes: Fraction | None = None


def kv_bytes(
    model: ModelLike | str,
    kv_dtype: Any = "bf16",
    *,
    per: str = "token",
    context_tokens: Any = None,
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
) -> KvCache:
    """Bytes of the key/value cache: 2*L*k*d*width for a token, L*(c+r)*width with MLA.

    `per`: `token` (all layers), `marginal_token` (one more token past the window: layers that see everything), `sequence`
    (`context_tokens` long, windows honoured). With parallel sizes: on one GPU. Weight quantisation does not change it.
    """
    found = as_model(model)
    a = architecture_of(found)
    what = one_of(per, "per", PER)
    check_parallel(a, whole(tensor_parallel, "tensor_parallel"), whole(pipeline_parallel, "pipeline_parallel"))
    bits = kv_bits(kv_dtype)
    token = kv_per_token(a, kv_dtype, tensor_parallel=tensor_parallel, pipeline_parallel=pipeline_parallel)
    steps = Steps()
    stand_in(found, steps)
    formula = (
        f"{a.num_hidden_layers} × ({a.mla.kv_lora_rank} + {a.mla.qk_rope_head_dim})"
        if a.mla
        else f"2 × {a.num_hidden_layers} × {count(max(Fraction(1), Fraction(a.num_key_value_heads, tensor_parallel)))} × {a.head_dim}"
    )
    steps.add(
        f"每 token 的 KV 缓存（{a.attention_kind}）= {formula} × {bits / 8:g} 字节"
        + (f" ÷ {pipeline_parallel} 级流水" if pipeline_parallel > 1 else "")
        + f" = {count(token)} 字节",
        f"KV cache for a token ({a.attention_kind}) = {formula} × {bits / 8:g} bytes"
        + (f" ÷ {pipeline_parallel} stages" if pipeline_parallel > 1 else "")
        + f" = {count(token)} bytes",
    )
    sequence = flat = None
    value = token
    if what == "marginal_token":
        value = token * a.full_layers / a.num_hidden_layers
        steps.add(
            f"超出窗口后每多一个 token：{a.full_layers} 个全注意力层 = {count(value)} 字节",
            f"one more token past the window: {a.full_layers} full layers = {count(value)} bytes",
        )
    if what == "sequence" and context_tokens is None:
        raise SizingError("per is sequence; context_tokens is missing")
    if context_tokens is not None:
        context = whole(context_tokens, "context_tokens", high=MAX_CONTEXT, kind="tokens")
        sequence = kv_sequence(a, context, kv_dtype, tensor_parallel=tensor_parallel, pipeline_parallel=pipeline_parallel)
        flat = token * context
        if what == "sequence":
            value = sequence
            steps.add(f"{count(context)} token 的会话 = {size(sequence)}", f"a session of {count(context)} tokens = {size(sequence)}")
            if flat != sequence:
                steps.add(f"引擎若不利用滑动窗口则占 {size(flat)}", f"an engine that does not use the window holds {size(flat)}")
    return KvCache(
        model=a.name, bytes=value, per=what, bytes_per_token=token, kv_dtype=str(kv_dtype), sequence_bytes=sequence,
        flat_sequence_bytes=flat,
        steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


def architecture_of(model: ModelLike) -> Architecture:
    """The architecture, or the stand-in of a model that is only stated by its size; an error where there is none."""
    if isinstance(model, Architecture):
        return model
    if model.stand_in is None:
        raise SizingError(
            f"{model.name}: only the parameter count is known; the KV cache and the speed depend on layers and heads. Name a model or give"
            " its config.json",
            f"{model.name}：只知道参数量；KV 缓存和速度取决于层数和注意力头数，请给出具体模型名或 config.json",
        )
    return model.stand_in


def stand_in(model: ModelLike, steps: Steps) -> None:
    """Says that an assumed architecture is used, where it is."""
    if isinstance(model, StatedModel) and model.stand_in is not None:
        steps.add(
            f"假设：只给了 {billions(model.parameters)} 参数，层数与注意力头按相近的 {model.stand_in.name} 计算",
            f"assumption: only {billions(model.parameters)} parameters were stated; layers and heads are those of {model.stand_in.name},"
            " the nearest known model",
        )


def stated_parameters(value: Any) -> int:
    """A parameter count as a number ("70B", 7e10)."""
    return int(exact(value, "parameters", low=0, high=MAX_PARAMETERS, kind="parameters"))
