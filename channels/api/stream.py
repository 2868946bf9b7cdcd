"""A streamed completion as server-sent events. Only text that stands is sent as content.

Without a language model the pieces are the answer. With one, what streams is a draft: its sentences are checked one by one, but the whole
may still be put aside for the offline answer. So drafts go out as `reasoning_content`, which clients show as thinking or leave out, and the
content follows when it is final.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from agent.events import AnswerDone, AnswerEvent, AnswerFailed, TextDelta
from channels.api.completions import Asked, Reply, advisor_field, tail_of, usage_of
from channels.api.errors import ApiError, answer_failed

log = logging.getLogger("advisor")
KEEP_ALIVE_S = 10.0
"""Silence after which a comment is sent, so that nobody in between takes the connection for dead."""
_COMMENT = b": keep-alive\n\n"
_END = b"data: [DONE]\n\n"
_PIECE_CHARS = 400


async def sse(
    events: AsyncIterator[AnswerEvent],
    reply: Reply,
    asked: Asked,
    *,
    include_usage: bool,
    has_drafts: bool,
    gone: Callable[[], Awaitable[None]],
) -> AsyncIterator[bytes]:
    """The events of one turn as `data:` lines, ended by `[DONE]`; a failure is an `error` object before it. `gone` returns when
    the client has left, which stops the turn."""
    chunks = _chunks(events, reply, asked, include_usage=include_usage, has_drafts=has_drafts)
    left = asyncio.ensure_future(gone())
    following: asyncio.Future[dict[str, Any]] | None = None
    try:
        while not left.done():
            following = following or asyncio.ensure_future(anext(chunks))
            await asyncio.wait({following, left}, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                if not left.done():
                    yield _COMMENT
                continue
            try:
                yield _line(following.result())
            except StopAsyncIteration:
                break
            following = None
        else:
            return
        yield _END
    finally:
        left.cancel()
        if following is not None and not following.done():
            following.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await following
        await chunks.aclose()


async def _chunks(events: AsyncIterator[AnswerEvent], reply: Reply, asked: Asked, *, include_usage: bool, has_drafts: bool) -> Any:
    """The chunks of one turn as JSON values."""
    said = ""
    try:
        async with aclosing(events) as stream:  # type: ignore[type-var]
            yield reply.chunk({"role": "assistant", "content": ""})
            async for event in stream:
                if isinstance(event, TextDelta) and event.text:
                    if has_drafts:
                        yield reply.chunk({"reasoning_content": event.text})
                    else:
                        said += event.text
                        yield reply.chunk({"content": event.text})
                elif isinstance(event, AnswerFailed):
                    raise answer_failed(event)
                elif isinstance(event, AnswerDone):
                    for chunk in _ending(event, said, reply, asked, include_usage):
                        yield chunk
                    return
        raise ApiError(500, "the answer ended early", code="answer_failed")
    except ApiError as error:
        yield error.body


def _ending(done: AnswerDone, said: str, reply: Reply, asked: Asked, include_usage: bool) -> list[dict[str, Any]]:
    """What is still to say once the answer is there: text, sources, and the finishing chunk with what is ours."""
    content = done.answer + tail_of(done)
    if not content.startswith(said):
        log.error("the pieces of an answer are not its beginning; the answer follows them whole")
        said = ""
    rest = content[len(said) :]
    chunks = [reply.chunk({"content": rest[i : i + _PIECE_CHARS]}) for i in range(0, len(rest), _PIECE_CHARS)]
    chunks.append(reply.chunk({}, finished=True) | {"advisor": advisor_field(done)})
    if include_usage:
        chunks = [chunk | {"usage": None} for chunk in chunks]
        chunks.append(reply.usage_chunk(usage_of(asked, done, content)))
    return chunks


def _line(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk, ensure_ascii=False, default=str)}\n\n".encode("utf-8", "replace")
