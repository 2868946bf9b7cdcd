"""One message that is to leave: text in the platform's own markup, a picture of a chart, or a file. Kept in the outbox as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

from agent.events import Chart, Language


@dataclass(frozen=True, slots=True)
class Payload:
    """`text` is the body of a text or a file, the caption of a picture. The part with `first` replaces the text shown so far;
    the one with `turn_id` carries the buttons for thumbs."""

    kind: Literal["text", "chart", "file"] = "text"
    text: str = ""
    language: Language = "zh"
    first: bool = False
    turn_id: str = ""
    chart: Chart | None = None
    name: str = ""


@cache
def _adapter() -> TypeAdapter[Payload]:
    return TypeAdapter(Payload)


def dump_payload(payload: Payload) -> dict[str, Any]:
    """JSON values of a payload."""
    dumped: dict[str, Any] = _adapter().dump_python(payload, mode="json")
    return dumped


def load_payload(data: Any) -> Payload:
    """The payload of `dump_payload`'s values."""
    return _adapter().validate_python(data)
