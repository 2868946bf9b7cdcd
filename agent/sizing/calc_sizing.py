"""The calculators about a model on GPUs: inputs of a line -> the typed functions -> what the line reports."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from agent.sizing.arch import architecture
from agent.sizing.budget import layout
from agent.sizing.calc import Kind, Outcome
from agent.sizing.calc_fields import SIZING
from agent.sizing.capacity import cards_for_weights, gpus_needed, max_concurrency
from agent.sizing.errors import SizingError
from agent.sizing.gpus import Gpu, gpu_from_spec
from agent.sizing.inputs import MAX_BYTES, exact, flag, one_of, whole
from agent.sizing.latency import latency_target
from agent.sizing.memory import architecture_of, kv_bytes, stated_parameters, weights
from agent.sizing.models import ModelLike, StatedModel
from agent.sizing.params import param_count
from agent.sizing.resolve import nearest_reference, resolve_gpu, resolve_model
from agent.sizing.throughput import throughput


def model_of(given: dict[str, Any]) -> ModelLike:
    """The model of a line: `arch` wins over `config`, that over `model`, that over `parameters`; a partial `arch` goes over the catalog."""
    arch, name = given.get("arch"), given.get("model")
    if isinstance(arch, str) and name is None:
        arch, name = None, arch
    if arch is not None:
        if not isinstance(arch, dict):
            raise SizingError(f"arch is {arch!r}; expected an object of config names or a catalog name")
        return _over_catalog(arch, name) if name is not None else resolve_model(arch)
    if given.get("config") is not None:
        return resolve_model(given["config"])
    if name is not None:
        return resolve_model(name)
    if given.get("parameters") is not None:
        total = stated_parameters(given["parameters"])
        active = stated_parameters(given["active_parameters"]) if given.get("active_parameters") is not None else None
        return StatedModel(f"{total / 1e9:g}B", total, active, nearest_reference(total))
    raise SizingError("no model: give arch, config, model or parameters", "没有指定模型：请给 arch、config、model 或 parameters")


def _over_catalog(arch: dict[str, Any], name: Any) -> ModelLike:
    """Explicit fields win over those of the named catalog model."""
    from agent.sizing.hf_config import is_hf_config
    from agent.sizing.resolve import find_model_entry
    from kb.catalog.hardware import ARCHITECTURE_SHAPE

    if is_hf_config(arch) or {"num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size"} <= set(arch):
        return resolve_model({"name": str(name), **arch} if not is_hf_config(arch) else arch)
    entry = find_model_entry(str(name))
    shape = {key: value for key, value in entry.shape.items() if key in ARCHITECTURE_SHAPE}
    return architecture({**shape, **arch}, entry.name)


def _gpu(given: dict[str, Any]) -> Gpu | None:
    """The GPU of a line: fields of `gpu_spec` and `gpu_memory_bytes` win over the named catalog GPU."""
    spec, name = given.get("gpu_spec"), given.get("gpu")
    if isinstance(spec, str) and name is None:
        spec, name = None, spec
    if isinstance(name, dict) and spec is None:
        spec, name = name, None
    card = resolve_gpu(name) if name is not None else None
    if spec is not None:
        card = gpu_from_spec(spec, card)
    if given.get("gpu_memory_bytes") is not None:
        memory = exact(given["gpu_memory_bytes"], "gpu_memory_bytes", high=MAX_BYTES, kind="bytes")
        card = replace(card or Gpu("the given GPU"), memory_bytes=memory, memory_note="")
    return card


def _pick(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given.get(name) is not None}


def _windows(given: dict[str, Any]) -> bool:
    """Whether the engine frees cache past a window."""
    return (
        one_of(
            given.get("windows", "reserved"),
            "windows",
            ("reserved", "honoured"),
            {"honored": "honoured", "flat": "reserved", "true": "honoured", "false": "reserved"},
        )
        == "honoured"
    )


def _param_count(given: dict[str, Any]) -> Outcome:
    model = model_of(given)
    if isinstance(model, StatedModel):
        raise SizingError(f"{model.name}: only a size was given; the count needs arch, config or a catalog model")
    result = param_count(
        model, given.get("count", "total"), stored_head_copy=flag(given.get("stored_head_copy", False), "stored_head_copy")
    )
    return Outcome(result.parameters, "parameters", result)


def _ranks(given: dict[str, Any]) -> tuple[int, int]:
    """Tensor and pipeline parallel sizes for a per-GPU figure; GPUs beyond the tensor-parallel group are pipeline stages."""
    tp = whole(given["tensor_parallel"], "tensor_parallel") if given.get("tensor_parallel") is not None else None
    pp = whole(given["pipeline_parallel"], "pipeline_parallel") if given.get("pipeline_parallel") is not None else None
    n = whole(given["n_gpus"], "n_gpus") if given.get("n_gpus") is not None else (tp or 1) * (pp or 1)
    tp = tp if tp is not None else n // (pp or 1) if n <= 8 or pp else next(size for size in range(8, 0, -1) if n % size == 0)
    pp = pp if pp is not None else max(1, n // tp)
    if tp * pp != n:
        raise SizingError(f"{n} GPUs are not tensor_parallel {tp} × pipeline_parallel {pp}; expected their product")
    return tp, pp


def _weights_bytes(given: dict[str, Any]) -> Outcome:
    tp, pp = _ranks(given)
    result = weights(
        model_of(given), given.get("weight_dtype"), tensor_parallel=tp, pipeline_parallel=pp,
        stored_head_copy=flag(given.get("stored_head_copy", False), "stored_head_copy"), **_pick(given, "bits_per_weight"),
    )  # fmt: skip
    each = flag(given.get("per_gpu", False), "per_gpu")
    return Outcome(result.bytes_per_gpu if each else result.bytes, "bytes", result)


def _kv_bytes_per_token(given: dict[str, Any]) -> Outcome:
    tp, pp = _ranks(given) if flag(given.get("per_gpu", False), "per_gpu") else (1, 1)
    per = given.get("per", "token")
    result = kv_bytes(
        model_of(given),
        given.get("kv_dtype", "bf16"),
        per=per,
        context_tokens=given.get("context_tokens"),
        tensor_parallel=tp,
        pipeline_parallel=pp,
    )
    value = result.flat_sequence_bytes if result.per == "sequence" and "windows" in given and not _windows(given) else result.bytes
    return Outcome(value, "bytes" if result.per == "sequence" else "bytes/token", result)


_MEMORY_INPUTS = (
    "n_gpus", "tensor_parallel", "pipeline_parallel", "memory_utilization", "overhead_bytes_per_gpu", "weights_bytes",
    "weights_bytes_per_gpu",
    "weight_dtype", "bits_per_weight", "kv_budget_bytes", "kv_budget_bytes_per_gpu", "kv_dtype", "context_tokens", "block_tokens",
)  # fmt: skip


def _max_concurrency(given: dict[str, Any]) -> Outcome:
    result = max_concurrency(model_of(given), gpu=_gpu(given), honour_windows=_windows(given), **_pick(given, *_MEMORY_INPUTS))
    report = one_of(given.get("report", "ratio" if "context_tokens" in given else "tokens"), "report", ("tokens", "ratio", "requests"))
    if report == "tokens":
        return Outcome(result.kv_tokens, "tokens", result)
    if result.requests is None:
        raise SizingError(f"report is {report}; context_tokens is missing")
    return Outcome(result.ratio if report == "ratio" else result.requests, "requests", result)


def _gpus_needed(given: dict[str, Any]) -> Outcome:
    model = model_of(given)
    memory: dict[str, Any] = {"gpu": _gpu(given)}
    if given.get("kv_budget_bytes_per_gpu") is not None:
        # A ready budget is what one GPU has left for the cache: nothing else is to be taken from it.
        memory = {
            "gpu_memory_bytes": given["kv_budget_bytes_per_gpu"],
            "memory_utilization": 1,
            "overhead_bytes_per_gpu": 0,
            "weights_bytes": 0,
        }
    else:
        memory |= _pick(
            given,
            "memory_utilization",
            "overhead_bytes_per_gpu",
            "weights_bytes",
            "weights_bytes_per_gpu",
            "weight_dtype",
            "bits_per_weight",
        )
    if given.get("context_tokens") is None:
        raise SizingError("context_tokens is missing", "缺少 context_tokens")
    result = gpus_needed(
        model,
        honour_windows=_windows(given),
        **memory,
        **_pick(given, "context_tokens", "concurrency", "allowed_counts", "tensor_parallel", "kv_dtype"),
    )
    return Outcome(result.gpus, "GPUs", result)


def _throughput(given: dict[str, Any]) -> Outcome:
    model = model_of(given)
    metric = given.get("metric") or ("output" if given.get("output_tokens") is not None else "decode")
    options = _pick(
        given, "batch", "context_tokens", "input_tokens", "output_tokens", "concurrency", "max_batch", "n_gpus", "tensor_parallel",
        "pipeline_parallel",
        "weight_dtype", "bits_per_weight", "activation_dtype", "kv_dtype", "mbu", "mfu", "step_overhead_s", "basis", "memory_utilization",
        "overhead_bytes_per_gpu", "weights_bytes", "kv_budget_bytes", "queue_s",
    )  # fmt: skip
    card = _gpu(given)
    if card is None:
        raise SizingError("no GPU: give gpu or gpu_spec", "没有指定显卡：请给 gpu 或 gpu_spec")
    if given.get("kv_budget_bytes_per_gpu") is not None:
        n = layout(architecture_of(model), given.get("n_gpus"), given.get("tensor_parallel"), given.get("pipeline_parallel")).n_gpus
        options["kv_budget_bytes"] = exact(given["kv_budget_bytes_per_gpu"], "kv_budget_bytes_per_gpu", kind="bytes") * Fraction(n)
    result = throughput(model, card, metric, **options)
    return Outcome(result.value, result.unit, result)


def _cards(given: dict[str, Any]) -> Outcome:
    card = _gpu(given)
    memory = given.get("card_memory_gb")
    result = cards_for_weights(model_of(given), given.get("weight_dtype"), memory, gpu=card if memory is None else None)
    return Outcome(result.cards, "cards", result)


def _latency(given: dict[str, Any]) -> Outcome:
    card = _gpu(given)
    if card is None:
        raise SizingError("no GPU: give gpu or gpu_spec", "没有指定显卡：请给 gpu 或 gpu_spec")
    options = _pick(
        given, "input_tokens", "output_tokens", "min_tokens_per_s_per_request", "max_ttft_s", "n_gpus", "tensor_parallel",
        "pipeline_parallel", "weight_dtype",
        "bits_per_weight", "activation_dtype", "kv_dtype", "mbu", "mfu", "step_overhead_s", "basis",
    )  # fmt: skip
    if given.get("max_batch") is not None:
        options["batch_limit"] = given["max_batch"]
    for name in ("input_tokens", "output_tokens"):
        if name not in options:
            raise SizingError(f"{name} is missing", f"缺少 {name}")
    result = latency_target(model_of(given), card, **options)
    return Outcome(result.max_batch, "requests", result)


_LLAMA = (
    '"arch":{"num_hidden_layers":32,"hidden_size":4096,"num_attention_heads":32,"num_key_value_heads":8,'
    '"intermediate_size":14336,"vocab_size":128256}'
)

SIZING_KINDS: tuple[Kind, ...] = (
    Kind("param_count", "parameters of an architecture", SIZING, _param_count, "{" + _LLAMA + ',"count":"total"}'),
    Kind(
        "weights_bytes",
        "bytes of the weights",
        SIZING,
        _weights_bytes,
        '{"model":"Qwen2.5-72B","weight_dtype":"int4","tensor_parallel":2,"per_gpu":true}',
    ),
    Kind(
        "kv_bytes_per_token",
        "bytes of the KV cache, for a token or a session",
        SIZING,
        _kv_bytes_per_token,
        '{"model":"Gemma-3-27B","per":"sequence","context_tokens":131072}',
    ),
    Kind(
        "max_concurrency",
        "cache tokens or sessions that fit",
        SIZING,
        _max_concurrency,
        '{"model":"Llama-3.1-8B","gpu":"A100 80GB","context_tokens":8192,"report":"requests"}',
    ),
    Kind(
        "gpus_needed",
        "the smallest number of GPUs",
        SIZING,
        _gpus_needed,
        '{"model":"70B","gpu":"A100 80GB","context_tokens":8192,"concurrency":16,"weight_dtype":"int8"}',
    ),
    Kind(
        "throughput",
        "tokens a second, by a roofline",
        SIZING,
        _throughput,
        '{"model":"Llama-3.1-8B","gpu":"H100 SXM","metric":"output","input_tokens":1000,"output_tokens":500,"concurrency":64}',
    ),
    Kind(
        "cards_for_weights",
        "cards that hold the weights alone",
        (*SIZING, "card_memory_gb"),
        _cards,
        '{"model":"70B","weight_dtype":"int8","card_memory_gb":24}',
    ),
    Kind(
        "latency",
        "requests at once that still meet a latency target",
        (*SIZING, "min_tokens_per_s_per_request", "max_ttft_s"),
        _latency,
        '{"model":"70B","gpu":"H20","n_gpus":4,"input_tokens":2000,"output_tokens":500,"max_ttft_s":2}',
    ),
)
