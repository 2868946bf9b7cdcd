"""One sentence of a model held against the evidence: kept, repaired or taken out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from agent.llm.facts import LESS, MARK, MORE, Facts, Line, called
from kb.text import index_tokens, query_tokens
from kb.types import Citation

_NEGATION = re.compile(
    r"不(?!一致|仅|但|过|同|断|错|少|妨|久|管|论|只)|没有|没(?!错)|未(?!来)|无法|无需|禁止|\b(?:not?|never|cannot|without|none|nor|neither|forbidden|forbids?|prohibit(?:s|ed)?)\b|n't\b",
    re.IGNORECASE,
)
BRACKETS = re.compile(r"[（(][^（）()]*[）)]")
_LINK = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_SUPERLATIVE = re.compile(
    r"最(?!近|后|终|多可|多支持|长可|大支持)|首选|\b(?:cheapest|lowest|highest|largest|longest|fastest|best|most expensive|least)\b",
    re.IGNORECASE,
)
_THAN = re.compile(r"比|相比|低于|高于|超过|优于|胜过|领先|\bthan\b", re.IGNORECASE)
_RESEMBLES = 0.6
"""Share of a sentence's words in one line of the evidence from which on the two speak of the same thing."""
_SAME_MATTER = 0.5
_LEAST_WORDS = 2
_STANCE = re.compile(
    r"[的了]|不(?:允许|支持|可以|能|得|是|需要)?|没有|未|无法|无需|禁止|允许|支持|可以|能够|能|"
    r"\b(?:not?|never|cannot|can|may|is|are|does|do|allowed|allows?|supports?|supported|forbidden|prohibited|permitted)\b|n't\b",
    re.IGNORECASE,
)
_REPLACES = 0.45
_CARRIES_MARK = 0.3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a sentence. `text` empty: it is taken out. `unsupported`: what in it no evidence holds."""

    text: str
    unsupported: tuple[str, ...] = ()
    broken_marks: tuple[int, ...] = ()


@dataclass
class Verifier:
    """Checks the sentences of one answer in order. `citations` grows as tools are called."""

    facts: Facts
    citations: list[Citation]
    subject: frozenset[str] = frozenset()
    """Whom the last sentence spoke of: "it" of the next."""
    _replaced: set[str] = field(default_factory=set)
    _clauses: list[tuple[Line, str]] = field(default_factory=list)
    _clauses_of: int = -1

    def verify(self, sentence: str) -> Verdict:
        """The sentence as it may be shown. Marks are repaired; a figure, name or date without evidence takes the sentence out,
        and the line of the evidence that says the same rightly comes in, where there is one."""
        if not re.search(r"[^\W_]", sentence):
            return Verdict(sentence)
        line = self.facts.reader.line(sentence)
        wrong = self.problems(line)
        if wrong:
            return Verdict(self._instead(sentence), tuple(wrong))
        if line.names:
            self.subject = line.names
        text, broken = self._with_true_marks(sentence, line)
        return Verdict(text, (), broken)

    def problems(self, line: Line) -> list[str]:
        """What a line says that the evidence does not."""
        wrong = [f.written for f in line.figures if not self.facts.supports(f, self.subject if not line.names else frozenset())]
        wrong += self.facts.strange_names(line) + self.facts.strange_dates(line)
        wrong += [m[0] for m in _LINK.finditer(line.plain) if not self.facts.holds_name(m[0])]
        if not wrong and self._contradicts(line):
            wrong.append(line.plain)
        return wrong

    def _contradicts(self, line: Line) -> bool:
        """Says of the same thing the opposite: a no for a yes, another one as the cheapest, a comparison the wrong way round."""
        if any(self._denied(clause, line) for clause in _clauses(line.plain)):
            return True
        if _SUPERLATIVE.search(line.plain):
            topped = [e for e in self.facts.lines if _SUPERLATIVE.search(e.plain) and e.mentions]
            firsts = [_first(e) for e in topped]
            mine = _first(line)
            if mine and not any(mine & first for first in firsts):
                return True
        pair = _compared(line)
        return pair is not None and any(_compared(e) == (pair[1], pair[0]) for e in self.facts.lines)

    def _denied(self, clause: str, line: Line) -> bool:
        """Whether a clause of the evidence on the same matter says no where this one says yes, or the other way round, and none agrees."""
        words = _content(clause, line)
        if len(words) < _LEAST_WORDS:
            return False
        agreeing = opposed = 0.0
        for known, other in self._known_clauses():
            if line.names and known.names and not line.names & known.names:
                continue
            theirs = _content(other, known)
            share = len(words & theirs) / len(words)
            if theirs and line.names & known.names:
                # "GLM-4 的蒸馏：禁止" is short and yet about the same.
                share = max(share, len(words & theirs) / len(theirs))
            if denies(other) == denies(clause):
                agreeing = max(agreeing, share)
            else:
                opposed = max(opposed, share)
        return opposed >= _SAME_MATTER and opposed > agreeing

    def _known_clauses(self) -> list[tuple[Line, str]]:
        if self._clauses_of != len(self.facts.lines):
            self._clauses_of = len(self.facts.lines)
            self._clauses = [(known, clause) for known in self.facts.lines for clause in _clauses(known.plain)]
        return self._clauses

    def _instead(self, sentence: str) -> str:
        """The evidence's own line on the same matter, once."""
        near, share = self.facts.closest(sentence)
        if near is None or share < _REPLACES or near.plain in self._replaced or not near.figures:
            return ""
        self._replaced.add(near.plain)
        marks = [int(m) for m in MARK.findall(near.shown)]
        text = near.shown if all(1 <= n <= len(self.citations) for n in marks) else MARK.sub("", near.shown)
        return text + ("\n" if sentence.endswith("\n") else " " if text[-1:].isascii() else "")

    def _with_true_marks(self, sentence: str, line: Line) -> tuple[str, tuple[int, ...]]:
        """Marks that point at nothing, or at a place that does not carry the sentence, give way to those that do."""
        marks = [int(m) for m in MARK.findall(sentence)]
        false = [n for n in dict.fromkeys(marks) if not self._carries(n, line)]
        if not false:
            return sentence, ()
        right = (
            []
            if any(n not in false for n in marks)
            else [n for n in range(1, len(self.citations) + 1) if self._carries(n, line, strict=True)]
        )
        text = sentence
        for n in false:
            text = re.sub(rf"\s?\[{n}\](?!\()", "", text)
        if right:
            text = re.sub(r"([。！？.!?]?\s*)$", rf" [{right[0]}]\g<1>", text, count=1)
        return text, tuple(n for n in false if not 1 <= n <= len(self.citations))

    def _carries(self, mark: int, line: Line, *, strict: bool = False) -> bool:
        """Whether a citation holds a figure of the line, or our own answer rests such a figure on it, or it has enough of its words."""
        if not 1 <= mark <= len(self.citations):
            return False
        citation = self.citations[mark - 1]
        quoted = self.facts.reader.line(f"{citation.quote}\n{citation.section}")
        ours = [e for e in self.facts.marked.get(mark, ()) if not line.names or not e.names or e.names & line.names]
        values = {f.quantity.value for e in (quoted, *ours) for f in e.figures}
        if any(f.quantity.value in values for f in line.figures):
            return True
        if not line.figures and not strict and quoted.names & line.names:
            return True
        words = set(index_tokens(line.plain))
        shared = len(words & set(index_tokens(quoted.plain))) / len(words) if words else 0.0
        return shared >= (_RESEMBLES if strict else _CARRIES_MARK) and not (strict and line.figures)


def _clauses(text: str) -> list[str]:
    return [clause for clause in re.split(r"[，,；;。！？!?]|(?<=\w)\. ", BRACKETS.sub(" ", text)) if clause.strip()]


def _content(clause: str, line: Line) -> frozenset[str]:
    """What a clause is about: its words without names, noes and permissions."""
    for mention in line.mentions:
        clause = clause.replace(mention.text, " ")
    return frozenset(query_tokens(_STANCE.sub(" ", clause)))


def denies(text: str) -> bool:
    """Whether a sentence says no, remarks in brackets aside."""
    return len(_NEGATION.findall(BRACKETS.sub(" ", text))) % 2 == 1


def _first(line: Line) -> frozenset[str]:
    """The name that a superlative is said of: the last one before it, else the first after it."""
    match = _SUPERLATIVE.search(line.plain)
    if match is None:
        return frozenset()
    before = [m for m in line.mentions if m.start < match.start()]
    named = before[-1:] or list(line.mentions[:1])
    return called(named[0]) if named else frozenset()


def _compared(line: Line) -> tuple[frozenset[str], frozenset[str]] | None:
    """(the lesser, the greater) of a comparison between two names; None where the line holds none, or both words."""
    aside = [(m.start(), m.end()) for m in BRACKETS.finditer(line.plain)]
    plainly = [m for m in line.mentions if not any(a <= m.start < b for a, b in aside)]
    named = list({called(m): m for m in reversed(plainly)}.values())[::-1]
    than = _THAN.search(line.plain)
    less, more = bool(LESS.search(line.plain)), bool(MORE.search(line.plain))
    if than is None or less == more or len(named) != 2:
        return None
    one, other = called(named[0]), called(named[1])
    if named[0].start > than.start():
        return None
    return (one, other) if less else (other, one)
