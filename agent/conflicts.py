"""Claims that cannot all be right, found by comparing and recomputing them; nobody writes a list of conflicts.

Four ways to disagree: several values for one fact, a stated figure that its own inputs contradict, text about another
version than the entity it stands under, and one price in two currencies. Figures that agree within the precision in which
they are stated ("百万级" and 1,048,576) are no conflict.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Literal

from agent.recompute import Recomputed, recompute, same_unit
from kb.catalog.catalog import Catalog, name_key
from kb.catalog.conditions import Interval, compatible
from kb.catalog.schema import Claim, Entity, FieldRecord
from kb.catalog.units import convert, rate_parts

ConflictKind = Literal["values", "sum", "version", "currency", "date"]

_ROUGH = re.compile(r"级|-level|order of|左右|上下|约|about|around|approx|~|≈", re.IGNORECASE)
_ORDER = re.compile(r"级(?!别)|-level|order of", re.IGNORECASE)
_AT_LEAST = re.compile(r"\+|以上|超过?|多于|大于|不少于|至少|起$|over|more than|at least|above|>|≥", re.IGNORECASE)
_AT_MOST = re.compile(r"<|≤|以内|以下|不到|不足|低于|小于|不超过|under|less than|below|within", re.IGNORECASE)
_SAME_PREFIX = (Decimal("1.024"), Decimal("1.048576"), Decimal("1.073741824"))
_LICENCES = {
    "apache": "apache-2.0", "mit": "mit", "bsd": "bsd", "agpl": "agpl", "lgpl": "lgpl", "gpl": "gpl", "mpl": "mpl",
    "community": "community", "research": "research-only", "仅限研究": "research-only", "研究用途": "research-only",
    "non-commercial": "research-only", "noncommercial": "research-only", "非商用": "research-only", "proprietary": "proprietary",
    "cc-by-nc": "cc-by-nc", "cc by-nc": "cc-by-nc", "cc-by": "cc-by", "cc by": "cc-by", "openrail": "openrail",
}  # fmt: skip
_WITHIN = frozenset({"context_tokens", "size"})
_VERSION = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class FoundConflict:
    """Claims that disagree. `computed` with its unit and `steps` where a figure was recomputed; `names` of a version mismatch."""

    kind: ConflictKind
    entities: tuple[str, ...]
    fields: tuple[str, ...]
    claims: tuple[Claim, ...]
    computed: Decimal | None = None
    computed_unit: str = ""
    steps: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def find_conflicts(
    catalog: Catalog, *, entities: Collection[str] | None = None, fields: Collection[str] | None = None
) -> list[FoundConflict]:
    """Every conflict among the claims of these entities and fields (default: all), in catalog order."""
    found: list[FoundConflict] = []
    for entity in catalog.entities.values():
        if entities is not None and entity.id not in entities:
            continue
        for field_id, claims in entity.claims.items():
            if fields is not None and field_id not in fields:
                continue
            found += _sums(catalog, claims)
            field = catalog.fields[field_id]
            if not field.multiple:
                found += _values(entity, field, claims)
        found += _versions(catalog, entity, fields)
    return found


def _sums(catalog: Catalog, claims: Iterable[Claim]) -> list[FoundConflict]:
    found = []
    for claim in claims:
        result = recompute(claim, catalog)
        if result is None or not isinstance(claim.value, Decimal):
            continue
        converted = same_unit(result.value, result.unit, claim.unit)
        if converted is None:
            found.append(_stated(claim, result, result.value))
        elif not _interval(claim).overlaps(_around(converted, Decimal("0.01"))):
            found.append(_stated(claim, result, converted))
    return found


def _stated(claim: Claim, result: Recomputed, value: Decimal) -> FoundConflict:
    claims = (claim, *result.claims)
    entities = tuple(dict.fromkeys(one.entity for one in claims))
    fields = tuple(dict.fromkeys(one.field for one in claims))
    return FoundConflict("sum", entities, fields, claims, value, result.unit, result.steps)


def _values(entity: Entity, field: FieldRecord, claims: Sequence[Claim]) -> list[FoundConflict]:
    """Clusters of claims that hold under the same circumstances and differ."""
    apart: list[tuple[Claim, Claim, ConflictKind]] = []
    for a, b in combinations(claims, 2):
        if not _same_circumstances(field, a, b) or not _about_one_thing(entity, field, a, b):
            continue
        kind = _disagreement(field, a, b)
        if kind and not _tier_agrees(field, a, b, claims):
            apart.append((a, b, kind))
    found = []
    for kind in dict.fromkeys(kind for _, _, kind in apart):
        members = [claim for claim in claims if any(claim is a or claim is b for a, b, each in apart if each == kind)]
        found.append(FoundConflict(kind, (entity.id,), (field.id,), _without_repeats(members)))
    return found


def _same_circumstances(field: FieldRecord, a: Claim, b: Claim) -> bool:
    """Figures under a condition of their own (cached, at night, third party) are other figures; a tier of length is part of the whole."""
    if field.type in ("rate", "money", "quantity") and (set(a.when) ^ set(b.when)) - _WITHIN:
        return False
    return compatible(a.when, b.when)


def _about_one_thing(entity: Entity, field: FieldRecord, a: Claim, b: Claim) -> bool:
    """Figures of two named versions are two facts; whether a family is open is asked of the family."""
    if field.type == "enum":
        return True
    first = "" if _same_name(entity, a.about) else name_key(a.about)
    second = "" if _same_name(entity, b.about) else name_key(b.about)
    return first == second


def _tier_agrees(field: FieldRecord, a: Claim, b: Claim, claims: Sequence[Claim]) -> bool:
    """A statement without conditions agrees with a tiered price if it is one of the tiers."""
    if field.type not in ("rate", "money", "quantity") or set(a.when) == set(b.when):
        return False
    plain = a if set(a.when) < set(b.when) else b if set(b.when) < set(a.when) else None
    if plain is None:
        return False
    tiers = (claim for claim in claims if claim is not plain and compatible(plain.when, claim.when) and len(claim.when) > len(plain.when))
    return any(not _disagreement(field, plain, tier) for tier in tiers)


def _disagreement(field: FieldRecord, a: Claim, b: Claim) -> ConflictKind | None:
    if isinstance(a.value, Decimal) and isinstance(b.value, Decimal):
        return _numbers_disagree(a, b)
    if field.type == "enum" and a.value != b.value:
        covers = {value for one, other in ((a, b), (b, a)) for value in _covered(field, one) if value == other.value}
        return None if covers else "values"
    if field.type == "date" and a.value != b.value:
        first, second = sorted((str(a.value), str(b.value)), key=len)
        return None if second.startswith(first) else "date"
    if field.type == "flag" and a.value != b.value:
        return "values"
    if field.id == "license":
        allowed = {_commercial(a), _commercial(b)}
        if allowed == {"yes", "no"}:
            return "values"
        first_ids, second_ids = _licences(a), _licences(b)
        return "values" if first_ids and second_ids and not first_ids & second_ids else None
    return None


def _covered(field: FieldRecord, claim: Claim) -> Sequence[str]:
    record = field.values.get(str(claim.value))
    return record.covers if record else ()


_NON_COMMERCIAL = re.compile(
    r"(?:不可|不得|不能|不允许|不支持|禁止|严禁|非)(?:用于)?商[用业]|仅限(?:研究|学术|非商业)|non-?commercial"
    r"|commercial use (?:is )?(?:not|prohibited|forbidden)"
    r"|no commercial use|research (?:use )?only",
    re.IGNORECASE,
)
_FOR_COMMERCE = re.compile(
    r"(?:可|允许|支持|免费|自由)(?:免费)?商用|商用自由|commercial use (?:is )?(?:allowed|permitted|free)|free for commercial", re.IGNORECASE
)


def _commercial(claim: Claim) -> str:
    """Whether a statement on the licence allows commercial use: "yes", "no", "" if it does not say."""
    text = str(claim.value)
    return "no" if _NON_COMMERCIAL.search(text) else "yes" if _FOR_COMMERCE.search(text) else ""


def _licences(claim: Claim) -> set[str]:
    text = str(claim.value).lower()
    return {next(name for word, name in _LICENCES.items() if word == match) for match in re.findall("|".join(_LICENCES), text)}


def _numbers_disagree(a: Claim, b: Claim) -> ConflictKind | None:
    assert isinstance(a.value, Decimal) and isinstance(b.value, Decimal)
    if a.unit != b.unit:
        first, second = rate_parts(a.unit), rate_parts(b.unit)
        if first[0].isupper() and second[0].isupper() and first[0] != second[0] and first[1] == second[1]:
            return "currency"
        if convert(b.value, b.unit, a.unit) is None:
            return None
    if _same_rounded(a.value, convert(b.value, b.unit, a.unit) or b.value):
        return None
    return None if _interval(a).overlaps(_interval(b, a.unit)) else "values"


def _same_rounded(a: Decimal, b: Decimal) -> bool:
    """K may mean 1000 or 1024, and so on up."""
    low, high = sorted((a, b))
    return low > 0 and low >= 1000 and any(abs(high / low - factor) < Decimal("0.0006") for factor in _SAME_PREFIX)


def _interval(claim: Claim, unit: str = "") -> Interval:
    """The numbers that a claim does not exclude, from how it is stated."""
    assert isinstance(claim.value, Decimal)
    value = convert(claim.value, claim.unit, unit) if unit else claim.value
    value = claim.value if value is None else value
    written = claim.as_written
    if claim.when.get("bound") in ("min", "max"):
        return Interval(value, value)
    if _ORDER.search(written):
        return Interval(value, value * 10, high_open=True)
    if _AT_LEAST.search(written):
        return Interval(value, None)
    if _AT_MOST.search(written):
        return Interval(Decimal(0), value)
    if claim.approx or _ROUGH.search(written):
        return _around(value, Decimal("0.05"))
    return Interval(value, value)


def _around(value: Decimal, share: Decimal) -> Interval:
    """Within half a unit of the last significant digit, at least the given share."""
    digits = value.normalize().as_tuple()
    exponent = digits.exponent if isinstance(digits.exponent, int) else 0
    half_unit = Decimal(5).scaleb(exponent - 1) if len(digits.digits) <= 2 else Decimal(0)
    reach = max(min(half_unit, abs(value) / 10), abs(value) * share)
    return Interval(value - reach, value + reach)


def _versions(catalog: Catalog, entity: Entity, fields: Collection[str] | None) -> list[FoundConflict]:
    groups: dict[tuple[str, str, str], list[Claim]] = {}
    for field_id, claims in entity.claims.items():
        if fields is not None and field_id not in fields:
            continue
        for claim in claims:
            # A sibling's openness says something about the family; a sibling's price is not this model's price.
            sibling = catalog.fields[field_id].type != "rate" and _variant_of(entity, claim.about)
            if claim.about and not _same_name(entity, claim.about) and not sibling:
                groups.setdefault((name_key(claim.about), claim.source, claim.section), []).append(claim)
    return [
        FoundConflict(
            "version",
            (entity.id, *(other.id for other in catalog.find(members[0].about) if other.id != entity.id)),
            tuple(dict.fromkeys(claim.field for claim in members)),
            tuple(members),
            names=(entity.name, members[0].about),
        )
        for members in groups.values()
    ]


def _same_name(entity: Entity, about: str) -> bool:
    """Whether a name is only another way to write the entity's: `GPT-5.10` for GPT-5.1, `Kimi` for Kimi K2, an alias of its version."""
    if not about:
        return True
    key, own = name_key(about), name_key(entity.name)
    if key == own or (key in own and not _VERSION.search(about)):
        return True
    if _versions_in(about) != _versions_in(entity.name):
        return False
    letters, own_letters = _VERSION.sub("", key), _VERSION.sub("", own)
    return letters == own_letters or (bool(_versions_in(about)) and key in {name_key(alias) for alias in entity.aliases})


def _variant_of(entity: Entity, about: str) -> bool:
    """`GLM-4 开源简化版` speaks of a form of GLM-4, or of its family as a whole, not of another version."""
    key, own = name_key(about), name_key(entity.name)
    if own in key and (key[len(own) :][:1] not in tuple("0123456789.") or not key.startswith(own)):
        return not re.search(r"[\d.]", key.replace(own, "", 1)[:1])
    stem = _VERSION.sub("", own).rstrip(".")
    return len(stem) > 1 and stem in key and not _VERSION.search(key)


def _versions_in(name: str) -> set[Decimal | str]:
    found: set[Decimal | str] = set()
    for text in _VERSION.findall(name):
        found.add(Decimal(text).normalize() if text.count(".") <= 1 else text)
    return found


def _without_repeats(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    kept: dict[tuple[object, ...], Claim] = {}
    for claim in claims:
        kept.setdefault((claim.value, claim.unit, claim.source, claim.section, claim.about), claim)
    return tuple(kept.values())
