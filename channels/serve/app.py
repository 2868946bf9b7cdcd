"""The whole server as one ASGI application, put together from its parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from channels.api.asking import Asker
from channels.api.errors import ApiError
from channels.api.guard import Guard, Policy
from channels.serve.health import Readiness
from channels.serve.metrics import Metrics

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.routing import BaseRoute

    from channels.api.app import Served

PREFIX = "/v1"


class ChannelState(Protocol):
    """How one channel is: `state` is off, not installed, running or failing."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def detail(self) -> str: ...


class Hub(Protocol):
    """Team chat, as the server needs it (channels/core/hub.py)."""

    def routes(self) -> Sequence[BaseRoute]: ...
    def start(self) -> Any: ...
    def stop(self, timeout_s: float) -> Any: ...
    def status(self) -> Sequence[ChannelState]: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What is served. A part that is None is not."""

    policy: Policy
    asker: Asker
    metrics: Metrics
    readiness: Readiness
    api: Served | None = None
    mcp: Any = None
    hub: Hub | None = None
    mount_page: Callable[[FastAPI], None] | None = None
    stop_timeout_s: float = 30.0


def build_app(parts: Parts) -> FastAPI:
    """The application. Its lifespan starts and stops MCP and team chat."""
    from fastapi import FastAPI
    from starlette.routing import Route

    from channels.serve.ops import add_ops

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if parts.mcp is not None:
                await stack.enter_async_context(parts.mcp.session_manager.run())
            if parts.hub is not None:
                await _called(parts.hub.start)
                stack.push_async_callback(_called, parts.hub.stop, parts.stop_timeout_s)
            yield
        parts.asker.close()

    app = FastAPI(
        title="llm-advisor", version=version(), docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=lifespan
    )
    add_ops(app, parts)

    def add(path: str, endpoint: Any) -> None:
        app.router.routes.append(Route(path, endpoint))

    if parts.api is not None:
        from channels.api.app import build_api
        from channels.api.openapi import openapi_document

        api = build_api(parts.api)
        # Built before the page is mounted, whose own addresses are not for programs.
        document = openapi_document(api, app, prefix=PREFIX, with_keys=bool(parts.policy.keys))
        app.mount(PREFIX, Guard(api, parts.policy))
        add("/openapi.json", Guard(_json(document), parts.policy))
    else:
        app.mount(PREFIX, Absent("the API is not served here"))
    add(PREFIX, Absent(f"there is no such address; the API's are under {PREFIX}/"))
    mcp = Guard(_mcp_endpoint(parts.mcp), parts.policy) if parts.mcp is not None else Absent("MCP is not served here")
    for path in ("/mcp", "/mcp/"):
        add(path, mcp)
    if parts.hub is not None:
        app.router.routes.extend(parts.hub.routes())
    if parts.mount_page is not None:
        parts.mount_page(app)
    return app


def version() -> str:
    """The installed version, empty where the project is not installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("llm-advisor")
    except PackageNotFoundError:
        return ""


async def _called(function: Callable[..., Any], *args: Any) -> None:
    """Call what may be synchronous, and then blocks, or asynchronous."""
    if asyncio.iscoroutinefunction(function):
        await function(*args)
        return
    found = await asyncio.to_thread(function, *args)
    if asyncio.iscoroutine(found):
        await found


def _json(document: dict[str, Any]) -> Any:
    from starlette.responses import JSONResponse

    async def send_document(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            error = ApiError(405, "this address takes GET only", code="method_not_allowed", headers={"Allow": "GET, HEAD"})
            await error.response()(scope, receive, send)
            return
        await JSONResponse(document)(scope, receive, send)

    return send_document


def _mcp_endpoint(server: Any) -> Any:
    """The session manager under whatever path it is mounted at."""

    async def endpoint(scope: Any, receive: Any, send: Any) -> None:
        await server.session_manager.handle_request(scope, receive, send)

    return endpoint


class Absent:
    """Says in JSON that a part is not there; without it the page would answer in HTML."""

    def __init__(self, message: str) -> None:
        self._message = message

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await ApiError(404, self._message, code="not_found").response()(scope, receive, send)
