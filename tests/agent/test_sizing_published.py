"""The formulas against values that others published: checkpoint totals, cache logs of vLLM, measured throughput.

Parameter totals and bytes are those of the checkpoints' indexes on Hugging Face (`metadata.total_size`) or model cards; the
origin of every other value stands beside it.
"""

from __future__ import annotations

from typing import Any

import pytest

from agent.sizing.calc import calculate
from agent.sizing.inputs import GB, GIB
from agent.sizing.throughput import throughput

# model, total, active (None: dense), weight bytes as published, KV bytes of a token in bf16
TABLE: list[tuple[str, int, int | None, int, int]] = [
    ("Llama-2-7B", 6_738_415_616, None, 13_476_831_232, 524_288),
    ("Llama-3.1-8B", 8_030_261_248, None, 16_060_522_496, 131_072),
    ("Llama-3.1-405B", 405_853_388_800, None, 811_706_777_600, 516_096),
    ("Llama-4-Scout", 107_769_861_120, 17_172_894_720, 215_539_722_240, 196_608),
    ("Mistral-7B-v0.1", 7_241_732_096, None, 14_483_464_192, 131_072),
    ("Falcon-7B", 6_921_720_704, None, 14_434_379_520, 8_192),
    ("Yi-34B", 34_388_917_248, None, 68_777_834_496, 245_760),
    ("Qwen2.5-7B", 7_615_616_512, None, 15_231_233_024, 57_344),
    ("Qwen3-32B", 32_762_123_264, None, 65_524_246_528, 262_144),
    ("Qwen3-30B-A3B", 30_532_122_624, 3_353_032_704, 61_064_245_248, 98_304),
    ("Kimi-K2", 1_026_408_232_448, 32_861_500_928, 1_029_190_981_272, 70_272),
    ("ChatGLM3-6B", 6_243_584_000, None, 12_487_168_064, 28_672),
    ("Phi-3-mini-4k", 3_821_079_552, None, 7_642_159_104, 393_216),
    ("Gemma-3-27B", 27_009_346_304, None, 54_018_692_608, 507_904),
    ("gpt-oss-20b", 20_914_757_184, None, 13_761_264_768, 49_152),
]


def calc(kind: str, **inputs: Any) -> Any:
    return calculate(kind, inputs).value


@pytest.mark.parametrize(("model", "total", "active", "weight_bytes", "kv"), TABLE, ids=[row[0] for row in TABLE])
def test_totals_weights_and_cache_of_known_models_are_exact(model: str, total: int, active: int | None, weight_bytes: int, kv: int) -> None:
    assert calc("param_count", model=model) == total
    assert calc("param_count", model=model, count="active") == active or active is None
    # ChatGLM3's index counts 64 bytes more than its parameters: a rotary table is stored with the weights.
    assert calc("weights_bytes", model=model) == pytest.approx(weight_bytes, abs=64)
    assert calc("kv_bytes_per_token", model=model) == kv


def test_gpt_oss_active_parameters_without_the_input_table_are_those_of_the_model_card() -> None:
    assert calc("param_count", model="gpt-oss-20b", count="active_no_input_embedding") == 3_608_307_264
    # OpenAI's gpt-oss model card, table 1: 116.83B total and 5.13B active.
    assert calc("param_count", model="gpt-oss-120b") == pytest.approx(116.83e9, rel=1e-4)
    assert calc("param_count", model="gpt-oss-120b", count="active_no_input_embedding") == pytest.approx(5.13e9, rel=2e-3)


def test_falcon_stores_its_tied_head_as_a_copy() -> None:
    assert calc("param_count", model="Falcon-7B", stored_head_copy=True) == 7_217_189_760


def test_fp8_checkpoints_are_a_byte_a_weight_with_16_bit_embeddings() -> None:
    # Kimi-K2's fp8 files hold 1,029,190,981,272 bytes with their scales.
    arch = {"model": "Kimi-K2", "weight_dtype": "fp8"}
    from agent.sizing.dtypes import weight_type
    from agent.sizing.memory import weight_bytes
    from agent.sizing.resolve import resolve_model

    model = resolve_model(arch["model"])
    computed = weight_bytes(model, weight_type("fp8"))  # type: ignore[arg-type]
    assert float(computed) == pytest.approx(1_029_190_981_272, rel=1e-3)


def test_cache_pools_in_vllm_logs_hold_the_tokens_that_vllm_counted() -> None:
    # vLLM log, Llama-3.1-8B on a 24 GiB card: 3.81 GiB of KV cache = 31,232 tokens = 1.56 requests of 20,000 (GiB printed with 2 decimals).
    assert calc("max_concurrency", model="Llama-3.1-8B", kv_budget_bytes=3.81 * GIB) == pytest.approx(31_232, rel=2e-3)
    assert calc("max_concurrency", model="Llama-3.1-8B", kv_budget_bytes=31_232 * 131_072, context_tokens=20_000, report="ratio") == 1.56
    # vLLM log, Llama-2-7B: 7,351 blocks of 16 tokens = 57.43 GiB.
    assert calc("max_concurrency", model="Llama-2-7B", kv_budget_bytes=57.43 * GIB, report="tokens") == 7_351 * 16
    # vLLM logs: 262,144 tokens of Qwen3-30B-A3B = 24.0 GiB, of the Kimi-K2 family = 17.16 GiB.
    assert calc("kv_bytes_per_token", model="Qwen3-30B-A3B", per="sequence", context_tokens=262_144) / GIB == pytest.approx(24.0, abs=0.005)
    assert calc("kv_bytes_per_token", model="Kimi-K2", per="sequence", context_tokens=262_144) / GIB == pytest.approx(17.16, abs=0.005)


def test_the_memory_profile_of_a_vllm_log_is_reproduced() -> None:
    # vLLM log, Llama-3-8B on an 80 GiB card: 0.9*79.22 - 14.96 - 1.79 - 1.26 leaves 53.29 GiB = 436,544 tokens.
    tokens = calc(
        "max_concurrency", model="Llama-3-8B", gpu_memory_bytes=79.22 * GIB, memory_utilization=0.9, weights_bytes=14.96 * GIB,
        overhead_bytes_per_gpu=(1.79 + 1.26) * GIB, report="tokens",
    )  # fmt: skip
    assert tokens == pytest.approx(436_544, rel=1e-3)
    assert calc("weights_bytes", model="Llama-3-8B") / GIB == pytest.approx(14.96, abs=0.01)


def test_sliding_windows_and_chunks_shrink_a_long_session() -> None:
    # Gemma-3-27B at 131,072 tokens: 10.41 GiB with windows, 62.0 GiB without (KV sizes of the Gemma 3 report's layout).
    windowed = calculate("kv_bytes_per_token", {"model": "Gemma-3-27B", "per": "sequence", "context_tokens": 131_072})
    assert windowed.value / GIB == pytest.approx(10.41, abs=0.005)
    assert float(windowed.calculation.as_dict()["flat_sequence_bytes"]) / GIB == pytest.approx(62.0, abs=0.005)
    # Llama-4-Scout at 1M tokens: 50.4 GB chunked, 196.6 GB flat.
    chunked = calculate("kv_bytes_per_token", {"model": "Llama-4-Scout", "per": "sequence", "context_tokens": 1_000_000})
    assert chunked.value / GB == pytest.approx(50.4, abs=0.05)
    assert float(chunked.calculation.as_dict()["flat_sequence_bytes"]) / GB == pytest.approx(196.6, abs=0.05)


@pytest.mark.parametrize(
    ("gpus", "measured", "roofline"),
    # Published batch-1 decode of Llama-3.1-8B in bf16 on A100 80GB SXM, and what the roofline gives for it.
    [(1, 93.9, 93.9), (2, 149.1, 146), (4, 217.2, 220), (8, 276.0, 295)],
)
def test_single_request_decode_is_within_a_tenth_of_measured(gpus: int, measured: float, roofline: float) -> None:
    value = throughput("Llama-3.1-8B", "A100 80GB SXM", "decode", batch=1, n_gpus=gpus).value
    assert value == pytest.approx(roofline, rel=0.005)
    assert value == pytest.approx(measured, rel=0.1)


@pytest.mark.parametrize(
    ("gpu", "measured", "roofline"),
    # NVIDIA TensorRT-LLM performance overview: Llama-3.1-8B FP8, 1000 tokens in and 1000 out at saturation.
    [("H100 SXM", 15_220, 16_600), ("H200", 17_744, 21_700)],
)
def test_saturated_output_is_within_the_stated_band_of_measured(gpu: str, measured: float, roofline: float) -> None:
    result = throughput("Llama-3.1-8B", gpu, "output", input_tokens=1000, output_tokens=1000, weight_dtype="fp8", kv_dtype="fp8")
    assert result.value == pytest.approx(roofline, rel=0.003)
    assert result.low <= measured <= result.high


def test_cost_of_a_million_tokens_on_four_rented_gpus() -> None:
    # 4 GPUs at 2.00 USD/h, 5,000 tokens/s, utilisation 0.4: 8 / (5000*3600*0.4) * 10^6.
    value = calc("self_host_cost", gpus=4, price_per_gpu_hour=2, tokens_per_s=5000, utilization=0.4, currency="USD")
    assert float(value) == pytest.approx(1.111, abs=0.0005)


def test_published_api_bills() -> None:
    # Anthropic and Google price lists: claude-sonnet-4-5 3/15 USD, cache read 0.30; gemini-2.5-pro 1.25/10, past 200k tokens 2.50/15.
    claude = calc(
        "api_cost",
        input_tokens=1000,
        cached_tokens=400,
        output_tokens=100,
        input_price=3,
        output_price=15,
        cache_read_price=0.3,
        currency="USD",
    )
    assert float(claude) == 0.00342
    tiers = [{"over_tokens": 200_000, "input_price": 2.5, "output_price": 15}]
    gemini = {"output_tokens": 1000, "input_price": 1.25, "output_price": 10, "context_tiers": tiers}
    assert float(calc("api_cost", input_tokens=200_000, **gemini)) == 0.26
    assert float(calc("api_cost", input_tokens=250_000, **gemini)) == 0.64


def test_weights_only_cards_and_months_to_break_even() -> None:
    assert calc("cards_for_weights", model="70B", weight_dtype="INT8", card_memory_gb=24) == 3
    assert calc("break_even", upfront="60万", api_monthly="9万", self_monthly="1.5万") == 8
    assert calc("break_even", upfront=40_500, api_monthly=3000, self_monthly=300) == 15
