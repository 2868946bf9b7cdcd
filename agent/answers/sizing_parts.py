"""What all sizing answers share: the context asked for, sizes in words, the numbers of a calculator's steps, the finished draft."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from agent.events import Chart
from agent.understand.question import model_sizes
from agent.words import plain
from agent.work import Draft, Work
from kb.numbers import find_numbers


def context_of(work: Work) -> Decimal | None:
    for quantity in work.question.quantities:
        if (
            quantity.unit in ("", "token")
            and not quantity.is_money
            and 512 <= quantity.value <= 20_000_000
            and quantity not in model_sizes(work.question)
        ):
            near = work.question.masked[max(0, quantity.start - 8) : quantity.end + 14].lower()
            if re.search(r"上下文|context|token|长度|窗口|ctx", near) or quantity.scale.lower() == "k":
                return quantity.value
    return None


def size_words(work: Work, value: Decimal) -> str:
    for size, unit in ((Decimal(2**30), "GiB"), (Decimal(2**20), "MiB"), (Decimal(2**10), "KiB")):
        if value >= size:
            work.computed(value / size, value)
            return f"{plain(value / size, 2)} {unit}"
    work.computed(value)
    return f"{plain(value, 0)} B"


def allow(work: Work, steps: Sequence[str]) -> None:
    """Numbers in a calculator's own steps were calculated in this turn."""
    for step in steps:
        work.computed(*(n.value for n in find_numbers(step)))


def done(
    work: Work,
    name: str,
    head: str,
    steps: Sequence[str],
    inputs: dict[str, object],
    output: dict[str, object],
    charts: tuple[Chart, ...] = (),
) -> Draft:
    shown = [s for s in steps if s and s.strip()]
    work.tool(name, inputs, output, shown)
    return Draft("\n".join([head, "", *(f"- {s}" for s in shown)]), charts=charts, intent="sizing")
