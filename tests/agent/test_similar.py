"""Words as weights count them: the same whoever else counts at that moment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from agent.similar import _stem, text_tokens

WORDS = ["customisations", "deployments", "hallucinations", "generalising", "quantisations", "internationally", "running", "priced"]


@pytest.fixture
def hurried() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried")
def test_threads_do_not_mix_their_words() -> None:
    uncached, threads = _stem.__wrapped__, 4
    expected = [uncached(word) for word in WORDS]
    together = Barrier(threads)

    def work(_: int) -> list[list[str]]:
        together.wait()
        return [[uncached(word) for word in WORDS] for _ in range(300)]

    with ThreadPoolExecutor(threads) as pool:
        for found in pool.map(work, range(threads)):
            assert all(one == expected for one in found)


def test_endings_do_not_tell_english_words_apart() -> None:
    assert text_tokens("customise") == text_tokens("customisable") and text_tokens("customise") != text_tokens("custom")
