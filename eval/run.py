"""Runs suites: asks every case, in worker processes where it pays, and keeps each result the moment it is there.

A run folder holds results.jsonl, summary.json and report.html. A run that was broken off (no summary.json) can go on where it
stopped, if nothing that decides its answers has changed since; a finished one is started afresh.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from eval.judge_case import SourceLabels, case_key, result_of
from eval.metrics import measure, slices
from eval.outcome import Answerer, AnswererFactory, Outcome, Result
from eval.suite import Case
from kb.errors import AdvisorError, UsageError

RESULTS, SUMMARY, REPORT, PROGRESS = "results.jsonl", "summary.json", "report.html", "progress.json"
_FEW = 24
"""Below this many cases starting a second process costs more than it saves."""
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases with the name they are reported under and the places that their `sources` labels stand for."""

    name: str
    cases: Sequence[Case]
    labels: SourceLabels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    results: tuple[Result, ...]
    summary: dict[str, Any]

    def write(self, out: Path) -> None:
        """Write the summary: from then on the run counts as finished."""
        (out / SUMMARY).write_text(json.dumps(self.summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


_answerers: dict[str, Answerer] = {}
_factory: AnswererFactory | None = None


def _start_worker(factory: AnswererFactory) -> None:
    global _factory
    _factory = factory
    _answerers.clear()
    if (parent := parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent.join()
    os._exit(1)


def _ask(case: Case) -> Outcome:
    """Runs in a worker. A failed answer becomes a failed outcome, so that one case cannot end a run; a failed opening does end it."""
    assert _factory is not None
    if case.corpus not in _answerers:
        _answerers[case.corpus] = _factory(case.corpus)
    started = time.perf_counter()
    try:
        return _answerers[case.corpus](case.turns)
    except AdvisorError as error:
        return Outcome("", failed=str(error), ms=(time.perf_counter() - started) * 1000)
    except Exception as error:
        return Outcome("", failed=f"{type(error).__name__}: {error}", ms=(time.perf_counter() - started) * 1000)


def _ask_all(cases: Sequence[Case]) -> list[Outcome]:
    return [_ask(case) for case in cases]


def run(
    suites: Sequence[Suite],
    factory: AnswererFactory,
    out: Path,
    *,
    entities: Callable[[str], Sequence[Sequence[str]]] = lambda corpus: (),
    settings: dict[str, Any] | None = None,
    workers: int = 0,
    resume: bool | None = None,
    progress: Callable[[int, int, Result | None], None] = lambda done, total, result: None,
) -> Run:
    """Ask every case of `suites` and write results and summary to `out`.

    `entities(corpus)` are the names of the things that corpus' answers may speak of; `settings` are kept in the summary. `workers` 0
    chooses: one process a core, one alone for few cases. `resume` None goes on with a broken-off run of the same settings and starts
    afresh otherwise; True raises `UsageError` where there is nothing to go on with; False starts afresh.
    """
    out.mkdir(parents=True, exist_ok=True)
    settings = settings or {}
    names: dict[str, Sequence[Sequence[str]]] = {}
    done = _resumable(out, settings, resume)
    todo = [(suite, case) for suite in suites for case in suite.cases if (suite.name, case.id, case_key(case)) not in done]
    total = sum(len(suite.cases) for suite in suites)
    wanted = {(suite.name, case.id, case_key(case)) for suite in suites for case in suite.cases}
    kept = {key: result for key, result in done.items() if key in wanted}
    wrong = sum(not result.correct for result in kept.values())
    started, started_at = time.perf_counter(), datetime.now(UTC)
    chosen = workers or (1 if len(todo) < _FEW else min(os.cpu_count() or 1, 8))
    with _appending(out / RESULTS) as file:
        for index, outcome in _outcomes([case for _, case in todo], factory, chosen):
            suite, case = todo[index]
            if case.corpus not in names:
                names[case.corpus] = entities(case.corpus)
            result = result_of(case, suite.name, outcome, names[case.corpus], suite.labels)
            file.write(result.model_dump_json() + "\n")
            file.flush()
            kept[suite.name, case.id, result.key] = result
            wrong += not result.correct
            (out / PROGRESS).write_text(json.dumps({"done": len(kept), "total": total, "wrong": wrong}), encoding="utf-8")
            progress(len(kept), total, result)
    order = {(suite.name, case.id): n for n, (suite, case) in enumerate((s, c) for s in suites for c in s.cases)}
    results = tuple(sorted(kept.values(), key=lambda r: order[r.suite, r.id]))
    summary = {
        "started": started_at.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - started, 1),
        "workers": chosen,
        "resumed": total - len(todo),
        "settings": settings,
        "suites": {suite.name: len(suite.cases) for suite in suites},
        "slices": {name: measure(part) for name, part in slices(results).items()},
    }
    finished = Run(results, summary)
    (out / RESULTS).write_text("".join(r.model_dump_json() + "\n" for r in results), encoding="utf-8")  # in the suites' order
    finished.write(out)
    (out / PROGRESS).unlink(missing_ok=True)
    return finished


def _outcomes(cases: Sequence[Case], factory: AnswererFactory, workers: int) -> Iterator[tuple[int, Outcome]]:
    """(index, outcome) in the order they are ready. Cases of a corpus of its own go to one worker, so that few open it."""
    if not cases:
        return
    if workers == 1:
        _start_worker(factory)
        for index, case in enumerate(cases):
            yield index, _ask(case)
        return
    batches = _batches(cases)
    # Not forked: the parent may hold threads of a model runtime that do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(factory,)) as pool:
        waiting = {pool.submit(_ask_all, [cases[index] for index in batch]): batch for batch in batches}
        for future in as_completed(waiting):
            yield from zip(waiting[future], future.result(), strict=True)


def _batches(cases: Sequence[Case]) -> list[list[int]]:
    """Indexes of cases, each batch of one corpus; the corpus in use last, in small batches that even out the workers' loads."""
    by_corpus: dict[str, list[int]] = {}
    for index, case in enumerate(cases):
        by_corpus.setdefault(case.corpus, []).append(index)
    shared = by_corpus.pop("", [])
    return [*by_corpus.values(), *(shared[start : start + _BATCH] for start in range(0, len(shared), _BATCH))]


@contextmanager
def _appending(path: Path) -> Iterator[TextIO]:
    with path.open("a", encoding="utf-8") as file:
        yield file


def _resumable(out: Path, settings: dict[str, Any], resume: bool | None) -> dict[tuple[str, str, str], Result]:
    """Results of a run in `out` that was broken off; clears the folder where there is none to go on with."""
    results, summary, marker = out / RESULTS, out / SUMMARY, out / "settings.json"
    wanted = json.dumps(settings, ensure_ascii=False, sort_keys=True)
    before = marker.read_text(encoding="utf-8") if marker.exists() and results.exists() and not summary.exists() else ""
    if resume and before != wanted:
        raise UsageError(f"{out}: {_why_not(before, settings)}; run without --resume to start afresh, or give another --out")
    if before != wanted or resume is False:
        results.unlink(missing_ok=True)
        summary.unlink(missing_ok=True)
        marker.write_text(wanted, encoding="utf-8")
        return {}
    good = [r for r in read_results(out) if not r.failed]
    # Written again, because a line that was cut off would swallow the next one.
    results.write_text("".join(r.model_dump_json() + "\n" for r in good), encoding="utf-8")
    return {(r.suite, r.id, r.key): r for r in good}


def _why_not(before: str, settings: dict[str, Any]) -> str:
    if not before:
        return "no run there was broken off"
    then = json.loads(before)
    changed = sorted(name for name in {*then, *settings} if then.get(name) != settings.get(name))
    return f"the run there was broken off under another {' and '.join(changed)}"


def read_results(path: Path) -> list[Result]:
    """Results of a run folder or of its results.jsonl. A last line that was cut off is dropped; any other bad line is an error."""
    file = path / RESULTS if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"{path}: no run there; expected a folder that `advisor eval --out` wrote")
    lines = file.read_text(encoding="utf-8").splitlines()
    results = []
    for number, line in enumerate(lines, start=1):
        try:
            results.append(Result.model_validate_json(line))
        except ValidationError:
            if number < len(lines):
                raise UsageError(f"{file}:{number}: not a result line; the file was changed by something else") from None
    return list({(r.suite, r.id): r for r in results}.values())
