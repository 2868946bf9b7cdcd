"""Everything the sources say about one kind of fact, where no model is named: "怎么省钱", "各家延迟怎么样"."""

from __future__ import annotations

from agent.answers.listing import residual_need
from agent.answers.lookup import asked_fields
from agent.understand.constraints import DEFINES, constraints_of
from agent.work import Draft, Work
from kb.catalog.schema import Claim
from kb.catalog.show import claim_text

_MOST = 12
_SKIPPED = frozenset({"figure", "volume", "reference", "input_price", "output_price", "country", "rank", "document_note", "uses_model"})


def answer_field(work: Work) -> Draft | None:
    """The claims of the one field that the question is about; None where it has other words, names, figures or too many claims."""
    question = work.question
    if DEFINES.search(question.text) or question.named or question.unknown or question.usage.has_volume or question.money or question.carried:
        return None
    fields = [f for f in asked_fields(work) if f not in _SKIPPED]
    if len(fields) != 1 or constraints_of(question, work.catalog) or residual_need(work, (), None):
        return None
    field = fields[0]
    claims: list[Claim] = [c for e in work.catalog.entities.values() for c in e.claims.get(field, ())]
    if not claims or len(claims) > _MOST:
        return None
    label = work.label(field)
    lines = [work.say(f"资料里写到{label}的有：", f"What the sources say on {label}:")]
    for claim in claims:
        name = work.entity(claim.entity).name
        text = claim_text(claim, work.catalog, work.language, with_source=False)
        lines.append(f"- {name}{work.say('：', ': ')}{text} {work.cite(claim)}")
    work.tool("look_up", {"fields": [field]}, {"claims": len(claims)})
    return Draft("\n".join(lines), entities=tuple(dict.fromkeys(c.entity for c in claims)), fields=(field,), intent="field")
