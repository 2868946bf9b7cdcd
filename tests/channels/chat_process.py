"""A real server with the generic webhook, for tests that kill it: `chat_process.py PORT_FILE blocked|answering`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import uvicorn
from chat_world import FakeAdvisor, done
from starlette.applications import Starlette

from channels.core.hub import build_hub
from channels.state.database import open_database
from kb.settings import get_settings


def main(port_file: str, mode: str) -> None:
    advisor = FakeAdvisor(done("答案 [1]"))
    if mode == "blocked":
        advisor.gate = threading.Event()
        advisor.gate.wait = lambda timeout=None: threading.Event().wait(3600)  # type: ignore[method-assign]
    settings = get_settings()
    hub = build_hub(settings, lambda: advisor, open_database(settings))  # type: ignore[arg-type, return-value]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=hub.routes()), host="127.0.0.1", port=0, log_level="warning"))
    config = server.config
    config.load()
    socket = config.bind_socket()
    hub.start()
    Path(port_file).write_text(str(socket.getsockname()[1]), encoding="utf-8")
    server.run(sockets=[socket])


if __name__ == "__main__":
    main(*sys.argv[1:3])
