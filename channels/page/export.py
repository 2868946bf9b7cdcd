"""A conversation as a file: Markdown for people, JSON for programs, in the shape of `advisor ask --jsonl`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from agent.events import AnswerDone, Language
from channels.page.cards import where
from channels.page.view import language_of
from channels.page.words import word
from channels.state.conversations import ConversationRow, StoredTurn

Format = Literal["md", "json"]
_MEDIA: dict[Format, str] = {"md": "text/markdown; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class Exported:
    """A file for the browser to keep."""

    name: str
    media_type: str
    content: bytes


def export(row: ConversationRow, turns: Sequence[StoredTurn], kind: Format) -> Exported:
    """The whole conversation; the file is named after its title."""
    text = _markdown(row, turns) if kind == "md" else json.dumps(_json(row, turns), ensure_ascii=False, indent=2) + "\n"
    stem = re.sub(r"[^\w.-]+", "-", row.title).strip("-.")[:60] or "conversation"
    return Exported(f"{stem}.{kind}", _MEDIA[kind], text.encode())


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _json(row: ConversationRow, turns: Sequence[StoredTurn]) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "created_at": _when(row.created_at),
        "updated_at": _when(row.updated_at),
        "turns": [_turn_json(turn) for turn in turns],
    }


def _turn_json(turn: StoredTurn) -> dict[str, Any]:
    record: dict[str, Any] = {"id": turn.id, "question": turn.question, "answer": turn.answer, "at": _when(turn.created_at), "error": None}
    if turn.failed is not None:
        return record | {"error": {"message": turn.failed.public_text, "reference": turn.failed.reference}}
    done = turn.done
    if done is None:
        return record | {"stopped": True}
    return record | {
        "citations": [
            {"n": n, "source": c.source, "section": c.section, "lines": list(c.place.lines), "page": c.place.page, "quote": c.quote}
            for n, c in enumerate(done.citations, 1)
        ],
        "tools": [
            {"name": t.name, "input": dict(t.input), "output": dict(t.output), "steps": list(t.steps), "seconds": t.seconds}
            for t in done.tools
        ],
        "conflicts": [
            {"about": c.about, "claims": [{"value": x.value, "source": x.source} for x in c.claims], "verdict": c.verdict}
            for c in done.conflicts
        ],
        "refused": done.refused,
        "mode": done.mode,
        "language": done.language,
        "ms": done.ms,
    }


def _markdown(row: ConversationRow, turns: Sequence[StoredTurn]) -> str:
    parts = [f"# {_inert(row.title)}", _when(row.created_at)]
    for turn in turns:
        parts.append(f"## {_inert(' '.join(turn.question.split()))}")
        if turn.failed is not None:
            parts.append(f"**{word('failed', language_of(turn.question))}** {_inert(turn.failed.public_text)}")
        elif turn.done is None:
            parts += [_inert(turn.answer), f"*{word('stopped', language_of(turn.question))}*"]
        else:
            parts += _answer(turn.done)
    return "\n\n".join(part for part in parts if part) + "\n"


def _answer(done: AnswerDone) -> list[str]:
    language = done.language
    parts = [f"> {_inert(done.notice)}" if done.notice else "", _inert(done.answer)]
    for conflict in done.conflicts:
        sides = "\n".join(f"- {_inert(claim.value)} ({_inert(claim.source)})" for claim in conflict.claims)
        verdict = f"\n- {word('verdict', language)} {_inert(conflict.verdict)}" if conflict.verdict else ""
        parts.append(f"**{word('conflict', language)}** {_inert(conflict.about)}\n\n{sides}{verdict}")
    shown = [tool for tool in done.tools if tool.steps and not all(step in done.answer for step in tool.steps)]
    parts += [f"**{word('calculation', language)}**\n\n" + "\n".join(f"1. {_inert(step)}" for step in tool.steps) for tool in shown]
    if done.citations:
        parts += [f"**{word('sources', language)}**", "\n".join(_source(n, done, language) for n in range(1, len(done.citations) + 1))]
    return parts


def _source(n: int, done: AnswerDone, language: Language) -> str:
    citation = done.citations[n - 1]
    quote = _inert(" ".join(citation.quote.split()))
    return f"- [{n}] {_inert(where(citation, language))}" + (f"\n  > {quote}" if quote else "")


def _inert(text: str) -> str:
    """Markup, images and links of documents and users stay text in whatever shows the file."""
    return re.sub(r"\]\(", r"]\(", text.replace("<", "&lt;"))
