"""`advisor chat` before it serves: who may reach it, and what it says when it cannot start."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest

from channels.cli.chat import is_loopback, make_gate, page_url, refuse_taken_port
from channels.cli.main import run
from channels.page.accounts import read_accounts
from kb.errors import UsageError


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("host.lan", False)]
)
def test_loopback_is_told_from_the_rest(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_an_address_beyond_this_machine_is_refused_without_accounts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chat", "--host", "0.0.0.0"]) == 2
    assert "needs accounts" in capsys.readouterr().err


def test_loopback_needs_no_accounts() -> None:
    assert make_gate("127.0.0.1", None) is None


def test_a_taken_port_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="--port"):
            refuse_taken_port("127.0.0.1", taken.getsockname()[1])


def test_the_address_shown_is_one_a_browser_can_open() -> None:
    assert [page_url(host, 7860) for host in ("127.0.0.1", "0.0.0.0", "::1")] == [
        "http://127.0.0.1:7860",
        "http://127.0.0.1:7860",
        "http://[::1]:7860",
    ]


def test_account_command_writes_a_usable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "accounts"
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert run(["account", "li", "--auth-file", str(path), "--password-stdin"]) == 0
    assert read_accounts(path)["li"].role == "reader"


def test_account_command_refuses_an_unknown_role(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["account", "li", "--auth-file", str(tmp_path / "a"), "--role", "boss"]) == 2
    assert "reader, maintainer" in capsys.readouterr().err
