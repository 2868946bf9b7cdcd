"""`advisor ingest` and `advisor ingest status`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kb.errors import UsageError

if TYPE_CHECKING:
    from ingest.pipeline import Engine
    from ingest.plan import Plan
    from ingest.session import Report
    from kb.settings import Settings

_HELP = """Add or update documents: files, folders, http(s) pages. Without PATH: the shipped corpus and catalog.

Only what changed is embedded; running it again changes nothing. Each document is stored in one transaction: stop it at
any moment and run it again. `status` instead of a PATH shows what is indexed (a file or folder of that name: ./status).

\b
Examples:
  advisor ingest                          the default corpus and catalog
  advisor ingest docs/ prices.xlsx        a folder and a file
  advisor ingest docs/ --dry-run          what would be done
  advisor ingest docs/ --prune            also remove what is gone from docs/
  advisor ingest --remove docs/old.md     take a document (or a folder's documents) out
  advisor ingest https://example.org/page one page
  advisor ingest --rebuild                everything again, e.g. with another ADVISOR_EMBED_MODEL
  advisor ingest docs/ --engine ray       parse and embed in the processes of a Ray cluster
  advisor ingest status                   what is indexed, what failed, who is writing
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ingest", help=_HELP)(ingest_command)


def ingest_command(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH...]", show_default=False)] = None,
    prune: Annotated[bool, typer.Option("--prune", help="Remove indexed documents whose file is gone from the given folders.")] = False,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", metavar="PATH", help="Take a source, path, folder or page out of the index.", show_default=False),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build a new index beside the old one and switch when it is complete.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    allow_private: Annotated[bool, typer.Option("--allow-private", help="Allow pages on private and local addresses.")] = False,
    lock_timeout: Annotated[
        float, typer.Option("--lock-timeout", min=0, metavar="SECONDS", help="How long to wait for another writer.")
    ] = 600.0,
    engine: Annotated[
        Literal["local", "ray"], typer.Option("--engine", help="Where to parse and embed: in this process, or on a Ray cluster.")
    ] = "local",
    ray_address: Annotated[
        str, typer.Option("--ray-address", metavar="ADDRESS", help="auto, host:6379, ray://host:10001; default: a cluster of this machine.")
    ] = "",
    ray_workers: Annotated[
        int, typer.Option("--ray-workers", min=0, metavar="N", help="Parsers, and as many embedders; 0: half of the cluster's processors.")
    ] = 0,
    show_all: Annotated[bool, typer.Option("--all", help="With status: every document.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout; `chunks` is what the index holds now.")] = False,
) -> None:
    """See `_HELP`."""
    from kb.settings import get_settings

    settings = get_settings()
    given = tuple(paths or ())
    if given == ("status",) and not Path("status").exists():
        _status(settings, show_all=show_all, as_json=as_json)
        return
    if remove and (given or rebuild or prune):
        raise UsageError(
            "--remove takes documents out and cannot be combined with PATH, --prune or --rebuild; run them one after the other"
        )
    if (ray_address or ray_workers) and engine != "ray":
        raise UsageError("--ray-address and --ray-workers are for --engine ray; add it")
    from ingest.progress import reporter_for
    from ingest.session import Request, ingest, preview

    request = Request(given, tuple(remove or ()), prune, rebuild, allow_private, lock_timeout)
    if dry_run:
        report = preview(settings, request)
        _print_plan(report.plan)
    else:
        where = _engine(settings, engine, ray_address, ray_workers)
        report = ingest(settings, request, reporter_for(), on_plan=_print_counts, engine=where)
        _print_summary(report)
    if as_json:
        planned = report.plan.counts() if dry_run else report.done
        report.done = planned
        print(json.dumps(report.as_json(), ensure_ascii=False))
    if dry_run and report.plan.failed:
        raise typer.Exit(3)
    raise typer.Exit(report.exit_code)


def _engine(settings: Settings, name: str, address: str, workers: int) -> Engine:
    if name == "ray":
        from ingest.ray_engine import RayEngine

        return RayEngine(settings, address, workers)
    from ingest.pipeline import run_actions

    return run_actions


def _say(text: str = "") -> None:
    print(text, file=sys.stderr, flush=True)


def _print_counts(plan: Plan) -> None:
    counts = ", ".join(f"{number} {kind}" for kind, number in plan.counts().items())
    _say(f"plan: {counts or 'nothing to do'}")


def _print_plan(plan: Plan) -> None:
    from ingest.progress import named, one_line

    signs = {"added": "+", "updated": "~", "renamed": ">", "removed": "-", "gone": "?"}
    for action in plan.actions:
        if action.kind in signs:
            before = f" (was {one_line(action.old_source)})" if action.old_source else ""
            kept = " (its file is gone; --prune removes it)" if action.kind == "gone" else ""
            _say(f"{signs[action.kind]} {action.kind:8} {one_line(action.source)}{before}{kept}")
    for _, source, error in plan.failed:
        _say(f"! failed   {named(source, error)}")
    _print_skipped(plan)
    _print_counts(plan)


def _print_skipped(plan: Plan) -> None:
    from ingest.progress import one_line

    for source, reason in plan.skipped[:20]:
        _say(f". skipped  {one_line(source)}: {one_line(reason)}")
    if len(plan.skipped) > 20:
        _say(f". skipped  {len(plan.skipped) - 20} more")


def _print_summary(report: Report) -> None:
    from ingest.progress import named, one_line

    _print_skipped(report.plan)
    for action in report.plan.of("gone"):
        _say(f"? gone     {one_line(action.source)}: its file is gone, the index keeps it; --prune removes it")
    done = ", ".join(f"{number} {kind}" for kind, number in report.done.items() if number) or "nothing to do"
    _say(f"{done}; {report.chunks} chunks in the index; {report.seconds:.1f} s")
    if report.failed:
        _say(f"{len(report.failed)} failed (what was indexed of them before is kept):")
        for failure in report.failed:
            _say(f"  {named(failure.source, failure.error)}")


def _status(settings: Settings, *, show_all: bool, as_json: bool) -> None:
    from ingest.status import index_status

    status = index_status(settings)
    if as_json:
        print(json.dumps(status.as_json(show_all), ensure_ascii=False))
        return
    for line in status.lines(show_all):
        print(line)
