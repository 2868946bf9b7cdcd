"""How many requests fit, and how many GPUs it takes: memory only, speed is `agent.sizing.throughput`.

Budget of one GPU = utilisation * visible memory - its weights - overhead (activations of the profiling pass, the runtime's
own context and communication buffers). What is left holds the KV cache, in pages of 16 tokens as in vLLM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from agent.sizing.budget import DEFAULT_ALLOWED_COUNTS, DEFAULT_BLOCK_TOKENS, DEFAULT_UTILIZATION, deployment_memory, layout, node_share
from agent.sizing.errors import DoesNotFitError, SizingError
from agent.sizing.inputs import GB, MAX_CONTEXT, exact, whole
from agent.sizing.memory import architecture_of, kv_per_token, kv_sequence, stand_in, weights
from agent.sizing.models import ModelLike, as_model
from agent.sizing.resolve import resolve_gpu
from agent.sizing.steps import Calculation, Steps, count, size


@dataclass(frozen=True, kw_only=True)
class CardsForWeights(Calculation):
    """`cards` hold the weights and nothing else: a lower bound, not a deployment."""

    cards: int
    weights_bytes: Fraction
    weights_gb: float
    card_memory_gb: float
    ratio: float


def cards_for_weights(
    model: ModelLike | str | int | float, weight_dtype: Any = None, card_memory_gb: Any = None, *, gpu: Any = None
) -> CardsForWeights:
    """Cards that hold the weights alone: ceil(weight bytes / card memory), card memory in GB of 10^9 bytes as it is labelled.

    Name the card's memory or a `gpu`. KV cache, activations and the divisibility of heads are left out on purpose.
    """
    result = weights(model, weight_dtype)
    if (card_memory_gb is None) == (gpu is None):
        raise SizingError("give either card_memory_gb or gpu")
    memory = (
        exact(card_memory_gb, "card_memory_gb", high=10**6, kind="gb") * GB if card_memory_gb is not None else resolve_gpu(gpu).memory()
    )
    ratio = result.bytes / memory
    cards = -(-ratio.numerator // ratio.denominator)
    steps = Steps()
    steps.extend(result)
    steps.add(
        f"只放权重：{float(result.bytes / GB):,.2f} GB ÷ {float(memory / GB):,.4g} GB/卡 = {float(ratio):.2f}，向上取整 = {cards} 张卡",
        f"weights only: {float(result.bytes / GB):,.2f} GB ÷ {float(memory / GB):,.4g} GB a card = {float(ratio):.2f}, rounded up = {cards}"
        f" card{_s(cards)}",
    )
    steps.add(
        "未计入 KV 缓存、激活值和运行时开销，也未考虑张量并行要整除注意力头数",
        "KV cache, activations and runtime overhead are not included, nor that tensor parallelism must divide the heads",
    )
    return CardsForWeights(
        cards=cards,
        weights_bytes=result.bytes,
        weights_gb=result.gb,
        card_memory_gb=float(memory / GB),
        ratio=float(ratio),
        steps_zh=steps.zh,
        steps_en=steps.en,
    )


@dataclass(frozen=True, kw_only=True)
class Concurrency(Calculation):
    """Capacity for sessions of `context_tokens`. `requests_windowed`: if the engine frees what lies past a sliding window."""

    kv_tokens: int
    context_tokens: int | None
    ratio: float | None
    requests: int | None
    requests_windowed: int | None
    kv_budget_bytes_per_gpu: Fraction
    kv_bytes_per_token_per_gpu: Fraction
    weights_bytes_per_gpu: Fraction | None
    n_gpus: int
    tensor_parallel: int
    pipeline_parallel: int
    bound: str


def max_concurrency(
    model: ModelLike | str,
    *,
    gpu: Any = None,
    gpu_memory_bytes: Any = None,
    n_gpus: Any = None,
    tensor_parallel: Any = None,
    pipeline_parallel: Any = None,
    memory_utilization: Any = DEFAULT_UTILIZATION,
    overhead_bytes_per_gpu: Any = None,
    weights_bytes: Any = None,
    weights_bytes_per_gpu: Any = None,
    weight_dtype: Any = None,
    bits_per_weight: Any = None,
    kv_budget_bytes: Any = None,
    kv_budget_bytes_per_gpu: Any = None,
    kv_dtype: Any = "bf16",
    context_tokens: Any = None,
    block_tokens: Any = DEFAULT_BLOCK_TOKENS,
    honour_windows: bool = False,
) -> Concurrency:
    """Tokens of KV cache that fit, and sessions of `context_tokens` (prompt and answer together).

    KV tokens = floor(budget of a GPU / KV bytes of a token on it / block) * block, which is the sum over GPUs where heads
    divide evenly and the smaller truth where a latent or heads are replicated. Sessions = KV tokens / context. The
    utilisation is the share of visible memory the engine may take (vLLM: 0.9). A budget below zero gives 0 and says so.
    """
    found = as_model(model)
    a = architecture_of(found)
    split_over = layout(a, n_gpus, tensor_parallel, pipeline_parallel)
    n = split_over.n_gpus
    steps = Steps()
    stand_in(found, steps)
    rank = kv_per_token(a, kv_dtype, tensor_parallel=split_over.tensor_parallel, pipeline_parallel=split_over.pipeline_parallel)
    per_gpu_weights: Fraction | None = None
    if kv_budget_bytes_per_gpu is not None:
        budget = exact(kv_budget_bytes_per_gpu, "kv_budget_bytes_per_gpu", zero=True, kind="bytes")
        steps.add(f"给定每卡 KV 预算 {size(budget)}", f"given KV budget a GPU: {size(budget)}")
    elif kv_budget_bytes is not None:
        budget = exact(kv_budget_bytes, "kv_budget_bytes", zero=True, kind="bytes") / n
        steps.add(f"给定 KV 预算共 {size(budget * n)}", f"given KV budget: {size(budget * n)}")
    else:
        memory = deployment_memory(
            found,
            gpu,
            gpu_memory_bytes,
            memory_utilization,
            overhead_bytes_per_gpu,
            n,
            weights_bytes,
            weights_bytes_per_gpu,
            weight_dtype,
            bits_per_weight,
            steps,
        )
        per_gpu_weights = memory.weights / n
        budget = memory.utilization * memory.gpu - per_gpu_weights - memory.overhead
        steps.add(
            f"每卡 KV 预算 = {float(memory.utilization):g} × {size(memory.gpu)} − 权重 {size(per_gpu_weights)} − 开销"
            f" {size(memory.overhead)} = {size(budget)}",
            f"KV budget a GPU = {float(memory.utilization):g} × {size(memory.gpu)} − weights {size(per_gpu_weights)} − overhead"
            f" {size(memory.overhead)} = {size(budget)}",
        )
    block = whole(block_tokens, "block_tokens", high=65_536)
    kv_tokens = max(0, int(budget / rank / block)) * block
    steps.add(
        f"每卡每 token KV {count(rank)} 字节 → 可容纳 {count(kv_tokens)} 个 token（按 {block} 个一页取整；{n} 张卡，"
        f"TP={split_over.tensor_parallel}，PP={split_over.pipeline_parallel}）",
        f"KV a token on a GPU {count(rank)} bytes → room for {count(kv_tokens)} tokens (whole pages of {block}; {n} GPU{_s(n)},"
        f" TP={split_over.tensor_parallel}, PP={split_over.pipeline_parallel})",
    )
    context = ratio = requests = windowed = None
    bound = "weights" if budget <= 0 else "kv_cache"
    if context_tokens is not None:
        context = whole(context_tokens, "context_tokens", high=MAX_CONTEXT, kind="tokens")
        exact_ratio = Fraction(kv_tokens, context)
        sequence = kv_sequence(
            a, context, kv_dtype, tensor_parallel=split_over.tensor_parallel, pipeline_parallel=split_over.pipeline_parallel
        )
        windowed = max(0, int(budget / sequence)) if a.window and sequence else None
        if honour_windows and a.window and sequence:
            exact_ratio = max(Fraction(0), budget / sequence)
        ratio, requests = round(float(exact_ratio), 2), int(exact_ratio)
        steps.add(
            f"最大并发 = {count(kv_tokens)} ÷ 每会话 {count(context)} token = {ratio:.2f}，即 {requests} 个完整会话",
            f"maximum concurrency = {count(kv_tokens)} ÷ {count(context)} tokens a session = {ratio:.2f}, that is {requests} whole"
            f" session{_s(requests)}",
        )
        if windowed is not None:
            steps.add(f"引擎若利用滑动窗口：{windowed} 个会话", f"with an engine that uses the sliding window: {windowed} sessions")
    if budget <= 0:
        steps.add("权重和开销已超过可用显存：放不下", "weights and overhead exceed the usable memory: it does not fit")
    return Concurrency(
        kv_tokens=kv_tokens, context_tokens=context, ratio=ratio, requests=requests, requests_windowed=windowed,
        kv_budget_bytes_per_gpu=budget,
        kv_bytes_per_token_per_gpu=rank, weights_bytes_per_gpu=per_gpu_weights, n_gpus=n, tensor_parallel=split_over.tensor_parallel,
        pipeline_parallel=split_over.pipeline_parallel, bound=bound, steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


_BOUND_WORDS = {
    "weights": ("权重", "the weights"),
    "kv_cache": ("KV 缓存", "the KV cache"),
    "head_divisibility": ("注意力头的整除", "head divisibility"),
    "kv_replication": ("每张卡重复存放的 KV", "KV heads or latents copied to every GPU"),
}


@dataclass(frozen=True, kw_only=True)
class GpusNeeded(Calculation):
    """`gpus` of one kind hold weights and `concurrency` sessions. `bound`: what decided the count."""

    gpus: int
    tensor_parallel: int
    pipeline_parallel: int
    bound: str
    needed_bytes: Fraction
    usable_bytes: Fraction
    weights_bytes: Fraction
    kv_bytes: Fraction
    spare_requests: int
    min_gpus_by_memory: int
    passed_over: tuple[str, ...] = ()


def gpus_needed(
    model: ModelLike | str,
    *,
    context_tokens: Any,
    concurrency: Any = 1,
    gpu: Any = None,
    gpu_memory_bytes: Any = None,
    allowed_counts: Sequence[Any] | None = None,
    tensor_parallel: Any = None,
    memory_utilization: Any = DEFAULT_UTILIZATION,
    overhead_bytes_per_gpu: Any = None,
    weights_bytes: Any = None,
    weights_bytes_per_gpu: Any = None,
    weight_dtype: Any = None,
    bits_per_weight: Any = None,
    kv_dtype: Any = "bf16",
    honour_windows: bool = False,
) -> GpusNeeded:
    """The smallest allowed number of GPUs for `concurrency` sessions of `context_tokens` at once.

    n * (utilisation * visible - overhead) >= weights + sessions * context * KV per token; where tensor parallelism copies
    KV heads or a latent, the same for one rank. Up to 8 GPUs are one tensor-parallel group, which must divide the query
    heads; more are groups of up to 8 joined by pipeline stages. Raises `DoesNotFitError` if no allowed count will do.
    """
    found = as_model(model)
    a = architecture_of(found)
    steps = Steps()
    stand_in(found, steps)
    counts = sorted(
        {whole(n, "allowed_counts", high=100_000) for n in (DEFAULT_ALLOWED_COUNTS if allowed_counts is None else allowed_counts)}
    )
    if not counts:
        raise SizingError("allowed_counts is empty; expected counts such as [1, 2, 4, 8]")
    context = whole(context_tokens, "context_tokens", high=MAX_CONTEXT, kind="tokens")
    sessions = whole(concurrency, "concurrency")
    memory = deployment_memory(
        found,
        gpu,
        gpu_memory_bytes,
        memory_utilization,
        overhead_bytes_per_gpu,
        1,
        weights_bytes,
        weights_bytes_per_gpu,
        weight_dtype,
        bits_per_weight,
        steps,
    )
    usable = memory.utilization * memory.gpu - memory.overhead
    if usable <= 0:
        raise DoesNotFitError(
            f"a GPU of {size(memory.gpu)} has nothing left after {size(memory.overhead)} of overhead",
            f"{size(memory.gpu)} 的卡扣除 {size(memory.overhead)} 开销后没有可用显存",
        )
    steps.add(
        f"每卡可用 = {float(memory.utilization):g} × {size(memory.gpu)} − 开销 {size(memory.overhead)} = {size(usable)}",
        f"usable a GPU = {float(memory.utilization):g} × {size(memory.gpu)} − overhead {size(memory.overhead)} = {size(usable)}",
    )

    def session_bytes(tp: int, pp: int) -> Fraction:
        one = (
            kv_sequence(a, context, kv_dtype, tensor_parallel=tp, pipeline_parallel=pp)
            if honour_windows
            else context * kv_per_token(a, kv_dtype, tensor_parallel=tp, pipeline_parallel=pp)
        )
        return one

    whole_kv = sessions * session_bytes(1, 1)
    by_memory = -(-(memory.weights + whole_kv) // usable)
    steps.add(
        f"需要 = 权重 {size(memory.weights)} + {count(sessions)} 个会话 × {count(context)} token × KV {count(kv_per_token(a, kv_dtype))}"
        f" 字节 = {size(memory.weights + whole_kv)}",
        f"needed = weights {size(memory.weights)} + {count(sessions)} session{_s(sessions)} × {count(context)} tokens × KV"
        f" {count(kv_per_token(a, kv_dtype))} bytes = {size(memory.weights + whole_kv)}",
    )
    passed: list[str] = []
    heads_decided = copies_decided = False
    for n in counts:
        tp = whole(tensor_parallel, "tensor_parallel", high=4096) if tensor_parallel is not None else node_share(n, a.num_attention_heads)
        if n % tp or a.num_attention_heads % tp or n // tp > a.num_hidden_layers:
            passed.append(f"{n}: TP={tp} does not divide {a.num_attention_heads} heads")
            heads_decided = heads_decided or n >= by_memory
            continue
        pp = n // tp
        own_weights = memory.weights / (n if weights_bytes_per_gpu is None else 1)
        rank_needed = own_weights + sessions * session_bytes(tp, pp)
        if rank_needed > usable:
            passed.append(f"{n}: {size(rank_needed)} a GPU > {size(usable)}")
            copies_decided = copies_decided or n >= by_memory
            continue
        if heads_decided or copies_decided:
            bound = "head_divisibility" if heads_decided else "kv_replication"
        else:
            bound = _bound(memory.weights, whole_kv, usable, n, counts)
        spare = int((usable - own_weights) / session_bytes(tp, pp)) - sessions
        words = _BOUND_WORDS[bound]
        steps.add(
            f"最小可用张数 = {n}（TP={tp}，PP={pp}；每卡 {size(rank_needed)} ≤ {size(usable)}；决定因素：{words[0]}；还能再容纳 {spare}"
            " 个会话）",
            f"smallest count that works = {n} (TP={tp}, PP={pp}; {size(rank_needed)} a GPU ≤ {size(usable)}; decided by {words[1]}; room"
            f" for {spare} more session{_s(spare)})",
        )
        return GpusNeeded(
            gpus=n, tensor_parallel=tp, pipeline_parallel=pp, bound=bound, needed_bytes=memory.weights + whole_kv, usable_bytes=usable * n,
            weights_bytes=memory.weights, kv_bytes=whole_kv, spare_requests=spare, min_gpus_by_memory=by_memory, passed_over=tuple(passed),
            steps_zh=steps.zh, steps_en=steps.en,
        )  # fmt: skip
    raise DoesNotFitError(
        f"none of {counts} GPUs works: {size(memory.weights + whole_kv)} are needed, a GPU offers {size(usable)}, so at least {by_memory}"
        f" by memory alone; tried {'; '.join(passed)}",
        f"{counts} 张卡都不行：共需 {size(memory.weights + whole_kv)}，每卡可用 {size(usable)}，仅按显存就至少要 {by_memory} 张",
    )


def _bound(weights_total: Fraction, kv_total: Fraction, usable: Fraction, n: int, counts: Sequence[int]) -> str:
    """Weights decide if they alone would not fit the next smaller allowed count."""
    smaller = [c for c in counts if c < n]
    if not smaller:
        return "weights" if weights_total >= kv_total else "kv_cache"
    return "weights" if weights_total > smaller[-1] * usable else "kv_cache"


def _s(number: int) -> str:
    """The plural ending that a count takes in English."""
    return "" if number == 1 else "s"
