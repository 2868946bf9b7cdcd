from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.bench.__main__ import main
from eval.bench.data import Asked, read_cmrc, read_rgb, read_texts
from eval.bench.refusal import area_under_curve
from eval.bench.retrieval import holds_answer
from eval.bench.tables import Table, share
from kb.errors import UsageError


def test_squad_style_files_give_passages_and_their_questions(tmp_path: Path) -> None:
    path = tmp_path / "cmrc.json"
    question = {"question": "谁写的？", "id": "q", "answers": [{"text": "甲"}, {"text": "甲"}]}
    paragraphs = [{"id": "p", "context": "甲写了它。", "qas": [question, {"question": " ", "id": "e"}]}]
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    data = read_cmrc(path)
    assert list(data.documents.values()) == ["甲写了它。"]
    assert data.questions == [Asked("谁写的？", frozenset(data.documents), (("甲",),))]


def test_rgb_files_give_the_passages_of_the_wanted_kinds(tmp_path: Path) -> None:
    path = tmp_path / "rgb.jsonl"
    entry = {"id": 3, "query": "何时？", "answer": [["1月2日", "一月二日"]], "positive": ["在1月2日。"], "negative": ["不知道。", "无关。"]}
    path.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    both, without = read_rgb(path), read_rgb(path, kinds=("negative",))
    assert len(both.documents) == 3 and both.questions[0].gold == {"passage-000001.txt"}
    assert len(without.documents) == 2 and without.documents.items() < both.documents.items()
    assert without.questions[0].gold == frozenset()
    assert both.questions[0].answers == (("1月2日", "一月二日"),)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"data": 3}'])
def test_a_file_of_another_layout_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"x\.json"):
        read_cmrc(path)


def test_a_missing_file_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retrieval", "--cmrc", str(tmp_path / "none.json"), "--work", str(tmp_path)]) == 2
    assert "none.json" in capsys.readouterr().err
    with pytest.raises(UsageError):
        read_texts(tmp_path / "none.txt")


def test_an_answer_is_held_when_each_part_occurs_in_one_of_its_forms() -> None:
    asked = Asked("?", frozenset(), (("1月2日", "一月二日"), ("12人",)))
    assert holds_answer(["于 一月二日", "死亡１２ 人"], asked)
    assert not holds_answer(["于一月二日"], asked)
    assert not holds_answer(["任何"], Asked("?", frozenset()))


def test_the_area_under_the_curve_counts_pairs() -> None:
    assert area_under_curve([0.9, 0.8], [0.1, 0.8]) == 0.875
    assert area_under_curve([], [0.1]) == 0.0


def test_tables_print_as_markdown_and_as_json() -> None:
    table = Table("T", ["a", "b"], [["1", share(9, 10)]], ["note"])
    assert table.markdown().splitlines()[2].startswith("| a | b")
    assert json.loads(table.as_json())["rows"][0]["b"].startswith("0.900 (0.")
