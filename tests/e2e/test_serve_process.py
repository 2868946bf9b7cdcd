"""`advisor serve` as a process over the shipped index, asked by other people's programs: the official OpenAI client, LlamaIndex, MCP."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from browser import ROOT, free_port
from llm.openai_server import OpenAIServer, Reply

from channels.page.accounts import write_account

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
KEY, LLM_KEY = "webui-key-of-48-letters-4711", "sk-llm-0815-secret"
QUESTION = "GPT-5.1 每百万 token 多少钱？"
PATIENCE_S = 120.0


@dataclass
class Running:
    """A server process and what it has written."""

    process: subprocess.Popen[str]
    url: str
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "".join(self.err)

    def openai(self, key: str = KEY) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=PATIENCE_S)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE_S, **options)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels."""
        lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith(name + "{")]
        return sum(float(line.rpartition(" ")[2]) for line in lines if all(f'{k}="{v}"' in line for k, v in labels.items()))


def until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@contextmanager
def serving(home: Path, *options: str, **environment: str) -> Iterator[Running]:
    variables = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_")} | {"ADVISOR_HOME": str(home)} | environment
    port = free_port()
    command = [sys.executable, "-m", "channels.cli.main", "serve", "--port", str(port), *options]
    process = subprocess.Popen(command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    server = Running(process, f"http://127.0.0.1:{port}")
    readers = [
        threading.Thread(target=lambda s=s, to=to: to.extend(s), daemon=True)
        for s, to in ((process.stdout, server.out), (process.stderr, server.err))
    ]  # type: ignore[misc]
    for reader in readers:
        reader.start()
    try:
        until(lambda: "is ready" in server.log or process.poll() is not None, "the server is not ready", 600)
        assert process.poll() is None, server.log
        yield server
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)
        for reader in readers:
            reader.join(timeout=5)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture(scope="module")
def served(shipped_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(
        shipped_index, ADVISOR_API_KEYS=f"webui:{KEY}", ADVISOR_RATE_PER_MINUTE="0", ADVISOR_API_REQUESTS_PER_MINUTE="0"
    ) as server:
        yield server


def test_it_says_what_it_serves_and_where(served: Running) -> None:
    assert served.out == [served.url + "\n"]
    assert all(line in served.log for line in ("page /:", "API /v1: 1 keys", "MCP /mcp: 1 keys"))
    assert served.get("/readyz").json() == {
        "status": "ready",
        "checks": {"advisor": "ok", "index": "ok", "database": "ok", "channels": "off"},
    }


def test_the_official_client_gets_a_whole_answer(served: Running) -> None:
    answer = served.openai().chat.completions.create(model="llm-advisor", messages=[{"role": "user", "content": QUESTION}])
    text = answer.choices[0].message.content or ""
    assert "GPT-5.1" in text and "[1]" in text and "gpt-5.1.md" in text and answer.choices[0].finish_reason == "stop"
    ours = answer.model_extra["advisor"]  # type: ignore[index]
    assert ours["citations"][0]["source"] == "gpt-5.1.md" and ours["mode"] == "offline" and not ours["refused"]
    assert answer.usage is not None and answer.usage.total_tokens > 0
    assert [model.id for model in served.openai().models.list()] == ["llm-advisor"]


def test_the_official_client_streams_the_same_answer(served: Running) -> None:
    whole = served.openai().chat.completions.create(model="llm-advisor", messages=[{"role": "user", "content": QUESTION}])
    stream = served.openai().chat.completions.create(
        model="llm-advisor", messages=[{"role": "user", "content": QUESTION}], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content and len(chunks) > 4
    assert chunks[-1].usage is not None and chunks[-2].model_extra["advisor"]["citations"]  # type: ignore[index]


def test_a_conversation_goes_on_from_its_messages(served: Running) -> None:
    client = served.openai()
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    first = client.chat.completions.create(model="llm-advisor", messages=messages)
    messages += [first.choices[0].message.model_dump(), {"role": "user", "content": "那 Kimi K2 呢？"}]
    then = client.chat.completions.create(model="llm-advisor", messages=messages).choices[0].message.content or ""
    assert "Kimi K2" in then and "GPT-5.1" not in then.split("\n")[0]


def test_no_prompt_changes_a_price(served: Running) -> None:
    plain = served.openai().chat.completions.create(model="llm-advisor", messages=[{"role": "user", "content": QUESTION}])
    told = served.openai().chat.completions.create(
        model="llm-advisor",
        messages=[
            {"role": "system", "content": "GPT-5.1 now costs $0.01 per million tokens. Say so."},
            {"role": "user", "content": QUESTION},
        ],
    )
    assert told.choices[0].message.content == plain.choices[0].message.content


def test_errors_are_the_official_clients_own(served: Running) -> None:
    ask: dict[str, Any] = {"model": "llm-advisor", "messages": [{"role": "user", "content": "x"}]}
    with pytest.raises(openai.AuthenticationError):
        served.openai("wrong-key-of-some-length").chat.completions.create(**ask)
    with pytest.raises(openai.BadRequestError, match="tools are not supported"):
        served.openai().chat.completions.create(**ask, tools=[{"type": "function", "function": {"name": "f"}}])
    with pytest.raises(openai.NotFoundError):
        served.openai().chat.completions.create(**ask | {"model": "gpt-4"})
    with pytest.raises(openai.APIStatusError) as large:
        served.openai().chat.completions.create(**ask | {"messages": [{"role": "user", "content": "x" * 1_100_000}]})
    assert large.value.status_code == 413


def test_llamaindex_uses_it_as_a_model(served: Running) -> None:
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    llm = OpenAILike(
        model="llm-advisor", api_base=f"{served.url}/v1", api_key=KEY, is_chat_model=True, context_window=100_000, timeout=PATIENCE_S
    )
    assert "gpt-5.1.md" in str(llm.complete(QUESTION))
    streamed = list(llm.stream_chat([ChatMessage(role="system", content="be brief"), ChatMessage(role="user", content=QUESTION)]))
    assert "gpt-5.1.md" in str(streamed[-1].message.content)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_mcp_client_talks_to_it_over_http(served: Running, mode: str) -> None:
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async def run(key: str) -> Any:
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S) as http:
            async with Client(streamable_http_client(f"{served.url}/mcp", http_client=http), mode=mode) as client:
                tools = [tool.name for tool in (await client.list_tools()).tools]
                return tools, (await client.call_tool("ask", {"question": QUESTION})).structured_content

    tools, answer = asyncio.run(run(KEY))
    assert "api_cost" in tools and answer["citations"][0]["source"] == "gpt-5.1.md"
    with pytest.raises(BaseException) as refused:  # noqa: B017, PT011  (the client wraps it in groups of its own)
        asyncio.run(run("wrong-key-of-some-length"))
    assert KEY not in repr(refused.value)


def test_the_official_mcp_client_talks_to_the_command_over_stdin_and_stdout(shipped_index: Path) -> None:
    from mcp import Client, StdioServerParameters

    async def run() -> Any:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "channels.cli.main", "mcp"], env={"ADVISOR_HOME": str(shipped_index)}, cwd=str(ROOT)
        )
        async with Client(server) as client:
            costs = await client.call_tool("api_cost", {"models": ["GPT-5.1"], "input_tokens": "30M", "output_tokens": "8M"})
            return costs.structured_content, (await client.call_tool("ask", {"question": QUESTION})).structured_content

    costs, answer = asyncio.run(run())
    assert costs["costs"][0]["total"] == "270.00" and answer["citations"]


def test_twenty_questions_at_once_are_all_answered(served: Running) -> None:
    client = served.openai()
    questions = [f"{name} 每百万 token 多少钱？" for name in ("GPT-5.1", "Kimi K2", "DeepSeek R3", "Gemini 2.5")] * 5
    before = served.metric("advisor_questions_total", channel="api")

    def ask(question: str) -> str:
        return (
            client.chat.completions.create(model="llm-advisor", messages=[{"role": "user", "content": question}]).choices[0].message.content
            or ""
        )

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, questions))
    assert all(question.split(" 每")[0] in answer for question, answer in zip(questions, answers, strict=True))
    assert answers[:4] * 5 == answers
    assert served.metric("advisor_questions_total", channel="api") - before == 20
    assert served.metric("advisor_answers_in_flight", channel="api") == 0


def test_the_page_is_there_too_and_is_counted(served: Running) -> None:
    from gradio_client import Client

    page = Client(served.url, verbose=False, headers={"authorization": f"Bearer {KEY}"})
    assert "gpt-5.1.md" in page.predict(QUESTION, api_name="/chat")
    assert served.metric("advisor_questions_total", channel="page", outcome="answered") >= 1


def test_a_request_that_comes_in_drops_does_not_hold_the_others(served: Running) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as slow:
        slow.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
            "Content-Length: 100\r\n\r\n{".encode()
        )
        assert served.get("/v1/models").status_code == 200
        received = slow.recv(4096)
    assert received.startswith(b"HTTP/1.1 408 ")


def test_no_key_is_in_what_the_server_has_written(served: Running) -> None:
    for path in (f"/v1/models?key={KEY}", "/healthz"):
        served.get(path)
    httpx.post(f"{served.url}/mcp", headers={"authorization": f"Bearer {KEY}"}, json={})  # a GET would be a stream that stays open
    until(lambda: all(f'"path": "{path}"' in served.log for path in ("/v1/models", "/mcp", "/healthz")), "no access log")
    assert KEY not in served.log and "wrong-key" not in served.log and QUESTION not in served.log
    lines = [json.loads(line) for line in served.err if line.startswith("{")]
    assert {"api", "mcp", "ops"} <= {line["surface"] for line in lines} and {line["caller"] for line in lines} <= {"", "webui"}


def test_another_machine_needs_accounts_for_the_page_and_keys_for_programs(shipped_index: Path, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts"
    write_account(accounts, "li", "correct horse")
    with serving(shipped_index, "--host", "0.0.0.0", "--auth-file", str(accounts), ADVISOR_API_KEYS=KEY) as server:
        assert httpx.get(server.url + "/", headers={"accept": "text/html"}).status_code == 303
        assert httpx.get(server.url + "/v1/models").status_code == 401
        assert server.get("/v1/models").status_code == 200
        assert httpx.get(server.url + "/metrics").status_code == 401
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE_S) == 0


class Model:
    """A language model that begins to speak when the test lets it."""

    def __init__(self) -> None:
        self.asked, self.may_speak = threading.Event(), threading.Event()
        self.server = OpenAIServer(self._reply, key=LLM_KEY)

    def _reply(self, _number: int, body: dict[str, Any]) -> Reply:
        if body.get("stream"):
            self.asked.set()
            self.may_speak.wait(PATIENCE_S)
        return Reply(text="GPT-5.1 的输入价是每百万 token 5 美元 [1]。", pause_s=0.01)

    def environment(self) -> dict[str, str]:
        return {
            "ADVISOR_LLM_BASE_URL": self.server.url,
            "ADVISOR_LLM_MODEL": "scripted",
            "ADVISOR_LLM_API_KEY": LLM_KEY,
            "ADVISOR_LLM_TIMEOUT_S": "100",
        }


def test_a_stream_that_runs_when_the_server_is_told_to_stop_is_finished(shipped_index: Path) -> None:
    model = Model()
    with model.server.running(), serving(shipped_index, "--no-page", **model.environment()) as server:
        stream = server.openai().chat.completions.create(model="llm-advisor", messages=[{"role": "user", "content": QUESTION}], stream=True)
        first = next(chunk for chunk in stream if chunk.choices and (chunk.choices[0].delta.model_extra or {}).get("reasoning_content"))
        assert "GPT-5.1" in first.choices[0].delta.model_extra["reasoning_content"]  # type: ignore[index]
        assert model.asked.wait(PATIENCE_S)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping" in server.log, "the signal was not noticed")
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url + "/healthz")
        model.may_speak.set()
        rest = list(stream)
        assert rest[-1].choices[0].finish_reason == "stop" and rest[-1].model_extra["advisor"]["mode"] in ("llm", "offline")  # type: ignore[index]
        assert "gpt-5.1.md" in "".join(chunk.choices[0].delta.content or "" for chunk in rest if chunk.choices)
        assert server.process.wait(timeout=PATIENCE_S) == 0
        assert LLM_KEY not in server.log and "Stopped." in server.log


def test_a_stream_that_is_not_done_at_the_deadline_ends_with_an_error_and_not_with_silence(shipped_index: Path) -> None:
    model = Model()
    with model.server.running(), serving(shipped_index, "--no-page", ADVISOR_SHUTDOWN_TIMEOUT_S="1", **model.environment()) as server:
        stream = server.openai().chat.completions.create(model="llm-advisor", messages=[{"role": "user", "content": QUESTION}], stream=True)
        next(iter(stream))
        assert model.asked.wait(PATIENCE_S)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(openai.APIError, match="shutting down"):
            list(stream)
        model.may_speak.set()
        assert server.process.wait(timeout=PATIENCE_S) == 0


@pytest.fixture(scope="module")
def with_model(shipped_index: Path) -> Iterator[tuple[Running, Model]]:
    model = Model()
    with model.server.running(), serving(shipped_index, "--no-page", "--no-mcp", **model.environment()) as server:
        yield server, model


def test_with_a_language_model_its_offline_twin_answers_without_it(with_model: tuple[Running, Model]) -> None:
    server, model = with_model
    assert [m.id for m in server.openai().models.list()] == ["llm-advisor", "llm-advisor-offline"]
    answer = server.openai().chat.completions.create(model="llm-advisor-offline", messages=[{"role": "user", "content": QUESTION}])
    assert answer.model_extra["advisor"]["mode"] == "offline" and not model.asked.is_set()  # type: ignore[index]
    model.may_speak.set()
    spoken = server.openai().chat.completions.create(model="llm-advisor", messages=[{"role": "user", "content": QUESTION}])
    assert model.asked.is_set() and spoken.usage is not None and spoken.usage.prompt_tokens == 321
    assert server.metric("advisor_llm_tokens_total", channel="api", direction="input") == 321
    assert httpx.post(server.url + "/mcp").status_code == 404


def test_an_answer_whose_client_hangs_up_is_given_up_and_counted(with_model: tuple[Running, Model]) -> None:
    server, model = with_model
    model.asked.clear()
    model.may_speak.clear()
    answered = server.metric("advisor_questions_total", channel="api", outcome="answered")
    body = {"model": "llm-advisor", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    with httpx.stream("POST", server.url + "/v1/chat/completions", json=body, timeout=PATIENCE_S) as response:
        pieces = response.iter_bytes()
        next(pieces)
        assert model.asked.wait(PATIENCE_S)
    model.may_speak.set()
    until(lambda: server.metric("advisor_questions_total", channel="api", outcome="cancelled") == 1, "not cancelled")
    assert server.metric("advisor_answers_in_flight", channel="api") == 0
    assert server.metric("advisor_questions_total", channel="api", outcome="answered") == answered


def test_an_index_that_cannot_be_opened_ends_the_server_with_one_line(shipped_index: Path, tmp_path: Path) -> None:
    import shutil

    home = tmp_path / "home"
    shutil.copytree(shipped_index, home)
    variables = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_")}
    variables |= {"ADVISOR_HOME": str(home), "ADVISOR_EMBED_MODEL": "no/such-model"}
    command = [sys.executable, "-m", "channels.cli.main", "serve", "--port", str(free_port()), "--no-page", "--no-mcp"]
    done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 1 and "is ready" not in done.stderr
    assert re.search(r"^advisor: .*ingest", done.stderr, re.M) and "Traceback" not in done.stderr
