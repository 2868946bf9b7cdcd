"""What the page needs of the rest: answers, the passages they cite, conversations, opinions, and who may do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.events import AnswerDone, AnswerEvent, AnswerFailed
from channels.page.calculators import ChoiceList
from channels.page.cards import PassageOf, copy_text
from channels.page.export import Exported, Format, export
from channels.page.session import Answerer, Sessions
from channels.page.visitors import KEY_PREFIX
from kb.errors import AdvisorError
from kb.types import Citation

if TYPE_CHECKING:
    from agent.session import Advisor
    from channels.page.uploads import Uploads
    from channels.state.conversations import Conversations
    from channels.state.feedback import Feedback
    from channels.state.keys import ApiKeys
    from channels.state.limits import Limits
    from kb.catalog.catalog import Catalog
    from kb.settings import Settings


OFFLINE = "offline"


class NoAnswerError(AdvisorError):
    """The turn failed; the message may be shown to anyone."""


class NotAllowedError(AdvisorError):
    """Somebody asked who may not ask: no key, or too often."""


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
        self.sessions = Sessions(new_conversation, lambda: self.state.conversations, passage_of)
        # Without accounts the page answers this machine alone, whose user owns it; with accounts, see `accounts.Gate.is_maintainer`.
        self.is_maintainer: Callable[[str | None], bool] = lambda user: user is None
        self.has_accounts = False
        self.uploads: Uploads | None = None
        """Where documents are taken in; None: nothing is changed from the page."""

    @classmethod
    def over(cls, advisor: Callable[[], Advisor], home: Path) -> Backend:
        """A backend over the real agent, whose library also gives the cited passages."""
        from agent.session import Conversation

        def passage_of(citation: Citation) -> str:
            library = advisor().library
            chunks = library.chunks_of(citation.source) if library is not None and citation.chunk_id else ()
            return next((chunk.text for chunk in chunks if chunk.id == citation.chunk_id), citation.quote)

        return cls(advisor, Conversation, passage_of, home, library=lambda: advisor().library)

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process over the backend's data folder."""
        from kb.settings import get_settings

        return get_settings().model_copy(update={"home": self.home})

    @cached_property
    def state(self) -> State:
        """The database, opened when it is first needed."""
        return State.open(self.settings)

    @cached_property
    def keys(self) -> ApiKeys:
        """The keys that programs may ask with."""
        from channels.state.keys import ApiKeys

        return ApiKeys.read(self.settings.api_keys.get_secret_value())

    def answerer_for(self, mode: str) -> Answerer:
        """Who answers: with the language model where one is set, or without it for a visitor who chose so."""
        answerer = self.answerer()
        return _Offline(answerer) if mode == OFFLINE and getattr(answerer, "endpoint", None) is not None else answerer

    def answer_once(self, question: str) -> str:
        """The whole answer to one question in a conversation of its own, as Markdown with its sources."""
        last: AnswerDone | AnswerFailed | None = None
        for event in self.answerer().answer(question, self.new_conversation()):
            if isinstance(event, (AnswerDone, AnswerFailed)):
                last = event
        if isinstance(last, AnswerDone):
            return f"> {last.notice}\n\n{copy_text(last)}" if last.notice else copy_text(last)
        raise NoAnswerError(last.public_text if last else "The answer ended early; the server's log says why.")

    def admit_program(self, user: str | None) -> None:
        """Let a program ask over the API: with a key where keys are set, or signed in. Raises `NotAllowedError`."""
        if self.keys and user is None:
            raise NotAllowedError("A key is needed: send it as the header Authorization: Bearer KEY (one of ADVISOR_API_KEYS).")

    def wait_s(self, owner: str, user: str | None) -> float:
        """Take one question out of what this user or key may ask in a minute: 0, or the seconds to wait.

        Where neither accounts nor keys are configured the machine's own user asks, as often as they like.
        """
        per_minute = self.settings.rate_per_minute
        limited = self.has_accounts or (user or "").startswith(KEY_PREFIX)
        if not per_minute or not limited or not owner:
            return 0.0
        from channels.state.limits import Rate

        return self.state.limits.take(owner, Rate.of_minute(per_minute))

    def exported(self, id_: str, owner: str, kind: Format) -> Exported | None:
        """The owner's conversation as a file; None if there is none."""
        row = self.state.conversations.find(id_, owner) if owner else None
        return export(row, self.state.conversations.turns(id_, owner), kind) if row is not None else None


class _Offline:
    """An advisor with a language model, whose model is not asked."""

    def __init__(self, advisor: Any) -> None:
        self._advisor = advisor

    def answer(self, question: str, conversation: Any) -> Iterator[AnswerEvent]:
        from agent.session import Advisor

        return Advisor.answer(self._advisor, question, conversation)

    def resume(self, turns: Sequence[tuple[str, str]]) -> Any:
        return self._advisor.resume(turns)


class State:
    """The repositories of one database."""

    def __init__(self, conversations: Conversations, feedback: Feedback, limits: Limits) -> None:
        self.conversations = conversations
        self.feedback = feedback
        self.limits = limits

    @classmethod
    def open(cls, settings: Settings) -> State:
        """Raises `channels.state.database.DatabaseError` where the database cannot be used."""
        from channels.state.conversations import Conversations
        from channels.state.database import open_database
        from channels.state.feedback import Feedback
        from channels.state.limits import Limits

        engine = open_database(settings)
        return cls(Conversations(engine), Feedback(engine), Limits(engine))


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
