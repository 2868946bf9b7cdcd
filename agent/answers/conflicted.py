"""Disagreements among the sources, asked for in general ("哪里有矛盾") or touching the answer at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from agent.answers.lookup import answer_lookup, family_differences
from agent.answers.price_questions import answer_price
from agent.answers.targets import PRICE_FIELDS, price_fields
from agent.conflicts import FoundConflict, find_conflicts
from agent.events import Conflict
from agent.verdicts import side_text, to_event
from agent.work import Draft, Work
from kb.catalog.schema import Claim
from kb.catalog.show import source_text
from kb.numbers import find_numbers
from kb.quantities import normalise


def touching(work: Work, draft: Draft) -> list[FoundConflict]:
    """Conflicts about the entities that the answer speaks of and the fields or claims that it uses."""
    if not draft.entities and not work.claims:
        return []
    used = {id(c) for c in work.claims}
    fields = set(draft.fields) | {c.field for c in work.claims}
    entities = set(draft.entities) | {c.entity for c in work.claims}
    found = []
    for conflict in find_conflicts(work.catalog, entities=entities):
        if draft.intent == "api_cost" and conflict.kind == "values" and not any(id(c) in used for c in conflict.claims):
            # A bill for output alone has nothing to do with what the sources say of the input.
            continue
        if any(id(c) in used for c in conflict.claims) or (set(conflict.fields) & fields and set(conflict.entities) & set(draft.entities)):
            found.append(conflict)
    return found


def events(work: Work, found: Sequence[FoundConflict]) -> tuple[Conflict, ...]:
    """The conflicts as the answer reports them, in its language."""
    return tuple(to_event(c, work.catalog, work.language) for c in found)


def report(work: Work, found: Sequence[FoundConflict], most: int = 3) -> list[str]:
    """One line a conflict: each value with its mark, or what the source writes and what it should be, then the verdict."""
    return [_line(work, conflict) for conflict in found[:most]]


def _line(work: Work, conflict: FoundConflict) -> str:
    head = work.say("⚠️ **资料不一致**", "⚠️ **The sources disagree**")
    event = to_event(conflict, work.catalog, work.language)
    for text in (event.verdict, *conflict.steps, *(side.value for side in event.claims)):
        work.computed(*(n.value for n in find_numbers(normalise(text))))
    if conflict.computed is not None:
        work.computed(conflict.computed)
    if conflict.kind in ("version", "sum"):
        place = source_text(conflict.claims[0])
        said = event.verdict.replace(f"（{place}）", "").replace(f" ({place})", "")
        about = "" if conflict.kind == "version" else work.say(f"（{event.about}）", f" ({event.about})")
        return f"{head}{about}{work.say('：', ': ')}{said} {work.cite(*conflict.claims[:3])}"
    sides: dict[str, list[Claim]] = {}
    for claim in conflict.claims:
        sides.setdefault(side_text(claim, work.catalog, work.language), []).append(claim)
    values = work.say("；", "; ").join(f"{value} {work.cite(*claims)}" for value, claims in sides.items())
    undecided = (
        work.say("币种不同，资料没有汇率，无法核对。", "The currencies differ and no rate is given, so they cannot be checked.")
        if conflict.kind == "currency"
        else work.say("文中没有说明以哪个为准。", "The sources do not say which one holds.")
    )
    return work.say(f"{head}（{event.about}）：{values}。{undecided}", f"{head} ({event.about}): {values}. {undecided}")


def without_repeats(work: Work, body: str, found: Sequence[FoundConflict]) -> str:
    """The body without the notes on another product's name that the conflict lines below it repeat."""
    del work
    others = [c.names[1] for c in found if c.kind == "version"]
    lines = [
        line
        for line in body.split("\n")
        if not any(line.startswith(("- 注意：来源里这张价格", "- Note: the source heads")) and f"**{name}**" in line for name in others)
    ]
    return "\n".join(lines)


_WHY_THERE = re.compile(r"怎么|为什么|为啥|写错|笔误|搞错|是不是|对吗|对不对|\bwhy\b|\bhow come\b|mistake|typo|wrong", re.IGNORECASE)


_MISTAKES = re.compile(r"写错|有错|哪里错|错在哪|错误的?地方|(?:any|are there|find) (?:errors?|mistakes?|typos?)", re.IGNORECASE)


def _flat(name: str) -> str:
    return re.sub(r"[\s\-]", "", normalise(name)).lower()


def _other_name(work: Work) -> Draft | None:
    """ "GPT-5.1 那节怎么写着 GPT-4o": the claims under one name that the source states of another that is named too."""
    named = work.question.named
    if len(named) < 2 or not _WHY_THERE.search(work.question.masked):
        return None
    ids = {i for m in named for i in m.entities}
    spoken = {_flat(m.text) for m in named}
    found = [
        c
        for c in find_conflicts(work.catalog, entities=ids)
        if c.kind == "version" and _flat(c.names[1]) in spoken
    ]
    if not found:
        return None
    work.tool("find_conflicts", {"entities": sorted(ids)}, {"found": len(found)})
    entities = tuple(dict.fromkeys(i for c in found for i in c.entities))
    return Draft("\n".join(report(work, found)), entities=entities, fields=tuple(f for c in found for f in c.fields), intent="conflicts")


def answer_conflicts(work: Work) -> Draft | None:
    """All conflicts, or those of the named entities, when that is what is asked."""
    question = work.question
    words = (
        "矛盾",
        "冲突",
        "不一致",
        "打架",
        "对不上",
        "说法不一",
        "算错",
        "说法一样",
        "说法一致",
        "说的一样",
        "写的一样",
        "一致吗",
        "contradict",
        "conflict",
        "inconsisten",
        "disagree",
        "discrepanc",
    )
    if not any(w in question.masked.lower() for w in words) and not (_MISTAKES.search(question.masked) and not question.named):
        return _other_name(work)
    ids = {i for m in question.named for i in m.entities}
    fields = {f.field for f in question.fields if f.field not in ("figure",)} if ids else set()
    priced = bool(ids) and question.has("price_word") and not fields - set(PRICE_FIELDS)
    if priced:
        fields = set(price_fields(work))
    found = find_conflicts(work.catalog, entities=ids or None)
    narrowed = [c for c in found if set(c.fields) & fields] if fields else found
    found = narrowed if fields else found
    work.tool("find_conflicts", {"entities": sorted(ids)}, {"found": len(found)})
    if not found:
        if not ids:
            return Draft(work.say("没有发现资料之间的矛盾。", "No disagreement among the sources was found."), intent="conflicts")
        names = work.say("、", ", ").join(work.entity(m.entities[0]).name for m in question.named)
        differing = family_differences(work) if not fields else None
        if differing is not None:
            return differing
        said = answer_price(work) if priced else answer_lookup(work) if fields else None
        if priced and said is not None and said.refused:
            return said
        if said is not None and not said.refused:
            if said.conflicts:
                return said
            head = work.say("没有发现互相矛盾的说法，资料是这样写的：", "No disagreement was found; the sources say:")
            return replace(said, text=f"{head}\n{said.text}", intent="conflicts")
        return Draft(work.say(f"关于 {names}，没有发现互相矛盾的说法。", f"No disagreement was found about {names}."), intent="conflicts")
    from decimal import Decimal

    work.computed(Decimal(len(found)))
    entities = tuple(dict.fromkeys(i for c in found for i in c.entities))
    lines = [work.say(f"发现 {len(found)} 处不一致：", f"{len(found)} disagreements were found:"), ""]
    lines += [f"- {line}" for line in report(work, found, most=12)]
    return Draft("\n".join(lines), entities=entities, fields=tuple(dict.fromkeys(f for c in found for f in c.fields)), intent="conflicts")
