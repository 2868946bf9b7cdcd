"""Tool calls that a model writes into its text instead of the protocol's own field, and what of a text is thinking aloud."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

_FENCE = re.compile(
    r"```(?:json|tool_call|tool_code|xml)?\s*|```|</?tool_calls?>|</?function_calls?>|<\|?[a-z_]*tool[a-z_]*\|?>", re.IGNORECASE
)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_NAME_KEYS = ("name", "tool", "tool_name", "function")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input", "kwargs")


@dataclass(frozen=True, slots=True)
class TextCall:
    """A call that stood in text."""

    name: str
    arguments: dict[str, Any]


def without_thoughts(text: str) -> str:
    """The text without `<think>` blocks; one that is not closed yet reaches to the end."""
    return _THOUGHT.sub("", text)


def looks_like_a_call(text: str) -> bool:
    """Whether a text that may still grow begins like a call, so that it must not be shown yet."""
    start = text.lstrip()
    return start.startswith(("{", "[{", "```", "<tool", "<function", "<|")) or (bool(start) and "<tool_call>".startswith(start))


def calls_in_text(text: str, tools: Collection[str]) -> list[TextCall]:
    """Calls of known tools in a text: JSON objects with a name and arguments, bare, fenced, tagged, or `name({...})`."""
    text = without_thoughts(text)
    found: list[TextCall] = []
    for value in _json_values(_FENCE.sub(" ", text)):
        for record in value if isinstance(value, list) else [value]:
            call = _call(record, tools)
            if call is not None and call not in found:
                found.append(call)
    if found:
        return found
    for match in re.finditer(r"(?<![\w.])(\w+)\s*\(\s*(?=\{)", text):
        if match[1] in tools:
            arguments = next(_json_values(text[match.end() :]), None)
            if isinstance(arguments, dict):
                found.append(TextCall(match[1], arguments))
    return found


def _json_values(text: str) -> Iterator[Any]:
    """Every JSON object or list in a text, outermost ones."""
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        start = min((i for i in (text.find("{", at), text.find("[", at)) if i >= 0), default=-1)
        if start < 0:
            return
        try:
            value, end = decoder.raw_decode(text, start)
        except ValueError:
            at = start + 1
            continue
        yield value
        at = end


def _call(record: Any, tools: Collection[str]) -> TextCall | None:
    if not isinstance(record, dict):
        return None
    inner = record.get("function")
    if isinstance(inner, dict):
        return _call(inner, tools)
    name = next((record[key] for key in _NAME_KEYS if isinstance(record.get(key), str)), None)
    if name not in tools:
        return None
    arguments: Any = next((record[key] for key in _ARGUMENT_KEYS if key in record), {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return None
    return TextCall(str(name), arguments) if isinstance(arguments, dict) else None
