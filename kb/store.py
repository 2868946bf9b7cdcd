"""The contract of a store: where documents, chunks and vectors are kept and how they are searched, and which one is in use.

Two implementations pass the same tests (`tests/kb/test_store_contract.py`): `kb.local_store` in a data folder (SQLite, Chroma,
tantivy) and `kb.distributed_store` on servers that several machines share (PostgreSQL, Milvus). What holds for both:

- The manifest is the truth. Search indexes only rank; a chunk that the manifest does not know (yet, or any more) is never found,
  so a document is found as it was or as it is, and an index that was lost is refilled without embedding.
- One writer at a time; readers are never held up and see a change at their next search.
- A rebuild fills the next generation beside the one that is read, and one transaction switches.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Container, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from kb.manifest import Manifest
from kb.settings import Settings
from kb.types import Chunk

if TYPE_CHECKING:
    from kb.caches import Cache
    from kb.health import Check

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Which chunks a search may find."""

    is_empty: bool = False
    """Whether nothing passes, so that there is nothing to search."""
    wanted: Container[str] | None = None
    """The sources that were asked for, None for any."""
    passing: Any = None
    """What the view that made it remembers of it."""
    lost: set[str] = field(default_factory=set)
    """Candidates that a search index named and the manifest does not know, or not here: a writer may have replaced them since."""


class StoreView(Protocol):
    """One state of the store, to search. What is read of chunks is kept in `chunks` and `listed` while the view is in use."""

    @property
    def stamp(self) -> tuple[int, int]:
        """(generation, change counter) that it shows."""

    @property
    def seconds(self) -> float:
        """What making it took, 0 where that is nothing; while documents stream in, it is not made anew all the time."""

    @property
    def made(self) -> float:
        """When, in `time.monotonic` seconds."""

    @property
    def chunks(self) -> OrderedDict[str, Chunk]: ...

    @property
    def listed(self) -> dict[str, tuple[Chunk, ...]]: ...

    def __len__(self) -> int:
        """Chunks in the index."""

    def select(self, sources: Collection[str] | None, kinds: Collection[str] | None) -> Selection:
        """`sources` are names, folders ending in `/`, or patterns with `*`; `kinds` are chunk kinds; None: no condition."""

    def words(self, query: str, k: int, selection: Selection) -> dict[str, float]:
        """Chunk id -> BM25 of the best `k` that share a word with the query."""

    def nearest(self, vector: Vector, k: int, selection: Selection, also: Collection[str]) -> dict[str, float]:
        """Chunk id -> cosine of about the `k` nearest, and of the chunks in `also`."""

    def background(self, vector: Vector) -> tuple[float, float]:
        """Mean and standard deviation of a vector's cosine to the index at large."""

    def document_frequency(self, token: str) -> int:
        """In how many chunks a token occurs, counted or estimated."""


class Store(Protocol):
    """Where one index is kept."""

    def open(self) -> Manifest:
        """The manifest, for reading.

        Raises:
            IndexMissingError: nothing was ever ingested.
        """

    def writing(self, *, wait_s: float, on_wait: Callable[[str], None] | None = None) -> AbstractContextManager[Manifest]:
        """The manifest for the one writer, made if there is none. The right to write ends with the context, or with the process.

        Raises:
            IndexLockedError: somebody else still writes after `wait_s` seconds.
        """

    def writer(self) -> str:
        """Who is writing now, in words; empty if nobody is."""

    def caches(self, manifest: Manifest, generation: int) -> Sequence[Cache]:
        """The search indexes of a generation, made if they are missing."""

    def view(self, manifest: Manifest, before: StoreView | None = None) -> StoreView:
        """The manifest's current state; `before` is the view that it takes the place of."""

    def is_whole(self, manifest: Manifest) -> bool:
        """Whether the search indexes hold as many chunks as the manifest: the probe of a reader's start."""

    def checks(self, manifest: Manifest) -> Iterator[Check]:
        """What `advisor doctor` says of the search indexes."""


def store_for(settings: Settings) -> Store:
    """The store that the settings name."""
    if settings.milvus_url:
        from kb.distributed_store import DistributedStore

        return DistributedStore(settings)
    from kb.local_store import LocalStore

    return LocalStore(settings)
