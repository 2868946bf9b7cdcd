"""With a real model, named by the developer's own ADVISOR_LLM_* settings: whatever it says, what is shown is right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.events import AnswerDone
from agent.llm.probe import probe
from agent.session import open_advisor
from kb.settings import Settings

# Read at collection: the tests' own settings take the developer's away.
URL, MODEL = os.environ.get("ADVISOR_LLM_BASE_URL", ""), os.environ.get("ADVISOR_LLM_MODEL", "qwen")
KEY, TIMEOUT_S = os.environ.get("ADVISOR_LLM_API_KEY", ""), float(os.environ.get("ADVISOR_LLM_TIMEOUT_S", "300"))

pytestmark = [pytest.mark.llm, pytest.mark.slow, pytest.mark.skipif(not URL, reason="ADVISOR_LLM_BASE_URL names no model")]


@pytest.fixture
def settings(shipped_index: Path) -> Settings:
    return Settings(
        _env_file=None,
        home=shipped_index,
        llm_base_url=URL,
        llm_model=MODEL,
        llm_api_key=KEY,
        llm_timeout_s=TIMEOUT_S,
        llm_context_tokens=1200,
    )


def test_its_service_answers_and_streams(settings: Settings) -> None:
    from agent.llm.endpoint import endpoint_of

    endpoint = endpoint_of(settings)
    assert endpoint is not None
    tried = list(probe(endpoint, TIMEOUT_S))
    assert len(tried) == 4 and all(t.ok for t in tried[1:]), [t.line for t in tried]


@pytest.mark.parametrize(
    ("question", "figures"),
    [
        ("deepseek r3 的上下文有多长", ("1,000,000", "100万", "百万")),
        ("GPT-5.1 和 DeepSeek R3 每月3000万输入800万输出各多少钱", ("205.20",)),
        ("What do 30M input and 8M output tokens a month cost with GPT-5.1?", ("270",)),
    ],
)
def test_its_answers_hold_the_figures_that_were_calculated(settings: Settings, question: str, figures: tuple[str, ...]) -> None:
    from eval.trace import untraced

    done = open_advisor(settings).ask([question])
    assert isinstance(done, AnswerDone)
    assert any(figure in done.answer.replace(" ", "") for figure in figures), done.answer
    evidence = [question, *(c.quote for c in done.citations), *(str(dict(t.output)) + " ".join(t.steps) for t in done.tools)]
    assert untraced(done.answer, evidence) == []
    assert done.mode == "llm" or done.notice
