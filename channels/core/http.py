"""Requests to a platform's API: JSON in, JSON out, failures sorted into "later" and "never" without an address or a token in them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from channels.core.adapter import RetryLater, Undeliverable

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 15.0
_LOGGERS = (
    "httpx",
    "httpcore",
    "httpcore.http11",
    "httpcore.connection",
    "websockets.client",
    "slack_sdk.web.base_client",
    "slack_sdk.web.client",
    "slack_sdk.socket_mode.builtin.client",
    "slack_sdk.socket_mode.builtin.connection",
    "discord.http",
    "discord.gateway",
    "discord.client",
    "urllib3.connectionpool",
)


_LEARNT: set[str] = set()
_MAX_LEARNT = 100


def remember_secret(text: str) -> None:
    """Redact a token that a platform has given us."""
    if len(_LEARNT) >= _MAX_LEARNT:
        _LEARNT.clear()
    _LEARNT.add(text)


class Redact(logging.Filter):
    """Takes secrets out of log records: libraries log addresses and frames, and some platforms put the token there."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self.secrets = tuple(sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True))

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        known = [secret for secret in (*self.secrets, *tuple(_LEARNT)) if secret in text]
        if known:
            for secret in known:
                text = text.replace(secret, "********")
            record.msg, record.args = text, ()
        return True


def protect(secrets: Iterable[str]) -> Redact:
    """Redact the secrets in the logs of the libraries that speak to platforms."""
    redact = Redact(secrets)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(redact)
    return redact


def unprotect(redact: Redact) -> None:
    """Take the filter away again."""
    for name in _LOGGERS:
        logging.getLogger(name).removeFilter(redact)


class Api:
    """A platform's HTTP API. Safe to share between threads."""

    def __init__(self, base_url: str, name: str) -> None:
        self.base_url = base_url
        self.name = name
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def call(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None, files: Any = None, data: Any = None
    ) -> dict[str, Any]:
        """The JSON object of a successful answer; `path` may be a whole address.

        Raises:
            RetryLater: no answer, 429 (after what `Retry-After` says) or 5xx.
            Undeliverable: any other status.
        """
        return self._request(method, path, json=body, headers=headers, files=files, data=data)

    def send(self, method: str, path: str, raw: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        """The same with a body that is bytes already."""
        return self._request(method, path, content=raw, headers=headers)

    def _request(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(timeout=TIMEOUT_S)
            client = self._client
        address = path if path.startswith(("http://", "https://")) else self.base_url + path
        try:
            response = client.request(method, address, **what)
        except httpx.HTTPError as error:
            raise RetryLater(f"{self.name} cannot be reached ({type(error).__name__})") from None
        if response.status_code == 429 or response.status_code >= 500:
            raise RetryLater(f"{self.name} answered {response.status_code}", _asked_s(response))
        if response.status_code >= 300:
            detail = str(_object(response).get("description", ""))
            raise Undeliverable(f"{self.name} answered {response.status_code} {_code(response)}".rstrip(), detail)
        return _object(response)

    def close(self) -> None:
        """Give back the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None


def retry_after_s(value: str | None) -> float | None:
    """Seconds of a `Retry-After` header, which is a number or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _asked_s(response: httpx.Response) -> float | None:
    """How long the platform asks to wait: in a header, or as Telegram and Discord do in the body."""
    given = retry_after_s(response.headers.get("retry-after"))
    if given is not None:
        return given
    body = _object(response)
    found = (body.get("parameters") or body).get("retry_after")
    return float(found) if isinstance(found, (int, float)) else None


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {"value": value}


def _code(response: httpx.Response) -> str:
    """The platform's own error code: a short word or number, never free text."""
    value = _object(response)
    found = str(next((value[key] for key in ("code", "errcode", "error", "error_code") if key in value), ""))
    return found if len(found) <= 60 else ""
