"""Facts that a condition names by itself, with no model in the question: a market's size, a share, a count of lawsuits."""

from __future__ import annotations

import re

from agent.similar import content_tokens
from agent.work import Draft, Work
from kb.catalog.schema import Claim
from kb.catalog.show import claim_text

_WANTS_FIGURE = re.compile(r"多少|几|占比|比例|规模|百分|how (?:much|many|large|big)|what share|percent", re.IGNORECASE)


def answer_measured(work: Work) -> Draft | None:
    """Claims whose condition the question names, where that condition belongs to things other than models."""
    question = work.question
    if any(work.entity(i).kind == "model" for m in question.named for i in m.entities) or question.usage.has_volume or question.money:
        return None
    found: list[Claim] = []
    for named in question.conditions:
        for entity in work.catalog.entities.values():
            if entity.kind == "model":
                continue
            for claims in entity.claims.values():
                found += [
                    c
                    for c in claims
                    if c.when.get(named.field) == named.value
                    and len(c.when) == 1
                    and named.field not in ("bound", "direction", "channel", "variant", "audience", "model", "size")
                ]
    if not _WANTS_FIGURE.search(question.text):
        said = {t for c in found for t in work.reader.claim_tokens[id(c)]}
        rest = [t for t in content_tokens(question.masked) if t not in said]
        if len(rest) > 2:
            return None
    found = list({id(c): c for c in found}.values())[:4]
    if not found:
        return None
    lines = []
    for claim in found:
        entity = work.entity(claim.entity)
        lines.append(
            f"**{entity.name}**{work.say('：', ': ')}{claim_text(claim, work.catalog, work.language, with_source=False)} {work.cite(claim)}"
        )
    work.tool("look_up", {"conditions": [f"{v.field}={v.value}" for v in question.conditions]}, {"claims": len(found)})
    return Draft(
        "\n".join(lines),
        entities=tuple(dict.fromkeys(c.entity for c in found)),
        fields=tuple(dict.fromkeys(c.field for c in found)),
        intent="look_up",
    )
