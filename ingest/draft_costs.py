"""Budget lines: a stated amount with the volumes and the model that it can be recomputed from."""

from __future__ import annotations

import re
from decimal import Decimal

from ingest.draft_cells import Scribe, Spot
from ingest.draft_names import EntityDraft
from ingest.draft_values import MAX_SENTENCE, PriceUnit, rates_in
from ingest.draft_words import plain
from kb.quantities import Quantity, find_quantities

_LABEL = re.compile(r"^\s*(?:[-*+•]|\d+[.)、])?\s*([^:：]{2,40})[:：]")
_THIRD_PARTY = {"channel": "third_party"}


def stated_costs(scribe: Scribe, text: str, spot: Spot, owner: EntityDraft | None) -> None:
    """Writes a `stated_cost` for every amount of a line that gives its token volumes, with the formula that checks it."""
    if "stated_cost" not in scribe.fields or len(text) > MAX_SENTENCE:
        return
    shown = plain(text)
    volumes = _volumes(scribe, shown)
    if not volumes:
        return
    prices = [(rate.start, rate.end) for rate in rates_in(shown, PriceUnit())]
    mentions = scribe.names.mentions(shown)
    label = _LABEL.match(shown)
    first_volume = min(start for _, start in volumes.values())
    for amount in find_quantities(shown):
        if not amount.is_money or amount.start < first_volume or any(a <= amount.start < b for a, b in prices) or amount.high is not None:
            continue
        before = [(entity, start) for entity, start, _ in mentions if start < amount.start]
        entity = before[-1][0] if before else owner
        if entity is None:
            continue
        between = shown[before[-1][1] if before else 0 : amount.start]
        if re.search(r"硬件|服务器|hardware|server|GPU", between):
            continue
        named = label is not None and not re.search(r"见|§|如下|以下|相关|参考|注|note|see ", label[1], re.IGNORECASE)
        plan = _plan(scribe, label[1].strip(), shown, volumes, spot) if label and named else None
        _write(scribe, entity, plan, amount, volumes, between, spot, shown)


def _plan(scribe: Scribe, name: str, line: str, volumes: dict[str, tuple[Decimal, int]], spot: Spot) -> EntityDraft:
    """The plan that a labelled budget line describes, with its volumes and users."""
    known = scribe.names.find(name)
    if known is not None:
        return known
    plan = scribe.names.add_exact(name)
    plan.kind = "plan"
    short = re.sub(r"\s*[(（].*[)）]\s*$", "", name)
    if short != name:
        scribe.names.alias(plan, short)
    for side, (value, _) in volumes.items() if re.search(r"月|month", line, re.IGNORECASE) else ():
        scribe.write(plan, "volume", f"{value:f}", spot.with_(when={"direction": side}), line, unit="token/month")
    users = [one for one in find_quantities(line) if one.unit == "user" and one.high is None]
    if len(users) == 1 and "monthly_users" in scribe.fields:
        scribe.write(plan, "monthly_users", f"{users[0].value:f}", spot, line, unit="user", written=users[0].text)
    return plan


def _write(
    scribe: Scribe, model: EntityDraft, plan: EntityDraft | None, amount: Quantity, volumes: dict[str, tuple[Decimal, int]], between: str,
    spot: Spot, line: str,
) -> None:  # fmt: skip
    entity = plan or model
    inputs: dict[str, object] = {"model": model.name, **{f"{side}_tokens": f"{value:f}" for side, (value, _) in volumes.items()}}
    when = {"model": model.name} if plan else {"plan": line[:40]}
    if scribe.words.patterns["third_party"].search(between.lower()):
        inputs["when"] = _THIRD_PARTY
        when |= _THIRD_PARTY
    period = next((per for per in amount.per if per in ("month", "year", "day")), "")
    if period:
        inputs["per"] = period
    stated = amount.value.quantize(Decimal(1)) if amount.value == amount.value.to_integral_value() else amount.value
    approx = bool(re.search(r"约|about|around|approx|~|roughly", between, re.IGNORECASE))
    scribe.write(
        entity, "stated_cost", f"{stated:f}", spot.with_(when=when), line, unit=amount.unit + (f"/{period}" if period else ""),
        written=amount.text, approx=approx, formula="api_cost", inputs=inputs,
    )  # fmt: skip


def _volumes(scribe: Scribe, text: str) -> dict[str, tuple[Decimal, int]]:
    """Token volumes by side, with their places; nothing if a side is named twice."""
    found: dict[str, tuple[Decimal, int]] = {}
    for quantity in find_quantities(text):
        if quantity.is_money or quantity.value < 1000 or quantity.unit not in ("", "token"):
            continue
        if re.search(r"(?:每|/|per)\s*$", text[: quantity.start], re.IGNORECASE):
            continue
        before, after = text[max(0, quantity.start - 8) : quantity.start].lower(), text[quantity.end : quantity.end + 16].lower()
        after = re.split(r"[,，;；+、。]|\sand\s|和", after)[0]
        sides = [side for side in ("input", "output") if scribe.words.patterns[side].search(after)]
        sides = sides or [
            side for side in ("input", "output") if scribe.words.patterns[side].search(re.split(r"[,，;；+、。]", before)[-1])
        ]
        if len(sides) != 1:
            continue
        if sides[0] in found:
            return {}
        found[sides[0]] = (quantity.value, quantity.start)
    return found if re.search(r"token|词元", text, re.IGNORECASE) else {}
