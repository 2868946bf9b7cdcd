"""One turn at work: the question, what it may look at, and what it has cited and calculated so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agent.events import Chart, Conflict, Language, ToolFinished
from agent.evidence import Library, cite_passage, locate
from agent.understand.question import Question, Reader
from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim, Entity, FieldRecord
from kb.numbers import find_numbers
from kb.quantities import normalise
from kb.types import Chunk, Citation, SearchHit

_DOCUMENT_KINDS = ("text", "table", "row")
Titles = Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer before it is checked. `entities` and `fields` are what it touches: their conflicts are reported with it."""

    text: str
    refused: bool = False
    entities: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    follow_ups: tuple[str, ...] = ()
    intent: str = ""
    conflicts: tuple[Conflict, ...] = ()
    """Disagreements that the answer itself reports, beside those found among the claims it touches."""


@dataclass
class Work:
    """Mutable only within its turn; handlers add citations, calculated values and tool records to it."""

    question: Question
    reader: Reader
    library: Library | None
    meaning: Callable[[str], Mapping[int, float]] | None = None
    titles: Titles | None = None
    """Section titles of the corpus (agent/answers/section.py `title_key`) -> the places that bear them."""
    default_rate: Decimal | None = None
    default_rate_date: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    """What the user puts first in any choice, see `agent.session.Conversation.weights`."""
    citations: list[Citation] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    cited: dict[int, list[Claim]] = field(default_factory=dict)
    """Mark -> the claims that it stands for."""
    calculated: set[Decimal] = field(default_factory=set)
    judged: set[int] = field(default_factory=set)
    """Where the question states figures that the answer calls right or wrong."""
    tools: list[ToolFinished] = field(default_factory=list)
    subject: tuple[str, ...] = ()
    """What the answer was about where the question named nothing: "它" of the next turn."""
    _similar: dict[str, Mapping[int, float]] = field(default_factory=dict)
    _hits: dict[str, list[SearchHit]] = field(default_factory=dict)

    @property
    def catalog(self) -> Catalog:
        return self.reader.catalog

    @property
    def language(self) -> Language:
        return self.question.language

    def say(self, zh: str, en: str) -> str:
        """The wording in the answer's language."""
        return zh if self.language == "zh" else en

    def entity(self, entity_id: str) -> Entity:
        return self.catalog.entities[entity_id]

    def field(self, field_id: str) -> FieldRecord:
        return self.catalog.fields[field_id]

    def label(self, field_id: str) -> str:
        """A field's name in the answer's language."""
        words = self.catalog.fields[field_id].label
        return words.zh if self.language == "zh" else words.en

    def cite(self, *claims: Claim) -> str:
        """Marks like `[1][2]` for claims, one for each distinct place."""
        marks = []
        for claim in claims:
            self.claims.append(claim)
            mark = self._mark(locate(claim, self.library, self.catalog))
            self.cited.setdefault(mark, []).append(claim)
            marks.append(mark)
        return "".join(f"[{n}]" for n in dict.fromkeys(marks))

    def cite_chunk(self, chunk: Chunk, quote: str) -> str:
        return f"[{self._mark(cite_passage(chunk, quote))}]"

    def _mark(self, citation: Citation) -> int:
        for n, known in enumerate(self.citations, 1):
            if (known.source, known.place, known.quote) == (citation.source, citation.place, citation.quote):
                return n
        self.citations.append(citation)
        return len(self.citations)

    def search(self, query: str, k: int = 10) -> list[SearchHit]:
        """Hits for a query, kept for the turn; none without an index."""
        if self.library is None:
            return []
        key = f"{k}:{query}"
        if key not in self._hits:
            self._hits[key] = self.library.search(query, k)
        return self._hits[key]

    def passages(self, query: str, k: int = 12) -> list[SearchHit]:
        """Hits in documents alone: what the catalog's records say is looked up claim by claim."""
        if self.library is None:
            return []
        key = f"passages:{k}:{query}"
        if key not in self._hits:
            self._hits[key] = self.library.search(query, k, kinds=_DOCUMENT_KINDS)
        return self._hits[key]

    def similar_claims(self, text: str) -> Mapping[int, float]:
        """Meaning-based fit of claims to a text by their identity; empty where there is no embedder."""
        if self.meaning is None:
            return {}
        if text not in self._similar:
            self._similar[text] = self.meaning(text)
        return self._similar[text]

    def tool(
        self, name: str, inputs: Mapping[str, Any], output: Mapping[str, Any], steps: Iterable[str] = (), started: float | None = None
    ) -> None:
        """Records one tool call; every number in its output and steps may appear in the answer."""
        record = ToolFinished(name, dict(inputs), dict(output), tuple(steps), 0.0 if started is None else time.perf_counter() - started)
        self.tools.append(record)

    def own_words(self, text: str) -> str:
        """A fixed text of ours, whose figures are examples or settings and not claims about the world; returns it."""
        self.computed(*(n.value for n in find_numbers(normalise(text))))
        return text

    def computed(self, *values: Decimal) -> None:
        """Numbers that the answer may state because they were calculated in this turn."""
        self.calculated.update(values)
