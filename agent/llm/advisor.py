"""The advisor with a language model: the offline answer first, as evidence, then the model's prose, checked as it comes."""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.answer import clean
from agent.events import AnswerDone, AnswerEvent, AnswerFailed, TextDelta, Understood
from agent.evidence import Library
from agent.llm.again import Told, asks_again, reword_prompt, wanted_language
from agent.llm.compose import Composed, compose, renumbered, unusable
from agent.llm.context import build_prompt, clean_passage, more_passages
from agent.llm.endpoint import Endpoint, endpoint_of
from agent.llm.gather import gather
from agent.llm.release import Release
from agent.llm.turn import Turn, speak
from agent.llm.usage import Spent, spent_text
from agent.session import Advisor, Conversation
from agent.work import Work
from kb.errors import SettingsError
from kb.settings import Settings

if TYPE_CHECKING:
    from agent.llm.client import Model

log = logging.getLogger("advisor")
SEPARATOR = "\n\n---\n\n"
"""Between the offline answer and the model's prose while it streams; `AnswerDone` holds the answer that stands."""
_PASSAGE_CHARS = 500
_LOOKING = frozenset({"search", "read_section"})


class LlmAdvisor(Advisor):
    """An `Advisor` whose answers are put into words by a model. Without one, or when it fails, they are the offline ones."""

    def __init__(self, settings: Settings, library: Library | None) -> None:
        super().__init__(settings, library)
        self._seen = threading.local()
        self._model: Model | None = None
        self._model_lock = threading.Lock()
        self.endpoint: Endpoint | None = None
        self.unusable = ""
        try:
            self.endpoint = endpoint_of(settings)
        except SettingsError as error:
            # A wrong setting of the model must not take the offline answers away.
            self.unusable = str(error)
        if self.endpoint is not None:
            # The libraries take seconds to load, which pass while the first question is read.
            threading.Thread(target=self._load, args=(self.endpoint,), name="load-llm", daemon=True).start()

    def work(self, text: str, before: Any) -> Work:
        """The `Work` of a turn, kept for the model."""
        made = super().work(text, before)
        self._seen.work = made
        return made

    def answer(self, question: str, conversation: Conversation | None = None) -> Iterator[AnswerEvent]:
        """Events of one turn. All of the offline answer comes before the model is asked; the conversation advances at the end."""
        state = conversation if conversation is not None else Conversation()
        memory = copy.copy(state)
        memory.turns = list(state.turns)
        started = time.perf_counter()
        done: AnswerDone | AnswerFailed | None = None
        failed = ""
        text = clean(question)
        if self.endpoint is not None and isinstance(state.told, Told) and asks_again(text, self.reader.read(text)):
            done = yield from self._again(text, state.told, memory)
            failed = done.notice
        if done is None or failed:
            done = yield from self._answer(question, text, state, memory)
            if isinstance(done, AnswerDone) and failed:
                done = replace(done, notice=failed)
        if isinstance(done, AnswerDone):
            done = replace(done, ms=round((time.perf_counter() - started) * 1000, 2))
            # Only a finished turn is remembered: a caller that stops reading leaves the conversation as it was.
            vars(state).update(vars(memory))
        yield done

    def ask(self, turns: list[str]) -> AnswerDone | AnswerFailed:
        """The answer to the last of several turns; those before it are only context and need no model."""
        conversation = Conversation()
        for turn in turns[:-1]:
            for _ in super().answer(turn, conversation):
                pass
        last: AnswerDone | AnswerFailed = AnswerFailed("no question was given", "")
        for turn in turns[-1:]:
            for event in self.answer(turn, conversation):
                if isinstance(event, (AnswerDone, AnswerFailed)):
                    last = event
        return last

    def warm_up(self) -> None:
        """Loads what the first question would otherwise wait for, the model's libraries too."""
        super().warm_up()
        if self.endpoint is not None:
            self._ready_model(self.endpoint)

    def close(self) -> None:
        """Closes connections to the model's service; the advisor may go on and opens new ones."""
        with self._model_lock:
            if self._model is not None:
                self._model.close()
                self._model = None

    def _load(self, endpoint: Endpoint) -> None:
        with contextlib.suppress(Exception):  # what is wrong is said where an answer needs it
            self._ready_model(endpoint)

    def _ready_model(self, endpoint: Endpoint) -> Model:
        import llama_index.core.agent.workflow  # noqa: F401  (seconds, which the first answer would wait for)

        from agent.llm.client import make_model
        from agent.llm.traces import start_traces

        with self._model_lock:
            if self._model is None:
                start_traces(self.settings)
                self._model = make_model(endpoint, timeout_s=self.settings.llm_timeout_s, max_tokens=self.settings.llm_max_tokens)
                self._model.warm_up()
            return self._model

    def _answer(
        self, question: str, text: str, state: Conversation, memory: Conversation
    ) -> Generator[AnswerEvent, None, AnswerDone | AnswerFailed]:
        """The offline answer, then the model on it."""
        self._seen.work = None
        # To its end before anything is yielded: the caller may go on in another thread.
        events = list(super().answer(question, memory))
        work: Work | None = self._seen.work
        yield from events[:-1]
        done = events[-1]
        if not isinstance(done, AnswerDone):
            return done if isinstance(done, AnswerFailed) else AnswerFailed("no answer", "")
        if work is None or not _worth_asking(done, work):
            return done
        if self.endpoint is None:
            return replace(done, notice=_offline_because(self.unusable, done))
        facts = gather(text, done, work, state.turns)
        turn = Turn(text, done.language, done, facts, work.citations, work.tools)
        yield TextDelta(SEPARATOR)
        done = yield from self._with_model(turn, self._say(turn, work, state), memory)
        memory.turns[-1] = (memory.turns[-1][0], done.answer)
        memory.told = Told(done, facts, done.citations)
        return done

    def _say(self, turn: Turn, work: Work, state: Conversation) -> Any:
        """How the model answers this turn, given its gate."""

        def run(release: Release, model: Model) -> Iterator[AnswerEvent]:
            from agent.llm.tools import ToolBox

            box = ToolBox(self, work, turn.facts, [q for q, _ in state.turns] + [turn.question])
            offered = self.settings.llm_tools
            wanted = offered == "always" or offered == "auto" and _is_open(work)
            tools = box.function_tools(every=offered == "always") if wanted else []
            if _is_open(work):
                for chunk in more_passages(work, turn.offline):
                    text = clean_passage(chunk.text)[:_PASSAGE_CHARS]
                    if text:
                        box.cite_passage(chunk, text)
            prompt = build_prompt(turn.question, turn.offline, work, state.turns, self.settings.llm_context_tokens, with_tools=bool(tools))
            return speak(turn, release, model, prompt, tools, self.settings)

        return run

    def _again(self, text: str, told: Told, memory: Conversation) -> Generator[AnswerEvent, None, AnswerDone]:
        """The last answer in other words. With a notice: the model gave none, and the question is answered like any other."""
        language = wanted_language(text)
        offline = replace(told.done, language=language, notice="", unsupported_numbers=0)
        turn = Turn(text, language, offline, told.facts, list(told.citations), list(told.done.tools))
        prompt = reword_prompt(text, told, language, self.settings.llm_context_tokens)
        yield Understood(language, "", "")
        done = yield from self._with_model(
            turn, lambda release, model: speak(turn, release, model, prompt, [], self.settings), memory, again=True
        )
        if not done.notice:
            memory.turns.append((text, done.answer))
        return done

    def _with_model(self, turn: Turn, say: Any, memory: Conversation, *, again: bool = False) -> Generator[AnswerEvent, None, AnswerDone]:
        """Lets the model speak; the answer that stands, whatever happens."""
        from agent.llm.turn_log import write_turn

        assert self.endpoint is not None
        release = turn.release()
        fixed = len(turn.citations)
        try:
            yield from say(release, self._ready_model(self.endpoint))
        except Exception as error:
            from agent.llm.failure import reason

            log.info("the model gave no answer: %s", type(error).__name__, exc_info=True)
            turn.failure = reason(error, self.endpoint, self.settings.llm_timeout_s, turn.language)
        done = self._finish(turn, release, fixed, memory, again)
        write_turn(self.settings, self.endpoint, turn, done, release)
        return done

    def _finish(self, turn: Turn, release: Release, fixed: int, memory: Conversation, again: bool) -> AnswerDone:
        """The answer that stands, with what was removed and what it cost."""
        assert self.endpoint is not None
        offline = turn.offline
        total = turn.spent + Spent(
            memory.usage.get("input_tokens", 0), memory.usage.get("output_tokens", 0), bool(memory.usage.get("estimated"))
        )
        memory.usage = total.as_dict() | {"estimated": int(total.estimated)}
        counted = replace(
            offline,
            usage=turn.spent.as_dict(),
            spent=spent_text(self.endpoint.model, turn.spent, total, turn.language) if total.input_tokens else "",
            unsupported_numbers=offline.unsupported_numbers + len(release.unsupported) + len(release.broken_marks),
        )
        composed = Composed("", turn.failure)
        if not turn.failure and again:
            composed = Composed(release.text, unusable(release, turn.language))
        elif not turn.failure:
            composed = compose(release, offline.answer, turn.facts, turn.language)
        if composed.why_not:
            return replace(counted, notice=_offline_because(composed.why_not, offline))
        text, citations = renumbered(composed.text, turn.citations, fixed)
        return replace(counted, answer=text, citations=citations, tools=tuple(turn.tools), mode="llm")


def _is_open(work: Work) -> bool:
    """Whether the offline answer is only passages: no claim of the catalog and no calculation answers the question."""
    return not work.claims and all(tool.name in _LOOKING for tool in work.tools)


def _worth_asking(done: AnswerDone, work: Work) -> bool:
    """A refusal, a greeting or a question back holds nothing that a model could put better."""
    return not done.refused and bool(work.citations or work.claims or work.tools)


def _offline_because(why: str, offline: AnswerDone) -> str:
    if offline.language == "zh":
        return f"{why}；以下是不用模型的回答。"
    return f"{why}; this is the answer without the model."
