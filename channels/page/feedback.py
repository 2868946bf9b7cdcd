"""Thumbs and reasons, one JSON line each, in the data folder: the suite's next questions come from here."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from channels.page.view import TurnView

FILE_NAME = "feedback.jsonl"
MAX_REASON_CHARS = 2000
_LOCK = threading.Lock()


def store_feedback(home: Path, turns: list[TurnView], turn: int, liked: bool | None, reason: str = "", user: str = "") -> Path:
    """Append one opinion about `turns[turn]`, with the questions that led to it. `liked` None withdraws."""
    done = turns[turn].done
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "turn_id": turns[turn].id,
        "user": user,
        "question": turns[turn].question,
        "rating": {True: "up", False: "down", None: "none"}[liked],
        "reason": reason[:MAX_REASON_CHARS],
        "turns": [view.question for view in turns[: turn + 1]],
        "answer": done.answer if done else "",
        "sources": [citation.source for citation in done.citations] if done else [],
        "mode": done.mode if done else "",
    }
    path = home / FILE_NAME
    home.mkdir(parents=True, exist_ok=True)
    with _LOCK, path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return path
