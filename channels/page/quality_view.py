"""The last evaluation as HTML in both languages: headline, gate, what changed, accuracy by category, what was answered wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.page.quality_job import JobState
from channels.page.safe import escape
from channels.page.words import both_spans, word
from kb.errors import AdvisorError

MAX_FAILURES, MAX_CHANGES = 60, 12
_TILES = (
    ("numbers", "percent"), ("facts", "percent"), ("refusal_recall", "percent"), ("refusal_precision", "percent"),
    ("conflict_recall", "percent"), ("recall_at_5", "percent"), ("citation_precision", "percent"),
    ("answers_with_untraced_numbers", "count"), ("p50_ms", "ms"), ("p95_ms", "ms"),
)  # fmt: skip
_METRICS = {f"q_{name}": form for name, form in _TILES} | {"q_accuracy": "percent", "q_unsupported_numbers": "count"}


@dataclass(frozen=True, slots=True)
class LastRun:
    """What `advisor eval` left in ADVISOR_HOME/eval/last: summary.json, and of results.jsonl the wrong answers and every case's question
    by "suite/id"."""

    summary: Mapping[str, Any]
    wrong: Sequence[Mapping[str, Any]]
    questions: Mapping[str, str]


def read_last(folder: Path) -> LastRun | None:
    """The last finished run; None where there was none. Raises `AdvisorError` for files that cannot be read."""
    summary, results = folder / "summary.json", folder / "results.jsonl"
    if not summary.is_file():
        return None
    try:
        lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines() if line.strip()]
        questions = {f"{line['suite']}/{line['id']}": str(line["turns"][-1]) for line in lines}
        return LastRun(json.loads(summary.read_text(encoding="utf-8")), [line for line in lines if not line["correct"]], questions)
    except (OSError, ValueError, KeyError) as error:
        raise AdvisorError(f"{folder}: the last evaluation cannot be read ({error}); run `advisor eval` again") from None


def quality_html(last: LastRun | None, can_run: bool) -> str:
    """The whole tab."""
    if last is None:
        more = "q_empty_run" if can_run else "q_empty_ask"
        return f'<div class="adv-welcome"><h2>{_both("q_empty")}</h2><p>{_both("q_empty_more")}</p><p>{_both(more)}</p></div>'
    figures = last.summary["slices"]
    parts = [_headline(last.summary), _tiles(figures["all"]), _gate(last.summary), _changes(last), _bars(last.summary)]
    parts.append(_failures(last.wrong, last.summary))
    return f'<div class="adv-cards adv-quality">{"".join(parts)}</div>'


def progress_html(state: JobState) -> str:
    """The run under way, or what became of it; empty where there is nothing to say."""
    if state.error:
        return f'<p class="adv-notice" role="alert">{_both("q_failed", state.error)}</p>'
    if state.stopped:
        return f'<p class="adv-notice" role="status">{_both("q_stopped")}</p>'
    if not state.running:
        return ""
    share = state.done / state.total if state.total else 0.0
    said = _both("q_progress", state.done, state.total, state.wrong, round(state.seconds)) if state.total else _both("q_starting")
    bar = f'<progress max="1" value="{share:.3f}"></progress>' if state.total else "<progress></progress>"
    return f'<div class="adv-notice adv-q-progress" role="status">{bar}<span>{said}</span></div>'


def _headline(summary: Mapping[str, Any]) -> str:
    figures = summary["slices"]["all"]
    low, high = (f"{share:.1%}" for share in figures["interval"])
    when = str(summary["started"])[:16].replace("T", " ")
    lines = [
        f'<p class="adv-q-head"><b>{figures["accuracy"]:.1%}</b> <span>{_both("q_correct", figures["correct"], figures["n"])}</span> '
        f"<small>{_both('q_interval', low, high)}</small> {_gate_state(summary)}</p>",
        f"<p><small>{_both('q_when', when, summary['seconds'], summary['settings'].get('mode', ''))}</small></p>",
    ]
    if baselines := summary.get("baselines"):
        shares = [f"{baselines[name]['accuracy']:.1%}" for name in ("refuse", "echo")]
        lines.append(f"<p><small>{_both('q_baselines', *shares)}</small></p>")
    if errors := figures.get("errors"):
        lines.append(f'<p class="adv-q-bad">{_both("q_errors", errors)}</p>')
    return "".join(lines)


def _gate_state(summary: Mapping[str, Any]) -> str:
    gate = summary.get("gate")
    if gate is None:
        return f'<span class="adv-q-badge">{_both("q_no_gate")}</span>'
    missed = len(gate["violations"])
    key, tone = ("q_gate_red", "adv-q-bad") if missed else ("q_gate_green", "adv-q-good")
    return f'<span class="adv-q-badge {tone}">● {_both(key, missed)}</span>'


def _tiles(figures: Mapping[str, Any]) -> str:
    tiles = []
    for name, form in _TILES:
        if (value := figures.get(name)) is not None:
            shown = {"percent": f"{value:.1%}", "ms": f"{value:.0f} ms", "count": f"{value:,}"}[form]
            tiles.append(f"<div><span>{_both(f'q_{name}')}</span><b>{shown}</b></div>")
    return f'<div class="adv-q-tiles">{"".join(tiles)}</div>'


def _gate(summary: Mapping[str, Any]) -> str:
    violations = (summary.get("gate") or {}).get("violations") or []
    if not violations:
        return ""
    items = "".join(f"<li><b>{_slice_title(v['slice'], summary)}</b> {_limit(v)}</li>" for v in violations)
    return f'<section class="adv-conflict"><h2>{_both("q_gate_red", len(violations))}</h2><ul>{items}</ul></section>'


def _limit(violation: Mapping[str, Any]) -> str:
    metric, value, limit = violation.get("metric"), violation.get("value"), violation.get("limit")
    if not metric or f"q_{metric}" not in _METRICS or value is None or limit is None:
        return escape(violation["text"])
    shown = [f"{number:.1%}" if _METRICS[f"q_{metric}"] == "percent" else f"{number:g}" for number in (value, limit)]
    return f"{_both(f'q_{metric}')} {_both('q_below' if violation.get('is_floor') else 'q_above', *shown)}"


def _changes(last: LastRun) -> str:
    change = last.summary.get("change")
    if not change:
        return ""
    since = str(change["with"])[:16].replace("T", " ")
    note = f"<small>{_both('q_since', since, change['shared'], format(change['p'], '.2g'))}</small>"
    lists = []
    for key, tone in (("fixed", "adv-q-good"), ("broken", "adv-q-bad")):
        names = change[key]
        items = "".join(f"<li>{escape(last.questions.get(name, ''))} <small>{escape(name)}</small></li>" for name in names[:MAX_CHANGES])
        items += "<li>…</li>" if len(names) > MAX_CHANGES else ""
        lists.append(f'<div><b class="{tone}">{_both(f"q_{key}", len(names))}</b>{f"<ul>{items}</ul>" if items else ""}</div>')
    return f'<section><h2>{_both("q_changes")} {note}</h2><div class="adv-q-groups adv-q-changes">{"".join(lists)}</div></section>'


def _bars(summary: Mapping[str, Any]) -> str:
    figures = summary["slices"]
    groups = []
    for suite in summary["suites"]:
        rows = "".join(_bar(name.split("/", 1)[1], figures[name], summary) for name in figures if name.startswith(f"{suite}/"))
        head = _bar(suite, figures[suite], summary)
        groups.append(f"<details open><summary>{head}</summary>{rows}</details>")
    languages = "".join(_bar(name.split("/")[1], figures[name], summary) for name in figures if name.startswith("lang/"))
    groups.append(f"<details open><summary><h2>{_both('q_by_language')}</h2></summary>{languages}</details>")
    return f'<section><h2>{_both("q_by_category")}</h2><div class="adv-q-groups">{"".join(groups)}</div></section>'


def _bar(name: str, figures: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    share, (low, high) = figures["accuracy"], figures["interval"]
    tone = "adv-q-good" if share >= 0.9 else "adv-q-fair" if share >= 0.7 else "adv-q-bad"
    track = f'<i class="{tone}" style="--w:{share:.4f}"></i><em style="--a:{low:.4f};--b:{high:.4f}"></em>'
    hint = escape(f"{low:.1%} – {high:.1%}")
    return (
        f'<div class="adv-q-row"><span>{_title(name, summary)}</span><span class="adv-q-track" title="{hint}">{track}</span>'
        f"<b>{share:.0%} <small>{figures['correct']}/{figures['n']}</small></b></div>"
    )


def _failures(wrong: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> str:
    if not wrong:
        return f'<section><h2>{_both("q_failures", 0)}</h2><p class="adv-q-good">{_both("q_all_right")}</p></section>'
    shown = "".join(_failure(result, summary) for result in wrong[:MAX_FAILURES])
    left = f"<p><small>{_both('q_more', len(wrong) - MAX_FAILURES)}</small></p>" if len(wrong) > MAX_FAILURES else ""
    return f'<section class="adv-q-wrong"><h2>{_both("q_failures", len(wrong))}</h2>{shown}{left}</section>'


def _failure(result: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    turns = result["turns"]
    before = "".join(f"<p><small>{escape(turn)}</small></p>" for turn in turns[:-1])
    rows = [("q_missing", "; ".join(result["misses"])), ("q_answer", result["answer"] or result.get("failed", ""))]
    places = [f"[{n}] {c['source']} · {c['section']}" for n, c in enumerate(result.get("citations", []), start=1)]
    rows += [("q_evidence", "\n".join(places)), ("q_basis", result.get("why", ""))]
    body = "".join(f"<dt>{_both(key)}</dt><dd>{escape(text[:1500])}</dd>" for key, text in rows if text)
    tags = f'<span class="adv-q-tag adv-q-bad">{_both("q_reason_" + result["reason"])}</span>' if result.get("reason") else ""
    tags += f'<span class="adv-q-tag">{_slice_title(result["suite"] + "/" + result["category"], summary)}</span>'
    return f"<details><summary>{tags}{escape(turns[-1])}</summary>{before}<dl>{body}</dl><small>{escape(result['id'])}</small></details>"


def _slice_title(name: str, summary: Mapping[str, Any]) -> str:
    return " / ".join(_title(part, summary) for part in name.split("/"))


def _title(name: str, summary: Mapping[str, Any]) -> str:
    titles = summary.get("titles", {}).get(name)
    return both_spans(lambda language: escape(titles[language] if titles else name))


def _both(key: str, *values: object) -> str:
    return both_spans(lambda language: escape(word(key, language, *values)))
