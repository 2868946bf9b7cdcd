"""The architecture of a transformer decoder, as far as memory and speed depend on it.

Names are those of Hugging Face `config.json`. `architecture()` reads the explicit form used by the calculator; the whole
config of a checkpoint is read by `agent.sizing.hf_config`, which produces the same value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.sizing.errors import SizingError
from agent.sizing.inputs import flag, one_of, whole


@dataclass(frozen=True, slots=True)
class Window:
    """`layers` of the model see only the last `size` tokens (sliding window or chunk)."""

    size: int
    layers: int


@dataclass(frozen=True, slots=True)
class Mla:
    """Multi-head latent attention (DeepSeek-V2): ranks and per-head widths. No `q_lora_rank`: the query is one matrix."""

    kv_lora_rank: int
    qk_rope_head_dim: int
    qk_nope_head_dim: int
    v_head_dim: int
    q_lora_rank: int | None = None


@dataclass(frozen=True, slots=True)
class Moe:
    """Mixture of experts in `moe_layers` of the layers; the others are dense.

    `shared_intermediate_size` is the width of all shared experts together; `shared_gate` the one-column gate that
    Qwen2-MoE puts on them. `expert_bias`: biases on every expert matrix. `router_bias`: one value per routed expert.
    """

    num_experts: int
    experts_per_token: int
    moe_intermediate_size: int
    moe_layers: int
    shared_intermediate_size: int = 0
    shared_gate: bool = False
    expert_bias: bool = False
    router_bias: bool = False


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the formulas need. Optional last fields describe a published checkpoint, where one is known.

    `qk_norm`: "head" has one weight vector of head_dim for all heads (Qwen3), "full" one value per head and dimension
    (OLMo 2, Command R+), "" none. `extra_parameters` are outside the text decoder's layers (a vision tower, a second head).
    """

    name: str
    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int
    tie_word_embeddings: bool = False
    gated_mlp: bool = True
    attention_bias: str = ""
    mlp_bias: bool = False
    qk_norm: str = ""
    norms_per_layer: int = 2
    layer_norm_bias: bool = False
    attention_sinks: bool = False
    window: Window | None = None
    mla: Mla | None = None
    moe: Moe | None = None
    extra_parameters: int = 0
    max_context_tokens: int | None = None
    checkpoint_dtype: str = "bf16"
    checkpoint_bytes: int | None = None
    source: str = ""

    @property
    def full_layers(self) -> int:
        """Layers that see the whole context."""
        return self.num_hidden_layers - (self.window.layers if self.window else 0)

    @property
    def attention_kind(self) -> str:
        """MHA, GQA, MQA or MLA."""
        if self.mla:
            return "MLA"
        if self.num_key_value_heads == self.num_attention_heads:
            return "MHA"
        return "MQA" if self.num_key_value_heads == 1 else "GQA"


ARCH_FIELDS: tuple[str, ...] = (
    "name",
    "num_hidden_layers",
    "hidden_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "vocab_size",
    "tie_word_embeddings",
    "gated_mlp",
    "attention_bias",
    "mlp_bias",
    "qk_norm",
    "norms_per_layer",
    "layer_norm_bias",
    "attention_sinks",
    "window",
    "mla",
    "moe",
    "extra_parameters",
    "max_context_tokens",
    "checkpoint_dtype",
    "checkpoint_bytes",
)
WINDOW_FIELDS = ("size", "layers")
MLA_FIELDS = ("q_lora_rank", "kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim")
MOE_FIELDS = (
    "num_experts",
    "experts_per_token",
    "shared_experts",
    "moe_intermediate_size",
    "shared_intermediate_size",
    "moe_layers",
    "expert_bias",
    "router_bias",
    "shared_gate",
)
_MAX_LAYERS = 10_000
_MAX_WIDTH = 10**8


def known_fields(given: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
    """Refuses a misspelt field: a value that nobody reads would silently change nothing."""
    unknown = sorted(str(key) for key in given if key not in allowed)
    if unknown:
        raise SizingError(f"{where}: unknown field {', '.join(unknown)}; allowed: {', '.join(allowed)}")


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SizingError(f"{name} is {value!r}; expected an object with named fields")
    return value


def layer_count(value: Any, name: str, total: int, *, low: int = 0) -> int:
    """A number of layers, given as a number, as the list of their indices, or as "all"."""
    if value == "all":
        return total
    if isinstance(value, (list, tuple)):
        value = len(set(value))
    return whole(value, name, low=low, high=total)


def _need(given: Mapping[str, Any], key: str, where: str) -> Any:
    if given.get(key) is None:
        raise SizingError(f"{where}: {key} is missing")
    return given[key]


def _window(value: Any, total: int) -> Window | None:
    if value is None or value is False:
        return None
    given = _mapping(value, "window")
    known_fields(given, WINDOW_FIELDS, "window")
    layers = layer_count(total if given.get("layers") is None else given["layers"], "window.layers", total)
    return Window(whole(_need(given, "size", "window"), "window.size", high=10**9), layers) if layers else None


def _mla(value: Any) -> Mla | None:
    if value is None or value is False:
        return None
    given = _mapping(value, "mla")
    known_fields(given, MLA_FIELDS, "mla")
    rank = given.get("q_lora_rank")
    sizes = {key: whole(_need(given, key, "mla"), f"mla.{key}", high=_MAX_WIDTH) for key in MLA_FIELDS[1:]}
    return Mla(**sizes, q_lora_rank=whole(rank, "mla.q_lora_rank", high=_MAX_WIDTH) if rank else None)


def _moe(value: Any, layers: int, intermediate_size: int) -> Moe | None:
    if value is None or value is False:
        return None
    given = _mapping(value, "moe")
    known_fields(given, MOE_FIELDS, "moe")
    experts = whole(_need(given, "num_experts", "moe"), "moe.num_experts")
    active = whole(_need(given, "experts_per_token", "moe"), "moe.experts_per_token")
    if active > experts:
        raise SizingError(f"moe.experts_per_token is {active}; it cannot be more than moe.num_experts ({experts})")
    width = whole(given.get("moe_intermediate_size") or intermediate_size, "moe.moe_intermediate_size", high=_MAX_WIDTH)
    shared = whole(given.get("shared_experts") or 0, "moe.shared_experts", low=0)
    shared_width = given.get("shared_intermediate_size")
    return Moe(
        num_experts=experts,
        experts_per_token=active,
        moe_intermediate_size=width,
        moe_layers=layer_count(layers if given.get("moe_layers") is None else given["moe_layers"], "moe.moe_layers", layers),
        shared_intermediate_size=(
            shared * width if shared_width is None else whole(shared_width, "moe.shared_intermediate_size", low=0, high=_MAX_WIDTH)
        ),
        shared_gate=flag(given.get("shared_gate", False), "moe.shared_gate"),
        expert_bias=flag(given.get("expert_bias", False), "moe.expert_bias"),
        router_bias=flag(given.get("router_bias", False), "moe.router_bias"),
    )


def _bias(value: Any) -> str:
    """Which attention projections have a bias; a bare `true` is the config flag, which covers all four."""
    if value in (None, False, ""):
        return ""
    if value is True:
        return "qkvo"
    return one_of(value, "arch.attention_bias", ("", "qkv", "qkvo"), {"none": "", "false": "", "true": "qkvo", "all": "qkvo"})


def _qk_norm(value: Any) -> str:
    if value in (None, False, ""):
        return ""
    return "head" if value is True else one_of(value, "arch.qk_norm", ("", "head", "full"), {"none": "", "true": "head", "false": ""})


def architecture(given: Mapping[str, Any], name: str = "") -> Architecture:
    """The explicit form: config names plus the few switches that configs leave to the code.

    Defaults: key/value heads as query heads, head_dim hidden/heads, gated FFN, two norms a layer without bias, head not
    tied. Raises `SizingError` for an unknown, missing or impossible field.
    """
    given = _mapping(given, "arch")
    known_fields(given, ARCH_FIELDS, "arch")
    layers = whole(_need(given, "num_hidden_layers", "arch"), "arch.num_hidden_layers", high=_MAX_LAYERS)
    hidden = whole(_need(given, "hidden_size", "arch"), "arch.hidden_size", high=_MAX_WIDTH)
    heads = whole(_need(given, "num_attention_heads", "arch"), "arch.num_attention_heads")
    kv_heads = whole(given.get("num_key_value_heads") or heads, "arch.num_key_value_heads")
    mla = _mla(given.get("mla"))
    head_dim = given.get("head_dim")
    if head_dim is None and mla:
        head_dim = mla.qk_nope_head_dim + mla.qk_rope_head_dim
    elif head_dim is None:
        if hidden % heads:
            raise SizingError(f"arch.head_dim is missing, and hidden_size {hidden} is not a multiple of num_attention_heads {heads}")
        head_dim = hidden // heads
    if not mla and heads % kv_heads:
        raise SizingError(f"arch.num_key_value_heads is {kv_heads}; it must divide num_attention_heads ({heads})")
    width = whole(given.get("intermediate_size") or 0, "arch.intermediate_size", low=0, high=_MAX_WIDTH)
    moe = _moe(given.get("moe"), layers, width)
    if not width and (moe is None or moe.moe_layers < layers):
        raise SizingError("arch.intermediate_size is missing: it is the FFN width of the dense layers")
    context, stored = given.get("max_context_tokens"), given.get("checkpoint_bytes")
    return Architecture(
        name=str(given.get("name") or name or "the given architecture"),
        num_hidden_layers=layers,
        hidden_size=hidden,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=whole(head_dim, "arch.head_dim", high=_MAX_WIDTH),
        intermediate_size=width,
        vocab_size=whole(_need(given, "vocab_size", "arch"), "arch.vocab_size", high=_MAX_WIDTH),
        tie_word_embeddings=flag(given.get("tie_word_embeddings") or False, "arch.tie_word_embeddings"),
        gated_mlp=flag(given.get("gated_mlp", True), "arch.gated_mlp"),
        attention_bias=_bias(given.get("attention_bias")),
        mlp_bias=flag(given.get("mlp_bias") or False, "arch.mlp_bias"),
        qk_norm=_qk_norm(given.get("qk_norm")),
        norms_per_layer=whole(given.get("norms_per_layer", 2), "arch.norms_per_layer", low=0, high=16),
        layer_norm_bias=flag(given.get("layer_norm_bias") or False, "arch.layer_norm_bias"),
        attention_sinks=flag(given.get("attention_sinks") or False, "arch.attention_sinks"),
        window=_window(given.get("window"), layers),
        mla=mla,
        moe=moe,
        extra_parameters=whole(given.get("extra_parameters") or 0, "arch.extra_parameters", low=0, high=10**13),
        max_context_tokens=whole(context, "arch.max_context_tokens", high=10**9) if context else None,
        checkpoint_dtype=str(given.get("checkpoint_dtype") or "bf16"),
        checkpoint_bytes=whole(stored, "arch.checkpoint_bytes", high=10**15) if stored else None,
    )
