"""A calculation's own account of itself: inputs, units, formula and result, line by line, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.sizing.inputs import GB, GIB, tidy


class Steps:
    """Collects lines while a calculation runs."""

    def __init__(self) -> None:
        self._zh: list[str] = []
        self._en: list[str] = []

    def add(self, zh: str, en: str) -> None:
        """One line, said twice."""
        self._zh.append(zh)
        self._en.append(en)

    def extend(self, other: Calculation) -> None:
        """The lines of a calculation that this one builds on."""
        self._zh.extend(other.steps_zh)
        self._en.extend(other.steps_en)

    @property
    def zh(self) -> tuple[str, ...]:
        return tuple(self._zh)

    @property
    def en(self) -> tuple[str, ...]:
        return tuple(self._en)


@dataclass(frozen=True, kw_only=True)
class Calculation:
    """Base of every result. `as_dict()` is what a tool returns: plain JSON values, steps left out."""

    steps_zh: tuple[str, ...] = field(default=(), repr=False)
    steps_en: tuple[str, ...] = field(default=(), repr=False)

    def steps(self, language: str) -> tuple[str, ...]:
        """The lines in `zh` or `en`."""
        return self.steps_zh if language == "zh" else self.steps_en

    def as_dict(self) -> dict[str, Any]:
        """Fields as JSON values; numbers that are whole stay whole."""
        return {f.name: plain(getattr(self, f.name)) for f in fields(self) if f.name not in ("steps_zh", "steps_en")}


def plain(value: Any) -> Any:
    """A JSON value of a field: fractions and decimals become numbers, nested results dictionaries."""
    if isinstance(value, Calculation):
        return value.as_dict()
    if isinstance(value, Fraction):
        return tidy(value)
    if isinstance(value, Decimal):
        return tidy(Fraction(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return value


def size(number_of_bytes: Fraction | int | float) -> str:
    """Bytes for people: both units, so that nobody mixes them up."""
    value = float(number_of_bytes)
    return f"{value / GB:,.2f} GB ({value / GIB:,.2f} GiB)"


def count(number: Fraction | int | float | Decimal) -> str:
    """A number with thousands separators, without trailing zeros."""
    value = float(number)
    if value == int(value) and abs(value) < 1e18:
        return f"{int(value):,}"
    text = f"{value:,.4f}" if abs(value) < 100 else f"{value:,.2f}"
    return text.rstrip("0").rstrip(".")


def billions(parameters: int | Fraction) -> str:
    """Parameters as people say them: 70.55B."""
    value = float(parameters) / 1e9
    return f"{value:,.2f}B" if value < 1000 else f"{value / 1000:,.3f}T"
