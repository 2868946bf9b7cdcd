"""The model behind LlamaIndex: any OpenAI-compatible service, with the differences between services taken out of the way.

Importing this module loads LlamaIndex (seconds); only a process that talks to a model does so.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ToolCallBlock
from llama_index.core.llms import MessageRole
from llama_index.llms.openai_like import OpenAILike

from agent.llm.endpoint import Endpoint
from agent.llm.loop import background_loop
from agent.llm.text_calls import calls_in_text
from kb.errors import AdvisorError

_CONTEXT_WINDOW_TOKENS = 1_000_000
"""Our own budget keeps prompts short; LlamaIndex must not cut them a second time."""
MAX_RETRIES = 2


class BrokenStreamError(AdvisorError):
    """The service ended its stream without saying that the answer is complete."""


class Model(OpenAILike):  # type: ignore[misc]
    """`OpenAILike` that finds tool calls in text, and sends no field that only some services know."""

    plain_tools: bool = True
    """Leave out `strict`, `parallel_tool_calls` and empty fields, which several services refuse."""

    def _prepare_chat_with_tools(self, tools: Sequence[Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
        prepared: dict[str, Any] = super()._prepare_chat_with_tools(tools, *args, **kwargs)
        if self.plain_tools:
            prepared.pop("parallel_tool_calls", None)
            for spec in prepared.get("tools") or ():
                spec["function"].pop("strict", None)
                spec["function"]["parameters"].pop("additionalProperties", None)
        return {key: value for key, value in prepared.items() if value is not None}

    def warm_up(self) -> None:
        """Makes the client now: reading certificates takes a second that the first answer need not wait for."""
        self._get_aclient()

    def close(self) -> None:
        """Closes the connections that are kept for the next turn."""
        client: Any = self._get_aclient()
        asyncio.run_coroutine_threadsafe(client.close(), background_loop()).result(timeout=10)

    async def astream_chat_with_tools(self, tools: Sequence[Any], *args: Any, **kwargs: Any) -> AsyncIterator[ChatResponse]:
        """The stream; where it ends in a call written as text, one more response that holds the call as the protocol has it.

        Raises `BrokenStreamError` if the service never said that it was done.
        """
        inner = await super().astream_chat_with_tools(tools, *args, **kwargs)
        names = {tool.metadata.name for tool in tools}

        async def stream() -> AsyncIterator[ChatResponse]:
            last: ChatResponse | None = None
            finished = ""
            async for last in inner:
                choices = getattr(last.raw, "choices", None) or ()
                finished = next((c.finish_reason for c in choices if c.finish_reason), finished)
                yield last
            if not finished:
                raise BrokenStreamError("the stream ended before the answer did")
            if last is not None and not self.get_tool_calls_from_response(last, error_on_no_tool_call=False):
                calls = calls_in_text(last.message.content or "", names)
                if calls:
                    blocks = [
                        ToolCallBlock(tool_call_id=f"call_{uuid.uuid4().hex[:12]}", tool_name=c.name, tool_kwargs=c.arguments)
                        for c in calls
                    ]
                    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=list(blocks))
                    yield ChatResponse(message=message, delta="", raw=None, additional_kwargs={})

        return stream()


def make_model(endpoint: Endpoint, *, timeout_s: float, max_tokens: int) -> Model:
    """The model of an endpoint. Its client retries what the service says may be retried, waiting as long as `Retry-After` says."""
    return Model(
        model=endpoint.model,
        api_base=endpoint.base_url,
        api_key=endpoint.api_key or "none",
        is_chat_model=True,
        is_function_calling_model=True,
        context_window=_CONTEXT_WINDOW_TOKENS,
        temperature=0.1,
        max_tokens=max_tokens,
        max_retries=MAX_RETRIES,
        timeout=timeout_s,
        additional_kwargs={"stream_options": {"include_usage": True}, **endpoint.extra},
        plain_tools=endpoint.name != "openai",
    )
