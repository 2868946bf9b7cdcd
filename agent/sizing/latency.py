"""Latency targets: how many requests at once still answer fast enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.sizing.errors import SizingError
from agent.sizing.inputs import MAX_CONTEXT, MAX_COUNT, exact, whole
from agent.sizing.steps import Calculation, Steps, count
from agent.sizing.throughput import DEFAULT_MAX_BATCH, Engine, engine


@dataclass(frozen=True, kw_only=True)
class Latency(Calculation):
    """`max_batch` requests in flight keep both targets; 0 if even one alone does not. `missed` names the target that fails."""

    max_batch: int
    ttft_s: float
    tokens_per_s_per_request: float
    met: bool
    missed: str


def _steady_step(settled: Engine, batch: int, prompt: int, answer: int) -> float:
    """Seconds of one step with its share of prefill."""
    decode, _ = settled.step_seconds(batch, prompt + answer / 2)
    return decode + (settled.prefill_seconds(batch * prompt / answer, prompt) if prompt else 0.0)


def latency_target(
    model: Any,
    gpu: Any,
    *,
    input_tokens: Any,
    output_tokens: Any,
    min_tokens_per_s_per_request: Any = None,
    max_ttft_s: Any = None,
    batch_limit: Any = DEFAULT_MAX_BATCH,
    **engine_options: Any,
) -> Latency:
    """The largest batch at which each request still gets `min_tokens_per_s_per_request` and its first token within `max_ttft_s`.

    Steady state as in `throughput`; TTFT is the prompt's own prefill plus one step, without queueing. 10 tokens/s is about
    a fast reading speed. Further options are those of `throughput.engine` (n_gpus, weight_dtype, kv_dtype, mbu, ...).
    """
    if min_tokens_per_s_per_request is None and max_ttft_s is None:
        raise SizingError("no target: give min_tokens_per_s_per_request, max_ttft_s or both")
    prompt = whole(input_tokens, "input_tokens", low=0, high=MAX_CONTEXT, kind="tokens")
    answer = whole(output_tokens, "output_tokens", high=MAX_CONTEXT, kind="tokens")
    slowest = (
        1 / float(exact(min_tokens_per_s_per_request, "min_tokens_per_s_per_request", high=10**6))
        if min_tokens_per_s_per_request is not None
        else float("inf")
    )
    longest = float(exact(max_ttft_s, "max_ttft_s", high=10**6, kind="seconds")) if max_ttft_s is not None else float("inf")
    most = whole(batch_limit, "batch_limit", high=MAX_COUNT)
    settled, _, _, steps = engine(model, gpu, **engine_options)
    alone = settled.prefill_seconds(prompt, prompt) if prompt else 0.0

    def step(batch: int) -> float:
        return _steady_step(settled, batch, prompt, answer)

    def good(batch: int) -> bool:
        return step(batch) <= slowest and alone + step(batch) <= longest

    best = 0
    if good(1):
        low, high = 1, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if good(middle) else (low, middle - 1)
        best = low
    at = max(best, 1)
    missed = "" if best else "ttft" if alone + step(1) > longest else "tokens_per_s_per_request"
    _account(steps, best, at, alone + step(at), 1 / step(at), slowest, longest)
    return Latency(
        max_batch=best,
        ttft_s=alone + step(at),
        tokens_per_s_per_request=1 / step(at),
        met=best > 0,
        missed=missed,
        steps_zh=steps.zh,
        steps_en=steps.en,
    )


def _account(steps: Steps, best: int, at: int, ttft: float, rate: float, slowest: float, longest: float) -> None:
    wanted_zh, wanted_en = [], []
    if slowest != float("inf"):
        wanted_zh.append(f"每请求 ≥ {1 / slowest:g} tokens/s")
        wanted_en.append(f"≥ {1 / slowest:g} tokens/s a request")
    if longest != float("inf"):
        wanted_zh.append(f"首字 ≤ {longest:g} s")
        wanted_en.append(f"first token ≤ {longest:g} s")
    steps.add(f"目标：{'，'.join(wanted_zh)}", f"target: {', '.join(wanted_en)}")
    if best:
        steps.add(
            f"同时最多 {count(best)} 个请求（此时每请求 {rate:,.1f} tokens/s，首字 {ttft:.2f} s）",
            f"at most {count(best)} requests at once (each then {rate:,.1f} tokens/s, first token {ttft:.2f} s)",
        )
    else:
        steps.add(
            f"单个请求也达不到（{rate:,.1f} tokens/s，首字 {ttft:.2f} s）：需要更快的卡、更多卡或更小的模型",
            f"not even one request meets it ({rate:,.1f} tokens/s, first token {ttft:.2f} s): faster or more GPUs, or a smaller model",
        )
