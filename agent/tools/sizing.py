"""The calculators of agent/sizing as tools: typed arguments, text with units where people write it, plain JSON results.

Prices are always arguments: none is looked up or assumed. A mistake comes back as an `AdvisorError` that says what is expected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _with_steps(calculation: Any) -> dict[str, Any]:
    return {**calculation.as_dict(), "steps": list(calculation.steps_en)}


def size_weights(model: str, dtype: str = "bf16", card_memory_gb: float = 80.0) -> dict[str, Any]:
    """Memory of a model's weights in GB and the cards that hold them alone."""
    from agent.sizing.capacity import cards_for_weights

    result = cards_for_weights(model, dtype, card_memory_gb)
    return {"weights_gb": result.weights_gb, "cards": result.cards, "steps": list(result.steps_en)}


def kv_cache(model: str, context_tokens: str = "4096", sessions: int = 1, kv_dtype: str = "bf16") -> dict[str, Any]:
    """Bytes of the key/value cache for a number of sessions of a context length."""
    from agent.sizing.memory import kv_bytes

    one = kv_bytes(model, kv_dtype, per="sequence", context_tokens=context_tokens)
    return {"bytes_per_session": float(one.bytes), "bytes": float(one.bytes * sessions), "steps": list(one.steps_en)}


def gpus_needed(model: str, gpu: str, context_tokens: str = "4096", concurrency: str = "1", dtype: str = "bf16") -> dict[str, Any]:
    """Cards of one kind that serve a number of sessions of a context length, e.g. model "qwen2.5 72b", gpu "a100 80g"."""
    from agent.sizing import capacity

    return capacity.gpus_needed(model, gpu=gpu, context_tokens=context_tokens, concurrency=concurrency, weight_dtype=dtype).as_dict()


def max_concurrency(model: str, gpu: str, n_gpus: int = 1, context_tokens: str = "4096", dtype: str = "bf16") -> dict[str, Any]:
    """Sessions of a context length that fit on the given cards."""
    from agent.sizing import capacity

    return capacity.max_concurrency(model, gpu=gpu, n_gpus=n_gpus, context_tokens=context_tokens, weight_dtype=dtype).as_dict()


def throughput(
    model: str, gpu: str, n_gpus: int = 1, batch: str = "1", context_tokens: str = "2048", dtype: str = "bf16"
) -> dict[str, Any]:
    """Estimated decode tokens a second on the given cards, with its range."""
    from agent.sizing import throughput as rates

    return rates.throughput(
        model, gpu=gpu, n_gpus=n_gpus, metric="decode", batch=batch, context_tokens=context_tokens, weight_dtype=dtype
    ).as_dict()


def latency_target(
    model: str,
    gpu: str,
    n_gpus: int = 1,
    input_tokens: str = "1000",
    output_tokens: str = "500",
    max_first_token_seconds: float = 0.0,
    min_tokens_per_second: float = 0.0,
    dtype: str = "bf16",
) -> dict[str, Any]:
    """Requests at once that still get their first token and their speed in time; a target of 0 is none."""
    from agent.sizing import latency

    return latency.latency_target(
        model, gpu, input_tokens=input_tokens, output_tokens=output_tokens, n_gpus=n_gpus, weight_dtype=dtype,
        max_ttft_s=max_first_token_seconds or None, min_tokens_per_s_per_request=min_tokens_per_second or None,
    ).as_dict()  # fmt: skip


def recommend_gpus(
    model: str, context_tokens: str = "4096", concurrency: str = "1", gpu_prices: dict[str, float] | None = None, currency: str = ""
) -> dict[str, Any]:
    """The cheapest cards that serve the load, the runners-up and why they lost. gpu_prices: purchase price of one card by its name;
    without prices common cards are ranked by count."""
    from agent.sizing.recommend import GpuOffer, recommend

    offers = [GpuOffer(gpu, purchase_price=price) for gpu, price in gpu_prices.items()] if gpu_prices else None
    return _with_steps(recommend(model, context_tokens=context_tokens, concurrency=concurrency, offers=offers, currency=currency))


def total_cost(
    months: int = 36,
    upfront: str = "0",
    rent_per_gpu_hour: str = "0",
    gpus: int = 1,
    power_kw: float = 0.0,
    electricity_price_per_kwh: str = "0",
    staff_monthly: str = "0",
    other_monthly: str = "0",
    api_monthly: str = "",
    currency: str = "",
) -> dict[str, Any]:
    """Total cost of owning or renting over some months, with its parts; beside an API bill where one is given."""
    from agent.sizing.tco import tco

    return _with_steps(
        tco(
            months, upfront=upfront, gpus=gpus, price_per_gpu_hour=rent_per_gpu_hour, power_kw=power_kw,
            electricity_price_per_kwh=electricity_price_per_kwh, staff_monthly=staff_monthly, running_monthly=other_monthly,
            api_monthly=api_monthly or None, currency=currency,
        )
    )  # fmt: skip


def break_even_months(upfront: str, api_monthly: str, running_monthly: str = "0") -> dict[str, Any]:
    """Months until bought hardware pays back against an API bill, or never; all three amounts in one currency."""
    from agent.sizing import break_even

    return break_even.break_even_months(upfront, api_monthly, running_monthly).as_dict()


def break_even_volume(
    api_price_per_1m: str, own_monthly: str, tokens_per_second: float = 0.0, utilization: float = 0.3, currency: str = ""
) -> dict[str, Any]:
    """Tokens a month from which own hardware at a cost a month is cheaper than the API's price of 1M tokens, or never."""
    from agent.sizing import break_even

    return _with_steps(
        break_even.break_even_volume(
            api_price_per_1m, replica_monthly=own_monthly, tokens_per_s=tokens_per_second or None, utilization=str(utilization),
            currency=currency,
        )
    )  # fmt: skip


def training_memory(model: str, method: str = "full", gpu: str = "") -> dict[str, Any]:
    """Bytes of weights, gradients and optimiser states in training; method is full, lora or qlora. Activations are left out."""
    from agent.sizing import training

    return _with_steps(training.training_memory(model, method, gpu=gpu or None))


def calculate(kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Any calculator by its name with its own inputs, as `advisor calc` has them: api_cost, energy, hybrid, sensitivity, scenarios ..."""
    from agent.sizing.calc import calculate as run
    from agent.sizing.steps import plain

    outcome = run(kind, inputs)
    return {"value": plain(outcome.value), "unit": outcome.unit, **_with_steps(outcome.calculation)}


SIZING_TOOLS: tuple[Callable[..., dict[str, Any]], ...] = (
    size_weights, kv_cache, gpus_needed, max_concurrency, throughput, latency_target, recommend_gpus, total_cost, break_even_months,
    break_even_volume, training_memory, calculate,
)  # fmt: skip
