"""Whether two names are one thing: "GPT-5.10 和 GPT-5.1 是一个东西吗" -> which name each place of the sources uses."""

from __future__ import annotations

import re

from agent.answers.price import flat
from agent.events import Conflict, ConflictClaim
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity

_SAME = re.compile(
    r"同一个|同一款|一个东西|一回事|一个模型|是不是一样|同一种|一样吗|区别|same (?:model|thing|one|product)|identical|one and the same|are .{0,40}the same",
    re.IGNORECASE,
)
_PLACES = 3


def answer_same_name(work: Work) -> Draft | None:
    """Two written names that stand for one entity: where the sources use which; None where they name different entities."""
    question = work.question
    named = [m for m in question.named if m.entities]
    if len(named) < 2 or not _SAME.search(question.text) or question.usage.has_volume:
        return None
    first, second = named[0], named[1]
    if first.entities[0] != second.entities[0] or flat(first.text) == flat(second.text):
        return None
    entity = work.entity(first.entities[0])
    sides = {m.text: _under(entity, m.text) for m in (first, second)}
    written = {name: claims for name, claims in sides.items() if claims}
    if not written:
        return None
    lines = [
        work.say(
            f"资料把 **{first.text}** 和 **{second.text}** 当作同一个模型（目录里是 {entity.name}），但没有说明两个写法的关系：",
            f"The sources treat **{first.text}** and **{second.text}** as one model ({entity.name} in the catalog) without explaining the two spellings:",
        )
    ]
    claims: list[ConflictClaim] = []
    for name, found in written.items():
        places = work.say("；", "; ").join(f"{work.label(c.field)} {work.cite(c)}" for c in found[:_PLACES])
        lines.append(work.say(f"- 写作 {name} 的地方：{places}", f"- Written {name}: {places}"))
        claims += [ConflictClaim(name, f"{c.source} {c.section}") for c in found[:1]]
    verdict = work.say("同一模型有两种写法，文中没有说明以哪个为准。", "One model is spelt in two ways; the sources do not say which is right.")
    lines.append(f"⚠️ **{work.say('资料不一致', 'The sources disagree')}**{work.say('：', ': ')}{verdict}")
    work.tool("compare_names", {"names": list(sides)}, {"entity": entity.id})
    about = work.say(f"{entity.name} 的名称", f"name of {entity.name}")
    conflict = Conflict(about, tuple(claims), verdict)
    return Draft("\n".join(lines), entities=(entity.id,), fields=(), intent="same_name", conflicts=(conflict,))


def _under(entity: Entity, name: str) -> list[Claim]:
    """Claims whose place uses this name, one for each place."""
    own = flat(name) == flat(entity.name)
    found: dict[tuple[str, str], Claim] = {}
    for claims in entity.claims.values():
        for claim in claims:
            if flat(claim.about) == flat(name) or own and not claim.about:
                found.setdefault((claim.source, claim.section), claim)
    return list(found.values())
