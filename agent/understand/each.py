"""Whose "each" it is: "50 people, each 200k input" multiplies by the people, "1000 calls, each 2k" does not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.quantities import Quantity

_EACH_USER = re.compile(
    r"每人|人均|每个人|每个?用户|每位|每名|每个?(?:员工|同事|学生|坐席|客服|销售|工程师|开发|客户)|per (?:user|person|employee|head|seat|agent|developer|student)|a head|each (?:user|person|employee|agent|developer|student|member)",
    re.IGNORECASE,
)
_ONE_USER = re.compile(
    r"一(?:个|名|位)(?:员工|同事|学生|坐席|客服|销售|工程师|开发|客户|用户|人)|\b(?:one|a single) (?:user|person|employee|agent|developer|student)\b",
    re.IGNORECASE,
)
"""What one of several does: "一个坐席一天 80 个会话，30 个坐席"."""
_EACH = re.compile(r"(?<![a-z])(?:each|apiece)(?![a-z])|各(?!种|个|家|自|项|要多少|多少)", re.IGNORECASE)
_EACH_OTHER = re.compile(
    r"each(?: single| one)? (?:of |call|request|query|prompt|chat|conversation|message|question|document|doc|ticket|session|turn|round|file|email|page|time|day|week|month|year|model|at\b|for\b|cost)",
    re.IGNORECASE,
)


def users_each(text: str, quantities: Sequence[Quantity]) -> bool:
    """Whether a normalised text gives its figures for each user.

    A bare "each" belongs to what was counted last before it; behind the figures ("30 calls each") it belongs to the users.
    """
    if _EACH_USER.search(text):
        return True
    users = [q for q in quantities if q.unit == "user"]
    if not users:
        return False
    if _ONE_USER.search(text) and any(q.value > 1 for q in users):
        return True
    for match in _EACH.finditer(text):
        if _EACH_OTHER.match(text, match.start()):
            continue
        counted = [q for q in quantities if q.unit in ("user", "request") and q.end <= match.start()]
        if not counted:
            continue
        last = counted[-1]
        floating = re.match(r"\s*(?:$|[,，.;；。]|a day|per day|daily|a month|every|an? hour|on|at|with|in\b)", text[match.end() :], re.IGNORECASE)
        if last.unit == "user" or floating and last.end >= match.start() - 18:
            return True
    return False
