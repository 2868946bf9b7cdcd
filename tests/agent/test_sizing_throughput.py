"""The roofline: which term decides, and how the metrics relate."""

from __future__ import annotations

from typing import Any

import pytest

from agent.sizing.arch import architecture
from agent.sizing.errors import DoesNotFitError, SizingError
from agent.sizing.latency import latency_target
from agent.sizing.params import compute_parameters, split, touched_share
from agent.sizing.throughput import LIKELY_HIGH, LIKELY_LOW, throughput

LLAMA = architecture(
    {
        "num_hidden_layers": 32,
        "hidden_size": 4096,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 14336,
        "vocab_size": 128256,
    }
)
H100: dict[str, Any] = {"memory_bandwidth_gbps": 3350, "dense_bf16_tflops": 989, "dense_fp8_tflops": 1979, "memory_bytes": 85_040_000_000}
STREAMED = 8_030_261_248 - 128_256 * 4096


def test_decode_is_bandwidth_over_what_a_step_reads() -> None:
    result = throughput(LLAMA, H100, "decode", batch=4, context_tokens=2000, mbu=0.5, step_overhead_s=0)
    assert result.value == pytest.approx(4 / ((STREAMED * 2 + 4 * 2000 * 131_072) / (3350e9 * 0.5)), rel=1e-9)
    assert result.bound == "memory"
    assert (result.low, result.high) == (result.value * LIKELY_LOW, result.value * LIKELY_HIGH)


def test_a_large_batch_is_bound_by_compute_unless_the_basis_is_memory() -> None:
    options: dict[str, Any] = {"batch": 4096, "context_tokens": 0, "step_overhead_s": 0}
    bound = throughput(LLAMA, H100, "decode", **options)
    free = throughput(LLAMA, H100, "decode", basis="memory_bound", **options)
    assert (bound.bound, free.bound) == ("compute", "memory")
    assert bound.value == pytest.approx(989e12 * 0.45 / (2 * STREAMED), rel=1e-9)
    assert free.value > bound.value


def test_memory_bound_needs_no_compute_rate() -> None:
    spec = {"memory_bandwidth_gbps": 819}
    assert throughput(LLAMA, spec, "decode", batch=1, basis="memory_bound").value > 0
    with pytest.raises(SizingError, match="dense_bf16_tflops is missing"):
        throughput(LLAMA, spec, "decode", batch=1)


def test_the_fp8_peak_needs_fp8_weights_and_activations() -> None:
    rate = {dtype: throughput(LLAMA, H100, "prefill", input_tokens=1000, weight_dtype=dtype).value for dtype in ("bf16", "fp8", "int8")}
    kept = throughput(LLAMA, H100, "prefill", input_tokens=1000, weight_dtype="fp8", activation_dtype="bf16").value
    assert rate["fp8"] == pytest.approx(rate["bf16"] * 1979 / 989, rel=1e-9)
    assert rate["int8"] == rate["bf16"] == kept


def test_prefill_counts_causal_attention_once() -> None:
    tokens = 8000
    work = 2 * STREAMED * tokens + 4 * 32 * 32 * 128 * tokens * tokens / 2
    assert throughput(LLAMA, H100, "prefill", input_tokens=tokens, mfu=0.5).value == pytest.approx(
        tokens / (work / (989e12 * 0.5)), rel=1e-9
    )


def test_steady_state_carries_the_prompts_along() -> None:
    one = {"input_tokens": 900, "output_tokens": 300, "concurrency": 32}
    output, total = (throughput(LLAMA, H100, metric, **one) for metric in ("output", "total"))
    assert total.value == pytest.approx(output.value * 4)
    decode = throughput(LLAMA, H100, "decode", batch=32, context_tokens=1050)
    prefill = throughput(LLAMA, H100, "prefill", input_tokens=900)
    assert output.step_s == pytest.approx(decode.step_s + 32 * 900 / 300 / prefill.value, rel=1e-9)
    assert output.value == pytest.approx(32 / output.step_s)


@pytest.mark.parametrize(
    ("field", "limit"),
    [({"concurrency": 8}, "demand"), ({"max_batch": 8}, "engine"), ({"kv_budget_bytes": 8 * 1500 * 131_072}, "kv_memory")],
)
def test_the_batch_is_limited_by_demand_engine_or_cache(field: dict[str, Any], limit: str) -> None:
    result = throughput(LLAMA, H100, "output", input_tokens=1000, output_tokens=1000, **field)
    assert result.batch_limited_by == limit
    assert result.batch == pytest.approx(8, rel=0.01)


def test_a_model_that_does_not_fit_has_no_throughput() -> None:
    with pytest.raises(DoesNotFitError, match="no memory left"):
        throughput("Llama-3.1-70B", "4090", "output", input_tokens=100, output_tokens=100)


def test_more_gpus_are_faster_and_pcie_costs_more_per_layer() -> None:
    rates = [throughput(LLAMA, "A100 80GB", "decode", batch=1, n_gpus=n).value for n in (1, 2, 4)]
    assert rates == sorted(rates)
    nvlink = throughput(LLAMA, {**H100, "interconnect": "nvlink"}, "decode", batch=1, n_gpus=2)
    pcie = throughput(LLAMA, {**H100, "interconnect": "pcie"}, "decode", batch=1, n_gpus=2)
    assert pcie.step_s - nvlink.step_s == pytest.approx(32 * 80e-6)


def test_a_mixture_streams_only_the_experts_that_a_batch_touches() -> None:
    from agent.sizing.resolve import resolve_model

    moe = resolve_model("Qwen3-30B-A3B")
    one, many = (throughput(moe, "H100", "decode", batch=b, context_tokens=0, step_overhead_s=0, basis="memory_bound") for b in (1, 4096))
    parts = split(moe)  # type: ignore[arg-type]
    rest = parts.total - parts.routed_experts - parts.input_embedding
    assert 1 / one.step_s == pytest.approx(3350e9 * 0.8 / (2 * (rest + parts.routed_experts * 8 / 128)), rel=1e-6)
    assert 1 / many.step_s == pytest.approx(3350e9 * 0.8 / (2 * (rest + parts.routed_experts)), rel=1e-6)
    assert touched_share(moe.moe, 1) == pytest.approx(8 / 128)  # type: ignore[union-attr, arg-type]


def test_efficiency_defaults_follow_the_kind_of_model() -> None:
    def mfu(model: str, n: int) -> float:
        line = throughput(model, "H200", "prefill", input_tokens=1000, n_gpus=n).steps_en[0]
        return float(line.split("MFU ")[1].split(",")[0])

    assert (mfu("Llama-3.1-8B", 1), mfu("Qwen3-30B-A3B", 1), mfu("Qwen3-235B-A22B", 8)) == (0.45, 0.3, 0.15)


def test_first_token_waits_for_queue_prefill_and_one_step() -> None:
    plain = throughput(LLAMA, H100, "ttft", input_tokens=2000)
    queued = throughput(LLAMA, H100, "ttft", input_tokens=2000, queue_s=1.5)
    prefill = throughput(LLAMA, H100, "prefill", input_tokens=2000)
    assert plain.unit == "s"
    assert plain.value == pytest.approx(2000 / prefill.value + plain.step_s)
    assert queued.value == pytest.approx(plain.value + 1.5)


def test_an_embedding_that_is_the_head_is_read_in_every_step() -> None:
    tied = architecture(
        {
            **{
                f: getattr(LLAMA, f) for f in ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size")
            },
            "tie_word_embeddings": True,
        }
    )
    assert compute_parameters(tied) == split(tied).total
    assert compute_parameters(LLAMA) == STREAMED


def test_a_latency_target_gives_the_largest_batch_that_meets_it() -> None:
    options: dict[str, Any] = {"input_tokens": 1000, "output_tokens": 500}
    found = latency_target(LLAMA, H100, min_tokens_per_s_per_request=30, **options)
    assert found.met and found.tokens_per_s_per_request >= 30
    over = throughput(LLAMA, H100, "output", concurrency=found.max_batch + 1, max_batch=5000, kv_budget_bytes=10**15, **options)
    assert (over.per_request_tokens_per_s or 0) < 30
    missed = latency_target(LLAMA, H100, min_tokens_per_s_per_request=10_000, **options)
    assert (missed.max_batch, missed.missed) == (0, "tokens_per_s_per_request")
    assert latency_target(LLAMA, H100, max_ttft_s=0.001, **options).missed == "ttft"
    with pytest.raises(SizingError, match="no target"):
        latency_target(LLAMA, H100, **options)
