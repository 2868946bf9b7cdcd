"""A comparison with something that the sources do not know: said as such, with what they do say of the other."""

from __future__ import annotations

from agent.answers.lookup import answer_lookup
from agent.answers.strangers import unheard_of, unknown_names
from agent.work import Draft, Work


def answer_stranger(work: Work) -> Draft | None:
    """Refuses to compare a known model with an unknown one; None where nothing is compared or everything is known."""
    question = work.question
    compares = any(question.has(g) for g in ("compare_word", "select_word", "cheap_word", "dear_word"))
    known = [m for m in question.named if m.how != "vendor"]
    if not compares or len(known) != 1 or question.unknown or not unknown_names(work):
        return None
    names = unheard_of(work)
    if not names:
        return None
    stranger, name = work.say("、", ", ").join(names), work.entity(known[0].entities[0]).name
    head = work.say(
        f"资料里没有 **{stranger}**，无法和 {name} 比较，不做猜测。",
        f"The sources do not cover **{stranger}**, so it cannot be compared with {name}; no guess is made.",
    )
    said = answer_lookup(work)
    body = "" if said is None or said.refused else work.say(f"\n关于 {name}：\n", f"\nOn {name}:\n") + said.text
    return Draft(head + body, refused=True, intent="not_in_sources")
