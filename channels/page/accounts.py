"""Accounts from a file: `name:role:scrypt$N$r$p$salt$key` a line, passwords hashed, guesses slowed down.

The hash is scrypt (RFC 7914) with N=2^14, r=8, p=1: 16 MiB and some tens of milliseconds a guess.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from kb.errors import SettingsError, UsageError

Role = Literal["reader", "maintainer"]
ROLES: tuple[Role, ...] = get_args(Role)
MIN_PASSWORD_CHARS = 8
_N, _R, _P, _MEMORY = 2**14, 8, 1, 64 * 2**20
_NAME = re.compile(r"[\w.@+-]{1,64}")
_MAX_FAILURES, _WINDOW_S = 5, 300.0


@dataclass(frozen=True, slots=True)
class Account:
    """A user, what they may do, and the hash of their password."""

    name: str
    role: Role
    password_hash: str


def hash_password(password: str, salt: bytes | None = None) -> str:
    """`scrypt$N$r$p$salt$key`, salt and key in hexadecimal."""
    salt = salt if salt is not None else secrets.token_bytes(16)
    key = hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=_MEMORY)
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${key.hex()}"


def password_fits(password: str, password_hash: str) -> bool:
    """Whether it is the password, in the same time whatever differs."""
    _, n, r, p, salt, key = password_hash.split("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=int(n), r=int(r), p=int(p), maxmem=_MEMORY)
    return hmac.compare_digest(found, bytes.fromhex(key))


def read_accounts(path: Path) -> dict[str, Account]:
    """Name -> account. Raises `SettingsError` naming the line that cannot be used, or a file that others may read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        mode = path.stat().st_mode
    except OSError as error:
        how = f"add one with: advisor account NAME --auth-file {path}"
        raise SettingsError(f"{path}: cannot read the accounts ({error.strerror}); {how}") from None
    if os.name == "posix" and mode & 0o077:
        raise SettingsError(f"{path}: others may read it (mode {mode & 0o777:o}, expected 600); fix it with: chmod 600 {path}")
    accounts = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            account = _account(line.strip(), f"{path}:{number}")
            accounts[account.name] = account
    if not accounts:
        raise SettingsError(f"{path}: no account in it; add one with: advisor account NAME --auth-file {path}")
    return accounts


def _account(line: str, place: str) -> Account:
    name, _, rest = line.partition(":")
    role, _, password_hash = rest.partition(":")
    known = next((r for r in ROLES if r == role), None)
    if not _NAME.fullmatch(name) or known is None or not re.fullmatch(r"scrypt\$\d+\$\d+\$\d+\$[0-9a-f]+\$[0-9a-f]+", password_hash):
        raise SettingsError(f"{place}: expected NAME:{'|'.join(ROLES)}:scrypt$..., as written by: advisor account NAME --auth-file FILE")
    return Account(name, known, password_hash)


def write_account(path: Path, name: str, password: str, role: Role = "reader") -> None:
    """Add an account or replace it. The file is readable by its owner alone."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a name; expected 1 to 64 letters, digits or . _ - + @")
    if len(password) < MIN_PASSWORD_CHARS:
        raise UsageError(f"the password has {len(password)} characters; expected {MIN_PASSWORD_CHARS} or more")
    accounts = read_accounts(path) if path.exists() else {}
    accounts[name] = Account(name, role, hash_password(password))
    text = "".join(f"{a.name}:{a.role}:{a.password_hash}\n" for a in accounts.values())
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


@dataclass
class Gate:
    """Checks names and passwords; a name that failed five times in five minutes waits until that is over."""

    accounts: dict[str, Account]
    now: Callable[[], float] = time.monotonic
    _failures: dict[str, list[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, name: str, password: str) -> bool:
        with self._lock:
            recent = [t for t in self._failures.get(name, []) if self.now() - t < _WINDOW_S]
            if len(recent) >= _MAX_FAILURES:
                return False
        account = self.accounts.get(name)
        # An unknown name costs as much time as a known one.
        fits = password_fits(password, account.password_hash if account else _decoy()) and account is not None
        with self._lock:
            if fits:
                self._failures.pop(name, None)
            else:
                if len(self._failures) > 10_000:
                    self._failures.clear()
                self._failures[name] = [*recent, self.now()]
        return fits

    def role(self, name: str) -> Role:
        """What a signed-in user may do."""
        return self.accounts[name].role

    def is_maintainer(self, name: str | None) -> bool:
        """Whether a signed-in user may change what everybody sees; nobody who has not signed in may."""
        return name is not None and name in self.accounts and self.role(name) == "maintainer"


def _decoy() -> str:
    return f"scrypt${_N}${_R}${_P}${'00' * 16}${'00' * 64}"
