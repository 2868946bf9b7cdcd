"""The store in a data folder: SQLite holds the truth, Chroma (or its server) the vectors, tantivy the words; a file lock the writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from kb.caches import Cache, cache_factory
from kb.errors import AdvisorError
from kb.health import Check, compared
from kb.lock import is_locked, lock_holder, write_lock
from kb.manifest import Manifest
from kb.settings import Settings
from kb.snapshot import Snapshot, caches_are_whole, load_snapshot
from kb.store import StoreView


class LocalStore:
    """See `kb.store.Store`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self) -> Manifest:
        """The folder's manifest."""
        return Manifest.open(self._settings.home)

    @contextmanager
    def writing(self, *, wait_s: float, on_wait: Callable[[str], None] | None = None) -> Iterator[Manifest]:
        """The folder's manifest, under the file lock."""
        with write_lock(self._settings.home, wait_s=wait_s, on_wait=on_wait):
            manifest = Manifest.create(self._settings.home)
            try:
                yield manifest
            finally:
                manifest.close()

    def writer(self) -> str:
        """Out of the note beside the lock."""
        return lock_holder(self._settings.home) if is_locked(self._settings.home) else ""

    def caches(self, manifest: Manifest, generation: int) -> Sequence[Cache]:
        """Chroma and tantivy."""
        return cache_factory(self._settings)(manifest, generation)

    def view(self, manifest: Manifest, before: StoreView | None = None) -> Snapshot:
        """All ids and, up to a size, all vectors in memory."""
        return load_snapshot(manifest, self._settings)

    def is_whole(self, manifest: Manifest) -> bool:
        """Counts."""
        return caches_are_whole(manifest, self._settings)

    def checks(self, manifest: Manifest) -> Iterator[Check]:
        """Both indexes against the manifest."""
        yield self._lexical(manifest)
        yield self._vectors(manifest)

    def _lexical(self, manifest: Manifest) -> Check:
        from kb.lexical import LexicalIndex, lexical_folder

        folder = lexical_folder(self._settings.home, manifest.generation)
        held = LexicalIndex(folder).count() if folder.is_dir() else 0
        return compared("lexical index", held, manifest.chunk_count(), bool(self.writer()))

    def _vectors(self, manifest: Manifest) -> Check:
        from kb.vectors import VectorStore, collection_name

        name = collection_name(manifest.meta("store_id"), manifest.generation)
        try:
            held = VectorStore(self._settings.home, name, url=self._settings.chroma_url, create=False).count()
        except AdvisorError as error:
            return Check("vector store", "failed", str(error).split(";")[0], "run `advisor ingest`; it refills the store without embedding")
        return compared("vector store", held, manifest.chunk_count(), bool(self.writer()))
