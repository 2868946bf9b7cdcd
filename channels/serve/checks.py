"""What `advisor serve` would enable, for `advisor doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from channels.serve.plan import INSTALL_MCP
from channels.serve.settings import get_serve_settings
from channels.state.keys import ApiKeys
from kb.errors import AdvisorError
from kb.health import Check
from kb.settings import Settings


def serve_checks(settings: Settings) -> Iterator[Check]:
    """API, MCP, limits and the database that they share."""
    try:
        wishes, keys = get_serve_settings(), ApiKeys.read(settings.api_keys.get_secret_value())
    except AdvisorError as error:
        yield Check("API", "failed", str(error))
        return
    if keys:
        yield Check(
            "API",
            "ok",
            f"/v1 for the keys {', '.join(keys.names.values())}; {settings.rate_per_minute or 'any number of'} questions a minute each",
        )
    else:
        yield Check("API", "ok", "/v1 on this machine only: no keys; ADVISOR_API_KEYS adds them")
    if find_spec("mcp") is None:
        yield Check("MCP", "warning", "off: the package mcp is not installed", INSTALL_MCP)
    else:
        yield Check("MCP", "ok", f"/mcp {'for the same keys' if keys else 'on this machine only'}, and the command advisor mcp")
    names = ", ".join(wishes.hosts) or "any name where there are keys, this machine's own on loopback"
    yield Check("server names", "ok", f"answered as: {names}")
    yield _database(settings)


def _database(settings: Settings) -> Check:
    from channels.state.database import open_database

    try:
        engine = open_database(settings)
    except AdvisorError as error:
        return Check("database", "failed", str(error), "check ADVISOR_DATABASE_URL")
    shared = (
        "shared by replicas" if engine.dialect.name != "sqlite" else "a file of this machine; ADVISOR_DATABASE_URL names one for replicas"
    )
    return Check("database", "ok", f"{engine.dialect.name}, {shared}")
