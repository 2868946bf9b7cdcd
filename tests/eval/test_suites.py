"""The shipped suites: what they are built from, what they cover, and that answers without content score near zero on them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from eval.build import SHIPPED, SUITES, build
from eval.corpora import load_corpora, noise_document
from eval.judge_case import stands_for
from eval.lint import lint
from eval.outcome import Place
from eval.score import Answered, score
from eval.session import DEFAULT_SUITES
from eval.suite import Case, load_suite
from kb.catalog.load import SHIPPED_FOLDER, load_catalog
from tests.eval.fakes import right_answer

CATEGORIES = {
    "lookup", "table", "price", "cost_calc", "budget", "self_host_sizing", "break_even", "compare", "select", "deploy", "license_distill",
    "conflict", "unanswerable", "out_of_scope", "multi_turn", "alias_typo", "injection",
}  # fmt: skip


@pytest.fixture(scope="module")
def names() -> list[list[str]]:
    return [[e.name, *e.aliases] for e in load_catalog(folders=[SHIPPED_FOLDER]).entities.values()]


@pytest.fixture(scope="module")
def everything() -> list[Case]:
    return [case for name in SHIPPED for case in load_suite(SUITES / f"{name}.jsonl")]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_suite_is_what_its_source_makes(name: str) -> None:
    assert load_suite(SUITES / f"{name}.jsonl") == build(SUITES / f"{name}.yaml", prefix=SHIPPED[name])


@pytest.mark.parametrize("name", DEFAULT_SUITES)
def test_no_question_gives_its_answer_away(name: str, names: list[list[str]]) -> None:
    assert lint(load_suite(SUITES / f"{name}.jsonl"), [n for group in names for n in group]) == []


def test_the_main_suite_covers_every_category() -> None:
    counts = Counter(case.category for case in load_suite(SUITES / "advisor.jsonl"))
    assert set(counts) == CATEGORIES
    assert sum(counts.values()) >= 220
    assert min(counts.values()) >= 9


def test_formulas_agree_with_arithmetic_done_by_hand() -> None:
    by_id = {c.id: c for c in load_suite(SUITES / "advisor.jsonl")}
    by_hand = {
        "a-cost_calc-01": 2150, "a-cost_calc-11": 9690, "a-cost_calc-15": 712_800, "a-cost_calc-27": 336, "a-cost_calc-28": 953.2,
        "a-cost_calc-13": 2.968, "a-budget-05": 37_037_037.037037, "a-budget-11": 2631.578947, "a-break_even-07": 16.107383,
        "a-break_even-10": 67.567568, "a-self_host_sizing-03": 2, "a-self_host_sizing-08": 3, "a-price-14": 61.77, "a-compare-14": 13.5,
    }  # fmt: skip
    assert {key: by_id[key].expect.numbers[0].value for key in by_hand} == pytest.approx(by_hand)


def test_every_source_label_stands_for_a_place_of_the_shipped_corpus(everything: list[Case]) -> None:
    labels = yaml.safe_load((SUITES / "labels.yaml").read_text(encoding="utf-8"))
    places = []
    for path in sorted((SUITES.parents[1] / "kb" / "sources").glob("*.md")):
        headings = [line.lstrip("# ") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        places += [Place(path.name, f"{headings[0]} > {heading}") for heading in headings]
    wanted = {label for case in everything for label in case.expect.sources}
    assert [label for label in sorted(wanted) if not any(stands_for(p, label, labels) for p in places)] == []


def test_an_answer_with_what_is_expected_passes(everything: list[Case], names: list[list[str]]) -> None:
    wrong = []
    for case in everything:
        if case.expect.of_search_alone:
            continue
        got = right_answer(case)
        if not score(case.expect, Answered(got.answer, got.refused, len(got.conflicts)), names).correct:
            wrong.append((case.id, got.answer))
    assert wrong == []


TOP_TEN = ("GPT-5.1", "Claude 4.5", "Gemini 2.5", "DeepSeek R3", "Qwen3", "文心一言 4.5", "Llama 4", "Doubao-1.5", "Kimi K2", "GLM-4")
EMPTY_ANSWERS = {
    "repeats the question": lambda case: Answered("\n".join(case.turns)),
    "always refuses": lambda case: Answered("资料里没有相关内容，无法回答。", refused=True),
    "lists every model": lambda case: Answered("、".join(TOP_TEN)),
    "always reports a conflict": lambda case: Answered("两处说法不一致。", conflicts=1),
}


@pytest.mark.parametrize(
    ("kind", "share"), [("repeats the question", 0.01), ("lists every model", 0.05), ("always reports a conflict", 0.01)]
)
def test_answers_without_content_score_near_zero(kind: str, share: float, everything: list[Case], names: list[list[str]]) -> None:
    right = [c.id for c in everything if score(c.expect, EMPTY_ANSWERS[kind](c), names).correct]
    assert len(right) / len(everything) <= share, right


def test_always_refusing_gains_only_the_questions_that_must_be_refused(everything: list[Case], names: list[list[str]]) -> None:
    right = [c for c in everything if score(c.expect, EMPTY_ANSWERS["always refuses"](c), names).correct]
    assert len(right) / len(everything) < 0.13
    assert [c.id for c in right if not c.expect.refuse] == []


def test_robustness_corpora_hold_the_share_of_noise_they_say(tmp_path: Path) -> None:
    corpora = load_corpora(SUITES / "robustness.jsonl")
    for name, share in (("clean", 0.0), ("noise-40", 0.4), ("noise-80", 0.8)):
        files = corpora[name].files(SUITES)
        noise = sum(file.startswith("noise-") for file in files)
        assert noise / len(files) == pytest.approx(share, abs=0.05), name
    assert {c.corpus for c in load_suite(SUITES / "robustness.jsonl")} == set(corpora)


def test_noise_is_the_same_every_time_and_about_other_things() -> None:
    assert noise_document(7) == noise_document(7)
    text = " ".join(noise_document(n)[1] for n in range(40)).lower()
    assert not [word for word in ("gpt", "kimi", "glm", "deepseek", "falcon", "豆包", "文心") if word in text]
