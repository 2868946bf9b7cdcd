"""The refusal that is about something: what was looked for of whom, and what the sources do say about it."""

from __future__ import annotations

from collections.abc import Sequence

from agent.work import Draft, Work
from kb.catalog.schema import Entity


def missing_fact(work: Work, names: str, what: str, entities: Sequence[Entity]) -> Draft:
    """A refusal that says what was looked for and what is there instead."""
    known = list(dict.fromkeys(work.label(f) for e in entities for f in e.claims if f not in ("reference",)))[:8]
    lines = [
        work.say(f"资料里没有 **{names}** 的{what}，不做猜测。", f"The sources do not state {what} for **{names}**; no guess is made.")
    ]
    if known:
        lines.append(work.say(f"关于 {names}，资料里有：{'、'.join(known)}。", f"What they do say about {names}: {', '.join(known)}."))
    work.tool("look_up", {"entities": [e.id for e in entities], "asked": what}, {"found": False})
    return Draft("\n".join(lines), refused=True, entities=(), fields=(), intent="not_in_sources")
