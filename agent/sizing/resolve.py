"""From what somebody wrote to a model or a GPU: names, aliases, near misses, bare sizes, config files' contents.

A name that could be several things is an error that lists them; nothing is picked silently.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from math import log
from typing import Any

from agent.sizing.arch import Architecture, architecture
from agent.sizing.errors import SizingError
from agent.sizing.gpus import Gpu, gpu_from_shape, gpu_from_spec
from agent.sizing.inputs import GB, GIB, exact
from agent.sizing.models import ModelLike, StatedModel, stated
from agent.sizing.params import split
from kb.catalog.hardware import ARCHITECTURE_FACTS, Hardware, HardwareEntry, default_hardware, hardware_key

_CHECKPOINT_FACTS = ("checkpoint_bytes", "checkpoint_dtype", "max_context_tokens")
_SUFFIXES = frozenset("instruct chat it base hf pt thinking preview the model meta mlx 模型 大模型 开源 开源版 满血 满血版".split())
_VENDOR_WORDS = frozenset(
    "nvidia 英伟达 amd intel 英特尔 huawei 华为 geforce radeon instinct tesla 显卡 卡 card cards gpu gpus 张 块".split()
)


_FORMAT = re.compile(r"[-_ ]+(bf16|fp16|fp8|int8|int4|awq|gptq|gguf|nvfp4|mxfp4)\b(?:[-_ ]?int[48])?", re.IGNORECASE)
_FORMAT_OF = {"awq": "int4", "gptq": "int4", "gguf": "q4_k_m", "mxfp4": "mxfp4_experts"}


def tokens(name: str) -> list[str]:
    """A name cut into words and numbers: `Qwen2.5-72B-Instruct` -> qwen, 2.5, 72b, instruct."""
    text = unicodedata.normalize("NFKC", name).casefold()
    parts: list[str] = re.findall(r"\d+(?:\.\d+)?(?:x\d+(?:\.\d+)?)?[a-z]{0,3}(?![a-z])|\d+(?:\.\d+)?|[a-z]+|[一-鿿]+", text)
    return parts


def _words(name: str, drop: frozenset[str]) -> list[str]:
    """The words that tell names apart; Chinese ones stand without spaces, so they are cut off the ends of longer ones."""
    kept = []
    for word in tokens(name):
        if not word.isascii():
            for extra in sorted((w for w in drop if not w.isascii()), key=len, reverse=True):
                word = word.removeprefix(extra).removesuffix(extra)
        if word and word not in drop:
            kept.append(word)
    return kept


def _key(name: str, drop: frozenset[str]) -> str:
    return "".join(_words(name, drop)) or hardware_key(name)


def entry_architecture(entry: HardwareEntry) -> Architecture:
    """The catalog record as an `Architecture`, with the publisher's facts that calculations use."""
    shape = {key: value for key, value in entry.shape.items() if key not in ARCHITECTURE_FACTS or key in _CHECKPOINT_FACTS}
    found = architecture(shape, entry.name)
    return found


@lru_cache(maxsize=8)
def _model_index(hardware: Hardware) -> dict[str, tuple[str, ...]]:
    return _index(hardware.architectures.values(), _SUFFIXES)


@lru_cache(maxsize=8)
def _gpu_index(hardware: Hardware) -> dict[str, tuple[str, ...]]:
    return _index(hardware.gpus.values(), _VENDOR_WORDS)


def _index(entries: Iterable[HardwareEntry], drop: frozenset[str]) -> dict[str, tuple[str, ...]]:
    index: dict[str, list[str]] = {}
    for entry in entries:
        for name in entry.names:
            ids = index.setdefault(_key(name, drop), [])
            if entry.id not in ids:
                ids.append(entry.id)
    return {key: tuple(ids) for key, ids in index.items()}


def _candidates(text: str, entries: Mapping[str, HardwareEntry], index: Mapping[str, tuple[str, ...]], drop: frozenset[str]) -> list[str]:
    """Ids that the text may mean: exact key first, then records whose names have all its words, by how little they add."""
    exact_ids = index.get(_key(text, drop))
    if exact_ids:
        return list(exact_ids)
    words = set(_words(text, drop))
    if not words:
        return []
    ranked: dict[str, int] = {}
    for entry in entries.values():
        for name in entry.names:
            have = set(_words(name, drop))
            if words <= have:
                ranked[entry.id] = min(ranked.get(entry.id, 99), len(have - words))
    best = min(ranked.values(), default=99)
    return [entry_id for entry_id, extra in ranked.items() if extra == best]


def _near(text: str, entries: Mapping[str, HardwareEntry], index: Mapping[str, tuple[str, ...]], drop: frozenset[str]) -> list[str]:
    keys = difflib.get_close_matches(_key(text, drop), index, n=4, cutoff=0.55)
    return list(dict.fromkeys(entries[entry_id].name for key in keys for entry_id in index[key]))[:4]


def find_model_entry(text: str, hardware: Hardware | None = None) -> HardwareEntry:
    """The catalog record of a model's name. Raises `SizingError` for an unknown name (near ones listed) or an ambiguous one."""
    known = hardware or default_hardware()
    name = text.rsplit("/", 1)[-1] if re.fullmatch(r"[\w.-]+/[\w.-]+", text.strip()) else text
    ids = _candidates(name, known.architectures, _model_index(known), _SUFFIXES)
    return _single(text, "model", ids, known.architectures, _near(name, known.architectures, _model_index(known), _SUFFIXES))


def _single(text: str, what: str, ids: list[str], entries: Mapping[str, HardwareEntry], near: list[str]) -> HardwareEntry:
    if len(ids) == 1:
        return entries[ids[0]]
    what_zh = "模型" if what == "model" else "显卡"
    if ids:
        names = ", ".join(entries[entry_id].name for entry_id in ids[:8])
        raise SizingError(f"{text!r} could be several {what}s: {names}; name one", f"“{text}”可能指多个{what_zh}：{names}；请说明是哪一个")
    hint = f"; near: {', '.join(near)}" if near else ""
    fix = "a config.json, an `arch` or a size such as 70B" if what == "model" else "its memory, e.g. 24GB, or a gpu_spec"
    raise SizingError(
        f"no {what} {text!r} in the catalog{hint}; or give {fix}",
        f"目录里没有{what_zh}“{text}”"
        + (f"；相近的有：{', '.join(near)}" if near else "")
        + ("；也可以给 config.json 或参数量（如 70B）" if what == "model" else "；也可以直接给显存（如 24GB）"),
    )


def resolve_model(value: Any, hardware: Hardware | None = None) -> ModelLike:
    """A name ("qwen2.5 72b"), a size ("70B", 7e10), a Hugging Face config (a mapping) or an `arch` mapping -> a model.

    A bare size gets the nearest reference architecture as its stand-in, which every result states as an assumption.
    Raises `SizingError` with near matches.
    """
    if isinstance(value, (Architecture, StatedModel)):
        return value
    if isinstance(value, Mapping):
        from agent.sizing.hf_config import from_config, is_hf_config

        return from_config(value) if is_hf_config(value) else architecture(value)
    size = stated(value)
    if size is not None:
        return StatedModel(size.name, size.parameters, size.active_parameters, nearest_reference(size.parameters, hardware))
    if not isinstance(value, str) or not value.strip():
        raise SizingError(f"model is {value!r}; expected a name, a size such as 70B, or an object with the architecture")
    named_format = _FORMAT.search(value)
    found = entry_architecture(find_model_entry(_FORMAT.sub(" ", value), hardware))
    if named_format is None:
        return found
    # "Qwen3-8B-FP8" is another checkpoint of the same architecture, with other files.
    kind = named_format[1].lower()
    return replace(found, checkpoint_dtype=_FORMAT_OF.get(kind, kind), checkpoint_bytes=None)


@lru_cache(maxsize=4)
def _sizes(hardware: Hardware) -> tuple[tuple[int, bool, Architecture], ...]:
    """Total parameters of every architecture, and whether it is a reference."""
    found = ((entry_architecture(entry), entry.reference) for entry in hardware.architectures.values())
    return tuple((split(candidate).total, reference, candidate) for candidate, reference in found)


def nearest_reference(parameters: int, hardware: Hardware | None = None) -> Architecture | None:
    """The reference architecture nearest in size if within a third; else any architecture within a twentieth, else none."""
    reference: tuple[float, Architecture] | None = None
    close: tuple[float, Architecture] | None = None
    for total, is_reference, candidate in _sizes(hardware or default_hardware()):
        distance = abs(log(total / parameters))
        if is_reference and distance <= log(4 / 3) and (reference is None or distance < reference[0]):
            reference = (distance, candidate)
        if distance <= log(1.05) and (close is None or distance < close[0]):
            close = (distance, candidate)
    found = reference or close
    return found[1] if found else None


_MEMORY = re.compile(
    r"^\s*(\d+(?:\.\d+)?)\s*(gib|gb|g)\s*(?:的)?\s*(?:显存)?\s*(?:的)?\s*(?:显卡|卡|gpu|gpus|card|cards|vram)?\s*$", re.IGNORECASE
)


def resolve_gpu(value: Any, hardware: Hardware | None = None) -> Gpu:
    """A name ("4090", "a100 80g", "昇腾910B"), a memory size ("24GB卡") or a `gpu_spec` mapping -> a GPU.

    A card known only by its memory counts as that many GB, all of it; rates are then unknown. Raises `SizingError`.
    """
    if isinstance(value, Gpu):
        return value
    if isinstance(value, Mapping):
        return gpu_from_spec(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        size = exact(value, "GPU memory in GB", high=10**6)
        return Gpu(f"{float(size):g} GB card", size * GB)
    if not isinstance(value, str) or not value.strip():
        raise SizingError(f"gpu is {value!r}; expected a name such as A100 80GB, or a memory size such as 24GB")
    match = _MEMORY.match(unicodedata.normalize("NFKC", value))
    if match:
        size = exact(match[1], "GPU memory", high=10**6)
        unit = GIB if match[2].lower() == "gib" else GB
        return Gpu(f"{match[1]} {'GiB' if unit == GIB else 'GB'} card", size * unit)
    entry = find_gpu_entry(value, hardware)
    return gpu_from_shape(entry.shape, entry.name, entry.id)


def find_gpu_entry(text: str, hardware: Hardware | None = None) -> HardwareEntry:
    """The catalog record of a GPU's name; "80g" and "80GB" are the same word."""
    known = hardware or default_hardware()
    name = re.sub(r"(\d+)\s*(?:gib|gb|g)\b", r"\1gb", unicodedata.normalize("NFKC", text).casefold())
    name = re.sub(r"(\d+)\s*(?:gib|gb|g)(?=[一-鿿])", r"\1gb", name)
    # Names as drivers print them: "A100-SXM4-80GB", "H100 80GB HBM3".
    name = re.sub(r"\bhbm\d?e?\b|\bgddr\dx?\b", " ", re.sub(r"\bsxm\d", "sxm", name))
    index = _gpu_index(known)
    ids = _candidates(name, known.gpus, index, _VENDOR_WORDS)
    if len(ids) > 1:
        # "A100 80GB" means the common form of several that share the name: the one whose first alias it is.
        plain = [i for i in ids if any(_key(a, _VENDOR_WORDS) == _key(name, _VENDOR_WORDS) for a in known.gpus[i].aliases[:1])]
        ids = plain if len(plain) == 1 else ids
    return _single(text, "gpu", ids, known.gpus, _near(name, known.gpus, index, _VENDOR_WORDS))
