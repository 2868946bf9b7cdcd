"""Our parameter counts and API bills against independent implementations: transformers (5.23) building each model on the meta
device, which counts real modules, and genai-prices (0.2.3) pricing the same usage."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from agent.sizing.api_price import api_cost
from agent.sizing.hf_config import from_config
from agent.sizing.params import split

SMALL: dict[str, Any] = {
    "hidden_size": 256, "intermediate_size": 640, "num_hidden_layers": 5, "num_attention_heads": 8, "num_key_value_heads": 2,
    "vocab_size": 1000,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
MOE = {"num_experts_per_tok": 2, "moe_intermediate_size": 96}
MLA = {"num_key_value_heads": 8, "kv_lora_rank": 32, "qk_rope_head_dim": 16, "qk_nope_head_dim": 32, "v_head_dim": 24}

CASES: list[tuple[str, dict[str, Any]]] = [
    ("llama", {}),
    ("llama", {"attention_bias": True, "mlp_bias": True}),
    ("llama", {"tie_word_embeddings": True}),
    ("mistral", {"head_dim": 64}),
    ("mixtral", {"num_local_experts": 4}),
    ("qwen2", {}),
    ("qwen2_moe", {**MOE, "shared_expert_intermediate_size": 200, "num_experts": 6, "decoder_sparse_step": 2}),
    ("qwen3", {"head_dim": 64}),
    ("qwen3", {"head_dim": 64, "attention_bias": True}),
    ("qwen3_moe", {**MOE, "head_dim": 64, "num_experts": 6, "mlp_only_layers": [1]}),
    ("gemma", {"head_dim": 64}),
    ("gemma2", {"head_dim": 64}),
    ("gemma3_text", {"head_dim": 64}),
    ("olmo2", {}),
    ("cohere", {}),
    ("cohere", {"use_qk_norm": True}),
    ("cohere2", {}),
    ("glm", {"head_dim": 32}),
    ("glm4", {"head_dim": 32}),
    ("glm4", {"head_dim": 32, "attention_bias": True}),
    ("glm4_moe", {**MOE, "head_dim": 32, "attention_bias": True, "use_qk_norm": True, "n_routed_experts": 6}),
    ("deepseek_v2", {**MOE, **MLA, "q_lora_rank": 64, "n_routed_experts": 6, "n_shared_experts": 2, "first_k_dense_replace": 1}),
    ("deepseek_v2", {**MOE, **MLA, "q_lora_rank": None, "n_routed_experts": 6, "first_k_dense_replace": 2}),
    ("deepseek_v3", {**MOE, **MLA, "q_lora_rank": 64, "n_routed_experts": 8, "n_group": 2, "topk_group": 1, "first_k_dense_replace": 3}),
    ("gpt_oss", {"head_dim": 64, "num_local_experts": 4, "num_experts_per_tok": 2}),
    ("llama4_text", {"head_dim": 32, "intermediate_size_mlp": 900, "num_local_experts": 4, "interleave_moe_layer_step": 2}),
    ("llama4_text", {"head_dim": 32, "num_local_experts": 4}),
    ("falcon", {}),
    ("falcon", {"multi_query": False, "parallel_attn": False, "bias": True}),
    ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2}),
    ("starcoder2", {"use_bias": True}),
    ("phi3", {}),
    ("phimoe", {"num_local_experts": 4, "attention_bias": True, "lm_head_bias": True}),
    ("stablelm", {"use_qkv_bias": True}),
    ("seed_oss", {"head_dim": 32}),
    ("ernie4_5", {}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("model_type", "fields"), CASES, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(CASES)])
@pytest.mark.filterwarnings("ignore")
def test_a_config_has_as_many_parameters_as_the_modules_that_transformers_builds_from_it(model_type: str, fields: dict[str, Any]) -> None:
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    config = CONFIG_MAPPING[model_type](**{**SMALL, **fields})
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    built = sum(parameter.numel() for parameter in {id(p): p for p in model.parameters()}.values())
    # The correction bias of a router is part of the checkpoint, but registered as a buffer.
    built += sum(buffer.numel() for name, buffer in model.named_buffers() if name.endswith("e_score_correction_bias"))
    assert split(from_config(config.to_dict())).total == built


USAGES = [
    ("anthropic", "claude-sonnet-4-5", 1000, 100, 400, 0),
    ("anthropic", "claude-sonnet-4-5", 120_000, 4_000, 0, 30_000),
    ("google", "gemini-2.5-pro", 200_000, 1_000, 0, 0),
    ("google", "gemini-2.5-pro", 250_000, 1_000, 0, 0),
    ("openai", "gpt-4o", 12_345, 678, 0, 0),
    ("deepseek", "deepseek-chat", 1_000_000, 250_000, 0, 0),
]


def _rate(provider: str, model: str, **usage: int) -> Decimal:
    """Price of 1M tokens of one kind, asked of the package with a small request so that no context tier applies."""
    from genai_prices import Usage, calc_price

    return calc_price(Usage(**usage), model_ref=model, provider_id=provider).total_price


@pytest.mark.parametrize(("provider", "model", "tokens_in", "tokens_out", "read", "write"), USAGES)
def test_a_bill_agrees_with_genai_prices(provider: str, model: str, tokens_in: int, tokens_out: int, read: int, write: int) -> None:
    from genai_prices import Usage, calc_price

    theirs = calc_price(
        Usage(input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=read, cache_write_tokens=write),
        model_ref=model,
        provider_id=provider,
    ).total_price
    prices: dict[str, Any] = {
        "input_price": _rate(provider, model, input_tokens=1000) * 1000,
        "output_price": _rate(provider, model, output_tokens=1000) * 1000,
    }
    if read:
        prices["cache_read_price"] = _rate(provider, model, input_tokens=1000, cache_read_tokens=1000) * 1000
    if write:
        prices["cache_write_price"] = _rate(provider, model, input_tokens=1000, cache_write_tokens=1000) * 1000
    if "gemini" in model:
        over = 1_000_000
        long_in = _rate(provider, model, input_tokens=over)
        long_out = (_rate(provider, model, input_tokens=over, output_tokens=1000) - long_in) * 1000
        prices["context_tiers"] = [{"over_tokens": 200_000, "input_price": long_in, "output_price": long_out}]
    ours = api_cost(tokens_in, tokens_out, cache_read_tokens=read, cache_write_tokens=write, **prices)
    assert ours.total == theirs


def test_cached_tokens_beyond_the_input_are_refused_here_as_in_genai_prices() -> None:
    from genai_prices import Usage, calc_price

    from agent.sizing.errors import SizingError

    with pytest.raises(ValueError):
        calc_price(Usage(input_tokens=100, cache_read_tokens=200), model_ref="claude-sonnet-4-5", provider_id="anthropic")
    with pytest.raises(SizingError, match="part of the input"):
        api_cost(100, 0, cache_read_tokens=200, input_price=3, output_price=15)
