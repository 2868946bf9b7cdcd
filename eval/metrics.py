"""Figures of a run by slice: all, suite, suite/category and language."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from eval.outcome import Result
from eval.stats import percentile, wilson_interval

_EVIDENCE = ("recall_at_5", "recall_at_10", "mrr", "ndcg_at_10", "citation_precision", "citation_recall")


def slices(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results by slice name: "all", "advisor", "advisor/price", "lang/zh"."""
    named: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        for name in ("all", result.suite, f"{result.suite}/{result.category}", f"lang/{result.lang}"):
            named[name].append(result)
    return dict(named)


def measure(results: Sequence[Result]) -> dict[str, Any]:
    """The figures of one slice. A share is absent where nothing in the slice has it; errors count as wrong and are shown apart."""
    total, correct = len(results), sum(r.correct for r in results)
    low, high = wilson_interval(correct, total)
    times = [r.ms for r in results if not r.failed]
    figures: dict[str, Any] = {
        "n": total,
        "correct": correct,
        "accuracy": _round(correct / total if total else 0.0),
        "interval": [_round(low), _round(high)],
        "errors": sum(bool(r.failed) for r in results),
        "p50_ms": round(percentile(times, 0.50), 1),
        "p95_ms": round(percentile(times, 0.95), 1),
        "unsupported_numbers": sum(r.unsupported_numbers for r in results),
        "answers_with_untraced_numbers": sum(bool(r.untraced) for r in results),
        "tokens": sum(r.usage.get("input_tokens", 0) + r.usage.get("output_tokens", 0) for r in results),
        "reasons": dict(Counter(r.reason for r in results if r.reason).most_common()),
    }
    shares = {
        "numbers": _share(r.checks["numbers"] for r in results if "numbers" in r.checks),
        "facts": _share(r.checks["facts"] for r in results if "facts" in r.checks),
        "must_not": _share(r.checks["must_not"] for r in results if "must_not" in r.checks),
        "choice": _share(r.checks["choice"] for r in results if "choice" in r.checks),
        **_refusal(results),
        **_conflict(results),
        **{name: _mean(r.retrieval[name] for r in results if name in r.retrieval) for name in _EVIDENCE},
    }
    return figures | {name: value for name, value in shares.items() if value is not None}


def _refusal(results: Sequence[Result]) -> dict[str, float | None]:
    """Of all refusals, the share that was right (precision); of all questions to be refused, the share that was (recall)."""
    asked = [(r.refused, r.expect.get("refuse", False)) for r in results if r.expect.get("refuse", False) is not None]
    return {
        "refusal_precision": _share(wanted for refused, wanted in asked if refused),
        "refusal_recall": _share(refused for refused, wanted in asked if wanted),
    }


def _conflict(results: Sequence[Result]) -> dict[str, float | None]:
    wanted = [r for r in results if r.expect.get("conflict") is True]
    unwanted = [r for r in results if r.expect.get("conflict") is False]
    return {
        "conflict_recall": _share(r.checks["conflict"] for r in wanted),
        "conflict_false_alarms": _share(bool(r.conflicts) for r in unwanted),
    }


def _share(values: Iterable[bool]) -> float | None:
    return _mean(1.0 if v else 0.0 for v in values)


def _mean(values: Iterable[float]) -> float | None:
    kept = list(values)
    return _round(sum(kept) / len(kept)) if kept else None


def _round(value: float) -> float:
    return round(value, 4)
