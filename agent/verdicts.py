"""Found conflicts in words: what disagrees, where it stands, and what the computation says."""

from __future__ import annotations

from decimal import Decimal

from agent.conflicts import FoundConflict
from agent.events import Conflict, ConflictClaim, Language
from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim
from kb.catalog.show import condition_text, number_text, rate_text, source_text, unit_text, value_text
from kb.catalog.units import CURRENCIES, rate_parts


def to_event(found: FoundConflict, catalog: Catalog, language: Language) -> Conflict:
    """The conflict as adapters show it, in one language."""
    return Conflict(_about(found, catalog, language), _claims(found, catalog, language), verdict(found, catalog, language))


def verdict(found: FoundConflict, catalog: Catalog, language: Language) -> str:
    """One or two sentences: how the claims disagree, the computed value, and what cannot be decided."""
    match found.kind:
        case "sum":
            return _sum_verdict(found, catalog, language)
        case "version":
            return _version_verdict(found, catalog, language)
        case "currency":
            return _currency_verdict(found, catalog, language)
        case _:
            return _values_verdict(found, catalog, language)


def _about(found: FoundConflict, catalog: Catalog, language: Language) -> str:
    name = catalog.entities[found.entities[0]].name
    fields = found.fields[:1] if found.kind == "sum" else found.fields
    return f"{name} {_labels(fields, catalog, language)}"


def _labels(fields: tuple[str, ...], catalog: Catalog, language: Language) -> str:
    labels = [catalog.fields[field].label for field in fields]
    return "、".join(label.zh for label in labels) if language == "zh" else ", ".join(label.en for label in labels)


def _claims(found: FoundConflict, catalog: Catalog, language: Language) -> tuple[ConflictClaim, ...]:
    shown = []
    for claim in found.claims:
        shown.append(ConflictClaim(side_text(claim, catalog, language, with_field=len(found.fields) > 1), source_text(claim)))
    return tuple(dict.fromkeys(shown))


def side_text(claim: Claim, catalog: Catalog, language: Language, *, with_field: bool = False) -> str:
    """One side of a disagreement: the value with the name and the conditions that its source gives it."""
    field = catalog.fields[claim.field]
    text = value_text(claim, field, language)
    extra = [part for part in (claim.about, condition_text(claim.when, catalog, language)) if part]
    if extra:
        text += f"（{'，'.join(extra)}）" if language == "zh" else f" ({', '.join(extra)})"
    if with_field:
        text = f"{field.label.zh} {text}" if language == "zh" else f"{field.label.en} {text}"
    return text


def amount_text(value: Decimal, unit: str, language: Language) -> str:
    """A computed value with its unit: money with its sign, at most four decimals."""
    rounded = value.quantize(Decimal("0.0001")).normalize()
    tidy = rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded
    if rate_parts(unit)[0] in CURRENCIES:
        return rate_text(tidy, unit, language)
    return number_text(tidy) + unit_text(unit, language)


def _sum_verdict(found: FoundConflict, catalog: Catalog, language: Language) -> str:
    claim = found.claims[0]
    assert found.computed is not None and isinstance(claim.value, Decimal)
    computed = amount_text(found.computed, found.computed_unit, language)
    stated = value_text(claim, catalog.fields[claim.field], language)
    steps = "；".join(found.steps) if language == "zh" else "; ".join(found.steps)
    own, other = rate_parts(claim.unit)[0], rate_parts(found.computed_unit)[0]
    if own != other and {own, other} <= CURRENCIES:
        if language == "zh":
            return f"文中写 {stated}，按单价重算是 {computed}（{steps}）；两者币种不同，文中没有汇率，无法换算核对。"
        return f"The source states {stated}; its prices give {computed} ({steps}). The currencies differ and no exchange rate is given."
    times = _times(claim.value, found.computed, language)
    if language == "zh":
        return f"文中写 {stated}，按其单价和用量重算是 {computed}（{steps}），{times}。"
    return f"The source states {stated}; its own prices and volumes give {computed} ({steps}): {times}."


def _times(stated: Decimal, computed: Decimal, language: Language) -> str:
    low, high = sorted((abs(stated), abs(computed)))
    if low == 0:
        return "两者不符" if language == "zh" else "the two do not agree"
    ratio = high / low
    power = len(str(int(ratio + Decimal("0.05")))) - 1
    if power >= 1 and abs(ratio / Decimal(10) ** power - 1) < Decimal("0.05"):
        tenfold = number_text(Decimal(10) ** power)
        if language == "zh":
            return f"所述数字{'大' if abs(stated) > abs(computed) else '小'}了约 {tenfold} 倍，像是小数点或单位写错"
        size = "large" if abs(stated) > abs(computed) else "small"
        return f"the stated figure is about {tenfold} times too {size}, like a slipped unit or decimal point"
    shown = number_text(ratio.quantize(Decimal("0.01")))
    return f"两者相差 {shown} 倍" if language == "zh" else f"they differ by a factor of {shown}"


def _version_verdict(found: FoundConflict, catalog: Catalog, language: Language) -> str:
    name, other = found.names
    labels = _labels(found.fields, catalog, language)
    entity = catalog.entities[found.entities[0]]
    has_own = any(not claim.about for field in found.fields for claim in entity.claims.get(field, ()))
    place = source_text(found.claims[0])
    if language == "zh":
        tail = "" if has_own else f"；文中没有单独写明 {name} 自己的{labels}"
        return f"{name} 名下的{labels}，原文（{place}）写的是 {other}，不是 {name}{tail}。"
    tail = "" if has_own else f"; the sources do not state {labels} of {name} itself"
    return f"Under {name}, the source ({place}) gives {labels} of {other}, not of {name}{tail}."


def _currency_verdict(found: FoundConflict, catalog: Catalog, language: Language) -> str:
    values = _both(found, catalog, language)
    if language == "zh":
        return f"同一价格用了不同币种：{values}；文中没有汇率，无法判断是否一致。"
    return f"One price in several currencies: {values}; no exchange rate is given, so they cannot be checked against each other."


def _values_verdict(found: FoundConflict, catalog: Catalog, language: Language) -> str:
    values = _both(found, catalog, language)
    if language == "zh":
        return f"文档说法不一致：{values}；文中没有说明以哪个为准。"
    return f"The documents disagree: {values}; they do not say which one holds."


def _both(found: FoundConflict, catalog: Catalog, language: Language) -> str:
    by_value: dict[str, list[str]] = {}
    for claim in found.claims:
        by_value.setdefault(side_text(claim, catalog, language), []).append(source_text(claim))
    parts = []
    for value, sources in by_value.items():
        where = ("、" if language == "zh" else ", ").join(dict.fromkeys(sources))
        parts.append(f"{value}（{where}）" if language == "zh" else f"{value} ({where})")
    return (" 对 " if language == "zh" else " against ").join(parts)
