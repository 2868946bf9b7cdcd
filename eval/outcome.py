"""What an answerer returns for one conversation, and what a run keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hit or a citation stands; `text` is the passage or the quote."""

    source: str
    section: str
    text: str = ""

    @property
    def label(self) -> str:
        return f"{self.source} > {self.section}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer as the runner sees it, whatever produced it. `hits` are what search alone returns for the question, best first."""

    answer: str
    refused: bool = False
    conflicts: tuple[dict[str, Any], ...] = ()
    citations: tuple[Place, ...] = ()
    tools: tuple[dict[str, Any], ...] = ()
    hits: tuple[Place, ...] = ()
    mode: str = "offline"
    language: str = ""
    ms: float = 0.0
    usage: dict[str, int] = field(default_factory=dict)
    unsupported_numbers: int = 0
    notice: str = ""
    failed: str = ""


Answerer = Callable[[Sequence[str]], Outcome]
"""The turns of one conversation, the last of which is answered."""

AnswererFactory = Callable[[str], Answerer]
"""Makes the answerer of a corpus ("" is the corpus in use). Picklable: it is called once in every worker process."""


class Verdict(BaseModel):
    """Whether a case was right: what is left of a result in a gate's baseline. `key` changes with the case."""

    model_config = ConfigDict(extra="ignore")

    suite: str
    id: str
    key: str
    correct: bool

    @property
    def name(self) -> str:
        return f"{self.suite}/{self.id}"


class Result(Verdict):
    """One scored case, one line of results.jsonl."""

    category: str
    lang: str
    turns: list[str]
    expect: dict[str, Any]
    why: str = ""
    checks: dict[str, bool]
    misses: list[str] = Field(default_factory=list)
    reason: str = ""
    """Where a wrong answer went wrong: error, retrieval, understanding, calculation or wording."""
    answer: str
    refused: bool
    conflicts: list[dict[str, Any]] = Field(default_factory=list)
    citations: list[dict[str, str]] = Field(default_factory=list)
    tools: list[dict[str, Any]] = Field(default_factory=list)
    hits: list[dict[str, str]] = Field(default_factory=list)
    mode: str = "offline"
    language: str = ""
    ms: float = 0.0
    usage: dict[str, int] = Field(default_factory=dict)
    unsupported_numbers: int = 0
    untraced: list[str] = Field(default_factory=list)
    """Figures of the answer that stand in no quote, tool result, disagreement or question of the turn."""
    retrieval: dict[str, float] = Field(default_factory=dict)
    """recall_at_5, recall_at_10, mrr, ndcg_at_10, citation_precision, citation_recall; absent where a case names no sources."""
    notice: str = ""
    failed: str = ""
