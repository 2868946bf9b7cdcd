"""The MCP tools over the shipped corpus, asked by the official client: schemas that a model can read, exact figures, helpful failures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_fakes import KEY, Voice, make_parts, opened
from mcp import Client

from agent.session import Advisor, open_advisor
from channels.api.asking import Asker
from channels.api.guard import Policy
from channels.api.hosts import Hosts
from channels.mcp.server import build_server, make_http
from channels.state.database import close_databases, open_database
from channels.state.keys import ApiKeys
from channels.state.limits import Limits, Rate
from kb.settings import Settings

OPEN = Policy(ApiKeys({}), Hosts())


@pytest.fixture(scope="module")
def advisor(shipped_index: Path) -> Advisor:
    found = open_advisor(Settings(home=shipped_index))
    found.warm_up()
    return found


@pytest.fixture(scope="module")
def server(advisor: Advisor) -> Iterator[Any]:
    asker = Asker(lambda: advisor)
    yield build_server(lambda: advisor, asker, OPEN)
    asker.close()


def call(server: Any, tool: str, arguments: dict[str, Any]) -> Any:
    """A tool's structured result; its error text where it failed."""

    async def run() -> Any:
        async with Client(server) as client:
            result = await client.call_tool(tool, arguments)
            return result.content[0].text if result.is_error else result.structured_content

    return asyncio.run(run())


def listed(server: Any) -> dict[str, Any]:
    async def run() -> Any:
        async with Client(server) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    found: dict[str, Any] = asyncio.run(run())
    return found


def test_a_handful_of_tools_each_with_a_description_and_described_inputs(server: Any) -> None:
    tools = listed(server)
    assert set(tools) == {"ask", "search_documents", "look_up_model", "api_cost", "size_deployment", "calculate"}
    for tool in tools.values():
        assert len(tool.description) > 60 and tool.annotations.read_only_hint and tool.output_schema["type"] == "object"
        assert all(field.get("description") for field in tool.input_schema["properties"].values()), tool.name
    assert "context" not in tools["ask"].input_schema["properties"]
    assert "break_even" in tools["calculate"].description


def test_an_answer_comes_with_citations_and_follows_the_history(server: Any) -> None:
    first = call(server, "ask", {"question": "GPT-5.1 每百万 token 多少钱？"})
    assert "GPT-5.1" in first["answer"] and first["citations"][0]["quote"] and not first["refused"]
    history = [{"question": "GPT-5.1 每百万 token 多少钱？", "answer": first["answer"]}]
    then = call(server, "ask", {"question": "那 Kimi K2 呢？", "history": history})
    assert "Kimi K2" in then["answer"]
    assert call(server, "ask", {"question": "GPT-6 多少钱"})["refused"]


def test_costs_are_exact_and_name_their_prices(server: Any) -> None:
    found = call(server, "api_cost", {"models": ["gpt5.1", "DeepSeek R3", "GPT-6"], "input_tokens": "30M", "output_tokens": "8M"})
    costs = {cost["model"]: cost for cost in found["costs"]}
    # 30 x 5 + 8 x 15 and 30 x 3.80 + 8 x 11.40, from the shipped corpus
    assert costs["GPT-5.1"]["total"] == "270.00" and costs["DeepSeek R3"]["total"] == "205.20"
    assert [cost["model"] for cost in found["costs"]] == ["DeepSeek R3", "GPT-5.1", "GPT-6"]
    assert costs["GPT-5.1"]["prices"][0]["source"].startswith("gpt-5.1.md")
    assert costs["GPT-6"]["total"] is None and "no model" in costs["GPT-6"]["problem"]


def test_amounts_are_read_with_their_units(server: Any) -> None:
    yuan = call(server, "api_cost", {"models": ["DeepSeek R3"], "input_tokens": "3000万", "output_tokens": "800万"})
    assert yuan["costs"][0]["total"] == "205.20"
    assert "expected one quantity" in call(server, "api_cost", {"models": ["DeepSeek R3"], "input_tokens": "many"})


def test_a_model_is_looked_up_with_the_source_of_each_value(server: Any) -> None:
    found = call(server, "look_up_model", {"model": "doubao 1.5", "fields": ["context_window"]})
    assert found["name"] == "Doubao-1.5" and len(found["facts"][0]["statements"]) >= 2
    assert found["conflicts"] and found["conflicts"][0]["claims"]
    assert "unknown field" in call(server, "look_up_model", {"model": "GPT-5.1", "fields": ["colour"]})
    assert "Kimi K2" in call(server, "look_up_model", {"model": "no such thing"})


def test_passages_are_found_with_their_place(server: Any) -> None:
    found = call(server, "search_documents", {"query": "长文档 上下文", "limit": 3})
    assert len(found["passages"]) == 3 and found["passages"][0]["lines"][0] >= 1 and 0 <= found["confidence"] <= 1


def test_cards_are_sized_and_recommended(server: Any) -> None:
    sized = call(server, "size_deployment", {"model": "70B", "gpu": "A100 80GB", "context_tokens": "8K", "concurrency": "50"})
    assert sized["result"]["gpus"] == 4 and sized["result"]["weights_bytes"] == 140e9
    best = call(server, "size_deployment", {"model": "32B", "concurrency": "20"})
    assert best["result"]["best"]["gpus"] >= 1 and len(best["result"]["runners_up"]) <= 5 and best["steps"]
    assert "nonsense" in call(server, "size_deployment", {"model": "70B", "gpu": "nonsense"})


def test_any_calculator_can_be_called(server: Any) -> None:
    found = call(server, "calculate", {"kind": "break_even", "inputs": {"upfront": "60万", "api_monthly": "9万", "self_monthly": "1.5万"}})
    assert (found["value"], found["unit"]) == (8, "months") and found["steps"]
    assert "unknown kind" in call(server, "calculate", {"kind": "magic", "inputs": {}})


def test_a_failure_tells_the_model_nothing_of_the_machine() -> None:
    voice = Voice(failure=RuntimeError("/home/li/secret"))
    asker = Asker(lambda: voice)
    broken = build_server(lambda: voice, asker, OPEN)  # type: ignore[arg-type, return-value]
    assert "secret" not in call(broken, "ask", {"question": "x"})
    text = call(broken, "search_documents", {"query": "x"})
    assert re.fullmatch(r"Error executing tool search_documents.{0,40}", text)
    asker.close()


INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip
ACCEPT = {"accept": "application/json, text/event-stream"}


def http(tmp_path: Path, keys: str = "", limits: Limits | None = None) -> Any:
    """A program that speaks to /mcp over HTTP in this process."""
    from dataclasses import replace

    from starlette.testclient import TestClient

    from channels.serve.app import build_app

    parts = make_parts(Voice(), tmp_path, keys=keys, policy={"limits": limits, "questions": Rate(6, 1)})
    server = make_http(build_server(opened(Voice(), tmp_path), parts.asker, parts.policy), parts.policy.hosts)
    return TestClient(build_app(replace(parts, mcp=server)), raise_server_exceptions=False)


def test_over_http_a_key_is_needed_and_the_name_and_origin_are_checked(tmp_path: Path) -> None:
    right = ACCEPT | {"authorization": f"Bearer {KEY}"}
    with http(tmp_path, KEY) as program:
        statuses = [
            program.post("/mcp", json=INITIALIZE, headers=headers).status_code
            for headers in (
                ACCEPT,
                right | {"authorization": "Bearer wrong"},
                right | {"host": "evil.example"},
                right | {"origin": "http://evil.example"},
                right,
            )
        ]
        large = program.post("/mcp", content=b"x" * 1_000_001, headers=right)
    close_databases()
    assert statuses == [401, 401, 421, 403, 200] and large.status_code == 413


def test_over_http_questions_are_limited_by_key(tmp_path: Path) -> None:
    limits = Limits(open_database(Settings(home=tmp_path)), lambda: 1000.0)
    ask = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": "GPT-5.1 多少钱"}}}
    headers = ACCEPT | {"authorization": f"Bearer {KEY}", "mcp-protocol-version": "2025-06-18"}
    with http(tmp_path, f"desk:{KEY}", limits) as program:
        first, second = (program.post("/mcp", json=ask, headers=headers).text for _ in range(2))
    close_databases()
    assert "DeepSeek" in first and "questions a minute" in second and KEY not in second
