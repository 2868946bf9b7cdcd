"""The advisory judge with a scripted model."""

from __future__ import annotations

import pytest

from eval.llm_judge import _kappa, judge
from eval.outcome import Result
from kb.errors import SettingsError
from kb.settings import Settings


def result(number: int, correct: bool) -> Result:
    return Result(
        suite="s", id=f"c{number}", key="k", category="price", lang="zh", turns=[f"问{number}"], expect={}, correct=correct, checks={},
        answer="12 元 [1]", refused=False, citations=[{"source": "a.md", "section": "价", "text": "¥12"}],
    )  # fmt: skip


def test_verdicts_are_counted_beside_the_scorer_and_unreadable_ones_apart() -> None:
    from llama_index.core.llms import MockLLM

    class Scripted(MockLLM):
        def complete(self, prompt: str, formatted: bool = False, **kwargs: object):  # type: ignore[no-untyped-def]
            from llama_index.core.llms import CompletionResponse

            if "问3" in prompt:
                return CompletionResponse(text="hard to say")
            return CompletionResponse(text="4.5\nfine" if "问1" in prompt else "2.0\nno" if "问2" in prompt else "YES")

    notes: list[str] = []
    verdict = judge([result(1, True), result(2, True), result(3, True)], Settings(), notes.append, llm=Scripted())
    assert (verdict["judged"], verdict["correct (judge)"], verdict["agrees with the scorer"]) == (2, "1/2", "1/2")
    assert verdict["unreadable verdicts"] == 1 and notes == ["judging 1/3"]


def test_a_judge_without_a_model_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADVISOR_LLM_BASE_URL", raising=False)
    with pytest.raises(SettingsError, match="ADVISOR_LLM_BASE_URL"):
        judge([result(1, True)], Settings(_env_file=None), lambda text: None)


def test_kappa_is_agreement_beyond_chance() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert _kappa(pairs) == pytest.approx(0.4)
    assert _kappa([(True, True)]) is None
