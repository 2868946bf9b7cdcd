"""One event loop in a thread of its own, so that synchronous callers can read what asynchronous code produces, as it comes."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")
_END = object()


@lru_cache(maxsize=1)
def background_loop() -> asyncio.AbstractEventLoop:
    """The process's loop; connections to the model's service live in it and are used again."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="llm-loop", daemon=True).start()
    return loop


def iterate(source: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
    """The items of an asynchronous generator, each as soon as it is there; its exception is raised here.

    Closing the iterator early cancels the generator.
    """
    items: queue.Queue[Any] = queue.Queue()

    async def pump() -> None:
        try:
            async for item in source():
                items.put(item)
            items.put(_END)
        except asyncio.CancelledError:
            items.put(_END)
            raise
        except BaseException as error:
            items.put(error)

    task = asyncio.run_coroutine_threadsafe(pump(), background_loop())
    try:
        while (item := items.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        task.cancel()
