"""A chat request as a question with its history, and an answer as a completion, whole or in chunks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.codec import dump_done
from agent.events import AnswerDone
from agent.llm.usage import estimate_tokens
from channels.api.errors import bad_request
from channels.api.schema import MAX_QUESTION_CHARS, AssistantMessage, ChatRequest, TextPart, UserMessage
from channels.page.cards import copy_text


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: the question and the finished turns before it (question, answer)."""

    question: str
    turns: tuple[tuple[str, str], ...]

    @property
    def estimated_tokens(self) -> int:
        """Of the question and the turns before it."""
        return sum(estimate_tokens(q) + estimate_tokens(a) for q, a in self.turns) + estimate_tokens(self.question)


def read_request(request: ChatRequest) -> Asked:
    """The last message as the question. System messages are no instructions here and are left out.

    Raises:
        ApiError: the last message is not the user's, it is too long, or `stream_options` come without `stream`.
    """
    if request.stream_options is not None and not request.stream:
        raise bad_request("stream_options is only allowed when stream is true", "stream_options")
    last = request.messages[-1]
    if not isinstance(last, UserMessage):
        raise bad_request("the last message must be the user's question", f"messages.{len(request.messages) - 1}.role")
    question = text_of(last.content)
    if len(question) > MAX_QUESTION_CHARS:
        place = f"messages.{len(request.messages) - 1}.content"
        raise bad_request(f"the question has {len(question)} characters; at most {MAX_QUESTION_CHARS}", place, "string_above_max_length")
    turns: list[tuple[str, str]] = []
    for message in request.messages[:-1]:
        if isinstance(message, UserMessage):
            turns.append((text_of(message.content)[:MAX_QUESTION_CHARS], ""))
        elif isinstance(message, AssistantMessage) and turns:
            asked, answered = turns[-1]
            turns[-1] = (asked, "\n".join(part for part in (answered, text_of(message.content)) if part))
    return Asked(question, tuple(turns))


def text_of(content: str | Sequence[Any] | None) -> str:
    """A message's text; its parts a line each."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(part.text for part in content if isinstance(part, TextPart))


def tail_of(done: AnswerDone) -> str:
    """What stands under the answer in the text itself: its sources, and why the mode is not the one asked for."""
    sources = copy_text(done)[len(done.answer) :]
    return f"{sources}\n\n> {done.notice}" if done.notice else sources


def advisor_field(done: AnswerDone) -> dict[str, Any]:
    """The extra field of an answer (`AdvisorOut`)."""
    values = dump_done(done)
    return {
        "citations": [
            {"n": n, "source": c.source, "section": c.section, "lines": list(c.place.lines), "quote": c.quote}
            | ({"page": c.place.page} if c.place.page is not None else {})
            | ({"sheet": c.place.sheet} if c.place.sheet is not None else {})
            for n, c in enumerate(done.citations, 1)
        ],
        "conflicts": values["conflicts"],
        "calculations": [{k: tool[k] for k in ("name", "input", "output", "steps")} for tool in values["tools"]],
        "charts": values["charts"],
        "follow_ups": values["follow_ups"],
        "refused": done.refused,
        "mode": done.mode,
        "language": done.language,
        "notice": done.notice,
        "unsupported_numbers": done.unsupported_numbers,
        "usage_estimated": not done.usage,
        "ms": done.ms,
    }


def usage_of(asked: Asked, done: AnswerDone, content: str) -> dict[str, int]:
    """Tokens as a model's service reported them, else estimated from the texts."""
    into = done.usage.get("input_tokens", 0) if done.usage else asked.estimated_tokens
    out = done.usage.get("output_tokens", 0) if done.usage else estimate_tokens(content)
    return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}


@dataclass(frozen=True, slots=True)
class Reply:
    """The fixed part of an answer's messages."""

    model: str
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, asked: Asked, done: AnswerDone) -> dict[str, Any]:
        """`ChatCompletion`."""
        content = done.answer + tail_of(done)
        message = {"role": "assistant", "content": content, "refusal": None}
        return {
            **self._head("chat.completion"),
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": usage_of(asked, done, content),
            "advisor": advisor_field(done),
        }

    def chunk(self, delta: dict[str, Any], *, finished: bool = False) -> dict[str, Any]:
        """A piece of a streamed answer."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if finished else None}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def usage_chunk(self, usage: dict[str, int]) -> dict[str, Any]:
        """The chunk after the last piece, which has the tokens and no choice."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": usage}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}
