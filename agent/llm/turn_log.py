"""A log of turns with a model, one JSON line each, secrets removed; off unless a file is named."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agent.events import AnswerDone
from agent.llm.endpoint import Endpoint
from kb.settings import Settings

if TYPE_CHECKING:
    from agent.llm.release import Release
    from agent.llm.turn import Turn

log = logging.getLogger("advisor")
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|xai|gsk|hf|ghp|glpat)[-_][A-Za-z0-9_\-]{12,}|\bBearer\s+[A-Za-z0-9._\-]{12,}|\bAKIA[A-Z0-9]{12,}|\beyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9._\-]+"
    r"|(?i:(?:api[_-]?key|secret|token)\s*[:=：]\s*|(?:password|passwd|密码|密钥)\s*(?:是|为|is)?\s*[:=：]?\s*)[!-~]{6,}"
)
_MASK = "********"
_lock = threading.Lock()


def write_turn(settings: Settings, endpoint: Endpoint, turn: Turn, done: AnswerDone, release: Release) -> None:
    """Appends the turn to the log file, if there is one. A log that cannot be written is a warning, never a failed answer."""
    if settings.llm_log is None:
        return
    record = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "url": endpoint.shown,
        "model": endpoint.model,
        "question": turn.question,
        "offline": turn.offline.answer,
        "said": turn.said,
        "answer": done.answer,
        "mode": done.mode,
        "notice": done.notice,
        "removed": release.unsupported,
        "false_marks": release.broken_marks,
        "calls": turn.calls,
        "usage": dict(done.usage) | {"estimated": turn.spent.estimated},
        "first_token_s": None if turn.first_token_s is None else round(turn.first_token_s, 3),
        "offline_ms": turn.offline.ms,
        "model_s": round(time.perf_counter() - turn.started, 3),
    }
    secrets = [s for s in (endpoint.api_key, settings.api_keys.get_secret_value()) if s]
    line = json.dumps(without_secrets(record, secrets), ensure_ascii=False, default=str)
    try:
        settings.llm_log.parent.mkdir(parents=True, exist_ok=True)
        with _lock, settings.llm_log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        log.warning("ADVISOR_LLM_LOG: %s cannot be written (%s)", settings.llm_log, error.strerror)


def without_secrets(value: Any, secrets: Sequence[str]) -> Any:
    """The value with known secrets and what looks like one masked, in every text it holds."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, _MASK)
        return _SECRET.sub(_MASK, value)
    if isinstance(value, Mapping):
        return {key: without_secrets(v, secrets) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_secrets(v, secrets) for v in value]
    return value
