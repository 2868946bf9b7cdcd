"""A misspelt whole name: the longest name of the catalog whose every word stands, one slip of the keyboard allowed, at a place of the question."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from rapidfuzz.distance import DamerauLevenshtein

_TOKEN = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)*")
_GAP = re.compile(r"[ \-_]{0,2}")


class LongerNames:
    """Names of two words and more, by their first letter. Reading it is thread-safe."""

    def __init__(self, names: Iterable[str], common: Collection[str]) -> None:
        """`names` as they are spelt, in lower case; `common` are everyday words, which are never taken for a misspelt one."""
        self._common = common
        self._by_letter: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for name in sorted(names):
            tokens = tuple(_TOKEN.findall(name))
            # A number at the end may count something ("kimi 2亿"): versions are read with their units, by the linker.
            if name.isascii() and len(tokens) >= 2 and tokens[0].isalpha() and tokens[-1].isalpha():
                self._by_letter.setdefault(tokens[0][0], []).append((tokens, name))

    def at(self, question: str, start: int, longer_than: int) -> tuple[str, int] | None:
        """The longest name that begins at `start` and ends behind `longer_than`, as (the name, its end); None where there is none."""
        best: tuple[str, int] | None = None
        for tokens, name in self._by_letter.get(question[start : start + 1].lower(), ()):
            end = self._end(question, start, tokens)
            if end > (best[1] if best else longer_than):
                best = name, end
        return best

    def _end(self, question: str, position: int, tokens: tuple[str, ...]) -> int:
        """Where the words of a name end that begin at `position`; 0 where they do not stand there."""
        for index, token in enumerate(tokens):
            if index:
                position = _GAP.match(question, position).end()  # type: ignore[union-attr]  # matches the empty string too
            written = _TOKEN.match(question, position)
            if written is None or not self._same(written[0].lower(), token):
                return 0
            position = written.end()
        return position

    def _same(self, written: str, token: str) -> bool:
        if written == token:
            return True
        if not token.isalpha() or not written.isalpha() or len(token) < 4 or len(written) < 3 or written in self._common:
            return False
        return written[0] == token[0] and DamerauLevenshtein.distance(written, token, score_cutoff=1) <= 1
