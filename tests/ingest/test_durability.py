"""Killed at any moment, or out of disk: every document is old or new, and the next run ends as an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from store_fakes import HashEmbedder

from ingest import session
from ingest.progress import SilentReporter
from ingest.session import Request
from kb.caches import cache_factory
from kb.errors import IndexMissingError
from kb.index import Index
from kb.lexical import LexicalIndex, lexical_folder
from kb.manifest import Manifest
from kb.settings import Settings
from kb.vectors import forget_open_stores

DOCUMENTS = 200
HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent


def text_of(number: int, version: int) -> str:
    """A document with three sections, a table, and words that a search can tell apart."""
    rows = "\n".join(f"| m{number}-{row} | {number * 10 + row + version} yuan |" for row in range(2))
    use = f"## Use\n\nModel m{number} in version {version} is for task {number % 7}."
    return f"# Sheet {number}\n\n{use}\n\n## Prices\n\n| model | price |\n|---|---|\n{rows}\n"


def write_documents(folder: Path) -> None:
    """The first state of the folder."""
    for number in range(DOCUMENTS):
        path = folder / f"part{number % 5}" / f"d{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(number, 1), encoding="utf-8")


def change_documents(folder: Path) -> None:
    """Update 80, rename 20, remove 20, add 20."""
    for number in range(DOCUMENTS):
        path = folder / f"part{number % 5}" / f"d{number}.md"
        if number < 80:
            path.write_text(text_of(number, 2), encoding="utf-8")
        elif number < 100:
            path.rename(path.with_name(f"renamed{number}.md"))
        elif number < 120:
            path.unlink()
    for number in range(DOCUMENTS, DOCUMENTS + 20):
        (folder / f"new{number}.md").write_text(text_of(number, 1), encoding="utf-8")


def run_child(home: Path, docs: Path, kills: int, seed: int = 0) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(HERE)])}
    command = [sys.executable, str(HERE / "durability_child.py"), str(home), str(docs), str(kills), str(seed)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def run_calmly(home: Path, docs: Path, *, rebuild: bool = False) -> None:
    request = Request((str(docs),), prune=True, rebuild=rebuild)
    report = session.ingest(Settings(home=home), request, SilentReporter(), embedder=HashEmbedder())
    assert report.exit_code == 0


def documents_now(home: Path) -> dict[str, list[str]]:
    """Source -> its chunks' texts, as a reader sees them."""
    try:
        manifest = Manifest.open(home)
    except IndexMissingError:
        return {}
    sources = [document.source for document in manifest.documents()]
    found = {source: [chunk.text for chunk in manifest.chunks_of(source)] for source in sources}
    manifest.close()
    return found


def state(home: Path) -> dict[str, Any]:
    """Everything a user can see of the index: documents, chunks, vectors, caches, search results of both legs."""
    manifest = Manifest.open(home)
    chunks = [chunk for batch in manifest.each_chunk() for chunk in batch]
    ids, vectors = manifest.vectors()
    forget_open_stores()  # this process may have read this folder before the child wrote to it
    dense, lexical = cache_factory(Settings(home=home))(manifest, manifest.generation)
    index = Index.open(home, embedder=HashEmbedder())
    queries = random.Random(1).sample(range(DOCUMENTS), 25)
    found_dense = [dense.query(HashEmbedder().embed_passages([f"q{q}"])[0], 10) for q in queries]  # type: ignore[attr-defined]
    found_lexical = [lexical.search(f"m{q}-1 task {q % 7}", 10) for q in queries]  # type: ignore[attr-defined]
    result = {
        "documents": [(d.source, d.path, d.corpus, d.content_hash, d.title, d.chunk_count) for d in manifest.documents()],
        "drafts": manifest.connection.execute("SELECT source, draft FROM documents ORDER BY source").fetchall(),
        "chunks": chunks,
        "vectors": (ids, vectors.tobytes(), manifest.connection.execute("SELECT count(*) FROM vectors").fetchone()),
        "caches": (sorted(dense.ids()), sorted(lexical.ids())),
        "dense": [ranking(hits) for hits in found_dense],
        "lexical": [ranking(hits) for hits in found_lexical],
        "hits": [[hit.chunk.id for hit in index.search(f"m{q} 1", 3)] for q in queries],
        "pending": manifest.pending(),
    }
    index.close()
    manifest.close()
    return result


def ranking(hits: list[tuple[str, float]]) -> list[tuple[float, str]]:
    """Scores and ids; which of several hits with the last score are still shown is an index's own business."""
    scored = [(round(score, 4), id_) for id_, score in hits]
    return sorted((score, id_ if score > scored[-1][0] else "") for score, id_ in scored)


def assert_same(left: dict[str, Any], right: dict[str, Any]) -> None:
    for part in left:
        assert left[part] == right[part], f"{part} differ"


def test_thirty_kills_during_an_ingestion_and_an_update_leave_no_trace(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    write_documents(docs)
    run_calmly(tmp_path / "calm", docs)
    first = run_child(tmp_path / "killed", docs, 18, seed=1)
    assert first["exit"] == 0 and first["whole"] and first["kept"]
    assert_same(state(tmp_path / "calm"), state(tmp_path / "killed"))

    change_documents(docs)
    run_calmly(tmp_path / "calm", docs)
    second = run_child(tmp_path / "killed", docs, 12, seed=2)
    assert second["exit"] == 0 and second["whole"] and second["kept"]
    assert first["kills"] + second["kills"] == 30
    assert_same(state(tmp_path / "calm"), state(tmp_path / "killed"))


def test_a_reader_repairs_what_a_dead_writer_left_behind(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text(text_of(1, 1), encoding="utf-8")
    home = tmp_path / "home"
    run_calmly(home, docs)
    manifest = Manifest.open(home)
    shutil.rmtree(lexical_folder(home, manifest.generation))
    index = Index.open(home, embedder=HashEmbedder())
    assert index.search("m1-1", 1)[0].lexical_score is not None
    index.close()

    lexical = LexicalIndex(lexical_folder(home, manifest.generation))
    ids = manifest.chunk_ids()
    lexical.delete(ids[:1])
    lexical.commit()
    with sqlite3.connect(manifest.path) as connection:  # the note of a writer that died over this chunk
        connection.execute("INSERT INTO touched VALUES (?, ?)", (manifest.generation, ids[0]))
    Index.open(home, embedder=HashEmbedder()).close()
    lexical.reload()
    assert lexical.ids() == set(ids)
    assert not manifest.pending()
    manifest.close()


def test_a_full_disk_leaves_every_document_old_or_new(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(30):
        (docs / f"d{number:02}.md").write_text(text_of(number, 1), encoding="utf-8")
    home = tmp_path / "home"
    program = (
        "import resource, sys\n"
        "from durability_child import ingest_once\n"
        "from pathlib import Path\n"
        "from kb.errors import AdvisorError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))\n"
        "try:\n"
        "    sys.exit(ingest_once(Path(sys.argv[1]), Path(sys.argv[2])))\n"
        "except AdvisorError as error:\n"
        "    sys.exit(f'expected: {error}')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(HERE)])}
    command = [sys.executable, "-c", program, str(home), str(docs), str(200_000)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and done.stderr.splitlines()[-1].startswith("expected: "), done.stderr
    run_calmly(tmp_path / "calm", docs)
    expected = documents_now(tmp_path / "calm")
    assert all(chunks == expected[source] for source, chunks in documents_now(home).items())
    run_calmly(home, docs)
    assert_same(state(tmp_path / "calm"), state(home))


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_search_is_never_disturbed_by_a_writer(tmp_path: Path, rebuild: bool) -> None:
    docs, home = tmp_path / "docs", tmp_path / "home"
    docs.mkdir()
    for number in range(60):
        (docs / f"d{number:02}.md").write_text(text_of(number, 1), encoding="utf-8")
    run_calmly(home, docs)
    index = Index.open(home, embedder=HashEmbedder())
    for number in range(60):
        (docs / f"d{number:02}.md").write_text(text_of(number, 2), encoding="utf-8")
    problems: list[str] = []
    finished = threading.Event()

    def search() -> None:
        while not finished.is_set():
            for number in (3, 31, 59):
                texts = [hit.chunk.text for hit in index.search(f"m{number}-1 yuan price", 3, sources=[f"d{number:02}.md"])]
                if not any(f"{number * 10 + 1 + version} yuan" in text for text in texts for version in (1, 2)):
                    problems.append(f"d{number:02}.md: {texts}")

    reader = threading.Thread(target=search)
    reader.start()
    try:
        run_calmly(home, docs, rebuild=rebuild)
    finally:
        finished.set()
        reader.join()
    assert not problems, problems[:3]
    assert "33 yuan" in " ".join(hit.chunk.text for hit in index.search("m3-1 yuan", 3, sources=["d03.md"]))
    index.close()
