"""Whether something is permitted for a named model: a question of terms, also where its words could start a calculation."""

from __future__ import annotations

import re

from agent.answers.lookup import answer_lookup
from agent.work import Draft, Work

_MAY = re.compile(
    r"行不行|行吗|可不可以|可以吗|能不能|能否|允许|让不让|准不准|许不许|能.{0,12}吗|可以.{0,12}吗|是否(?:支持|允许|可以)|支持.{0,10}吗|"
    r"\b(?:can|may|could) (?:we|i|you|one|it|they)\b|\b(?:is|are) .{0,30}(?:allowed|permitted|possible)\b|\ballowed to\b|^(?:can|may|does|is|are)\b",
    re.IGNORECASE,
)
_REACH = re.compile(
    r"跑得动|带得动|放得下|装得下|够不够|够吗|几张|多少张|并发|显存|吞吐|多快|多少钱|成本|费用|回本|\b(?:fit|fits|run on (?:a|an|one|two|\d)|enough|how many|throughput)\b",
    re.IGNORECASE,
)


def answer_allowed(work: Work) -> Draft | None:
    """The terms of a named model on the yes/no field that the question names; None where hardware or figures are spoken of."""
    question = work.question
    yes_no = [f.field for f in question.fields if work.field(f.field).type == "enum" and "yes" in work.field(f.field).values]
    if not yes_no or not question.named or question.unknown or question.quantities or question.usage.has_volume:
        return None
    if not _MAY.search(question.text) or _REACH.search(question.masked) or question.deployment.hardware:
        return None
    if not any(work.entity(i).claims.get(f) for m in question.named for i in m.entities for f in yes_no):
        return None
    return answer_lookup(work)
