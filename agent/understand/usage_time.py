"""Periods of a volume: the one that the result is wanted for, days of use a month, hours of use a day."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from kb.quantities import DAYS, Marker, Quantity, clause_bounds

DAYS_PER_MONTH = Decimal(30)
CLOCK = frozenset({"second", "minute", "hour"})
"""Periods shorter than a day."""
_WEEKS_PER_MONTH = Decimal(52) / Decimal(12)


def days_per_month_of(text: str, quantities: list[Quantity], days: Quantity | None, asked: str) -> Decimal:
    """Days of use a month: "22 个工作日", "每月 26 天", "每周 5 天" (of 4 weeks where said, else 52/12), else 30."""
    if days is None:
        return DAYS_PER_MONTH
    if "week" in days.per or re.search(r"(?:每|一|per |a )(?:个)?(?:周|星期|week)\s*$", text[max(0, days.start - 8) : days.start], re.IGNORECASE):
        weeks = next((q.value for q in quantities if q.unit == "week" and Decimal(4) <= q.value <= Decimal(5)), _WEEKS_PER_MONTH)
        return days.value * weeks
    if "month" in days.per or _is_workdays(text, days) or asked == "month" and Decimal(15) <= days.value <= Decimal(31):
        return days.value
    return DAYS_PER_MONTH


def _is_workdays(text: str, days: Quantity) -> bool:
    return bool(re.search(r"工作日|work|business", text[max(0, days.start - 6) : days.end + 14], re.IGNORECASE))


def asked_period(text: str, quantities: list[Quantity], markers: list[Marker]) -> str:
    """The period that the result is wanted for: a time word with no quantity of its own in its clause ("一年多少")."""
    last = ""
    day = re.search(r"(?:for|over|in) (?:a|an|one|the|each) (?:\d+|eight|ten|twelve)[- ]?h(?:ou)?rs?[- ](?:work(?:ing)?[- ]|business )?(day|shift)|一个?(?:工作日|班次|班)(?!工)", text, re.IGNORECASE)
    if day:
        last = "day"
    for a, b in clause_bounds(text):
        inside = [q for q in quantities if a <= q.start < b and q.unit not in ("year", "month", "day", "percent")]
        for marker in markers:
            if (
                a <= marker.start < b
                and marker.per in DAYS
                and (
                    not inside
                    or not any(marker.per in q.per for q in inside)
                    or marker.start > max(q.end for q in inside) + 1
                    and not text[marker.start : marker.end].startswith(("/", "per", "a ", "每"))
                )
            ):
                last = marker.per
        if (
            not inside
            and re.search(r"(?:(?:每|一|整)?年|yearly|annual|per year)", text[a:b])
            and re.search(r"多少|几|what|how|cost", text[a:b])
        ):
            last = "year"
    return last


def a_day(requests: Quantity, quantities: list[Quantity]) -> tuple[Quantity, Decimal | None]:
    """Requests a second, minute or hour as requests a day, with the hours of use a day (24 if none are given)."""
    clock = next((p for p in requests.per if p in CLOCK), "")
    if not clock or any(p in DAYS for p in requests.per):
        return requests, None
    hours = next((q.value for q in quantities if q.unit == "hour" and set(q.per) <= {"day"} and q.value <= 24), Decimal(24))
    each = {"second": hours * 3600, "minute": hours * 60, "hour": hours}[clock]
    return replace(requests, value=requests.value * each, per=(*[p for p in requests.per if p != clock], "day")), hours


def period_factor(period: str, asked: str, days_per_month: Decimal = DAYS_PER_MONTH) -> Decimal:
    """How many of `period` one `asked` holds: day -> month 30 (or as given), month -> year 12, day -> year 12 x days a month."""
    if period == asked or not period or not asked:
        return Decimal(1)
    length = {**DAYS, "month": days_per_month, "quarter": 3 * days_per_month, "year": 12 * days_per_month}
    if {period, asked} == {"day", "year"} and days_per_month == DAYS_PER_MONTH:
        length["year"] = DAYS["year"]
    if {period, asked} == {"week", "year"}:
        length["year"] = Decimal(364)
    return length[asked] / length[period]
