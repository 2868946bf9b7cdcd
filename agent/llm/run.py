"""One run of the function-calling agent: what it says and calls, as events, within bounds of steps, tokens and seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.llm.context import Prompt
from agent.llm.usage import Spent, estimate_tokens
from kb.errors import AdvisorError

if TYPE_CHECKING:
    from llama_index.core.tools import FunctionTool

    from agent.llm.client import Model

_MOST_CHARS_A_TOKEN = 8
"""A service that ignores the limit of tokens is cut off at so many characters for each."""


class TooLongError(AdvisorError):
    """The model does not stop."""


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of text as it comes."""

    text: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """The model has finished one reply. With `calls` what it said in this step was no answer, and tools are run now."""

    calls: bool
    finish_reason: str
    spent: Spent


@dataclass(frozen=True, slots=True)
class Called:
    """A tool is about to run."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Returned:
    """A tool has run."""

    name: str
    arguments: dict[str, Any]
    failed: bool


RunEvent = Said | StepEnded | Called | Returned


async def run_agent(
    model: Model, prompt: Prompt, tools: Sequence[FunctionTool], *, max_steps: int, max_tokens: int, timeout_s: float
) -> AsyncIterator[RunEvent]:
    """Runs the agent on a prompt. Raises `TimeoutError`, `TooLongError`, or what the service or a tool raised."""
    from llama_index.core.agent.workflow import AgentInput, AgentOutput, AgentStream, FunctionAgent, ToolCall, ToolCallResult
    from llama_index.core.llms import ChatMessage
    from llama_index.core.memory import ChatMemoryBuffer

    agent = FunctionAgent(name="advisor", llm=model, tools=list(tools), system_prompt=prompt.system, streaming=True)
    # The prompt is within its budget already; the memory must neither cut it nor load a tokenizer.
    memory = ChatMemoryBuffer.from_defaults(token_limit=10_000_000, tokenizer_fn=str.split)
    history = [ChatMessage(role=role, content=text) for role, text in prompt.history]
    async with asyncio.timeout(timeout_s):
        # The agent counts the reply that exceeds its limit too.
        handler = agent.run(user_msg=prompt.user, chat_history=history, memory=memory, max_iterations=max_steps + 1)
        step, ended = _Step(), False
        try:
            async for event in handler.stream_events():
                match event:
                    case AgentInput():
                        step = _Step(sum(estimate_tokens(str(m.content or "")) for m in event.input) + estimate_tokens(_specs(tools)))
                    case AgentStream():
                        step.take(event)
                        if step.chars > max_tokens * _MOST_CHARS_A_TOKEN:
                            raise TooLongError(f"a reply of more than {step.chars:,} characters; {max_tokens:,} tokens were asked for")
                        if event.delta:
                            yield Said(event.delta)
                    case AgentOutput():
                        yield StepEnded(bool(event.tool_calls), step.finish_reason, step.spent())
                    case ToolCallResult():
                        yield Returned(event.tool_name, dict(event.tool_kwargs), bool(event.tool_output.is_error))
                        if isinstance(event.tool_output.exception, AdvisorError):
                            raise event.tool_output.exception
                    case ToolCall():
                        yield Called(event.tool_name, dict(event.tool_kwargs))
            await handler
            ended = True
        finally:
            if not ended:
                await handler.cancel_run()


def _specs(tools: Sequence[FunctionTool]) -> str:
    return "".join(f"{t.metadata.name}{t.metadata.description}{t.metadata.fn_schema_str}" for t in tools)


class _Step:
    """What is known of the reply under way."""

    def __init__(self, input_tokens: int = 0) -> None:
        self._estimated_input = input_tokens
        self._usage: dict[str, Any] | None = None
        self._text = ""
        self.finish_reason = ""
        self.chars = 0

    def take(self, event: Any) -> None:
        self._text += event.delta
        self.chars += len(event.delta) + len(event.thinking_delta or "")
        raw = event.raw if isinstance(event.raw, dict) else {}
        self._usage = raw.get("usage") or self._usage
        for choice in raw.get("choices") or ():
            self.finish_reason = choice.get("finish_reason") or self.finish_reason

    def spent(self) -> Spent:
        """Tokens as reported, else estimated."""
        usage = self._usage or {}
        if usage.get("prompt_tokens") or usage.get("completion_tokens"):
            return Spent(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
        return Spent(self._estimated_input, estimate_tokens(self._text), True)
