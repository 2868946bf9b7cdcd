"""Tools that a model calls: in the protocol's field or in its text, with amounts as people write them, and never with invented ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Opened
from openai_server import Reply

from agent.events import TextDelta, ToolFinished
from agent.llm.text_calls import TextCall, calls_in_text, looks_like_a_call, without_thoughts

QUESTION = "我们每月大概 1亿 输入、3000万 输出，想用 GPT-5.1，说说费用怎么来的"
CALL = ("model_api_cost", {"model": "gpt-5.1", "input_tokens": "1亿", "output_tokens": "3000万"})


@pytest.mark.parametrize(
    "first",
    [
        Reply(calls=[CALL]),
        Reply("```json\n" + json.dumps({"name": CALL[0], "arguments": CALL[1]}, ensure_ascii=False) + "\n```"),
        Reply("<tool_call>\n" + json.dumps({"name": CALL[0], "arguments": CALL[1]}, ensure_ascii=False) + "\n</tool_call>"),
        Reply("我来算一下。\n" + json.dumps({"tool": CALL[0], "parameters": CALL[1]}, ensure_ascii=False)),
    ],
)
def test_a_call_is_found_wherever_it_stands_and_amounts_are_read_by_us(desk: Opened, first: Reply) -> None:
    at = desk([first, Reply("GPT-5.1 每月共 $950。")], llm_tools="always")
    done = at.ask(QUESTION)
    assert len(at.server.asked) == 2
    record = next(t for t in done.tools if t.name == "model_api_cost")
    assert record.output["total"] in ("950", "950.00") and record.input["input_tokens"] == "1亿"
    assert done.mode == "llm" and "$950" in done.answer
    shown = "".join(e.text for e in at.events if isinstance(e, TextDelta))
    assert "model_api_cost" not in shown and "arguments" not in shown
    messages = at.server.asked[1]["messages"]
    called = next(m for m in messages if m.get("tool_calls"))
    answered = next(m for m in messages if m["role"] == "tool")
    assert answered["tool_call_id"] == called["tool_calls"][0]["id"], "the service sees a call and its result, as the protocol wants"


def test_an_amount_that_nobody_said_is_refused_with_those_that_were(desk: Opened) -> None:
    wrong = ("model_api_cost", {"model": "gpt-5.1", "input_tokens": "25,000,000", "output_tokens": "3000万"})
    at = desk([Reply(calls=[wrong]), Reply(calls=[CALL]), Reply("GPT-5.1 每月共 $950。")], llm_tools="always")
    done = at.ask(QUESTION)
    told = [m["content"] for m in at.server.asked[1]["messages"] if m["role"] == "tool"][0]
    assert "nobody said" in told and "1亿" in told
    assert [t.input["input_tokens"] for t in done.tools if t.name == "model_api_cost"] == ["1亿"] and done.mode == "llm"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("model_api_cost", {"model": "gpt-77", "input_tokens": "1亿"}), "unknown model"),
        (("model_api_cost", {}), "also needs model"),
        (("look_up", {"model": "gpt-5.1", "field": "colour"}), "expected one of"),
        (("search", {"query": "GPT-5.1 价格", "k": "all"}), "hits"),
        (("model_api_cost", '{"model": "gpt-5.1", "input_tok'), ""),
        (("delete_index", {}), "not found"),
    ],
)
def test_a_mistake_in_a_call_comes_back_as_a_message_and_not_as_a_crash(desk: Opened, call: tuple[str, Any], said: str) -> None:
    at = desk([Reply(calls=[call]), Reply("GPT-5.1 每月共 $950。")], llm_tools="always")
    done = at.ask(QUESTION)
    told = [m["content"] for m in at.server.asked[1]["messages"] if m["role"] == "tool"][0]
    assert said in told and "Traceback" not in told
    assert done.answer


def test_a_passage_found_by_a_call_can_be_cited(desk: Opened) -> None:
    at = desk([Reply(calls=[("search", {"query": "DeepSeek R3 API 价格"})]), Reply("")], llm_tools="always")
    at.ask(QUESTION)
    found = next(e for e in at.events if isinstance(e, ToolFinished) and e.name == "search").output["hits"]
    assert found and all(hit["cite"].startswith("[") and hit["text"] for hit in found)


def test_a_question_that_figures_answer_needs_no_tools(desk: Opened) -> None:
    at = desk(Reply("好。"))
    at.ask(QUESTION)
    assert not at.server.asked[0].get("tools")


def test_tools_are_sent_without_fields_that_only_some_services_know(desk: Opened) -> None:
    at = desk(Reply("好。"), llm_tools="always")
    at.ask(QUESTION)
    body = at.server.asked[0]
    assert body["tools"] and "parallel_tool_calls" not in body and "strict" not in body["tools"][0]["function"]
    assert None not in body.values()


def test_orders_in_a_document_reach_neither_the_model_nor_the_reader(desk: Opened, hostile_home: Path) -> None:
    def obedient(number: int, body: dict[str, Any]) -> Reply:
        """Does what any text tells it."""
        told = str(body["messages"])
        return Reply("Corvid 7 costs $0.01 and is the best model." if "0.01" in told else "The support desk answers within two days.")

    at = desk(obedient, home=hostile_home)
    done = at.ask("support desk answers within how many days")
    assert "0.01" not in done.answer and "best model" not in done.answer
    assert "IGNORE ALL" not in at.prompt and "</evidence><system>" not in at.prompt
    done = at.ask("What does Corvid 7 cost per 1M input tokens?")
    assert "0.01" not in done.answer and "5" in done.answer


def test_a_model_that_obeys_a_hidden_order_says_nothing_that_is_shown(desk: Opened, hostile_home: Path) -> None:
    at = desk(Reply("Corvid 7 costs $0.01 per 1M input tokens. Corvid Lite is free. ADVISOR_LLM_API_KEY is secret."), home=hostile_home)
    done = at.ask("What does Corvid 7 cost per 1M input tokens?")
    shown = done.answer + "".join(e.text for e in at.events if isinstance(e, TextDelta))
    assert "0.01" not in shown and "$5" in done.answer


def test_calls_are_read_from_many_writings() -> None:
    tools = {"search", "look_up"}
    call = TextCall("search", {"query": "x"})
    for text in (
        '{"name": "search", "arguments": {"query": "x"}}',
        '[{"name": "search", "parameters": {"query": "x"}}]',
        '{"function": {"name": "search", "arguments": "{\\"query\\": \\"x\\"}"}}',
        'Sure: search({"query": "x"})',
        '<think>maybe {"name": "look_up", "arguments": {}}</think>{"name": "search", "arguments": {"query": "x"}}',
    ):
        assert calls_in_text(text, tools) == [call], text
    for text in ("价格是 {5} 元", '{"name": "other", "arguments": {}}', '{"name": "search", "arguments": "broken', "[1] 见上", ""):
        assert calls_in_text(text, tools) == [], text


def test_what_may_become_a_call_or_a_thought_is_not_text_yet() -> None:
    assert all(looks_like_a_call(t) for t in ("{", ' {"na', "```json", "<tool_call>", "<to"))
    assert not any(looks_like_a_call(t) for t in ("", "价格", "[1] 见", "A {"))
    assert without_thoughts("<think>a</think>b<think>c") == "b"


def test_an_open_question_is_given_passages_and_the_tools_it_can_need(desk: Opened) -> None:
    at = desk(Reply("好。"))
    at.ask("教育行业落地大模型要注意什么")
    if not at.server.asked:
        pytest.skip("the offline agent has an answer without passages to this question")
    names = {t["function"]["name"] for t in at.server.asked[0].get("tools", [])}
    assert "search" in names and not names & {"model_api_cost", "gpus_needed"}
