"""Real use becomes a suite: questions from CSV or XLSX, and answers that people marked as wrong.

A table needs a column of questions; others are optional: id, lang, category, answer (figures in it become expected numbers),
must (facts, `/` between forms, `;` between facts), must_not, refuse, models, sources. Feedback is rows with question, answer,
rating and reason; only thumbs-down rows become cases, and what is expected of them is left to a person, see `needs_review`:
`write_table` makes a table of them to be filled in.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.figures import read_figures
from eval.suite import Case
from kb.errors import UsageError

_COLUMNS = {
    "question": "question 问题 提问 题目 q query prompt",
    "id": "id 编号 序号",
    "lang": "lang language 语言",
    "category": "category 类别 分类 类型",
    "answer": "answer 答案 标准答案 参考答案 expected 期望",
    "must": "must must_have 要点 必须包含 关键词 keywords",
    "must_not": "must_not 不得包含 禁止",
    "refuse": "refuse 拒答 unanswerable 无法回答",
    "models": "models model 推荐模型 模型",
    "sources": "sources source 出处 来源",
}
_BY_WORD = {word: column for column, words in _COLUMNS.items() for word in words.split()}
_TRUE = {"1", "true", "yes", "y", "是", "对", "拒答", "refuse"}
_DOWN = {"down", "bad", "-1", "dislike", "thumbs_down", "👎", "0", "false", "踩"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_HAN = re.compile(r"[\u4e00-\u9fff]")


def cases_from_table(path: Path) -> list[Case]:
    """Cases of a CSV or XLSX file with a header row. Raises `UsageError` for a file without a question column or questions."""
    rows = list(_rows_xlsx(path) if path.suffix.lower() == ".xlsx" else _rows_csv(path))
    cases = [_case(row, number) for number, row in enumerate(rows, start=1) if row.get("question")]
    if not cases:
        raise UsageError(f"{path}: no questions; expected a header row with a column named question (or 问题)")
    return cases


def cases_from_feedback(path: Path) -> list[Case]:
    """The cases of a JSONL file of opinions, see `cases_from_records`. A bad line is an error."""
    if not path.is_file():
        raise UsageError(f"{path}: no feedback there; expected JSON lines with question, answer, rating and reason")
    records: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            try:
                record = json.loads(line)
                records.append({**record, "question": str(record["question"])})
            except (ValueError, KeyError, TypeError):
                raise UsageError(f"{path}:{number}: expected one JSON object with question, answer, rating and reason") from None
    return cases_from_records(records)


def cases_from_records(records: Iterable[Mapping[str, Any]]) -> list[Case]:
    """One case for each question that was marked down; the last mark of a question counts. `question` and `rating` are needed,
    `turns`, `reason`, `answer` and `expected` are read where they are there."""
    newest = {tuple(record.get("turns") or [record["question"]]): record for record in records}
    return [_feedback_case(record) for record in newest.values() if _is_down(record.get("rating"))]


def needs_review(case: Case) -> bool:
    """Whether nothing but "do not refuse" is expected yet: a person has to say what a right answer contains."""
    expect = case.expect
    said = expect.numbers or expect.all_of or expect.none_of or expect.refuse or expect.models or expect.conflict is not None
    return not (said or expect.of_search_alone)


def write_table(path: Path, cases: Iterable[Case]) -> None:
    """Cases as a CSV that a person fills in with a spreadsheet, for `cases_from_table` to read back."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # spreadsheets take a file without the mark for another encoding
        table = csv.writer(file)
        table.writerow(["id", "question", "category", "answer", "must", "must_not", "refuse", "models", "note"])
        for case in cases:
            expect = case.expect
            must, must_not = "; ".join("/".join(group) for group in expect.all_of), "; ".join(expect.none_of)
            refuse = "yes" if expect.refuse else ""
            answer = case.why if expect.numbers else ""
            row = ["\n".join(case.turns), case.category, answer, must, must_not, refuse, "; ".join(expect.models), case.why]
            table.writerow([_as_text(cell) for cell in (case.id, *row)])


def _as_text(cell: str) -> str:
    """What visitors typed must not become a formula in somebody's spreadsheet."""
    return f"'{cell}" if cell[:1] in _FORMULA_STARTS else cell


def _feedback_case(record: Mapping[str, Any]) -> Case:
    turns = record.get("turns") or [record["question"]]
    fields = {"question": turns[-1], "must": str(record.get("expected") or ""), "category": "feedback"}
    case = _case(fields, 0)
    why = f"marked down: {record.get('reason') or 'no reason given'}; the answer was: {str(record.get('answer') or '')[:300]}"
    digest = hashlib.sha256("\n".join(turns).encode()).hexdigest()[:10]
    return case.model_copy(update={"id": f"feedback-{digest}", "turns": [str(t) for t in turns], "why": why})


def _case(row: dict[str, str], number: int) -> Case:
    question = row["question"].strip()
    expect: dict[str, Any] = {}
    if answer := row.get("answer", "").strip():
        figures = [f for f in read_figures(answer) if f.kind]
        if figures:
            expect["numbers"] = [{"value": f.value, "unit": _unit(f.kind, f.factor), "rel_tol": 0.01} for f in figures]
        elif len(answer) <= 20:
            expect["all_of"] = [[answer]]
    if must := _split(row.get("must", ""), ";；\n"):
        expect["all_of"] = [_split(group, "/|｜") for group in must]
    for column, name in (("must_not", "none_of"), ("models", "models"), ("sources", "sources")):
        if row.get(column):
            expect[name] = _split(row[column], ";；\n/")
    if row.get("refuse", "").strip().lower() in _TRUE:
        expect["refuse"] = True
    lang = row.get("lang", "").strip().lower()
    return Case.model_validate(
        {
            "id": row.get("id", "").strip() or f"q-{number:03d}",
            "lang": lang if lang in ("zh", "en", "mixed") else ("zh" if _HAN.search(question) else "en"),
            "category": row.get("category", "").strip() or "lookup",
            "turns": _split(question, "\n"),
            "expect": expect,
            "why": row.get("answer", "").strip(),
        }
    )


def _unit(kind: str, factor: float) -> str:
    """The word of a base unit of a kind that a figure was read with."""
    named = {"byte": {1e3: "KB", 1e6: "MB", 1e9: "GB", 1e12: "TB"}.get(factor, "GiB"), "month": "months" if factor == 1 else "years"}
    named |= {"second": {1e-3: "ms", 1.0: "s", 60.0: "min", 3600.0: "h"}.get(factor, "days"), "char": "characters", "person": "users"}
    return kind.removeprefix("money:") if kind.startswith("money:") else named.get(kind, kind)


def _split(text: str, separators: str) -> list[str]:
    return [part.strip() for part in re.split(f"[{re.escape(separators)}]", text) if part.strip()]


def _is_down(rating: Any) -> bool:
    return str(rating).strip().lower() in _DOWN


def _rows_csv(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give a CSV or XLSX file with a question column")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    return _named(csv.reader(io.StringIO(text, newline="")))


def _rows_xlsx(path: Path) -> Iterator[dict[str, str]]:
    from openpyxl import load_workbook  # only for spreadsheets

    if not path.is_file():
        raise UsageError(f"{path}: no such file; give a CSV or XLSX file with a question column")
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        rows = [["" if cell is None else str(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
    return _named(rows)


def _named(rows: Iterable[list[str]]) -> Iterator[dict[str, str]]:
    lines = iter(rows)
    header = next(lines, [])
    columns = [_BY_WORD.get(name.strip().lower().replace(" ", "_"), "") for name in header]
    for row in lines:
        cells = (cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA_STARTS else cell for cell in row)
        yield {column: cell for column, cell in zip(columns, cells, strict=False) if column and cell.strip()}
