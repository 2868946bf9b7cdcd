"""Processes that are killed, deliveries that are repeated, two processes on one database: every question is answered exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from chat_world import Platform

from channels.adapters.webhook import sign

ROOT = Path(__file__).parent.parent.parent
SECRET = "hook-secret-0123456789"
QUESTIONS, TIMES = 200, 5


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform() as found:
        yield found


@pytest.fixture
def start(tmp_path: Path, platform: Platform) -> Iterator[Callable[[str], tuple[subprocess.Popen[bytes], str]]]:
    """Starts a server on the test's database: (process, its address)."""
    processes: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {
        "ADVISOR_HOME": str(tmp_path / "home"),
        "ADVISOR_WEBHOOK_SECRET": SECRET,
        "ADVISOR_WEBHOOK_REPLY_URL": f"{platform.url}/replies",
        "ADVISOR_CHANNEL_LEASE_S": "3",
        "ADVISOR_CHANNEL_USER_PER_MINUTE": "100000",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'channels'}",
    }

    def run(mode: str) -> tuple[subprocess.Popen[bytes], str]:
        port_file = tmp_path / f"port-{len(processes)}"
        command = [sys.executable, str(ROOT / "tests" / "channels" / "chat_process.py"), str(port_file), mode]
        process = subprocess.Popen(command, env=environment, cwd=ROOT)
        processes.append(process)
        while not (port_file.exists() and port_file.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        return process, f"http://127.0.0.1:{port_file.read_text()}"

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def deliver(client: httpx.Client, address: str, number: int) -> int:
    body = json.dumps({"id": f"m{number}", "chat": f"C{number % 50}", "sender": f"U{number % 50}", "text": f"问题 {number}", "at": time.time()}).encode()
    stamp = str(int(time.time()))
    headers = {"x-advisor-request-timestamp": stamp, "x-advisor-signature": sign(SECRET, stamp, body)}
    for _ in range(4):  # platforms bring again what was not taken
        status = client.post(f"{address}/channels/webhook/events", content=body, headers=headers).status_code
        if status != 503:
            break
    return status


@pytest.mark.slow
def test_two_hundred_questions_five_times_each_are_answered_once_after_kill_9(
    start: Callable[[str], tuple[subprocess.Popen[bytes], str]], platform: Platform
) -> None:
    blocked, address = start("blocked")
    numbers = [number for number in range(QUESTIONS) for _ in range(TIMES)]
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(20) as pool:
        statuses = Counter(pool.map(lambda number: deliver(client, address, number), numbers))
    assert statuses == {200: QUESTIONS * TIMES}
    assert not [call for call in platform.to("/replies") if call.body["kind"] == "text"]
    blocked.send_signal(signal.SIGKILL)
    blocked.wait()

    _, first = start("answering")
    start("answering")
    with httpx.Client(timeout=60) as client:
        assert deliver(client, first, 0) == 200  # the platform has not heard of the answer and delivers once more

    def answered() -> Counter[str]:
        return Counter(call.body["id"] for call in platform.to("/replies") if call.body["kind"] == "text")

    while len(answered()) < QUESTIONS:
        time.sleep(0.2)
    time.sleep(4)  # longer than a lease: what would be answered twice would be by now
    assert answered() == {f"m{number}": 1 for number in range(QUESTIONS)}
    order: dict[str, list[int]] = {}
    for call in platform.to("/replies"):
        if call.body["kind"] == "text":
            order.setdefault(call.body["chat"], []).append(int(call.body["id"][1:]))
    assert len(order) == 50
