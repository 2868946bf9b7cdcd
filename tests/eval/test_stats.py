"""Intervals, the paired test and ranking metrics against figures known from elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.stats import mcnemar_exact, ndcg_at, percentile, recall_at, reciprocal_rank, wilson_interval


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    # The first two are the worked examples of Newcombe (Statistics in Medicine 17, 1998, table I, method 3).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0)],
)
def test_the_wilson_interval_gives_published_figures(successes: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(successes, total) == pytest.approx((low, high), abs=5e-5)


def test_nothing_tried_says_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="expected 0 <= successes <= total"):
        wilson_interval(3, 2)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_share_and_lies_within_0_and_1(successes: int, total: int) -> None:
    successes = min(successes, total)
    low, high = wilson_interval(successes, total)
    assert 0 <= low <= successes / total <= high <= 1


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (0, 5, 0.0625), (0, 6, 0.03125), (10, 2, 0.038574), (6, 6, 1.0)],
)
def test_mcnemar_is_the_two_sided_binomial_test(fixed: int, broken: int, p: float) -> None:
    assert mcnemar_exact(fixed, broken) == pytest.approx(p, abs=1e-6)
    assert mcnemar_exact(broken, fixed) == mcnemar_exact(fixed, broken)


def test_percentiles_are_nearest_rank() -> None:
    assert percentile([], 0.95) == 0.0
    assert [percentile(list(range(1, 101)), share) for share in (0.5, 0.95, 1.0)] == [50, 95, 100]
    assert percentile([3.0], 0.95) == 3.0


def test_ranking_metrics_on_a_small_example() -> None:
    found = [frozenset[str](), frozenset({"a"}), frozenset({"a", "b"}), frozenset({"c"})]
    assert recall_at(2, found, ["a", "b"]) == 0.5
    assert recall_at(3, found, ["a", "b"]) == 1.0
    assert reciprocal_rank(found, ["a", "b"]) == 0.5
    assert reciprocal_rank(found, ["z"]) == 0.0
    ideal = 1 + 0.6309297536
    assert ndcg_at(10, found, ["a", "b"]) == pytest.approx((0.6309297536 + 0.5) / ideal)
    assert ndcg_at(10, [frozenset({"a"})], ["a"]) == 1.0
