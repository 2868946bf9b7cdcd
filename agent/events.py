"""The closed union that `answer()` yields. Every adapter (command line, page, channels, suite) folds this one stream.

Order within a turn: `Understood`, then any of `ToolStarted`/`ToolFinished`/`TextDelta`, then exactly one of `AnswerDone`
or `AnswerFailed`. A turn that ends in `AnswerFailed` must not advance the conversation.

With a language model the deltas are the offline answer, a rule, and then the model's sentences, each checked before it is sent.
`AnswerDone.answer` is the answer that stands: the model's prose with what it leaves out, or the offline answer alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kb.types import Citation

Language = Literal["zh", "en"]
Mode = Literal["offline", "llm"]


@dataclass(frozen=True, slots=True)
class ConflictClaim:
    """One side of a disagreement: the value as it would be shown, and where it stands."""

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Claims that cannot all be right, what they are about, and what the computation says about it."""

    about: str
    claims: tuple[ConflictClaim, ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """One line or one set of bars: `x` are labels or numbers, `y` are numbers in the chart's `y_unit`."""

    label: str
    x: tuple[str | float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as data; the page and the channels draw it. `marks` are (x, label) points worth a note, e.g. a break-even."""

    kind: Literal["bar", "line", "stacked"]
    title: str
    x_label: str
    y_label: str
    y_unit: str
    series: tuple[ChartSeries, ...]
    marks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Understood:
    """What the question was taken to mean, in words a user can check."""

    language: Language
    intent: str
    summary: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """`steps` are the calculation line by line: inputs, units, formula, result. Empty for a look-up."""

    name: str
    input: Mapping[str, Any]
    output: Mapping[str, Any]
    steps: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The whole checked answer: Markdown with `[n]` marks that index `citations` from 1."""

    answer: str
    citations: tuple[Citation, ...]
    tools: tuple[ToolFinished, ...]
    conflicts: tuple[Conflict, ...]
    refused: bool
    mode: Mode
    language: Language
    ms: float
    charts: tuple[Chart, ...] = ()
    follow_ups: tuple[str, ...] = ()
    unsupported_numbers: int = 0
    """Numbers that the checker could not trace and therefore removed or marked."""
    usage: Mapping[str, int] = field(default_factory=dict)
    """Tokens of a language model in this turn: `input_tokens`, `output_tokens`."""
    spent: str = ""
    """The same for people, with the conversation's sum and its price where one is known; estimates are called so."""
    notice: str = ""
    """Why the mode is not the one asked for, e.g. the LLM timed out."""


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """Our own failure. `public_text` may be shown to anyone; `reference` finds the log line."""

    public_text: str
    reference: str


AnswerEvent = Understood | ToolStarted | ToolFinished | TextDelta | AnswerDone | AnswerFailed
