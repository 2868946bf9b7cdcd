"""What the page needs of the rest: answers, the passages they cite, conversations, and where opinions go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.events import AnswerDone, AnswerFailed
from channels.page.calculators import ChoiceList
from channels.page.cards import PassageOf, copy_text
from channels.page.session import Answerer, Sessions
from kb.errors import AdvisorError
from kb.types import Citation

if TYPE_CHECKING:
    from agent.session import Advisor
    from kb.catalog.catalog import Catalog


class NoAnswerError(AdvisorError):
    """The turn failed; the message may be shown to anyone."""


class Backend:
    """`answerer` is called on every question, so that opening the index may still be under way when the page is served."""

    def __init__(
        self,
        answerer: Callable[[], Answerer],
        new_conversation: Callable[[], Any],
        passage_of: PassageOf,
        home: Path,
        choices: Mapping[ChoiceList, Sequence[str]] | None = None,
        library: Callable[[], Any] | None = None,
    ) -> None:
        self.answerer = answerer
        self.new_conversation = new_conversation
        self.passage_of = passage_of
        self.home = home
        self.library = library
        self.choices = choices if choices is not None else known_names()
        self.sessions = Sessions(new_conversation)
        # Without accounts the page answers this machine alone, whose user owns it; with accounts, see `accounts.Gate.is_maintainer`.
        self.is_maintainer: Callable[[str | None], bool] = lambda user: user is None

    @classmethod
    def over(cls, advisor: Callable[[], Advisor], home: Path) -> Backend:
        """A backend over the real agent, whose library also gives the cited passages."""
        from agent.session import Conversation

        def passage_of(citation: Citation) -> str:
            library = advisor().library
            chunks = library.chunks_of(citation.source) if library is not None and citation.chunk_id else ()
            return next((chunk.text for chunk in chunks if chunk.id == citation.chunk_id), citation.quote)

        return cls(advisor, Conversation, passage_of, home, library=lambda: advisor().library)

    def answer_once(self, question: str) -> str:
        """The whole answer to one question in a conversation of its own, as Markdown with its sources."""
        last: AnswerDone | AnswerFailed | None = None
        for event in self.answerer().answer(question, self.new_conversation()):
            if isinstance(event, (AnswerDone, AnswerFailed)):
                last = event
        if isinstance(last, AnswerDone):
            return f"> {last.notice}\n\n{copy_text(last)}" if last.notice else copy_text(last)
        raise NoAnswerError(last.public_text if last else "The answer ended early; the server's log says why.")


def active_catalog() -> Catalog:
    """The catalog as it is now: shipped, with the user's own entries over it. Read again only when a file changed."""
    from kb.catalog.load import load_catalog
    from kb.settings import get_settings

    return load_catalog(get_settings())


def known_names() -> dict[ChoiceList, list[str]]:
    """What the calculators' lists offer: models with a price, architectures and GPUs of the active catalog."""
    from kb.catalog.hardware import default_hardware

    catalog, hardware = active_catalog(), default_hardware()
    return {
        "priced_models": [entity.name for entity in catalog.entities.values() if entity.claims.get("input_price")],
        "architectures": [entry.name for entry in hardware.architectures.values()],
        "gpus": [entry.name for entry in hardware.gpus.values()],
    }
