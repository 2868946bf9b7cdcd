"""Answers in processes of their own: the same as in this one, also after one of them died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.events import AnswerDone
from agent.pool import PooledAdvisor
from agent.session import Advisor, Conversation, open_advisor
from kb.settings import Settings


@pytest.fixture(scope="module")
def pooled(shipped_index: Path) -> Iterator[PooledAdvisor]:
    opened = open_advisor(Settings(home=shipped_index, answer_processes=1), for_many=True)
    assert isinstance(opened, PooledAdvisor)
    yield opened
    opened.close()


def last(advisor: Advisor, question: str, conversation: Conversation) -> AnswerDone:
    done = list(advisor.answer(question, conversation))[-1]
    assert isinstance(done, AnswerDone)
    return done


def test_a_conversation_goes_on_as_it_does_in_one_process(pooled: PooledAdvisor, advisor: Advisor) -> None:
    here, there = Conversation(), Conversation(weights={"input_price": 1.0})
    here.weights = dict(there.weights)
    for question in ("DeepSeek-V3 的输入价格是多少？", "那输出呢？", "每月输入 1 亿、输出 2000 万要多少钱？"):
        assert last(pooled, question, there).answer == last(advisor, question, here).answer
    assert there == here


def test_a_process_that_dies_is_replaced_and_its_question_answered(pooled: PooledAdvisor) -> None:
    from agent.pool import _opened_here

    before = pooled._executor.submit(_opened_here).result()
    os.kill(before, signal.SIGKILL)
    conversation = Conversation()
    assert "GPT-4o" in last(pooled, "GPT-4o 的价格是多少？", conversation).answer
    assert pooled._executor.submit(_opened_here).result() != before and len(conversation.turns) == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")
def test_processes_end_with_the_one_that_asks(shipped_index: Path) -> None:
    code = (
        "from agent.session import open_advisor; from agent.pool import _opened_here; import time\n"
        "if __name__ == '__main__':\n"
        "    advisor = open_advisor(for_many=True); print(advisor._executor.submit(_opened_here).result(), flush=True); time.sleep(600)"
    )
    environment = os.environ | {"ADVISOR_HOME": str(shipped_index), "ADVISOR_ANSWER_PROCESSES": "1"}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        worker = int(asking.stdout.readline())
        asking.kill()
    for _ in range(200):
        if not Path(f"/proc/{worker}").exists() or " Z " in Path(f"/proc/{worker}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the process outlived the one that it worked for")


def test_only_servers_have_them(shipped_index: Path) -> None:
    assert type(open_advisor(Settings(home=shipped_index, answer_processes=2))) is Advisor
