"""The answer that stands: the model's checked prose with what of the offline answer it leaves out, or the offline answer alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.events import Language
from agent.llm.facts import MARK, Facts, Line
from agent.llm.release import Release
from agent.llm.verify import BRACKETS, denies
from kb.text import index_tokens, sentences
from kb.types import Citation

_SHARE_REMOVED = 0.5
_LEAST_CHARS = 6
_SAYS_THE_SAME = 0.85
_WHY: dict[str, dict[Language, str]] = {
    "nothing": {"zh": "模型没有给出回答", "en": "the model gave no answer"},
    "unfounded": {"zh": "模型的回答里没有一句查得到依据", "en": "no sentence of the model's answer had evidence"},
    "mostly": {"zh": "模型的回答多半查不到依据", "en": "most of the model's answer had no evidence"},
    "language": {"zh": "模型没有用提问的语言回答", "en": "the model did not answer in the question's language"},
    "repeats": {"zh": "模型的回答在重复同样的话", "en": "the model repeated itself"},
    "differs": {"zh": "模型的说法与核算结果不一致", "en": "what the model said differs from what was calculated"},
}
_TABLE = re.compile(r"^\s*\|")


@dataclass(frozen=True, slots=True)
class Composed:
    """The text to show, or why the model's prose is not in it."""

    text: str
    why_not: str = ""


def compose(release: Release, offline: str, facts: Facts, language: Language) -> Composed:
    """Puts the prose before what it leaves out of the offline answer. A prose that contradicts that answer's first sentence, or of
    which too little is left, is not used; key figures it lacks come first."""
    prose = release.text
    why_not = unusable(release, language)
    if why_not:
        return Composed(offline, why_not)
    lead = first_sentence_line(offline, facts)
    if _contradicts(prose, lead, facts):
        return Composed(offline, _WHY["differs"][language])
    spoken = [facts.reader.line(piece) for line in prose.splitlines() for piece in sentences(line)]
    rest = _left_out(offline, spoken, facts)
    if not rest:
        return Composed(prose)
    if (lead.figures or lead.mentions) and not _covers(spoken, facts.reader.line(BRACKETS.sub(" ", lead.plain))):
        # The figures asked for come before any prose about them.
        first, after = _split_lead(rest)
        parts = [first, prose, after]
    else:
        parts = [prose, rest]
    return Composed("\n\n".join(part for part in parts if part))


def unusable(release: Release, language: Language) -> str:
    """Why the checked prose is no answer at all; empty if it is one."""
    prose = release.text
    if len(re.sub(r"[\W_]", "", MARK.sub("", prose))) < _LEAST_CHARS:
        return _WHY["unfounded" if release.removed else "nothing"][language]
    if release.removed > release.sentences * _SHARE_REMOVED:
        return _WHY["mostly"][language]
    if _wrong_language(prose, language):
        return _WHY["language"][language]
    return _WHY["repeats"][language] if _repeats(prose) else ""


def first_sentence_line(answer: str, facts: Facts) -> Line:
    """The first sentence of an answer, read."""
    for line in answer.splitlines():
        for sentence in sentences(line):
            if re.search(r"[^\W_]{2,}", sentence):
                return facts.reader.line(sentence)
    return facts.reader.line("")


def _wrong_language(prose: str, language: Language) -> bool:
    han, latin = len(re.findall(r"[\u3400-\u9fff]", prose)), len(re.findall(r"[A-Za-z]{2,}", prose))
    return han * 2 < latin if language == "zh" else han > latin


def _repeats(prose: str) -> bool:
    said = [s.strip() for line in prose.splitlines() for s in sentences(line) if len(s.strip()) > 8]
    return any(said.count(s) > 2 for s in set(said))


def _contradicts(prose: str, lead: Line, facts: Facts) -> bool:
    """The prose's opening names another thing first, or says no where the lead says yes."""
    opening = first_sentence_line(prose, facts)
    named, wanted = [m for m in opening.mentions if m.entities], [m for m in lead.mentions if m.entities]
    if wanted and named and not set(named[0].entities) & {i for m in wanted for i in m.entities}:
        return True
    if not wanted or not named:
        return False
    same_kind = bool(opening.figures) == bool(lead.figures)
    return same_kind and denies(opening.plain) != denies(lead.plain) and not lead.figures


def _covers(spoken: Sequence[Line], line: Line) -> bool:
    """Whether the prose states every figure and name of a line, or, where it has neither, nearly all of its words."""
    if line.figures or line.mentions:
        values = {f.quantity.value for s in spoken for f in s.figures}
        names = {i for s in spoken for i in s.names}
        return all(f.quantity.value in values for f in line.figures) and all(set(m.entities) & names for m in line.mentions if m.entities)
    words = set(index_tokens(line.plain))
    said = {t for s in spoken for t in index_tokens(s.plain)}
    return not words or len(words & said) / len(words) >= _SAYS_THE_SAME


def _left_out(offline: str, spoken: Sequence[Line], facts: Facts) -> str:
    """The blocks of the offline answer with anything that the prose does not say. Tables, lists and warnings stay whole."""
    kept = []
    for block in re.split(r"\n\s*\n", offline.strip()):
        lines = [line for line in block.splitlines() if line.strip()]
        whole = len(lines) > 1 or any(_TABLE.match(line) for line in lines)
        told = [piece for line in lines for piece in sentences(line)]
        if all(_said(facts.reader.line(piece), spoken, exact=whole) for piece in told):
            continue
        kept.append(block)
    return "\n\n".join(kept)


def _said(line: Line, spoken: Sequence[Line], *, exact: bool) -> bool:
    if not _covers(spoken, line):
        return False
    if not (exact or not line.figures):
        return True
    # Names and figures alone do not make a list item or a statement without figures the same.
    words = set(index_tokens(line.plain))
    best = max((len(words & set(index_tokens(s.plain))) / len(words) for s in spoken), default=0.0) if words else 1.0
    return best >= (_SAYS_THE_SAME if not line.figures else 0.5)


def _split_lead(text: str) -> tuple[str, str]:
    first, _, rest = text.partition("\n\n")
    if "\n" in first and not _TABLE.match(first):
        head, _, tail = first.partition("\n")
        if not head.lstrip().startswith(("-", "*", ">")):
            return head, "\n\n".join(part for part in (tail, rest) if part)
    return first, rest


def renumbered(text: str, citations: Sequence[Citation], fixed: int) -> tuple[str, tuple[Citation, ...]]:
    """Leaves out citations past the first `fixed` that the text does not use, and numbers its marks anew."""
    used = {int(n) for n in MARK.findall(text)}
    keep = [n for n in range(1, len(citations) + 1) if n <= fixed or n in used]
    number = {old: new for new, old in enumerate(keep, 1)}
    text = MARK.sub(lambda m: f"[{number[int(m[1])]}]" if int(m[1]) in number else "", text)
    return text, tuple(citations[n - 1] for n in keep)
