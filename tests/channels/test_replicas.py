"""Two replicas of `advisor serve` on one PostgreSQL, behind nginx with the configuration that users copy; one of them is killed at work.

The questions go to the signed webhook: the interface for programs that stores its conversations and knows a delivery by its id (`/v1`
stores nothing). The replicas share one data folder, which they only read here: a shared index on Milvus has tests of its own, and
embedding the documents into one would take longer than all of this.
"""

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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from chat_world import Platform
from loopback import free_port
from nginx_server import MISSING, Nginx, program, running_nginx
from postgres_server import PostgresServer
from pydantic import SecretStr

from channels.adapters.webhook import sign
from channels.state.conversations import Conversations
from channels.state.database import close_databases, open_database
from kb.settings import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ROOT = Path(__file__).parent.parent.parent
SECRET = "hook-secret-0123456789"
EVENTS = "/channels/webhook/events"
PATIENCE_S = 90.0
AHEAD = 3
"""Questions that a user has under way at once, so that one waits behind the one whose process dies."""
MODELS = ("GPT-5.1", "Kimi K2", "DeepSeek R3", "Gemini 2.5", "GLM-4", "Doubao-1.5", "Llama 4", "Qwen3", "GPT-4o", "Claude 4.5")
ASKED = {
    "li": [text.format(name) for text in ("{} 每百万 token 多少钱？", "{} 的上下文窗口是多少？") for name in MODELS],
    "han": [text.format(name) for text in ("What does {} cost?", "How long is the context of {}?") for name in reversed(MODELS)],
}

HALF_WAY = 20 - 2 * AHEAD
"""Answers after which a replica may be killed; as many again are under way."""


def until(holds: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@dataclass(frozen=True)
class Replica:
    """A server process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=PATIENCE_S).status_code == 200
        except httpx.ConnectError:
            return False


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform() as found:
        yield found


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    yield postgres.database()
    close_databases()


@pytest.fixture
def replicas(database: str, indexed_home: Path, platform: Platform, tmp_path: Path) -> Iterator[list[Replica]]:
    """Both, started at once on an empty database."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")} | {
        "ADVISOR_HOME": str(indexed_home),
        "ADVISOR_DATABASE_URL": database,
        "ADVISOR_SESSION_SECRET": "the same on all replicas",
        "ADVISOR_WEBHOOK_SECRET": SECRET,
        "ADVISOR_WEBHOOK_REPLY_URL": f"{platform.url}/replies",
        "ADVISOR_CHANNEL_LEASE_S": "3",
        "ADVISOR_CHANNEL_USER_PER_MINUTE": "1000",
    }
    with ExitStack() as stack:
        started = [stack.enter_context(running_replica(variables, tmp_path / f"replica-{number}.log")) for number in range(2)]
        for replica in started:
            until(replica.is_ready, "a replica is not ready")
        yield started


@contextmanager
def running_replica(variables: dict[str, str], log: Path) -> Iterator[Replica]:
    port = free_port()
    command = [sys.executable, "-m", "channels.cli.main", "serve", "--port", str(port), "--no-page", "--no-mcp"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=variables, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield Replica(process, port, log)
    finally:
        process.kill()  # a halted process would not hear a gentler signal
        process.wait(timeout=PATIENCE_S)


@pytest.fixture
def nginx(request: pytest.FixtureRequest) -> Iterator[Nginx]:
    if program() is None:
        pytest.skip(MISSING)
    replicas: list[Replica] = request.getfixturevalue("replicas")
    with running_nginx([f"127.0.0.1:{replica.port}" for replica in replicas]) as running:
        yield running


@dataclass
class User:
    """Somebody whose program asks through nginx, and asks again with the same id when it cannot tell whether it was heard."""

    name: str
    nginx: Nginx
    platform: Platform
    sent: int = 0

    def ask_all(self) -> None:
        for number in range(len(ASKED[self.name])):
            self._wait(number - AHEAD)
            self.deliver(number)
            self.sent = number + 1
        self._wait(self.sent - 1)

    def unheard(self) -> list[int]:
        """What was taken and has no answer yet."""
        found = {reply["id"] for reply in answers(self.platform)}
        return [number for number in range(self.sent) if f"{self.name}-{number}" not in found]

    def deliver(self, number: int) -> None:
        """Until it is taken."""
        message = {"id": f"{self.name}-{number}", "chat": f"chat of {self.name}", "sender": self.name, "text": ASKED[self.name][number]}
        body = json.dumps(message).encode()

        def taken() -> bool:
            stamp = str(int(time.time()))
            headers = {"x-advisor-request-timestamp": stamp, "x-advisor-signature": sign(SECRET, stamp, body)}
            try:
                return httpx.post(self.nginx.url + EVENTS, content=body, headers=headers, timeout=PATIENCE_S).status_code == 200
            except httpx.TransportError:
                return False

        until(taken, f"{self.name}'s question {number} is not taken")

    def _wait(self, number: int) -> None:
        until(lambda: number < 0 or number not in self.unheard(), f"{self.name}'s question {number} is not answered")


def answers(platform: Platform) -> list[dict[str, Any]]:
    """The finished answers that have arrived, in order; a part that is sent again has the same key and counts once."""
    found = [call.body for call in platform.to("/replies")]
    return list({reply["key"]: reply for reply in found if reply["kind"] == "text"}.values())


def halt_one_at_work(replicas: list[Replica], address: str) -> tuple[Replica, str]:
    """SIGSTOP to one that is answering; which it is, and the id of a question that it will not finish any more.

    A row that is `working` and that no transaction holds cannot be finished by a halted process. It must not be just sending an answer
    either: such a part is sent again after a minute, which the test does not wait for.
    """
    by_pid = {replica.process.pid: replica for replica in replicas}
    caught: list[tuple[Replica, str]] = []

    def halted() -> bool:
        row = connection.execute("SELECT lease_owner FROM inbox WHERE state = 'working' LIMIT 1").fetchone()
        if row is None:
            return False
        replica = by_pid[pid_of(row[0])]
        replica.process.send_signal(signal.SIGSTOP)
        held = "SELECT delivery_id FROM inbox WHERE state = 'working' AND lease_owner = %s LIMIT 1 FOR UPDATE SKIP LOCKED"
        orphan = connection.execute(held, [row[0]]).fetchone()
        sending = connection.execute("SELECT id FROM outbox WHERE state = 'sending' AND lease_owner = %s", [row[0]]).fetchone()
        if orphan is None or sending is not None:
            replica.process.send_signal(signal.SIGCONT)
            return False
        caught.append((replica, str(orphan[0])))
        return True

    with psycopg.connect(address, autocommit=True) as connection:
        until(halted, "no replica was seen at work")
    return caught[0]


def pid_of(lease_owner: str) -> int:
    """The process in an owner, `HOST:PID:RANDOM`."""
    return int(lease_owner.split(":")[1])


def has_unread(port: int) -> bool:
    """Whether a request lies at a listening port that its process has not read: what Linux says about its connections."""
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, queues = line.split()[:5]
        if local.endswith(f":{port:04X}") and state == "01" and int(queues.partition(":")[2], 16) > 0:
            return True
    return False


def test_forty_questions_of_two_users_are_each_answered_once_and_in_order_although_a_replica_is_killed(
    nginx: Nginx, replicas: list[Replica], platform: Platform, database: str, tmp_path: Path
) -> None:
    users = {name: User(name, nginx, platform) for name in ASKED}
    with ThreadPoolExecutor(len(users) + 1) as pool:
        asking = [pool.submit(user.ask_all) for user in users.values()]
        until(lambda: len(answers(platform)) >= HALF_WAY or any(each.done() for each in asking), "half of the questions are not answered")
        victim, orphan = halt_one_at_work(replicas, database)
        assert any(not each.done() for each in asking)
        name, _, number = orphan.partition("-")
        while not has_unread(victim.port):  # so that a request breaks too, not only an answer
            again = pool.submit(users[name].deliver, int(number))
            until(lambda again=again: again.done() or has_unread(victim.port), "no request reaches the halted replica")  # type: ignore[misc]
        victim.process.kill()
        victim.process.wait(timeout=PATIENCE_S)
        for user in users.values():
            for unheard in {*user.unheard(), *([int(number)] if user.name == name else [])}:
                user.deliver(unheard)
        for each in asking:
            each.result()

    # Each question was answered once: to the user ...
    expected = [f"{user}-{number}" for user, questions in ASKED.items() for number in range(len(questions))]
    said = answers(platform)
    assert Counter(reply["id"] for reply in said) == dict.fromkeys(expected, 1)
    assert all(reply["chat"] == f"chat of {reply['id'].partition('-')[0]}" for reply in said)
    # ... and in the history: a conversation for each user, in the order of asking, with the very turns that were sent.
    turn_ids = {reply["id"]: reply["turn"] for reply in said}
    stored = Conversations(open_database(Settings(home=tmp_path / "other", database_url=SecretStr(database))))
    for user_name, questions in ASKED.items():
        owner = f"webhook//chat of {user_name}/dm"
        (conversation,) = stored.listed(owner)
        turns = stored.turns(conversation.id, owner)
        assert [turn.question for turn in turns] == questions
        assert [turn.id for turn in turns] == [turn_ids[f"{user_name}-{number}"] for number in range(len(questions))]
        assert [turn.question for turn in turns if turn.done is None or not is_about(turn.answer, turn.question)] == []

    # And it was put to the test: the question in hand was taken over, and nginx passed requests on so that no client noticed.
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT delivery_id, state, attempts, lease_owner FROM inbox").fetchall()
        assert connection.execute("SELECT count(*) FROM turns").fetchone() == (len(expected),)
    assert sorted(row[0] for row in rows) == sorted(expected) and {row[1] for row in rows} == {"done"}
    (survivor,) = (replica for replica in replicas if replica is not victim)
    assert [(row[2], pid_of(row[3])) for row in rows if row[0] == orphan] == [(2, survivor.process.pid)]
    dead, living = f"127.0.0.1:{victim.port}", f"127.0.0.1:{survivor.port}"
    passed = nginx.passed(EVENTS)
    assert {(200, dead), (200, living), (200, f"{dead}, {living}")} == set(passed)
    assert len(passed) > len(expected)


def is_about(answer: str, question: str) -> bool:
    return any(model in question and model.casefold() in answer.casefold() for model in MODELS)
