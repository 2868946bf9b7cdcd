"""How long a user waits: each command as a new process, from start to its first useful output."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from eval.bench.corpus import settings_for
from eval.bench.shipped import shipped_home
from eval.bench.tables import Table

NAME = "startup"
_ROUNDS = 3
_PAGE_PATIENCE_S = 120.0
_IMPORTS = ("kb.index", "agent.session", "chromadb", "onnxruntime", "sentence_transformers", "llama_index.core", "gradio")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--no-page", action="store_true", help="do not start the page (startup)")


def run(options: argparse.Namespace) -> list[Table]:
    """Commands, the page, and what the imports among them cost by themselves."""
    home = shipped_home(options.work)
    table = Table("Start-up", ["what", "best s", "worst s"])
    commands = {
        "advisor --help": ["--help"],
        "advisor search, one question": ["search", "上下文窗口", "-k", "3"],
        "advisor ask, one question": ["ask", "DeepSeek R3 的上下文窗口有多长？"],
        "advisor ingest, nothing new": ["ingest"],
    }
    for title, arguments in commands.items():
        table.rows.append([title, *_spread([_command_seconds(arguments, home) for _ in range(_ROUNDS)])])
    if not options.no_page:
        table.rows.append(["advisor chat, until the page answers", *_spread([_page_seconds(home)])])
    for name in _IMPORTS:
        table.rows.append([f"python -c 'import {name}'", *_spread([_import_seconds(name) for _ in range(_ROUNDS)])])
    table.notes.append("files are in the page cache after the first round; the first start after an installation is slower")
    return [table]


def _spread(seconds: list[float]) -> tuple[str, str]:
    return f"{min(seconds):.2f}", f"{max(seconds):.2f}"


def environment(home: Path) -> dict[str, str]:
    """This process's environment with another data folder."""
    settings = settings_for(home)
    index = {"ADVISOR_HOME": str(settings.home), "ADVISOR_STORE_NAME": settings.store_name}
    return os.environ | index | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _command_seconds(arguments: list[str], home: Path) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "channels.cli.main", *arguments], env=environment(home), capture_output=True, check=True)
    return time.perf_counter() - began


def _import_seconds(name: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {name}"], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, check=True)
    return time.perf_counter() - began


def _page_seconds(home: Path) -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    command = [sys.executable, "-m", "channels.cli.main", "chat", "--port", str(port)]
    process = subprocess.Popen(command, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - began < _PAGE_PATIENCE_S and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                    return time.perf_counter() - began
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the page did not answer on port {port} within {_PAGE_PATIENCE_S:.0f} s")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
