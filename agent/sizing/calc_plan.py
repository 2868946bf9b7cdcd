"""The calculators about plans: which configuration to take, what training holds, and any other calculator under other assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from agent.sizing.calc import Kind, Outcome, calculate, kind_of
from agent.sizing.calc_fields import MODEL
from agent.sizing.errors import DoesNotFitError, SizingError
from agent.sizing.inputs import exact
from agent.sizing.recommend import GpuOffer, recommend
from agent.sizing.training import training_memory
from agent.sizing.what_if import scenarios, sensitivity

_OFFER_FIELDS = ("gpu", "price_per_hour", "purchase_price", "available")
_RECOMMEND = (
    "context_tokens", "concurrency", "weight_dtypes", "kv_dtype", "input_tokens", "output_tokens", "min_tokens_per_s_per_request",
    "max_ttft_s", "budget_monthly", "currency", "lifetime_years", "allowed_counts",
)  # fmt: skip


def _offers(given: Any) -> list[GpuOffer] | None:
    if given is None:
        return None
    if not isinstance(given, (list, tuple)):
        raise SizingError(f"offers is {given!r}; expected a list of GPU names or objects with: {', '.join(_OFFER_FIELDS)}")
    offers = []
    for item in given:
        if isinstance(item, str):
            offers.append(GpuOffer(item))
        elif isinstance(item, Mapping) and set(item) <= set(_OFFER_FIELDS) and item.get("gpu"):
            offers.append(GpuOffer(**{str(key): value for key, value in item.items()}))
        else:
            raise SizingError(f"offer {item!r}: expected a GPU name or an object with: {', '.join(_OFFER_FIELDS)}")
    return offers


def _model(given: dict[str, Any]) -> Any:
    from agent.sizing.calc_sizing import model_of

    return model_of(given)


def _recommend(given: dict[str, Any]) -> Outcome:
    options = {name: given[name] for name in _RECOMMEND if given.get(name) is not None}
    if "context_tokens" not in options:
        raise SizingError("context_tokens is missing", "缺少 context_tokens")
    if isinstance(options.get("weight_dtypes"), str):
        options["weight_dtypes"] = [word.strip() for word in options["weight_dtypes"].split(",")]
    result = recommend(_model(given), offers=_offers(given.get("offers")), **options)
    if result.best is None:
        why = "; ".join(f"{o.gpu} ({o.weight_dtype}): {o.why_not_en}" for o in result.rejected[:3])
        raise DoesNotFitError(f"no configuration meets every constraint: {why}", "没有满足全部条件的配置")
    return Outcome(result.best.gpus, f"x {result.best.gpu} ({result.best.weight_dtype})", result)


def _training(given: dict[str, Any]) -> Outcome:
    options = {name: given[name] for name in ("gpu", "trained_share") if given.get(name) is not None}
    result = training_memory(_model(given), str(given.get("method", "full")), **options)
    return Outcome(result.bytes, "bytes", result)


def _nested(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The calculator that is looked at, and its inputs."""
    name = given.get("calculator")
    if not name:
        raise SizingError("calculator is missing: name the one whose assumptions are moved, e.g. break_even", "缺少 calculator")
    kind = kind_of(name)
    if kind.name in ("sensitivity", "scenarios"):
        raise SizingError(f"calculator is {kind.name}; it cannot be moved itself")
    inputs = given.get("inputs")
    if not isinstance(inputs, Mapping):
        raise SizingError(f"inputs is {inputs!r}; expected the inputs of {kind.name} as an object")
    return kind.name, {str(key): value for key, value in inputs.items()}


def _measured(name: str, inputs: Mapping[str, Any]) -> Fraction | None:
    """The calculator's value as a number; None for "never"."""
    value = calculate(name, dict(inputs)).value
    return None if value is None or isinstance(value, str) else exact(value, name, low=-(10**18), high=10**30, zero=True)


def _numeric(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs with figures in words ("9万元") as numbers, so that they can be moved."""
    found: dict[str, Any] = {}
    for key, value in inputs.items():
        if isinstance(value, str):
            try:
                found[key] = float(exact(value, key, low=0, high=10**18, zero=True))
                continue
            except SizingError:
                pass
        found[key] = value
    return found


def _sensitivity(given: dict[str, Any]) -> Outcome:
    name, inputs = _nested(given)
    ranges = given.get("ranges")
    if ranges is not None and not (
        isinstance(ranges, Mapping) and all(isinstance(r, (list, tuple)) and len(r) == 2 for r in ranges.values())
    ):
        raise SizingError(f"ranges is {ranges!r}; expected an object of input: [low, high]")
    pairs = {str(key): (low, high) for key, (low, high) in ranges.items()} if ranges is not None else None
    result = sensitivity(lambda values: _measured(name, values), _numeric(inputs), ranges=pairs, change=given.get("change", "0.2"))
    if not result.swings:
        raise SizingError(f"{name}: no input is a number that could be moved")
    return Outcome(result.swings[0].name, "assumption", result)


def _scenarios(given: dict[str, Any]) -> Outcome:
    name, inputs = _nested(given)
    cases = given.get("cases")
    if not isinstance(cases, Mapping) or not all(isinstance(case, Mapping) for case in cases.values()):
        raise SizingError(f"cases is {cases!r}; expected an object of name: changed inputs")
    result = scenarios(lambda values: _measured(name, values), inputs, {str(key): dict(case) for key, case in cases.items()})
    return Outcome(dict(result.results), f"{name} by scenario", result)


PLAN_KINDS: tuple[Kind, ...] = (
    Kind(
        "recommend", "the cheapest configuration that meets the constraints", (*MODEL, "offers", *_RECOMMEND), _recommend,
        '{"model":"32B","context_tokens":8192,"concurrency":50,"offers":[{"gpu":"4090","purchase_price":15000},{"gpu":"A100 80GB",'
        '"purchase_price":80000}]}',
    ),
    Kind(
        "training_memory", "bytes of weights, gradients and optimiser states in training", (*MODEL, "method", "trained_share", "gpu"),
        _training,
        '{"model":"7B","method":"full"}',
    ),
    Kind(
        "sensitivity", "which assumption of another calculator moves its result most", ("calculator", "inputs", "change", "ranges"),
        _sensitivity, '{"calculator":"break_even","inputs":{"upfront":600000,"api_monthly":90000,"self_monthly":15000}}',
    ),
    Kind(
        "scenarios", "another calculator under several sets of assumptions", ("calculator", "inputs", "cases"), _scenarios,
        '{"calculator":"break_even","inputs":{"upfront":600000,"api_monthly":90000},"cases":{"base":{},"dear":{"upfront":900000}}}',
    ),
)  # fmt: skip
