"""Comparing signatures and times of requests. Every comparison of a secret takes the same time, whatever it is compared with."""

from __future__ import annotations

import hmac

FRESH_S = 300
"""How far a signed time may be from ours, in either direction."""


def same(expected: str | bytes, given: str | bytes) -> bool:
    """Whether two secrets are equal, in constant time; text is compared as UTF-8, so that any header may be passed in."""
    return hmac.compare_digest(_bytes(expected), _bytes(given))


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def stamp_s(text: str, per_second: int = 1) -> float | None:
    """A timestamp header (digits only) in seconds; None for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        return None
    return int(text) / per_second


def is_fresh(stamp: float | None, now: float, window_s: float = FRESH_S) -> bool:
    """Whether a time is at most `window_s` seconds from now, past or future."""
    return stamp is not None and abs(now - stamp) <= window_s
