"""An optional second opinion: a language model judges correctness and faithfulness. Advisory, never part of the accuracy.

The judge is whatever model the settings name; its name goes into the report, because verdicts of different models cannot be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.llm.endpoint import endpoint_of
from eval.outcome import Result
from kb.errors import SettingsError
from kb.settings import Settings

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

_AT_MOST = 60
"""Cases judged in one run: every n-th of the answered ones, because a local model takes tens of seconds a verdict."""


def judge(results: Sequence[Result], settings: Settings, note: Callable[[str], None], llm: LLM | None = None) -> dict[str, Any]:
    """Verdicts over a sample of the answered cases, with how often the judge and the scorer agree (raw and Cohen's kappa).

    Raises `SettingsError` when no model is configured. A verdict that cannot be read is counted, not guessed.
    """
    from llama_index.core.evaluation import CorrectnessEvaluator, FaithfulnessEvaluator  # seconds to import

    chosen = llm or _configured(settings)
    answered = [r for r in results if r.answer and not r.refused and not r.failed]
    sample = answered[:: max(1, -(-len(answered) // _AT_MOST))]
    correctness, faithfulness = CorrectnessEvaluator(llm=chosen, score_threshold=4.0), FaithfulnessEvaluator(llm=chosen)
    pairs: list[tuple[bool, bool]] = []
    faithful: list[bool] = []
    unread = 0
    for number, result in enumerate(sample, start=1):
        if number % 10 == 1:
            note(f"judging {number}/{len(sample)}")
        reference = "; ".join(str(part) for part in (result.why, *result.expect.get("all_of", [])) if part)
        try:
            verdict = correctness.evaluate(query=result.turns[-1], response=result.answer, reference=reference)
            supported = faithfulness.evaluate(response=result.answer, contexts=[c["text"] for c in result.citations] or [""])
        except (ValueError, TypeError):
            unread += 1
            continue
        if verdict.score is None:
            unread += 1
            continue
        pairs.append((bool(verdict.passing), result.correct))
        faithful.append(bool(supported.passing))
    return {
        "model": chosen.metadata.model_name,
        "judged": len(pairs),
        "unreadable verdicts": unread,
        "correct (judge)": _share([p for p, _ in pairs]),
        "faithful (judge)": _share(faithful),
        "agrees with the scorer": _share([a == b for a, b in pairs]),
        "Cohen's kappa": _kappa(pairs),
    }


def _configured(settings: Settings) -> LLM:
    endpoint = endpoint_of(settings)
    if endpoint is None:
        raise SettingsError("--judge needs a model: set ADVISOR_LLM_BASE_URL and ADVISOR_LLM_MODEL")
    from llama_index.llms.openai_like import OpenAILike

    llm: LLM = OpenAILike(
        model=endpoint.model,
        api_base=endpoint.base_url,
        api_key=endpoint.api_key or "none",
        timeout=settings.llm_timeout_s,
        temperature=0,
        is_chat_model=True,
    )
    return llm


def _share(values: Sequence[bool]) -> str:
    return f"{sum(values)}/{len(values)}"


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Agreement beyond chance (J. Cohen, Educational and Psychological Measurement 20, 1960); None where chance alone would agree."""
    if not pairs:
        return None
    n = len(pairs)
    agreed = sum(a == b for a, b in pairs) / n
    yes_a, yes_b = sum(a for a, _ in pairs) / n, sum(b for _, b in pairs) / n
    chance = yes_a * yes_b + (1 - yes_a) * (1 - yes_b)
    return round((agreed - chance) / (1 - chance), 3) if chance < 1 else None
