"""Commands that people write as plain text. Only a person's own message is ever looked at for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.events import Language
from channels.core.compose import place_of
from channels.core.memory import Memory, Thread
from channels.core.message import InboundMessage
from channels.core.words import command_of, language_of, say, word_list

if TYPE_CHECKING:
    from agent.session import Advisor

COMMANDS = ("help", "new", "sources", "feedback", "status")
MAX_QUOTE_CHARS = 300


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is one of `COMMANDS`, or what was written instead of one."""

    name: str
    rest: str


def command_in(text: str) -> Command | None:
    """The command that a message is; None for a question. A path such as `/etc/hosts 是什么` is a question."""
    if not text.startswith(("/", "／")):
        return None
    first, _, rest = text[1:].partition(" ") if " " in text.split("\n", 1)[0] else text[1:].partition("\n")
    name = first.partition("@")[0].strip().lower()
    if not name or len(name) > 20 or not name.replace("_", "").isalnum():
        return None
    return Command(command_of(name), rest.strip())


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs them. Each gives Markdown in the language of the conversation."""

    memory: Memory
    advisor: Callable[[], Advisor]
    waiting: Callable[[], int]

    def run(self, command: Command, message: InboundMessage) -> tuple[str, Language]:
        """(Markdown, language) of the reply."""
        thread = self.memory.thread(message)
        last = thread.last
        spoken: Language = last.done.language if last is not None and last.done is not None else "zh"
        language = language_of(command.rest, message.locale, spoken)
        match command.name:
            case "help":
                return f"{say('help', 'zh')}\n\n---\n\n{say('help', 'en')}", language
            case "new":
                self.memory.start_new(message)
                return say("new_started", language), language
            case "sources":
                return self._sources(thread, language), language
            case "feedback":
                return self._feedback(thread, message, command.rest, language), language
            case "status":
                return self._status(thread, language), language
            case other:
                return f"{say('unknown_command', language, '/' + other)}\n\n{say('help', language)}", language

    def _sources(self, thread: Thread, language: Language) -> str:
        done = thread.last.done if thread.last is not None else None
        if done is None:
            return say("no_answer_yet", language)
        if not done.citations:
            return say("no_sources", language)
        lines = []
        for number, citation in enumerate(done.citations, 1):
            quote = " ".join(citation.quote.split())
            quote = quote if len(quote) <= MAX_QUOTE_CHARS else quote[:MAX_QUOTE_CHARS] + "…"
            where = " · ".join(part for part in (_plain(citation.source), _plain(citation.section), place_of(citation, language)) if part)
            lines.append(f"[{number}] **{where}**\n\n> {_plain(quote)}")
        return "\n\n".join(lines)

    def _feedback(self, thread: Thread, message: InboundMessage, rest: str, language: Language) -> str:
        if thread.last is None:
            return say("no_answer_yet", language)
        rating, reason = rating_in(rest)
        if rating is None:
            return say("feedback_usage", language)
        self.memory.rate(thread.last.id, message.channel, message.tenant, message.sender_id, rating, reason)
        return say("feedback_stored", language)

    def _status(self, thread: Thread, language: Language) -> str:
        advisor = self.advisor()
        documents = getattr(advisor.library, "documents", None)
        model = advisor.settings.llm_model or advisor.settings.llm_base_url.rpartition("@")[2]
        lines = [
            say("status_model", language, model) if advisor.settings.llm_base_url else say("status_offline", language),
            say("status_documents", language, len(list(documents())) if documents is not None else 0),
            say("status_models", language, sum(1 for e in advisor.reader.catalog.entities.values() if e.kind == "model")),
            say("status_waiting", language, max(0, self.waiting() - 1)),
            say("status_turns", language, len(thread.turns)),
        ]
        return "\n".join(f"- {line}" for line in lines)


def rating_in(text: str) -> tuple[str | None, str]:
    """(rating, reason) of `good ...` or `不好 ...`; longer words are tried first, so that 不好 is not read as 好."""
    words = [(word, "up") for word in word_list("good_words")] + [(word, "down") for word in word_list("bad_words")]
    for word, rating in sorted(words, key=lambda pair: -len(pair[0])):
        rest = text[len(word) :]
        if text.lower().startswith(word) and (not rest or not word.isascii() or not rest[0].isalnum()):
            return rating, rest.strip(" ，,:：。")
    return None, ""


def _plain(text: str) -> str:
    """Text of a document as Markdown that shows it as it is."""
    return "".join("\\" + c if c in "\\`*_[]<>#|~" else c for c in text)
