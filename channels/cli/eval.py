"""`advisor eval`: run question suites, and make new ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from kb.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.outcome import Result
    from eval.suite import Case

_HELP = """Run question suites, or make new ones.

SUITE is a JSONL file or the name of a shipped suite (advisor, fresh, buyers, readers, dialogues, robustness, retrieval). Without any: the
shipped ones and yours, ADVISOR_HOME/suites/*.jsonl; yours alone where the data folder does not hold the shipped documents.
Results, a summary and a self-contained HTML report go to --out, or to ADVISOR_HOME/eval/last, where each run is compared with the one
before. A run that was broken off goes on where it stopped unless code, index or settings have changed since.
Exit codes: 0 done and within the gate, 1 outside the gate, 2 wrong use.

\b
Examples:
  advisor eval                                    every shipped suite, offline
  advisor eval advisor my-suite.jsonl --out runs/today
  advisor eval advisor --gate eval/gate.yaml --compare runs/yesterday
  advisor eval gate --out gate.yaml               floors from the last run, to hold later ones against
  advisor eval --mode llm                         with the configured language model
  advisor eval new --out my-suite.jsonl           draft a suite from your catalog
  advisor eval collect questions.xlsx --out my-suite.jsonl
  advisor eval collect --feedback --out thumbs-down.csv     a table to fill in; then collect it like the one above
"""


class _RunByDefault(TyperGroup):
    """`advisor eval SUITE ...` means `advisor eval run SUITE ...`; only a subcommand's own name or --help reads otherwise."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("--help", "-h")):
            args = ["run", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(cls=_RunByDefault, no_args_is_help=False, rich_markup_mode=None)
    group.callback(help=_HELP)(_group)
    group.command("run", help="Run suites (the default: `advisor eval SUITE...` is the same).")(run_command)
    group.command("new", help="Draft a suite from the catalog: prices x volumes x wordings, conflicts, missing prices.")(new_command)
    group.command("collect", help="Make a suite from a CSV or XLSX of questions, or from thumbs-down answers.")(collect_command)
    group.command("gate", help="Write a gate from a run: floors at the lower end of what was measured.")(gate_command)
    app.add_typer(group, name="eval")


def _group() -> None:
    """Holds the help."""


def run_command(
    suites: Annotated[list[str] | None, typer.Argument(metavar="[SUITE...]", show_default=False)] = None,
    mode: Annotated[Literal["offline", "llm"], typer.Option(help="Without or with the configured language model.")] = "offline",
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: ADVISOR_HOME/eval/last.", show_default=False)] = None,
    gate: Annotated[Path | None, typer.Option(help="Gate file: floors and ceilings per slice.", show_default=False)] = None,
    compare: Annotated[Path | None, typer.Option(metavar="RUN", help="Folder of an earlier run.", show_default=False)] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 chooses.")] = 0,
    lang: Annotated[Literal["zh", "en"], typer.Option(help="Language of the report.")] = "zh",
    resume: Annotated[
        bool | None,
        typer.Option("--resume/--fresh", help="Insist on going on with a broken-off run, or on starting afresh.", show_default=False),
    ] = None,
    judge: Annotated[bool, typer.Option("--judge", help="Let the configured model judge too: advisory, reported apart.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout.")] = False,
) -> None:
    """See `_HELP`."""
    from channels.cli.chat import ensure_index
    from eval.session import Request, asks_about_shipped, default_suites, evaluate
    from kb.settings import get_settings

    chosen = tuple(suites or ()) or default_suites(get_settings().home)
    if asks_about_shipped(chosen):
        ensure_index(get_settings())
    request = Request(chosen, mode, out, gate, compare, workers, lang, judge, resume)
    with _progress() as progress:
        finished = evaluate(request, progress)
    if as_json:
        import json

        print(json.dumps(finished.summary, ensure_ascii=False))
    else:
        for line in finished.lines():
            print(line)
    for violation in finished.violations or ():
        print(f"gate: {violation.slice}: {violation.text}", file=sys.stderr)
    print(f"report: {finished.report}", file=sys.stderr)
    raise typer.Exit(1 if finished.violations else 0)


def gate_command(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="Its folder; default: the last one.", show_default=False)] = None,
    out: Annotated[Path, typer.Option(help="The gate file to write; its baseline goes beside it.")] = Path("gate.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Write a gate file and its baseline of verdicts."""
    from eval.gate_draft import write_gate
    from eval.run import read_results
    from kb.settings import get_settings

    if out.exists() and not force:
        raise UsageError(f"{out} exists; give another --out or --force")
    results = read_results(run or get_settings().home / "eval" / "last")
    verdicts = write_gate(results, out)
    print(f"{out}, {verdicts}: from {len(results)} answers", file=sys.stderr)


def new_command(
    out: Annotated[Path, typer.Option(help="The suite to write.")],
    langs: Annotated[str, typer.Option("--lang", help="Languages of the questions: zh, en or both with a comma.")] = "zh,en",
    seed: Annotated[int, typer.Option(help="Another number draws other wordings.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Draft a suite from the active catalog."""
    from eval.drafts import Drafter
    from kb.catalog.load import load_catalog

    chosen = [lang.strip() for lang in langs.split(",") if lang.strip()]
    if not chosen or not set(chosen) <= {"zh", "en"}:
        raise UsageError(f"--lang {langs!r}: expected zh, en or zh,en")
    _write(out, Drafter(load_catalog(), chosen, seed).cases(), force)


def collect_command(
    out: Annotated[Path, typer.Option(help="The suite to write.")],
    table: Annotated[Path | None, typer.Argument(metavar="[TABLE]", help="CSV or XLSX with a question column.", show_default=False)] = None,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="The answers marked thumbs-down, of the database; or TABLE, a JSONL file of opinions.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Make a suite from real use."""
    from eval.intake import cases_from_feedback, cases_from_table, needs_review

    if table is None and not feedback:
        raise UsageError("give a CSV or XLSX file of questions, or --feedback for the answers marked thumbs-down")
    if table is None:
        cases = _marked_down()
    else:
        cases = cases_from_feedback(table) if feedback else cases_from_table(table)
    _write(out, cases, force)
    left = [case for case in cases if needs_review(case)]
    for case in left:
        print(f"{case.id}: say what a right answer contains: {case.turns[-1]}", file=sys.stderr)
    if left and out.suffix == ".csv":
        then = f"advisor eval collect {out} --out {out.with_suffix('.jsonl')}"
        print(f"fill in {out} (answer, must, refuse or models), then: {then}", file=sys.stderr)


def _marked_down() -> list[Case]:
    """The cases of the database's feedback: page, team chat and API keep it in one place."""
    from channels.state.database import open_database
    from channels.state.feedback import Feedback
    from eval.intake import cases_from_records
    from kb.settings import get_settings

    records = list(Feedback(open_database(get_settings())).records())
    if not records:
        raise UsageError("nobody has rated an answer yet; the page and team chat keep it when somebody does")
    return cases_from_records(records)


def _write(out: Path, cases: Sequence[Case], force: bool) -> None:
    from eval.intake import write_table
    from eval.suite import write_suite

    if out.exists() and not force:
        raise UsageError(f"{out} exists; give another --out or --force")
    if out.suffix.lower() == ".csv":
        write_table(out, cases)
    else:
        write_suite(out, cases)
    print(f"{out}: {len(cases)} cases", file=sys.stderr)


class _progress:
    """A bar on stderr where that is a terminal, a line a quarter elsewhere."""

    def __enter__(self) -> _progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self.bar.start()
        self.task = self.bar.add_task("starting", total=None)
        self.wrong = 0
        return self

    def __exit__(self, *exc: object) -> None:
        self.bar.stop()

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def __call__(self, done: int, total: int, result: Result | None = None) -> None:
        self.wrong += result is not None and not result.correct
        self.bar.update(self.task, completed=done, total=total, description=f"{self.wrong} wrong")
        if not self.console.is_terminal and done and done % max(1, total // 4) == 0:
            self.note(f"{done}/{total}, {self.wrong} wrong")
