"""The volume of the turn before with what this turn changes about it: a count, a figure of one request, a period, a growth.

A figure of one request stays one of one request ("每次改成 8000 进"), and the totals are built again from the parts.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from agent.understand.growth import VolumeChange, counts_users, volume_changes
from agent.understand.question import Question
from agent.understand.usage import Usage
from agent.understand.usage_time import period_factor
from kb.quantities import DAYS, find_markers

_SAME_AMOUNT = re.compile(
    r"全是|全部(?:是|算|按)|都(?:是|算|按)|一样的?(?:量|多|总量)|同样的?量|那边|same (?:amount|volume|number)|all (?:of it )?(?:is |were )?(?:in|out)put",
    re.IGNORECASE,
)
_EVERY_PROMPT = re.compile(
    r"每次|单次|每个请求|上下文|提示词|every (?:prompt|request)|each (?:prompt|request)|prompts?|context|requests? (?:is|are|of)",
    re.IGNORECASE,
)
_KEEPS_THE_REST = re.compile(r"如果|要是|改|涨|降|增|减|变|换|不变|if|change|instead|becomes?|goes|make|set", re.IGNORECASE)
_ALONE = re.compile(r"只|仅|only|just", re.IGNORECASE)
_PART_OF_A_CALL = Decimal(1_000_000)
"""A figure from here on is a total, below it that of one request, where the turn before counted requests."""


_IS_OF = re.compile(
    r"(?:if|assuming|given|provided|when) (?:that|it|this|those|these)(?:'s| is| are| was| were)? (?P<en>[^,.;?]*)"
    r"|(?:如果|假如|假设|要是|按)(?:这|那|它|上面|刚才|前面)[^,，。?？]{0,6}(?:是|算)(?P<zh>[^,，。?？]*)",
    re.IGNORECASE,
)
"""What says which period the figures of the turn before were for: "per year if that is monthly", "如果那是每天的量，一年多少"."""


def _period_told(now: Question, before: Usage) -> Usage | None:
    """The volume with the period that this turn gives to the figures of a turn that named none; None where it gives none."""
    text = now.masked.split(" \n ")[0]
    match = None if before.period else _IS_OF.search(text)
    if match is None:
        return None
    told = [m.per for m in find_markers(match["en"] or match["zh"] or "") if m.per in DAYS]
    if not told:
        return None
    wanted = [m.per for m in find_markers(text[: match.start()] + " ; " + text[match.end() :]) if m.per in DAYS]
    return replace(before, period=told[0], asked=wanted[0] if wanted else "", duration_days=None)


def directed_switch(now: Question) -> bool:
    """Whether a turn names one direction and nothing else ("输出呢")."""
    return now.has("input_cue") != now.has("output_cue") and not now.usage.has_volume


def patched(now: Question, before: Usage) -> Usage:
    """The volume of the turn before with what this turn says about it."""
    new, text = now.usage, now.text
    counted = before.requests is not None and (before.request_input_tokens is not None or before.request_output_tokens is not None)
    if new.has_volume and counted and new.requests is None and _of_one_call(now):
        return _with_counts(_with_call(before, new), now)
    if (
        new.has_volume
        and not counted
        and _EVERY_PROMPT.search(text)
        and new.requests is None
        and (new.total_tokens or new.input_tokens)
        and new.output_tokens is None
    ):
        return replace(before, request_input_tokens=new.total_tokens or new.input_tokens)
    if new.has_volume:
        if new.input_tokens is None or new.output_tokens is None:
            if _ALONE.search(text) or not _KEEPS_THE_REST.search(text):
                return new if new.period or not before.period else replace(new, period=before.period)
            factor = period_factor(before.period, new.period, before.days_per_month) if new.period else Decimal(1)
            return replace(
                new,
                input_tokens=new.input_tokens if new.input_tokens is not None else _times(before.input_tokens, factor),
                output_tokens=new.output_tokens if new.output_tokens is not None else _times(before.output_tokens, factor),
                period=new.period or before.period,
                asked=new.asked or before.asked,
            )
        return replace(new, period=new.period or before.period)
    told = _period_told(now, before)
    if told is not None:
        return told
    usage = before
    if new.asked and re.search(
        r"这么|这个量|都?改成每|same.{0,12}(?:every|per|a|each) (?:day|month|week|year)|that (?:much|many)", text, re.IGNORECASE
    ):
        usage = replace(usage, period=new.asked, asked="")
    elif new.asked:
        usage = replace(usage, asked=new.asked, duration_days=None)
    if new.duration_days is not None:
        usage = replace(usage, duration_days=new.duration_days, duration_label=new.duration_label)
    if directed_switch(now) and (_SAME_AMOUNT.search(text) or before.input_tokens is None or before.output_tokens is None):
        both = (before.input_tokens or Decimal(0)) + (before.output_tokens or Decimal(0))
        usage = (
            replace(usage, input_tokens=both, output_tokens=None)
            if now.has("input_cue")
            else replace(usage, input_tokens=None, output_tokens=both)
        )
    return _grown(_with_counts(usage, now), now)


def _of_one_call(now: Question) -> bool:
    """Whether the figures of a turn are those of one request rather than totals of a period."""
    amounts = now.usage.amounts
    if any("request" in a.quantity.per for a in amounts) or now.usage.request_input_tokens is not None:
        return True
    if _EVERY_PROMPT.search(now.text):
        return True
    return bool(amounts) and all(a.quantity.value < _PART_OF_A_CALL and not set(a.quantity.per) & set(DAYS) for a in amounts)


def _with_call(before: Usage, new: Usage) -> Usage:
    """The usage with the request of this turn; a direction that it leaves out stays as it was."""
    sums: dict[str, Decimal] = {}
    for amount in new.amounts:
        direction = "input" if amount.direction == "total" else amount.direction
        sums[direction] = sums.get(direction, Decimal(0)) + amount.quantity.value
    usage = replace(
        before,
        request_input_tokens=sums.get("input", before.request_input_tokens),
        request_output_tokens=sums.get("output", before.request_output_tokens),
        total_tokens=None,
        amounts=new.amounts,
        in_chars=before.in_chars or new.in_chars,
        asked=new.asked or before.asked,
    )
    return rebuilt(usage)


def rebuilt(usage: Usage) -> Usage:
    """Totals from the tokens of one request, the requests, the users and the supposed changes."""
    if usage.requests is None:
        return usage
    factor = usage.requests * (usage.users if usage.users and usage.by_user else 1)
    return replace(
        usage,
        input_tokens=_times(usage.request_input_tokens, factor * change_factor(usage, "input")),
        output_tokens=_times(usage.request_output_tokens, factor * change_factor(usage, "output")),
    )


def change_factor(usage: Usage, which: str) -> Decimal:
    """What the supposed changes of the volume multiply one direction by."""
    factor = Decimal(1)
    for change in usage.changes:
        if not change.which or not which or change.which == which:
            factor *= change.factor
    return factor


def _with_counts(usage: Usage, now: Question) -> Usage:
    """Other users or requests: "用户涨到 500", "次数改成 3000", "如果 50 个人用呢"."""
    new = now.usage
    if new.users is not None and not (new.has_volume and new.by_user):
        if usage.users and usage.by_user:
            usage = _multiplied(replace(usage, users=new.users), new.users / usage.users)
        elif usage.users:
            # Requests of all users together do not grow with a figure nobody multiplied by: they do here, in proportion.
            usage = _multiplied(replace(usage, users=new.users, requests=_times(usage.requests, new.users / usage.users)), new.users / usage.users)
        else:
            usage = _multiplied(replace(usage, users=new.users, by_user=True), new.users)
    if new.requests is not None and usage.requests:
        usage = _multiplied(replace(usage, requests=new.requests), new.requests / usage.requests)
        usage = replace(usage, period=new.period or usage.period)
    elif new.requests is not None and not usage.period and (usage.input_tokens or usage.output_tokens):
        usage = replace(
            usage,
            requests=new.requests,
            request_input_tokens=usage.input_tokens,
            request_output_tokens=usage.output_tokens,
            period=new.period,
        )
        usage = rebuilt(replace(usage, changes=()))
    return usage


def _grown(before: Usage, now: Question) -> Usage:
    """A factor on all or on one direction: "用户翻倍", "输入翻倍，输出不变", "再涨三成"."""
    own = now.masked.split(" \n ")[0]
    changes = [] if now.price_change is not None else list(volume_changes(own, now.quantities))
    if not changes:
        changes = _bare(own)
    usage = before
    for change in changes:
        if usage.users and counts_users(own, change):
            usage = _multiplied(replace(usage, users=usage.users * change.factor), change.factor)
            continue
        usage = replace(
            usage,
            input_tokens=_times(usage.input_tokens, change.factor) if change.which != "output" else usage.input_tokens,
            output_tokens=_times(usage.output_tokens, change.factor) if change.which != "input" else usage.output_tokens,
            total_tokens=_times(usage.total_tokens, change.factor),
            changes=(*usage.changes, change),
        )
    return usage


_BARE = re.compile(r"(\d+(?:\.\d+)?)\s*倍|(?<![\w.])(\d+(?:\.\d+)?)x(?![a-z\d])|一半|(?<![a-z])half(?![a-z])", re.IGNORECASE)


def _bare(text: str) -> list[VolumeChange]:
    """ "3 倍呢", "一半呢": a factor with no verb."""
    match = _BARE.search(text)
    if not match:
        return []
    said = match[1] or match[2]
    return [VolumeChange(Decimal(said) if said else Decimal("0.5"), match[0], match.start(), match.end())]


def _multiplied(usage: Usage, factor: Decimal) -> Usage:
    return replace(
        usage,
        input_tokens=_times(usage.input_tokens, factor),
        output_tokens=_times(usage.output_tokens, factor),
        total_tokens=_times(usage.total_tokens, factor),
    )


def _times(value: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if value is None else value * factor
