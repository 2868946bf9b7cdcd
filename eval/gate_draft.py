"""A gate from a run: each floor is the lower end of what was measured, so that chance alone seldom turns it red."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from eval.metrics import measure, slices
from eval.outcome import Result, Verdict
from eval.stats import wilson_interval

MIN_CASES = 8
"""A category with fewer cases gets no floor of its own: its interval is too wide to say anything."""

MAX_LOST = 1
"""Cases that a category may lose net: an improvement elsewhere may cost an odd question, two of one kind are looked at."""

_SUITE_FLOORS = ("accuracy", "refusal_precision", "refusal_recall", "conflict_recall", "recall_at_5")
_NEVER = ("errors", "unsupported_numbers")
_CEILINGS = ("errors", "unsupported_numbers", "answers_with_untraced_numbers")


def draft_gate(results: Sequence[Result], baseline: str) -> str:
    """A gate file as YAML, the measured figure beside each limit. Floors: the lower end of the 95% Wilson interval, rounded down;
    ceilings on counts: the upper end, but none of `_NEVER` where none was measured."""
    floors, ceilings = [], []
    for name, part in slices(results).items():
        is_category = "/" in name
        if name.startswith("lang/") or (is_category and len(part) < MIN_CASES):
            continue
        floors.append(_line(name, *_floors(part, ("accuracy",) if is_category or name == "all" else _SUITE_FLOORS)))
        if not is_category:
            ceilings.append(_line(name, *_ceilings(part)))
    head = "# What a change must not fall below: written by `advisor eval gate`, the measured figures behind each limit.\n"
    head += "# Slices: all, a suite, suite/category, lang/zh. Metrics: those of summary.json.\n"
    return f"{head}floors:\n{''.join(floors)}ceilings:\n{''.join(ceilings)}regression_p: 0.05\nmax_lost: {MAX_LOST}\nbaseline: {baseline}\n"


def write_gate(results: Sequence[Result], path: Path) -> Path:
    """Write the gate and, beside it, the verdicts that later runs are compared with; returns the path of those."""
    verdicts = path.with_name(f"{path.stem}.baseline.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draft_gate(results, verdicts.name), encoding="utf-8")
    kept = (Verdict.model_validate(result.model_dump(include=set(Verdict.model_fields))) for result in results)
    verdicts.write_text("".join(v.model_dump_json() + "\n" for v in kept), encoding="utf-8")
    return verdicts


def _floors(part: Sequence[Result], metrics: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    measured = {name: value for name, value in measure(part).items() if name in metrics}
    limits = {}
    for name in metrics:
        if name in measured:
            low, _ = wilson_interval(round(measured[name] * (n := _tried(part, name))), n)
            limits[name] = math.floor(low * 100) / 100
    return limits, {name: measured[name] for name in limits}


def _ceilings(part: Sequence[Result]) -> tuple[dict[str, float], dict[str, float]]:
    figures = measure(part)
    measured = {name: float(figures[name]) for name in _CEILINGS}
    limits = {}
    for name, count in measured.items():
        _, high = wilson_interval(min(int(count), len(part)), len(part))
        limits[name] = float(math.ceil(high * len(part))) if count or name not in _NEVER else 0.0
    return limits, measured


def _tried(part: Sequence[Result], metric: str) -> int:
    """How many cases a share was taken over."""
    counts: Mapping[str, int] = {
        "refusal_precision": sum(r.refused for r in part),
        "refusal_recall": sum(r.expect.get("refuse") is True for r in part),
        "conflict_recall": sum(r.expect.get("conflict") is True for r in part),
        "recall_at_5": sum("recall_at_5" in r.retrieval for r in part),
    }
    return counts.get(metric, len(part))


def _line(name: str, limits: Mapping[str, float], measured: Mapping[str, float]) -> str:
    shown = ", ".join(f"{metric}: {limit:g}" for metric, limit in limits.items())
    return f"  {name}: {{{shown}}}  # {', '.join(f'{value:g}' for value in measured.values())}\n"
