"""What a server would serve, to whom, and why not more: decided before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from channels.state.keys import ApiKeys
from kb.errors import UsageError

if TYPE_CHECKING:
    from kb.settings import Settings

INSTALL_MCP = "pip install 'llm-advisor[mcp]'"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which parts are on. `notes` say what is off although nobody asked for that, and how to change it."""

    host: str
    port: int
    loopback: bool
    page: bool
    api: bool
    mcp: bool
    channels: bool
    keys: ApiKeys
    auth_file: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What is on, a line each."""
        who = f"{len(self.keys.names)} keys" if self.keys else "no keys: this machine only"
        page = f"accounts from {self.auth_file}" if self.auth_file is not None else "no accounts: this machine only"
        parts = ((self.page, f"page /: {page}"), (self.api, f"API /v1: {who}"), (self.mcp, f"MCP /mcp: {who}"))
        return tuple(line for on, line in parts if on)


def make_plan(
    settings: Settings,
    *,
    host: str,
    port: int,
    loopback: bool,
    auth_file: Path | None = None,
    page: bool = True,
    api: bool = True,
    mcp: bool | None = None,
    channels: bool = True,
) -> Plan:
    """The plan for these wishes; `mcp` None: if its package is installed.

    Raises:
        UsageError: a part could be reached from other machines by anybody, or a wished part is not installed.
    """
    keys = ApiKeys.read(settings.api_keys.get_secret_value())
    accounts = auth_file or settings.auth_file
    notes = []
    if find_spec("mcp") is None:
        if mcp:
            raise UsageError(f"--mcp: the package mcp is not installed; install it with: {INSTALL_MCP}")
        if mcp is None:
            notes.append(f"MCP is off: the package mcp is not installed; {INSTALL_MCP}")
        mcp = False
    mcp = mcp is not False
    if not (page or api or mcp or channels):
        raise UsageError("nothing is left to serve; leave out one of --no-page, --no-api, --no-mcp, --no-channels")
    if not loopback:
        _refuse_open_doors(host, page=page and accounts is None, programs=(api or mcp) and not keys)
    return Plan(host, port, loopback, page, api, mcp, channels, keys, accounts if page else None, tuple(notes))


def _refuse_open_doors(host: str, *, page: bool, programs: bool) -> None:
    """Raises `UsageError` naming what anybody could use."""
    missing = []
    if page:
        missing.append("the page needs accounts (advisor account NAME --auth-file FILE, then --auth-file FILE) or --no-page")
    if programs:
        missing.append("the API and MCP need keys (ADVISOR_API_KEYS=NAME:KEY, the key from: openssl rand -hex 24) or --no-api --no-mcp")
    if missing:
        raise UsageError(f"--host {host} can be reached from other machines: {'; '.join(missing)}")
