"""From an outcome to a scored result: the checks, the evidence metrics, and where a wrong answer went wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from eval.figures import matches, read_figures
from eval.outcome import Outcome, Place, Result
from eval.score import Answered, Score, normalise, score
from eval.stats import ndcg_at, recall_at, reciprocal_rank
from eval.suite import Case
from eval.trace import untraced
from kb.catalog.hardware import default_hardware

SourceLabels = Mapping[str, Sequence[str]]
"""Label of a suite's `sources` -> places that hold it, "file > heading". A label that is missing here is itself such a place."""

_LOOKUPS = {"search", "lookup", "look_up", "catalog", "catalog_lookup", "conflicts"}


def result_of(case: Case, suite: str, got: Outcome, entities: Sequence[Sequence[str]], labels: SourceLabels) -> Result:
    judged = score(case.expect, Answered(got.answer, got.refused, len(got.conflicts), got.failed), entities)
    retrieval = _retrieval(case.expect.sources, got, labels)
    if case.expect.of_search_alone:
        judged = _found(case, retrieval, got)
    return Result(
        suite=suite,
        id=case.id,
        key=case_key(case),
        category=case.category,
        lang=case.lang,
        turns=case.turns,
        expect=case.expect.model_dump(exclude_unset=True),
        why=case.why,
        correct=judged.correct,
        checks=judged.checks,
        misses=list(judged.misses),
        reason="" if judged.correct else reason(case, got, judged, retrieval),
        answer=got.answer,
        refused=got.refused,
        conflicts=list(got.conflicts),
        citations=[asdict(c) for c in got.citations],
        tools=list(got.tools),
        hits=[{"source": h.source, "section": h.section} for h in got.hits],
        mode=got.mode,
        language=got.language,
        ms=got.ms,
        usage=got.usage,
        unsupported_numbers=got.unsupported_numbers,
        untraced=[] if got.refused else untraced(got.answer, _evidence(case, got), _identifiers(entities)),
        retrieval=retrieval,
        notice=got.notice,
        failed=got.failed,
    )


def _found(case: Case, retrieval: Mapping[str, float], got: Outcome) -> Score:
    if got.failed:
        return Score({"answered": False}, (f"failed: {got.failed}",))
    found = retrieval.get("recall_at_5", 0.0) == 1.0
    return Score({"found": found}, () if found else ("in the first five hits: " + " / ".join(case.expect.sources),))


def case_key(case: Case) -> str:
    return hashlib.sha256(case.to_line().encode()).hexdigest()[:16]


def stands_for(place: Place, label: str, labels: SourceLabels) -> bool:
    """Whether a place is one of a label's: every part of it ("file > heading") occurs in the place's file and heading path."""
    where = normalise(place.label)
    return any(all(normalise(part) in where for part in target.split(" > ")) for target in labels.get(label, (label,)))


def _retrieval(wanted: Sequence[str], got: Outcome, labels: SourceLabels) -> dict[str, float]:
    if not wanted:
        return {}
    metrics = {}
    if got.hits:
        found = [frozenset(label for label in wanted if stands_for(hit, label, labels)) for hit in got.hits]
        metrics = {
            "recall_at_5": recall_at(5, found, wanted),
            "recall_at_10": recall_at(10, found, wanted),
            "mrr": reciprocal_rank(found, wanted),
            "ndcg_at_10": ndcg_at(10, found, wanted),
        }
    if got.citations:
        cited = [[label for label in wanted if stands_for(c, label, labels)] for c in got.citations]
        metrics["citation_precision"] = sum(bool(c) for c in cited) / len(cited)
        metrics["citation_recall"] = len({label for c in cited for label in c}) / len(set(wanted))
    return metrics


def _identifiers(entities: Sequence[Sequence[str]]) -> list[str]:
    """Names whose digits are not figures: those of the corpus, and of the hardware that every corpus' answers may speak of."""
    return [*(name for group in entities for name in group), *_hardware_names()]


@cache
def _hardware_names() -> tuple[str, ...]:
    hardware = default_hardware()
    return tuple(name for entry in (*hardware.gpus.values(), *hardware.architectures.values()) for name in entry.names)


def _evidence(case: Case, got: Outcome) -> list[str]:
    return [*case.turns, *(c.text for c in got.citations), _words(got.tools), _words(got.conflicts)]


def _words(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, default=str).replace('"', " ")


def reason(case: Case, got: Outcome, judged: Score, retrieval: Mapping[str, float]) -> str:
    """Where it went wrong, judged from the evidence of the turn: what was found but not said is wording, and so on."""
    if got.failed:
        return "error"
    if not judged.checks.get("found", True):
        return "retrieval"
    found_nothing = retrieval.get("recall_at_10") == 0 and not retrieval.get("citation_recall")
    if not judged.checks.get("refusal", True):
        return "retrieval" if got.refused and found_nothing else "understanding"
    evidence = " ".join(c.text for c in got.citations) + _words(got.tools)
    if not judged.checks.get("numbers", True):
        return _number_reason(case, got, evidence, found_nothing)
    if not judged.checks.get("facts", True):
        text = normalise(evidence)
        missing = [g for g in case.expect.all_of if not any(normalise(f) in normalise(got.answer) for f in g)]
        if all(any(normalise(form) in text for form in group) for group in missing):
            return "wording"
        return "retrieval" if found_nothing else "understanding"
    return "wording" if not judged.checks.get("must_not", True) else "understanding"


def _number_reason(case: Case, got: Outcome, evidence: str, found_nothing: bool) -> str:
    figures = read_figures(evidence)
    if all(any(matches(f, n.value, n.unit, n.rel_tol) for f in figures) for n in case.expect.numbers):
        return "wording"
    if any(tool.get("name") not in _LOOKUPS for tool in got.tools):
        return "calculation"
    return "retrieval" if found_nothing else "understanding"
