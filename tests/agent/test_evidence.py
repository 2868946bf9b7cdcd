"""Which words of a source a claim's citation points at."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agent.evidence import locate
from kb.catalog.catalog import Catalog
from kb.catalog.load import load_catalog
from kb.settings import Settings
from kb.types import Chunk, Place, SearchHit


class Shelf:
    """A library that only knows where chunks stand."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = tuple(chunks)

    def search(self, query: str, k: int = 10, **_: object) -> list[SearchHit]:
        return []

    def confidence(self, query: str, hits: Sequence[SearchHit]) -> float:
        return 0.0

    def chunks_of(self, source: str) -> tuple[Chunk, ...]:
        return tuple(chunk for chunk in self._chunks if chunk.source == source)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("home")
    (folder / "catalog").mkdir()
    (folder / "catalog" / "falcons.yaml").write_text(
        "entities:\n"
        "  - {id: merlin-2, kind: model, name: Merlin 2, claims: {"
        "openness: [{value: closed, source: falcons.md, section: Terms}], "
        'self_host: [{value: "no", source: falcons.md, section: Terms}], '
        'distillation: [{value: "no", source: falcons.md, section: Terms}], '
        "country: [{value: US, source: list.md, section: Models}]}}\n"
        "  - {id: kestrel-1, kind: model, name: Kestrel 1, claims: {country: [{value: US, source: list.md, section: Models}]}}\n",
        encoding="utf-8",
    )
    return load_catalog(Settings(home=folder))


TERMS = (
    "以下摘自合同附件：\n\n- 定性为闭源商业模型；不支持自主部署。\n- 条款禁止用输出训练别的模型，知识蒸馏因此行不通。\n\n另有报道提到它的开源简化版，与闭源的说法并存。"
)
SHELF = Shelf(
    [
        Chunk("t", "falcons.md", 0, "text", TERMS, "", ("Merlin 2", "Terms"), Place((3, 9))),
        Chunk("k", "list.md", 0, "row", "模型: Kestrel 1; 国家: 美国", "", ("Models",), Place((4, 4))),
        Chunk("m", "list.md", 1, "row", "模型: Merlin 2; 国家: 美国", "", ("Models",), Place((5, 5))),
    ]
)


@pytest.mark.parametrize(
    ("entity", "field", "words"),
    [
        ("merlin-2", "openness", "定性为闭源商业模型"),
        ("merlin-2", "self_host", "不支持自主部署"),
        ("merlin-2", "distillation", "知识蒸馏因此行不通"),
        ("merlin-2", "country", "Merlin 2"),
        ("kestrel-1", "country", "Kestrel 1"),
    ],
)
def test_the_quote_is_the_sentence_that_says_it_of_this_model(catalog: Catalog, entity: str, field: str, words: str) -> None:
    citation = locate(catalog.entities[entity].claims[field][0], SHELF, catalog)
    assert words in citation.quote
    assert "并存" not in citation.quote
