"""The `advisor` command. Only the module of the command that was asked for is imported, and none of them imports a model."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import typer

from kb.errors import AdvisorError

COMMANDS = {
    "ingest": "channels.cli.ingest",
    "search": "channels.cli.search",
    "ask": "channels.cli.ask",
    "chat": "channels.cli.chat",
    "serve": "channels.cli.serve",
    "mcp": "channels.cli.serve",
    "eval": "channels.cli.eval",
    "catalog": "channels.cli.catalog",
    "calc": "channels.cli.calc",
    "doctor": "channels.cli.doctor",
}
"""Command -> module with `register(app)`. A module may register several commands."""


def build_app(command: str | None = None) -> typer.Typer:
    """The application with all commands, or with one."""
    app = typer.Typer(
        name="advisor",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=_HELP)(_root)
    chosen = [COMMANDS[command]] if command in COMMANDS else COMMANDS.values()
    for name in dict.fromkeys(chosen):
        if find_spec(name) is not None:
            import_module(name).register(app)
    return app


_HELP = """Answers about choosing, pricing and deploying large language models, from your documents and a catalog.

Answers go to stdout, progress and warnings to stderr. Exit codes: 0 done, 1 failed, 2 wrong use, 3 done in part.

\b
Examples:
  advisor ingest                     index the default corpus and catalog
  advisor ingest docs/               add a folder of your own
  advisor ask "GPT-5.1 每百万 token 多少钱？"
  advisor search "长文档 上下文" -k 5
  advisor doctor                     what works and what does not
"""


def _root() -> None:
    """Holds the help; without it a single registered command would lose its name."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. An expected failure is one line on stderr; ADVISOR_DEBUG=1 adds where."""
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    try:
        result: Any = build_app(command)(args=list(arguments), prog_name="advisor", standalone_mode=True)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except AdvisorError as error:
        if os.environ.get("ADVISOR_DEBUG") == "1":
            traceback.print_exc()
        print(f"advisor: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of the installed command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def __getattr__(name: str) -> Any:
    """`app`, the complete application, built when it is asked for."""
    if name == "app":
        return build_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    main()
