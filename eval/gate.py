"""Gates: floors and ceilings per slice, and no significant regression against a compared run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.compare import compare_by_slice
from eval.metrics import measure, slices
from eval.outcome import Result, Verdict
from kb.errors import UsageError


class Gate(BaseModel):
    """`floors` and `ceilings`: slice -> metric -> limit (the metric may equal it). `regression_p`: a slice that lost more cases
    than it gained since the compared run, with an exact McNemar p below this, fails; 0 switches that off. `max_lost`: how many cases
    more a category may lose than it gains; offline answers do not vary by themselves, so that a few already mean something. `baseline`:
    a JSONL file of verdicts beside the gate file, compared with where no other run is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    floors: dict[str, dict[str, float]] = Field(default_factory=dict)
    ceilings: dict[str, dict[str, float]] = Field(default_factory=dict)
    regression_p: float = Field(default=0.05, ge=0, le=1)
    max_lost: int | None = Field(default=None, ge=0)
    baseline: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that does not hold; `metric`, `value` and `limit` where it is one of figures."""

    slice: str
    text: str
    metric: str = ""
    value: float | None = None
    limit: float | None = None
    is_floor: bool = True


def load_gate(path: Path) -> Gate:
    if not path.is_file():
        raise UsageError(f"{path}: no such gate file; a gate is YAML with `floors`, `ceilings` and `regression_p`")
    try:
        return Gate.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (ValidationError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: not a gate: {str(error).splitlines()[0]}; expected `floors`, `ceilings`, `regression_p`") from None


def load_baseline(gate: Gate, path: Path) -> list[Verdict]:
    """The verdicts that a gate file names; none where it names no file."""
    if not gate.baseline:
        return []
    file = path.parent / gate.baseline
    try:
        return [Verdict.model_validate_json(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError:
        raise UsageError(f"{path}: its baseline {file} cannot be read; `advisor eval gate` writes both") from None
    except ValidationError as error:
        raise UsageError(f"{file}: not verdicts: {str(error).splitlines()[0]}; `advisor eval gate` writes them") from None


def check_gate(gate: Gate, results: Sequence[Result], before: Sequence[Verdict] = ()) -> list[Violation]:
    """Every limit that does not hold. A slice of a suite that this run did not ask is passed over; a missing metric is a violation."""
    named = slices(results)
    asked = {r.suite for r in results}
    violations = []
    for limits, is_floor in ((gate.floors, True), (gate.ceilings, False)):
        for name, metrics in limits.items():
            if name not in named:
                if name.split("/")[0] in asked:
                    violations.append(Violation(name, "the slice has no cases"))
                continue
            violations += _limits(name, measure(named[name]), metrics, is_floor)
    if before:
        violations += _regressions(gate, before, results)
    return violations


def _regressions(gate: Gate, before: Sequence[Verdict], results: Sequence[Result]) -> list[Violation]:
    found = []
    for name, change in compare_by_slice(before, results).items():
        lost = len(change.broken) - len(change.fixed)
        is_category = "/" in name and not name.startswith("lang/")
        too_many = gate.max_lost is not None and is_category and lost > gate.max_lost
        if too_many or (gate.regression_p and change.is_regression(gate.regression_p)):
            text = f"{len(change.broken)} broken, {len(change.fixed)} fixed since the compared run (exact McNemar p={change.p:.3g})"
            found.append(Violation(name, f"{text}: {', '.join(change.broken[:5])}{' ...' if len(change.broken) > 5 else ''}"))
    return found


def _limits(name: str, figures: Mapping[str, Any], limits: Mapping[str, float], is_floor: bool) -> list[Violation]:
    found = []
    for metric, limit in limits.items():
        value = figures.get(metric)
        if value is None:
            found.append(Violation(name, f"{metric} was not measured; expected {'>=' if is_floor else '<='} {limit:g}"))
        elif (value < limit) if is_floor else (value > limit):
            text = f"{metric} {value:g}, expected {'>=' if is_floor else '<='} {limit:g} (n={figures['n']})"
            found.append(Violation(name, text, metric, float(value), limit, is_floor))
    return found
