"""The few statistics a suite needs: an interval for a share, a paired test between two runs, percentiles and ranking metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z_95 = 1.959963984540054


def wilson_interval(successes: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """Score interval for a binomial share (E. B. Wilson, JASA 22, 1927, p. 209-212); (0, 1) where nothing was tried."""
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} successes of {total}: expected 0 <= successes <= total")
    if total == 0:
        return 0.0, 1.0
    share, spread = successes / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))  # rounding may pass the share by an ulp


def mcnemar_exact(fixed: int, broken: int) -> float:
    """Two-sided exact p of McNemar's test (Q. McNemar, Psychometrika 12, 1947; binomial form): were changes as likely either way?

    `fixed` went from wrong to right between two runs of the same questions, `broken` from right to wrong. 1.0 where nothing changed.
    """
    changed = fixed + broken
    if changed == 0:
        return 1.0
    tail = sum(math.comb(changed, k) for k in range(min(fixed, broken) + 1))
    return min(1.0, float(2 * tail / 2**changed))


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile; 0.0 of nothing."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def recall_at(k: int, found: Sequence[frozenset[str]], wanted: Sequence[str]) -> float:
    """Share of `wanted` that occurs among the first k results; each result may stand for several labels."""
    seen = frozenset[str]().union(*found[:k])
    return sum(label in seen for label in wanted) / len(wanted)


def reciprocal_rank(found: Sequence[frozenset[str]], wanted: Sequence[str]) -> float:
    """1/rank of the first result that stands for any wanted label, 0 where none does."""
    goal = set(wanted)
    return next((1 / rank for rank, labels in enumerate(found, start=1) if labels & goal), 0.0)


def ndcg_at(k: int, found: Sequence[frozenset[str]], wanted: Sequence[str]) -> float:
    """Normalised discounted cumulative gain with binary gains (Jarvelin, Kekalainen, TOIS 20, 2002); a label counts once."""
    left = set(wanted)
    gained = 0.0
    for rank, labels in enumerate(found[:k], start=1):
        hit = labels & left
        gained += len(hit) / math.log2(rank + 1)
        left -= hit
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))
    return min(1.0, gained / best) if best else 0.0
