"""Rules of a document that price by what another states: `batch at 60% of the list price` applied to the list prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from kb.catalog.schema import Claim, Entity

PRICE_RULE = "price_rule"
"""The formula of a note whose inputs are `factor`, `sides` and `when`: prices of the sides under `when` are the plain ones x factor."""


def with_ruled_prices(entity: Entity) -> Entity:
    """The entity with the prices that follow from its rules; a price that some source states itself is never replaced."""
    rules = [claim for claims in entity.claims.values() for claim in claims if claim.formula == PRICE_RULE]
    if not rules:
        return entity
    claims = {field: list(group) for field, group in entity.claims.items()}
    for rule in rules:
        when, sides = rule.inputs.get("when"), rule.inputs.get("sides")
        if not isinstance(when, Mapping) or not isinstance(sides, list):
            continue
        conditions = {str(key): str(value) for key, value in when.items()}
        for side in sides:
            found = _priced(entity, f"{side}_price", rule, conditions)
            claims.setdefault(f"{side}_price", []).extend(found) if found else None
    return replace(entity, claims={field: tuple(group) for field, group in claims.items()})


def _priced(entity: Entity, field: str, rule: Claim, when: Mapping[str, str]) -> list[Claim]:
    known = entity.claims.get(field, ())
    if any(all(claim.when.get(key) == value for key, value in when.items()) for claim in known):
        return []
    try:
        factor = Decimal(str(rule.inputs.get("factor")))
    except InvalidOperation:
        return []
    found: dict[tuple[str, frozenset[tuple[str, str]], str], Claim] = {}
    for base in known:
        if base.formula or "mode" in base.when or set(when) & set(base.when) or not isinstance(base.value, Decimal):
            continue
        product = (base.value * factor).normalize()
        value = product.quantize(Decimal(1)) if product == product.to_integral_value() else product
        derived = replace(
            rule, field=field, value=value, unit=base.unit,
            when={**base.when, **when}, about=base.about, en=None,
            note=f"按原文推算：{base.value:f} × {factor:f}", note_en=f"derived: {base.value:f} × {factor:f}",
            formula="multiple", inputs={"of": field, "factor": f"{factor:f}", "when": dict(base.when)}, as_written="",
        )  # fmt: skip
        found.setdefault((base.unit, frozenset(base.when.items()), base.about), derived)
    return list(found.values())
