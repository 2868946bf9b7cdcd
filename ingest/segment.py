"""Where a long text may be cut: at sentence ends, else at clause ends, never inside a number with its unit."""

from __future__ import annotations

import re
from collections.abc import Callable

from kb.text import sentences

_SEMICOLON = re.compile(r"；|;(?=\s)")
_CLAUSE_END = re.compile(r"[，,、：:](?!\d)|(?<=[a-zA-Z\u4e00-\u9fff，。])\s(?=[a-zA-Z\u4e00-\u9fff])")
_LONG_PARAGRAPH_CHARS = 20_000
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_ROUGH_END = re.compile(r"\n+|[。！？!?…]+[”’」』）)》\"']*|(?<=[^\s\d.])\.(?=\s+[^\sa-z])")
_TIED = re.compile(r"[\w.,:/%$¥￥€+\-]")


def chunk_weight(text: str) -> float:
    """Length in Chinese characters; four Latin characters weigh about as much as one and a half, as they do in tokens."""
    plain = len(text.encode("ascii", "ignore"))
    return (len(text) - plain) + 0.4 * plain


def sentence_cuts(text: str) -> list[int]:
    """Offsets right after each sentence (and the blanks that follow it), the end of the text last. Nothing is lost between them.

    A sentence is what `kb.text.sentences` says, so that the pieces shown as evidence are never halves. A single line of
    book length is cut by a simpler rule in linear time.
    """
    cuts: list[int] = []
    ends = [*(match.end() for match in _BLANK_LINE.finditer(text)), len(text)]
    for start, end in zip([0, *ends], ends, strict=False):
        paragraph = text[start:end]
        if len(paragraph) > _LONG_PARAGRAPH_CHARS:
            cuts.extend(start + cut for cut in _cuts(paragraph, _ROUGH_END))
            continue
        offset = 0
        for sentence in sentences(paragraph):
            offset = paragraph.index(sentence, offset)
            if offset:
                cuts.append(start + offset)
            offset += len(sentence)
        cuts.append(end)
    return [*(cut for cut in dict.fromkeys(cuts) if 0 < cut < len(text)), len(text)]


def _cuts(text: str, pattern: re.Pattern[str]) -> list[int]:
    cuts: list[int] = []
    for match in pattern.finditer(text):
        end = match.end()
        while end < len(text) and text[end] in " \t\n\u3000":
            end += 1
        if end > (cuts[-1] if cuts else 0) and end < len(text):
            cuts.append(end)
    return [*cuts, len(text)]


def split_text(text: str, target: float, limit: float, hard_limit: float) -> list[tuple[int, int]]:
    """Ranges that cover the text, of about `target` weight, at most `limit`, cut at sentence ends.

    A single sentence beyond `limit` is cut at semicolons; without any it stays whole up to `hard_limit`. Only beyond that
    it is cut at clauses, and at the worst between two characters that are not part of one word or number.
    """
    total = chunk_weight(text)
    if total <= limit:
        return [(0, len(text))]
    spans = _spans(text, 0, sentence_cuts(text))
    spans = _refine(text, spans, limit, lambda part: _cuts(part, _SEMICOLON))
    spans = _refine(text, spans, hard_limit, lambda part: _cuts(part, _CLAUSE_END))
    spans = _refine(text, spans, hard_limit, lambda part: _blind_cuts(part, hard_limit))
    return _pack(text, spans, total, target, limit)


def _spans(text: str, start: int, cuts: list[int]) -> list[tuple[int, int]]:
    spans = []
    for cut in cuts:
        spans.append((start, cut))
        start = cut
    return spans


def _refine(text: str, spans: list[tuple[int, int]], limit: float, cutter: Callable[[str], list[int]]) -> list[tuple[int, int]]:
    refined: list[tuple[int, int]] = []
    for start, end in spans:
        part = text[start:end]
        if chunk_weight(part) <= limit:
            refined.append((start, end))
        else:
            refined.extend((start + left, start + right) for left, right in _spans(part, 0, cutter(part)))
    return refined


def _blind_cuts(text: str, limit: float) -> list[int]:
    step = max(1, int(limit))
    cuts: list[int] = []
    position = step
    while position < len(text):
        cut = position
        while (
            cut > position - 80
            and _TIED.match(text[cut])
            and _TIED.match(text[cut - 1])
            and text[cut].isascii()
            and text[cut - 1].isascii()
        ):
            cut -= 1
        cuts.append(cut if cut > position - 80 else position)
        position = cuts[-1] + step
    return [*cuts, len(text)]


def _pack(text: str, spans: list[tuple[int, int]], total: float, target: float, limit: float) -> list[tuple[int, int]]:
    """Joins sentences into ranges of even weight, so that no small rest is left over."""
    count = max(1, round(total / target))
    share = max(total / count, target / 2)
    packed: list[tuple[int, int]] = []
    begin, weight = 0, 0.0
    for start, end in spans:
        own = chunk_weight(text[start:end])
        if weight and (weight + own > limit or weight + own / 2 > share):
            packed.append((begin, start))
            begin, weight = start, 0.0
        weight += own
    packed.append((begin, len(text)))
    if len(packed) > 1 and chunk_weight(text[slice(*packed[-1])]) < share / 4:
        last = packed.pop()
        joined = (packed[-1][0], last[1])
        if chunk_weight(text[slice(*joined)]) <= limit:
            packed[-1] = joined
        else:
            packed.append(last)
    return packed
