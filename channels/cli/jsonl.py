"""JSON lines on standard input: a broken line is reported in its place and never stops the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any


def read_objects(stream: Iterable[bytes | str]) -> Iterator[tuple[int, dict[str, Any], str | None]]:
    """(line number, object, error) of each line that is not blank; the object is empty where there is an error.

    Lines are UTF-8; a byte order mark before the first is no fault.
    """
    for number, raw in enumerate(stream, 1):
        try:
            text = raw if isinstance(raw, str) else raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            yield number, {}, f"line {number}: not UTF-8 (byte {error.start + 1}); save the input as UTF-8"
            continue
        if not text.strip():
            continue
        try:
            data = json.loads(text)
        except ValueError as error:
            yield number, {}, f"line {number}: no JSON: {error}"
            continue
        if not isinstance(data, dict):
            yield number, {}, f"line {number}: found {type(data).__name__}, expected an object {{...}}"
            continue
        yield number, data, None
