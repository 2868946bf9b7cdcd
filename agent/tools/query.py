"""Catalog queries: entities that meet hard conditions, with the claim that meets each, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.tools.cost import convert_money, convertible, per_tokens
from agent.tools.prices import INPUT, OUTPUT, choose_quotes, quotes_of
from agent.understand.constraints import Constraint
from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim, Entity
from kb.catalog.units import rate_parts
from kb.text import normalise


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an entity meets one condition (None: the sources do not say), and the claims that decide it."""

    constraint: Constraint
    met: bool | None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """An entity with the verdict on every condition."""

    entity: Entity
    verdicts: tuple[Verdict, ...]

    @property
    def meets_all(self) -> bool:
        return all(v.met for v in self.verdicts)


def judge(
    catalog: Catalog, entities: Iterable[Entity], constraints: Sequence[Constraint], *, cny_per_usd: Decimal | None = None
) -> list[Match]:
    """Every entity with its verdicts, in the given order."""
    return [Match(e, tuple(_verdict(catalog, e, c, cny_per_usd) for c in constraints)) for e in entities]


def _verdict(catalog: Catalog, entity: Entity, constraint: Constraint, rate: Decimal | None) -> Verdict:
    record = catalog.fields[constraint.field]
    if constraint.operator == "unstated":
        said = entity.claims.get(constraint.field, ())
        return Verdict(constraint, not said, said[:1])
    if constraint.operator in ("currency", "ratio", "same", "differ") or record.type == "rate":
        return _price_verdict(catalog, entity, constraint, rate)
    claims = entity.claims.get(constraint.field, ())
    if constraint.field == _PRIVATE and constraint.operator in ("stated", "mentions") and not claims:
        return _may_be_private(entity, constraint)
    if not claims:
        return Verdict(constraint, None)
    if constraint.operator == "any":
        same = tuple(c for c in claims if str(c.value) in str(constraint.value).split("|"))
        return Verdict(constraint, bool(same), same or claims[:1])
    if constraint.operator in ("is", "not"):
        same = tuple(c for c in claims if c.value == constraint.value)
        covering = {value for value, spec in record.values.items() if constraint.value in spec.covers}
        mixed = tuple(c for c in claims if c.value in covering)
        if constraint.operator == "not":
            return Verdict(constraint, not same, same or claims[:1])
        return Verdict(constraint, bool(same or mixed), same or mixed or claims[:1])
    if constraint.operator == "stated":
        return Verdict(constraint, True, claims[:1])
    if constraint.operator == "mentions":
        said = tuple(c for c in claims if str(constraint.value) in normalise(f"{_text(c)} {c.note} {c.as_written} {c.en or ''}"))
        return Verdict(constraint, bool(said), said[:1] or claims[:1])
    if constraint.operator in ("has", "lacks"):
        words = [normalise(w) for w in record.values[str(constraint.value)].words]
        holding = tuple(c for c in claims if any(w in normalise(_text(c)) for w in words))
        return Verdict(constraint, bool(holding) == (constraint.operator == "has"), holding[:1] or claims[:1])
    numbers = [c for c in claims if isinstance(c.value, Decimal)]
    met = tuple(c for c in numbers if _compare(c.value, constraint))
    return Verdict(constraint, bool(met) if numbers else None, met[:1] or tuple(numbers[:1]))


_PRIVATE, _SELF_HOST = "private_deployment", "self_host"


def _may_be_private(entity: Entity, constraint: Constraint) -> Verdict:
    """A model that one may run oneself can be deployed privately; one that neither its vendor nor others may run cannot."""
    said = entity.claims.get(_SELF_HOST, ())
    allowed = tuple(c for c in said if c.value in ("yes", "vendor_only"))
    if allowed:
        return Verdict(constraint, True, allowed[:1])
    return Verdict(constraint, False if any(c.value == "no" for c in said) else None, said[:1])


def _text(claim: Claim) -> str:
    value = claim.value
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _compare(value: object, constraint: Constraint) -> bool:
    limit = constraint.value
    if not isinstance(value, Decimal) or not isinstance(limit, Decimal):
        return False
    return {"max": value <= limit, "below": value < limit, "above": value > limit, "min": value >= limit, "equals": value == limit}.get(
        constraint.operator, False
    )


def _price_verdict(catalog: Catalog, entity: Entity, constraint: Constraint, rate: Decimal | None) -> Verdict:
    quotes = choose_quotes(quotes_of(catalog, entity.id))
    if not quotes:
        return Verdict(constraint, None)
    quote = quotes[0]
    if constraint.operator == "currency":
        return Verdict(constraint, quote.currency == constraint.value, quote.claims[:1])
    if constraint.operator in ("ratio", "same", "differ"):
        if not quote.input_rate or quote.output_rate is None or not isinstance(constraint.value, Decimal):
            return Verdict(constraint, None, quote.claims)
        as_asked = quote.output_rate / quote.input_rate == constraint.value
        return Verdict(constraint, as_asked != (constraint.operator == "differ"), quote.claims)
    claim = (
        quote.input_claim
        if constraint.field == INPUT
        else quote.output_claim
        if constraint.field == OUTPUT
        else next(iter(entity.claims.get(constraint.field, ())), None)
    )
    if claim is None or not isinstance(claim.value, Decimal):
        return Verdict(constraint, None)
    value = claim.value * 1_000_000 / per_tokens(quote)
    if constraint.operator == "sum":
        if quote.input_rate is None or quote.output_rate is None:
            return Verdict(constraint, None, quote.claims)
        value = (quote.input_rate + quote.output_rate) * 1_000_000 / per_tokens(quote)
    currency = rate_parts(claim.unit)[0]
    if constraint.unit and constraint.unit != currency:
        if rate is None or not convertible(constraint.unit, currency):
            return Verdict(constraint, None, (claim,))
        value = convert_money(value, currency, constraint.unit, rate)
    if constraint.operator == "sum":
        return Verdict(constraint, isinstance(constraint.value, Decimal) and value <= constraint.value, quote.claims)
    return Verdict(constraint, _compare(value, constraint), (claim,))


@dataclass(frozen=True, slots=True)
class Ranked:
    """An entity with the number it is ordered by and the claim that says so."""

    entity: Entity
    value: Decimal
    unit: str
    claim: Claim


_SAME_SCALE = frozenset({"bound", "context_tokens", "channel", "size", "direction", "variant"})


def order_by(
    catalog: Catalog, entities: Iterable[Entity], field: str, *, highest: bool, wanted: Mapping[str, str] | None = None
) -> dict[str, list[Ranked]]:
    """Entities ordered by a numeric field, apart by unit, currency and test (a benchmark's score is no other's).

    Where an entity has several claims the one that ranks best counts; `wanted` conditions (benchmark MMLU) leave out others.
    """
    groups: dict[str, list[Ranked]] = {}
    for entity in entities:
        claims = [c for c in entity.claims.get(field, ()) if isinstance(c.value, Decimal)]
        claims = [c for c in claims if all(c.when.get(k) == v for k, v in (wanted or {}).items() if k in c.when)]
        if catalog.fields[field].type == "rate":
            quotes = choose_quotes(quotes_of(catalog, entity.id))
            claims = [c for q in quotes[:1] for c in q.claims if c.field == field]
        found: dict[str, Ranked] = {}
        for claim in claims:
            assert isinstance(claim.value, Decimal)
            key = " ".join([claim.unit, *(v for k, v in sorted(claim.when.items()) if k not in _SAME_SCALE)])
            known = found.get(key)
            if known is None or (claim.value > known.value if highest else claim.value < known.value):
                found[key] = Ranked(entity, claim.value, claim.unit, claim)
        for key, row in found.items():
            groups.setdefault(key, []).append(row)
    return {key: sorted(rows, key=lambda r: r.value, reverse=highest) for key, rows in groups.items()}
