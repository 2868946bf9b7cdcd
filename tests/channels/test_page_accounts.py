"""Accounts: hashed, private, slow to guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.page.accounts import Gate, read_accounts, write_account
from kb.errors import SettingsError, UsageError


def test_a_written_account_opens_the_gate_and_its_password_is_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    write_account(path, "li.lei", "correct horse")
    write_account(path, "han", "battery staple", "maintainer")
    gate = Gate(read_accounts(path))
    assert gate("li.lei", "correct horse") and gate("han", "battery staple") and not gate("li.lei", "battery staple") and not gate("x", "")
    assert gate.role("han") == "maintainer" and "correct" not in path.read_text(encoding="utf-8") and path.stat().st_mode & 0o777 == 0o600


def test_five_wrong_passwords_close_the_gate_until_the_window_is_over(tmp_path: Path) -> None:
    path, clock = tmp_path / "accounts", [0.0]
    write_account(path, "li", "correct horse")
    gate = Gate(read_accounts(path), now=lambda: clock[0])
    assert not any(gate("li", "wrong") for _ in range(5))
    assert not gate("li", "correct horse")
    clock[0] = 301.0
    assert gate("li", "correct horse")


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "no account"), ("li:reader:plain\n", "accounts:1: expected NAME"), ("li:boss:scrypt$1$1$1$00$00\n", "accounts:1")],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "accounts"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=message):
        read_accounts(path)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    write_account(path, "li", "correct horse")
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_accounts(path)


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="advisor account NAME"):
        read_accounts(tmp_path / "none")


@pytest.mark.parametrize(("name", "password"), [("a:b", "correct horse"), ("li", "short"), ("", "correct horse")])
def test_unusable_names_and_short_passwords_are_refused(tmp_path: Path, name: str, password: str) -> None:
    with pytest.raises(UsageError):
        write_account(tmp_path / "accounts", name, password)
