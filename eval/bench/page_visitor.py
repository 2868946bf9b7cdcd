"""A visitor of the chat page as a program: asks through the same events as the browser and reads the stream to its end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx

from kb.errors import AdvisorError

QUESTION_BOX = "question"
_TIMEOUT_S = 120.0


class LoadError(AdvisorError):
    """The server did not answer as the page does."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question's times in seconds: until the first repaint, and until the answer was complete. `error` is empty if it was."""

    first_s: float
    whole_s: float
    error: str = ""


@dataclass
class Visitor:
    """One browser: cookies of its own, and a conversation that its later questions belong to."""

    client: httpx.AsyncClient
    event: int
    """The page's event of a submitted question."""
    token: str = ""

    @classmethod
    async def arrive(cls, url: str) -> Visitor:
        """Open the page, as a browser that was never here. Raises `LoadError` where there is no such page."""
        client = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S)
        page = await client.get("/", headers={"accept": "text/html"})
        config = (await client.get("/config")).json() if page.status_code == 200 else {}
        box = next((c["id"] for c in config.get("components", ()) if c["props"].get("elem_id") == QUESTION_BOX), None)
        event = next((d["id"] for d in config.get("dependencies", ()) if [box, "submit"] in [list(t) for t in d["targets"]]), None)
        if event is None:
            await client.aclose()
            raise LoadError(f"{url}: no question box on the page (status {page.status_code})")
        return cls(client, event)

    async def ask(self, question: str) -> Asked:
        """Ask and wait for the whole answer."""
        began = time.perf_counter()
        first = 0.0
        body = {"data": [self.token, {}, question], "fn_index": self.event, "session_hash": secrets.token_hex(6), "event_data": None}
        try:
            joined = await self.client.post("/gradio_api/queue/join", json=body)
            joined.raise_for_status()
            async with aclosing(self._messages(str(body["session_hash"]))) as messages:
                async for message in messages:
                    if message["msg"] == "process_generating":
                        first = first or time.perf_counter() - began
                        token = (message["output"].get("data") or [""])[0]
                        self.token = token if isinstance(token, str) and token else self.token
                    if message["msg"] == "process_completed":
                        whole = time.perf_counter() - began
                        return Asked(first or whole, whole, _error(message))
        except httpx.HTTPError as error:
            return Asked(0.0, time.perf_counter() - began, f"{type(error).__name__}: {error}")
        return Asked(0.0, time.perf_counter() - began, "the stream ended without an answer")

    def start_over(self) -> None:
        """The next question begins a new conversation."""
        self.token = ""

    async def leave(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _messages(self, session: str) -> AsyncGenerator[dict[str, Any], None]:
        async with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])


def _error(completed: dict[str, Any]) -> str:
    said = str(completed["output"].get("error") or "")
    return said if said or completed.get("success") else "failed"
