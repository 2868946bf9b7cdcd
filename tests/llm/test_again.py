"""The last answer in other words, with that answer's facts and no others."""

from __future__ import annotations

import pytest
from conftest import Opened
from openai_server import Reply

COST = "GPT-5.1 和 DeepSeek R3 每月3000万输入800万输出各多少钱"
GOOD = "DeepSeek R3 最省，每月 $205.20 [1][2]，比 GPT-5.1（$270）少 $64.80 [3]。"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("用一句话总结一下", "选 DeepSeek R3，每月 $205.20，比 GPT-5.1 省 24%。"),
        ("翻译成英文", "DeepSeek R3 costs $205.20 a month, which is $64.80 less than GPT-5.1 ($270)."),
        ("写成一封给老板的邮件", "您好：两个模型里 DeepSeek R3 更省，每月 $205.20，GPT-5.1 要 $270。"),
        ("Summarise that in one sentence", "DeepSeek R3 is the cheapest at $205.20 a month."),
    ],
)
def test_an_answer_can_be_asked_for_in_other_words(desk: Opened, request_: str, said: str) -> None:
    at = desk([Reply(GOOD), Reply(said)])
    at.ask(COST)
    done = at.ask(request_)
    assert (done.mode, done.answer, done.notice) == ("llm", said, "")
    assert "$205.20" in at.prompt and request_ in at.prompt and not at.server.asked[-1].get("tools")
    assert [q for q, _ in at.conversation.turns] == [COST, request_]


def test_other_words_bring_no_other_facts(desk: Opened) -> None:
    at = desk([Reply(GOOD), Reply("DeepSeek R3 每月 $205.20。Claude 4.5 每月只要 $99。")])
    at.ask(COST)
    done = at.ask("简单说说")
    assert "99" not in done.answer and "$205.20" in done.answer and done.unsupported_numbers


def test_a_failure_there_is_said_and_the_question_answered_like_any_other(desk: Opened) -> None:
    at = desk([Reply(GOOD), Reply(status=400)])
    at.ask(COST)
    done = at.ask("翻译成英文")
    assert "HTTP 400" in done.notice and done.refused


def test_a_new_question_is_not_taken_for_a_rewording(desk: Opened) -> None:
    at = desk(Reply("好的。"))
    at.ask(COST)
    done = at.ask("GLM-4 的上下文，简单说")
    assert "DeepSeek" not in done.answer
    fresh = desk(Reply("好的。"))
    assert "好的" not in fresh.ask("用一句话总结一下").answer, "there is nothing to put in other words yet"
