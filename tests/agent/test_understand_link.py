"""Which models a question names: aliases, spellings, typos, vendors, versions that are not there, and names that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from profiles import quick

from agent.understand.link import Linker
from agent.understand.question import Reader
from kb.catalog.load import load_catalog
from kb.quantities import normalise

RECORDS = {
    "vendors": [{"id": "tarn", "name": "Tarn Labs", "aliases": ["塔恩"]}, {"id": "yunmen", "name": "云门科技", "aliases": ["云门"]}],
    "entities": [
        {
            "id": "marlin-3.5",
            "name": "Marlin 3.5",
            "vendor": "tarn",
            "family": "marlin",
            "version": "3.5",
            "aliases": ["马林鱼", "马林鱼3.5"],
        },
        {"id": "marlin-3.5-lite", "name": "Marlin 3.5 Lite", "vendor": "tarn", "family": "marlin-lite", "version": "3.5 lite"},
        {"id": "osprey-x1", "name": "Osprey-X1", "family": "osprey", "version": "x1"},
        {"id": "qinghe", "name": "青禾", "family": "qinghe", "aliases": ["青禾大模型"]},
        {"id": "yunmen-q2", "name": "云门 Q2", "vendor": "yunmen"},
        {"id": "petrel-9b", "name": "Petrel 9B", "family": "petrel", "version": "9b"},
    ],
}


@pytest.fixture(scope="module")
def linker(tmp_path_factory: pytest.TempPathFactory) -> Linker:
    folder = tmp_path_factory.mktemp("names")
    (folder / "c.yaml").write_text(yaml.safe_dump(RECORDS, allow_unicode=True), encoding="utf-8")
    return Linker(load_catalog(folders=[folder]))


def names(linker: Linker, text: str) -> list[str]:
    return [m.entities[0] if m.entities else f"?{m.unknown}" for m in linker.link(normalise(text))]


@pytest.mark.parametrize(
    "text",
    [
        "Marlin 3.5 多少钱",
        "marlin3.5 价格",
        "MARLIN-3.5 price",
        "marlin 3.5的上下文",
        "马林鱼多少钱",
        "马林鱼3.5怎么样",
        "ｍａｒｌｉｎ３．５",
        "Is marlin-3.5 open?",
    ],
)
def test_a_name_is_found_in_any_spelling(linker: Linker, text: str) -> None:
    assert names(linker, text) == ["marlin-3.5"]


@pytest.mark.parametrize(
    ("text", "found"), [("marlim 3.5 价格", "marlin-3.5"), ("ospray x1 上下文", "osprey-x1"), ("青荷多少钱", "qinghe")]
)
def test_a_typo_or_a_wrong_character_is_still_the_name(linker: Linker, text: str, found: str) -> None:
    assert names(linker, text) == [found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("marlin 3.5 ltie 价格", "marlin-3.5-lite"),
        ("marlim 3.5 lite", "marlin-3.5-lite"),
        ("marlim3.5lit", "marlin-3.5-lite"),
        ("marlim 3.5 like what", "marlin-3.5"),
    ],
)
def test_a_slip_in_the_second_word_still_makes_the_longer_name(linker: Linker, text: str, found: str) -> None:
    assert names(linker, text) == [found]


def test_a_version_behind_a_vendor_that_its_models_are_named_after_is_unknown(linker: Linker) -> None:
    assert names(linker, "云门 Q2 上下文") == ["yunmen-q2"]
    assert names(linker, "云门 Q7 上下文") == ["?q7"]


@pytest.mark.parametrize(
    "text", ["Marlin 4 多少钱", "marlin 2.0 price", "马林鱼5", "Osprey-X2 上下文", "osprey x3", "marlin 3.5 pro 价格", "marlin 4.5 lite"]
)
def test_a_version_that_is_not_there_is_unknown_and_never_the_nearest(linker: Linker, text: str) -> None:
    assert all(name.startswith("?") for name in names(linker, text)) and names(linker, text)


def test_the_longest_name_wins(linker: Linker) -> None:
    assert names(linker, "Marlin 3.5 Lite 和 Marlin 3.5 比价") == ["marlin-3.5-lite", "marlin-3.5"]


@pytest.mark.parametrize("text", ["马林鱼 3000万输入", "Marlin 3.5 12 元够吗", "osprey x1 4000 tokens", "马林鱼 5 次调用"])
def test_an_amount_behind_a_name_is_no_version(linker: Linker, text: str) -> None:
    assert len(names(linker, text)) == 1 and not names(linker, text)[0].startswith("?")


@pytest.mark.parametrize("text", ["塔恩的模型", "Tarn Labs models"])
def test_a_vendor_stands_for_its_models(linker: Linker, text: str) -> None:
    (mention,) = linker.link(normalise(text))
    assert mention.how == "vendor" and set(mention.entities) == {"marlin-3.5", "marlin-3.5-lite"}


@pytest.mark.parametrize(
    "text", ["今天天气怎么样", "what is the price", "每月 2000 万输入多少钱", "the merlot is nice", "请问怎么部署", "", "3.5", "x1"]
)
def test_no_name_is_found_where_there_is_none(linker: Linker, text: str) -> None:
    assert names(linker, text) == []


@quick
@given(
    st.text(max_size=30),
    st.sampled_from(["Marlin 3.5", "osprey-x1", "青禾大模型"]),
    st.text(alphabet="，。！？ 的呢多少钱和比", max_size=20),
)
def test_a_name_survives_what_stands_around_it(linker: Linker, before: str, name: str, after: str) -> None:
    text = normalise(before)
    if text[-1:].isalnum() or text[-1:] in ".-_+#@/'’" or not text.isprintable():
        text += "，"
    found = linker.link(text + name + after)
    expected = {"Marlin 3.5": "marlin-3.5", "osprey-x1": "osprey-x1", "青禾大模型": "qinghe"}[name]
    assert any(expected in m.entities for m in found)


def test_names_are_not_read_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(RECORDS, allow_unicode=True), encoding="utf-8")
    question = Reader(load_catalog(folders=[tmp_path])).read("Marlin 3.5 和 Petrel 9B 每月 200 万输入")
    assert [q.value for q in question.quantities] == [2_000_000]
