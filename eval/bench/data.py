"""Reads public benchmark files from where the user has them: CMRC-2018 or SQuAD JSON, RGB JSONL, and plain texts one a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the names of the documents that answer it, and its answers: each inner tuple holds forms of which one will do."""

    text: str
    gold: frozenset[str]
    answers: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True)
class Data:
    """Documents by name, and questions about them."""

    documents: dict[str, str] = field(default_factory=dict)
    questions: list[Asked] = field(default_factory=list)


def read_cmrc(path: Path) -> Data:
    """Passages with questions; the gold document of a question is its passage. Passages with equal text are one document's worth.

    Raises:
        UsageError: the file is not laid out that way.
    """
    data = Data()
    names: dict[str, str] = {}
    try:
        for article in json.loads(_text(path))["data"]:
            for paragraph in article["paragraphs"]:
                context = str(paragraph["context"])
                name = names.setdefault(context, f"passage-{len(names):05}.txt")
                data.documents[name] = context
                for question in paragraph["qas"]:
                    if question["question"].strip():
                        answers = tuple(dict.fromkeys(str(answer["text"]) for answer in question.get("answers", [])))
                        data.questions.append(Asked(str(question["question"]), frozenset([name]), (answers,)))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: expected SQuAD-style JSON (data > paragraphs > context, qas), found {type(error).__name__}: {error}"
        ) from error
    return data


def read_rgb(path: Path, kinds: tuple[str, ...] = ("positive", "negative")) -> Data:
    """Questions with passages that hold the answer and passages that do not; `kinds` says which become documents, each under
    the same name whatever the kinds.

    Raises:
        UsageError: a line is not laid out that way.
    """
    data = Data()
    count = 0
    for number, line in enumerate(_lines(path), start=1):
        try:
            entry = json.loads(line)
            gold = set()
            for kind in ("positive", "negative"):
                for text in entry.get(kind, []):
                    count += 1
                    name = f"passage-{count:06}.txt"  # says nothing that a search could use
                    if kind in kinds:
                        data.documents[name] = str(text)
                        if kind == "positive":
                            gold.add(name)
            data.questions.append(Asked(str(entry["query"]), frozenset(gold), _forms(entry["answer"])))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path}:{number}: expected id, query, answer, positive, negative; found {type(error).__name__}: {error}"
            ) from error
    return data


def read_texts(path: Path) -> dict[str, str]:
    """One document a line."""
    return {f"text-{number:06}.txt": line for number, line in enumerate(_lines(path), start=1)}


def _forms(answer: Any) -> tuple[tuple[str, ...], ...]:
    parts = answer if isinstance(answer, list) else [answer]
    return tuple(tuple(map(str, part)) if isinstance(part, list) else (str(part),) for part in parts)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; give the path of a benchmark file") from error


def _lines(path: Path) -> Iterator[str]:
    return (line.strip() for line in _text(path).split("\n") if line.strip())
