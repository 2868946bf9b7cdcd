"""Parameters counted from the architecture, split by what happens to them: quantised or not, streamed or not, routed or not.

Per layer, with h hidden size, a query heads, k key/value heads, d head_dim, f FFN width (formulas of the transformer
decoder; MLA after the DeepSeek-V2 report, arXiv:2405.04434 section 2.1):

- attention: h*a*d + 2*h*k*d + a*d*h; biases a*d + 2*k*d for q, k, v and h for the output; 2*d where q and k are normalised
- MLA (ranks q and c, rope r, nope n, value v): h*q + q + q*a*(n+r) + h*(c+r) + c + c*a*(n+v) + a*v*h
- FFN: 3*h*f gated, 2*h*f otherwise; experts: E of those with their own width, the shared ones, and a router h*E
- norms: norms_per_layer * h, twice that with a bias; one more norm at the end; embeddings V*h, twice if the head is not tied
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from agent.sizing.arch import Architecture, Moe
from agent.sizing.inputs import one_of
from agent.sizing.steps import Calculation, Steps, billions, count

COUNTS = ("total", "active", "active_no_input_embedding")


@dataclass(frozen=True, slots=True)
class Parts:
    """Parameters by role, over all layers. `linear` are matrices outside the routed experts, routers included."""

    linear: int
    routed_experts: int
    expert_biases: int
    vectors: int
    input_embedding: int
    separate_head: int
    extra: int

    @property
    def total(self) -> int:
        return self.linear + self.routed_experts + self.expert_biases + self.vectors + self.embeddings + self.extra

    @property
    def embeddings(self) -> int:
        return self.input_embedding + self.separate_head


def _attention(a: Architecture) -> tuple[int, int]:
    """Matrix and vector parameters of one attention layer."""
    h, heads = a.hidden_size, a.num_attention_heads
    if a.mla:
        m = a.mla
        q_width, kv_width = heads * (m.qk_nope_head_dim + m.qk_rope_head_dim), m.kv_lora_rank + m.qk_rope_head_dim
        query = h * m.q_lora_rank + m.q_lora_rank * q_width if m.q_lora_rank else h * q_width
        matrices = query + h * kv_width + m.kv_lora_rank * heads * (m.qk_nope_head_dim + m.v_head_dim) + heads * m.v_head_dim * h
        vectors = (m.q_lora_rank or 0) + m.kv_lora_rank
        if a.attention_bias:
            # The low-rank inputs carry the bias in these models, not the per-head projections.
            vectors += (m.q_lora_rank or 0) + kv_width + (h if a.attention_bias == "qkvo" else 0)
    else:
        q_width, kv_width = heads * a.head_dim, a.num_key_value_heads * a.head_dim
        matrices = 2 * h * q_width + 2 * h * kv_width
        vectors = {"": 0, "qkv": q_width + 2 * kv_width, "qkvo": q_width + 2 * kv_width + h}[a.attention_bias]
        vectors += {"": 0, "head": 2 * a.head_dim, "full": q_width + kv_width}[a.qk_norm]
    return matrices, vectors + (heads if a.attention_sinks else 0)


def expert_matrix_parameters(a: Architecture, moe: Moe) -> int:
    """Weights of one routed expert, biases left out."""
    return (3 if a.gated_mlp else 2) * a.hidden_size * moe.moe_intermediate_size


def _expert_bias_parameters(a: Architecture, moe: Moe) -> int:
    return ((2 if a.gated_mlp else 1) * moe.moe_intermediate_size + a.hidden_size) if moe.expert_bias else 0


def split(a: Architecture) -> Parts:
    """All parameters by role; their sum is the total."""
    h, layers = a.hidden_size, a.num_hidden_layers
    matrices, vectors = _attention(a)
    moe_layers = a.moe.moe_layers if a.moe else 0
    dense = (3 if a.gated_mlp else 2) * h * a.intermediate_size
    dense_bias = ((2 if a.gated_mlp else 1) * a.intermediate_size + h) if a.mlp_bias else 0
    norm = h * (2 if a.layer_norm_bias else 1)
    linear = layers * matrices + (layers - moe_layers) * dense
    vector = layers * (vectors + a.norms_per_layer * norm) + norm + (layers - moe_layers) * dense_bias
    routed = expert_biases = 0
    if a.moe:
        m = a.moe
        shared = (3 if a.gated_mlp else 2) * h * m.shared_intermediate_size
        linear += moe_layers * (shared + h * m.num_experts + (h if m.shared_gate else 0))
        routed = moe_layers * m.num_experts * expert_matrix_parameters(a, m)
        expert_biases = moe_layers * m.num_experts * _expert_bias_parameters(a, m)
        vector += moe_layers * (m.num_experts if m.router_bias else 0)
    embedding = a.vocab_size * h
    return Parts(linear, routed, expert_biases, vector, embedding, 0 if a.tie_word_embeddings else embedding, a.extra_parameters)


def active_parameters(a: Architecture) -> int:
    """Total minus the routed experts that a token does not use (formula of the module docstring)."""
    parts = split(a)
    if not a.moe:
        return parts.total
    unused = a.moe.num_experts - a.moe.experts_per_token
    return parts.total - (parts.routed_experts + parts.expert_biases) * unused // a.moe.num_experts


def compute_parameters(a: Architecture) -> int:
    """Parameters that take part in arithmetic for a token: active, without the input embedding unless it is also the head."""
    parts = split(a)
    return active_parameters(a) - (0 if a.tie_word_embeddings else parts.input_embedding) - parts.extra


@dataclass(frozen=True, kw_only=True)
class ParameterCount(Calculation):
    """`parameters` as asked for; `total` and `active` beside it."""

    parameters: int
    count: str
    total: int
    active: int


def param_count(a: Architecture, count_kind: str = "total", *, stored_head_copy: bool = False) -> ParameterCount:
    """Parameters of an architecture.

    `count_kind`: `total`, `active` (without unused experts), `active_no_input_embedding` (also without the input table,
    unless it serves as the head). `stored_head_copy` counts a tied head twice, as some checkpoints store it.
    """
    kind = one_of(count_kind, "count", COUNTS)
    parts = split(a)
    copy = parts.input_embedding if stored_head_copy and a.tie_word_embeddings else 0
    total, active = parts.total + copy, active_parameters(a) + copy
    value = {"total": total, "active": active}.get(kind, active - (0 if a.tie_word_embeddings else parts.input_embedding))
    steps = Steps()
    steps.add(
        f"{a.name}：{a.num_hidden_layers} 层，隐藏维度 {a.hidden_size}，{a.attention_kind}（{a.num_attention_heads} 个查询头，"
        f"{a.num_key_value_heads} 个 KV 头，每头 {a.head_dim} 维）",
        f"{a.name}: {a.num_hidden_layers} layers, hidden size {a.hidden_size}, {a.attention_kind} ({a.num_attention_heads} query heads, "
        f"{a.num_key_value_heads} KV heads of {a.head_dim})",
    )
    steps.add(
        f"线性层 {count(parts.linear)} + 路由专家 {count(parts.routed_experts + parts.expert_biases)} + 归一化与偏置 {count(parts.vectors)}"
        f" + 词嵌入与输出头 {count(parts.embeddings + copy)}"
        + (f" + 其他 {count(parts.extra)}" if parts.extra else "")
        + f" = {count(total)}（{billions(total)}）",
        f"linear layers {count(parts.linear)} + routed experts {count(parts.routed_experts + parts.expert_biases)} + norms and biases "
        f"{count(parts.vectors)} + embeddings and head {count(parts.embeddings + copy)}"
        + (f" + other {count(parts.extra)}" if parts.extra else "")
        + f" = {count(total)} ({billions(total)})",
    )
    if kind != "total":
        steps.add(f"每个 token 激活 {count(value)}（{billions(value)}）", f"active for a token: {count(value)} ({billions(value)})")
    return ParameterCount(parameters=value, count=kind, total=total, active=active, steps_zh=steps.zh, steps_en=steps.en)


def touched_share(moe: Moe, batch: Fraction | float) -> float:
    """Share of routed experts that a step of `batch` tokens touches at least once, routing taken as uniform: 1 - (1 - e/E)^B."""
    return float(1.0 - (1.0 - moe.experts_per_token / moe.num_experts) ** float(batch))
