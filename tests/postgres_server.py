"""Debian's PostgreSQL as a server of the tests' own: on loopback, in a temporary folder, gone when they end."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopback import free_port

MISSING = "PostgreSQL's server is not installed (apt-get install postgresql); continuous integration has it"


def programs() -> Path | None:
    """Where `initdb` and `postgres` are; the newest where there are several."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


class PostgresServer:
    """A running server. Each `database()` is a new, empty one."""

    def __init__(self, port: int) -> None:
        self.port = port

    def database(self) -> str:
        """The address of a fresh database, as `ADVISOR_DATABASE_URL` takes it."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}")
        return f"postgresql://advisor:s3cret@127.0.0.1:{self.port}/{name}"

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """One statement as the administrator, outside any transaction."""
        import psycopg

        address = f"postgresql://advisor:s3cret@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(sql)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server without fsync (a test's data need not outlive the machine), run by another account where this one is root."""
    binaries = programs()
    assert binaries is not None, MISSING
    folder = Path(tempfile.mkdtemp(prefix="advisor-postgres-"))
    try:
        account = unprivileged()
        if account:
            shutil.chown(folder, account)
        who: dict[str, Any] = {"user": account, "cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}}
        secret = folder / "secret"
        secret.write_text("s3cret", encoding="ascii")
        data = folder / "data"
        arguments = ["-D", str(data), "-U", "advisor", "--pwfile", str(secret), "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
        subprocess.run([binaries / "initdb", *arguments], check=True, capture_output=True, **who)
        port = free_port()
        options = ["listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}", "fsync=off", "max_connections=200"]
        command = [binaries / "postgres", "-D", str(data), *(part for option in options for part in ("-c", option))]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, **who)
        try:
            server = PostgresServer(port)
            _wait(server, process, folder / "log")
            yield server
        finally:
            process.send_signal(2)  # a fast shutdown, which does not wait for clients
            process.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def unprivileged() -> str | None:
    """An account to run servers by where this one is root (PostgreSQL refuses to run as root); None where it is not."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _wait(server: PostgresServer, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    for _ in range(600):
        try:
            server.run("SELECT 1")
            return
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
            time.sleep(0.1)
    raise AssertionError("PostgreSQL did not start within a minute")
