"""The evidence of a turn: everything that an answer of it may state, read into `Facts`."""

from __future__ import annotations

from collections.abc import Sequence

from agent.events import AnswerDone
from agent.llm.context import clean_passage
from agent.llm.facts import Facts, LineReader
from agent.work import Work
from kb.catalog.show import claim_text
from kb.quantities import normalise

_EARLIER_ANSWERS = 2


def gather(question: str, offline: AnswerDone, work: Work, turns: Sequence[tuple[str, str]]) -> Facts:
    """Facts of the offline answer, its citations, claims and calculations, the question, and the last answers of the conversation."""
    linker = work.reader.linker
    facts = Facts(LineReader(linker))

    def named(text: str) -> list[str]:
        return [entity for mention in linker.link(normalise(text)) for entity in mention.entities]

    facts.add(offline.answer)
    facts.add(question, states=False)
    for citation in work.citations:
        facts.add(f"{citation.section} {citation.source}", states=False)
        facts.add(clean_passage(citation.quote), named(f"{citation.section} {citation.source}"))
    for claim in work.claims:
        text = claim_text(claim, work.catalog, offline.language, with_source=False)
        of = "的" if offline.language == "zh" else " "
        facts.add(f"{work.entity(claim.entity).name}{of}{work.label(claim.field)}: {text}", [claim.entity])
        facts.names.add(claim.entity)
    for tool in work.tools:
        output = [f"{key}: {value}" for key, value in tool.output.items()]
        about = named(" ".join(map(str, tool.input.values())))
        facts.add("\n".join(tool.steps), about)
        facts.add("\n".join(output), about, bare=True)
    for _, answer in turns[-_EARLIER_ANSWERS:]:
        facts.add(answer)
    return facts
