"""Signing in: a page of our own, a signed cookie that any replica can check, and keys for programs.

The cookie holds name and expiry, signed with the server's secret and the account's password hash: a new password or a removed
account ends every session, and nothing has to be remembered on the server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from channels.page.accounts import Gate
from channels.page.visitors import KEY_PREFIX
from channels.page.words import both_spans, word
from channels.state.keys import ApiKeys
from kb.settings import Settings

COOKIE = "advisor-session"
LIFETIME_S = 7 * 86_400
KEY_FILE = "session.key"


@dataclass(frozen=True)
class SignIn:
    """Tells who a request comes from. Without a gate nobody has to sign in; keys are recognised either way."""

    gate: Gate | None
    keys: ApiKeys
    secret: bytes = b""
    now: Callable[[], float] = time.time

    def user_of(self, cookies: Mapping[str, str], authorization: str) -> str | None:
        """An account's name, `key:NAME` for a program, empty where nobody has to sign in, None for who still has to."""
        name = self.keys.name_of_header(authorization) if authorization else None
        if name is not None:
            return f"{KEY_PREFIX}{name}"
        return "" if self.gate is None else self._read(cookies.get(COOKIE, ""))

    def cookie_for(self, name: str) -> str:
        """The value of a cookie that says who this is for `LIFETIME_S`."""
        expires = int(self.now()) + LIFETIME_S
        shown = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")
        return f"{shown}.{expires}.{self._sign(name, expires)}"

    def _read(self, cookie: str) -> str | None:
        match = re.fullmatch(r"([A-Za-z0-9_-]{1,400})\.(\d{1,12})\.([0-9a-f]{64})", cookie)
        if match is None or self.gate is None:
            return None
        try:
            name = base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode()
        except ValueError:
            return None
        expires = int(match[2])
        if name not in self.gate.accounts or not hmac.compare_digest(self._sign(name, expires), match[3]):
            return None
        return name if expires > self.now() else None

    def _sign(self, name: str, expires: int) -> str:
        assert self.gate is not None  # nobody signs in without one
        message = f"{name}\n{expires}\n{self.gate.accounts[name].password_hash}"
        return hmac.new(self.secret, message.encode(), hashlib.sha256).hexdigest()


def session_secret(settings: Settings) -> bytes:
    """The secret of `ADVISOR_SESSION_SECRET`, or one that is made once and kept in the data folder, readable by its owner alone."""
    given = settings.session_secret.get_secret_value()
    if given:
        return hashlib.sha256(given.encode()).digest()
    path = settings.home / KEY_FILE
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def login_page(script: str, *, failed: bool) -> str:
    """The page that asks for name and password, in both languages; `script` chooses the visitor's."""

    def both(key: str) -> str:
        return both_spans(lambda language: escape(word(key, language)))

    alert = f'<p role="alert">{both("login_failed")}</p>' if failed else ""
    title = f"{word('title', 'zh')} · {word('title', 'en')}"
    style = Path(__file__).with_name("login.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html><html lang="zh-CN"><head>{script}<meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{escape(title)}</title><style>{style}</style></head><body><main><h1>{both("title")}</h1>'
        f'<p>{both("tagline")}</p>{alert}<form method="post" action="login"><label>{both("login_name")}<input name="username" required '
        f'autofocus autocomplete="username" maxlength="64"></label><label>{both("login_password")}<input name="password" type="password" '
        f'required autocomplete="current-password" maxlength="1024"></label><button>{both("login_button")}</button></form></main></body>'
        "</html>"
    )
