"""Budget lines: a stated amount with the volumes and the model that it can be recomputed from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ingest.draft_cells import Scribe, Spot
from ingest.draft_names import EntityDraft
from ingest.draft_values import MAX_SENTENCE, PriceUnit, rates_in
from ingest.draft_words import plain
from kb.quantities import Quantity, find_quantities

_LABEL = re.compile(r"^\s*(?:[-*+•]|\d+[.)、])?\s*([^:：]{2,40})[:：]")
_PERIODS = frozenset({"day", "month", "year"})
_EACH = re.compile(r"\b(?:each|per (?:call|request|query|prompt)|a (?:call|request))\b|每次|单次|每条|每个请求", re.IGNORECASE)
_THIRD_PARTY = {"channel": "third_party"}


def stated_costs(scribe: Scribe, text: str, spot: Spot, owner: EntityDraft | None) -> None:
    """Writes a `stated_cost` for every amount of a line that gives its token volumes, with the formula that checks it."""
    if "stated_cost" not in scribe.fields or len(text) > MAX_SENTENCE:
        return
    shown = plain(text)
    masked = shown
    for _, start, end in scribe.names.mentions(shown):
        masked = masked[:start] + "x" * (end - start) + masked[end:]  # the 1.5 of "Vega 1.5: 50M input" is no quantity
    volumes, volume_period, note = _volumes(scribe, masked)
    if not volumes:
        return
    prices = [(rate.start, rate.end) for rate in rates_in(shown, PriceUnit())]
    mentions = scribe.names.mentions(shown)
    label = _LABEL.match(shown)
    first_volume = min(start for _, start in volumes.values())
    for amount in find_quantities(masked):
        if not amount.is_money or amount.start < first_volume or any(a <= amount.start < b for a, b in prices) or amount.high is not None:
            continue
        before = [(entity, start) for entity, start, _ in mentions if start < amount.start]
        entity = before[-1][0] if before else owner
        if entity is None:
            continue
        between = shown[before[-1][1] if before else 0 : amount.start]
        if re.search(r"硬件|服务器|hardware|server|GPU", between):
            continue
        times = _times(volume_period, next((per for per in amount.per if per in _PERIODS), ""))
        if times is None:
            continue
        named = label is not None and not re.search(r"见|§|如下|以下|相关|参考|注|note|see ", label[1], re.IGNORECASE)
        plan = _plan(scribe, _without_model(scribe, label[1].strip()), shown, volumes, spot) if label and named else None
        line = StatedLine(shown, between, volumes, times, note)
        _write(scribe, entity, plan, amount, line, spot)


def _times(volumes: str, amount: str) -> int | None:
    """How many of the volumes' periods the amount covers; None where that is not said."""
    if not volumes or not amount or volumes == amount:
        return 1
    return 12 if (volumes, amount) == ("month", "year") else None


def _without_model(scribe: Scribe, label: str) -> str:
    """`Claims triage on Vega 1.5` is the plan "Claims triage"."""
    mentions = scribe.names.mentions(label)
    if len(mentions) == 1 and mentions[0][2] >= len(label.rstrip(" )）")) and mentions[0][1] > 1:
        between = r"[\s(（·,，–—-]*"
        short = re.sub(rf"{between}(?:\b(?:on|with|using|via|by|mit|auf)|用|使用|基于|采用)?{between}$", "", label[: mentions[0][1]])
        return short if len(short) > 1 else label
    return label


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


@dataclass(frozen=True, slots=True)
class StatedLine:
    """A budget line: its text, what stands between the model and the amount, the volumes and what they were worked out from."""

    text: str
    between: str
    volumes: dict[str, tuple[Decimal, int]]
    times: int
    note: str


def _write(scribe: Scribe, model: EntityDraft, plan: EntityDraft | None, amount: Quantity, line: StatedLine, spot: Spot) -> None:
    entity = plan or model
    inputs: dict[str, object] = {"model": model.name, **{f"{side}_tokens": f"{value:f}" for side, (value, _) in line.volumes.items()}}
    if line.times != 1:
        inputs["times"] = str(line.times)
    when = {"model": model.name} if plan else {"plan": line.text[:40]}
    if scribe.words.patterns["third_party"].search(line.between.lower()):
        inputs["when"] = _THIRD_PARTY
        when |= _THIRD_PARTY
    period = next((per for per in amount.per if per in ("month", "year", "day")), "")
    if period:
        inputs["per"] = period
    stated = amount.value.quantize(Decimal(1)) if amount.value == amount.value.to_integral_value() else amount.value
    approx = bool(re.search(r"约|about|around|approx|~|roughly", line.between, re.IGNORECASE))
    scribe.write(
        entity, "stated_cost", f"{stated:f}", spot.with_(when=when), line.text, unit=amount.unit + (f"/{period}" if period else ""),
        written=amount.text, approx=approx, formula="api_cost", inputs=inputs, note=line.note, note_en=line.note,
    )  # fmt: skip


def _volumes(scribe: Scribe, text: str) -> tuple[dict[str, tuple[Decimal, int]], str, str]:
    """Token volumes by side with their places, the period that they are of ("" if not said), and how they were worked out.

    Nothing if a side is named twice or not at all, or if tokens of one request stand there without how many requests there are.
    """
    quantities = find_quantities(text)
    requests = [one for one in quantities if one.unit == "request" and one.high is None]
    found: dict[str, tuple[Decimal, int]] = {}
    each: set[bool] = set()
    periods: set[str] = set()
    for quantity in quantities:
        per_request = "request" in quantity.per or (bool(requests) and bool(_EACH.search(text)) and not set(quantity.per) & _PERIODS)
        least = 1 if per_request else 1000
        if quantity.is_money or quantity.value < least or quantity.unit not in ("", "token") or quantity.high is not None:
            continue
        if re.search(r"(?:每|/|per)\s*$", text[: quantity.start], re.IGNORECASE):
            continue
        side = _side(scribe, text, quantity)
        if not side and not per_request and quantity.unit != "token":
            continue
        if not side or side in found:
            return {}, "", ""
        found[side] = (quantity.value, quantity.start)
        each.add(per_request)
        periods |= set(quantity.per) & _PERIODS
    if not found or not re.search(r"token|词元", text, re.IGNORECASE) or len(each) > 1 or len(periods) > 1:
        return {}, "", ""
    if each == {False}:
        return ({}, "", "") if requests else _of_months(found, periods.pop() if periods else "", quantities)
    if len(requests) != 1 or not (period := next((per for per in requests[0].per if per in _PERIODS), "")):
        return {}, "", ""
    whole, whole_period, days = _of_months(
        {side: (value * requests[0].value, start) for side, (value, start) in found.items()}, period, quantities
    )
    counted = f"{requests[0].text.strip()} / {period}" + (f" × {days}" if days else "")
    return whole, whole_period, " + ".join(f"{value:,f} {side}" for side, (value, _) in found.items()) + f" × {counted}"


def _of_months(
    volumes: dict[str, tuple[Decimal, int]], period: str, quantities: Sequence[Quantity]
) -> tuple[dict[str, tuple[Decimal, int]], str, str]:
    """Volumes of a day over the days that the line counts, if it says how many."""
    days = [one for one in quantities if one.unit == "day" and one.high is None and 1 < one.value <= 31 and not one.per]
    if period != "day" or len(days) != 1:
        return volumes, period, ""
    return {side: (value * days[0].value, start) for side, (value, start) in volumes.items()}, "month", days[0].text


def _side(scribe: Scribe, text: str, quantity: Quantity) -> str:
    """Input or output, by the words right behind a quantity, else by those before it."""
    before, after = text[max(0, quantity.start - 8) : quantity.start].lower(), text[quantity.end : quantity.end + 16].lower()
    for part in (re.split(r"[,，;；+、。\d]|\sand\s|和", after)[0], re.split(r"[,，;；+、。]", before)[-1]):
        sides = [side for side in ("input", "output") if scribe.words.patterns[side].search(part)]
        if sides:
            return sides[0] if len(sides) == 1 else ""
    return ""
