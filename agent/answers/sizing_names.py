"""GPUs and architectures that a question names, by the hardware catalog's names and aliases."""

from __future__ import annotations

import re
from functools import lru_cache

from kb.text import normalise


@lru_cache(maxsize=1)
def _gpu_names() -> tuple[tuple[str, str], ...]:
    from kb.catalog.hardware import default_hardware

    names = {}
    for entry in default_hardware().gpus.values():
        for name in (entry.name, *entry.aliases):
            names[normalise(name).replace(" ", "")] = entry.name
    return tuple(sorted(names.items(), key=lambda n: -len(n[0])))


@lru_cache(maxsize=1)
def _model_names() -> tuple[tuple[str, str], ...]:
    from kb.catalog.hardware import default_hardware

    names = {}
    for entry in default_hardware().architectures.values():
        for name in (entry.name, *entry.aliases):
            names[re.sub(r"[\s\-_]", "", normalise(name))] = entry.name
    return tuple(sorted(names.items(), key=lambda n: -len(n[0])))


def named_gpu(text: str) -> str:
    """The GPU that a text names, as the catalog calls it; "" if none."""
    flat = normalise(text).replace(" ", "")
    for key, name in _gpu_names():
        if len(key) >= 2 and key in flat and re.search(rf"(?<![a-z0-9]){re.escape(key)}(?![a-z0-9]*\d)", flat):
            return name
    return ""


def named_architecture(text: str) -> str:
    """The model architecture that a text names, with its size; "" if none."""
    flat = re.sub(r"[\s\-_]", "", normalise(text))
    for key, name in _model_names():
        if len(key) >= 4 and key in flat and re.search(rf"(?<![a-z0-9]){re.escape(key)}(?![a-z0-9])", flat):
            return name
    return ""
