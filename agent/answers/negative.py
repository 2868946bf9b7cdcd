"""Negative amounts, which nothing is calculated with."""

from __future__ import annotations

import re

from agent.work import Draft, Work

_MINUS = re.compile(r"(?<![\d\w$¥€£)）%])[-−]\s?(?=[$¥￥€£]?\d)|负(?:的|数的?)?\s*(?=[$¥￥€£]?\s?(?:\d|[一二三四五六七八九十两百千]+[万亿块元个次]))|(?<![a-z])(?:minus|negative)\s+(?=[$¥￥€£]?\d)", re.IGNORECASE)


def answer_negative(work: Work) -> Draft | None:
    """A refusal where a volume, a budget or a count of the question is below zero; None otherwise."""
    question = work.question
    # Not the masked text: the dash in "Llama-3.1-8B" joins a name.
    text = question.text
    if not (question.usage.has_volume or question.money or question.usage.users or question.usage.requests):
        return None
    for match in _MINUS.finditer(text):
        if match[0].strip() in "-−" and re.search(r"[\w)）]$", question.text[: match.start()]):
            # The hyphen of a name that is blanked out here ("llama3.1-8b").
            continue
        hit = next((q for q in question.quantities if match.start() <= q.start <= match.end()), None)
        if hit is None or hit.unit in ("", "day", "month", "year") and not question.usage.has_volume or match[0].strip() in "-−" and _joins(text, match.start()):
            continue
        what = (
            work.say("金额", "The amount")
            if hit.is_money
            else work.say("用量", "The volume")
        )
        return Draft(
            work.say(
                f"{what}是负数，无法计算；请给出零或正数。", f"{what} is negative and cannot be calculated; give zero or a positive number."
            ),
            refused=True,
            intent="bad_input",
        )
    return None


def _joins(text: str, position: int) -> bool:
    """Whether a dash joins two figures or opens a list item rather than being a sign."""
    return bool(re.search(r"[\d%万亿kKmMwW]\s*$", text[:position])) or bool(re.match(r"[-−]\s+\d", text[position:]) and not text[:position].strip())
