"""A model that fails, stalls, loops or breaks the protocol: the offline answer is shown, says why, and the conversation goes on."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from conftest import KEY, Opened
from openai_server import Reply

from agent.events import AnswerDone
from agent.session import Advisor, Conversation

COST = "GPT-5.1 和 DeepSeek R3 每月3000万输入800万输出各多少钱"
GOOD = "DeepSeek R3 最省，每月 $205.20 [1][2]，比 GPT-5.1（$270）少 $64.80 [3]。"
FREE = "什么是蒸馏，对我们有什么好处"


def is_offline_answer(done: AnswerDone, advisor: Any, question: str = COST) -> bool:
    """The answer is word for word what the offline agent says."""
    offline = [e for e in Advisor.answer(advisor, question, Conversation()) if isinstance(e, AnswerDone)][0]
    return done.mode == "offline" and done.answer == offline.answer and done.citations == offline.citations


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(status=500, text="boom"), "HTTP 500"),
        (Reply(status=401, text=f"bad key {KEY}"), "ADVISOR_LLM_API_KEY"),
        (Reply(status=404), "HTTP 404"),
        (Reply(status=400, text="no tools here"), "HTTP 400"),
        (Reply(status=429, headers={"Retry-After": "120", "x-should-retry": "false"}), "120"),
        (Reply(raw="data: {not json\n\n"), "格式"),
        (Reply(raw="<html>gateway</html>"), ""),
        (Reply(raw='data: {"choices": "no"}\n\n'), ""),
        (Reply(GOOD, cut_after=5), "断"),
        (Reply(endless=True, text=GOOD), "没完没了"),
        (Reply(calls=[("look_up", {"model": "glm-4", "field": "distillation"})]), "反复调用工具"),
        (Reply(calls=[("no_such_tool", {})]), "反复调用工具"),
        (Reply('```json\n{"name": "search", "arguments": {"query": "蒸馏"}}\n```'), "反复调用工具"),
    ],
)
def test_a_failure_gives_the_offline_answer_and_its_reason(desk: Opened, reply: Reply, why: str) -> None:
    at = desk(reply, **({"llm_tools": "always"} if reply.calls or "search" in reply.text else {}))
    question = FREE if reply.calls or "search" in reply.text else COST
    done = at.ask(question)
    assert is_offline_answer(done, at.advisor, question)
    assert why in done.notice and done.notice.endswith("以下是不用模型的回答。") and KEY not in done.notice
    assert len(at.server.asked) <= 5


def test_a_slow_model_is_given_up_after_the_time_set(desk: Opened) -> None:
    at = desk(Reply(GOOD * 20, pause_s=0.2), llm_timeout_s=1.0)
    done = at.ask(COST)
    assert is_offline_answer(done, at.advisor) and "1 秒" in done.notice


def test_a_server_that_is_busy_is_asked_again_when_it_says(desk: Opened) -> None:
    at = desk([Reply(status=429, headers={"Retry-After": "1"}), Reply(GOOD)])
    done = at.ask(COST)
    assert done.mode == "llm" and len(at.server.asked) == 2


def test_a_server_that_stumbles_once_is_asked_again(desk: Opened) -> None:
    at = desk([Reply(status=500), Reply(GOOD)])
    assert at.ask(COST).mode == "llm"


def test_nothing_listening_is_said(desk: Opened) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    at = desk(Reply(""), llm_base_url=url)
    done = at.ask(COST)
    assert is_offline_answer(done, at.advisor) and "连不上" in done.notice and url in done.notice


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"llm_model": ""}, "ADVISOR_LLM_MODEL"), ({"llm_base_url": "deepseeek"}, "deepseek, "), ({"llm_base_url": "ftp://x/v1"}, "http(s)")],
)
def test_a_wrong_setting_does_not_take_the_answers_away(desk: Opened, settings: dict[str, Any], said: str) -> None:
    at = desk(Reply(GOOD), **settings)
    done = at.ask(COST)
    assert is_offline_answer(done, at.advisor) and said in done.notice


def test_an_answer_cut_at_the_limit_of_tokens_loses_its_last_unfinished_sentence(desk: Opened) -> None:
    done = desk(Reply(GOOD + "另外，GPT-5.1 的单", finish_reason="length")).ask(COST)
    assert done.mode == "llm" and "的单" not in done.answer


def test_a_failed_turn_leaves_nothing_of_the_model_in_the_conversation(desk: Opened) -> None:
    at = desk([Reply("GPT-5.1 每月 $270", cut_after=3), Reply("DeepSeek R3 的上下文窗口约 100 万 token [1]。")])
    first = at.ask(COST)
    assert at.conversation.turns == [(COST, first.answer)]
    done = at.ask("它的上下文有多长")
    assert len(at.conversation.turns) == 2 and "100" in done.answer


def test_a_turn_that_nobody_reads_to_its_end_does_not_advance_the_conversation(desk: Opened) -> None:
    at = desk(Reply(GOOD * 50, pause_s=0.05))
    events = at.advisor.answer(COST, at.conversation)
    for _ in range(3):
        next(events)
    events.close()  # type: ignore[attr-defined]
    assert at.conversation.turns == [] and at.conversation.question is None
