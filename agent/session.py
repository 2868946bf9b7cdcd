"""What a process keeps between questions: catalog, index, compiled understanding; and what a conversation keeps between turns."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from agent.answer import answer, clean
from agent.answers.section import title_key
from agent.events import AnswerDone, AnswerEvent, AnswerFailed
from agent.evidence import Library
from agent.meaning import ClaimMeaning
from agent.understand.described import resolve
from agent.understand.followup import merge
from agent.understand.hardware_names import models_in
from agent.understand.link import Mention
from agent.understand.question import Question, Reader
from agent.work import Titles, Work
from kb.catalog.load import load_catalog
from kb.errors import AdvisorError, IndexMissingError, SettingsError
from kb.settings import Settings, get_settings

log = logging.getLogger("advisor")
TURN_FAILED = "turn failed"
"""What the log says of an answer that broke; who asked sees a message where the answer would be."""


@dataclass
class Conversation:
    """The turns so far. A failed turn leaves it as it was."""

    question: Question | None = None
    turns: list[tuple[str, str]] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    """Tokens that a language model has taken for this conversation."""
    weights: dict[str, float] = field(default_factory=dict)
    """Shares (0..1) of catalog fields for choices whose question puts nothing first itself; empty: the fit to the need alone."""
    told: object = None
    """The last answer with what it rests on, where a model may be asked to put it in other words."""


class Advisor:
    """Answers questions. Safe to share between threads; a conversation belongs to one caller at a time."""

    def __init__(self, settings: Settings, library: Library | None) -> None:
        self.settings = settings
        self.library = library
        self._lock = threading.Lock()
        self._titles: tuple[tuple[int, int] | None, Titles | None] | None = None
        self._rate, self._rate_date = parse_rate(settings.exchange_rate_cny_per_usd)
        self._refresh()

    def _refresh(self) -> None:
        """Reads the catalog again if it has changed."""
        catalog = load_catalog(self.settings)
        with self._lock:
            if getattr(self, "reader", None) is None or self.reader.catalog is not catalog:
                self.reader: Reader = Reader(catalog)
                self._meaning: ClaimMeaning | None = None

    @property
    def meaning(self) -> ClaimMeaning | None:
        """Claim vectors, made on first use and kept on disk; None without an index that embeds."""
        with self._lock:
            if self._meaning is None and self.library is not None:
                embed = getattr(self.library, "embed_queries", None)
                if embed is not None:
                    self._meaning = ClaimMeaning(self.reader.catalog, embed, self.settings.home / "cache")
            return self._meaning

    @property
    def titles(self) -> Titles | None:
        """Titles of all sections, read once for an index of up to `MOST_TITLED_DOCUMENTS`."""
        documents = getattr(self.library, "documents", None)
        if self.library is None or documents is None:
            return None
        stamp = getattr(self.library, "stamp", None)
        with self._lock:
            if self._titles is None or self._titles[0] != stamp:
                sources = [d.source for d in documents()]
                few = len(sources) <= MOST_TITLED_DOCUMENTS
                self._titles = (stamp, section_titles(self.library, sources) if few else None)
            return self._titles[1]

    def work(self, text: str, before: Question | None) -> Work:
        """The `Work` of a turn."""
        question = resolve(merge(self.reader.read(text), before), self.reader.catalog)
        meaning = self.meaning
        return Work(
            question, self.reader, self.library, meaning.fit if meaning is not None else None, self.titles, self._rate, self._rate_date
        )

    def answer(self, question: str, conversation: Conversation | None = None) -> Iterator[AnswerEvent]:
        """Events of one turn; the conversation advances only when the turn succeeded."""
        state = conversation if conversation is not None else Conversation()
        self._refresh()
        understood: list[Work] = []

        def make(text: str, before: Question | None) -> Work:
            work = self.work(text, before)
            work.weights = state.weights
            understood.append(work)
            return work

        try:
            for event in answer(question, make, state.question):
                if isinstance(event, AnswerDone):
                    # A turn about nothing we know does not take the thread away from the one before it.
                    if understood and not (event.refused and not understood[0].question.mentions and state.question is not None):
                        state.question = self._spoken_of(understood[0])
                    state.turns.append((clean(question), event.answer))
                yield event
        except AdvisorError:
            raise
        except Exception:
            reference = uuid.uuid4().hex[:8]
            log.exception("%s, reference %s", TURN_FAILED, reference)
            yield AnswerFailed("回答时出错 / something went wrong while answering", reference)

    def _spoken_of(self, work: Work) -> Question:
        """The question for the next turn to lean on; where it named nothing, with what the answer chose as its names."""
        question = work.question
        if question.named or not work.subject:
            return question
        names = tuple(
            Mention(entity.name, 0, 0, (entity.id,), "alias", "", entity.family)
            for entity in (self.reader.catalog.entities[i] for i in work.subject)
            if entity.kind == "model"
        )
        # Several at once are spoken of one by one ("第二个"); "it" is the first.
        return replace(question, mentions=names[:1], recent=tuple(reversed(names[:3])))

    def resume(self, turns: Sequence[tuple[str, str]]) -> Conversation:
        """A conversation rebuilt from its finished turns (question, answer), e.g. in another process than the one that held it.

        What "it" and "the second one" mean comes from understanding the last `REPLAYED_TURNS` questions again, offline: no
        model is asked, and the given answers stay as they were given.
        """
        replayed = Conversation()
        for question, _ in turns[-REPLAYED_TURNS:]:
            for _event in Advisor.answer(self, question, replayed):
                pass
        return Conversation(question=replayed.question, turns=[(clean(question), text) for question, text in turns])

    def warm_up(self) -> None:
        """Loads what the first question would otherwise wait for: query embedder, claim vectors, section titles."""
        warm = getattr(self.library, "warm_up", None)
        if warm is not None:
            warm()
        models_in("70B")
        _ = (self.meaning, self.titles)

    def ask(self, turns: list[str]) -> AnswerDone | AnswerFailed:
        """The answer to the last of several turns of one conversation."""
        conversation = Conversation()
        last: AnswerDone | AnswerFailed = AnswerFailed("no question was given", "")
        for turn in turns:
            for event in self.answer(turn, conversation):
                if isinstance(event, (AnswerDone, AnswerFailed)):
                    last = event
        return last


MOST_TITLED_DOCUMENTS = 2000
REPLAYED_TURNS = 6
"""What a later turn refers to lies at most so far back; each costs one offline answer."""


def section_titles(library: Library, sources: Sequence[str]) -> Titles:
    """Title -> places (source, heading path) of every section of the documents, catalog records left out."""
    found: dict[str, dict[tuple[str, tuple[str, ...]], None]] = {}
    for source in sources:
        for chunk in library.chunks_of(source):
            if chunk.kind == "record":
                continue
            for depth, heading in enumerate(chunk.headings, 1):
                key = title_key(heading)
                if key:
                    found.setdefault(key, {})[(source, chunk.headings[:depth])] = None
    return {key: tuple(places) for key, places in found.items()}


def parse_rate(text: str) -> tuple[Decimal | None, str]:
    """`7.1@2026-11-01` -> the rate and its date; raises `SettingsError` for a rate without a date."""
    if not text.strip():
        return None, ""
    value, _, date = text.partition("@")
    try:
        rate = Decimal(value.strip())
    except InvalidOperation:
        rate = Decimal(0)
    if rate <= 0 or not date.strip():
        raise SettingsError(f"ADVISOR_EXCHANGE_RATE_CNY_PER_USD: found {text!r}; expected RATE@DATE, e.g. 7.1@2026-11-01")
    return rate, date.strip()


def open_advisor(settings: Settings | None = None, *, need_index: bool = True, for_many: bool = False) -> Advisor:
    """The advisor over the index of `ADVISOR_HOME`, with a language model where one is set.

    `for_many`: a server asks, so that answers without a model may have processes of their own (`settings.answer_processes`).

    Raises `IndexMissingError` if nothing was ingested (unless not needed).
    """
    chosen = settings or get_settings()
    library: Library | None = None
    try:
        from kb.index import Index

        library = Index.open(settings=chosen)
    except IndexMissingError:
        if need_index:
            raise
    if chosen.llm_base_url:
        from agent.llm.advisor import LlmAdvisor

        return LlmAdvisor(chosen, library)
    if for_many and chosen.answer_processes:
        from agent.pool import PooledAdvisor

        return PooledAdvisor(chosen, library)
    return Advisor(chosen, library)
