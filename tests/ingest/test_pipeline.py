"""Ingestion as a whole, on a fast embedder: what ends up in the manifest and the caches."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from store_fakes import FileCache, HashEmbedder, file_caches

from ingest import session
from ingest.progress import SilentReporter
from ingest.session import Report, Request, preview
from kb.errors import EmbedderError, IndexLockedError, IndexMismatchError, UsageError
from kb.lock import write_lock
from kb.manifest import ALSO_IN, Manifest, ManifestError
from kb.settings import Settings
from kb.types import Chunk
from kb.writer import IndexWriter

PRICES = "# Prices\n\n| model | price |\n|---|---|\n| Falcon | 3 yuan |\n| Heron | 5 yuan |\n\nPer million tokens.\n"


class Store:
    """A data folder, a folder of documents and what is in the index."""

    def __init__(self, base: Path) -> None:
        self.docs = base / "docs"
        self.docs.mkdir()
        self.settings = Settings(home=base / "home")
        self.embedder = HashEmbedder()
        self.messages: list[str] = []

    def write(self, name: str, text: str | bytes = PRICES) -> Path:
        path = self.docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def ingest(self, *paths: str, remove: tuple[str, ...] = (), prune: bool = False, rebuild: bool = False) -> Report:
        request = Request(paths or (() if remove or rebuild else (str(self.docs),)), remove, prune, rebuild)
        self.embedder.embedded.clear()
        return session.ingest(self.settings, request, SilentReporter(), embedder=self.embedder, make_caches=file_caches(self.settings.home))

    @property
    def manifest(self) -> Manifest:
        return Manifest.open(self.settings.home)

    def cache(self) -> dict[str, str]:
        path = self.settings.home / f"cache-{self.manifest.generation}.sqlite"
        with sqlite3.connect(path) as connection:
            return dict(connection.execute("SELECT id, text FROM items"))

    def sources(self) -> list[str]:
        return [document.source for document in self.manifest.documents() if document.corpus != "record"]

    def chunks(self) -> list[Chunk]:
        return [chunk for batch in self.manifest.each_chunk() for chunk in batch if chunk.kind != "record"]

    def check(self) -> None:
        """The caches hold exactly what the manifest does, and every chunk has its vector."""
        manifest = self.manifest
        chunks = [chunk for batch in manifest.each_chunk() for chunk in batch]
        assert self.cache() == {chunk.id: chunk.indexed_text for chunk in chunks}
        ids, vectors = manifest.vectors()
        assert ids == sorted(chunk.id for chunk in chunks)
        assert vectors.shape[0] == len(ids)
        assert not manifest.pending()
        stored = manifest.connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
        assert stored == manifest.connection.execute("SELECT count(DISTINCT vector) FROM chunk_rows").fetchone()[0]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr("kb.generations.DRAIN_S", 0.0)
    return Store(tmp_path)


def test_documents_chunks_and_caches_agree_after_the_first_run(store: Store) -> None:
    store.write("a.md")
    store.write("sub/b.txt", "Some plain text about the Crane model.\n")
    report = store.ingest()
    assert report.as_json()["documents"] == {"added": 2, "updated": 0, "unchanged": 0, "removed": 0, "failed": []}
    assert report.exit_code == 0
    assert store.sources() == ["a.md", "sub/b.txt"]
    rows = [chunk for chunk in store.manifest.chunks_of("a.md") if chunk.kind == "row"]
    assert len(rows) == 2 and all(chunk.parent in {c.id for c in store.chunks()} for chunk in rows)
    store.check()


def test_running_twice_embeds_nothing_and_changes_nothing(store: Store) -> None:
    store.write("a.md")
    store.ingest()
    before = store.manifest.change_counter
    report = store.ingest()
    assert report.done["unchanged"] == 1
    assert store.embedder.embedded == []
    assert store.manifest.change_counter == before


def test_an_update_embeds_only_the_paragraphs_that_changed(store: Store) -> None:
    sections = [f"# Part {n}\n\nThis is what part {n} says about the model, at some length.\n" for n in range(20)]
    store.write("a.md", "\n".join(sections))
    store.ingest()
    sections[7] = "# Part 7\n\nA wholly new paragraph about part seven.\n"
    store.write("a.md", "\n".join(sections))
    report = store.ingest()
    assert report.done["updated"] == 1
    assert len(store.embedder.embedded) == 1
    assert "wholly new" in store.embedder.embedded[0]
    store.check()


def test_the_same_content_under_two_names_is_stored_once_with_two_sources(store: Store) -> None:
    store.write("a.md")
    store.ingest()
    count = store.manifest.chunk_count()
    store.write("z/copy.md")
    store.ingest()
    assert store.embedder.embedded == []
    assert store.manifest.chunk_count() == count
    chunk = store.chunks()[0]
    assert (chunk.source, chunk.metadata[ALSO_IN]) == ("a.md", "z/copy.md")
    assert store.manifest.chunks_of("z/copy.md")[0].source == "z/copy.md"
    store.ingest(remove=("a.md",))
    assert {chunk.source for chunk in store.chunks()} == {"z/copy.md"}
    store.check()


def test_a_renamed_file_costs_no_embedding_and_leaves_no_trace_of_the_old_name(store: Store) -> None:
    path = store.write("old.md")
    store.ingest()
    path.rename(store.docs / "new.md")
    report = store.ingest()
    assert report.done == {"unchanged": 0, "updated": 0, "renamed": 1}
    assert store.embedder.embedded == []
    assert store.sources() == ["new.md"]
    assert {chunk.source for chunk in store.chunks()} == {"new.md"}
    store.check()


def test_removing_and_pruning_take_everything_of_a_document_out(store: Store) -> None:
    store.write("a.md")
    path = store.write("b.md", "# B\n\nAnother document.\n")
    store.ingest()
    path.unlink()
    assert store.ingest().plan.of("gone")[0].source == "b.md"
    assert store.sources() == ["a.md", "b.md"]
    assert store.ingest(prune=True).done["removed"] == 1
    assert store.sources() == ["a.md"]
    store.check()
    store.ingest(remove=("a.md",))
    assert store.sources() == []
    store.check()


def test_one_bad_file_is_reported_and_the_rest_goes_on(store: Store) -> None:
    store.write("a.md")
    store.write("empty.md", b"")
    store.write("broken.pdf", b"%PDF-1.7\nthis is not one")
    report = store.ingest()
    assert report.exit_code == 3
    assert sorted(failure.source for failure in report.failed) == ["broken.pdf", "empty.md"]
    assert store.sources() == ["a.md"]
    assert [source for source, _, _ in store.manifest.failures()] == ["broken.pdf", "empty.md"]
    store.check()


def test_a_file_that_became_unreadable_keeps_what_was_indexed_of_it(store: Store) -> None:
    store.write("a.md")
    store.ingest()
    before = store.chunks()
    store.write("a.md", b"")
    report = store.ingest()
    assert report.exit_code == 1
    assert store.chunks() == before
    store.write("a.md", "# Mended\n\nText again.\n")
    assert store.ingest().exit_code == 0
    assert store.manifest.failures() == []


def test_a_file_deleted_while_reading_is_one_failure(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("a.md")
    store.write("b.md", "# B\n\nAnother document.\n")
    original = session.make_plan

    def plan_then_delete(*args: object, **options: object) -> object:
        plan = original(*args, **options)  # type: ignore[arg-type]
        (store.docs / "b.md").unlink()
        return plan

    monkeypatch.setattr(session, "make_plan", plan_then_delete)
    report = store.ingest()
    assert [failure.source for failure in report.failed] == ["b.md"]
    assert report.done["added"] == 1


def test_a_parsers_bug_costs_one_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest import pipeline

    original = pipeline.parse_bytes

    def sometimes(data: bytes, source: str) -> object:
        if source == "b.md":
            raise KeyError("surprise")
        return original(data, source)

    monkeypatch.setattr(pipeline, "parse_bytes", sometimes)
    store.write("a.md")
    store.write("b.md", "# B\n\nAnother document.\n")
    report = store.ingest()
    assert report.exit_code == 3
    assert "KeyError" in report.failed[0].error


def test_a_page_is_fetched_again_and_stored_only_if_it_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest.parse import parse_bytes

    pages = {"http://example.org/prices": PRICES.encode()}

    def fetch(url: str, *, allow_private: bool = False) -> tuple[bytes, object]:
        return pages[url], parse_bytes(pages[url], url + ".md")

    monkeypatch.setattr("ingest.fetch.fetch_document", fetch)
    (url,) = pages
    assert store.ingest(url).done["added"] == 1
    before = store.manifest.change_counter
    assert store.ingest(url).as_json()["documents"]["unchanged"] == 1  # type: ignore[index]
    assert store.manifest.change_counter == before
    pages[url] = PRICES.replace("Falcon", "Eagle").encode()
    assert store.ingest(url).done["updated"] == 1
    assert store.sources() == [url]
    store.check()
    store.ingest(remove=(url,))
    assert store.sources() == []


def test_the_default_is_the_shipped_corpus_with_the_catalogs_records(store: Store) -> None:
    report = session.ingest(
        store.settings, Request(), SilentReporter(), embedder=store.embedder, make_caches=file_caches(store.settings.home)
    )
    assert report.done["added"] == len(store.sources()) > 0
    assert store.manifest.meta("shipped") == "1"
    assert any(document.corpus == "record" for document in store.manifest.documents())
    store.check()


def test_a_users_folder_alone_does_not_bring_the_shipped_corpus(store: Store) -> None:
    store.write("a.md")
    store.ingest()
    assert store.manifest.meta("shipped") == "0"


def test_a_dry_run_writes_nothing(store: Store) -> None:
    store.write("a.md")
    report = preview(store.settings, Request((str(store.docs),)))
    assert report.plan.counts() == {"added": 1}
    assert not store.settings.home.exists()


def test_another_embedder_is_refused_until_the_index_is_rebuilt(store: Store) -> None:
    store.write("a.md")
    store.ingest()
    old = store.manifest
    before = store.chunks()
    store.embedder = HashEmbedder("hash-other")
    with pytest.raises(IndexMismatchError, match="advisor ingest --rebuild"):
        store.ingest()
    report = store.ingest(rebuild=True)
    assert report.done["updated"] == 1
    assert store.manifest.generation == old.generation == 2
    assert store.manifest.generations() == [2]
    assert not (store.settings.home / "cache-1.sqlite").exists()
    assert store.manifest.fingerprints()[0] == "hash-other"
    assert store.chunks() == before
    store.check()


def test_a_rebuild_keeps_documents_whose_files_are_gone(store: Store) -> None:
    path = store.write("a.md")
    store.ingest()
    before = store.chunks()
    path.unlink()
    store.embedder = HashEmbedder("hash-other")
    store.ingest(rebuild=True)
    assert store.chunks() == before
    store.check()


def test_readers_see_the_old_index_until_a_rebuild_is_complete(store: Store) -> None:
    store.write("a.md")
    store.ingest()
    reader = store.manifest
    seen: list[tuple[int, int]] = []

    class Watching(HashEmbedder):
        def embed_passages(self, texts, progress=None):  # type: ignore[no-untyped-def]
            seen.append((reader.generation, len(reader.chunk_ids())))
            return super().embed_passages(texts, progress)

    store.embedder = Watching("hash-other")
    store.ingest(rebuild=True)
    assert seen[0] == (1, len(reader.chunk_ids()))
    assert reader.generation == 2


def test_an_interrupted_rebuild_goes_on_where_it_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(HashEmbedder):
        def embed_passages(self, texts, progress=None):  # type: ignore[no-untyped-def]
            if len(self.embedded) > 5:
                raise EmbedderError("the model went away")
            return super().embed_passages(texts, progress)

    monkeypatch.setattr("ingest.pipeline.WINDOW_TEXTS", 1)
    for number in range(12):
        store.write(f"d{number:02}.md", f"# D{number}\n\nText of document {number}.\n")
    store.ingest()
    before = store.chunks()
    store.embedder = Failing("hash-other")
    with pytest.raises(EmbedderError):
        store.ingest(rebuild=True)
    assert store.manifest.generation == 1 and store.chunks() == before
    assert store.manifest.generations() == [1, 2]
    store.embedder = HashEmbedder("hash-other")
    store.ingest(rebuild=True)
    assert store.manifest.generations() == [2]
    assert store.sources() == [f"d{number:02}.md" for number in range(12)]
    assert len(store.embedder.embedded) == 6
    store.check()


def test_what_was_removed_after_an_interrupted_rebuild_does_not_come_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.pipeline.WINDOW_TEXTS", 1)
    for number in range(4):
        store.write(f"d{number}.md", f"# D{number}\n\nText of document {number}.\n")
    store.ingest()
    with monkeypatch.context() as interrupted:
        original, calls = IndexWriter.write, []

        def write(self: IndexWriter, *args: object) -> None:
            calls.append(args)
            if len(calls) > 2:
                raise ManifestError("the disk is full")
            original(self, *args)  # type: ignore[arg-type]

        interrupted.setattr(IndexWriter, "write", write)
        with pytest.raises(ManifestError):
            store.ingest(rebuild=True)
    assert store.manifest.generations() == [1, 2]
    (store.docs / "d0.md").unlink()
    store.ingest(prune=True)
    store.write("d1.md", "# D1\n\nChanged meanwhile.\n")
    store.ingest()
    store.ingest(rebuild=True)
    assert store.manifest.generations() == [2]
    assert store.sources() == ["d1.md", "d2.md", "d3.md"]
    assert "Changed" in store.manifest.chunks_of("d1.md")[0].text
    store.check()


@pytest.mark.parametrize("damage", ["emptied", "deleted", "extra"])
def test_a_damaged_cache_is_repaired_from_the_manifest_without_embedding(store: Store, damage: str) -> None:
    store.write("a.md")
    store.ingest()
    path = store.settings.home / "cache-1.sqlite"
    if damage == "deleted":
        path.unlink()
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM items" if damage == "emptied" else "INSERT INTO items VALUES ('ghost', '', x'00')")
    store.ingest()
    assert store.embedder.embedded == []
    store.check()


def test_the_second_writer_waits_and_then_says_who_is_writing(store: Store) -> None:
    store.write("a.md")
    waiting: list[str] = []
    with write_lock(store.settings.home):
        with pytest.raises(IndexLockedError, match=f"process {os.getpid()} on host"):
            with write_lock(store.settings.home, wait_s=0.2, on_wait=waiting.append):
                pytest.fail("two writers at once")
    assert len(waiting) == 1 and str(os.getpid()) in waiting[0]
    assert store.ingest().exit_code == 0


def test_a_removal_of_something_unknown_is_wrong_use(store: Store) -> None:
    store.write("a.md")
    store.ingest()
    with pytest.raises(UsageError):
        store.ingest(remove=("nothing.md",))


def test_caches_never_lack_a_chunk_that_the_manifest_shows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every step of an update a reader finds each document, old or new."""
    store.write("a.md")
    store.ingest()
    manifest = store.manifest
    looks: list[bool] = []

    def looking(name: str) -> None:
        original = getattr(FileCache, name)

        def step(self: FileCache, *args: object) -> object:
            held = self.ids()
            looks.append(bool(held & set(manifest.chunk_ids())) and set(manifest.chunk_ids()) <= held)
            result = original(self, *args)
            looks.append(set(manifest.chunk_ids()) <= self.ids())
            return result

        monkeypatch.setattr(FileCache, name, step)

    looking("add")
    looking("delete")
    store.write("a.md", PRICES.replace("Falcon", "Eagle"))
    store.ingest()
    assert len(looks) == 4 and all(looks)
