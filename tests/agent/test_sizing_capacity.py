"""Memory, concurrency and GPU counts: rules that hold for every model, and the cases where they bite."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.sizing.arch import architecture
from agent.sizing.capacity import cards_for_weights, gpus_needed, max_concurrency
from agent.sizing.dtypes import WEIGHT_TYPES
from agent.sizing.errors import DoesNotFitError, SizingError
from agent.sizing.inputs import GIB
from agent.sizing.memory import kv_bytes, kv_per_token, kv_sequence, weight_bytes, weights
from agent.sizing.params import active_parameters, split
from agent.sizing.resolve import resolve_model

DENSE: dict[str, Any] = {
    "num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
    "vocab_size": 128256,
}  # fmt: skip
LLAMA = architecture(DENSE)
MLA = architecture(
    {
        **DENSE, "num_attention_heads": 128, "num_key_value_heads": 128,
        "mla": {"q_lora_rank": 1536, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128},
    }
)  # fmt: skip

shapes = st.builds(
    lambda layers, kv, group, dim, ffn, vocab, tied, window: architecture(
        {
            "num_hidden_layers": layers, "hidden_size": kv * group * dim, "num_attention_heads": kv * group, "num_key_value_heads": kv,
            "head_dim": dim,
            "intermediate_size": ffn, "vocab_size": vocab, "tie_word_embeddings": tied, "window": {"size": 1024,
            "layers": layers // 2} if window else None,
        }
    ),
    st.integers(1, 80), st.sampled_from([1, 2, 4, 8, 16]), st.sampled_from([1, 2, 4, 8]), st.sampled_from([64, 128]), st.integers(64,
    30_000),
    st.integers(1000, 200_000), st.booleans(), st.booleans(),
)  # fmt: skip


@given(shapes)
@settings(max_examples=60, deadline=None)
def test_a_narrower_format_never_takes_more_memory(model: Any) -> None:
    sizes = [weight_bytes(model, WEIGHT_TYPES[name]) for name in ("fp32", "bf16", "fp8", "int4")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] == 2 * split(model).total


@given(shapes, st.integers(1, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_session_never_takes_more_with_its_window_than_without(model: Any, context: int) -> None:
    flat = context * kv_per_token(model)
    assert kv_sequence(model, context) <= flat
    if model.window is None or context <= model.window.size:
        assert kv_sequence(model, context) == flat
    assert kv_per_token(model, "fp8") * 2 == kv_per_token(model, "bf16")


@given(shapes, st.integers(1, 64), st.integers(1, 32_768))
@settings(max_examples=60, deadline=None)
def test_the_smallest_count_holds_the_sessions_and_the_next_smaller_does_not(model: Any, sessions: int, context: int) -> None:
    options: dict[str, Any] = {"gpu_memory_bytes": 80 * GIB, "overhead_bytes_per_gpu": 2 * GIB}
    counts = [n for n in (1, 2, 4, 8) if model.num_attention_heads % n == 0]
    try:
        need = gpus_needed(model, context_tokens=context, concurrency=sessions, allowed_counts=counts, **options)
    except DoesNotFitError:
        room = max_concurrency(model, n_gpus=counts[-1], context_tokens=context, block_tokens=1, **options)
        assert room.requests is not None and room.requests < sessions
        return
    room = max_concurrency(model, n_gpus=need.gpus, context_tokens=context, block_tokens=1, **options)
    assert room.requests is not None and room.requests >= sessions
    assert room.requests - sessions == need.spare_requests
    smaller = [n for n in counts if n < need.gpus]
    if smaller:
        less = max_concurrency(model, n_gpus=smaller[-1], context_tokens=context, block_tokens=1, **options)
        assert less.requests is not None and less.requests < sessions


def test_key_value_heads_split_over_gpus_until_they_are_copied() -> None:
    whole = kv_bytes(LLAMA).bytes
    assert [kv_bytes(LLAMA, tensor_parallel=n).bytes for n in (1, 2, 8)] == [whole, whole / 2, whole / 8]
    assert kv_bytes(LLAMA, tensor_parallel=16).bytes == whole / 8


def test_a_latent_cache_is_whole_on_every_tensor_parallel_gpu_and_has_no_factor_two() -> None:
    assert kv_bytes(MLA).bytes == 32 * (512 + 64) * 2
    assert kv_bytes(MLA, tensor_parallel=8).bytes == kv_bytes(MLA).bytes
    assert kv_bytes(MLA, tensor_parallel=8, pipeline_parallel=2).bytes == kv_bytes(MLA).bytes / 2


def test_a_replicated_cache_counts_the_budget_of_one_gpu() -> None:
    one = max_concurrency(MLA, n_gpus=8, kv_budget_bytes=8 * 10 * GIB)
    assert one.kv_tokens == int(10 * GIB / kv_per_token(MLA) / 16) * 16
    assert max_concurrency(MLA, n_gpus=8, kv_budget_bytes_per_gpu=10 * GIB).kv_tokens == one.kv_tokens


def test_the_cache_is_a_multiple_of_the_block() -> None:
    assert max_concurrency(LLAMA, kv_budget_bytes=131_072 * 1000).kv_tokens == 992
    assert max_concurrency(LLAMA, kv_budget_bytes=131_072 * 1000, block_tokens=1).kv_tokens == 1000


def test_weights_that_do_not_fit_leave_no_room_and_say_so() -> None:
    result = max_concurrency(LLAMA, gpu_memory_bytes=8 * GIB, context_tokens=1000)
    assert (result.kv_tokens, result.requests, result.bound) == (0, 0, "weights")
    assert any("does not fit" in line for line in result.steps_en)


def test_counts_that_do_not_divide_the_heads_are_passed_over() -> None:
    model = resolve_model("Qwen2.5-7B")  # 28 heads
    need = gpus_needed(model, context_tokens=32_768, concurrency=60, gpu_memory_bytes=48 * GIB, allowed_counts=[1, 2, 3, 5, 7])
    assert need.gpus == 7
    assert need.bound == "head_divisibility"
    with pytest.raises(SizingError, match="must divide the 28 query heads"):
        max_concurrency(model, n_gpus=8, gpu_memory_bytes=48 * GIB)


def test_sixteen_gpus_are_two_nodes_in_a_pipeline() -> None:
    need = gpus_needed("DeepSeek-V3", context_tokens=8192, concurrency=8, gpu="A100 80GB")
    assert (need.gpus, need.tensor_parallel, need.pipeline_parallel) == (16, 8, 2)


def test_what_cannot_fit_says_how_much_is_missing() -> None:
    with pytest.raises(DoesNotFitError, match=r"none of \[1, 2\] GPUs works: .* at least \d+ by memory alone"):
        gpus_needed("Llama-3.1-405B", context_tokens=8192, gpu="A100 80GB", allowed_counts=[1, 2])


def test_an_assumed_architecture_is_stated() -> None:
    need = gpus_needed("70B", context_tokens=4096, concurrency=4, gpu="A100 80GB", weight_dtype="int8")
    assert "assumption" in need.steps_en[0] and "假设" in need.steps_zh[0]
    with pytest.raises(SizingError, match="only the parameter count is known"):
        gpus_needed("200B", context_tokens=4096, gpu="A100 80GB")


def test_visible_memory_of_a_card_without_a_reading_is_an_assumption() -> None:
    result = max_concurrency(LLAMA, gpu="RTX A6000")
    assert any("97% of its nominal memory" in line for line in result.steps_en)


def test_large_mixtures_reserve_more() -> None:
    from agent.sizing.budget import default_overhead

    assert default_overhead(resolve_model("DeepSeek-V3")) == 4 * GIB
    assert default_overhead(resolve_model("Qwen3-30B-A3B")) == default_overhead(LLAMA) == 2 * GIB


@pytest.mark.parametrize(
    ("parameters", "dtype", "card", "cards"), [("70B", "int8", 24, 3), ("70B", "bf16", 80, 2), ("7B", "fp16", 24, 1), ("13B", "int4", 8, 1)]
)
def test_cards_for_weights_alone_round_up(parameters: str, dtype: str, card: int, cards: int) -> None:
    assert cards_for_weights(parameters, dtype, card).cards == cards


def test_active_parameters_of_a_mixture_leave_out_unused_experts() -> None:
    moe = architecture({**DENSE, "moe": {"num_experts": 8, "experts_per_token": 2, "shared_experts": 1, "moe_layers": 30}})
    expert = 3 * 4096 * 14336
    assert split(moe).total - active_parameters(moe) == 30 * 6 * expert
    assert split(moe).routed_experts == 30 * 8 * expert


def test_gigabytes_and_gibibytes_are_both_shown_and_never_mixed() -> None:
    result = weights("7B", "fp16")
    assert (result.bytes, result.gb, round(result.gib, 2)) == (Fraction(14 * 10**9), 14.0, 13.04)
    assert any("14.00 GB (13.04 GiB)" in line for line in result.steps_en)
