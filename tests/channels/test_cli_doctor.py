"""`advisor doctor`: findings with advice, and no secret in sight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from channels.cli import doctor
from channels.cli.main import run
from kb.health import Check
from kb.settings import Settings, get_settings
from tests.llm.openai_server import OpenAIServer, Reply


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """An OpenAI-compatible service behind a key."""
    with OpenAIServer(
        Reply("2", calls=[("look_up_price", {"model": "gpt-4o"})]), models=("small", "large"), key="right"
    ).running() as running:
        yield running


def llm(url: str, model: str = "small", key: str = "right") -> Check:
    return doctor.check_llm(Settings(llm_base_url=url, llm_model=model, llm_api_key=SecretStr(key)))


def test_an_empty_home_names_the_command_that_fills_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ADVISOR_LLM_API_KEY", "sk-very-secret")
    monkeypatch.setattr("kb.health._check_embedder", lambda settings: Check("embedding model", "ok", "fine"))
    get_settings.cache_clear()
    assert run(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "FAILED   index" in shown and "-> run `advisor ingest`" in shown
    assert "sk-very-secret" not in shown and "ADVISOR_LLM_API_KEY=********" in shown
    assert run(["doctor", "--json"]) == 1
    findings = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert findings["index"]["state"] == "failed"


def test_the_language_models_server_is_asked(server: OpenAIServer) -> None:
    finding = llm(server.url)
    assert finding.state == "ok"
    for part in (
        "/models: HTTP 200, 2 models: small, large",
        "/chat/completions model=small: HTTP 200",
        "stream=true: ",
        "called in tool_calls",
    ):
        assert part in finding.message
    assert "refuses the key" in llm(server.url, key="wrong").message
    assert "ADVISOR_LLM_MODEL to one of small, large" in llm(server.url, model="").advice


def test_what_came_back_is_said_without_the_key(server: OpenAIServer) -> None:
    server.script = Reply(status=404, text="no model huge for key right")
    finding = llm(server.url, model="huge")
    assert "has no model 'huge'" in finding.message and "HTTP 404" in finding.message
    assert "right" not in finding.message and "small, large" in finding.advice


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply('{"name": "look_up_price", "arguments": {"model": "gpt-4o"}}'), "called in its text"),
        (Reply("$5"), "did not call it"),
    ],
)
def test_how_tools_are_called_is_said(server: OpenAIServer, reply: Reply, said: str) -> None:
    server.script = reply
    assert said in llm(server.url).message


def test_a_preset_is_known_by_name_and_a_wrong_one_names_all() -> None:
    from agent.llm.endpoint import endpoint_of

    found = endpoint_of(Settings(_env_file=None, llm_base_url="DeepSeek", llm_model="deepseek-chat"))
    assert found is not None and found.base_url == "https://api.deepseek.com/v1"
    finding = llm("deepsick")
    assert finding.state == "failed" and "dashscope, deepseek" in finding.message


def test_a_server_that_is_down_is_a_warning_because_answers_go_on_offline() -> None:
    finding = llm("http://127.0.0.1:9/v1")
    assert (finding.state, "offline" in finding.message) == ("warning", True)


def test_no_server_is_fine() -> None:
    assert llm("").state == "ok"


def test_a_password_in_an_address_is_masked() -> None:
    shown = doctor.masked(Settings(chroma_url="http://user:pass@127.0.0.1:8000"))
    assert shown["ADVISOR_CHROMA_URL"] == "http://********@127.0.0.1:8000"


def test_a_rate_without_a_date_is_a_finding() -> None:
    assert doctor._check_rate(Settings(exchange_rate_cny_per_usd="7.1")).state == "failed"
