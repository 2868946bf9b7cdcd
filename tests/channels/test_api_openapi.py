"""The OpenAPI document against the real advisor: no request that it allows or forbids gets a 5xx or an answer that it does not name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from api_fakes import KEY, make_parts
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from agent.session import Advisor, open_advisor
from channels.serve.app import build_app
from channels.state.database import close_databases
from kb.settings import Settings

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, response_headers_conformance,
    negative_data_rejection, unsupported_method,
]  # fmt: skip
EXAMPLES = {"/v1/chat/completions": 60, "/v1/models/{model}": 30}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def advisor(shipped_index: Path) -> Advisor:
    opened = open_advisor(Settings(home=shipped_index))
    opened.warm_up()
    return opened


@pytest.fixture(scope="module")
def app(advisor: Advisor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = build_app(make_parts(advisor, tmp_path_factory.mktemp("api"), keys=KEY))
    # The tool starts and stops the application around every request; this one is started once.
    made.router.lifespan_context = lambda _app: nullcontext()  # type: ignore[assignment, return-value]
    yield made
    close_databases()


TAKES_NOTHING = [("GET", "/v1/models"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")]
TAKES_SOMETHING = [("GET", "/v1/models/{model}"), ("POST", "/v1/chat/completions")]
CASES = [
    *((method, path, GenerationMode.POSITIVE) for method, path in [*TAKES_NOTHING, *TAKES_SOMETHING]),
    *((method, path, GenerationMode.NEGATIVE) for method, path in TAKES_SOMETHING),
]


@pytest.mark.parametrize(("method", "path", "mode"), CASES, ids=[f"{mode.value} {method} {path}" for method, path, mode in CASES])
def test_every_answer_is_one_that_the_document_names(app: Any, method: str, path: str, mode: GenerationMode) -> None:
    key = {"authorization": f"Bearer {KEY}"}
    operation = schemathesis.openapi.from_asgi("/openapi.json", app, headers=key)[path][method]
    answered: list[int] = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES.get(path, 5), deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            case.body["model"] = "llm-advisor"  # the document cannot know what models there are
        answered.append(case.call_and_validate(headers=key, checks=CHECKS).status_code)

    check()
    if mode is GenerationMode.POSITIVE:
        assert 200 in answered or path == "/v1/models/{model}"


def test_the_document_names_every_address_and_how_to_be_let_in(app: Any) -> None:
    from starlette.testclient import TestClient

    with TestClient(app) as program:
        assert program.get("/openapi.json").status_code == 401
        document = program.get("/openapi.json", headers={"authorization": f"Bearer {KEY}"}).json()
    assert set(document["paths"]) == {"/v1/models", "/v1/models/{model}", "/v1/chat/completions", "/healthz", "/readyz", "/metrics"}
    post = document["paths"]["/v1/chat/completions"]["post"]
    assert post["security"] == [{"key": []}] and "security" not in document["paths"]["/healthz"]["get"]
    assert set(post["responses"]["200"]["content"]) == {"application/json", "text/event-stream"} and "422" not in post["responses"]
    assert "advisor" in document["components"]["schemas"]["ChatCompletion"]["properties"]
