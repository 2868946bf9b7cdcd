"""Who is asking: a signed-in user, a program with a key, or a browser that only its own secret tells from others."""

from __future__ import annotations

import re
import secrets
from typing import Any

from channels.state.conversations import account_owner, browser_owner

COOKIE = "advisor-visitor"
USER_KEY = "advisor.user"
"""Where `front.Front` leaves the name in an ASGI scope: an account's, `key:NAME` for a program, or empty."""
KEY_PREFIX = "key:"
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,64}")


def new_secret() -> str:
    """A browser's secret; it travels in a cookie that scripts cannot read."""
    return secrets.token_urlsafe(32)


def owner_for(user: str | None, secret: str | None) -> str:
    """The owner of what somebody says, see `channels.state.conversations`. Empty: nobody, whose conversations are not stored."""
    if user:
        return user if user.startswith(KEY_PREFIX) else account_owner(user)
    return browser_owner(secret) if secret and _SECRET.fullmatch(secret) else ""


def user_of(request: Any) -> str | None:
    """The signed-in user or `key:NAME` of a request of the page; None where nobody signs in."""
    return str(getattr(request, "username", None) or "") or None


def owner_of(request: Any) -> str:
    """The owner of a request of the page."""
    cookies = getattr(request, "cookies", None) or {}
    return owner_for(user_of(request), cookies.get(COOKIE))
