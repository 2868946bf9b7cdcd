"""A visitor of the chat page as a program: asks through the same events as the browser and reads the stream to its end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx

from kb.errors import AdvisorError

QUESTION_BOX = "question"
_TIMEOUT_S = 120.0
_IDLE_S = 3.0
"""A connection is used again for as long; the server closes it after five seconds, and a browser would then ask once more."""


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
    """One browser: cookies and a page of its own, and a conversation that its later questions belong to."""

    client: httpx.AsyncClient
    event: int
    """The page's event of a submitted question."""
    session: str = field(default_factory=lambda: secrets.token_hex(6))
    """What the framework tells pages that are open apart by."""
    token: str = ""

    @classmethod
    async def arrive(cls, url: str) -> Visitor:
        """Open the page, as a browser that was never here. Raises `LoadError` where there is no such page."""
        client = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, limits=httpx.Limits(keepalive_expiry=_IDLE_S))
        page = await client.get("/", headers={"accept": "text/html"})
        config = (await client.get("/config")).json() if page.status_code == 200 else {}
        box = next((c["id"] for c in config.get("components", ()) if c["props"].get("elem_id") == QUESTION_BOX), None)
        events = config.get("dependencies", ())
        event = next((e["id"] for e in events if e["backend_fn"] and [box, "submit"] in [list(target) for target in e["targets"]]), None)
        if event is None:
            await client.aclose()
            raise LoadError(f"{url}: no question box on the page (status {page.status_code})")
        return cls(client, event)

    async def ask(self, question: str) -> Asked:
        """Ask and wait for the whole answer."""
        began = time.perf_counter()
        try:
            body = {"data": [self.token, {}, "", question], "fn_index": self.event, "session_hash": self.session, "event_data": None}
            (await self.client.post("/gradio_api/queue/join", json=body)).raise_for_status()
            return await self._answer(began)
        except httpx.HTTPError as error:
            return Asked(0.0, time.perf_counter() - began, f"{type(error).__name__}: {error}")

    def start_over(self, *, new_page: bool = False) -> None:
        """The next question begins a new conversation, on the page that is open or on one opened anew."""
        self.token = ""
        if new_page:
            self.session = secrets.token_hex(6)

    async def leave(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _answer(self, began: float) -> Asked:
        first, asked = 0.0, None
        async with aclosing(self._messages()) as messages:
            async for message in messages:
                if message["msg"] == "process_generating":
                    first = first or time.perf_counter() - began
                    token = (message["output"].get("data") or [""])[0]
                    self.token = token if isinstance(token, str) and token else self.token
                elif message["msg"] == "process_completed":
                    whole = time.perf_counter() - began
                    asked = Asked(first or whole, whole, _error(message))
        return asked or Asked(0.0, time.perf_counter() - began, "the stream ended without an answer")

    async def _messages(self) -> AsyncGenerator[dict[str, Any], None]:
        """What the server says until it has said all: a browser, too, reads the stream to its end."""
        async with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])


def _error(completed: dict[str, Any]) -> str:
    said = str(completed["output"].get("error") or "")
    return said if said or completed.get("success") else "failed"
