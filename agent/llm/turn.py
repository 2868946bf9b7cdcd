"""One turn with a model: what it is about, what the model says in it, and the checked pieces of that as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.events import AnswerDone, AnswerEvent, Language, TextDelta, ToolFinished, ToolStarted
from agent.llm.context import Prompt
from agent.llm.facts import Facts
from agent.llm.release import Release
from agent.llm.usage import Spent
from agent.llm.verify import Verifier
from kb.settings import Settings
from kb.types import Citation

if TYPE_CHECKING:
    from llama_index.core.tools import FunctionTool

    from agent.llm.client import Model

_GAP = {"zh": "……（此处的说法在资料里查不到，已略去）", "en": "... (left out: no source holds it) "}


@dataclass
class Turn:
    """`offline` is the answer that is shown if the model's is not; `citations` and `tools` grow with the model's calls."""

    question: str
    language: Language
    offline: AnswerDone
    facts: Facts
    citations: list[Citation]
    tools: list[ToolFinished]
    calls: list[dict[str, Any]] = field(default_factory=list)
    spent: Spent = Spent()
    failure: str = ""
    said: str = ""
    first_token_s: float | None = None
    started: float = field(default_factory=time.perf_counter)

    def release(self) -> Release:
        """The gate through which the model's text goes out."""
        return Release(Verifier(self.facts, self.citations).verify, self.facts.holds_name, _GAP[self.language])


def speak(
    turn: Turn, release: Release, model: Model, prompt: Prompt, tools: Sequence[FunctionTool], settings: Settings
) -> Iterator[AnswerEvent]:
    """Runs the model and gives its checked text and its tool calls as they come. Raises what a run raises (agent/llm/run.py)."""
    from agent.llm.loop import iterate
    from agent.llm.run import Called, Returned, Said, StepEnded, run_agent

    bounds = {"max_steps": settings.llm_max_steps, "max_tokens": settings.llm_max_tokens}
    for event in iterate(lambda: run_agent(model, prompt, tools, timeout_s=settings.llm_timeout_s, **bounds)):
        match event:
            case Said(text):
                turn.first_token_s = turn.first_token_s or time.perf_counter() - turn.started
                turn.said += text
                yield from (TextDelta(piece) for piece in release.feed(text) if piece)
            case StepEnded(calls, finish_reason, spent):
                turn.spent += spent
                if calls:
                    release.start_again()
                else:
                    yield from (TextDelta(piece) for piece in release.close(complete=finish_reason != "length") if piece)
            case Called(name, arguments):
                yield ToolStarted(name, arguments)
            case Returned(name, arguments, failed):
                turn.calls.append({"name": name, "arguments": arguments, "failed": failed})
                record = next((t for t in reversed(turn.tools) if t.name == name), None)
                yield record if record is not None else ToolFinished(name, arguments, {"error": "not run"})
