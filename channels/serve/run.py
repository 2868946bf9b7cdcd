"""Building the parts of a plan and running them until a signal comes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from channels.api.app import Served
from channels.api.asking import Asker
from channels.api.guard import Policy
from channels.api.hosts import Hosts
from channels.serve.app import Hub, Parts, build_app
from channels.serve.health import Readiness
from channels.serve.logs import set_up_logging
from channels.serve.metrics import Metered, Metrics
from channels.serve.opening import Opening
from channels.serve.plan import Plan
from channels.serve.settings import ServeSettings, get_serve_settings
from channels.state.database import close_databases, open_database
from channels.state.limits import Limits, Rate
from kb.errors import AdvisorError
from kb.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Engine

log = logging.getLogger("advisor")
HUB = "channels.core.hub"
PAGE, TEAM_CHAT = "page", "team_chat"


def serve(settings: Settings, plan: Plan, *, access_log: bool, ready: Callable[[], None], say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl+C. `ready` is called once the advisor is open and the server listens.

    Raises:
        AdvisorError: the advisor cannot be opened; the server has been stopped again.
    """
    from channels.serve.server import make_server

    wishes = get_serve_settings()
    set_up_logging(secrets_of(settings), access=access_log)
    opening = Opening(settings)
    opening.start()
    engine = open_database(settings)
    parts = make_parts(settings, wishes, plan, opening, engine, say)
    app = build_app(parts)

    def started() -> None:
        threading.Thread(target=watch, name="watch-opening", daemon=True).start()

    def watch() -> None:
        try:
            opening()
        except BaseException:  # raised below, in the thread that serves
            server.should_exit = True
            return
        ready()

    server = make_server(
        logged(app, parts, access_log),
        plan.host,
        plan.port,
        drain=lambda timeout_s: drain(parts, timeout_s),
        drain_s=wishes.shutdown_timeout_s,
        started=started,
    )
    try:
        server.run()
    finally:
        close_databases()
    if opening.failure is not None:
        raise (
            opening.failure if isinstance(opening.failure, AdvisorError) else AdvisorError("the advisor could not be opened")
        ) from opening.failure


def logged(app: FastAPI, parts: Parts, write: bool) -> Any:
    """The application with every request counted, and written where wished."""
    from channels.serve.access_log import AccessLog

    return AccessLog(app, parts.metrics.request, write=write)


async def drain(parts: Parts, timeout_s: float) -> None:
    """Wait for the answers of programs and of the page; team chat is waited for where it is stopped."""
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_s
    await parts.asker.drain(timeout_s)
    while parts.metrics.running(PAGE) and loop.time() < until:
        await asyncio.sleep(0.05)


def make_parts(
    settings: Settings, wishes: ServeSettings, plan: Plan, opening: Opening, engine: Engine, say: Callable[[str], None] = lambda _: None
) -> Parts:
    """Everything that the plan has, not yet started."""
    metrics = Metrics()
    asker = Asker(
        opening,
        workers=wishes.answer_workers,
        waiting=wishes.answer_waiting,
        timeout_s=wishes.answer_timeout_s,
        meter=metrics.meter,
    )
    requests = Rate(float(wishes.api_requests_per_minute), float(wishes.api_burst)) if wishes.api_requests_per_minute else None
    questions = Rate.of_minute(settings.rate_per_minute) if settings.rate_per_minute else None
    policy = Policy(
        plan.keys,
        Hosts.of(loopback=plan.loopback, given=wishes.hosts),
        Limits(engine),
        requests,
        questions,
        wishes.api_max_body_bytes,
        wishes.api_body_timeout_s,
    )
    hub = make_hub(settings, lambda: Metered(opening(), metrics, TEAM_CHAT), engine, say) if plan.channels else None
    readiness = Readiness(opening, engine, channels=hub.status if hub is not None else None, stopping=lambda: asker.closed)
    mcp = None
    if plan.mcp:
        from channels.mcp.server import build_server, make_http

        mcp = make_http(build_server(opening, asker, policy), policy.hosts)
    return Parts(
        policy=policy,
        asker=asker,
        metrics=metrics,
        readiness=readiness,
        api=Served(asker, bool(settings.llm_base_url), policy) if plan.api else None,
        mcp=mcp,
        hub=hub,
        mount_page=(lambda app: _mount_page(app, settings, plan, opening, metrics)) if plan.page else None,
        stop_timeout_s=wishes.shutdown_timeout_s,
    )


def make_hub(settings: Settings, advisor: Callable[[], Any], engine: Engine, say: Callable[[str], None]) -> Hub | None:
    """Team chat, if the project has it and a channel is configured."""
    if find_spec("channels.core") is None or find_spec(HUB) is None:
        return None
    hub: Hub = import_module(HUB).build_hub(settings, advisor, engine)
    on = [channel for channel in hub.status() if channel.state != "off"]
    for channel in on:
        say(f"  team chat: {channel.name} {channel.state}{f' ({channel.detail})' if channel.detail else ''}")
    return hub if on else None


def secrets_of(settings: Settings) -> set[str]:
    """Every secret of the settings, and the parts of those that hold several."""
    found = {
        value.get_secret_value() for name in type(settings).model_fields if hasattr(value := getattr(settings, name), "get_secret_value")
    }
    for item in settings.api_keys.get_secret_value().replace(",", " ").split():
        found |= {item, item.rpartition(":")[2]}
    address = settings.database_url.get_secret_value()
    if "@" in address:
        found.add(address.rpartition("@")[0].rpartition(":")[2])
    if find_spec("channels.core") is not None and find_spec("channels.core.settings") is not None:
        found |= set(import_module("channels.core.settings").get_channel_settings().secrets())
    return {secret for secret in found if secret}


def _mount_page(app: FastAPI, settings: Settings, plan: Plan, opening: Opening, metrics: Metrics) -> None:
    from channels.page.accounts import Gate, read_accounts
    from channels.page.backend import Backend
    from chat_app import build_page, house_of, mount_page

    gate = Gate(read_accounts(plan.auth_file)) if plan.auth_file is not None else None
    backend = Backend.over(lambda: Metered(opening(), metrics, PAGE), settings.home)  # type: ignore[arg-type, return-value]
    if gate is not None:
        backend.is_maintainer = gate.is_maintainer
        backend.has_accounts = True
    mount_page(app, build_page(backend), plan.host, plan.port, house_of(backend, language=settings.lang, gate=gate))
