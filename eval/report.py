"""One self-contained HTML page about a run: no script or font from elsewhere, readable in light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from eval.compare import Change
from eval.gate import Violation
from eval.outcome import Result

_HERE = Path(__file__).parent
_TILES = {
    "numbers": "percent", "facts": "percent", "refusal_precision": "percent", "refusal_recall": "percent", "conflict_recall": "percent",
    "choice": "percent", "recall_at_5": "percent", "mrr": "plain", "ndcg_at_10": "plain", "citation_precision": "percent",
    "citation_recall": "percent", "answers_with_untraced_numbers": "count", "unsupported_numbers": "count", "p50_ms": "ms", "p95_ms": "ms",
    "tokens": "count",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """A share with its Wilson interval, drawn 0..100."""

    label: str
    correct: int
    n: int
    share: float
    low: float
    high: float

    @classmethod
    def of(cls, label: str, figures: Mapping[str, Any]) -> Bar:
        low, high = figures["interval"]
        return cls(label, figures["correct"], figures["n"], figures["accuracy"] * 100, low * 100, high * 100)


@dataclass(frozen=True, slots=True)
class Tile:
    label: str
    value: str
    hint: str


def render(
    summary: Mapping[str, Any],
    results: Sequence[Result],
    *,
    change: Change | None = None,
    compared_with: str = "",
    violations: Sequence[Violation] | None = None,
    judge: Mapping[str, Any] | None = None,
    lang: str = "zh",
) -> str:
    """The page as HTML. `violations` None: no gate was asked for; `judge`: an optional model's verdicts, shown apart."""
    words = _words()[lang]
    figures = summary["slices"]
    by_suite = [
        (suite, Bar.of(suite, figures[suite]), [Bar.of(n.split("/", 1)[1], figures[n]) for n in figures if n.startswith(f"{suite}/")])
        for suite in summary["suites"]
    ]

    def title(name: str) -> str:
        known = _words()["titles"].get(name)
        return str(known[lang]) if known else name

    def slice_title(name: str) -> str:
        return " / ".join(title(part) for part in name.split("/"))

    html: str = _template().render(
        title=title,
        slice_title=slice_title,
        limit=lambda violation: _limit(violation, words),
        w=words,
        lang="zh-CN" if lang == "zh" else "en",
        summary=summary,
        headline=Bar.of("", figures["all"]),
        tiles=_tiles(figures["all"], words),
        by_suite=by_suite,
        by_lang=[Bar.of(name.split("/")[1], figures[name]) for name in figures if name.startswith("lang/")],
        reasons=figures["all"]["reasons"],
        failures=[r for r in results if not r.correct],
        change=change,
        compared_with=compared_with,
        by_name={r.name: r for r in results},
        violations=violations,
        judge=judge,
        expected=_expected,
        shorten=_shorten,
    )
    return html


def _limit(violation: Violation, words: Mapping[str, Any]) -> str:
    """A limit that does not hold, in words."""
    name = words["accuracy"] if violation.metric == "accuracy" else words["metrics"].get(violation.metric, [""])[0]
    if not name or violation.value is None or violation.limit is None:
        return violation.text
    is_share = _TILES.get(violation.metric, "percent") == "percent"
    shown = [f"{number:.1%}" if is_share else f"{number:g}" for number in (violation.value, violation.limit)]
    return f"{name} {words['below' if violation.is_floor else 'above'].format(*shown)}"


def titles(slice_names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Names of suites and categories in both languages, for those that have one."""
    known = _words()["titles"]
    parts = {part for name in slice_names for part in name.split("/") if part in known}
    return {part: dict(known[part]) for part in sorted(parts)}


def _tiles(figures: Mapping[str, Any], words: Mapping[str, Any]) -> list[Tile]:
    tiles = []
    for name, form in _TILES.items():
        value = figures.get(name)
        if value is None or (name == "tokens" and not value):
            continue
        shown = {"percent": f"{value * 100:.1f}%", "plain": f"{value:.3f}", "ms": f"{value:.0f} ms", "count": f"{value:,}"}[form]
        tiles.append(Tile(words["metrics"][name][0], shown, words["metrics"][name][1]))
    return tiles


def _expected(result: Result) -> list[str]:
    """What a case expects, one line an expectation."""
    expect = result.expect
    lines = [f"{n['value']:g} {n.get('unit', '')} (±{n.get('rel_tol', 0.01):.1%})" for n in expect.get("numbers", [])]
    lines += [" / ".join(group[:8]) + (" / …" if len(group) > 8 else "") for group in expect.get("all_of", [])]
    lines += [f"✗ {form}" for form in expect.get("none_of", [])]
    lines += [f"→ {' / '.join(expect['models'])}"] if expect.get("models") else []
    lines += [f"{name} = {str(expect[name]).lower()}" for name in ("refuse", "conflict") if expect.get(name) is not None]
    return lines


def _shorten(data: Any, limit: int = 900) -> str:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, default=str)
    return text if len(text) <= limit else text[:limit] + " …"


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_HERE / "report.yaml").read_text(encoding="utf-8"))
    return loaded


@lru_cache(maxsize=1)
def _template() -> Any:
    loader = FileSystemLoader(_HERE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("report.html.j2")
