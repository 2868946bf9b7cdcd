"""`advisor doctor`: what works, what does not, and what to do about it; the settings with secrets masked."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from kb.errors import SettingsError

if TYPE_CHECKING:
    from agent.llm.probe import Tried
    from kb.health import Check
    from kb.settings import Settings

_HELP = """Check the installation: data folder, index, embedding model, catalog, language model, settings.

Exit code 1 if a check failed, 0 otherwise (a warning is not a failure).

\b
Examples:
  advisor doctor
  advisor doctor --json
"""
_CHECK_URL = "check ADVISOR_LLM_BASE_URL (it usually ends in /v1)"
_SIGNS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", help=_HELP)(doctor_command)


def doctor_command(as_json: Annotated[bool, typer.Option("--json", help="Checks and settings as one JSON object.")] = False) -> None:
    """See `_HELP`."""
    from kb.settings import get_settings

    settings = get_settings()
    checks: list[Check] = []
    for check in all_checks(settings):
        checks.append(check)
        if not as_json:
            print(f"{_SIGNS[check.state]}  {check.name}: {check.message}")
            if check.advice and check.state != "ok":
                print(f"         -> {check.advice}")
            sys.stdout.flush()
    shown = masked(settings)
    if as_json:
        lines = [{"name": c.name, "state": c.state, "message": c.message, "advice": c.advice} for c in checks]
        print(json.dumps({"checks": lines, "settings": shown}, ensure_ascii=False))
    else:
        print("\nsettings (environment or .env)")
        for name, value in shown.items():
            print(f"  {name}={value}")
    raise typer.Exit(1 if any(check.state == "failed" for check in checks) else 0)


def all_checks(settings: Settings) -> Iterator[Check]:
    """Every check, one after the other."""
    from channels.serve.checks import serve_checks
    from ingest.chunk import CHUNKER_VERSION
    from kb.health import Check, knowledge_checks

    yield Check("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from knowledge_checks(settings, CHUNKER_VERSION)
    yield _check_rate(settings)
    yield _check_accounts(settings)
    yield from serve_checks(settings)
    yield check_llm(settings)


def masked(settings: Settings) -> dict[str, str]:
    """`ADVISOR_NAME` -> value as text; a secret shows only that it is set."""
    from agent.llm.endpoint import without_password

    shown = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        text = "" if value is None else str(value)
        if hasattr(value, "get_secret_value"):
            text = "********" if value.get_secret_value() else ""
        shown[f"ADVISOR_{name.upper()}"] = without_password(text)
    return shown


def check_llm(settings: Settings) -> Check:
    """Whether the language model's service is there, has the model, answers, streams and calls tools; each request with its answer."""
    from agent.llm.endpoint import endpoint_of, without_password
    from kb.health import Check

    name = "language model"
    if not settings.llm_base_url:
        return Check(name, "ok", "none set: answers are composed offline; ADVISOR_LLM_BASE_URL adds one")
    problem = ""
    try:
        endpoint = endpoint_of(settings)
    except SettingsError as error:
        problem = str(error)
        # The list of models helps where only the model is missing.
        endpoint = None if settings.llm_model else endpoint_of(settings.model_copy(update={"llm_model": "none"}))
    if endpoint is None:
        return Check(name, "failed", problem, "correct the setting; answers are composed offline until then")
    tried: list[Tried] = []
    from agent.llm.probe import probe

    for result in probe(endpoint, settings.llm_timeout_s):
        tried.append(result)
        if problem:
            break
    said = "".join(f"\n         {t.line}" for t in tried)
    models = tried[0].models
    if problem:
        offered = f" to one of {', '.join(models[:8])}" if models else ""
        return Check(name, "failed", f"no model is chosen{said}", f"set ADVISOR_LLM_MODEL{offered}")
    if any(t.status in (401, 403) for t in tried):
        key = "ADVISOR_LLM_API_KEY" + ("" if endpoint.api_key else ", which is not set")
        return Check(name, "failed", f"{endpoint.shown} refuses the key{said}", f"check {key}")
    if len(tried) == 1:
        return Check(
            name, "warning", f"{endpoint.shown} cannot be reached; answers are composed offline{said}", f"start the server, or {_CHECK_URL}"
        )
    if models and endpoint.model not in models and not tried[1].ok:
        return Check(
            name,
            "warning",
            f"{endpoint.shown} has no model {endpoint.model!r}{said}",
            f"set ADVISOR_LLM_MODEL to one of {', '.join(models[:8])}",
        )
    bad = [t for t in tried[1:] if not t.ok]
    if bad:
        return Check(
            name, "warning", f"{endpoint.model} at {without_password(endpoint.base_url)} does not answer as it should{said}", _CHECK_URL
        )
    return Check(name, "ok", f"{endpoint.model} at {endpoint.shown}{said}")


def _check_rate(settings: Settings) -> Check:
    from agent.session import parse_rate
    from kb.health import Check

    try:
        parse_rate(settings.exchange_rate_cny_per_usd)
    except SettingsError as error:
        return Check("exchange rate", "failed", str(error))
    none = "none set: currencies are not converted unless a question gives a rate"
    return Check("exchange rate", "ok", settings.exchange_rate_cny_per_usd or none)


def _check_accounts(settings: Settings) -> Check:
    from kb.health import Check

    path = settings.auth_file
    if path is None:
        return Check("accounts", "ok", "none: the page answers on this machine only")
    try:
        path.read_bytes()
    except OSError as error:
        return Check("accounts", "failed", f"{path} cannot be read ({error.strerror})", "check ADVISOR_AUTH_FILE")
    return Check("accounts", "ok", f"from {path}")
