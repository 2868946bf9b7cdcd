"""The command line and the page with a model behind them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import KEY, Opened
from openai_server import OpenAIServer, Reply

from channels.page.cards import cards_html
from channels.page.session import Session

ROOT = Path(__file__).parent.parent.parent
QUESTION = "deepseek r3 的上下文有多长"
PROSE = "DeepSeek R3 的上下文窗口约 100 万 token [1]。"


def advisor(home: Path, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_")}
    own |= {"ADVISOR_HOME": str(home), "PYTHONIOENCODING": "utf-8", "ADVISOR_LLM_API_KEY": KEY} | environment
    done = subprocess.run(
        [sys.executable, "-m", "channels.cli.main", *arguments], input=stdin.encode(), env=own, cwd=ROOT, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_ask_uses_the_configured_model_says_its_tokens_and_can_do_without(shipped_index: Path) -> None:
    with OpenAIServer(Reply(PROSE)).running() as server:
        settings = {"ADVISOR_LLM_BASE_URL": server.url, "ADVISOR_LLM_MODEL": "scripted"}
        lines = "\n".join(json.dumps({"id": n, "turns": ["GLM-4 的价格", QUESTION]}, ensure_ascii=False) for n in "ab")
        done = advisor(shipped_index, "ask", "--jsonl", stdin=lines, **settings)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(r["id"], r["mode"]) for r in records] == [("a", "llm"), ("b", "llm")], done.stderr
        assert records[0]["usage"] == {"input_tokens": 321, "output_tokens": 45} and "100 万" in records[0]["answer"]
        assert len(server.asked) == 2, "earlier turns are context and are not put to the model"
        offline = advisor(shipped_index, "ask", "--mode", "offline", "--json", QUESTION, **settings)
        assert json.loads(offline.stdout)["mode"] == "offline" and len(server.asked) == 2
        assert KEY not in done.stdout + done.stderr + offline.stdout + offline.stderr


def test_mode_llm_without_a_model_is_wrong_use_and_a_dead_server_is_said_on_stderr(shipped_index: Path) -> None:
    unset = advisor(shipped_index, "ask", "--mode", "llm", QUESTION)
    assert unset.returncode != 0 and "ADVISOR_LLM_BASE_URL" in unset.stderr and "Traceback" not in unset.stderr
    dead = advisor(shipped_index, "ask", QUESTION, ADVISOR_LLM_BASE_URL="http://127.0.0.1:9/v1", ADVISOR_LLM_MODEL="m")
    assert dead.returncode == 0 and "1,000,000" in dead.stdout and "连不上" in dead.stderr


def test_the_page_shows_the_evidence_first_then_the_prose_and_what_it_cost(desk: Opened) -> None:
    at = desk(Reply(PROSE, pieces=2))
    session = Session(type(at.conversation))
    texts = [turn.text for turn in session.ask(QUESTION, at.advisor, lambda citation: citation.quote)]
    first = next(i for i, text in enumerate(texts) if "1,000,000" in text)
    prose = next(i for i, text in enumerate(texts) if "约 100 万" in text)
    assert first < prose
    done = session.last_done()
    assert done is not None and texts[-1] == done.answer and done.answer.startswith(PROSE[:10])
    html = cards_html(done, "t", lambda citation: citation.quote)
    assert "321 + 45 token" in html


def test_a_turn_stopped_on_the_page_is_not_remembered(desk: Opened) -> None:
    at = desk(Reply(PROSE * 100, pause_s=0.02))
    session = Session(type(at.conversation))
    for turn in session.ask(QUESTION, at.advisor, lambda citation: citation.quote):
        if "---" in turn.text:
            session.stop()
    assert session.last_done() is None and session.memory.turns == [] and session.turns[-1].stopped


def test_one_question_over_the_pages_interface_says_why_the_model_did_not_answer(desk: Opened) -> None:
    from channels.page.backend import Backend

    at = desk(Reply(status=400))
    text = Backend.over(lambda: at.advisor, at.advisor.settings.home).answer_once(QUESTION)
    assert text.startswith("> 模型（") and "HTTP 400" in text and "1,000,000" in text
