"""A real Chromium, and servers for it to look at."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from scripted import ScriptedAdvisor, ScriptedConversation, scripted_passage

from channels.page.backend import Backend

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
ROOT = Path(__file__).parent.parent.parent


def chromium() -> str | None:
    """The browser to drive: `ADVISOR_CHROMIUM`, or what the system calls it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("ADVISOR_CHROMIUM") or next((path for path in map(shutil.which, names) if path), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serious_problems(page: Any) -> list[str]:
    """What axe-core finds on the page as it is, serious and critical: rule, what is wrong, and where."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: " + "; ".join(node["html"][:160] for node in rule["nodes"][:4])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@contextmanager
def scripted_page(advisor: ScriptedAdvisor, home: Path, port: int, prepare: Callable[[Any], None] = lambda _page: None) -> Iterator[str]:
    """The real page over a scripted agent, in this process; `prepare` has the page before it is served."""
    from channels.state.database import close_databases
    from chat_app import build_page, house_of, launch_page

    backend = Backend(lambda: advisor, ScriptedConversation, scripted_passage, home)
    page = build_page(backend)
    prepare(page)
    try:
        yield launch_page(page, "127.0.0.1", port, house_of(backend))
    finally:
        page.close(verbose=False)
        close_databases()


@contextmanager
def server_process(home: Path, port: int, *options: str, environment: dict[str, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """`advisor chat` as a process; its address, and the lines it has written. Ends it with the signal that Ctrl+C sends."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_")} | {"ADVISOR_HOME": str(home)} | (environment or {})
    command = [sys.executable, "-m", "channels.cli.main", "chat", "--port", str(port), *options]
    process = subprocess.Popen(command, env=variables, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 600
        while not any("is ready" in line for line in lines):
            assert process.poll() is None, "".join(lines)
            assert time.monotonic() < deadline, "".join(lines)
            time.sleep(0.1)
        try:
            with urllib.request.urlopen(url, timeout=30) as response:
                assert response.status == 200
        except urllib.error.HTTPError as error:
            # With accounts the page asks who is there.
            assert error.code == 401, error
        yield url, lines
    finally:
        process.terminate()
        process.wait(timeout=30)
        reader.join(timeout=5)
        process.stdout.close()
