"""Question suites: the format of a case, reading and writing JSONL."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kb.errors import UsageError

Lang = Literal["zh", "en", "mixed"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NumberExpected(_Strict):
    """A figure that the answer must state, within `rel_tol` (a share of the value)."""

    value: float
    unit: str = ""
    rel_tol: float = Field(default=0.01, ge=0)


class Expect(_Strict):
    """What a right answer contains. An absent part is not checked, except `refuse`, which is false unless said (null: either will do).

    `sources` do not count beside other expectations; where they are the only one, the first five hits must hold all of them.
    """

    numbers: list[NumberExpected] = Field(default_factory=list)
    all_of: list[list[str]] = Field(default_factory=list)
    none_of: list[str] = Field(default_factory=list)
    refuse: bool | None = False
    conflict: bool | None = Field(default=None, description="false asks that no disagreement is reported")
    models: list[str] = Field(default_factory=list)
    sources: list[str] = Field(default_factory=list)

    @property
    def of_search_alone(self) -> bool:
        """Whether the sources are all that is expected."""
        said = self.numbers or self.all_of or self.none_of or self.models or self.refuse is not None or self.conflict is not None
        return bool(self.sources) and not said


class Case(_Strict):
    """One question; of several turns the last one is scored."""

    id: str
    lang: Lang
    category: str
    turns: list[str] = Field(min_length=1)
    expect: Expect
    why: str = ""
    corpus: str = Field(default="", description="an entry of the suite's corpora file; empty: the corpus in use")

    def to_line(self) -> str:
        return json.dumps(self.model_dump(mode="json", exclude_unset=True), ensure_ascii=False)


def load_suite(path: Path) -> list[Case]:
    """The cases of a JSONL file. Raises `UsageError` naming file, line and fault for a line that is not a case."""
    if not path.is_file():
        raise UsageError(f"{path}: no such suite; give a JSONL file of questions (one is made by `advisor eval new`)")
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            cases.append(Case.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "line"
            raise UsageError(f"{path}:{number}: {where}: {first['msg']}; each line is one case, see docs/evaluation.md") from None
    repeated = [case_id for case_id, count in Counter(c.id for c in cases).items() if count > 1]
    if repeated:
        raise UsageError(f"{path}: ids occur more than once: {', '.join(repeated[:5])}; every id in a suite is unique")
    if not cases:
        raise UsageError(f"{path}: holds no case")
    return cases


def write_suite(path: Path, cases: Iterable[Case]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(case.to_line() + "\n" for case in cases), encoding="utf-8")
