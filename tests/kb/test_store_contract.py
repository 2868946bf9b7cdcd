"""What every store promises, in a data folder and on servers alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hashed_index import HashedWords, chunk, write_store

from kb.errors import IndexLockedError, IndexMismatchError, IndexMissingError
from kb.index import Index
from kb.manifest import ALSO_IN
from kb.settings import Settings
from kb.store import store_for
from kb.types import Chunk

ROOT = Path(__file__).parents[2]


def opened(settings: Settings) -> Index:
    return Index.open(settings=settings, embedder=HashedWords())


def found(index: Index, query: str, **filters: object) -> list[str]:
    return [hit.chunk.metadata["label"] for hit in index.search(query, 10, **filters)]  # type: ignore[arg-type]


def library() -> dict[str, list[Chunk]]:
    """A few documents in folders, with a table."""
    return {
        "prices/glm.md": [chunk("glm", "GLM-5.1 的价格是每百万 token 0.6 元", "prices/glm.md")],
        "prices/qwen.md": [
            chunk("qwen", "通义千问 qwen2.5-72b 的价格是 ¥4", "prices/qwen.md", headings=("价格",)),
            chunk("row", "qwen2.5-72b 输入 4 元", "prices/qwen.md", 1, kind="row", headings=("价格",)),
        ],
        "deploy/a[1].md": [chunk("gpu", "Deploying a 72B model needs two A100 80GB cards", "deploy/a[1].md")],
        "deploy/a1.md": [chunk("plan", "The deployment plan of the purchasing team", "deploy/a1.md")],
    }


def test_nothing_is_found_where_nothing_was_stored(store_settings: Settings) -> None:
    with pytest.raises(IndexMissingError, match="advisor ingest"):
        opened(store_settings)


def test_words_and_meaning_find_chinese_and_english(store_settings: Settings) -> None:
    write_store(store_settings, library())
    index = opened(store_settings)
    assert found(index, "GLM-5.1 多少钱")[0] == "glm"
    assert found(index, "qwen2.5-72b 价格")[0] in ("qwen", "row")
    assert found(index, "A100 80GB cards")[0] == "gpu"
    best = index.search("通义千问", 1)[0]
    assert best.chunk.metadata["label"] == "qwen" and best.lexical_score and best.dense_score
    assert index.confidence("通义千问 的价格", index.search("通义千问 的价格")) > index.confidence(
        "how do whales sleep", index.search("how do whales sleep")
    )
    index.close()


def test_each_leg_can_be_asked_alone(store_settings: Settings) -> None:
    write_store(store_settings, library())
    index = opened(store_settings)
    assert [hit.chunk.metadata["label"] for hit in index.search("purchasing", legs="lexical")] == ["plan"]
    assert len(index.search("purchasing", legs="dense")) == 5
    index.close()


def test_documents_and_chunks_are_read_as_they_were_stored(store_settings: Settings) -> None:
    write_store(store_settings, library())
    index = opened(store_settings)
    assert [(d.source, d.chunk_count) for d in index.documents()] == [
        ("deploy/a1.md", 1), ("deploy/a[1].md", 1), ("prices/glm.md", 1), ("prices/qwen.md", 2),
    ]  # fmt: skip
    text, row = index.chunks_of("prices/qwen.md")
    assert (text.kind, text.headings, row.kind, row.ordinal) == ("text", ("价格",), "row", 1)
    assert index.chunk(row.id) == row and len(index) == 5
    with pytest.raises(KeyError):
        index.chunk("none")
    index.close()


def test_filters_take_names_folders_patterns_and_kinds(store_settings: Settings) -> None:
    write_store(store_settings, library())
    index = opened(store_settings)
    assert set(found(index, "价格", sources=["prices/"])) == {"glm", "qwen", "row"}
    assert found(index, "价格 deployment", sources=["deploy/a1.md"]) == ["plan"]
    assert found(index, "价格 deployment", sources=["deploy/a[1].md"]) == ["gpu"]  # a name, and as a pattern it would mean the other
    assert set(found(index, "价格", sources=["prices/q*.md"])) == {"qwen", "row"}
    assert set(found(index, "价格", sources=["*/a?.md", "prices/glm.md"])) == {"plan", "glm"}
    assert found(index, "价格", kinds=["row"]) == ["row"]
    assert found(index, "价格", sources=["prices/glm.md"], kinds=["row"]) == []
    assert found(index, "价格", sources=["nowhere/"]) == []
    index.close()


def test_filters_that_leave_many_chunks_are_as_exact(store_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.source_filter.FEW_CHUNKS", 0)
    monkeypatch.setattr("kb.snapshot.EXACT_LIMIT", 1)
    monkeypatch.setattr("kb.snapshot._EXACT_FILTERED", 0)
    write_store(store_settings, library())
    index = opened(store_settings)
    assert set(found(index, "价格", sources=["prices/"])) == {"glm", "qwen", "row"}
    assert found(index, "价格 deployment", sources=["deploy/a[1].md"]) == ["gpu"]
    assert set(found(index, "价格", sources=["prices/q*.md"])) == {"qwen", "row"}
    assert found(index, "价格", sources=["prices/"], kinds=["row"]) == ["row"]
    index.close()


def test_one_content_under_two_names_is_stored_once_and_found_under_either(store_settings: Settings) -> None:
    same = [chunk("x", "A note on falcons", "a/note.md")]
    write_store(store_settings, {"a/note.md": same, "b/copy.md": same})
    index = opened(store_settings)
    assert len(index) == 1
    (hit,) = index.search("falcons")
    assert (hit.chunk.source, hit.chunk.metadata[ALSO_IN]) == ("a/note.md", "b/copy.md")
    assert index.search("falcons", sources=["b/"])[0].chunk.source == "b/copy.md"
    write_store(store_settings, {}, remove=["a/note.md"])
    assert index.search("falcons")[0].chunk.source == "b/copy.md"
    assert index.search("falcons", sources=["a/"]) == []
    index.close()


def test_an_open_reader_sees_what_is_added_changed_and_removed(store_settings: Settings) -> None:
    write_store(store_settings, library())
    index = opened(store_settings)
    before = index.stamp
    write_store(store_settings, {"prices/glm.md": [chunk("new", "GLM-5.1 now costs 9 yuan", "prices/glm.md")]}, remove=["deploy/a1.md"])
    assert "new" in found(index, "GLM-5.1") and "glm" not in found(index, "GLM-5.1 价格")
    assert "plan" not in found(index, "deployment plan")
    assert index.stamp != before and len(index) == 4
    index.close()


def test_a_document_is_found_as_it_was_or_as_it_is_at_every_moment(store_settings: Settings) -> None:
    """Searches run while a writer in another process replaces one document again and again."""
    write_store(store_settings, {"a.md": [chunk("v", "falcon version 0", "a.md")], "b.md": [chunk("w", "heron", "b.md")]})
    index = opened(store_settings)
    missed: list[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            texts = [hit.chunk.text for hit in index.search("falcon version") if "falcon" in hit.chunk.text]
            if len(texts) != 1:
                missed.append(repr(texts))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(1, 6):
            write_store(store_settings, {"a.md": [chunk("v", f"falcon version {number}", "a.md")]})
    finally:
        done.set()
        reader.join()
    assert missed == []
    assert [hit.chunk.text for hit in index.search("falcon", 1)] == ["falcon version 5"]
    index.close()


def test_a_rebuild_is_not_seen_until_it_is_complete(store_settings: Settings) -> None:
    write_store(store_settings, library())
    index = opened(store_settings)
    store, words = store_for(store_settings), HashedWords()
    from kb.generations import open_writer

    with open_writer(store_settings.home, store.caches, embedder=words.fingerprint, chunker="test", rebuild=True, store=store):
        assert found(index, "GLM-5.1 多少钱")[0] == "glm"  # left unfinished
    assert index.manifest.generations() == [1, 2] and index.manifest.generation == 1
    write_store(store_settings, {"only.md": [chunk("only", "GLM-5.1 again", "only.md")]}, rebuild=True)
    assert found(index, "GLM-5.1") == ["only"]
    assert index.manifest.generations() == [2]
    assert store.caches(index.manifest, 2)[0].count() == 1
    index.close()


def test_an_index_of_another_embedder_is_refused(store_settings: Settings) -> None:
    write_store(store_settings, library())
    other = HashedWords()
    other.fingerprint = "other/1"
    with pytest.raises(IndexMismatchError, match="--rebuild"):
        Index.open(settings=store_settings, embedder=other)


def test_a_second_writer_hears_who_is_writing(store_settings: Settings) -> None:
    write_store(store_settings, library())
    store = store_for(store_settings)
    assert store.writer() == ""
    waiting: list[str] = []
    with store.writing(wait_s=1):
        assert f"process {os.getpid()}" in store.writer()
        with pytest.raises(IndexLockedError, match=f"process {os.getpid()}"), store.writing(wait_s=0.1, on_wait=waiting.append):
            pass
    assert len(waiting) == 1 and f"process {os.getpid()}" in waiting[0]
    with store.writing(wait_s=1):
        pass


def test_a_writer_that_is_killed_gives_up_its_right(store_settings: Settings) -> None:
    write_store(store_settings, library())
    program = (
        "import sys, time; from kb.settings import Settings; from kb.store import store_for\n"
        "with store_for(Settings.model_validate_json(sys.stdin.read())).writing(wait_s=5): print('writing', flush=True); time.sleep(600)"
    )
    plain = store_settings.model_dump(mode="json") | {"database_url": store_settings.database_url.get_secret_value()}
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdin is not None and child.stdout is not None
    import json

    child.stdin.write(json.dumps({name: plain[name] for name in ("home", "milvus_url", "database_url", "store_name")}))
    child.stdin.close()
    assert child.stdout.readline() == "writing\n"
    with pytest.raises(IndexLockedError, match=str(child.pid)), store_for(store_settings).writing(wait_s=0):
        pass
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with store_for(store_settings).writing(wait_s=30):
        pass


def test_a_search_index_that_was_lost_is_refilled_without_embedding(store_settings: Settings) -> None:
    write_store(store_settings, library())
    store = store_for(store_settings)
    manifest = store.open()
    for cache in store.caches(manifest, manifest.generation):
        cache.drop()
    embedder = HashedWords()
    index = Index.open(settings=store_settings, embedder=embedder)
    assert found(index, "GLM-5.1 多少钱")[0] == "glm"
    assert all(cache.count() == 5 for cache in store.caches(manifest, manifest.generation))
    manifest.close()
    index.close()


def test_what_a_dead_writer_left_is_put_right_at_the_next_start(store_settings: Settings) -> None:
    write_store(store_settings, library())
    store = store_for(store_settings)
    with store.writing(wait_s=5) as manifest:
        lost = manifest.chunk_ids()[0]
        manifest.connection.execute("INSERT INTO touched VALUES (?, ?)", (manifest.generation, lost))
        for cache in store.caches(manifest, manifest.generation):
            cache.delete([lost])
            cache.commit()
    index = opened(store_settings)
    assert not index.manifest.pending()
    assert all(lost in cache.ids() for cache in store.caches(index.manifest, 1))
    index.close()


def test_indexes_with_other_names_never_meet(store_settings: Settings, tmp_path: Path) -> None:
    write_store(store_settings, library())
    elsewhere = store_settings.model_copy(update={"home": tmp_path / "elsewhere"})
    with pytest.raises(IndexMissingError):
        opened(elsewhere)
    write_store(elsewhere, {"x.md": [chunk("x", "GLM-5.1 elsewhere", "x.md")]})
    assert found(opened(elsewhere), "GLM-5.1") == ["x"]
    assert "x" not in found(opened(store_settings), "GLM-5.1")


def test_the_checks_name_each_search_index_and_what_is_wrong(store_settings: Settings) -> None:
    write_store(store_settings, library())
    store = store_for(store_settings)
    manifest = store.open()
    assert {check.state for check in store.checks(manifest)} == {"ok"}
    cache = store.caches(manifest, manifest.generation)[-1]
    cache.delete(manifest.chunk_ids()[:1])
    cache.commit()
    (wrong,) = [check for check in store.checks(manifest) if check.state != "ok"]
    assert "holds 4 chunks, the index 5" in wrong.message and "advisor ingest" in wrong.advice
    manifest.close()


def test_both_stores_rank_alike(distributed_settings: Settings, tmp_path: Path) -> None:
    texts = ["价格 下调", "价格 上涨 三次", "模型 部署", "deployment cost", "部署 成本 与 价格", "向量 检索", "检索 价格", "qwen2.5 价格 0.6 元"]
    documents = {f"{n}.md": [chunk(f"c{n}", text * (1 + n % 3), f"{n}.md")] for n, text in enumerate(texts)}
    local = Settings(home=tmp_path / "local")
    both = []
    for settings in (local, distributed_settings):
        write_store(settings, documents)
        index = opened(settings)
        both.append([index.search(query) for query in ("价格", "部署成本", "检索 deployment", "qwen2.5 多少钱")])
        index.close()
    for ours, theirs in zip(*both, strict=True):
        assert ours[0].chunk.id == theirs[0].chunk.id
        other = {hit.chunk.id: hit for hit in theirs}
        assert {hit.chunk.id for hit in ours} == other.keys()
        for hit in ours:
            assert other[hit.chunk.id].dense_score == pytest.approx(hit.dense_score, abs=1e-4)
            # tantivy keeps the length of a text in one byte, so that its BM25 is off by some per cent
            assert other[hit.chunk.id].lexical_score == (hit.lexical_score and pytest.approx(hit.lexical_score, rel=0.15))


def test_replicas_share_the_index_without_a_shared_folder(distributed_settings: Settings, tmp_path: Path) -> None:
    write_store(distributed_settings, library())
    shared = {"milvus_url": distributed_settings.milvus_url, "database_url": distributed_settings.database_url}
    one, two = (opened(Settings(home=tmp_path / name, **shared)) for name in ("one", "two"))  # type: ignore[arg-type]
    assert found(one, "GLM-5.1") == found(two, "GLM-5.1") and one.stamp == two.stamp
    write_store(distributed_settings, {"z.md": [chunk("z", "GLM-5.1 rebuilt", "z.md")]}, rebuild=True)
    assert found(one, "GLM-5.1") == found(two, "GLM-5.1") == ["z"]
    assert one.stamp == two.stamp and one.stamp[0] == 2
    assert not list((tmp_path / "one").glob("*")) and not list((tmp_path / "two").glob("*"))


def test_a_server_that_comes_back_is_found_again(distributed_settings: Settings) -> None:
    """Connections that the server cut are replaced without a word to who asks."""
    write_store(distributed_settings, library())
    index = opened(distributed_settings)
    database = distributed_settings.database_url.get_secret_value().rpartition("/")[2]
    index.search("GLM-5.1")
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = ? AND pid != pg_backend_pid()"
    index.manifest.connection.execute(query, (database,))
    time.sleep(0.2)
    assert found(index, "GLM-5.1 多少钱")[0] == "glm"
