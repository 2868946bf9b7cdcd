"""Token buckets in the database: how often a user, a key or a chat may ask, the same whichever replica is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_minute` spread evenly over each minute."""

    per_minute: float
    burst: float

    @classmethod
    def of_minute(cls, per_minute: int) -> Rate:
        """A whole minute's worth may be asked at once."""
        return cls(float(per_minute), float(per_minute))


class Limits:
    """The repository. Safe to share between threads; each call is one transaction."""

    def __init__(self, engine: Engine, now: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._now = now

    def take(self, bucket: str, rate: Rate, cost: float = 1.0) -> float:
        """Take `cost` out of a bucket such as `account:li`. 0 if it was there; else the seconds until it will be, and nothing is taken.

        A new bucket is full. `rate.per_minute` must be above 0.
        """
        from sqlalchemy.exc import IntegrityError

        for attempt in range(_ATTEMPTS):
            try:
                return self._take(bucket[:300], rate, cost)
            except IntegrityError:  # two replicas made the same bucket
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _take(self, bucket: str, rate: Rate, cost: float) -> float:
        from sqlalchemy import select

        from channels.state.schema import limits

        per_s = rate.per_minute / 60.0
        with self._engine.begin() as connection:
            query = select(limits.c.tokens, limits.c.updated_at).where(limits.c.bucket == bucket).with_for_update()
            found = connection.execute(query).first()
            now = self._now()
            tokens = rate.burst if found is None else min(rate.burst, found.tokens + max(0.0, now - found.updated_at) * per_s)
            if tokens < cost:
                return (cost - tokens) / per_s
            values = {"tokens": tokens - cost, "updated_at": now}
            if found is None:
                connection.execute(limits.insert().values(values | {"bucket": bucket}))
            else:
                connection.execute(limits.update().where(limits.c.bucket == bucket).values(values))
        return 0.0

    def sweep(self, older_than_s: float = 86_400.0) -> int:
        """Forget buckets unused for that long, which are full again; how many."""
        from channels.state.schema import limits

        with self._engine.begin() as connection:
            return connection.execute(limits.delete().where(limits.c.updated_at < self._now() - older_than_s)).rowcount
