"""How many tokens a stated speed makes in a time: tokens/s x seconds x utilisation."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.understand.deployment_numbers import read_numbers
from agent.words import plain, tokens
from agent.work import Draft, Work
from kb.quantities import DAYS, Quantity, find_markers

_ASKS_TOKENS = re.compile(
    r"(?:多少|几)(?:个)?\s*(?:亿|万)?\s*(?:tokens?|词元|字)|(?:出|吐|产出|生成|处理|输出|跑)(?:出)?(?:多少|几)(?!钱|块|元|刀|秒|小时|天|人|路)|how (?:many|much) (?:\S+ )?tokens",
    re.IGNORECASE,
)
_ALL_DAY = re.compile(r"全天|24\s*小时|一整天|around the clock|24/7", re.IGNORECASE)


def answer_produced(work: Work) -> Draft | None:
    """Tokens made in a day, a month or any stated time at stated tokens a second; None where money or a size is asked for."""
    question = work.question
    text = question.masked.split(" \n ")[0]
    speed = [q for q in question.quantities if q.unit == "tokens_per_second" or q.unit == "token" and "second" in q.per]
    if len(speed) != 1 or not _ASKS_TOKENS.search(text) or question.money or question.has("cost_word") or question.has("price_word"):
        return None
    numbers = read_numbers(text, text, list(question.quantities), [])
    # Days of work a week or a month are not the time asked for.
    span = _span(text, question.quantities)
    if span is None:
        return None
    days, label = span
    hours = numbers.get("hours_per_day", Decimal(24))
    used = numbers.get("utilization", Decimal(1))
    cards = numbers.get("throughput_card") and numbers.get("cards")
    rate = speed[0].value * (cards or Decimal(1))
    made = rate * 3600 * hours * days * used
    work.computed(made, rate, hours, days, used, used * 100, Decimal(3600), made / Decimal(10**8), made / Decimal(10**4))
    formula = f"{plain(rate)} tokens/s × {plain(Decimal(3600))} × {plain(hours, 2)} {work.say('小时', 'h')}"
    formula += f" × {plain(days, 2)} {work.say('天', 'days')}" if days != 1 else ""
    formula += f" × {plain(used * 100, 2)}%" if used != 1 else ""
    steps = [f"{formula} = {plain(made, 0)} token"]
    assumed = []
    if "utilization" not in numbers:
        assumed.append(work.say("一直满载（利用率 100%）", "full load all the time (100%)"))
    if "hours_per_day" not in numbers and not _ALL_DAY.search(text):
        assumed.append(work.say("每天 24 小时", "24 hours a day"))
    if assumed:
        steps.append(work.say("假设：", "Assumption: ") + work.say("，", ", ").join(assumed))
    shown = work.say(f"约 {tokens(made, 'zh')}", f"about {tokens(made, 'en')}")
    head = work.say(f"{label}能产出 **{plain(made, 0)} token**（{shown}）。", f"**{plain(made, 0)} tokens** {label} ({shown}).")
    work.tool("tokens_produced", {"tokens_per_s": str(rate), "days": str(days), "hours_per_day": str(hours), "utilization": str(used)}, {"tokens": str(made)}, steps)
    return Draft("\n".join([head, "", *(f"- {s}" for s in steps)]), intent="sizing")


def _span(text: str, quantities: tuple[Quantity, ...]) -> tuple[Decimal, str] | None:
    """The time asked for, in days, with its name in both languages; None where there is none."""
    zh = bool(re.search(r"[\u4e00-\u9fff]", text))
    stated = next((q for q in quantities if q.unit in DAYS and "week" not in q.per), None)
    if stated is not None:
        return stated.value * DAYS[stated.unit], stated.text.strip() if zh else f"in {stated.text.strip()}"
    marker = next((m for m in reversed(find_markers(text)) if m.per in DAYS), None)
    if marker is None:
        return None
    names = {"day": ("一天", "a day"), "week": ("一周", "a week"), "month": ("一个月（30 天）", "a month of 30 days"), "quarter": ("一个季度（90 天）", "a quarter of 90 days"), "year": ("一年（365 天）", "a year of 365 days")}
    return DAYS[marker.per], names[marker.per][0 if zh else 1]
