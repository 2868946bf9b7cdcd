"""Names in a question that the sources do not know: a product that must not be answered with what is known of others."""

from __future__ import annotations

import re

from agent.answers.sizing_names import named_gpu
from agent.similar import EMPTY_WORDS, catalog_weights
from agent.understand.link import COMMON_WORDS
from agent.work import Work
from kb.text import index_tokens, normalise

_CAPITALISED = re.compile(r"(?<![A-Za-z])[A-Z][A-Za-z]{2,}(?:[ -]?\d+(?:\.\d+)?)?")
_WITH_VERSION = re.compile(r"(?<![A-Za-z\d.])[A-Za-z]{2,}(?:[ -][a-z]{0,2}|-)?\d{1,2}(?:\.\d{1,2})?[a-z]?(?![A-Za-z\d.]|\s*(?:[%万亿千元块次天月年人条张个]|tok|k\b|m\b|gb\b|bit))", re.IGNORECASE)
_FORMATS = re.compile(r"(?:u?int|fp|bf|w|q)\d+|top[ -]?\d+|web\d|h\.?26\d|utf-?\d+|mp[34]|ipv\d|t\+\d", re.IGNORECASE)


def unknown_names(work: Work) -> list[str]:
    """Latin names of the question's own words that neither the catalog nor any passage found holds, as written."""
    text = work.question.masked.split(" \n ")[0]
    quantities = [(q.start, q.end) for q in work.question.quantities]
    found: list[str] = []
    for match in _CAPITALISED.finditer(text):
        word = match[0]
        first = not word.isupper() and not re.search(r"[\w\u4e00-\u9fff]\s*[^.!?。！？]*$", text[: match.start()])
        if word.lower() in COMMON_WORDS or word.lower() in EMPTY_WORDS or first and word[1:].islower() and not word[-1].isdigit():
            continue
        found.append(word)
    for match in _WITH_VERSION.finditer(text):
        if any(a < match.end() and match.start() < b and b - a > 3 for a, b in quantities):
            continue
        word = match[0].strip()
        letters = re.match(r"[A-Za-z]+", word)
        if _FORMATS.fullmatch(word.replace(" ", "")) or named_gpu(word) or letters and letters[0].lower() in COMMON_WORDS | EMPTY_WORDS:
            continue
        found.append(word)
    found = list(dict.fromkeys(found))
    if not found:
        return []
    weights = catalog_weights(work.catalog)
    return [w for w in found if not all(weights.known(t) for t in index_tokens(w))]


def unheard_of(work: Work) -> list[str]:
    """Those unknown names that no passage found mentions either."""
    names = unknown_names(work)
    if not names:
        return []
    passages = normalise(" ".join(h.chunk.indexed_text for h in work.search(work.question.text, 10)))
    return [n for n in names if normalise(n) not in passages]
