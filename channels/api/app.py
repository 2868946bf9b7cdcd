"""The API as an ASGI application: `/chat/completions`, `/models`, `/models/{id}` under the path that it is mounted at."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from channels.api.asking import Asker
from channels.api.completions import Reply, read_request
from channels.api.errors import ApiError, bad_request, from_validation
from channels.api.guard import LOCAL, Policy
from channels.api.openapi import CHAT_BODY, CHAT_RESPONSES, RESPONSES
from channels.api.schema import ChatCompletion, ChatRequest, ModelList, ModelOut
from channels.api.stream import sse

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

log = logging.getLogger("advisor")
MODEL, OFFLINE_MODEL = "llm-advisor", "llm-advisor-offline"
CHANNEL = "api"
_HTTP_ERRORS: dict[int, tuple[str, str | None]] = {
    404: ("there is no such address", "not_found"),
    405: ("this address does not take that method", "method_not_allowed"),
}


@dataclass(frozen=True, slots=True)
class Served:
    """What the API answers with. `has_model`: a language model is configured, which the offline model does without."""

    asker: Asker
    has_model: bool
    policy: Policy
    started: int = field(default_factory=lambda: int(time.time()))

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Name -> `ModelOut`."""
        names = (MODEL, OFFLINE_MODEL) if self.has_model else (MODEL,)
        return {name: {"id": name, "object": "model", "created": self.started, "owned_by": "llm-advisor"} for name in names}

    def model(self, name: str) -> dict[str, Any]:
        """One of them. Raises `ApiError`."""
        if name not in self.models:
            raise ApiError(
                404, f"the model {name[:80]!r} does not exist; there is {', '.join(self.models)}", param="model", code="model_not_found"
            )
        return self.models[name]


def build_api(served: Served) -> FastAPI:
    """The application, without keys and limits: `Guard` is put around it."""
    from fastapi import FastAPI, Request
    from fastapi.exceptions import HTTPException
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException as StarletteHTTPException

    api = FastAPI(title="llm-advisor", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    @api.get("/models", response_model=ModelList, responses=RESPONSES, operation_id="list_models", tags=["models"])
    async def list_models() -> Any:
        """The models that can be named in a request."""
        return JSONResponse({"object": "list", "data": list(served.models.values())})

    @api.get("/models/{model}", response_model=ModelOut, responses=RESPONSES, operation_id="get_model", tags=["models"])
    async def get_model(model: str) -> Any:
        """One model."""
        return JSONResponse(served.model(model))

    async def create(request: Request) -> Any:
        """Answer the last message, which must be the user's, after the turns before it.

        Prices and facts come from the server's documents and catalog: system messages are read as data and change nothing. The answer's
        sources stand at the end of its text and, with quotes, conflicts and calculations, in `advisor`.
        """
        return await complete(served, request)

    create.__annotations__["request"] = Request  # the framework reads real types, and these annotations are strings
    api.post(
        "/chat/completions",
        response_model=ChatCompletion,
        responses=CHAT_RESPONSES,
        operation_id="create_chat_completion",
        tags=["chat"],
        openapi_extra={"requestBody": CHAT_BODY},
    )(create)

    async def on_api_error(_request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return error.response()

    async def on_http_error(_request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        text, code = _HTTP_ERRORS.get(error.status_code, ("the request failed", None))
        return ApiError(error.status_code, text, code=code, headers=error.headers).response()

    async def on_failure(_request: Request, error: Exception) -> Response:
        reference = uuid.uuid4().hex[:8]
        log.error("a request failed, reference %s", reference, exc_info=error)
        return ApiError(500, f"something went wrong (reference {reference})", code="internal_error").response()

    api.add_exception_handler(ApiError, on_api_error)
    api.add_exception_handler(HTTPException, on_http_error)
    api.add_exception_handler(StarletteHTTPException, on_http_error)
    api.add_exception_handler(Exception, on_failure)
    return api


async def complete(served: Served, request: Request) -> Response:
    """`POST /chat/completions`."""
    from starlette.responses import JSONResponse, StreamingResponse

    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ApiError(415, "expected the header Content-Type: application/json", code="unsupported_media_type")
    try:
        wanted = ChatRequest.model_validate_json(await request.body())
    except ValidationError as error:
        raise from_validation(error.errors()) from None
    except RecursionError:
        raise bad_request("the body is nested too deeply", code="invalid_json") from None
    served.model(wanted.model)
    asked = read_request(wanted)
    await served.policy.take(request.scope.get("state", {}).get("caller", LOCAL), question=True)
    offline = wanted.model == OFFLINE_MODEL
    reply = Reply(wanted.model)
    if not wanted.stream:
        answer = served.asker.ask(asked.question, asked.turns, channel=CHANNEL, offline=offline)
        return JSONResponse(reply.whole(asked, await _unless_gone(answer, _gone(request))))
    served.asker.admit()  # while the status can still say so
    events = served.asker.events(asked.question, asked.turns, channel=CHANNEL, offline=offline)
    include_usage = bool(wanted.stream_options and wanted.stream_options.include_usage)
    lines = sse(events, reply, asked, include_usage=include_usage, has_drafts=served.has_model and not offline, gone=_gone(request))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


def _gone(request: Request) -> Callable[[], Awaitable[None]]:
    """Returns when the client has closed the connection."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return gone


async def _unless_gone(answer: Any, gone: Callable[[], Awaitable[None]]) -> Any:
    """The answer; given up, with what works on it, when nobody waits any more."""
    answering, left = asyncio.ensure_future(answer), asyncio.ensure_future(gone())
    try:
        await asyncio.wait({answering, left}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        raise ApiError(499, "the client closed the connection", code="client_closed")
    finally:
        for task in (answering, left):
            task.cancel()
