"""Slips of the keyboard in the few words that turn a figure into a volume: "1.5亿 tokne", "1m ouput"."""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein

_WORDS = ("token", "tokens", "input", "inputs", "output", "outputs")
_REAL = frozenset({"taken", "woken", "tokes"})
"""English words one slip away that are no slip."""
_LATIN = re.compile(r"(?<![A-Za-z])[A-Za-z]{4,8}(?![A-Za-z])")


def mended(text: str) -> str:
    """The text with each word that is one slip (a letter missing, doubled, wrong, or two swapped) from such a word put right."""
    return _LATIN.sub(lambda match: _mended(match[0]), text)


@lru_cache(maxsize=4096)
def _mended(word: str) -> str:
    low = word.lower()
    if low in _WORDS or low in _REAL:
        return word
    near = (w for w in _WORDS if w[0] == low[0] and DamerauLevenshtein.distance(low, w, score_cutoff=1) <= 1)
    return next(near, word)
