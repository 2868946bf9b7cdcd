"""Why a model gave no answer, in words for the reader: what was tried, what came back, never a key."""

from __future__ import annotations

from agent.events import Language
from agent.llm.endpoint import Endpoint
from agent.llm.run import TooLongError
from agent.llm.tools import LoopError
from kb.errors import SettingsError

_WORDS = {
    "timeout": ("在 {seconds:g} 秒内没有答完", "did not finish within {seconds:g} s"),
    "busy": ("的服务请求过多（HTTP 429）", "is over its limit (HTTP 429)"),
    "busy_until": ("的服务请求过多（HTTP 429），要求 {wait} 秒后再试", "is over its limit (HTTP 429) and asks to come back in {wait} s"),
    "key": ("的服务不接受密钥（HTTP {status}），请检查 ADVISOR_LLM_API_KEY", "refuses the key (HTTP {status}); check ADVISOR_LLM_API_KEY"),
    "missing": (
        "：没有这个地址或模型（HTTP 404），`advisor doctor` 有详情",
        "has no such address or model (HTTP 404); `advisor doctor` tells more",
    ),
    "status": ("的服务返回 HTTP {status}", "answered HTTP {status}"),
    "connection": ("连不上", "cannot be reached"),
    "broken": ("的回答中途断了", "broke off in the middle of its answer"),
    "protocol": ("返回的不是约定的格式", "sent something that is not the protocol"),
    "loop": ("反复调用工具，没有给出回答", "kept calling tools and gave no answer"),
    "endless": ("输出没完没了", "did not stop talking"),
    "other": ("出错（{name}）", "failed ({name})"),
}


def reason(error: BaseException, endpoint: Endpoint, timeout_s: float, language: Language) -> str:
    """One sentence on a failed run."""
    if isinstance(error, SettingsError):
        return str(error)
    kind = _kind(error)
    wait = _wait(error)
    zh, en = _WORDS["busy_until" if kind == "busy" and wait else kind]
    said = (zh if language == "zh" else en).format(
        seconds=timeout_s, wait=wait, status=getattr(error, "status_code", ""), name=type(error).__name__
    )
    where = f"{endpoint.model} @ {endpoint.shown}"
    return f"模型（{where}）{said}" if language == "zh" else f"the model ({where}) {said}"


def _kind(error: BaseException) -> str:
    import httpx
    import openai

    from agent.llm.client import BrokenStreamError

    # The first that fits: some of these are kinds of others further down.
    kinds: tuple[tuple[str, tuple[type[BaseException], ...]], ...] = (
        ("timeout", (openai.APITimeoutError, TimeoutError, httpx.TimeoutException)),
        ("busy", (openai.RateLimitError,)),
        ("key", (openai.AuthenticationError, openai.PermissionDeniedError)),
        ("missing", (openai.NotFoundError,)),
        ("status", (openai.APIStatusError,)),
        ("connection", (openai.APIConnectionError, httpx.ConnectError)),
        ("broken", (BrokenStreamError, httpx.TransportError, openai.APIError)),
        ("loop", (LoopError,)),
        ("endless", (TooLongError,)),
        ("protocol", (ValueError, AttributeError, TypeError, KeyError)),
    )
    if "max iterations" in str(error).lower():
        return "loop"
    return next((name for name, classes in kinds if isinstance(error, classes)), "other")


def _wait(error: BaseException) -> str:
    response = getattr(error, "response", None)
    return str(response.headers.get("retry-after") or "") if response is not None else ""
