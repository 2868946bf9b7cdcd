"""Answers survive being written down, and conversations being taken up in another process."""

from __future__ import annotations

import json
from pathlib import Path

from agent.codec import dump_done, load_done
from agent.events import AnswerDone
from agent.session import Conversation, open_advisor
from kb.settings import get_settings


def last_done(advisor: object, question: str, conversation: Conversation) -> AnswerDone:
    events = list(advisor.answer(question, conversation))  # type: ignore[attr-defined]
    assert isinstance(events[-1], AnswerDone)
    return events[-1]


def test_an_answer_with_charts_conflicts_and_citations_is_equal_after_json(indexed_home: Path) -> None:
    advisor = open_advisor(get_settings())
    done = last_done(advisor, "GPT-5.1、GLM-4、豆包 每月3000万输入800万输出，各多少钱？", Conversation())
    assert done.charts and done.citations and done.tools
    again = load_done(json.loads(json.dumps(dump_done(done))))
    assert (again.answer, again.citations, again.charts, again.conflicts) == (done.answer, done.citations, done.charts, done.conflicts)


def test_a_conversation_taken_up_from_its_turns_understands_what_a_follow_up_means(indexed_home: Path) -> None:
    advisor = open_advisor(get_settings())
    there = Conversation()
    turns = [(text, last_done(advisor, text, there).answer) for text in ("kimi 每月2000万输入400万输出", "换成glm4呢，量不变")]
    here = open_advisor(get_settings()).resume(turns)
    assert here.turns == there.turns
    follow_up = "一年呢"
    assert last_done(advisor, follow_up, here).answer == last_done(advisor, follow_up, there).answer
