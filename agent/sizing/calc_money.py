"""The calculators about money: inputs of a line -> the typed functions -> what the line reports."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from agent.sizing.api_price import api_cost, budget_tokens
from agent.sizing.break_even import break_even_months, break_even_volume
from agent.sizing.calc import Kind, Outcome
from agent.sizing.cost import energy, owned_hourly, self_host_cost
from agent.sizing.errors import SizingError
from agent.sizing.inputs import exact, one_of
from agent.sizing.money import amount
from agent.sizing.tco import tco
from agent.sizing.what_if import hybrid_routing

MILLION = 10**6
_PRICES = ("input_price", "output_price", "cache_read_price", "cache_write_price")


def _pick(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given.get(name) is not None}


def _need(given: dict[str, Any], *names: str) -> None:
    missing = [name for name in names if given.get(name) is None]
    if missing:
        raise SizingError(f"{', '.join(missing)} is missing", f"缺少 {'、'.join(missing)}")


def _prices(given: dict[str, Any]) -> dict[str, Any]:
    """Prices for 1M tokens and their currency: given, else those of the named model."""
    found: dict[str, Any] = {}
    if given.get("model") is not None and (given.get("input_price") is None or given.get("output_price") is None):
        from agent.sizing.model_price import model_price

        found = model_price(
            str(given["model"]), given.get("input_tokens"), str(given.get("price_source") or "catalog"), str(given.get("provider") or "")
        )
        if given.get("currency") and found["currency"] and str(given["currency"]).upper() != found["currency"]:
            raise SizingError(
                f"the price of {given['model']} is in {found['currency']}, not {given['currency']}; use to_currency and exchange_rate"
            )
    per = exact(given["price_per"], "price_per", high=10**9, kind="tokens") if given.get("price_per") is not None else Fraction(MILLION)
    for name in _PRICES:
        if given.get(name) is not None:
            found[name] = amount(given[name], name) * MILLION / per
    if given.get("currency"):
        found["currency"] = given["currency"]
    for name in ("input_price", "output_price"):
        if name not in found:
            found_other = "output_price" if name == "input_price" else "input_price"
            tokens = given.get(name.replace("price", "tokens"))
            if found_other in found and not tokens:
                found[name] = 0
            else:
                raise SizingError(
                    f"{name} is missing: give it, or a model whose price is known", f"缺少 {name}：请给出价格，或目录中有价格的模型"
                )
    return found


def _api_cost(given: dict[str, Any]) -> Outcome:
    options = _pick(
        given,
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "requests",
        "context_tiers",
        "price_multiplier",
        "exchange_rate",
        "to_currency",
    )
    if "input_tokens" not in options and "output_tokens" not in options:
        raise SizingError("input_tokens and output_tokens are missing; give at least one", "缺少 input_tokens 和 output_tokens，至少给一个")
    result = api_cost(**options, **_prices(given))
    if result.converted is not None:
        return Outcome(result.converted, result.converted_currency, result)
    return Outcome(result.total, result.currency, result)


def _budget_tokens(given: dict[str, Any]) -> Outcome:
    _need(given, "budget")
    prices = _prices({**given, "input_tokens": 1, "output_tokens": 1})
    options = {name: value for name, value in prices.items() if name in ("input_price", "output_price", "currency")}
    result = budget_tokens(
        given["budget"], **options, **_pick(given, "ratio", "input_share", "input_tokens", "output_tokens", "price_multiplier")
    )
    report = one_of(given.get("report", "total"), "report", ("total", "input", "output", "requests"))
    if report == "requests":
        if result.requests is None:
            raise SizingError("report is requests; give input_tokens and output_tokens of a request")
        return Outcome(result.requests, "requests", result)
    return Outcome({"total": result.total_tokens, "input": result.input_tokens, "output": result.output_tokens}[report], "tokens", result)


_VOLUME_FIELDS = (
    "replica_monthly", "gpus_per_replica", "price_per_gpu_hour", "fixed_monthly", "marginal_price_per_1m", "tokens_per_s", "utilization",
    "capacity_per_replica",
)  # fmt: skip


def _break_even(given: dict[str, Any]) -> Outcome:
    report = one_of(
        given.get("report", "months" if given.get("api_monthly") is not None else "volume"),
        "report",
        ("months", "volume", "always_from", "replicas", "saving"),
    )
    if report in ("months", "saving"):
        own = given.get("self_monthly") if given.get("self_monthly") is not None else given.get("running_monthly", 0)
        _need(given, "api_monthly", *(("upfront",) if report == "months" else ()))
        months = break_even_months(given.get("upfront", 0), given["api_monthly"], own, **_pick(given, "residual_value", "currency"))
        if report == "saving":
            return Outcome(months.monthly_saving, f"{months.currency}/month".lstrip("/"), months)
        return Outcome("never" if months.never else months.months, "months", months)
    _need(given, "api_price_per_1m")
    volume = break_even_volume(given["api_price_per_1m"], **_pick(given, *_VOLUME_FIELDS, "currency"))
    value = {"volume": volume.tokens_per_month, "always_from": volume.always_from, "replicas": volume.replicas}[report]
    return Outcome("never" if volume.never else value, "replicas" if report == "replicas" else "tokens/month", volume)


_TCO_FIELDS = (
    "upfront", "gpus", "gpu_purchase_price", "price_per_gpu_hour", "hours_per_month", "power_kw", "pue", "electricity_price_per_kwh",
    "staff_monthly",
    "hosting_monthly", "running_monthly", "monthly_items", "maintenance_share_per_year", "residual_share", "api_monthly", "currency",
)  # fmt: skip


def _tco(given: dict[str, Any]) -> Outcome:
    options = _pick(given, *_TCO_FIELDS)
    if given.get("self_monthly") is not None:
        if "running_monthly" in options:
            raise SizingError("self_monthly and running_monthly are the same thing; give one")
        options["running_monthly"] = given["self_monthly"]
    if not set(options) - {"api_monthly", "currency", "gpus"}:
        raise SizingError(
            "no costs are given: at least one of upfront, gpu_purchase_price, price_per_gpu_hour, running_monthly, ... is needed"
        )
    result = tco(given.get("months", 36), **options)
    report = one_of(given.get("report", "total"), "report", ("total", "per_month", "saving", "api_total", "break_even_months"))
    if report in ("saving", "api_total", "break_even_months"):
        _need(given, "api_monthly")
    if report == "break_even_months":
        return Outcome("never" if result.never else result.break_even_months, "months", result)
    value = {"total": result.total, "per_month": result.per_month, "saving": result.saving, "api_total": result.api_total}[report]
    return Outcome(value, result.currency, result)


def _self_host_cost(given: dict[str, Any]) -> Outcome:
    _need(given, "gpus", "price_per_gpu_hour", "tokens_per_s", "utilization")
    result = self_host_cost(
        given["gpus"], given["price_per_gpu_hour"], given["tokens_per_s"], given["utilization"], **_pick(given, "fixed_monthly", "currency")
    )
    return Outcome(result.per_1m_tokens, f"{result.currency}/1M tokens".lstrip("/"), result)


def _owned_hourly(given: dict[str, Any]) -> Outcome:
    _need(given, "purchase_price")
    options = _pick(
        given, "lifetime_years", "residual_share", "power_kw", "pue", "electricity_price_per_kwh", "hosting_per_hour", "currency"
    )
    result = owned_hourly(given["purchase_price"], **options)
    return Outcome(result.per_hour, f"{result.currency}/h".lstrip("/"), result)


def _energy(given: dict[str, Any]) -> Outcome:
    _need(given, "gpus", "power_w_per_gpu")
    options = _pick(given, "host_power_w", "pue", "load", "tokens_per_s", "electricity_price_per_kwh", "currency")
    result = energy(given["gpus"], given["power_w_per_gpu"], **options)
    return Outcome(result.kwh_per_month, "kWh/month", result)


def _hybrid(given: dict[str, Any]) -> Outcome:
    _need(given, "tokens_per_month", "routes")
    routes = []
    for index, route in enumerate(given["routes"]):
        if not isinstance(route, dict) or not {"share", "price_per_1m"} <= set(route):
            raise SizingError(f"routes[{index}] is {route!r}; expected name, share and price_per_1m")
        routes.append((str(route.get("name") or index + 1), route["share"], route["price_per_1m"]))
    result = hybrid_routing(given["tokens_per_month"], routes, **_pick(given, "currency"))
    return Outcome(result.monthly, result.currency, result)


_API_FIELDS = ("model", "price_source", "provider", "input_tokens", "output_tokens", *_PRICES, "price_per", "price_multiplier", "currency")

MONEY_KINDS: tuple[Kind, ...] = (
    Kind(
        "api_cost", "an API bill", (*_API_FIELDS, "cache_read_tokens", "cache_write_tokens", "requests", "context_tiers", "exchange_rate",
        "to_currency"),
        _api_cost, '{"input_tokens":"4000万","output_tokens":"500万","input_price":12,"output_price":12,"currency":"CNY"}',
    ),
    Kind("budget_tokens", "tokens that a budget buys", (*_API_FIELDS, "budget", "ratio", "input_share", "report"), _budget_tokens,
    '{"budget":1000,"input_price":2,"output_price":6,"ratio":"3:1","currency":"CNY"}'),
    Kind(
        "break_even",
        "months until an investment is earned back, or the monthly volume from which owning is cheaper; \"never\" where that is so",
        ("upfront", "residual_value", "api_monthly", "self_monthly", "running_monthly", "api_price_per_1m", *_VOLUME_FIELDS, "report",
        "currency"),
        _break_even, '{"upfront":"60万","api_monthly":"9万","self_monthly":"1.5万","currency":"CNY"}',
    ),
    Kind("tco", "total cost over a period", ("months", *_TCO_FIELDS, "self_monthly", "report"), _tco,
    '{"months":36,"upfront":600000,"running_monthly":15000,"api_monthly":90000,"currency":"CNY"}'),
    Kind("self_host_cost", "cost of 1M tokens on own GPUs", ("gpus", "price_per_gpu_hour", "tokens_per_s", "utilization", "fixed_monthly",
    "currency"), _self_host_cost, '{"gpus":4,"price_per_gpu_hour":2,"tokens_per_s":5000,"utilization":0.4,"currency":"USD"}'),
    Kind("owned_hourly", "cost of an hour of bought hardware", ("purchase_price", "lifetime_years", "residual_share", "power_kw", "pue",
    "electricity_price_per_kwh", "hosting_per_hour", "currency"), _owned_hourly,
    '{"purchase_price":200000,"lifetime_years":4,"power_kw":0.7,"electricity_price_per_kwh":0.8,"currency":"CNY"}'),
    Kind("energy", "electricity a month", ("gpus", "power_w_per_gpu", "host_power_w", "pue", "load", "tokens_per_s",
    "electricity_price_per_kwh", "currency"), _energy, '{"gpus":8,"power_w_per_gpu":400,"pue":1.3}'),
    Kind("hybrid", "monthly cost of a mix of routes", ("tokens_per_month", "routes", "currency"), _hybrid,
    '{"tokens_per_month":"1亿","routes":[{"name":"A","share":0.2,"price_per_1m":20},{"name":"B","share":0.8,"price_per_1m":2}]}'),
)  # fmt: skip
