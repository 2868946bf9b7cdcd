"""The agent as an answerer: each worker process opens index and catalog once and then only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.events import AnswerFailed
from eval.outcome import Answerer, Outcome, Place
from kb.catalog.load import load_catalog
from kb.settings import Settings, get_settings

if TYPE_CHECKING:
    from agent.session import Advisor
    from kb.types import SearchHit

_HITS = 10


@dataclass(frozen=True, slots=True)
class AgentFactory:
    """Opens the agent over the data folder of a corpus. `homes` maps corpus names to folders, "" to the one in use."""

    mode: str
    homes: Mapping[str, str]

    def __call__(self, corpus: str) -> Answerer:
        from agent.session import open_advisor  # opens models; only workers pay for it

        advisor = open_advisor(self.settings(corpus))
        if self.mode == "offline":  # a language model's answers cost money, and it is warm already
            advisor.ask(["热身 warm up"])  # models load now, so that latencies are those of a process that serves
        return answerer_of(advisor)

    def settings(self, corpus: str) -> Settings:
        """The settings in use with the corpus' data folder; offline they name no language model, whatever the environment says."""
        changes: dict[str, object] = {"home": Path(self.homes[corpus])}
        if self.mode == "offline":
            changes["llm_base_url"] = ""
        return get_settings().model_copy(update=changes)


def answerer_of(advisor: Advisor) -> Answerer:
    """Asks every turn of a conversation and returns the last answer. The time is the agent's own, without our search for `hits`."""

    def answerer(turns: Sequence[str]) -> Outcome:
        done = advisor.ask(list(turns))
        library = advisor.library
        hits = tuple(_place(hit) for hit in library.search(" ".join(turns), _HITS)) if library is not None else ()
        if isinstance(done, AnswerFailed):
            return Outcome("", failed=f"{done.public_text} ({done.reference})", hits=hits)
        return Outcome(
            answer=done.answer,
            refused=done.refused,
            conflicts=tuple(asdict(c) for c in done.conflicts),
            citations=tuple(Place(c.source, c.section, c.quote) for c in done.citations),
            tools=tuple({"name": t.name, "input": dict(t.input), "output": dict(t.output), "steps": list(t.steps)} for t in done.tools),
            hits=hits,
            mode=done.mode,
            language=done.language,
            ms=done.ms,
            usage=dict(done.usage),
            unsupported_numbers=done.unsupported_numbers,
            notice=done.notice,
        )

    return answerer


def _place(hit: SearchHit) -> Place:
    return Place(hit.chunk.source, hit.chunk.section)


def entity_names(home: Path) -> list[list[str]]:
    """Names and aliases of each entity of a data folder's catalog."""
    catalog = load_catalog(get_settings().model_copy(update={"home": home}))
    return [[entity.name, *entity.aliases] for entity in catalog.entities.values()]
