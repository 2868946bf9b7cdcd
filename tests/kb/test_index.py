from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from hashed_index import HashedWords, chunk, write_index

from kb.errors import IndexMismatchError, IndexMissingError
from kb.index import Index
from kb.settings import Settings
from kb.types import Chunk, SearchHit

DOCUMENTS = {
    "models/qwen.md": [
        chunk("q1", "通义千问 Qwen3 的上下文窗口是 128K。", "models/qwen.md", 0, headings=("Qwen3", "上下文")),
        chunk("q2", "Qwen3 可以私有化部署，许可证是 Apache-2.0。", "models/qwen.md", 1, headings=("Qwen3", "部署")),
    ],
    "models/glm.md": [chunk("g1", "智谱 GLM-4 的上下文窗口是 200K，合规性好。", "models/glm.md", 0, headings=("GLM-4", "上下文"))],
    "prices.md": [
        chunk("t", "| 模型 | 价格 |\n| A1 | 1 |", "prices.md", 0, kind="table", headings=("价格",)),
        *[
            chunk(f"r{i}", f"模型: A{i}; 输入价格: ¥{i}.5 每百万 tokens", "prices.md", i, kind="row", headings=("价格",), parent="t")
            for i in range(1, 9)
        ],
        chunk("n", "价格说明：输入价格按每百万 tokens 计。", "prices.md", 20, headings=("价格",)),
    ],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    write_index(folder, DOCUMENTS)
    return folder


@pytest.fixture
def index(home: Path) -> Index:
    return Index.open(home, settings=Settings(home=home), embedder=HashedWords())


def labels(chunks: Iterable[Chunk]) -> list[str]:
    return [part.metadata["label"] for part in chunks]


def ids(hits: Iterable[SearchHit]) -> list[str]:
    return labels(hit.chunk for hit in hits)


def found(index: Index, label: str) -> Chunk:
    return next(part for document in index.documents() for part in index.chunks_of(document.source) if part.metadata["label"] == label)


def test_the_best_hit_shares_the_words_of_the_question_and_ranks_count_from_one(index: Index) -> None:
    hits = index.search("Qwen3 上下文窗口有多大", 3)
    assert ids(hits)[0] == "q1"
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert all(earlier.score >= later.score for earlier, later in zip(hits, hits[1:], strict=False))


def test_each_leg_can_be_asked_alone(index: Index) -> None:
    lexical = index.search("合规性", 5, legs="lexical")
    dense = index.search("合规性", 5, legs="dense")
    assert ids(lexical) == ["g1"] and lexical[0].lexical_score is not None
    assert len(dense) == 5 and all(hit.lexical_score is None and hit.dense_score is not None for hit in dense)


@pytest.mark.parametrize("query", ["", "   ", "\n\t"])
def test_a_blank_question_finds_nothing_and_has_no_confidence(index: Index, query: str) -> None:
    assert index.search(query) == []
    assert index.confidence(query, []) == 0.0


@pytest.mark.parametrize(
    "query", ["😀😀😀", "\x00\x01", "'; DROP TABLE chunks; --", "<b>x</b>" * 50, "\ud800价格", "价" * 50_000, '* AND OR ( " :']
)
def test_odd_questions_are_searched_like_any_other(index: Index, query: str) -> None:
    hits = index.search(query, 3)
    assert 0.0 <= index.confidence(query, hits) <= 1.0


def test_sources_may_be_names_folders_or_patterns(index: Index) -> None:
    assert {hit.chunk.source for hit in index.search("上下文窗口", 9, sources=["models/"])} == {"models/qwen.md", "models/glm.md"}
    assert {hit.chunk.source for hit in index.search("上下文窗口", 9, sources=["*glm*"])} == {"models/glm.md"}
    assert {hit.chunk.source for hit in index.search("上下文窗口", 9, sources=["prices.md"])} == {"prices.md"}
    assert index.search("上下文窗口", 9, sources=["no-such.md"]) == []


def test_kinds_are_filtered(index: Index) -> None:
    assert {hit.chunk.kind for hit in index.search("价格", 5, kinds=["table"])} == {"table"}


def test_rows_of_one_table_do_not_fill_the_results_while_there_is_something_else(index: Index) -> None:
    hits = index.search("模型 输入价格 每百万 tokens", 6)
    assert sum(hit.chunk.kind == "row" for hit in hits) == 4
    assert sum(hit.chunk.kind == "row" for hit in index.search("模型 输入价格 每百万 tokens", 8, kinds=["row"])) == 8


def test_several_questions_are_embedded_together_and_answered_one_by_one(home: Path) -> None:
    embedder = HashedWords()
    index = Index.open(home, settings=Settings(home=home), embedder=embedder)
    each = index.search_each(["Qwen3 上下文", "", "GLM-4 上下文"], 1)
    assert [ids(hits) for hits in each] == [["q1"], [], ["g1"]]
    assert embedder.calls == [["Qwen3 上下文", "GLM-4 上下文"]]


def test_a_question_is_embedded_once(home: Path) -> None:
    embedder = HashedWords()
    index = Index.open(home, settings=Settings(home=home), embedder=embedder)
    index.search("价格")
    index.search("价格")
    assert embedder.calls == [["价格"]]


def test_a_section_has_the_chunks_of_its_heading_without_repeating_a_table_by_rows(index: Index) -> None:
    assert labels(index.section_of(found(index, "n"))) == ["t", "n"]
    assert labels(index.section_of(found(index, "r3"))) == ["t", "r3", "n"]


def test_chunks_come_in_reading_order_and_unknown_ones_are_told(index: Index) -> None:
    assert labels(index.chunks_of("models/qwen.md")) == ["q1", "q2"]
    assert index.chunks_of("nothing.md") == ()
    with pytest.raises(KeyError):
        index.chunk("nothing")


def test_an_index_that_was_never_made_is_missing_and_the_message_has_the_command(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="advisor ingest"):
        Index.open(tmp_path / "nowhere", settings=Settings(home=tmp_path))


def test_an_index_of_another_embedder_is_refused_with_the_command_that_fixes_it(home: Path) -> None:
    other = HashedWords()
    other.fingerprint = "another/1"
    with pytest.raises(IndexMismatchError, match="advisor ingest --rebuild"):
        Index.open(home, settings=Settings(home=home), embedder=other)


def test_what_another_process_ingests_or_removes_is_seen_without_reopening(tmp_path: Path) -> None:
    write_index(tmp_path, {"a.md": [chunk("a", "苹果很甜。")]})
    index = Index.open(tmp_path, settings=Settings(home=tmp_path), embedder=HashedWords())
    assert ids(index.search("香蕉", 1)) == ["a"]
    code = (
        "from pathlib import Path; from hashed_index import *; "
        f"write_index(Path({str(tmp_path)!r}), {{'b.md': [chunk('b', '香蕉很黄。', 'b.md')]}}, remove=['a.md'])"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": f".{os.pathsep}{Path(__file__).parent}"},
    )
    assert ids(index.search("香蕉", 3)) == ["b"]
    assert [document.source for document in index.documents()] == ["b.md"]


def test_a_rebuilt_generation_replaces_the_old_one_while_readers_go_on(tmp_path: Path) -> None:
    write_index(tmp_path, {"a.md": [chunk("a", "苹果很甜。")]})
    index = Index.open(tmp_path, settings=Settings(home=tmp_path), embedder=HashedWords())
    before = index.stamp
    write_index(tmp_path, {"a.md": [chunk("a2", "苹果又红又甜。")]}, rebuild=True)
    assert ids(index.search("苹果", 3)) == ["a2"]
    assert index.stamp != before


def test_a_large_index_is_searched_through_chroma_with_the_same_result(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = Index.open(home, settings=Settings(home=home), embedder=HashedWords())
    monkeypatch.setattr("kb.snapshot.EXACT_LIMIT", 1)
    approximate = Index.open(home, settings=Settings(home=home), embedder=HashedWords())
    for query in ("Qwen3 上下文窗口", "智谱合规性好", "输入价格说明"):
        assert ids(approximate.search(query, 2)) == ids(exact.search(query, 2))
        assert ids(approximate.search(query, 1, sources=["prices.md"])) == ids(exact.search(query, 1, sources=["prices.md"]))


def test_equal_contents_are_one_hit_under_the_source_that_was_asked_for(tmp_path: Path) -> None:
    shared = [chunk("s", "同样的内容。")]
    write_index(tmp_path, {"one.md": shared, "two.md": shared})
    index = Index.open(tmp_path, settings=Settings(home=tmp_path), embedder=HashedWords())
    assert [hit.chunk.source for hit in index.search("同样的内容", 5)] == ["one.md"]
    assert [hit.chunk.source for hit in index.search("同样的内容", 5, sources=["two.md"])] == ["two.md"]


def test_threads_share_one_index(index: Index) -> None:
    failures: list[BaseException] = []

    def ask(number: int) -> None:
        try:
            for turn in range(10):
                assert index.search(f"Qwen3 上下文 {number} {turn}", 3)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_llama_index_retriever_gives_nodes_with_their_places(index: Index) -> None:
    from kb.retriever import HybridRetriever

    nodes = HybridRetriever(index, similarity_top_k=2).retrieve("Qwen3 上下文窗口")
    assert len(nodes) == 2
    assert nodes[0].node.metadata["source"] == "models/qwen.md"
    assert nodes[0].node.get_content().startswith("通义千问")


def test_a_reranker_reorders_the_best_hits(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Backwards:
        def scores(self, query: str, texts: list[str]) -> list[float]:
            return [float(number) for number, _ in enumerate(texts)]

    monkeypatch.setattr("kb.rerank.get_reranker", lambda settings: Backwards())
    plain = Index.open(home, settings=Settings(home=home), embedder=HashedWords())
    again = Index.open(home, settings=Settings(home=home, rerank_model="any"), embedder=HashedWords())
    assert ids(again.search("上下文窗口", 3, sources=["models/"])) == ids(plain.search("上下文窗口", 3, sources=["models/"]))[::-1]
