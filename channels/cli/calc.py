"""`advisor calc KIND`: one calculator, or one JSON line a calculation from stdin."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer


def _value(text: str) -> Any:
    """A `name=value` option's value: JSON where it reads as JSON, otherwise the text itself ("70B", "9万")."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _inputs(options: list[str], stream: Any) -> dict[str, Any]:
    """Inputs from `name=value` options, or, where there are none, one JSON object on stdin."""
    from kb.errors import UsageError

    given: dict[str, Any] = {}
    text = "" if options or stream.isatty() else stream.read().strip()
    if text:
        try:
            data = json.loads(text)
        except ValueError as error:
            raise UsageError(f"stdin is not a JSON object of inputs: {error}") from None
        if not isinstance(data, dict):
            raise UsageError('stdin is not a JSON object; expected the inputs, e.g. {"model": "70B"}')
        given |= data["inputs"] if isinstance(data.get("inputs"), dict) and set(data) <= {"id", "kind", "inputs"} else data
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name:
            raise UsageError(f"{option!r} is not name=value, e.g. weight_dtype=int8")
        given[name.strip().replace("-", "_")] = _value(value)
    return given


def _config_file(path: str) -> Any:
    """A config.json on disk."""
    from pathlib import Path

    from kb.errors import UsageError

    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--config {path}: {error}; expected a model's config.json") from None


def _help(kind_name: str) -> str:
    from agent.sizing.calc import describe, kind_of, kinds

    if not kind_name:
        width = max(len(name) for name in kinds())
        return "\n".join(f"  {kind.name:<{width}}  {kind.summary}" for kind in kinds().values())
    kind = kind_of(kind_name)
    return f"{kind.name}: {kind.summary}\n\nInputs:\n{describe(kind)}\n\nExample:\n  echo '{kind.example}' | advisor calc {kind.name}"


def _show(outcome: Any, as_json: bool, language: str) -> str:
    from agent.sizing.steps import plain

    value = plain(outcome.value)
    if as_json:
        shown = {
            "value": value,
            "unit": outcome.unit,
            "error": None,
            "result": outcome.calculation.as_dict(),
            "steps": list(outcome.calculation.steps(language)),
        }
        return json.dumps(shown, ensure_ascii=False)
    return f"{value} {outcome.unit}".strip()


def _run_lines(stream: Any) -> None:
    """Every line's result in order, flushed one by one; a line that fails says so in its `error`."""
    from agent.sizing.calc import run_line

    for line in stream:
        if not line.strip():
            continue
        result = run_line(line)
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def register(app: typer.Typer) -> None:
    """Adds `calc` to the command line."""

    @app.command(context_settings={"help_option_names": []})
    def calc(
        kind: Annotated[str, typer.Argument(help="Which calculator; none: list them.")] = "",
        inputs: Annotated[list[str] | None, typer.Argument(help="name=value inputs; none: a JSON object on stdin.")] = None,
        jsonl: Annotated[
            bool, typer.Option("--jsonl", help='Read {"id","kind","inputs"} lines from stdin, write one result a line.')
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print value, unit, whole result and steps as one JSON object.")] = False,
        steps: Annotated[bool, typer.Option("--steps/--no-steps", help="Print the calculation line by line on stderr.")] = True,
        lang: Annotated[str, typer.Option(help="Language of the steps: zh or en.")] = "",
        config: Annotated[str, typer.Option(help="A model's Hugging Face config.json, as the input `config`.")] = "",
        show_help: Annotated[bool, typer.Option("--help", "-h", help="The inputs of a calculator, or the list of calculators.")] = False,
    ) -> None:
        """Calculate: sizes, GPUs, concurrency, speed, cost, break-even."""
        if show_help or (not kind and not jsonl):
            typer.echo(_usage(kind))
            return
        if jsonl:
            _run_lines(sys.stdin)
            return
        from agent.sizing.calc import calculate, kind_of
        from kb.settings import get_settings

        kind_of(kind)
        given = _inputs(inputs or [], sys.stdin)
        if config:
            given["config"] = _config_file(config)
        language = lang or ("zh" if get_settings().lang == "zh" else "en")
        outcome = calculate(kind, given)
        if steps and not as_json:
            for line in outcome.calculation.steps(language):
                typer.echo(line, err=True)
        typer.echo(_show(outcome, as_json, language))


def _usage(kind: str) -> str:
    head = (
        "Usage: advisor calc KIND [name=value ...] [--json] [--no-steps] [--lang zh|en] [--config config.json]\n"
        "       advisor calc --jsonl < lines.jsonl\n\n"
        "Inputs come as name=value, or as a JSON object on stdin; text with units is read (70B, 24GB, 9万元).\n"
        "The value goes to stdout, the calculation to stderr. Exit codes: 0 done, 1 failed, 2 wrong use;\n"
        "with --jsonl 0, each line's failure being in its `error`.\n"
    )
    if kind:
        return f"{head}\n{_help(kind)}"
    examples = (
        "\nExamples:\n"
        "  advisor calc cards_for_weights model=70B weight_dtype=int8 card_memory_gb=24\n"
        "  advisor calc gpus_needed model=Qwen2.5-72B gpu='A100 80GB' context_tokens=8192 concurrency=16\n"
        "  advisor calc break_even upfront=60万 api_monthly=9万 self_monthly=1.5万\n"
        "  advisor calc throughput --help\n"
    )
    return f"{head}\nCalculators:\n{_help('')}\n{examples}"
