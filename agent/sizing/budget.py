"""The memory of a deployment before anything is cached: how GPUs share a model, what each offers, what weights and overhead take."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from agent.sizing.arch import Architecture
from agent.sizing.errors import SizingError
from agent.sizing.gpus import ASSUMED_VISIBLE_SHARE, Gpu
from agent.sizing.inputs import GIB, MAX_BYTES, exact, share, whole
from agent.sizing.memory import check_parallel, weights
from agent.sizing.models import ModelLike
from agent.sizing.params import split
from agent.sizing.resolve import resolve_gpu
from agent.sizing.steps import Steps, size

DEFAULT_UTILIZATION = Fraction(9, 10)
DEFAULT_BLOCK_TOKENS = 16
DEFAULT_ALLOWED_COUNTS = (1, 2, 4, 8, 16)
OVERHEAD_BYTES = 2 * GIB
OVERHEAD_BYTES_LARGE_MOE = 4 * GIB
LARGE_MOE_PARAMETERS = 100 * 10**9
NODE_GPUS = 8
"""GPUs joined by tensor parallelism in one machine; more are several machines joined by pipeline parallelism."""


def default_overhead(model: ModelLike) -> int:
    """Bytes a GPU needs beside weights and cache: 2 GiB, 4 GiB for a mixture of experts of 100B and more."""
    large = isinstance(model, Architecture) and model.moe is not None and split(model).total >= LARGE_MOE_PARAMETERS
    return OVERHEAD_BYTES_LARGE_MOE if large else OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Layout:
    """How `n_gpus` hold one copy of the model: tensor parallel size times pipeline stages."""

    n_gpus: int
    tensor_parallel: int
    pipeline_parallel: int


def layout(a: Architecture, n_gpus: Any = None, tensor_parallel: Any = None, pipeline_parallel: Any = None) -> Layout:
    """The split that is asked for; what is missing follows: TP = GPUs up to 8, the rest are pipeline stages."""
    tp = whole(tensor_parallel, "tensor_parallel", high=4096) if tensor_parallel is not None else None
    pp = whole(pipeline_parallel, "pipeline_parallel", high=4096) if pipeline_parallel is not None else None
    if n_gpus is None:
        n = (tp or 1) * (pp or 1)
    else:
        n = whole(n_gpus, "n_gpus", high=100_000)
    if tp is None:
        tp = n // pp if pp else node_share(n, a.num_attention_heads)
    if pp is None:
        pp = n // tp
    if tp * pp != n:
        raise SizingError(f"{n} GPUs are not tensor_parallel {tp} × pipeline_parallel {pp}; expected their product")
    check_parallel(a, tp, pp)
    return Layout(n, tp, pp)


def node_share(n: int, heads: int) -> int:
    """The tensor-parallel size of `n` GPUs: all of them within a node, else the largest share of a node that divides them and the heads."""
    if n <= NODE_GPUS:
        return n
    return next((size for size in range(NODE_GPUS, 1, -1) if n % size == 0 and heads % size == 0), 1)


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory side of a deployment, in bytes: one GPU, the overhead on it, and the weights over all GPUs."""

    gpu: Fraction
    utilization: Fraction
    overhead: Fraction
    weights: Fraction


def deployment_memory(
    model: ModelLike,
    gpu: Any,
    gpu_memory_bytes: Any,
    memory_utilization: Any,
    overhead_bytes_per_gpu: Any,
    n: int,
    weights_bytes: Any,
    weights_bytes_per_gpu: Any,
    weight_dtype: Any,
    bits_per_weight: Any,
    steps: Steps,
) -> Memory:
    card = resolve_gpu(gpu) if gpu is not None else None
    if gpu_memory_bytes is not None:
        memory = exact(gpu_memory_bytes, "gpu_memory_bytes", high=MAX_BYTES, kind="bytes")
    elif card is not None:
        memory = card_memory(card, steps)
    else:
        raise SizingError("gpu_memory_bytes is missing: give it, or a gpu by name", "缺少显存：请给 gpu_memory_bytes 或显卡型号")
    if weights_bytes_per_gpu is not None:
        total = exact(weights_bytes_per_gpu, "weights_bytes_per_gpu", zero=True, kind="bytes") * n
    elif weights_bytes is not None:
        total = exact(weights_bytes, "weights_bytes", zero=True, kind="bytes")
    else:
        result = weights(model, weight_dtype, bits_per_weight=bits_per_weight)
        steps.extend(result)
        total = result.bytes
    overhead = (
        exact(overhead_bytes_per_gpu, "overhead_bytes_per_gpu", zero=True, kind="bytes")
        if overhead_bytes_per_gpu is not None
        else Fraction(default_overhead(model))
    )
    return Memory(memory, share(memory_utilization, "memory_utilization"), overhead, total)


def card_memory(card: Gpu, steps: Steps) -> Fraction:
    memory = card.memory()
    if card.memory_note == "assumed":
        steps.add(
            f"假设：{card.name} 运行时可见显存按标称的 {float(ASSUMED_VISIBLE_SHARE):.0%} = {size(memory)}",
            f"assumption: {card.name} shows {float(ASSUMED_VISIBLE_SHARE):.0%} of its nominal memory = {size(memory)}",
        )
    else:
        steps.add(f"{card.name} 可见显存 {size(memory)}", f"{card.name} visible memory {size(memory)}")
    return memory
