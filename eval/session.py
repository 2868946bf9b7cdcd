"""One evaluation from start to report: which suites, against which corpora, compared with what, held against which gate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml

from eval.answerers import AgentFactory, entity_names
from eval.baselines import baselines
from eval.compare import Change, compare
from eval.gate import Violation, check_gate, load_baseline, load_gate
from eval.intake import needs_review
from eval.latest import Folders, only_one
from eval.modes import side_by_side, table_lines
from eval.outcome import Result
from eval.prepare import prepare
from eval.report import render, titles
from eval.run import REPORT, SUMMARY, Run, Suite, read_results, run
from eval.state import holds_other_documents, run_state
from eval.suite import Case, load_suite
from kb.errors import SettingsError, UsageError
from kb.settings import Settings, get_settings

SHIPPED = Path(__file__).parent / "suites"
DEFAULT_SUITES = ("advisor", "fresh", "buyers", "readers", "dialogues", "robustness", "retrieval")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for; see `advisor eval --help`."""

    suites: tuple[str, ...] = ()
    mode: str = "offline"
    out: Path | None = None
    gate: Path | None = None
    compare: Path | None = None
    workers: int = 0
    lang: str = "zh"
    judge: bool = False
    resume: bool | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The run, the path of its report, and what the gate says (None: no gate)."""

    run: Run
    report: Path
    violations: Sequence[Violation] | None
    change: Change | None

    @property
    def summary(self) -> dict[str, Any]:
        return self.run.summary

    def lines(self) -> list[str]:
        """The outcome for a terminal: one line a suite, what knows nothing beside it, and what changed."""
        shown = []
        for name in ("all", *self.summary["suites"]):
            figures = self.summary["slices"][name]
            low, high = figures["interval"]
            share = f"{figures['accuracy']:6.1%}  {figures['correct']}/{figures['n']}  [{low:.1%}, {high:.1%}]"
            shown.append(f"{name:12} {share}  p95 {figures['p95_ms']:.0f} ms")
        if self.summary["resumed"]:
            shown.append(f"{self.summary['resumed']} answers were taken over from the run that was broken off")
        for name, said in (("refuse", "always refuses"), ("echo", "repeats the question")):
            base = self.summary["baselines"][name]
            shown.append(f"for scale: an answerer that {said}: {base['accuracy']:.1%}, {base['answerable']:.1%} of what can be answered")
        if self.change is not None:
            shown.append(f"compared: {len(self.change.fixed)} fixed, {len(self.change.broken)} broken, exact McNemar p={self.change.p:.3g}")
        return shown + table_lines(self.summary["modes"]) if self.summary.get("modes") else shown


class Progress(Protocol):
    def __call__(self, done: int, total: int, result: Result | None = None) -> None: ...

    def note(self, text: str) -> None: ...


def evaluate(request: Request, progress: Progress) -> Finished:
    """Run the suites and write results, summary and report: to `request.out`, or to the data folder's own place for the last run,
    compared there with the run before unless another one is named."""
    settings = get_settings()
    if not request.suites:
        request = replace(request, suites=default_suites(settings.home))
    if request.mode == "llm" and not (settings.llm_base_url and settings.llm_model):
        raise SettingsError("--mode llm needs a language model: set ADVISOR_LLM_BASE_URL and ADVISOR_LLM_MODEL")
    if request.out is not None:
        if request.compare and request.compare.resolve() == request.out.resolve():
            raise UsageError(f"--compare {request.compare} is the folder this run writes to; give another --out")
        return _evaluate(request, settings, request.out, request.compare, progress)
    folders = Folders.of(settings.home)
    with only_one(folders):
        before = request.compare or (folders.last if (folders.last / SUMMARY).is_file() else None)
        finished = _evaluate(request, settings, folders.running, before, progress)
        folders.publish()
    return replace(finished, report=folders.last / REPORT)


def _evaluate(request: Request, settings: Settings, out: Path, compared: Path | None, progress: Progress) -> Finished:
    gate = load_gate(request.gate) if request.gate else None
    if asks_about_shipped(request.suites) and holds_other_documents(settings.home):
        raise UsageError(
            f"the shipped suites ask about the shipped documents, which {settings.home} does not hold: add them with `advisor ingest`, or "
            f"keep suites about yours in {settings.home / 'suites'} (`advisor eval new` drafts one)"
        )
    before = _before(request, compared, progress)
    suites: list[Suite] = []
    homes: dict[str, Path] = {}
    for path in _paths(request.suites):
        if cases := _reviewed(path, progress):
            suites.append(Suite(path.stem, cases, _labels(path)))
        homes |= prepare(path, settings, progress.note)

    if not suites:
        raise UsageError("no case is left to ask: write what right answers contain into the suite (`expect`), then run it again")

    @cache
    def entities(corpus: str) -> Sequence[Sequence[str]]:
        return entity_names(homes.get(corpus, settings.home))

    factory = AgentFactory(request.mode, {"": str(settings.home), **{name: str(home) for name, home in homes.items()}})
    finished = run(
        suites,
        factory,
        out,
        entities=entities,
        settings=run_state(settings, request.mode),
        # A model's service on this machine serves one at a time; more askers would only wait into their timeouts.
        workers=request.workers or (1 if request.mode == "llm" else 0),
        resume=request.resume,
        progress=progress,
    )
    verdicts = None
    if request.judge:
        from eval.llm_judge import judge  # opens a connection to the configured model

        verdicts = judge(finished.results, settings, progress.note)
    if request.mode == "llm" and (offline := sum(r.mode != "llm" for r in finished.results)):
        why = "it was not needed, failed, or said what the check does not let pass"
        progress.note(f"{offline} of {len(finished.results)} answers stand without the language model's words: {why}")
    violations = None
    if request.gate and gate:
        # What changed since the run before is shown; held against is only what was asked for, or the gate's own baseline.
        violations = check_gate(gate, finished.results, before if request.compare else load_baseline(gate, request.gate))
    change = compare(before, finished.results) if before else None
    compared_with = str(request.compare or (_started(compared) if compared else ""))
    if request.mode == "llm":
        finished.summary["cost"] = _cost(settings.llm_model, finished.results)
    finished.summary["titles"] = titles(finished.summary["slices"])
    finished.summary["baselines"] = baselines([case for suite in suites for case in suite.cases], entities)
    finished.summary["gate"] = None if violations is None else {"file": str(request.gate), "violations": [asdict(v) for v in violations]}
    finished.summary["modes"] = side_by_side(before, finished.results)
    finished.summary["change"] = asdict(change) | {"with": compared_with} if change else None
    finished.write(out)
    html = render(
        finished.summary,
        finished.results,
        change=change,
        compared_with=compared_with,
        violations=violations,
        judge=verdicts,
        lang=request.lang,
    )
    (out / REPORT).write_text(html, encoding="utf-8")
    return Finished(finished, out / REPORT, violations, change)


def _cost(model: str, results: Sequence[Result]) -> dict[str, Any]:
    """Tokens of the language model, and their list price in US dollars; `usd` None for a model that the price list does not have."""
    from agent.llm.usage import Spent, price_usd  # the price list takes a while to load

    asked, said = (sum(r.usage.get(side, 0) for r in results) for side in ("input_tokens", "output_tokens"))
    spent = Spent(asked, said)
    usd, source = price_usd(model, spent) or (None, "")
    return {"model": model, **spent.as_dict(), "usd": None if usd is None else round(float(usd), 6), "price list": source}


def _reviewed(path: Path, progress: Progress) -> list[Case]:
    """The cases that expect something. A case without expectations would be right whatever is said."""
    cases = load_suite(path)
    open_ones = [case.id for case in cases if needs_review(case)]
    if open_ones:
        named = f"{', '.join(open_ones[:5])}{' ...' if len(open_ones) > 5 else ''}"
        progress.note(f"{path}: {len(open_ones)} cases say nothing yet about a right answer and are passed over: {named}")
    return [case for case in cases if not needs_review(case)]


def _before(request: Request, compared: Path | None, progress: Progress) -> list[Result]:
    """Results to compare with. Those of the last run are a convenience: where they cannot be read, the run goes on without them."""
    if compared is None:
        return []
    try:
        return read_results(compared)
    except UsageError as error:
        if request.compare:
            raise
        progress.note(f"not compared with the run before: {error}")
        return []


def _started(run_folder: Path) -> str:
    path = run_folder / SUMMARY
    return str(json.loads(path.read_text(encoding="utf-8"))["started"]) if path.is_file() else ""


def _paths(given: Sequence[str]) -> list[Path]:
    paths = []
    for name in given:
        path = Path(name)
        shipped = SHIPPED / f"{name}.jsonl"
        paths.append(shipped if not path.is_file() and shipped.is_file() else path)
    repeated = {p.stem for p in paths if sum(q.stem == p.stem for q in paths) > 1}
    if repeated:
        raise UsageError(f"two suites are called {', '.join(sorted(repeated))}; results are kept by the file's name, rename one")
    return paths


def default_suites(home: Path) -> tuple[str, ...]:
    """What is asked where no suite is named: the shipped suites, unless the data folder holds other documents, and its own ones."""
    own = tuple(str(path) for path in sorted((home / "suites").glob("*.jsonl")))
    return own if own and holds_other_documents(home) else (*DEFAULT_SUITES, *own)


def asks_about_shipped(suites: Sequence[str]) -> bool:
    """Whether any of these suites asks about the shipped documents."""
    return any(path.parent == SHIPPED for path in _paths(suites))


def shipped_labels() -> dict[str, Sequence[str]]:
    """The places of the shipped corpus that the shipped suites' labels stand for."""
    labels: dict[str, Sequence[str]] = yaml.safe_load((SHIPPED / "labels.yaml").read_text(encoding="utf-8"))
    return labels


def _labels(suite: Path) -> Mapping[str, Sequence[str]]:
    """Labels of `labels.yaml` beside the suite, over the shipped ones."""
    own = suite.parent / "labels.yaml"
    if not own.is_file() or own.resolve() == (SHIPPED / "labels.yaml").resolve():
        return shipped_labels()
    return shipped_labels() | (yaml.safe_load(own.read_text(encoding="utf-8")) or {})
