"""`advisor serve` before and around the serving: open doors are refused, what is off says why, logs hold no secret, stops are in order."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from api_fakes import KEY, Voice, chat, client, make_parts
from pydantic import SecretStr

from channels.cli.main import run
from channels.serve.access_log import AccessLog, plain_path, surface_of
from channels.serve.app import build_app
from channels.serve.logs import Blot
from channels.serve.plan import make_plan
from channels.serve.run import secrets_of
from channels.state.database import close_databases
from kb.errors import UsageError
from kb.settings import Settings, get_settings


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_databases()


def planned(*, host: str = "0.0.0.0", keys: str = "", **wishes: Any) -> Any:
    return make_plan(Settings(api_keys=SecretStr(keys)), host=host, port=1, loopback=host == "127.0.0.1", **wishes)


def test_on_this_machine_nothing_is_needed() -> None:
    plan = planned(host="127.0.0.1")
    assert (plan.page, plan.api, plan.mcp, bool(plan.keys)) == (True, True, True, False)
    assert plan.lines[0] == "page /: no accounts: this machine only"


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({}, ("page needs accounts", "MCP need keys")),
        ({"keys": KEY}, ("page needs accounts",)),
        ({"auth_file": Path("a")}, ("MCP need keys",)),
        ({"auth_file": Path("a"), "api": False}, ("MCP need keys",)),
        ({"page": False}, ("MCP need keys",)),
    ],
)
def test_an_address_that_others_reach_is_refused_while_a_door_is_open(wishes: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as refused:
        planned(**wishes)
    assert all(word in str(refused.value) for word in words) and KEY not in str(refused.value)


@pytest.mark.parametrize(
    "wishes", [{"keys": KEY, "auth_file": Path("a")}, {"keys": KEY, "page": False}, {"auth_file": Path("a"), "api": False, "mcp": False}]
)
def test_with_every_door_closed_it_may_start(wishes: dict[str, Any]) -> None:
    assert planned(**wishes).host == "0.0.0.0"


def test_nothing_to_serve_and_short_keys_are_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["serve", "--no-page", "--no-api", "--no-mcp", "--no-channels"]) == 2
    monkeypatch.setenv("ADVISOR_API_KEYS", "short")
    get_settings.cache_clear()
    assert run(["serve", "--host", "0.0.0.0"]) == 2
    assert "16 characters" in capsys.readouterr().err


def test_a_missing_mcp_package_turns_only_mcp_off_and_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr("channels.serve.plan.find_spec", lambda name: None if name == "mcp" else real(name))
    plan = planned(host="127.0.0.1")
    assert not plan.mcp and plan.api and "pip install 'llm-advisor[mcp]'" in plan.notes[0]
    with pytest.raises(UsageError, match=r"llm-advisor\[mcp\]"):
        planned(host="127.0.0.1", mcp=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None if name == "mcp" else real(name, package))
    assert run(["mcp"]) == 2
    assert "llm-advisor[mcp]" in capsys.readouterr().err


def test_parts_that_are_not_served_say_so_in_json(tmp_path: Path) -> None:
    from dataclasses import replace

    with client(replace(make_parts(Voice(), tmp_path), api=None)) as program:
        for address in ("/v1", "/v1/models", "/mcp", "/mcp/"):
            response = program.get(address)
            assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_readiness_follows_the_parts(tmp_path: Path) -> None:
    voice = Voice(library=SimpleNamespace(search=lambda query, k: ["hit"]))
    parts = make_parts(voice, tmp_path)
    ready, checks = parts.readiness.look()
    assert ready and checks == {"advisor": "ok", "index": "ok", "database": "ok", "channels": "off"}
    parts.asker.closed = True
    assert parts.readiness.look() == (False, checks | {"server": "stopping"})
    empty = make_parts(Voice(library=SimpleNamespace(search=lambda query, k: [])), tmp_path)
    assert empty.readiness.look()[1]["index"] == "failed"


def test_team_chat_is_mounted_started_stopped_and_looked_at(tmp_path: Path) -> None:
    from dataclasses import replace

    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    done: list[str] = []

    class Hub:
        state = "running"

        def routes(self) -> list[Route]:
            return [Route("/channels/fake/events", lambda request: PlainTextResponse("kept"), methods=["POST"])]

        def start(self) -> None:
            done.append("start")

        def stop(self, timeout_s: float) -> None:
            done.append(f"stop {timeout_s:g}")

        def status(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(name="slack", state="off", detail=""), SimpleNamespace(name="fake", state=self.state, detail="")]

    hub = Hub()
    parts = make_parts(Voice(), tmp_path)
    parts.readiness._channels = hub.status
    with client(replace(parts, hub=hub, stop_timeout_s=3)) as program:
        assert program.post("/channels/fake/events").text == "kept"
        assert program.get("/readyz").json()["checks"]["channels"] == "ok"
        hub.state = "failing"
        parts.readiness._seen = None
        assert program.get("/readyz").json()["checks"]["channels"] == "failed"
        hub.state = "not installed"
        parts.readiness._seen = None
        assert program.get("/readyz").json()["checks"]["channels"] == "ok"
    assert done == ["start", "stop 3"]


def test_the_access_log_has_one_line_a_request_and_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from starlette.testclient import TestClient

    parts = make_parts(Voice(), tmp_path, keys=f"webui:{KEY}")
    app = AccessLog(build_app(parts), parts.metrics.request)
    caplog.set_level(logging.INFO, "advisor.access")
    with TestClient(app) as program:
        answered = program.post(f"/v1/chat/completions?key={KEY}", json=chat(), headers={"authorization": f"Bearer {KEY}"})
        program.get(f"/v1/{KEY}!secret", headers={"authorization": "Bearer wrong-key-wrong-key"})
        program.get("/somewhere/on/the/page")
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "advisor.access"]
    assert [(line["surface"], line["status"], line["caller"]) for line in lines] == [("api", 200, "webui"), ("api", 401, "")]
    assert lines[0]["path"] == "/v1/chat/completions" and lines[0]["id"] == answered.headers["x-request-id"] and lines[0]["bytes"] > 100
    assert KEY not in caplog.text and "wrong-key" not in caplog.text and "多少钱" not in caplog.text
    assert parts.metrics.registry.get_sample_value("advisor_http_requests_total", {"surface": "page", "status": "404"}) == 1


@pytest.mark.parametrize(
    ("path", "shown"), [("/v1/models", "/v1/models"), ("/v1/a b", "/v1/..."), ("/x/" + "y" * 200, "/x/..."), ("/v1/秘密", "/v1/...")]
)
def test_odd_paths_are_cut_before_they_are_written(path: str, shown: str) -> None:
    assert plain_path(path) == shown


def test_surfaces() -> None:
    assert [surface_of(p) for p in ("/v1", "/v1/models", "/v12", "/mcp", "/channels/slack/events", "/metrics", "/")] == [
        "api", "api", "page", "mcp", "channels", "ops", "page"
    ]  # fmt: skip


def test_secrets_are_blotted_out_of_messages_and_tracebacks() -> None:
    settings = Settings(
        api_keys=SecretStr(f"webui:{KEY}, second-key-second-key"),
        llm_api_key=SecretStr("sk-of-the-model"),
        database_url=SecretStr("postgresql://li:hunter22@host/db"),
    )
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Blot(secrets_of(settings)))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise RuntimeError(f"refused {KEY} at postgresql://li:hunter22@host/db")
    except RuntimeError:
        logger.exception("with sk-of-the-model and second-key-second-key")
    assert not any(s in out.getvalue() for s in (KEY, "hunter22", "sk-of-the-model", "second-key")) and "RuntimeError" in out.getvalue()


def test_stopping_waits_for_answers_before_connections_are_closed() -> None:
    from channels.serve.server import make_server

    order: list[str] = []

    async def drain(timeout_s: float) -> bool:
        order.append(f"drain {timeout_s:g}")
        return True

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while scope["type"] == "lifespan":
            message = await receive()
            order.append(message["type"])
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def serve() -> None:
        server = make_server(app, "127.0.0.1", 0, drain=drain, drain_s=7, started=lambda: order.append("started"))
        running = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        server.should_exit = True
        await running

    asyncio.run(serve())
    assert order == ["lifespan.startup", "started", "drain 7", "lifespan.shutdown"]


def test_a_stop_waits_for_answers_of_the_page_too(tmp_path: Path) -> None:
    from channels.serve.run import drain

    parts = make_parts(Voice(), tmp_path)
    answer = parts.metrics.meter("page", Voice().answer("q"))
    next(answer)

    async def stop() -> None:
        stopping = asyncio.ensure_future(drain(parts, 20))
        await asyncio.sleep(0.2)
        assert not stopping.done() and parts.asker.closed
        for _ in answer:
            pass
        await stopping

    asyncio.run(stop())
    assert parts.metrics.running("page") == 0


def test_a_connection_that_sends_no_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    from channels.serve import server as module

    monkeypatch.setattr(module, "HEADERS_TIMEOUT_S", 0.1)

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    async def serve() -> bytes:
        async def drain(_timeout_s: float) -> bool:
            return True

        server = module.make_server(app, "127.0.0.1", 0, drain=drain, drain_s=0, started=lambda: None)
        server.config.lifespan_class = __import__("uvicorn.lifespan.off", fromlist=["LifespanOff"]).LifespanOff
        running = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/chat/completions HT")
        received = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        server.should_exit = True
        await running
        return received

    assert asyncio.run(serve()) == b""


def test_doctor_says_what_would_be_served_and_never_a_key(tmp_path: Path) -> None:
    from channels.serve.checks import serve_checks

    checks = {c.name: c for c in serve_checks(Settings(home=tmp_path, api_keys=SecretStr(f"webui:{KEY}")))}
    assert "webui" in checks["API"].message and checks["MCP"].state == "ok" and "sqlite" in checks["database"].message
    assert not any(KEY in c.message + c.advice for c in checks.values())
    bad = list(serve_checks(Settings(home=tmp_path, api_keys=SecretStr("short"))))
    assert [c.state for c in bad] == ["failed"] and "16 characters" in bad[0].message
