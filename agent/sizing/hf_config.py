"""A checkpoint's Hugging Face `config.json` -> `Architecture`.

What a config leaves to its modelling code (biases, norms, which layers have experts or a window) is settled by
`model_type`, one row of `_FAMILIES` each; an unknown type that has the usual names is read as a Llama-like decoder only if
nothing in it says otherwise. Recurrent, linear-attention and encoder models are refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.sizing.arch import Architecture, architecture
from agent.sizing.errors import SizingError
from agent.sizing.inputs import whole

_NAMES: dict[str, tuple[str, ...]] = {
    "num_hidden_layers": ("num_hidden_layers", "num_layers", "n_layer", "n_layers"),
    "hidden_size": ("hidden_size", "n_embd", "d_model"),
    "num_attention_heads": ("num_attention_heads", "n_head", "n_heads"),
    "num_key_value_heads": ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"),
    "head_dim": ("head_dim", "kv_channels"),
    "intermediate_size": ("intermediate_size", "ffn_hidden_size", "n_inner"),
    "vocab_size": ("padded_vocab_size", "vocab_size"),
    "max_context_tokens": ("max_position_embeddings", "seq_length", "max_sequence_length", "model_max_length", "n_positions"),
}
_EXPERTS = ("num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts")
_ACTIVE = ("num_experts_per_tok", "experts_per_token", "moe_topk", "moe_k")

_TIED_BY_DEFAULT = frozenset({"gemma", "gemma2", "gemma3_text", "gemma3", "cohere", "cohere2", "falcon", "gpt2", "starcoder2"})
"""Types whose config class ties the head unless the file says otherwise."""

_FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {},
    "ministral": {},
    "ministral3": {},
    "mixtral": {},
    "yi": {},
    "internlm2": {},
    "internlm3": {},
    "baichuan": {},
    "minicpm": {},
    "minicpm3": {},
    "seed_oss": {"attention_bias": "qkv"},
    "phi3": {},
    "qwen2": {"attention_bias": "qkv"},
    "qwen2_moe": {"attention_bias": "qkv"},
    "qwen3": {"qk_norm": "head"},
    "qwen3_moe": {"qk_norm": "head"},
    "gemma": {},
    "gemma2": {"norms_per_layer": 4},
    "gemma3_text": {"norms_per_layer": 4, "qk_norm": "head"},
    "olmo2": {"qk_norm": "full"},
    "cohere": {"norms_per_layer": 1},
    "cohere2": {"norms_per_layer": 1},
    "chatglm": {},
    "glm": {},
    "glm4": {"norms_per_layer": 4},
    "glm4_moe": {"router_bias": True},
    "deepseek": {},
    "deepseek_v2": {},
    "deepseek_v3": {"router_bias": True},
    "kimi_k2": {"router_bias": True},
    "gpt_oss": {"attention_bias": "qkvo", "attention_sinks": True, "expert_bias": True, "router_bias": True},
    "llama4_text": {},
    "falcon": {"gated_mlp": False, "layer_norm_bias": True},
    "starcoder2": {"gated_mlp": False, "layer_norm_bias": True},
    "phimoe": {"layer_norm_bias": True},
    "ernie4_5": {},
    "stablelm": {"layer_norm_bias": True},
}
_ALL_BIASED = ("attention_bias", "attention_bias", "qkvo")
_QKV_BIASED = ("attention_bias", "attention_bias", "qkv")
_SWITCHES: dict[str, tuple[tuple[str, str, Any], ...]] = {
    "llama": (_ALL_BIASED, ("mlp_bias", "mlp_bias", True)),
    **dict.fromkeys(
        ("mistral", "gemma", "gemma2", "gemma3_text", "olmo2", "deepseek_v2", "deepseek_v3", "phimoe", "qwen3", "qwen3_moe"), (_ALL_BIASED,)
    ),
    "internlm3": (("qkv_bias", "attention_bias", "qkv"), ("bias", "attention_bias", "qkvo")),
    **dict.fromkeys(("glm", "glm4"), (_QKV_BIASED,)),
    "glm4_moe": (_QKV_BIASED, ("use_qk_norm", "qk_norm", "head")),
    **dict.fromkeys(("cohere", "cohere2"), (_ALL_BIASED, ("use_qk_norm", "qk_norm", "full"))),
    "stablelm": (("use_qkv_bias", "attention_bias", "qkv"),),
    "starcoder2": (("use_bias", "attention_bias", "qkvo"), ("use_bias", "mlp_bias", True)),
    "chatglm": (("add_qkv_bias", "attention_bias", "qkv"), ("add_bias_linear", "attention_bias", "qkv")),
}
"""Type -> (config switch, field, value): what a switch that is on means for the fields of `arch`."""
_ALIASES = {
    "mistral3": "mistral", "gemma3": "gemma3_text", "llama4": "llama4_text", "qwen2_vl": "qwen2", "qwen2_5_vl": "qwen2",
    "qwen2_vl_text": "qwen2",
    "qwen2_5_vl_text": "qwen2", "qwen3_vl_text": "qwen3", "qwen3_vl_moe_text": "qwen3_moe",
}  # fmt: skip
_REFUSED = (
    "ssm_cfg",
    "mamba",
    "attn_layer_period",
    "linear_num_key_heads",
    "linear_attn_config",
    "layers_block_type",
    "hybrid_override_pattern",
    "block_configs",
)


def is_hf_config(given: Mapping[str, Any]) -> bool:
    """Whether a mapping is a checkpoint's config rather than the calculator's own `arch`."""
    return "model_type" in given or "architectures" in given or "text_config" in given


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((config[name] for name in names if config.get(name) is not None), None)


def from_config(config: Mapping[str, Any], name: str = "") -> Architecture:
    """The decoder that a `config.json` describes; of a multimodal one its text part (the vision tower is left out).

    Raises `SizingError` for a type whose cache or parameters these formulas do not describe.
    """
    if not isinstance(config, Mapping):
        raise SizingError("config is not an object; expected the contents of a config.json")
    outer = config
    for key in ("text_config", "llm_config", "language_config"):
        if isinstance(config.get(key), Mapping):
            config = {**{k: outer[k] for k in ("tie_word_embeddings", "torch_dtype", "quantization_config") if k in outer}, **config[key]}
    kind = str(config.get("model_type") or outer.get("model_type") or "").lower().removesuffix("-msft")
    kind = _ALIASES.get(kind, kind)
    odd = [key for key in _REFUSED if any(key in field for field in config)]
    if odd or (kind and kind not in _FAMILIES):
        raise SizingError(
            f"config.json: model_type {config.get('model_type')!r} {'has ' + odd[0] + ', which' if odd else ''} is not described by these"
            f" formulas; known types: {', '.join(_FAMILIES)}; for a plain decoder give the fields as `arch`"
        )
    rules = _FAMILIES.get(kind, {})
    given: dict[str, Any] = {"name": name or str(outer.get("_name_or_path") or kind or "config.json")}
    for field, names in _NAMES.items():
        value = _first(config, names)
        if value is not None:
            given[field] = value
    given["tie_word_embeddings"] = config.get("tie_word_embeddings", kind in _TIED_BY_DEFAULT)
    given |= {key: value for key, value in rules.items() if key not in ("router_bias", "expert_bias")}
    _special(kind, config, given)
    layers = whole(given.get("num_hidden_layers"), "num_hidden_layers", high=10_000)
    mla = _mla(config)
    if mla:
        given["mla"] = mla
        given.pop("head_dim", None)
    moe = _moe(kind, config, layers, rules)
    if moe:
        given["moe"] = moe
    window = _window(kind, config, layers)
    if window:
        given["window"] = window
    given["checkpoint_dtype"] = _dtype(config)
    return architecture(given, given["name"])


def _special(kind: str, config: Mapping[str, Any], given: dict[str, Any]) -> None:
    """Fields whose names or meaning differ between families."""
    for switch, field, value in _SWITCHES.get(kind, ()):
        if config.get(switch):
            given[field] = value
    if kind == "glm" and "attention_bias" not in config:
        given["attention_bias"] = "qkv"
    if kind == "phimoe" and config.get("lm_head_bias"):
        given["extra_parameters"] = given["vocab_size"]
    if kind == "chatglm" and not config.get("multi_query_attention"):
        given["num_key_value_heads"] = given["num_attention_heads"]
    if kind == "falcon":
        _falcon(config, given)
    if kind == "llama4_text":
        given["intermediate_size"] = config.get("intermediate_size_mlp") or given.get("intermediate_size")


def _falcon(config: Mapping[str, Any], given: dict[str, Any]) -> None:
    """Falcon: one or two norms and one, few or all KV heads, by the two generations of its decoder."""
    new = bool(config.get("new_decoder_architecture"))
    if not new:
        given["num_key_value_heads"] = 1 if config.get("multi_query", True) else given["num_attention_heads"]
    width = config.get("ffn_hidden_size") or 4 * whole(given.get("hidden_size"), "hidden_size", high=10**8)
    given["intermediate_size"] = width
    given["norms_per_layer"] = 2 if new or not config.get("parallel_attn", True) else 1
    given["attention_bias"] = "qkvo" if config.get("bias") else ""
    given["mlp_bias"] = bool(config.get("bias"))


def _mla(config: Mapping[str, Any]) -> dict[str, Any] | None:
    if not config.get("kv_lora_rank"):
        return None
    return {key: config.get(key) for key in ("q_lora_rank", "kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim")}


def _moe(kind: str, config: Mapping[str, Any], layers: int, rules: Mapping[str, Any]) -> dict[str, Any] | None:
    experts = _first(config, _EXPERTS)
    if not experts or int(experts) < 2:
        return None
    width = _first(config, ("moe_intermediate_size", "expert_intermediate_size")) or config.get("intermediate_size")
    shared = _first(config, ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts")) or 0
    moe: dict[str, Any] = {
        "num_experts": experts,
        "experts_per_token": _first(config, _ACTIVE),
        "moe_intermediate_size": width,
        "shared_experts": shared,
        "moe_layers": _moe_layers(config, layers),
        "router_bias": bool(rules.get("router_bias")),
        "expert_bias": bool(rules.get("expert_bias")),
    }
    if kind == "llama4_text":
        moe["shared_experts"] = 1
    if config.get("shared_expert_intermediate_size"):
        moe |= {"shared_intermediate_size": config["shared_expert_intermediate_size"], "shared_gate": kind == "qwen2_moe"}
    return moe


def _moe_layers(config: Mapping[str, Any], layers: int) -> int:
    """How many layers have experts: after the first dense ones, every n-th, or as listed."""
    if isinstance(config.get("moe_layers"), (list, tuple)):
        return len(config["moe_layers"])
    dense_only = set(config.get("mlp_only_layers") or ())
    step = int(_first(config, ("decoder_sparse_step", "interleave_moe_layer_step")) or 1)
    first = int(config.get("first_k_dense_replace") or 0)
    freq = int(config.get("moe_layer_freq") or 1) if not isinstance(config.get("moe_layer_freq"), list) else 1
    return sum(1 for i in range(layers) if i >= first and i % freq == 0 and (i + 1) % step == 0 and i not in dense_only)


def _window(kind: str, config: Mapping[str, Any], layers: int) -> dict[str, int] | None:
    """Layers with a sliding window or chunk, where the config switches one on."""
    size = config.get("sliding_window")
    types = config.get("layer_types")
    if kind == "llama4_text":
        every = int(config.get("no_rope_layer_interval") or 4)
        size = config.get("attention_chunk_size") or 8192
        listed = config.get("no_rope_layers")
        local = sum(1 for flag in listed if flag) if listed else sum(1 for i in range(layers) if (i + 1) % every)
        return {"size": int(size), "layers": local}
    if isinstance(size, (list, tuple)) or not size or config.get("use_sliding_window") is False:
        return None
    if isinstance(types, (list, tuple)):
        return {"size": int(size), "layers": sum(1 for t in types if t in ("sliding_attention", "chunked_attention"))}
    if kind in ("gemma2", "gpt_oss"):
        return {"size": int(size), "layers": (layers + 1) // 2}
    if kind in ("gemma3_text", "cohere2"):
        every = int(_first(config, ("sliding_window_pattern", "_sliding_window_pattern")) or (6 if kind == "gemma3_text" else 4))
        return {"size": int(size), "layers": sum(1 for i in range(layers) if (i + 1) % every)}
    if kind in ("qwen2", "qwen2_moe", "qwen3", "qwen3_moe"):
        if not config.get("use_sliding_window"):
            return None
        return {"size": int(size), "layers": max(0, layers - int(config.get("max_window_layers") or 0))}
    context = _first(config, _NAMES["max_context_tokens"])
    if kind in ("mistral", "mixtral", "phi3", "starcoder2", "ministral") and (context is None or int(size) < int(context)):
        return {"size": int(size), "layers": layers}
    return None


def _dtype(config: Mapping[str, Any]) -> str:
    """The format of the published files; what is not recognised stays as written, so that asking for its size is an error."""
    quant = config.get("quantization_config")
    if isinstance(quant, Mapping):
        method = str(quant.get("quant_method") or quant.get("quant_algo") or "").lower()
        bits = quant.get("bits") or quant.get("weight_bits")
        groups = quant.get("config_groups")
        if isinstance(groups, Mapping) and groups:
            weights = next(iter(groups.values())).get("weights") or {}
            bits, is_float = weights.get("num_bits", bits), weights.get("type") == "float"
            if bits == 8:
                return "fp8" if is_float else "int8"
            if bits == 4:
                return "nvfp4" if is_float else "int4"
        known = {"fp8": "fp8", "fbgemm_fp8": "fp8", "mxfp4": "mxfp4_experts", "awq": "int4", "nvfp4": "nvfp4"}
        if bits in (4, 8) and method not in known:
            return "int4" if bits == 4 else "int8"
        return known.get(method, method or "unknown")
    stored = str(config.get("torch_dtype") or config.get("dtype") or "bfloat16").removeprefix("torch.")
    return {"float16": "fp16", "float32": "fp32"}.get(stored, "bf16")
