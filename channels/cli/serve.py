"""`advisor serve`: everything in one process, and `advisor mcp`: the tools over stdin and stdout."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from kb.errors import AdvisorError

_HELP = """Serve the page, the OpenAI-compatible API (/v1), MCP (/mcp), team chat, /healthz, /readyz and /metrics in one process.

On this machine alone nothing is needed. An address that others can reach needs accounts for the page and keys for programs,
or it refuses to start. SIGTERM or Ctrl+C: running answers are finished first (ADVISOR_SHUTDOWN_TIMEOUT_S).

\b
Examples:
  advisor serve                                          http://127.0.0.1:7860
  ADVISOR_API_KEYS=webui:KEY advisor serve --host 0.0.0.0 --auth-file accounts.txt
  ADVISOR_API_KEYS=webui:KEY advisor serve --host 0.0.0.0 --no-page      programs only
"""
_MCP_HELP = """Offer the advisor's tools over MCP on stdin and stdout, for a client that starts this command itself.

\b
Example entry of a client's configuration:
  {"mcpServers": {"llm-advisor": {"command": "advisor", "args": ["mcp"]}}}
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve", help=_HELP)(serve_command)
    app.command("mcp", help=_MCP_HELP)(mcp_command)


def serve_command(
    host: Annotated[str, typer.Option(help="Address to listen on; beyond this machine only with accounts and keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    auth_file: Annotated[
        Path | None,
        typer.Option(help="Accounts of the page (see `advisor account --help`); default: ADVISOR_AUTH_FILE.", show_default=False),
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="The chat page at /.")] = True,
    api: Annotated[bool, typer.Option("--api/--no-api", help="The OpenAI-compatible API at /v1.")] = True,
    mcp: Annotated[
        bool | None, typer.Option("--mcp/--no-mcp", help="MCP at /mcp; default: if its package is installed.", show_default=False)
    ] = None,
    channels: Annotated[bool, typer.Option("--channels/--no-channels", help="Team chat, where a channel is configured.")] = True,
    access_log: Annotated[bool, typer.Option("--access-log/--no-access-log", help="One JSON line a request on stderr.")] = True,
) -> None:
    """See `_HELP`."""
    from channels.cli.chat import ensure_index, is_loopback, page_url, refuse_taken_port, say
    from channels.serve.plan import make_plan
    from kb.settings import get_settings

    settings = get_settings()
    plan = make_plan(
        settings, host=host, port=port, loopback=is_loopback(host), auth_file=auth_file, page=page, api=api, mcp=mcp, channels=channels
    )
    if plan.auth_file is not None:
        from channels.page.accounts import read_accounts

        read_accounts(plan.auth_file)  # a file that cannot be used fails here, not after the index is loaded
    refuse_taken_port(host, port)
    ensure_index(settings)
    say(f"Starting on {page_url(host, port)} ...")
    for line in (*plan.lines, *plan.notes):
        say(f"  {line}")

    def ready() -> None:
        print(page_url(host, port), flush=True)
        say("The server is ready; stop it with Ctrl+C.")

    from channels.serve.run import serve

    code = 0
    try:
        serve(settings, plan, access_log=access_log, ready=ready, say=say)
        say("Stopped.")
    except AdvisorError as error:
        code = error.exit_code
        say(f"advisor: {' '.join(str(error).split())}")
    leave(code)


def mcp_command() -> None:
    """See `_MCP_HELP`."""
    from importlib.util import find_spec

    from channels.serve.plan import INSTALL_MCP
    from kb.errors import UsageError
    from kb.settings import get_settings

    if find_spec("mcp") is None:
        raise UsageError(f"the package mcp is not installed; install it with: {INSTALL_MCP}")
    from channels.cli.chat import ensure_index

    settings = get_settings()
    ensure_index(settings)
    from channels.mcp.stdio import run_stdio

    run_stdio(settings)
    leave(0)


def leave(code: int) -> NoReturn:
    """End the process now. All is closed in order by then; the interpreter's own end can hang for minutes in the destructors of native
    libraries while a daemon thread is still waiting for a silent language model."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
