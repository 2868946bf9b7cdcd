"""A question on a product that the sources do not know, alone or compared with one that they do: said as such."""

from __future__ import annotations

from agent.answers.lookup import answer_lookup
from agent.answers.strangers import unheard_of, unknown_names, unknown_subject
from agent.work import Draft, Work


def answer_stranger(work: Work) -> Draft | None:
    """Refuses where the subject is unknown, or is compared with a known model; None where everything is known."""
    question = work.question
    subject = unknown_subject(work)
    if subject:
        return Draft(
            work.say(f"资料里没有 **{subject}**，不做猜测。", f"The sources do not cover **{subject}**; no guess is made."),
            refused=True,
            intent="not_in_sources",
        )
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
