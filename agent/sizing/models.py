"""A model as calculators take it: an architecture, or only a size that somebody stated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from agent.sizing.arch import Architecture
from agent.sizing.errors import SizingError
from agent.sizing.inputs import MAX_PARAMETERS, exact


@dataclass(frozen=True, slots=True)
class StatedModel:
    """A model known by its parameter count ("a 70B"). `stand_in` is the catalog's nearest dense architecture, an assumption."""

    name: str
    parameters: int
    active_parameters: int | None = None
    stand_in: Architecture | None = None


ModelLike = Architecture | StatedModel
_SIZE = re.compile(
    r"^\s*(\d+(?:\.\d+)?)\s*([bt])\s*(?:-?\s*a\s*(\d+(?:\.\d+)?)\s*b)?\s*(?:params?|parameters?|参数|级|规模|级别|模型|的?(?:大)?模型|model)?\s*$",
    re.IGNORECASE,
)


def stated(text: Any) -> StatedModel | None:
    """A bare size: 70e9, "70B", "30B-A3B", "700亿参数". None if the text is something else, such as a name."""
    if isinstance(text, (int, float, Decimal, Fraction)) and not isinstance(text, bool):
        number = int(exact(text, "parameters", high=MAX_PARAMETERS))
        return StatedModel(f"{number / 1e9:g}B", number)
    if not isinstance(text, str):
        return None
    if re.match(r"\s*[-−]\s*\d", text):
        raise SizingError(f"parameters is {text}; it cannot be negative", f"参数量 {text} 不能为负数")
    match = _SIZE.match(text)
    if match:
        total = int(Decimal(match[1]) * (10**9 if match[2].lower() == "b" else 10**12))
        active = int(Decimal(match[3]) * 10**9) if match[3] else None
        exact(total, "parameters", high=MAX_PARAMETERS)
        return StatedModel(text.strip(), total, active)
    match = re.match(r"^\s*(\d+(?:\.\d+)?)\s*(亿|万亿|百亿|千亿)\s*(?:个)?(?:参数)?(?:的)?(?:大?模型)?\s*$", text)
    if match:
        total = int(Decimal(match[1]) * {"亿": 10**8, "百亿": 10**10, "千亿": 10**11, "万亿": 10**12}[match[2]])
        exact(total, "parameters", high=MAX_PARAMETERS)
        return StatedModel(text.strip(), total)
    return None


def as_model(value: Any) -> ModelLike:
    """An architecture or stated size as it is; text and numbers are resolved by name or size."""
    if isinstance(value, (Architecture, StatedModel)):
        return value
    from agent.sizing.resolve import resolve_model

    return resolve_model(value)
