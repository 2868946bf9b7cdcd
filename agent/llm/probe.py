"""Asks a model's service what `advisor doctor` tells: is it there, does it have the model, does it answer, stream and call tools."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agent.llm.endpoint import Endpoint
from agent.llm.text_calls import calls_in_text

LIST_TIMEOUT_S = 10.0
_SHOWN_CHARS = 160
_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up_price",
        "description": "Price of a model.",
        "parameters": {"type": "object", "properties": {"model": {"type": "string"}}, "required": ["model"]},
    },
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One request: what was sent, without the key, and what came back."""

    what: str
    ok: bool
    found: str
    status: int = 0
    models: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        return f"{self.what}: {self.found}"


def probe(endpoint: Endpoint, timeout_s: float) -> Iterator[Tried]:
    """Each request as it is answered: models, an answer, a stream, a call. Ends early where nothing listens or the key is wrong."""
    import httpx

    headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    with httpx.Client(headers=headers, timeout=timeout_s) as client:
        listed = _tried(f"GET {endpoint.shown}/models", endpoint, lambda: _list(client, endpoint))
        yield listed
        if not listed.ok and listed.status in (0, 401, 403):
            return
        said = f"POST {endpoint.chat_url} model={endpoint.model}"
        answered = _tried(said, endpoint, lambda: _answer(client, endpoint))
        yield answered
        if not answered.ok:
            return
        yield _tried(f"{said} stream=true", endpoint, lambda: _stream(client, endpoint))
        yield _tried(f"{said} tools=[look_up_price]", endpoint, lambda: _tool(client, endpoint))


def _tried(what: str, endpoint: Endpoint, send: Callable[[], Tried]) -> Tried:
    import httpx

    try:
        result = send()
    except httpx.TimeoutException:
        return Tried(what, False, "no answer in time")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Tried(what, False, f"cannot be reached ({type(error).__name__})")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return Tried(what, False, f"not the protocol ({type(error).__name__})", 200)
    found = result.found.replace(endpoint.api_key, "********") if endpoint.api_key else result.found
    return Tried(what, result.ok, found, result.status, result.models)


def _list(client: Any, endpoint: Endpoint) -> Tried:
    response = client.get(f"{endpoint.base_url}/models", timeout=LIST_TIMEOUT_S)
    if response.status_code != 200:
        return Tried("", False, _http(response), response.status_code)
    names = tuple(str(entry["id"]) for entry in response.json()["data"])
    return Tried("", True, f"HTTP 200, {len(names)} models: {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}", 200, names)


def _body(endpoint: Endpoint, **more: Any) -> dict[str, Any]:
    return {"model": endpoint.model, "messages": [{"role": "user", "content": "1+1=?"}], "max_tokens": 16, "temperature": 0} | more


def _answer(client: Any, endpoint: Endpoint) -> Tried:
    started = time.perf_counter()
    response = client.post(f"{endpoint.base_url}/chat/completions", json=_body(endpoint))
    if response.status_code != 200:
        return Tried("", False, _http(response), response.status_code)
    data = response.json()
    text = str(data["choices"][0]["message"].get("content") or "")
    usage = data.get("usage") or {}
    counted = f", {usage['prompt_tokens']}+{usage['completion_tokens']} tokens" if "prompt_tokens" in usage else ", no usage reported"
    return Tried("", True, f"HTTP 200 in {time.perf_counter() - started:.1f} s, said {text[:40]!r}{counted}", 200)


def _stream(client: Any, endpoint: Endpoint) -> Tried:
    started = time.perf_counter()
    first = None
    pieces, usage = 0, False
    body = _body(endpoint, stream=True, stream_options={"include_usage": True})
    with client.stream("POST", f"{endpoint.base_url}/chat/completions", json=body) as response:
        if response.status_code != 200:
            response.read()
            return Tried("", False, _http(response), response.status_code)
        for line in response.iter_lines():
            if line.startswith("data:") and "[DONE]" not in line:
                chunk = json.loads(line[5:])
                first = first or time.perf_counter()
                pieces += 1
                usage = usage or bool(chunk.get("usage"))
    if first is None:
        return Tried("", False, "HTTP 200, but no pieces came", 200)
    return Tried(
        "", True, f"{pieces} pieces, the first after {first - started:.1f} s{'' if usage else ', no usage reported: estimated'}", 200
    )


def _tool(client: Any, endpoint: Endpoint) -> Tried:
    question = "Call the tool for the price of gpt-4o."
    body = _body(endpoint, max_tokens=64, tools=[_TOOL]) | {"messages": [{"role": "user", "content": question}]}
    response = client.post(f"{endpoint.base_url}/chat/completions", json=body)
    if response.status_code != 200:
        return Tried("", False, f"{_http(response)}; set ADVISOR_LLM_TOOLS=never", response.status_code)
    message = response.json()["choices"][0]["message"]
    if message.get("tool_calls"):
        return Tried("", True, "called in tool_calls", 200)
    if calls_in_text(str(message.get("content") or ""), {"look_up_price"}):
        return Tried("", True, "called in its text, which is read too", 200)
    return Tried("", True, "did not call it; answers rest on what was found without the model", 200)


def _http(response: Any) -> str:
    text = " ".join(response.text.split())
    return f"HTTP {response.status_code} {text[:_SHOWN_CHARS]}".strip()
