"""The same tools for a client that starts this process: messages on stdin and stdout, everything else on stderr."""

from __future__ import annotations

import asyncio

from channels.api.asking import Asker
from channels.api.guard import Policy
from channels.api.hosts import Hosts
from channels.mcp.server import build_server
from channels.serve.logs import set_up_logging
from channels.serve.opening import Opening
from channels.serve.run import secrets_of
from channels.serve.settings import get_serve_settings
from channels.state.keys import ApiKeys
from kb.settings import Settings


def run_stdio(settings: Settings) -> None:
    """Serve until stdin ends."""
    wishes = get_serve_settings()
    set_up_logging(secrets_of(settings), access=False)
    opening = Opening(settings)
    opening.start()
    asker = Asker(opening, workers=wishes.answer_workers, waiting=wishes.answer_waiting, timeout_s=wishes.answer_timeout_s)
    try:
        asyncio.run(build_server(opening, asker, Policy(ApiKeys({}), Hosts())).run_stdio_async())
    finally:
        asker.close()
