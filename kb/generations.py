"""Opens the index for writing: the lock, the right generation, fingerprints, and repair of what a crash left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kb.caches import CacheFactory
from kb.errors import IndexLockedError, IndexMismatchError
from kb.manifest import Manifest
from kb.settings import Settings
from kb.store import Store, store_for
from kb.writer import SET_META, IndexWriter, now_text, transaction

REBUILD = "advisor ingest --rebuild"
DRAIN_S = 1.0
"""How long a replaced generation stays for searches that are under way."""


@contextmanager
def open_writer(
    home: Path,
    make_caches: CacheFactory,
    *,
    embedder: str,
    chunker: str,
    rebuild: bool = False,
    wait_s: float = 600.0,
    on_wait: Callable[[str], None] | None = None,
    store: Store | None = None,
) -> Iterator[IndexWriter]:
    """The writer of an index that is whole, the only one at a time: of the data folder `home`, or of a store that is given.

    Raises:
        IndexLockedError: another process is still writing after `wait_s` seconds.
        IndexMismatchError: the index was made by another embedder or chunker and `rebuild` is false.
    """
    where = store or store_for(Settings(home=home, milvus_url=""))
    with where.writing(wait_s=wait_s, on_wait=on_wait) as manifest:
        _drop_others(manifest, make_caches, keep=(embedder, chunker))
        generation = _choose_generation(manifest, embedder, chunker, rebuild)
        writer = IndexWriter(manifest, generation, make_caches(manifest, generation), embedder)
        writer.recover()
        yield writer
        if rebuild and len(manifest.generations()) > 1:
            time.sleep(DRAIN_S)
            _drop_others(manifest, make_caches, keep=(embedder, chunker))
            writer.sweep()
        writer.close()


def repair_if_abandoned(manifest: Manifest, store: Store) -> int:
    """What a reader does at its start: put the search indexes right if a writer died over them. Returns the number of repaired chunks.

    While somebody is writing, nothing is done: readers ignore what the manifest does not know, and the writer finishes.
    """
    if not manifest.pending() and store.is_whole(manifest):
        return 0
    try:
        with store.writing(wait_s=0) as writing:
            generation, embedder = writing.generation, writing.fingerprints()[0]
            writer = IndexWriter(writing, generation, store.caches(writing, generation), embedder)
            repaired = writer.recover()
            writer.close()
            return repaired
    except (IndexLockedError, OSError):  # somebody is writing, or this reader may not
        return 0


def check_fingerprints(manifest: Manifest, *, embedder: str, chunker: str | None = None) -> None:
    """Refuse an index that another embedder (or chunker, where given) made.

    Raises:
        IndexMismatchError: naming both and the command that rebuilds.
    """
    found_embedder, found_chunker = manifest.fingerprints()
    if found_embedder and found_embedder != embedder:
        raise IndexMismatchError(
            f"the index was built with the embedder {found_embedder!r}, the settings ask for {embedder!r}; "
            f"run `{REBUILD}`, or set ADVISOR_EMBED_MODEL back"
        )
    if chunker is not None and found_chunker and found_chunker != chunker:
        raise IndexMismatchError(f"the index was built with chunker {found_chunker!r}, this version has {chunker!r}; run `{REBUILD}`")


def _choose_generation(manifest: Manifest, embedder: str, chunker: str, rebuild: bool) -> int:
    current = manifest.generation
    if current and not rebuild:
        if manifest.chunk_count():
            check_fingerprints(manifest, embedder=embedder, chunker=chunker)
        else:
            with transaction(manifest) as connection:
                connection.execute("UPDATE generations SET embedder = ?, chunker = ? WHERE id = ?", (embedder, chunker, current))
        return current
    with transaction(manifest) as connection:
        begun = connection.execute("SELECT max(id) FROM generations WHERE id > ?", (current,)).fetchone()[0]
        if begun is not None:
            return int(begun)
        fresh = int(connection.execute("SELECT coalesce(max(id), 0) FROM generations").fetchone()[0]) + 1
        connection.execute("INSERT INTO generations VALUES (?, ?, ?, ?)", (fresh, embedder, chunker, now_text()))
        if not current:
            connection.execute(SET_META, ("generation", str(fresh)))
        return fresh


def _drop_others(manifest: Manifest, make_caches: CacheFactory, *, keep: tuple[str, str]) -> None:
    """Remove generations that were replaced, and unfinished rebuilds that were begun with another embedder or chunker."""
    current = manifest.generation
    for generation, embedder, chunker in manifest.connection.execute("SELECT id, embedder, chunker FROM generations").fetchall():
        if generation == current or (generation > current and (embedder, chunker) == keep):
            continue
        for cache in make_caches(manifest, generation):
            cache.drop()
        with transaction(manifest) as connection:
            for table in ("document_rows", "contents", "chunk_rows", "touched"):
                connection.execute(f"DELETE FROM {table} WHERE generation = ?", (generation,))
            connection.execute("DELETE FROM generations WHERE id = ?", (generation,))
            connection.execute(SET_META, ("sweep", "1"))
