"""Where a claim or a passage stands: a citation whose quote occurs word for word in the chunk it points to."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim, Entity, FieldRecord
from kb.catalog.show import claim_text
from kb.text import normalise, sentences
from kb.types import Chunk, Citation, Place, SearchHit

_SAID = "\0"
_WORD, _WORDS, _NAMED = 6, 18, 9
"""What it counts that a line has a word of the field, at most, and that it names the claim's entity: a table says the same of several."""


class Library(Protocol):
    """What the agent needs of the index (kb/index.py): search, chunks of a source, and how sure the search is."""

    def search(self, query: str, k: int = 10, *, kinds: Collection[str] | None = None) -> list[SearchHit]: ...
    def confidence(self, query: str, hits: Sequence[SearchHit]) -> float: ...
    def chunks_of(self, source: str) -> tuple[Chunk, ...]: ...


_normalised = lru_cache(maxsize=4096)(normalise)
"""Headings and chunks, which are looked at once for each claim."""


def value_forms(claim: Claim) -> list[str]:
    """The ways in which a source may write a claim's value, the most telling first."""
    forms = [claim.quote, claim.as_written]
    values = claim.value if isinstance(claim.value, tuple) else (claim.value,)
    for value in values:
        if isinstance(value, Decimal):
            plain = format(value.normalize(), "f")
            forms += [f"{value:.2f}", format(value, "f"), plain, f"{value:,}"]
            for scale, word in ((10**8, "亿"), (10**4, "万"), (10**3, "K"), (10**6, "M")):
                if value and value % scale == 0:
                    forms.append(f"{format(value / scale, 'f')}{word}")
        elif isinstance(value, str):
            forms.append(value)
    return [f for f in forms if f]


@dataclass(frozen=True)
class Wording:
    """How documents put one value of a field with a fixed set of values: its `own` words and those of the `other` values."""

    own: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """What the claim's entity is called."""

    def score(self, text: str) -> int:
        """3 where the text says this value, 1 where it says another one too, else 0: "支持" is not said by "不支持"."""
        for word in self.own:  # "不开源" is no "开源"
            if any(other in word for other in self.other):
                text = text.replace(word, _SAID)
        left = text
        for word in self.other:
            left = left.replace(word, " ")
        return 0 if _SAID not in left and not any(word in left for word in self.own) else 3 if left == text else 1

    def is_about(self, chunk: Chunk) -> bool:
        """Whether the entity is named where the chunk stands: a row of a table is about the model that it names."""
        where = _normalised(f"{chunk.title} {chunk.section} {chunk.text}")
        return not self.names or any(name in where for name in self.names)


def wording(claim: Claim, field: FieldRecord | None, entity: Entity | None) -> Wording:
    """The names of the claim's entity, and the words of its value where the field has a fixed set of values."""
    names = tuple(normalise(n) for n in (*((entity.name, *entity.aliases) if entity else ()), claim.about) if len(n) > 1)
    if field is None or not isinstance(claim.value, str) or claim.value not in field.values:
        return Wording(names=names)
    said = {id_: {normalise(w) for w in (*value.words, value.label.zh)} for id_, value in field.values.items()}
    own = said[claim.value]
    other = {w for id_, words in said.items() if id_ != claim.value for w in words - own}
    return Wording(tuple(own), tuple(sorted(other, key=len, reverse=True)), names)


def best_quote(text: str, forms: Sequence[str], words: Sequence[str] = (), said: Wording | None = None) -> tuple[str, int]:
    """The line or sentence of a text that carries the value, and how well it does (0: not at all)."""
    best, best_score = "", 0
    low_words = [normalise(w) for w in words if len(w) > 1]
    low_forms = [normalise(form) for form in forms]
    for line, low in _lines(text):
        hit = next((len(forms) - i for i, form in enumerate(low_forms) if _contains(low, form)), 0)
        hit = hit or (said.score(low) if said else 0)
        score = hit * 10 + min(_WORDS, sum(_WORD for w in low_words if w in low))
        score += _NAMED if said is not None and any(name in low for name in said.names) else 0
        if hit and score > best_score:
            best, best_score = line, score
    return best, best_score


def _contains(text: str, form: str) -> bool:
    if form.replace(".", "").replace(",", "").isdigit():
        return form in text and re.search(rf"(?<![\d.]){re.escape(form)}(?![\d]|\.\d)", text) is not None
    return form in text


@lru_cache(maxsize=2048)
def _lines(text: str) -> tuple[tuple[str, str], ...]:
    """The lines and sentences of a chunk, each as it is and normalised; many claims are looked for in the same chunks."""
    lines: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or re.fullmatch(r"[|\s:\-]+", stripped):
            continue
        lines += (
            [s.strip() for s in sentences(stripped) if s.strip()] if not stripped.startswith("|") and len(stripped) > 120 else [stripped]
        )
    return tuple((line, normalise(line)) for line in lines)


def locate(claim: Claim, library: Library | None, catalog: Catalog) -> Citation:
    """The best place for a claim: in its source's section, else its catalog record, else the claim's own words."""
    field = catalog.fields.get(claim.field)
    words = [*field.words, field.label.zh, field.label.en] if field else []
    if library is not None:
        found = _in_source(claim, library, words, wording(claim, field, catalog.entities.get(claim.entity)))
        if found is not None:
            return found
        found = _in_record(claim, library, catalog)
        if found is not None:
            return found
    quote = claim.quote or claim_text(claim, catalog, "zh", with_source=False)
    line = claim.source_line or claim.line or 1
    return Citation(claim.source, claim.section, Place((line, line)), quote)


def _in_source(claim: Claim, library: Library, words: list[str], said: Wording) -> Citation | None:
    forms = value_forms(claim)
    if claim.when:
        words = [*words, *claim.when.values()]
    wanted = normalise(claim.section)
    best: tuple[float, Chunk, str] | None = None
    for chunk in library.chunks_of(claim.source):
        leaf = _normalised(chunk.headings[-1]) if chunk.headings else ""
        section = 3 if leaf == wanted else 2 if wanted and wanted in _normalised(chunk.section) else 0
        if claim.source_line and chunk.place.lines[0] <= claim.source_line <= chunk.place.lines[1]:
            section = max(section, 3)
        fits = said if chunk.kind != "row" or said.is_about(chunk) else None
        quote, score = best_quote(chunk.text, forms, words, fits)
        if not quote and section == 3 and not isinstance(claim.value, Decimal):
            quote, score = _closest(chunk.text, claim), 1
        if not quote:
            continue
        kind = {"row": 2.0, "text": 1.0, "table": 0.0}.get(chunk.kind, 0.0)
        rank = section * 100 + score + kind
        if best is None or rank > best[0]:
            best = (rank, chunk, quote)
    if best is None or best[0] < 100 and not claim.quote and not claim.source_line and isinstance(claim.value, Decimal):
        return None
    return Citation(best[1].source, best[1].section, best[1].place, best[2], best[1].id)


def _closest(text: str, claim: Claim) -> str:
    from kb.text import query_tokens

    target = set(query_tokens(" ".join([*(value_forms(claim)), claim.note])))
    lines = [line for line, _ in _lines(text)]
    return max(lines, key=lambda line: len(target & set(query_tokens(line))), default="")


def _in_record(claim: Claim, library: Library, catalog: Catalog) -> Citation | None:
    entity = catalog.entities.get(claim.entity)
    for source in _record_sources(claim):
        for chunk in library.chunks_of(source):
            if entity is None or entity.name in chunk.section or entity.name in chunk.text[:200]:
                quote, score = best_quote(chunk.text, value_forms(claim))
                if score:
                    return Citation(chunk.source, chunk.section, chunk.place, quote, chunk.id)
    return None


@lru_cache(maxsize=4096)
def _sources_of_file(file: str) -> tuple[str, ...]:
    name = file.replace("\\", "/").rsplit("/", 1)[-1]
    return (f"catalog/{name}",) if name else ()


def _record_sources(claim: Claim) -> tuple[str, ...]:
    return _sources_of_file(claim.file)


def cite_passage(chunk: Chunk, quote: str) -> Citation:
    """A citation of a chunk; the quote is cut to what really occurs in it."""
    text = quote if quote in chunk.text else chunk.text
    return Citation(chunk.source, chunk.section, chunk.place, text, chunk.id)
