"""Transactions of the busy tables. SQLite's writers wait for each other unfairly; within a process they queue up instead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_QUEUE = threading.Lock()


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed at the end and rolled back on an error. Not to be nested."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            yield connection
        return
    with _QUEUE, engine.begin() as connection:
        yield connection
