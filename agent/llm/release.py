"""A growing text given out sentence by sentence: each is checked when it is complete, and what needs no check goes out at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agent.llm.text_calls import looks_like_a_call, without_thoughts
from agent.llm.verify import Verdict

_END = re.compile(r"[。！？!?；]+[”’」』）)\]]*(?:\s*\[\d{1,3}\])*\s*|\n+|\.(?:\s*\[\d{1,3}\])*(?=\s)\s+")
_NOT_AN_END = re.compile(r"(?:\b(?:e\.g|i\.e|vs|approx|No|Dr|etc)|^\s*\d{1,2})\.\s*$")
_NEEDS_CHECK = re.compile(
    r"[\d０-９A-Z$¥€£\[\]【<>{}`|#_~二三四五六七八九十百千万亿半最不没未无能允禁支可便贵低高省快慢多少首]|https?|www"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|half|not?|never|can(?:not)?|may|supports?|supported|allow\w*|cheap\w*|lower|"
    r"lowest|higher|highest|best|most|least|less|more|fewer|faster|slower|larger|smaller|without|free)\b"
)
"""Figures, names, yes or no, more or less: a sentence is held back from here until it is complete and checked."""
_WORD = re.compile(r"[A-Za-z][\w.\-]*(?=[^\w.\-])")
_COMPLETE_WORDS = re.compile(r"^.*(?:[\u3000-\u9fff，：、,:;]|\s)", re.DOTALL)
_OPENERS = frozenset("The A An It For In On At By If With According Based Both This These So To From As".split())

Check = Callable[[str], Verdict]


@dataclass
class Release:
    """Feed pieces of one reply; what comes back may be shown. `kept` are the sentences of the answer as they stand after the check."""

    check: Check
    known: Callable[[str], bool]
    """Whether a name occurs in the evidence."""
    gap: str
    """Shown in place of the rest of a sentence that has begun to go out and turns out to be unsupported."""
    kept: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    broken_marks: list[int] = field(default_factory=list)
    sentences: int = 0
    removed: int = 0
    _raw: str = ""
    _taken: int = 0
    _shown: int = 0

    def feed(self, piece: str) -> Iterator[str]:
        """Take in a piece."""
        self._raw += piece
        text = self._visible()
        while (end := self._sentence_end(text)) is not None:
            yield from self._sentence(text[self._taken : end])
            self._taken, self._shown = end, 0
        yield from self._safe_beginning(text[self._taken :])

    def close(self, *, complete: bool = True) -> Iterator[str]:
        """The reply has ended. An incomplete one loses its last, unfinished sentence."""
        rest = self._visible()[self._taken :]
        self._taken += len(rest)
        if rest.strip() and complete:
            yield from self._sentence(rest)
        elif self._shown:
            yield self.gap
        self._shown = 0

    def start_again(self) -> None:
        """What was said so far led to a tool call and is no part of the answer."""
        self._raw, self._taken, self._shown = "", 0, 0
        self.kept.clear()

    @property
    def text(self) -> str:
        """The checked answer so far."""
        return re.sub(r"\n{3,}", "\n\n", "".join(self.kept)).strip()

    def _visible(self) -> str:
        text = without_thoughts(self._raw)
        # A tag that has only begun may become a thought.
        cut = re.search(r"<(?:t(?:h(?:i(?:n(?:k[^>]*)?)?)?)?)?$", text)
        text = text[: cut.start()] if cut else text
        return "" if looks_like_a_call(text) else text

    def _sentence_end(self, text: str) -> int | None:
        for match in _END.finditer(text, self._taken):
            if match.end() == len(text) and not match[0].endswith("\n"):
                return None  # a mark may follow
            if match.end() > self._taken and not _NOT_AN_END.search(text[self._taken : match.end()]):
                return match.end()
        return None

    def _sentence(self, sentence: str) -> Iterator[str]:
        verdict = self.check(sentence)
        if re.search(r"[^\W_]", sentence):
            self.sentences += 1
        self.unsupported += verdict.unsupported
        self.broken_marks += verdict.broken_marks
        if verdict.unsupported:
            self.removed += 1
            self.kept.append(verdict.text)
            yield (self.gap if self._shown else "") + verdict.text
            return
        self.kept.append(verdict.text)
        shown = sentence[: self._shown]
        yield verdict.text[len(shown) :] if verdict.text.startswith(shown) else verdict.text

    def _safe_beginning(self, rest: str) -> Iterator[str]:
        """Whole words of an unfinished sentence up to the first thing that a check may object to."""
        words = _COMPLETE_WORDS.match(rest)
        if words is None:
            return
        limit = words.end()
        risky = _NEEDS_CHECK.search(rest)
        while risky is not None:
            word = _WORD.match(rest, risky.start())
            opens = risky.start() == len(rest) - len(rest.lstrip())
            if word is None or not (opens and word[0] in _OPENERS or self.known(word[0])):
                limit = min(limit, risky.start())
                break
            # A name of the evidence is no claim yet.
            risky = _NEEDS_CHECK.search(rest, word.end())
        if limit > self._shown:
            piece = rest[self._shown : limit]
            self._shown = limit
            yield piece
