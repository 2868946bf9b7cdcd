"""Which names a server may be called by. A page of another site that points its own name at this machine (DNS rebinding) is refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Names in lower case without a port; empty: every name (then keys are what protects)."""

    names: Collection[str] = ()

    @classmethod
    def of(cls, *, loopback: bool, given: Collection[str]) -> Hosts:
        """On loopback its own names and the given ones; beyond it the given ones, or all where none is given."""
        return cls((*LOOPBACK_NAMES, *given) if loopback else tuple(given))

    def allow(self, host: str) -> bool:
        """Whether a Host header may be answered."""
        return not self.names or bare(host) in self.names

    def allow_origin(self, origin: str, host: str) -> bool:
        """Whether a page of that origin may ask: our own, or one of the names. A program sends none."""
        if not origin:
            return True
        scheme, separator, rest = origin.partition("://")
        if not separator or scheme not in ("http", "https"):
            return False
        return rest.lower() == host.lower() or bool(self.names) and bare(rest) in self.names


def bare(host: str) -> str:
    """`[::1]:80` -> `::1`, `Localhost:80` -> `localhost`."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
