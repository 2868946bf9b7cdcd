"""`advisor calc`: every line gets its answer or an error that says what would do."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from agent.sizing.calc import calculate, kinds, run_line
from agent.sizing.errors import SizingError
from agent.sizing.inputs import GIB, exact, share, whole

DENSE: dict[str, Any] = {
    "num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "intermediate_size": 14336,
    "vocab_size": 128256, "tie_word_embeddings": False,
}  # fmt: skip
GPU = {"memory_bandwidth_gbps": 2039, "dense_bf16_tflops": 312, "memory_bytes": 85_040_000_000}


def calc(kind: str, **inputs: Any) -> Any:
    return calculate(kind, inputs).value


def line(kind: str, **inputs: Any) -> dict[str, Any]:
    return run_line(json.dumps({"id": "x", "kind": kind, "inputs": inputs}))


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
def test_the_example_of_every_calculator_works(kind: Any) -> None:
    outcome = calculate(kind.name, json.loads(kind.example))
    assert outcome.value is not None
    assert outcome.calculation.steps_zh and len(outcome.calculation.steps_zh) == len(outcome.calculation.steps_en)
    json.dumps(outcome.calculation.as_dict())


def test_biases_norms_and_sinks_count() -> None:
    base = calc("param_count", arch=DENSE)
    qkv, out = 32 * (4096 + 2 * 1024), 32 * 4096
    assert calc("param_count", arch={**DENSE, "attention_bias": "qkv"}) == base + qkv
    assert calc("param_count", arch={**DENSE, "attention_bias": "qkvo"}) == base + qkv + out
    assert calc("param_count", arch={**DENSE, "qk_norm": True}) == base + 32 * 2 * 128
    assert calc("param_count", arch={**DENSE, "norms_per_layer": 4}) == base + 32 * 2 * 4096
    assert calc("param_count", arch={**DENSE, "layer_norm_bias": True}) == base + 65 * 4096
    assert calc("param_count", arch={**DENSE, "attention_sinks": True}) == base + 32 * 32
    assert calc("param_count", arch={**DENSE, "gated_mlp": False}) == base - 32 * 4096 * 14336
    tied = calc("param_count", arch={**DENSE, "tie_word_embeddings": True})
    assert tied == base - 128256 * 4096
    assert calc("param_count", arch={**DENSE, "tie_word_embeddings": True}, stored_head_copy=True) == base


def test_counts_of_a_mixture() -> None:
    moe = {
        "num_experts": 8,
        "experts_per_token": 2,
        "shared_experts": 1,
        "moe_intermediate_size": 1024,
        "moe_layers": 30,
        "expert_bias": True,
        "router_bias": True,
    }
    arch = {**DENSE, "moe": moe}
    expert, bias = 3 * 4096 * 1024, 2 * 1024 + 4096
    total = calc("param_count", arch=DENSE) - 30 * 3 * 4096 * 14336 + 30 * (9 * expert + 8 * bias + 8 * 4096 + 8)
    assert calc("param_count", arch=arch) == total
    assert calc("param_count", arch=arch, count="active") == total - 30 * 6 * (expert + bias)
    assert calc("param_count", arch=arch, count="active_no_input_embedding") == total - 30 * 6 * (expert + bias) - 128256 * 4096
    assert calc("param_count", arch={**DENSE, "moe": {**moe, "moe_layers": list(range(2, 32))}}) == total


def test_weight_formats() -> None:
    total, tables = calc("param_count", arch=DENSE), 2 * 128256 * 4096
    norms = 65 * 4096
    assert calc("weights_bytes", arch=DENSE, weight_dtype="bf16") == 2 * total
    assert calc("weights_bytes", arch=DENSE, weight_dtype="fp8") == total - tables - norms + 2 * (tables + norms)
    assert calc("weights_bytes", arch=DENSE, weight_dtype="int8") == calc("weights_bytes", arch=DENSE, weight_dtype="fp8")
    assert calc("weights_bytes", arch=DENSE, bits_per_weight=4.8) * 10 == total * 6
    assert calc("weights_bytes", arch=DENSE, weight_dtype="bf16", tensor_parallel=4, per_gpu=True) == total / 2
    int4 = calc("weights_bytes", arch=DENSE, weight_dtype="int4")
    # A published AWQ checkpoint of Llama-3.1-8B (groups of 128) has 5.73 GB.
    assert float(int4) == pytest.approx(5.73e9, rel=0.005)


def test_cache_per_token_marginal_sequence_and_gpu() -> None:
    arch = {**DENSE, "window": {"size": 1024, "layers": 24}}
    assert calc("kv_bytes_per_token", arch=arch) == 131_072
    assert calc("kv_bytes_per_token", arch=arch, per="marginal_token") == 131_072 / 4
    assert calc("kv_bytes_per_token", arch=arch, per="sequence", context_tokens=4096) == 4096 * (8 * 4096 + 24 * 1024)
    assert calc("kv_bytes_per_token", arch=arch, per="sequence", context_tokens=4096, windows="reserved") == 131_072 * 4096
    assert calc("kv_bytes_per_token", arch=arch, kv_dtype="fp8", tensor_parallel=4, per_gpu=True) == 131_072 / 8
    assert calc("kv_bytes_per_token", arch=arch, tensor_parallel=16, per_gpu=True) == 131_072 / 8
    assert calc("kv_bytes_per_token", arch=arch, tensor_parallel=4) == 131_072


def test_reports_of_max_concurrency() -> None:
    inputs = {
        "arch": DENSE,
        "gpu_memory_bytes": 80 * GIB,
        "weights_bytes": 16_060_522_496,
        "overhead_bytes_per_gpu": 2 * GIB,
        "context_tokens": 8192,
    }
    tokens = math.floor((0.9 * 80 * GIB - 16_060_522_496 - 2 * GIB) / 131_072 / 16) * 16
    assert calc("max_concurrency", **inputs, report="tokens") == tokens
    assert calc("max_concurrency", **inputs, report="ratio") == round(tokens / 8192, 2)
    assert calc("max_concurrency", **inputs, report="requests") == tokens // 8192
    assert calc("max_concurrency", **inputs) == round(tokens / 8192, 2)
    two = {**inputs, "n_gpus": 2, "tensor_parallel": 2, "report": "tokens"}
    assert calc("max_concurrency", **two) == math.floor(2 * (0.9 * 80 * GIB - 16_060_522_496 / 2 - 2 * GIB) / 131_072 / 16) * 16
    per_gpu = {**two, "weights_bytes_per_gpu": 16_060_522_496 / 2}
    del per_gpu["weights_bytes"]
    assert calc("max_concurrency", **per_gpu) == calc("max_concurrency", **two)


def test_explicit_inputs_win_over_the_catalog() -> None:
    named = calc("throughput", model="Llama-3.1-8B", gpu="A100 80GB", metric="decode", batch=1, context_tokens=0)
    halved = calc(
        "throughput",
        model="Llama-3.1-8B",
        gpu="A100 80GB",
        gpu_spec={"memory_bandwidth_gbps": 1019.5},
        metric="decode",
        batch=1,
        context_tokens=0,
    )
    assert 1 / halved - 32 * 45e-6 == pytest.approx(2 * (1 / named - 32 * 45e-6))
    assert calc("kv_bytes_per_token", model="Llama-3.1-8B", arch={"num_key_value_heads": 4}) == 65_536
    assert calc("max_concurrency", model="Llama-3.1-8B", gpu="A100 80GB", gpu_memory_bytes=40 * GIB, report="tokens") < calc(
        "max_concurrency", model="Llama-3.1-8B", gpu="A100 80GB", report="tokens"
    )


def test_a_checkpoint_config_is_read_as_it_is() -> None:
    config = {
        "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "hidden_size": 2048, "head_dim": 128, "num_hidden_layers": 48,
        "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 151936, "intermediate_size": 6144, "moe_intermediate_size": 768,
        "num_experts": 128, "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": [], "tie_word_embeddings": False,
        "sliding_window": None, "use_sliding_window": False, "torch_dtype": "bfloat16",
    }  # fmt: skip
    assert calc("param_count", config=config) == calc("param_count", arch=config) == calc("param_count", model="Qwen3-30B-A3B")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "mamba2", "hidden_size": 1024}, "not described by these formulas"),
        ({"model_type": "qwen3_next", "linear_num_key_heads": 16}, "not described by these formulas"),
        ({"model_type": "llama"}, "expected a number"),
    ],
)
def test_configs_that_the_formulas_do_not_describe_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(SizingError, match=message):
        calc("param_count", config=config)


def test_a_quantised_config_has_the_format_of_its_files() -> None:
    from agent.sizing.hf_config import from_config

    base = {
        "model_type": "llama",
        "num_hidden_layers": 2,
        "hidden_size": 256,
        "num_attention_heads": 4,
        "intermediate_size": 512,
        "vocab_size": 1000,
    }
    formats = {
        "fp8": {"quant_method": "fp8"},
        "int4": {"quant_method": "awq", "bits": 4},
        "int8": {"quant_method": "gptq", "bits": 8},
        "mxfp4_experts": {"quant_method": "mxfp4"},
        "nvfp4": {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "float"}}}},
        "hqq": {"quant_method": "hqq"},
    }
    for name, quant in formats.items():
        assert from_config({**base, "quantization_config": quant}).checkpoint_dtype == name
    assert from_config({**base, "torch_dtype": "float16"}).checkpoint_dtype == "fp16"
    assert "weight_dtype is 'hqq'" in line("weights_bytes", config={**base, "quantization_config": formats["hqq"]})["error"]


def test_text_with_units_is_read() -> None:
    assert calc("weights_bytes", model="70B", weight_dtype="int8") == 70 * 10**9
    assert calc("max_concurrency", arch=DENSE, gpu_memory_bytes="80GiB", weight_dtype="bf16") == calc(
        "max_concurrency", arch=DENSE, gpu_memory_gib=80, weight_dtype="bf16"
    )
    assert calc("api_cost", input_tokens="4000万", output_tokens="500万", input_price=12, output_price=12) == 540


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        ("nope", {}, "unknown kind 'nope'; known: param_count, weights_bytes"),
        ("param_count", {"archh": DENSE}, "unknown field archh; allowed: model, arch"),
        ("param_count", {"arch": {**DENSE, "heads": 3}}, "arch: unknown field heads; allowed: "),
        ("param_count", {"arch": {**DENSE, "moe": {"experts": 8}}}, "moe: unknown field experts"),
        ("param_count", {}, "no model"),
        ("param_count", {"arch": {**DENSE, "num_hidden_layers": -1}}, "num_hidden_layers is -1; expected a number at least 1"),
        ("param_count", {"arch": {**DENSE, "num_hidden_layers": 0}}, "num_hidden_layers is 0"),
        ("param_count", {"arch": {**DENSE, "hidden_size": 4096.5}}, "expected a whole number"),
        ("param_count", {"arch": {**DENSE, "num_key_value_heads": 7}}, "must divide num_attention_heads"),
        ("param_count", {"arch": DENSE, "count": "some"}, "expected one of: total, active"),
        ("param_count", {"arch": {**DENSE, "moe": {"num_experts": 4, "experts_per_token": 8}}}, "cannot be more than"),
        ("weights_bytes", {"arch": DENSE, "weight_dtype": "fp3"}, "known formats: "),
        ("weights_bytes", {"arch": DENSE, "weight_dtype": "3-bit float"}, "known formats: "),
        ("weights_bytes", {"arch": DENSE, "bits_per_weight": 0}, "bits_per_weight is 0"),
        ("weights_bytes", {"model": "-70B"}, "cannot be negative"),
        ("kv_bytes_per_token", {"arch": DENSE, "per": "sequence"}, "context_tokens is missing"),
        ("kv_bytes_per_token", {"arch": DENSE, "per": "sequence", "context_tokens": 1e30}, "at most 1000000000"),
        ("kv_bytes_per_token", {"arch": DENSE, "kv_dtype": "fp3"}, "kv_dtype is 'fp3'"),
        ("kv_bytes_per_token", {"arch": DENSE, "tensor_parallel": 3, "per_gpu": True}, "must divide the 32 query heads"),
        ("max_concurrency", {"arch": DENSE, "context_tokens": 100}, "gpu_memory_bytes is missing"),
        ("max_concurrency", {"arch": DENSE, "gpu_memory_bytes": 0, "context_tokens": 100}, "gpu_memory_bytes is 0"),
        ("max_concurrency", {"arch": DENSE, "gpu_spec": {"memory_bytes": 0}, "context_tokens": 100}, "memory_bytes is 0"),
        ("max_concurrency", {"arch": DENSE, "gpu_memory_bytes": 80 * GIB, "memory_utilization": 90}, "at most 1"),
        ("max_concurrency", {"arch": DENSE, "gpu_memory_bytes": 80 * GIB, "report": "requests"}, "context_tokens is missing"),
        ("gpus_needed", {"arch": DENSE, "gpu": "A100", "context_tokens": 100, "concurrency": 0}, "concurrency is 0"),
        ("gpus_needed", {"arch": DENSE, "gpu": "A100", "context_tokens": 100, "allowed_counts": []}, "allowed_counts is empty"),
        ("gpus_needed", {"arch": DENSE, "gpu": "A1000", "context_tokens": 100}, "no gpu 'A1000' in the catalog"),
        ("throughput", {"arch": DENSE, "gpu_spec": GPU, "metric": "decode", "batch": 0}, "batch is 0"),
        ("throughput", {"arch": DENSE, "gpu_spec": GPU, "metric": "speed"}, "expected one of: decode, prefill"),
        ("throughput", {"arch": DENSE, "gpu_spec": {}, "metric": "decode"}, "memory_bandwidth_gbps is missing"),
        ("throughput", {"arch": DENSE, "metric": "decode"}, "no GPU"),
        ("throughput", {"arch": DENSE, "gpu_spec": GPU, "metric": "output", "input_tokens": 5}, "output_tokens is missing"),
        ("throughput", {"arch": DENSE, "gpu_spec": {**GPU, "tflops": 3}}, "gpu_spec: unknown field tflops"),
        ("api_cost", {"input_tokens": 1, "output_tokens": 1, "output_price": 1}, "input_price is missing"),
        ("api_cost", {"input_price": 1, "output_price": 1}, "input_tokens and output_tokens are missing"),
        ("api_cost", {"input_tokens": -1, "input_price": 1, "output_price": 1}, "input_tokens is -1"),
        ("api_cost", {"input_tokens": 1e30, "input_price": 1, "output_price": 1}, "input_tokens is 1e\\+30"),
        ("api_cost", {"model": "no such model", "input_tokens": 1}, "catalog entries go by that name"),
        ("budget_tokens", {"budget": 10, "input_price": 0, "output_price": 0}, "both prices are 0"),
        ("break_even", {"upfront": 5}, "api_price_per_1m is missing"),
        ("tco", {"months": 12}, "no costs are given"),
        ("tco", {"months": 0, "upfront": 1}, "months is 0"),
        ("self_host_cost", {"gpus": 1, "price_per_gpu_hour": 1, "tokens_per_s": 1}, "utilization is missing"),
    ],
)  # fmt: skip
def test_nonsense_gets_a_clear_error(kind: str, inputs: dict[str, Any], message: str) -> None:
    import re

    result = line(kind, **inputs)
    assert result["value"] is None and result["unit"] is None
    assert re.search(message, result["error"])


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "null", "[]", '"many"', "true"])
def test_numbers_that_are_none_get_an_error(word: str) -> None:
    inputs = f'{{"model": "70B", "gpu": "A100", "context_tokens": {word}}}'
    assert run_line(f'{{"id": 1, "kind": "gpus_needed", "inputs": {inputs}}}')["error"]


@pytest.mark.parametrize("text", ["{", "[1]", '{"id": 1}', '{"id": 1, "kind": "tco", "inputs": [1]}', '"x"', '{"id":1,"kind":["a"]}'])
def test_malformed_lines_get_an_error(text: str) -> None:
    result = run_line(text)
    assert result["error"] and result["value"] is None


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6), lambda inner: st.lists(inner,
    max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)  # fmt: skip
FIELDS = sorted({name for kind in kinds().values() for name in kind.fields})


@given(st.sampled_from(sorted(kinds())), st.dictionaries(st.sampled_from(FIELDS), junk, max_size=6))
@settings(max_examples=120, deadline=None)
def test_no_input_raises_past_a_line(kind: str, inputs: dict[str, Any]) -> None:
    known = {name: value for name, value in inputs.items() if name in kinds()[kind].fields}
    result = run_line(
        json.dumps(
            {"id": 1, "kind": kind, "inputs": {"arch": DENSE, "gpu_spec": GPU, **known} if "arch" in kinds()[kind].fields else known}
        )
    )
    assert (result["value"] is None) == (result["error"] is not None)
    json.dumps(result, allow_nan=False)


def test_numbers_are_exact_and_bounded() -> None:
    assert exact(0.1, "x") * 10 == 1
    assert share("40%", "x") == share("四成", "x") == exact("0.4", "x")
    assert whole("8", "x") == whole(8.0, "x") == 8
    for bad in (-1, 0, float("nan"), float("inf"), None, True, "a lot", "3 or 4", [], 10**30):
        with pytest.raises(SizingError):
            exact(bad, "x")


def _run(arguments: list[str], text: str = "") -> Any:
    from channels.cli.main import build_app

    return CliRunner().invoke(build_app("calc"), ["calc", *arguments], input=text, catch_exceptions=False)


def test_lines_are_answered_in_order_and_faults_do_not_stop_them() -> None:
    lines = [{"id": n, "kind": "weights_bytes", "inputs": {"model": f"{n}B"}} for n in range(1, 6)]
    text = "\n".join([json.dumps(lines[0]), "not json", *(json.dumps(x) for x in lines[1:])]) + "\n\n"
    result = _run(["--jsonl"], text)
    out = [json.loads(x) for x in result.stdout.splitlines()]
    assert [x["id"] for x in out] == [1, None, 2, 3, 4, 5]
    assert [x["value"] for x in out if x["error"] is None] == [2 * n * 10**9 for n in range(1, 6)]
    assert all(set(x) == {"id", "value", "unit", "error"} for x in out)
    assert result.exit_code == 0


def test_one_calculation_prints_its_value_and_explains_on_stderr() -> None:
    result = _run(["cards_for_weights", "model=70B", "weight_dtype=int8", "card_memory_gb=24"])
    assert result.stdout == "3 cards\n"
    assert "70.00 GB ÷ 24 GB a card = 2.92, rounded up = 3 cards" in result.stderr
    quiet = _run(["cards_for_weights", "--no-steps"], '{"model": "70B", "weight_dtype": "int8", "card_memory_gb": 24}')
    assert (quiet.stdout, quiet.stderr) == ("3 cards\n", "")


def test_json_output_has_the_whole_result_and_steps_in_the_language_asked_for() -> None:
    result = json.loads(_run(["break_even", "upfront=60万", "api_monthly=9万", "self_monthly=1.5万", "--json", "--lang", "zh"]).stdout)
    assert (result["value"], result["unit"], result["error"]) == (8, "months", None)
    assert result["result"]["monthly_saving"] == 75_000
    assert "8 个月" in result["steps"][-1]


def test_help_lists_calculators_and_their_fields() -> None:
    overall, one = _run(["--help"]).stdout, _run(["throughput", "--help"]).stdout
    assert all(name in overall for name in kinds())
    assert all(name in one for name in kinds()["throughput"].fields)
    assert "Example" in overall and "Example" in one


def test_a_config_file_of_the_user_is_a_model(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama", **DENSE}), encoding="utf-8")
    assert _run(["param_count", "--config", str(path), "--no-steps"]).stdout == "8030261248 parameters\n"


def test_wrong_use_is_refused_with_what_would_do() -> None:
    from kb.errors import UsageError

    for arguments, text, message in (
        (["tco", "months"], "", "is not name=value"),
        (["tco"], "[1]", "not a JSON object"),
        (["tco", "--config", "/nowhere/config.json"], "", "expected a model's config.json"),
        (["nope"], "", "unknown kind"),
    ):
        with pytest.raises(UsageError, match=message):
            _run(arguments, text)


def test_calculating_imports_nothing_heavy() -> None:
    code = (
        "import sys; from agent.sizing.calc import run_line; import channels.cli.calc; "
        'run_line(\'{"id":1,"kind":"gpus_needed","inputs":{"model":"70B","gpu":"H20","context_tokens":100}}\'); '
        "print([m for m in ('torch','transformers','chromadb','gradio','llama_index','numpy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert found.stdout.strip() == "[]"
