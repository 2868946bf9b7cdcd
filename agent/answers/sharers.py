"""Who a budget is for: the people or teams that share it; and budgets below zero."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.words import money
from agent.work import Draft, Work
from kb.numbers import parse_han
from kb.quantities import Quantity


def negative(text: str, amount: Quantity) -> bool:
    """Whether an amount is written below zero ("-200块", "负的200块")."""
    return bool(re.search(r"(?:(?<![\d\w)）])[-−]|负的?|minus |negative )\s*[$¥￥€£]?\s*$", text[max(0, amount.start - 10) : amount.start + (1 if amount.text[:1] in "$¥￥€£" else 0)], re.IGNORECASE))


def refuse_negative(work: Work, amount: Quantity) -> Draft:
    """A budget below zero buys nothing and is likely a slip."""
    work.computed(amount.value)
    return Draft(
        work.say(
            f"预算是负数（-{money(amount.value, amount.unit)}），无法计算；请给出零或正数。",
            f"The budget is negative (-{money(amount.value, amount.unit)}) and cannot be calculated; give zero or a positive amount.",
        ),
        refused=True,
        intent="bad_input",
    )


_EACH_ONE = re.compile(
    r"每人|人均|每个?人|每位|每名|每个?(?:团队|小组|组|部门|项目组?|班)|分摊|均摊|平分|均分|平均分|大家分|一起(?:用|分)|共用|共享|人分|per (?:person|head|employee|user|seat|team)|each|apiece|shar(?:e|ed|ing)|split|divided",
    re.IGNORECASE,
)
_TEAMS = re.compile(r"(?P<n>\d{1,4}|[两二三四五六七八九十]{1,3})\s*(?:个|支)?\s*(?P<what>团队|小组|部门|项目组|项目|班级|班|组|teams?|departments?|groups?|squads?|projects?)(?![a-z])", re.IGNORECASE)


def sharers(work: Work, budget: Quantity) -> tuple[Decimal, str] | None:
    """How many people or teams share the budget, and "each" in words; None where it is one's own or nobody shares it."""
    text = work.question.masked.split(" \n ")[0]
    if "user" in budget.per or not _EACH_ONE.search(text):
        return None
    teams = _TEAMS.search(text)
    if teams:
        count = parse_han(teams["n"])
        if count and count > 1:
            return count, work.say("每个" + teams["what"], "each")
    users = work.question.usage.users
    if users is None or users <= 1 or work.question.usage.requests is not None:
        return None
    return users, work.say("每人", "each")
