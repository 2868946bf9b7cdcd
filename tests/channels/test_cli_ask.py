"""`advisor ask`: one answer, JSON, JSON lines in order; bad input in its place and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
KEYS = {"id", "answer", "citations", "tools", "conflicts", "refused", "mode", "language", "ms", "error"}


def run(home: Path, *arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_")}
    own |= {"ADVISOR_HOME": str(home), "PYTHONIOENCODING": "utf-8"} | environment
    done = subprocess.run(
        [sys.executable, "-m", "channels.cli.main", "ask", *arguments], input=stdin, env=own, cwd=ROOT, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def line(id_: str, *turns: str) -> str:
    return json.dumps({"id": id_, "turns": list(turns)}, ensure_ascii=False)


BAD_QUESTIONS = {
    "empty": "", "spaces": "  \t \n ", "100 KB": "多少钱" * 35_000, "100 KB without a space": "x" * 102_400, "emoji": "😀🎉🔥🙃", "control": "\x00\x01\x02\x1b[31m\x7f",
    "direction": "\u202eGPT-5.1 价格\u202c", "sql": "'; DROP TABLE chunks; --", "sql 2": "1 OR 1=1 UNION SELECT * FROM documents", "html": "<html><body><h1>hi</h1></body></html>",
    "punctuation": "？？？！！！", "one letter": "a", "digits": "1234567890", "surrogate": "价格\ud83d多少", "format": "%s %n {0} ${HOME}", "regex": "(((((a+)+)+)+$", "null": "null",
}  # fmt: skip

ANSWERABLE = {"direction", "surrogate", "html"}
"""These hold a question, or a greeting, once the odd characters are out."""


@pytest.fixture(scope="module")
def answers(shipped_index: Path) -> dict[str, dict[str, Any]]:
    """Answers to bad questions and to broken lines among good ones, from one run."""
    lines = [line("good 1", "Claude 4.5 输入价多少")]
    lines += [json.dumps({"id": name, "turns": [text]}) for name, text in BAD_QUESTIONS.items()]
    lines += [
        "not json",
        '{"id": "no turns"}',
        '{"id": "no list", "turns": "text"}',
        '{"id": "numbers", "turns": [1, 2]}',
        "[1, 2, 3]",
        '"text"',
        "null",
        '{"turns": ["x"]',
        "",
        "   ",
    ]
    lines += [
        line("good 2", "Claude 4.5 输入价多少", "那输出价呢"),
        line("good 3", "GPT-5.1, 8M input and 2M output a month, what do I pay?"),
    ]
    done = run(shipped_index, "--jsonl", stdin=("\n".join(lines) + "\n").encode())
    assert done.returncode in (0, 3), done.stderr
    assert "Traceback" not in done.stderr
    records = [json.loads(text) for text in done.stdout.splitlines()]
    given = [text for text in lines if text.strip()]
    assert len(records) == len(given)
    return {"order": records} | {r["id"]: r for r in records}  # type: ignore[dict-item]


def test_every_line_has_the_agreed_shape(answers: dict[str, Any]) -> None:
    for record in answers["order"]:
        assert set(record) >= KEYS
        assert isinstance(record["answer"], str) and isinstance(record["refused"], bool) and isinstance(record["ms"], int | float)
        for citation in record["citations"]:
            assert {"n", "source", "section", "lines", "quote"} <= set(citation)


def test_broken_lines_are_reported_in_their_place_and_stop_nothing(answers: dict[str, Any]) -> None:
    records = answers["order"]
    start = 1 + len(BAD_QUESTIONS)
    for record in records[start : start + 8]:
        assert record["error"] and not record["answer"], record
    assert [r["id"] for r in records[-2:]] == ["good 2", "good 3"]
    assert records[-2]["error"] is None and "$75" in records[-2]["answer"]
    assert "$70" in records[-1]["answer"] and records[-1]["language"] == "en"


def test_a_broken_line_that_has_an_id_keeps_it(answers: dict[str, Any]) -> None:
    for id_ in ("no turns", "no list", "numbers"):
        assert answers[id_]["error"]


@pytest.mark.parametrize("name", sorted(BAD_QUESTIONS))
def test_a_bad_question_gets_a_sensible_answer_or_a_clear_refusal(answers: dict[str, Any], name: str) -> None:
    record = answers[name]
    assert record["error"] is None, record["error"]
    assert record["answer"].strip()
    assert record["refused"] or name in ANSWERABLE
    assert len(record["answer"]) < 2000
    assert "\x1b" not in record["answer"] and "\x00" not in record["answer"]


@pytest.mark.parametrize("name", ["empty", "emoji", "100 KB", "control"])
def test_what_is_no_question_is_refused(answers: dict[str, Any], name: str) -> None:
    assert answers[name]["refused"] is True


def test_one_question_prints_the_answer_and_its_sources(shipped_index: Path) -> None:
    done = run(shipped_index, "Claude 4.5 输入价多少")
    assert done.returncode == 0
    assert "$15" in done.stdout and "[1] claude-4.5.md" in done.stdout
    assert "Traceback" not in done.stderr


def test_json_is_one_object(shipped_index: Path) -> None:
    done = run(shipped_index, "--json", "Kimi K2 4000万输入 500万输出多少钱")
    record = json.loads(done.stdout)
    assert set(record) >= KEYS
    assert "540" in record["answer"]
    assert any(tool["name"] == "api_cost" for tool in record["tools"])


def test_no_question_is_wrong_use(shipped_index: Path) -> None:
    done = run(shipped_index)
    assert done.returncode == 2
    assert done.stdout == "" and "no question" in done.stderr and "Traceback" not in done.stderr


def test_no_index_is_one_clear_line_with_the_command_that_makes_one(tmp_path: Path) -> None:
    done = run(tmp_path / "empty", "Claude 4.5 输入价多少")
    assert done.returncode == 1
    assert "advisor ingest" in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_broken_own_catalog_is_one_clear_line_with_its_place(shipped_index: Path, tmp_path: Path) -> None:
    import shutil

    home = tmp_path / "home"
    shutil.copytree(shipped_index, home)
    (home / "catalog").mkdir(exist_ok=True)
    (home / "catalog" / "mine.yaml").write_text("entities:\n  - id: x\n    nam: Y\n", encoding="utf-8")
    done = run(home, "Claude 4.5 输入价多少")
    assert done.returncode == 1
    assert "mine.yaml:" in done.stderr and "Traceback" not in done.stderr


def test_input_that_is_not_utf8_is_reported(shipped_index: Path) -> None:
    good = line("after", "Claude 4.5 输入价多少").encode()
    done = run(shipped_index, "--jsonl", stdin=b'{"id": "gbk", "turns": ["\xbc\xdb\xb8\xf1"]}\n' + good + b"\n")
    assert "Traceback" not in done.stderr
    records = [json.loads(text) for text in done.stdout.splitlines()]
    assert len(records) == 2
    assert "$15" in records[1]["answer"]


def test_a_byte_order_mark_before_the_first_line_is_no_fault(shipped_index: Path) -> None:
    done = run(shipped_index, "--jsonl", stdin=b"\xef\xbb\xbf" + line("bom", "Claude 4.5 输入价多少").encode() + b"\r\n")
    (record,) = [json.loads(text) for text in done.stdout.splitlines()]
    assert record["id"] == "bom" and record["error"] is None
