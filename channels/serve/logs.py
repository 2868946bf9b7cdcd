"""Logging of the server: warnings and its own lines on stderr, one a line, with every secret of the settings blotted out."""

from __future__ import annotations

import logging
from collections.abc import Collection

_SHORTEST = 6


class Blot(logging.Formatter):
    """Writes records with secrets replaced, tracebacks included."""

    def __init__(self, secrets: Collection[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage() if record.name == "advisor.access" else super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return text


def set_up_logging(secrets: Collection[str], *, access: bool) -> None:
    """Everything to stderr through one handler."""
    handler = logging.StreamHandler()
    handler.setFormatter(Blot(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("advisor").setLevel(logging.INFO)
    logging.getLogger("advisor.access").setLevel(logging.INFO if access else logging.CRITICAL)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.WARNING)
