"""One calculator line in, one out: `{"id", "kind", "inputs"}` -> `{"id", "value", "unit", "error"}`.

Explicit inputs win over the catalog. A field that no kind of the family knows is an error that names the allowed ones: a
misspelt input must not be silently ignored. Nothing a caller can write raises past `run_line`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agent.sizing.calc_fields import ALIASES, FIELDS, MEMORY_UNITS
from agent.sizing.errors import SizingError
from agent.sizing.inputs import exact
from agent.sizing.steps import Calculation, plain
from kb.errors import AdvisorError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a calculator reports, and the calculation behind it."""

    value: Any
    unit: str
    calculation: Calculation


@dataclass(frozen=True, slots=True)
class Kind:
    """A calculator: its fields, what it reports, and the function that does it."""

    name: str
    summary: str
    fields: tuple[str, ...]
    run: Callable[[dict[str, Any]], Outcome]
    example: str = ""


def kinds() -> dict[str, Kind]:
    """Every calculator by name."""
    from agent.sizing.calc_money import MONEY_KINDS
    from agent.sizing.calc_plan import PLAN_KINDS
    from agent.sizing.calc_sizing import SIZING_KINDS

    return {kind.name: kind for kind in (*SIZING_KINDS, *MONEY_KINDS, *PLAN_KINDS)}


def kind_of(name: Any) -> Kind:
    """The calculator of that name; raises `SizingError` naming the known ones."""
    known = kinds()
    word = str(name).strip().lower().replace("-", "_")
    if word not in known:
        raise SizingError(f"unknown kind {name!r}; known: {', '.join(known)}", f"没有计算器 {name!r}；可用：{'、'.join(known)}")
    return known[word]


def normal_inputs(kind: Kind, given: Any) -> dict[str, Any]:
    """Inputs under their own names: aliases resolved, `_gb`/`_gib` forms of byte fields converted, null left out."""
    if not isinstance(given, Mapping):
        raise SizingError(f"inputs is {type(given).__name__}; expected an object of fields")
    found: dict[str, Any] = {}
    unknown: list[str] = []
    for key, value in given.items():
        name, amount = _field(kind, str(key), value)
        if name is None:
            unknown.append(str(key))
        elif name in found:
            raise SizingError(f"{key}: {name} is given twice")
        elif amount is not None:
            found[name] = amount
    if unknown:
        raise SizingError(
            f"{kind.name}: unknown field {', '.join(unknown)}; allowed: {', '.join(kind.fields)}",
            f"{kind.name}：不认识的字段 {'、'.join(unknown)}；可用：{'、'.join(kind.fields)}",
        )
    return found


def _field(kind: Kind, key: str, value: Any) -> tuple[str | None, Any]:
    if key in kind.fields:
        return key, value
    alias = ALIASES.get(key)
    if alias in kind.fields:
        return alias, value
    for suffix, factor in MEMORY_UNITS.items():
        for middle in ("", "_per_gpu"):
            if key.endswith(suffix + middle):
                name = key[: -len(suffix + middle)] + "_bytes" + middle
                if name in kind.fields:
                    unit = suffix.strip("_")
                    return name, exact(value, key, high=10**9, zero=True, kind=unit) * factor if value is not None else None
    return None, None


def calculate(kind_name: Any, inputs: Any) -> Outcome:
    """Runs one calculator. Raises `SizingError` (or another `AdvisorError`) for anything that cannot be calculated."""
    kind = kind_of(kind_name)
    return kind.run(normal_inputs(kind, inputs))


def answer(line_id: Any, outcome: Outcome) -> dict[str, Any]:
    """The output line of a success."""
    return {"id": line_id, "value": plain(outcome.value), "unit": outcome.unit, "error": None}


def failure(line_id: Any, message: str) -> dict[str, Any]:
    """The output line of a failure."""
    return {"id": line_id, "value": None, "unit": None, "error": message}


def run_line(line: str) -> dict[str, Any]:
    """One JSON line in, one result out; every failure is in `error`."""
    line_id: Any = None
    try:
        data = json.loads(line)
        if not isinstance(data, dict):
            raise SizingError("expected an object with id, kind and inputs")
        line_id = data.get("id")
        if "kind" not in data:
            raise SizingError(f"kind is missing; known: {', '.join(kinds())}")
        return answer(line_id, calculate(data["kind"], data.get("inputs") or {}))
    except AdvisorError as error:
        return failure(line_id, str(error))
    except json.JSONDecodeError as error:
        return failure(line_id, f"not valid JSON: {error}")
    except (ArithmeticError, TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        return failure(
            line_id, f"cannot be calculated ({error.__class__.__name__}: {error}); check the inputs against `advisor calc KIND --help`"
        )


def describe(kind: Kind) -> str:
    """The fields of a kind, one a line."""
    width = max(len(name) for name in kind.fields)
    return "\n".join(f"  {name:<{width}}  {FIELDS.get(name, '')}" for name in kind.fields)
