"""Before anything is parsed: keys, names of the server, origins, limits, large and slow requests; and who may read the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_fakes import KEY, Voice, chat, client, make_parts

from channels.api.guard import Guard, Policy
from channels.api.hosts import Hosts
from channels.state.database import close_databases, open_database
from channels.state.keys import ApiKeys
from channels.state.limits import Limits, Rate
from kb.settings import Settings

URL = "/v1/chat/completions"
AUTH = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_databases()


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": f"Bearer {KEY}x"}, {"authorization": f"Basic {KEY}"}, {"authorization": "Bearer"}, {"authorization": f"Bearer \xe9{KEY}"},
     {"authorization": KEY}, {"x-api-key": KEY}],
)  # fmt: skip
@pytest.mark.parametrize("address", ["/v1/models", "/openapi.json", "/metrics", "/v1/nothing"])
def test_without_the_right_key_everything_is_401(tmp_path: Path, headers: dict[str, str], address: str) -> None:
    with client(make_parts(Voice(), tmp_path, keys=f"webui:{KEY}")) as program:
        response = program.get(address, headers={k: v.encode("latin-1") for k, v in headers.items()})
    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")
    assert response.headers["www-authenticate"] == "Bearer" and KEY not in response.text


def test_a_wrong_key_is_refused_before_the_body_is_read(tmp_path: Path) -> None:
    read: list[Any] = []

    async def receive() -> Any:
        read.append(1)
        return {"type": "http.request", "body": b"", "more_body": False}

    sent = call(Guard(refuses, Policy(ApiKeys.read(KEY), Hosts())), receive, [])
    assert (sent[0]["status"], read) == (401, [])


def test_with_a_key_a_question_is_answered_and_probes_need_none(tmp_path: Path) -> None:
    with client(make_parts(Voice(), tmp_path, keys=f"webui:{KEY}")) as program:
        assert program.post(URL, json=chat(), headers=AUTH).status_code == 200
        assert program.get("/metrics", headers=AUTH).status_code == 200
        assert program.get("/healthz").json() == {"status": "ok"}
        assert program.get("/readyz").status_code in (200, 503)


def test_without_keys_any_key_will_do_on_this_machine(tmp_path: Path) -> None:
    with client(make_parts(Voice(), tmp_path)) as program:
        assert program.post(URL, json=chat(), headers={"authorization": "Bearer anything"}).status_code == 200


def test_without_keys_the_metrics_are_for_this_machine_alone(tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    from channels.serve.app import build_app

    app = build_app(make_parts(Voice(), tmp_path))
    with TestClient(app, client=("192.0.2.7", 1)) as stranger:
        assert stranger.get("/metrics").status_code == 403
    with TestClient(app, client=("127.0.0.1", 1)) as neighbour:
        assert neighbour.get("/metrics", headers={"host": "evil.example"}).status_code == 403
        assert neighbour.get("/metrics").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::2]:80"])
def test_another_name_for_this_machine_is_refused(tmp_path: Path, host: str) -> None:
    with client(make_parts(Voice(), tmp_path)) as program:
        response = program.post(URL, json=chat(), headers={"host": host})
    assert (response.status_code, response.json()["error"]["code"]) == (421, "unknown_host")


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://evil.example", 403), ("null", 403), ("file://", 403), ("https://localhost.evil.example", 403), ("http://localhost:3000", 200),
     ("http://testserver", 200)],
)  # fmt: skip
def test_pages_of_other_origins_may_not_ask(tmp_path: Path, origin: str, status: int) -> None:
    with client(make_parts(Voice(), tmp_path)) as program:
        assert program.post(URL, json=chat(), headers={"origin": origin}).status_code == status


@pytest.mark.parametrize(
    ("hosts", "host", "allowed"),
    [
        (Hosts.of(loopback=True, given=()), "127.0.0.1:7860", True),
        (Hosts.of(loopback=True, given=()), "[::1]:7860", True),
        (Hosts.of(loopback=True, given=()), "advisor.example.com", False),
        (Hosts.of(loopback=True, given=("advisor.example.com",)), "Advisor.Example.com:443", True),
        (Hosts.of(loopback=False, given=()), "any.example", True),
        (Hosts.of(loopback=False, given=("advisor.example.com",)), "127.0.0.1", False),
    ],
)
def test_names_of_the_server(hosts: Hosts, host: str, allowed: bool) -> None:
    assert hosts.allow(host) is allowed


def test_beyond_loopback_without_names_only_our_own_origin_may_ask() -> None:
    hosts = Hosts.of(loopback=False, given=())
    assert hosts.allow_origin("https://a.example", "a.example") and not hosts.allow_origin("https://b.example", "a.example")


def test_a_key_that_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    engine = open_database(Settings(home=tmp_path))
    clock = [1000.0]
    policy = {"limits": Limits(engine, lambda: clock[0]), "questions": Rate(6, 2), "requests": Rate(600, 100)}
    other = "another-key-of-some-length"
    with client(make_parts(Voice(), tmp_path, keys=f"a:{KEY},b:{other}", policy=policy)) as program:
        statuses = [program.post(URL, json=chat(), headers=AUTH).status_code for _ in range(2)]
        refused = program.post(URL, json=chat(), headers=AUTH)
        models = program.get("/v1/models", headers=AUTH)
        neighbour = program.post(URL, json=chat(), headers={"authorization": f"Bearer {other}"})
        clock[0] += 10
        later = program.post(URL, json=chat(), headers=AUTH)
    assert statuses == [200, 200] and (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    assert refused.json()["error"]["code"] == "rate_limit_exceeded" and KEY not in refused.text
    assert (models.status_code, neighbour.status_code, later.status_code) == (200, 200, 200)


def test_requests_of_any_kind_have_a_limit_too(tmp_path: Path) -> None:
    engine = open_database(Settings(home=tmp_path))
    policy = {"limits": Limits(engine, lambda: 1000.0), "requests": Rate(60, 3)}
    with client(make_parts(Voice(), tmp_path, keys=KEY, policy=policy)) as program:
        assert [program.get("/v1/models", headers=AUTH).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert program.get("/healthz").status_code == 200


def test_limits_that_cannot_be_read_let_nobody_in(tmp_path: Path) -> None:
    class Broken:
        def take(self, bucket: str, rate: Rate) -> float:
            raise RuntimeError("postgresql://li:hunter2@host is down")

    with client(make_parts(Voice(), tmp_path, keys=KEY, policy={"limits": Broken(), "requests": Rate(60, 3)})) as program:
        response = program.get("/v1/models", headers=AUTH)
    assert response.status_code == 503 and "hunter2" not in response.text


def test_a_large_request_is_refused_by_what_it_declares_and_by_what_it_sends(tmp_path: Path) -> None:
    voice = Voice()
    with client(make_parts(voice, tmp_path, policy={"max_body_bytes": 10_000})) as program:
        declared = program.post(URL, content=b"x" * 10_001, headers={"content-type": "application/json"})
        sent = program.post(URL, content=iter([b"x" * 6000, b"x" * 6000]), headers={"content-type": "application/json"})
    assert [(r.status_code, r.json()["error"]["code"]) for r in (declared, sent)] == [(413, "request_too_large")] * 2
    assert voice.asked == []


def test_a_request_that_does_not_arrive_is_given_up() -> None:
    async def receive() -> Any:
        await asyncio.sleep(60)

    sent = call(Guard(refuses, Policy(ApiKeys({}), Hosts(), body_timeout_s=0.05)), receive, [])
    assert sent[0]["status"] == 408


def test_the_app_gets_the_whole_body_at_once_and_then_the_disconnect() -> None:
    got: list[Any] = []
    parts = [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.request", "body": b"c", "more_body": False}]

    async def receive() -> Any:
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.extend([await receive(), await receive(), scope["state"]["caller"]])

    call(Guard(app, Policy(ApiKeys({}), Hosts())), receive, [])
    assert got == [{"type": "http.request", "body": b"abc", "more_body": False}, {"type": "http.disconnect"}, "local"]


async def refuses(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the app was reached")


def call(app: Any, receive: Any, headers: list[tuple[bytes, bytes]]) -> list[Any]:
    """What an ASGI application sends to one request."""
    sent: list[Any] = []

    async def run() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b""}
        await app(scope, receive, send)

    asyncio.run(run())
    return sent
