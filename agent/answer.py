"""`answer()`: the one generator behind the command line, the page, the channels and the suites."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from agent.answers.conflicted import events, report, touching, without_repeats
from agent.answers.refuse import unreadable
from agent.check import check
from agent.events import AnswerDone, AnswerEvent, TextDelta, ToolStarted, Understood
from agent.plan import plan
from agent.understand.followup import merge
from agent.understand.question import Question, Reader, language_of
from agent.work import Work
from kb.quantities import normalise

WorkMaker = Callable[[str, Question | None], Work]
_TAG = re.compile(
    r"</?(?:html|head|body|h[1-6]|p|div|span|script|style|a|img|b|i|em|strong|br|hr|table|tr|t[dh]|[uo]l|li|iframe|svg|object|embed|input|form|button|link|meta)(?:\s[^<>]{0,300})?/?>",
    re.IGNORECASE,
)
_ROLE = re.compile(r"<\|?(?:im_start\|?>?\s*)?\b(system|user|assistant|developer|tool)\b\|?>", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


_CHOSEN = frozenset({"select", "superlative", "filter", "owner", "rank", "compare_cost"})


def clean(text: str) -> str:
    """A question without control and direction characters and without markup; line breaks become spaces."""
    text = _CONTROL.sub("", text)
    parts = _ROLE.split(text)
    if len(parts) > 1:
        # Whoever pastes the marks of a chat template speaks as the user all the same.
        spoken = [said for role, said in zip(parts[1::2], parts[2::2], strict=True) if role.lower() == "user"]
        text = spoken[-1] if spoken and spoken[-1].strip() else " ".join([parts[0], *parts[2::2]])
    return re.sub(r"\s+", " ", _TAG.sub(" ", text)).strip()


def read(reader: Reader, text: str, before: Question | None) -> Question:
    """The question understood in its conversation."""
    return merge(reader.read(clean(text)), before)


def answer(text: str, make_work: WorkMaker, before: Question | None = None) -> Iterator[AnswerEvent]:
    """Events of one turn, ending in `AnswerDone`. `make_work` builds the turn's `Work` for an understood question."""
    started = time.perf_counter()
    text = clean(text)
    language = language_of(normalise(text[:2000]))
    refusal = unreadable(text, language)
    if refusal is not None:
        yield Understood(language, refusal.intent, "")
        yield TextDelta(refusal.text)
        yield AnswerDone(refusal.text, (), (), (), True, "offline", language, _ms(started))
        return
    work = make_work(text, before)
    question = work.question
    yield Understood(question.language, "", _summary(work))
    draft = plan(work)
    if draft.intent in _CHOSEN and not draft.refused:
        work.subject = draft.entities
    conflicts = touching(work, draft) if not draft.refused else []
    asked = {re.sub(r"[\s\-]", "", m.text.lower()) for m in question.mentions}
    # Who asks for the very product that the source names is told nothing new by its name.
    if draft.intent != "conflicts":
        conflicts = [c for c in conflicts if not (c.kind == "version" and re.sub(r"[\s\-]", "", c.names[1].lower()) in asked)]
    body = draft.text
    if conflicts and draft.intent != "conflicts":
        body = "\n".join([without_repeats(work, body, conflicts[:3]), "", *report(work, conflicts)])
    sets_a_price = question.has("false_premise_value") and bool(question.money) and not question.price_change
    if not draft.refused and (question.has("instruction_attack") or sets_a_price):
        body += "\n\n" + work.say(
            "（问题里的指令或设定不会改变资料中的价格与事实。）",
            "(Instructions or settings in a question change no price or fact of the sources.)",
        )
    checked = check(body, work)
    for tool in work.tools:
        yield ToolStarted(tool.name, tool.input)
        yield tool
    for piece in _pieces(checked.text):
        yield TextDelta(piece)
    yield AnswerDone(
        checked.text,
        tuple(work.citations),
        tuple(work.tools),
        (*events(work, conflicts), *draft.conflicts),
        draft.refused,
        "offline",
        question.language,
        _ms(started),
        draft.charts,
        draft.follow_ups,
        len(checked.unsupported),
    )


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _pieces(text: str) -> Iterator[str]:
    """Lines with their breaks: what a reader sees appear."""
    yield from re.findall(r"[^\n]*\n|[^\n]+", text)


def _summary(work: Work) -> str:
    """What was understood, for the reader to check: names, volume, conditions, what was carried over."""
    question = work.question
    parts = [m.text for m in question.mentions]
    parts += [work.label(f.field) for f in question.fields[:3]]
    parts += [q.text for q in question.quantities[:6]]
    return work.say("、", ", ").join(dict.fromkeys(p.strip() for p in parts if p.strip()))
