"""Stated figures recomputed from their own inputs: what a budget line says against what its prices and volumes give.

A formula's inputs are numbers (or text with a scale: 1亿, 30M) and names of catalog entities and fields. What cannot be
computed (an unknown model, a missing price) is no contradiction and gives None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from kb.catalog.catalog import Catalog
from kb.catalog.conditions import compatible
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import number_text
from kb.catalog.units import convert, rate_parts
from kb.catalog.values import ValueProblem, parse_number

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A figure computed again: `unit` as in claims (a currency for costs), `claims` what it was computed from."""

    value: Decimal
    unit: str
    steps: tuple[str, ...]
    claims: tuple[Claim, ...] = ()


def recompute(claim: Claim, catalog: Catalog) -> Recomputed | None:
    """The figure that the claim's own formula and inputs give; None if it has none or an input is not known."""
    function = _FORMULAS.get(claim.formula)
    if function is None:
        return None
    try:
        return function(claim, catalog)
    except (ValueProblem, InvalidOperation, ZeroDivisionError, KeyError, TypeError, ValueError):
        return None


def known_formulas() -> tuple[str, ...]:
    """The names that a claim's `formula` may have."""
    return tuple(_FORMULAS)


def _given(inputs: Mapping[str, Any], *names: str) -> Any:
    for name in names:
        if name in inputs and inputs[name] is not None:
            return inputs[name]
    return None


def _number(value: Any) -> Decimal:
    text = str(value).strip().removesuffix("tokens").removesuffix("token").strip()
    if text.endswith("%"):
        return parse_number(text[:-1]) / 100
    return parse_number(text)


def _entity(name: Any, catalog: Catalog, default: str) -> Entity | None:
    if name is None:
        return catalog.entities.get(default)
    text = str(name)
    if text in catalog.entities:
        return catalog.entities[text]
    found = catalog.find(text)
    return found[0] if found else None


def price_claims(entity: Entity, field: str, when: Mapping[str, str], *, without: Claim | None = None) -> tuple[Claim, ...]:
    """An entity's price claims under compatible conditions, those with the fewest further conditions first."""
    fitting = [claim for claim in entity.claims.get(field, ()) if claim is not without and compatible(claim.when, when)]
    return tuple(sorted(fitting, key=lambda claim: (len(set(claim.when) - set(when)), bool(claim.formula), bool(claim.about))))


def _api_cost(claim: Claim, catalog: Catalog) -> Recomputed | None:
    """Cost = sum over input and output of tokens x price per million tokens."""
    entity = _entity(_given(claim.inputs, "model", "entity", "of"), catalog, claim.entity)
    if entity is None:
        return None
    when = {str(key): str(value) for key, value in (_given(claim.inputs, "when") or {}).items()}
    total = Decimal(0)
    steps: list[str] = []
    used: list[Claim] = []
    for field, names in (("input_price", ("input_tokens", "input", "in")), ("output_price", ("output_tokens", "output", "out"))):
        given = _given(claim.inputs, *names)
        if given is None:
            continue
        tokens = _number(given)
        prices = [price for price in price_claims(entity, field, when) if price.unit.endswith("/1M token")]
        if not prices or not isinstance(prices[0].value, Decimal):
            return None
        price = prices[0]
        currency = rate_parts(price.unit)[0]
        if used and rate_parts(used[0].unit)[0] != currency:
            return None
        part = tokens / _MILLION * prices[0].value
        steps.append(f"{number_text(tokens)} token × {number_text(prices[0].value)} {price.unit} = {_money(part)} {currency}")
        total += part
        used.append(price)
    if not used:
        return None
    currency = rate_parts(used[0].unit)[0]
    if len(used) > 1:
        steps.append(f"{' + '.join(step.split(' = ')[1] for step in steps)} = {_money(total)} {currency}")
    times = _given(claim.inputs, "months", "times")
    if times is not None:
        steps.append(f"{_money(total)} {currency} × {_number(times)} = {_money(total * _number(times))} {currency}")
        total *= _number(times)
    return Recomputed(total, currency, tuple(steps), tuple(used))


def _multiple(claim: Claim, catalog: Catalog) -> Recomputed | None:
    """Value = factor x another claim of the same entity (or of the model named)."""
    factor = _number(_given(claim.inputs, "factor", "times"))
    base = _reference(claim, catalog, _given(claim.inputs, "of", "field", "base"))
    if base is None:
        return None
    value, unit, used = base
    result = value * factor
    step = f"{number_text(factor)} × {number_text(value)} = {number_text(result.normalize() if result % 1 else result)} {unit}"
    return Recomputed(result, unit, (step.strip(),), used)


def _reference(claim: Claim, catalog: Catalog, of: Any) -> tuple[Decimal, str, tuple[Claim, ...]] | None:
    if isinstance(of, str) and of in catalog.fields:
        entity = _entity(_given(claim.inputs, "model", "entity"), catalog, claim.entity)
        when = {str(key): str(value) for key, value in (_given(claim.inputs, "when") or {}).items()}
        claims = price_claims(entity, of, when, without=claim) if entity else ()
        if claims and isinstance(claims[0].value, Decimal):
            return claims[0].value, claims[0].unit, (claims[0],)
        return None
    return _number(of), claim.unit, ()


def _share(claim: Claim, catalog: Catalog) -> Recomputed | None:
    """Part = whole x share."""
    base = _reference(claim, catalog, _given(claim.inputs, "of", "total", "whole"))
    given = _given(claim.inputs, "share", "percent", "fraction")
    if base is None or given is None:
        return None
    share = _number(given)
    if share > 1 or "percent" in claim.inputs:
        share = share / 100
    value, unit, used = base
    result = value * share
    step = f"{number_text(value)} × {_money(share * 100)}% = {_money(result)} {unit or claim.unit}"
    return Recomputed(result, unit or claim.unit, (step,), used)


def _ratio(claim: Claim, catalog: Catalog) -> Recomputed | None:
    """Value = numerator / denominator; in percent where the claim is."""
    top = _number(_given(claim.inputs, "numerator", "of", "part"))
    bottom = _number(_given(claim.inputs, "denominator", "by", "whole"))
    percent = claim.unit == "percent"
    result = top / bottom * (100 if percent else 1)
    return Recomputed(result, claim.unit, (f"{number_text(top)} ÷ {number_text(bottom)} = {_money(result)}{'%' if percent else ''}",))


def _sum(claim: Claim, catalog: Catalog) -> Recomputed | None:
    """Value = sum of the terms."""
    terms = [_number(term) for term in _terms(claim.inputs, "terms")]
    result = sum(terms, Decimal(0))
    return Recomputed(result, claim.unit, (f"{' + '.join(map(number_text, terms))} = {number_text(result)} {claim.unit}".strip(),))


def _product(claim: Claim, catalog: Catalog) -> Recomputed | None:
    """Value = product of the factors."""
    factors = [_number(factor) for factor in _terms(claim.inputs, "factors")]
    result = Decimal(1)
    for factor in factors:
        result *= factor
    return Recomputed(result, claim.unit, (f"{' × '.join(map(number_text, factors))} = {_money(result)} {claim.unit}".strip(),))


def _terms(inputs: Mapping[str, Any], name: str) -> Iterable[Any]:
    listed = inputs.get(name)
    return listed if isinstance(listed, list) else inputs.values()


def _money(value: Decimal) -> str:
    """At most four decimals, without trailing zeros."""
    rounded = value.quantize(Decimal("0.0001")).normalize()
    return number_text(rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded)


def same_unit(value: Decimal, unit: str, to: str) -> Decimal | None:
    """A recomputed value in the unit of the stated one; None for another currency or dimension. A period on one side only is ignored."""
    if unit == to or not unit or not to:
        return value
    left, right = rate_parts(unit), rate_parts(to)
    if left[0] == right[0] and (not left[1] or not right[1]):
        return value
    return convert(value, unit, to)


_FORMULAS: dict[str, Callable[[Claim, Catalog], Recomputed | None]] = {
    "api_cost": _api_cost,
    "multiple": _multiple,
    "share": _share,
    "ratio": _ratio,
    "sum": _sum,
    "product": _product,
}
