"""The OpenAPI document: complete, so that a generated client knows every answer it may get."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from channels.api.schema import ChatRequest, ErrorBody

if TYPE_CHECKING:
    from fastapi import FastAPI

_SAID = {
    400: "The request cannot be used; `param` says where.",
    401: "No key, or a wrong one.",
    403: "A page of another origin asks.",
    404: "No such model or address.",
    405: "The address does not take that method.",
    408: "The request did not arrive in time.",
    413: "The request is too large.",
    415: "The body is not JSON.",
    421: "The server is not known by that name.",
    429: "Too many requests; `Retry-After` says when to come back.",
    500: "Our own failure; the reference in the message finds the log line.",
    503: "Busy, starting or shutting down; `Retry-After` says when to come back.",
    504: "No answer in time.",
}
RESPONSES: dict[int | str, dict[str, Any]] = {status: {"model": ErrorBody, "description": text} for status, text in _SAID.items()}
_STREAM = {
    "text/event-stream": {
        "schema": {"type": "string", "description": "With `stream`: `data:` lines with chat.completion.chunk objects, then `data: [DONE]`."}
    }
}
CHAT_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"description": "The answer.", "content": _STREAM}, **RESPONSES}
_PREFIX = "#/components/schemas/"


CHAT_BODY: dict[str, Any] = {"required": True, "content": {"application/json": {"schema": {"$ref": _PREFIX + "ChatRequest"}}}}


def openapi_document(api: FastAPI, ops: FastAPI, *, prefix: str, with_keys: bool) -> dict[str, Any]:
    """One document of the API under `prefix` and of the addresses for operation."""
    document = copy.deepcopy(ops.openapi())
    document["info"]["description"] = "Answers about choosing, pricing and deploying language models, as an OpenAI-compatible model."
    theirs = copy.deepcopy(api.openapi())
    document["paths"] = {prefix + path: item for path, item in theirs["paths"].items()} | document["paths"]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= theirs.get("components", {}).get("schemas", {})
    request = ChatRequest.model_json_schema(ref_template=_PREFIX + "{model}")
    schemas |= request.pop("$defs", {}) | {"ChatRequest": request}
    # The framework promises answers to requests that it parses itself; here it parses none.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"].pop("422", None)
    if with_keys:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, item in document["paths"].items():
            if path not in ("/healthz", "/readyz"):
                for operation in item.values():
                    operation["security"] = [{"key": []}]
    return document
