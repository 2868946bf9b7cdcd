"""`advisor ask`: one answer, or one JSON line a question from stdin."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from channels.cli.jsonl import read_objects

if TYPE_CHECKING:
    from kb.settings import Settings


def record(answer: Any, line_id: str) -> dict[str, Any]:
    """The JSON line of one answer, as interfaces fix it; a failed turn has an `error` and no answer."""
    from agent.events import AnswerFailed

    empty: dict[str, Any] = {
        "id": line_id,
        "answer": "",
        "citations": [],
        "tools": [],
        "conflicts": [],
        "refused": False,
        "mode": "offline",
        "language": "zh",
        "ms": 0.0,
        "error": None,
    }
    if isinstance(answer, AnswerFailed):
        return {**empty, "error": f"{answer.public_text} ({answer.reference})"}
    return {
        "id": line_id,
        "answer": answer.answer,
        "citations": [
            {"n": n, "source": c.source, "section": c.section, "lines": list(c.place.lines), "quote": c.quote}
            | ({"page": c.place.page} if c.place.page is not None else {})
            | ({"sheet": c.place.sheet} if c.place.sheet is not None else {})
            for n, c in enumerate(answer.citations, 1)
        ],
        "tools": [{"name": t.name, "input": t.input, "output": t.output} for t in answer.tools],
        "conflicts": [
            {"about": c.about, "claims": [{"value": s.value, "source": s.source} for s in c.claims], "verdict": c.verdict}
            for c in answer.conflicts
        ],
        "refused": answer.refused,
        "mode": answer.mode,
        "language": answer.language,
        "ms": answer.ms,
        "error": None,
    } | _of_the_model(answer)


def _of_the_model(answer: Any) -> dict[str, Any]:
    """What is only there where a language model was asked: its tokens, and why it is not the one that answers."""
    said = {"usage": dict(answer.usage), "notice": answer.notice, "removed": answer.unsupported_numbers}
    return {key: value for key, value in said.items() if value} if answer.usage or answer.notice else {}


def _lines(stream: Any) -> Any:
    """(id, turns, error) of each input line; a malformed one is reported in its place, under its own id where it has one."""
    for number, data, error in read_objects(stream):
        line_id = str(data.get("id", number))
        if error is not None:
            yield line_id, [], error
            continue
        turns = data.get("turns", [data["question"]] if "question" in data else None)
        if not isinstance(turns, list) or not turns or not all(isinstance(t, str) for t in turns):
            yield line_id, [], f'line {number}: expected {{"id": ..., "turns": ["...", ...]}} with at least one text'
        else:
            yield line_id, turns, None


def register(app: typer.Typer) -> None:
    """Adds `ask` to the command line."""

    @app.command()
    def ask(
        question: Annotated[
            list[str] | None, typer.Argument(help="The question, e.g. 'Claude 4.5 每月 2000万输入 500万输出多少钱'")
        ] = None,
        jsonl: Annotated[
            bool, typer.Option("--jsonl", help='Read {"id","turns":[...]} lines from stdin, write one answer a line.')
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object.")] = False,
        mode: Annotated[
            Literal["auto", "offline", "llm"],
            typer.Option(help="Without or with the configured language model; auto: with it if there is one."),
        ] = "auto",
    ) -> None:
        """Answer a question from the ingested documents and the catalog.

        Examples:
          advisor ask "deepseek r3 的上下文有多长"
          advisor ask "GPT-5.1, 8M input and 2M output a month, what do I pay?"
          advisor ask --jsonl < questions.jsonl > answers.jsonl
          advisor ask --mode offline "GLM-4 可以私有化部署吗"
        """
        from kb.errors import UsageError

        if not jsonl and not question:
            raise UsageError("no question: give one in quotes, or --jsonl to read lines from stdin")
        from agent.events import AnswerFailed
        from agent.session import open_advisor

        advisor = open_advisor(_settings(mode))
        if jsonl:
            advisor.warm_up()
            for line_id, turns, error in _lines(sys.stdin.buffer):
                if error is not None:
                    out = record(AnswerFailed(error, "input"), line_id)
                else:
                    out = record(advisor.ask(turns), line_id)
                sys.stdout.write(json.dumps(out, ensure_ascii=False, default=str) + "\n")
                sys.stdout.flush()
            return
        answer = advisor.ask([" ".join(question or [])])
        data = record(answer, "1")
        if as_json:
            typer.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))
            return
        if isinstance(answer, AnswerFailed):
            raise typer.Exit(1)
        if answer.notice:
            typer.echo(answer.notice, err=True)
        typer.echo(data["answer"])
        if data["citations"]:
            typer.echo("")
            for c in data["citations"]:
                where = f"p. {c['page']}" if "page" in c else c["sheet"] if "sheet" in c else f"{c['lines'][0]}-{c['lines'][1]}"
                typer.echo(f"[{c['n']}] {c['source']} · {c['section']} · {where}")
        if answer.spent:
            typer.echo(answer.spent, err=True)


def _settings(mode: str) -> Settings:
    """The settings in use, with or without their language model."""
    from kb.settings import get_settings

    settings = get_settings()
    if mode == "offline":
        return settings.model_copy(update={"llm_base_url": ""})
    if mode == "llm":
        from agent.llm.endpoint import endpoint_of
        from kb.errors import SettingsError

        if endpoint_of(settings) is None:
            raise SettingsError("--mode llm needs a language model: set ADVISOR_LLM_BASE_URL and ADVISOR_LLM_MODEL")
    return settings
