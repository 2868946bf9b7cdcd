"""`advisor search`: hits for a question, for a person to read or for a script as JSON lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from channels.cli.jsonl import read_objects
from kb.errors import UsageError

if TYPE_CHECKING:
    from kb.index import Index
    from kb.types import SearchHit

_HELP = """Search the index: the best passages, table rows and catalog records for a question.

\b
Examples:
  advisor search "长文档 上下文" -k 5
  advisor search "GPT-5.1 price" --source "gpt*.md" --kind table --kind row
  advisor search "A100 80GB" --json
  advisor search --jsonl < questions.jsonl     lines {"id", "query"} in, one line with hits out for each
"""
_KINDS = ("text", "table", "row", "record")
_PREVIEW_CHARS = 240


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("search", help=_HELP)(search_command)


def search_command(
    query: Annotated[str | None, typer.Argument(metavar="QUERY", show_default=False)] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=200, help="How many hits.")] = 10,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="NAME", help="Only this source, folder/ or pattern*.", show_default=False)
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help=f"Only this kind of passage: {', '.join(_KINDS)}.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help='Read {"id", "query"} lines from stdin.')] = False,
) -> None:
    """See `_HELP`."""
    if jsonl == (query is not None):
        raise UsageError("give either a QUERY or --jsonl with lines on stdin")
    for name in kind or ():
        if name not in _KINDS:
            raise UsageError(f"--kind is {name!r}; expected one of {', '.join(_KINDS)}")
    from kb.index import Index

    index = Index.open()
    if jsonl:
        failed = _answer_lines(index, sys.stdin.buffer, sys.stdout, k, source, kind)
        raise typer.Exit(3 if failed else 0)
    assert query is not None
    if not query.strip():
        raise UsageError("the QUERY is empty")
    hits, ms = _timed(index, query, k, source, kind)
    if as_json:
        print(
            json.dumps(
                {"hits": [hit_json(hit) for hit in hits], "ms": ms, "confidence": round(index.confidence(query, hits), 3)},
                ensure_ascii=False,
            )
        )
    else:
        _print_hits(hits)
        print(f"{len(hits)} hits in {ms:.1f} ms, confidence {index.confidence(query, hits):.2f}", file=sys.stderr)


def hit_json(hit: SearchHit) -> dict[str, Any]:
    """One hit as scripts see it. `also_in` lists further sources with the same content, where there are any."""
    from kb.manifest import ALSO_IN

    chunk = hit.chunk
    shown: dict[str, Any] = {
        "rank": hit.rank,
        "source": chunk.source,
        "section": chunk.section,
        "lines": list(chunk.place.lines),
        "text": chunk.text,
        "score": round(hit.score, 4),
        "kind": chunk.kind,
    }
    for name in ("page", "sheet"):
        if getattr(chunk.place, name) is not None:
            shown[name] = getattr(chunk.place, name)
    if chunk.metadata.get(ALSO_IN):
        shown["also_in"] = chunk.metadata[ALSO_IN].split("\n")
    return shown


def _timed(index: Index, query: str, k: int, sources: list[str] | None, kinds: list[str] | None) -> tuple[list[SearchHit], float]:
    began = time.perf_counter()
    hits = index.search(query, k, sources=sources or None, kinds=kinds or None)
    return hits, round((time.perf_counter() - began) * 1000, 2)


def _answer_lines(
    index: Index, lines: Iterable[bytes | str], out: TextIO, k: int, sources: list[str] | None, kinds: list[str] | None
) -> int:
    """Answers line by line, in order; a line that is no question gets an error line. Returns how many failed."""
    failed = 0
    index.warm_up()
    for number, asked in _numbered(lines):
        if isinstance(asked, str):
            failed += 1
            answer: dict[str, Any] = {"id": None, "hits": [], "ms": 0.0, "error": f"line {number}: {asked}"}
        else:
            hits, ms = _timed(index, asked["query"], asked.get("k", k), sources, kinds)
            answer = {"id": asked.get("id"), "hits": [hit_json(hit) for hit in hits], "ms": ms}
        # Text read from a file may hold characters that a terminal's encoding lacks; JSON can always be ASCII.
        print(json.dumps(answer, ensure_ascii=(out.encoding or "").lower() not in ("utf-8", "utf8")), file=out, flush=True)
    return failed


def _numbered(lines: Iterable[bytes | str]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(line number, question or what is wrong with the line); blank lines are skipped."""
    for number, asked, error in read_objects(lines):
        if error is not None:
            yield number, error.partition(": ")[2]
        elif not isinstance(asked.get("query"), str):
            yield number, 'expected an object with "id" and a text "query"'
        elif not isinstance(asked.get("k", 1), int) or not 1 <= asked.get("k", 1) <= 200:
            yield number, '"k" must be a whole number from 1 to 200'
        else:
            yield number, asked


def _print_hits(hits: list[SearchHit]) -> None:
    for hit in hits:
        place = hit.chunk.place
        where = f"page {place.page}" if place.page is not None else f"lines {place.lines[0]}-{place.lines[1]}"
        text = " ".join(hit.chunk.text.split())
        print(f"{hit.rank}. [{hit.score:.2f}] {hit.chunk.source} ({where}) {hit.chunk.section}")
        print(f"   {text[:_PREVIEW_CHARS]}{'…' if len(text) > _PREVIEW_CHARS else ''}")
