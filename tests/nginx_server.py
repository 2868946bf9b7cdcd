"""Debian's nginx in front of processes of the tests' own, with the configuration that docs/scale.md gives users to copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from loopback import free_port
from postgres_server import unprivileged

MISSING = "nginx is not installed (apt-get install nginx-light); continuous integration has it"
DOCUMENT = Path(__file__).parent.parent / "docs" / "scale.md"
_AROUND = """
daemon off;
master_process on;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    log_format tried '$request_uri $status $upstream_addr';
    access_log {folder}/access.log tried;
    include {folder}/advisor.conf;
}}
"""


def program() -> str | None:
    """Where nginx is; Debian keeps it out of a user's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def shipped(port: int, replicas: Sequence[str]) -> str:
    """The configuration of docs/scale.md, for these replicas and this port of loopback; every directive else is as users copy it."""
    found = re.search(r"^```nginx\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S)
    assert found is not None, f"{DOCUMENT} has no block of nginx"
    given = re.findall(r"server (\S+:7860)", found[1])
    names = dict(zip(dict.fromkeys(given), replicas, strict=True))
    text = re.sub(r"(?<=server )\S+:7860", lambda match: names[match[0]], found[1])
    text, listens = re.subn(r"listen 80;", f"listen 127.0.0.1:{port};", text)
    assert listens == 1
    return text


@dataclass(frozen=True)
class Nginx:
    """A running one."""

    url: str
    folder: Path

    def passed(self, path: str) -> list[tuple[int, str]]:
        """Status of each request to a path, and the replicas that were tried for it (`HOST:PORT, HOST:PORT`), in order."""
        lines = [line.split(" ", 2) for line in (self.folder / "access.log").read_text(encoding="utf-8").splitlines()]
        return [(int(status), replicas) for asked, status, replicas in lines if asked == path]


@contextmanager
def running_nginx(replicas: Sequence[str]) -> Iterator[Nginx]:
    """nginx before `replicas` (HOST:PORT), in a folder of its own, run by another account where this one is root."""
    binary = program()
    assert binary is not None, MISSING
    folder = Path(tempfile.mkdtemp(prefix="advisor-nginx-"))
    try:
        port = free_port()
        (folder / "advisor.conf").write_text(shipped(port, replicas), encoding="utf-8")
        (folder / "nginx.conf").write_text(_AROUND.format(folder=folder), encoding="utf-8")
        account = unprivileged()
        if account:
            shutil.chown(folder, account)
        who: dict[str, Any] = {"user": account, "cwd": folder, "env": {"PATH": os.environ["PATH"]}}
        command = [binary, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, **who)
        try:
            _wait(process, port, folder)
            yield Nginx(f"http://127.0.0.1:{port}", folder)
        finally:
            process.terminate()
            process.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "output").read_text(errors="replace") + (folder / "error.log").read_text(errors="replace")
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=90)
            return
        except httpx.ConnectError:
            time.sleep(0.05)
    raise AssertionError("nginx did not start")
