"""No input makes the agent fail, hang, or answer without saying something; the same input gives the same answer."""

from __future__ import annotations

import os
import time

import pytest
from hostile_texts import questions, random_texts, slow_builds
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles import quick

from agent.events import AnswerDone
from agent.session import Advisor, open_advisor
from kb.settings import Settings

LIMIT_S = 2.0
"""What no question may take; asserted on processor time, which a busy machine does not stretch."""


@pytest.fixture(scope="module")
def quick_advisor(tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    """The shipped catalog without an index: understanding, planning and calculation alone."""
    return open_advisor(Settings(home=tmp_path_factory.mktemp("no-index")), need_index=False)


def ask(advisor: Advisor, *turns: str) -> AnswerDone:
    started = time.thread_time()
    answer = advisor.ask(list(turns))
    used = time.thread_time() - started
    assert isinstance(answer, AnswerDone), (turns, answer)
    assert answer.answer.strip(), turns
    assert used < LIMIT_S, (used, turns)
    return answer


@quick
@given(questions)
def test_any_text_gets_an_answer_or_a_refusal(quick_advisor: Advisor, text: str) -> None:
    ask(quick_advisor, text)


@settings(quick, max_examples=max(10, quick.max_examples // 3))
@given(st.lists(questions, min_size=2, max_size=4))
def test_any_conversation_gets_an_answer_or_a_refusal(quick_advisor: Advisor, turns: list[str]) -> None:
    ask(quick_advisor, *turns)


@settings(quick, max_examples=max(10, quick.max_examples // 3))
@given(questions)
def test_any_text_gets_an_answer_or_a_refusal_with_documents_too(advisor: Advisor, text: str) -> None:
    ask(advisor, text)


@pytest.mark.parametrize("text", slow_builds(), ids=lambda text: ascii(text[:12]))
def test_no_long_run_of_anything_is_slow(quick_advisor: Advisor, text: str) -> None:
    ask(quick_advisor, text)


@pytest.mark.parametrize("figure", ["1e93000万", "1e-93000", "1E+400亿", "1e30"])
@pytest.mark.parametrize("frame", ["GPT-5.1 {} tokens 多少钱", "每月{}3000万，回本要多久", "预算{}元能用多少 DeepSeek", "70B {} 并发几张卡"])
def test_a_figure_with_a_huge_exponent_is_refused_at_once(quick_advisor: Advisor, frame: str, figure: str) -> None:
    assert ask(quick_advisor, frame.format(figure)).refused


def test_the_same_question_gets_the_same_answer(quick_advisor: Advisor) -> None:
    for text in random_texts(40, seed=11):
        assert ask(quick_advisor, text).answer == ask(quick_advisor, text).answer


def test_a_few_hundred_recombined_questions(quick_advisor: Advisor) -> None:
    for text in random_texts(300):
        ask(quick_advisor, text)


@pytest.mark.slow
@pytest.mark.skipif("HOSTILE_QUESTIONS" not in os.environ, reason="takes an hour; set HOSTILE_QUESTIONS, e.g. to 100000")
def test_as_many_recombined_questions_as_asked_for(quick_advisor: Advisor) -> None:
    for text in random_texts(int(os.environ["HOSTILE_QUESTIONS"]), seed=23):
        ask(quick_advisor, text)
