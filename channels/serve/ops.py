"""Addresses for whoever runs the server: is it alive, can it answer, what has it done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from channels.api.errors import ApiError
from channels.api.schema import ErrorBody

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

    from channels.serve.app import Parts


class Health(BaseModel):
    """The process runs."""

    status: Literal["ok"]


class Ready(BaseModel):
    """`checks`: part -> ok, opening, failed, off or stopping."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]


def add_ops(app: FastAPI, parts: Parts) -> None:
    """`/healthz` and `/readyz` for everybody, `/metrics` for a key; without keys for this machine alone."""
    from fastapi import Request
    from fastapi.responses import JSONResponse, Response

    refused: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": text}
        for status, text in ((401, "No key, or a wrong one."), (403, "Another machine asks."))
    }

    @app.get("/healthz", response_model=Health, operation_id="healthz", tags=["operation"])
    async def healthz() -> Any:
        """Whether the process runs. Restart it where this does not answer."""
        return JSONResponse({"status": "ok"})

    @app.get(
        "/readyz",
        response_model=Ready,
        responses={503: {"model": Ready, "description": "Not now."}},
        operation_id="readyz",
        tags=["operation"],
    )
    async def readyz() -> Any:
        """Whether questions can be answered. Send none where this is 503."""
        ready, checks = await asyncio.to_thread(parts.readiness.look)
        parts.metrics.ready(ready)
        return JSONResponse({"status": "ready" if ready else "not ready", "checks": checks}, 200 if ready else 503)

    async def metrics(request: Request) -> Response:
        """What has been asked and answered, in Prometheus' text format."""
        refusal = _refusal(parts, request)
        if refusal is not None:
            return refusal.response()
        return Response(await asyncio.to_thread(parts.metrics.text), media_type="text/plain; version=0.0.4; charset=utf-8")

    metrics.__annotations__ = {"request": Request}  # the framework reads real types, and these annotations are strings
    text = {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The metrics."}
    app.get("/metrics", response_class=Response, responses={200: text, **refused}, operation_id="metrics", tags=["operation"])(metrics)


def _refusal(parts: Parts, request: Request) -> ApiError | None:
    if parts.policy.keys:
        if parts.policy.keys.name_of_header(request.headers.get("authorization", "")) is None:
            return ApiError(401, "the metrics need a key", code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})
        return None
    host = request.client.host if request.client is not None else ""
    if host in ("127.0.0.1", "::1") and parts.policy.hosts.allow(request.headers.get("host", "")):
        return None
    return ApiError(403, "without keys the metrics are for this machine alone", code="forbidden")
