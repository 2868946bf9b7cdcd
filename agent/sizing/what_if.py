"""The same calculation under other assumptions: which one moves the result most, three cases side by side, a mix of routes.

`calculate` is any function of named numbers that gives one number; nothing here knows what it computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.sizing.break_even import BreakEvenVolume
from agent.sizing.errors import SizingError
from agent.sizing.inputs import exact, share
from agent.sizing.money import amount, dec, shown
from agent.sizing.money import currency as currency_code
from agent.sizing.steps import Calculation, Steps, count

Calculate = Callable[[Mapping[str, Any]], float | Decimal | Fraction | None]


@dataclass(frozen=True, slots=True)
class Swing:
    """One assumption moved between `low` and `high`, everything else as it is. None: no result (it never breaks even)."""

    name: str
    low: float
    high: float
    result_low: float | None
    result_high: float | None

    def width(self, base: float | None) -> float:
        """How far the result moves; infinite where it disappears."""
        ends = [self.result_low, self.result_high]
        if base is None or None in ends:
            return 0.0 if ends == [None, None] and base is None else float("inf")
        known = [value for value in ends if value is not None]
        return max(known) - min(known)


@dataclass(frozen=True, kw_only=True)
class Sensitivity(Calculation):
    """Swings, the widest first (a tornado)."""

    base: float | None
    swings: tuple[Swing, ...]


def sensitivity(
    calculate: Calculate, base: Mapping[str, Any], *, ranges: Mapping[str, tuple[Any, Any]] | None = None, change: Any = "0.2"
) -> Sensitivity:
    """Moves one assumption at a time: between its given range, or by `change` (20%) down and up."""
    step = share(change, "change")
    names = list(ranges) if ranges is not None else [name for name, value in base.items() if _is_number(value)]
    middle = _number(calculate(base))
    swings = []
    for name in names:
        if name not in base:
            raise SizingError(f"sensitivity: {name!r} is not an assumption; known: {', '.join(base)}")
        value = exact(base[name], name, high=10**18, zero=True)
        low, high = (Fraction(str(x)) for x in ranges[name]) if ranges is not None else (value * (1 - step), value * (1 + step))
        swings.append(
            Swing(name, float(low), float(high), _number(calculate({**base, name: low})), _number(calculate({**base, name: high})))
        )
    swings.sort(key=lambda swing: swing.width(middle), reverse=True)
    steps = Steps()
    for swing in swings:
        steps.add(
            f"{swing.name} 从 {count(swing.low)} 到 {count(swing.high)}：结果 {_said(swing.result_low, 'zh')} →"
            f" {_said(swing.result_high, 'zh')}",
            f"{swing.name} from {count(swing.low)} to {count(swing.high)}: result {_said(swing.result_low, 'en')} →"
            f" {_said(swing.result_high, 'en')}",
        )
    if swings:
        steps.add(f"影响最大的假设：{swings[0].name}", f"the assumption that moves the result most: {swings[0].name}")
    return Sensitivity(base=middle, swings=tuple(swings), steps_zh=steps.zh, steps_en=steps.en)


@dataclass(frozen=True, kw_only=True)
class Scenarios(Calculation):
    """Results by scenario name, in the order given."""

    results: Mapping[str, float | None]
    assumptions: Mapping[str, Mapping[str, Any]]


def scenarios(calculate: Calculate, base: Mapping[str, Any], cases: Mapping[str, Mapping[str, Any]]) -> Scenarios:
    """The calculation under each case, a case being the base with some assumptions replaced."""
    for name, changed in cases.items():
        unknown = [key for key in changed if key not in base]
        if unknown:
            raise SizingError(f"scenario {name!r}: unknown assumption {', '.join(unknown)}; known: {', '.join(base)}")
    full = {name: {**base, **changed} for name, changed in cases.items()}
    results = {name: _number(calculate(values)) for name, values in full.items()}
    steps = Steps()
    for name, result in results.items():
        said = [f"{key}={value}" for key, value in cases[name].items()]
        steps.add(
            f"{name}（{'，'.join(said) or '基准'}）：{_said(result, 'zh')}",
            f"{name} ({', '.join(said) or 'base'}): {_said(result, 'en')}",
        )
    return Scenarios(results=results, assumptions=full, steps_zh=steps.zh, steps_en=steps.en)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a share of the tokens goes, and what 1M of them costs there."""

    name: str
    share: Fraction
    price_per_1m: Fraction


@dataclass(frozen=True, kw_only=True)
class Hybrid(Calculation):
    """Monthly cost of a mix, by route, against sending everything to the first route."""

    monthly: Decimal
    by_route: Mapping[str, Decimal]
    all_first: Decimal
    saving: Decimal
    saving_share: float | None
    currency: str


def hybrid_routing(tokens_per_month: Any, routes: Sequence[tuple[str, Any, Any]], *, currency: str = "") -> Hybrid:
    """Sum over routes of share * tokens * price for 1M; routes are (name, share, price), their shares add up to 1."""
    volume = exact(tokens_per_month, "tokens_per_month", high=10**18, zero=True, kind="tokens")
    if not routes:
        raise SizingError("routes is empty; expected (name, share, price per 1M) for each route")
    parsed = [
        Route(str(name), share(part, f"share of {name}", zero=True), amount(price, f"price of {name}")) for name, part, price in routes
    ]
    total_share = sum((route.share for route in parsed), Fraction(0))
    if abs(total_share - 1) > Fraction(1, 10**6):
        raise SizingError(f"the shares add up to {float(total_share):g}; expected 1", f"各路占比之和是 {float(total_share):g}，应为 1")
    code = currency_code(currency)
    by_route = {route.name: volume * route.share * route.price_per_1m / 10**6 for route in parsed}
    total, first = sum(by_route.values(), Fraction(0)), volume * parsed[0].price_per_1m / 10**6
    steps = Steps()
    for route in parsed:
        steps.add(
            f"{route.name}：{float(route.share):.0%} × {count(volume)} tokens × {shown(route.price_per_1m, code)}/百万 ="
            f" {shown(by_route[route.name], code)}",
            f"{route.name}: {float(route.share):.0%} × {count(volume)} tokens × {shown(route.price_per_1m, code)}/1M ="
            f" {shown(by_route[route.name], code)}",
        )
    saved = first - total
    ratio = float(saved / first) if first else None
    steps.add(
        f"合计 {shown(total, code)}；全部走 {parsed[0].name} 为 {shown(first, code)}，相差 {shown(saved, code)}"
        + (f"（{ratio:.2%}）" if ratio is not None else ""),
        f"total {shown(total, code)}; all through {parsed[0].name} {shown(first, code)}, difference {shown(saved, code)}"
        + (f" ({ratio:.2%})" if ratio is not None else ""),
    )
    return Hybrid(
        monthly=dec(total), by_route={name: dec(value) for name, value in by_route.items()}, all_first=dec(first), saving=dec(saved),
        saving_share=ratio,
        currency=code, steps_zh=steps.zh, steps_en=steps.en,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Split(Calculation):
    """The cheapest number of own replicas for a volume, the rest going to the API."""

    replicas: int
    monthly: Decimal
    self_share: float
    all_api: Decimal
    currency: str


def best_split(result: BreakEvenVolume, tokens_per_month: Any) -> Split:
    """Own replicas r = 0, 1, ...: fixed (if any) + r * replica + marginal * own tokens + API price * what overflows; the cheapest r."""
    volume = exact(tokens_per_month, "tokens_per_month", high=10**18, zero=True, kind="tokens")
    price, marginal = Fraction(result.api_price_per_1m) / 10**6, Fraction(result.marginal_price_per_1m) / 10**6
    capacity = Fraction(result.capacity_per_replica) if result.capacity_per_replica is not None else volume or Fraction(1)
    most = -(-volume // capacity) if volume else 0

    def monthly(replicas: int) -> Fraction:
        own = min(volume, replicas * capacity)
        base = Fraction(result.fixed_monthly) + replicas * Fraction(result.replica_monthly) if replicas else Fraction(0)
        return base + own * marginal + (volume - own) * price

    # Cost is linear in full replicas, so only none, one, all but the last and all can be cheapest.
    best = min({0, min(1, most), max(0, most - 1), most}, key=lambda r: (monthly(r), r))
    own = min(volume, best * capacity)
    steps = Steps()
    part = float(own / volume) if volume else 0.0
    steps.add(
        f"{count(volume)} tokens/月时最省：自建 {best} 份承担 {part:.0%}，其余走 API，共 {shown(monthly(best), result.currency)}（全部 API"
        f" {shown(monthly(0), result.currency)}）",
        f"cheapest at {count(volume)} tokens a month: {best} own replicas carry {part:.0%}, the API the rest:"
        f" {shown(monthly(best), result.currency)} (all API {shown(monthly(0), result.currency)})",
    )
    return Split(
        replicas=best,
        monthly=dec(monthly(best)),
        self_share=part,
        all_api=dec(monthly(0)),
        currency=result.currency,
        steps_zh=steps.zh,
        steps_en=steps.en,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal, Fraction)) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _said(value: float | None, language: str) -> str:
    if value is None:
        return "永不" if language == "zh" else "never"
    return count(value)
