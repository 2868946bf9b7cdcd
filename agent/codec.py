"""Finished answers as JSON values and back, so that they outlive the process that gave them."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter

from agent.events import AnswerDone


@cache
def _adapter() -> TypeAdapter[AnswerDone]:
    return TypeAdapter(AnswerDone)


def dump_done(done: AnswerDone) -> dict[str, Any]:
    """JSON-ready values; `load_done` gives an equal answer back, but for `Decimal`s inside tool records, which become text."""
    # Charts may hold whole numbers where a float is declared, which is no reason for a warning.
    return cast(dict[str, Any], _adapter().dump_python(done, mode="json", warnings=False))


def load_done(data: Any) -> AnswerDone:
    """The answer of `dump_done`'s values. Raises `pydantic.ValidationError` for anything else."""
    return _adapter().validate_python(data)
