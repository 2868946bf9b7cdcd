"""Failures as OpenAI's API words them: `{"error": {"message", "type", "param", "code"}}`. No exception's own text is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.responses import JSONResponse

    from agent.events import AnswerFailed


class ApiError(Exception):
    """What a program is told; the message may be shown to anyone."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The answer."""
        from starlette.responses import JSONResponse

        return JSONResponse(self.body, self.status, self.headers)


def bad_request(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """400."""
    return ApiError(400, message, param=param, code=code)


def answer_failed(failed: AnswerFailed) -> ApiError:
    """500 for a turn that failed by our own fault; the reference finds the log line."""
    text = f"{failed.public_text} (reference {failed.reference})" if failed.reference else failed.public_text
    return ApiError(500, text, code="answer_failed")


def overloaded(message: str, seconds: int = 2) -> ApiError:
    """503 that says when to come back."""
    return ApiError(503, message, code="overloaded", headers={"Retry-After": str(seconds)})


def from_validation(errors: Sequence[Mapping[str, Any]]) -> ApiError:
    """400 out of pydantic's findings: the one that lies deepest, as alternatives of a union all report something."""
    error = max(errors, key=lambda e: len(e["loc"]))
    if error["type"] == "json_invalid":
        return bad_request(f"the body is not valid JSON: {error['msg'].removeprefix('Invalid JSON: ')}", code="invalid_json")
    place = _place(error["loc"])
    given = error.get("input")
    if error["type"] == "literal_error" and place.endswith(".type") and isinstance(given, str):
        return bad_request(f"content of type {given[:40]!r} is not supported; expected parts of type 'text'", place, "unsupported_content")
    if error["type"] == "union_tag_invalid":
        return bad_request(f"{place}: this role is not supported; expected system, developer, user or assistant", place)
    if error["type"] == "extra_forbidden":
        return bad_request(f"unknown parameter: {place!r}", place, "unknown_parameter")
    if error["type"] == "too_long" and place in ("tools", "functions") or place.endswith(".tool_calls"):
        return bad_request(f"{place}: tools are not supported; the advisor calls its own and reports them in `advisor`", place)
    return bad_request(f"{place}: {error['msg']}" if place else str(error["msg"]), place or None)


def _place(loc: Sequence[Any]) -> str:
    """`messages.0.content` of pydantic's path, without the names of the alternatives that it tried."""
    parts = [*loc[:2], *loc[3:]] if loc[:1] == ("messages",) else list(loc)
    named = [str(part) for part in parts if isinstance(part, int) or part != "str" and str(part).isidentifier() and str(part).islower()]
    return ".".join(named)[:120]
