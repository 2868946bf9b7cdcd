"""One catalog YAML file -> plain data, and the line of every piece of it.

Scalars stay as they are written wherever YAML's own guess would lose something: `5.10` keeps its zero, `yes` is a word,
a date is text. The schema says what each value means.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from kb.catalog.schema import CatalogFile, ClaimRecord, ConditionRecord, EntityRecord, FieldRecord, VendorRecord

Path_ = tuple[str | int, ...]
Lines = Mapping[Path_, int]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_LISTS = "fields, conditions, vendors, entities, extends"
_EXPECTED = {
    "entities": ", ".join(EntityRecord.model_fields),
    "claims": ", ".join(ClaimRecord.model_fields),
    "fields": ", ".join(FieldRecord.model_fields),
    "conditions": ", ".join(ConditionRecord.model_fields),
    "vendors": ", ".join(VendorRecord.model_fields),
}


def _scalar(node: yaml.ScalarNode) -> str | int | bool | None:
    if node.style in ("'", '"', "|", ">"):
        return str(node.value)
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if node.value in ("true", "True", "false", "False"):
        return bool(node.value in ("true", "True"))
    if node.tag == "tag:yaml.org,2002:int" and _INTEGER.fullmatch(node.value):
        return int(node.value)
    return str(node.value)


def _build(node: yaml.Node, path: Path_, lines: dict[Path_, int], problems: list[tuple[int, str]]) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, index), lines, problems) for index, child in enumerate(node.value)]
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in data:
            problems.append((key_node.start_mark.line + 1, f"the key {key!r} is given twice; expected once; merge the two"))
        data[key] = _build(value_node, (*path, key), lines, problems)
        lines[(*path, key)] = key_node.start_mark.line + 1
    return data


def line_of(lines: Lines, path: Path_) -> int:
    """The line of the piece at `path`, or of the nearest piece around it."""
    for end in range(len(path), -1, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return 1


def _explain(error: Any, kind: str) -> str:
    key = str(error["loc"][-1])
    expected = _EXPECTED.get(kind, "")
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, expected.split(", "), n=1)
        fix = f"did you mean {near[0]!r}?" if near else "remove it"
        return f"unknown key {key!r}; expected one of: {expected or _LISTS}; {fix}"
    if error["type"] == "missing":
        return f"{key!r} is missing; expected in every item of {kind}; add it"
    found = repr(error["input"])
    return f"{key!r} is {found[:80]}; {error['msg'][:1].lower()}{error['msg'][1:]}; correct the value"


def read_catalog_file(path: Path) -> tuple[CatalogFile | None, Lines, list[str]]:
    """Reads and checks the shape of one file.

    Returns the file (None if its shape is wrong), the line of every piece by its path (`("entities", 0, "name")`), and the
    problems as `file:line: what was found; expected; fix`. All problems are returned, not the first.
    """
    lines: dict[Path_, int] = {}
    problems: list[tuple[int, str]] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return None, lines, [f"{path}:1: the file cannot be read ({error}); expected UTF-8 YAML; save it as UTF-8"]
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        return None, lines, [f"{path}:{mark.line + 1 if mark else 1}: not valid YAML ({what}); expected a mapping; correct the syntax"]
    finally:
        loader.dispose()
    if not isinstance(node, yaml.MappingNode):
        return None, lines, [f"{path}:1: no mapping found; expected at least one of: {_LISTS}; add one"]
    data = _build(node, (), lines, problems)
    record: CatalogFile | None = None
    try:
        record = CatalogFile.model_validate(data)
    except ValidationError as error:
        seen: set[tuple[int, str]] = set()
        for item in error.errors():
            location = tuple(part for part in item["loc"] if part not in ("str", "int", "float", "bool", "list[str]"))
            kind = "claims" if "claims" in location[:-1] else str(location[0]) if location else ""
            problem = (line_of(lines, location), _explain({**item, "loc": location or ("file",)}, kind))
            if problem not in seen:
                seen.add(problem)
                problems.append(problem)
    return record, lines, [f"{path}:{line}: {what}" for line, what in sorted(problems)]
