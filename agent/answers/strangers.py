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


_HAN_SUBJECT = re.compile(r"^(?:请问|那么?|咱们的?)?(?P<name>[\u4e00-\u9fff]{2,4}?)(?:的)?(?:可不可以|能不能|支不支持|是不是|能|可以|支持|允许)[^,，。]{2,20}[吗么][?？]*$")
_ANYONE = re.compile(r"[人们司队户生员板业家者方团构门国品]$|^(?:这|那|哪|有|没|什么|怎么|如何|大|小|中|外|内)")


def unknown_subject(work: Work) -> str:
    """A Chinese product name that a yes/no question is about and no source holds ("豆包能私有化部署吗"); "" where there is none."""
    question = work.question
    match = None if question.mentions or question.carried else _HAN_SUBJECT.match(question.masked)
    if match is None or _ANYONE.search(match["name"]):
        return ""
    name, starts = match["name"], [f.start for f in question.fields] + [v.start for v in question.values]
    if any(start < match.end("name") for start in starts):
        return ""
    weights = catalog_weights(work.catalog)
    if any(weights.known(t) or t in EMPTY_WORDS for t in index_tokens(name) if len(t) > 1):
        return ""
    return "" if normalise(name) in _passages(work, name) else name


def unheard_of(work: Work) -> list[str]:
    """Those unknown names that no passage found mentions either."""
    names = unknown_names(work)
    if not names:
        return []
    passages = _passages(work, work.question.text)
    return [n for n in names if normalise(n) not in passages]


def _passages(work: Work, query: str) -> str:
    """The text of the ten chunks nearest to a query, normalised."""
    return normalise(" ".join(h.chunk.indexed_text for h in work.search(query, 10)))
