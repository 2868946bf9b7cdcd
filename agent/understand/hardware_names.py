"""Names of cards and of model architectures in running text, with the place where they stand.

Spelling is free between the parts of a name (`RTX4090`, `rtx-4090`, `A100 80G`), counts may be glued to it (`8xA100`, `H100*8`).
A family with a size ("qwen 72b", "千问72B", "Mixtral 8x22B") is the one architecture of that family and size, if there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from kb.quantities import normalise

if TYPE_CHECKING:
    from kb.catalog.hardware import Hardware

_TOKEN = re.compile(r"\d+(?:\.\d+)?|[a-z]+|[\u4e00-\u9fff]+")
_GAP = r"[\s\-_]*"
_GLUED_COUNT = re.compile(
    r"(?<=\d)\s*[x×*](?=\s*(?:rtx|gtx|nvidia|[a-z]{1,6}\s?\d{2,3}(?!\s*b)|\d{4}(?!\d)|昇腾|ascend))|(?<=[\d\s])[x×*](?=\s*\d+(?![\d.]*\s*b))|[×*](?=\s*\d+(?![\d.]*\s*b))",
    re.IGNORECASE,
)
_LETTER_O = re.compile(r"(?<=\d)(?:oo+(?![a-z])|o+(?=\d))")
"""A1OO, 4O90: the letter in place of the digit."""
_NOT_A_CARD = r"(?!\s*(?:[万亿千元块%]|美元|tok|次|字|人|个|条|字|请求|q(?:ps|ueries)|req|usd|rmb|dollars?|yuan|美金|年|天|份))"
UNKNOWN_CARD = re.compile(
    r"(?<![a-z\d])(?:(?:rtx|gtx)\s*\d{3,4}\s*(?:ti|super|d)?|[ahblpkv]\d{2,3}[a-z]?|mi\d{2,3}[a-z]?|mlu\s*\d+|tpu\s*v?\d\w*|\d{4}\s*ti|[1-9]0[5-9]0(?=\s*(?:显卡|卡|的|\d|，|,|跑|行|够|能|$))|gb\d{3}"
    r"|昇腾\s*\d+\w*|ascend\s*\d+\w*)(?![a-z\d])",
    re.IGNORECASE,
)
_SIZE = r"(?<![\d.x×*])(?:(?<![a-z])|(?<=[a-z]{3}))(?P<size>\d+\s*[x×*]\s*\d+(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?P<unit>[bt])(?![a-z])(?P<active>\s*-?\s*a\s*\d+(?:\.\d+)?\s*b)?"
_STATED = re.compile(r"(?P<n>\d+(?:\.\d+)?)\s*(?P<scale>千亿|百亿|万亿|亿)\s*(?:个)?(?:参数|规模|级|的?(?:大)?模型)")
_ROUND = re.compile(r"(?<![\d几])(?P<scale>万亿|千亿|百亿)(?:参数|级|模型|规模)")
_ROUND_SIZES = {"万亿": "1000B", "千亿": "100B", "百亿": "10B"}


MOST_SIZES = 8
"""More sizes than this in one question are noise; the rest is left unread."""


@dataclass(frozen=True, slots=True)
class Named:
    """`name` is what the calculators take; `text` what stands between `start` and `end`; `others` what it may mean as well."""

    name: str
    start: int
    end: int
    text: str
    others: tuple[str, ...] = ()


def unglued(text: str) -> str:
    """The text in lower case with the sign between a count and a name blanked out; offsets are kept."""
    low = _LETTER_O.sub(lambda m: "0" * len(m[0]), normalise(text).lower())
    return _GLUED_COUNT.sub(lambda m: " " * len(m[0]), low)


def spelling(name: str) -> str:
    """A pattern for a name in lower case with free spacing between its parts."""
    return _GAP.join(re.escape(token) for token in _TOKEN.findall(normalise(name).lower()))


def _compiled(names: Iterable[tuple[str, str]], tail: str, bare_tail: str = "") -> tuple[re.Pattern[str], dict[str, str]]:
    """One pattern for all spellings; `bare_tail` is what must follow names of digits alone ("4090")."""
    names = list(names)
    table: dict[str, str] = {}
    for alias, name in names:
        table.setdefault("".join(_TOKEN.findall(normalise(alias).lower())), name)
    spellings = {spelling(alias): len(alias) for alias, _ in names}
    ordered = sorted(spellings, key=lambda s: -spellings[s])
    parts = [
        rf"(?<![\d.$¥€£]){s}{bare_tail if s.isdigit() else ''}" if s[0].isdigit() else rf"(?<![a-z]){s}" if s[0].isascii() else s
        for s in ordered
        if s
    ]
    return re.compile(rf"(?:{'|'.join(parts)}){tail}"), table


@lru_cache(maxsize=4)
def _gpus(hardware: Hardware) -> tuple[re.Pattern[str], dict[str, str]]:
    names = [(alias, entry.name) for entry in hardware.gpus.values() for alias in (entry.name, *entry.aliases)]
    names += [(re.sub(r"(?<=\d)GB\b", "G", alias), name) for alias, name in names if re.search(r"\d+GB", alias)]
    return _compiled(names, r"(?!\d|[a-rt-z]|s[a-z]|\.\d)(?!\s?(?:ti|super)(?![a-z]))", _NOT_A_CARD)


@lru_cache(maxsize=4)
def _architectures(hardware: Hardware) -> tuple[re.Pattern[str], dict[str, str]]:
    names = [
        (alias, entry.name)
        for entry in hardware.architectures.values()
        for alias in (entry.name, *entry.aliases)
        if len(re.sub(r"[\s\-_]", "", alias)) >= 3
    ]
    return _compiled(names, r"(?![a-z\d]|\.\d)(?!\s*\d+(?:\.\d+)?\s*b(?![a-z]))")


def gpus_in(text: str) -> list[Named]:
    """Cards that a text names, in order, by the catalog's names and aliases."""
    from kb.catalog.hardware import default_hardware

    return list(_gpus_in(text, default_hardware()))


@lru_cache(maxsize=128)
def _gpus_in(text: str, hardware: Hardware) -> tuple[Named, ...]:
    flat = unglued(text)
    pattern, table = _gpus(hardware)
    return tuple(Named(table["".join(_TOKEN.findall(m[0]))], m.start(), m.end(), text[m.start() : m.end()]) for m in pattern.finditer(flat))


def models_in(text: str) -> list[Named]:
    """Models that a text names: an architecture of the catalog, a family with a size, or a bare size; in order, without overlaps."""
    from kb.catalog.hardware import default_hardware

    return list(_models_in(text, default_hardware()))


@lru_cache(maxsize=128)
def _models_in(text: str, hardware: Hardware) -> tuple[Named, ...]:
    flat = unglued(text)
    pattern, table = _architectures(hardware)
    cards = _gpus_in(text, hardware)
    found = [Named(table["".join(_TOKEN.findall(m[0]))], m.start(), m.end(), text[m.start() : m.end()]) for m in pattern.finditer(flat)]
    for m in _STATED.finditer(flat):
        found.append(Named(m["n"] + m["scale"] + "参数", m.start(), m.end(), m[0]))
    for m in _ROUND.finditer(flat):
        found.append(Named(_ROUND_SIZES[m["scale"]], m.start(), m.end(), m[0]))
    for m in islice(re.finditer(_SIZE, flat), MOST_SIZES):
        if re.match(
            r"\s*(?:tok|input|output|in\b(?!\s*(?:int|fp|bf|nf|q\d|awq|gptq|\d|half|our|my|the|a\b))|out\b|输入|输出)", flat[m.end() :]
        ) or any(n.start < m.end() and m.start() < n.end for n in (*found, *cards)):
            continue
        found.append(_sized(flat, m))
    return tuple(sorted(found, key=lambda n: n.start))


def _sized(text: str, size: re.Match[str]) -> Named:
    """The architecture of the family that stands before a size; else the size itself."""
    from agent.sizing.errors import SizingError
    from agent.sizing.resolve import find_model_entry

    plain = re.sub(r"\s", "", size[0]).replace("×", "x").replace("*", "x")
    before = text[max(0, size.start() - 40) : size.start()]
    words = re.search(
        r"((?:[a-z][a-z\d.]*[\s\-_]+){0,2}[a-z][a-z\d.]*|[\u4e00-\u9fff]{2,6}\d?(?:\.\d)?|[a-z]+[\s\-_]*\d(?:\.\d)?)[\s\-_]*$", before
    )
    others: tuple[str, ...] = ()
    if words:
        for family in _suffixes(words[1]):
            try:
                entry = find_model_entry(f"{family} {plain}")
            except SizingError as error:
                several = re.search(r"could be several models: (.*); name one", str(error))
                others = others or (tuple(several[1].split(", ")) if several else ())
                continue
            start = size.start() - len(words[0]) + words[0].rfind(family)
            return Named(entry.name, start, size.end(), text[start : size.end()])
    if "x" in plain:
        try:
            return Named(find_model_entry(plain).name, size.start(), size.end(), size[0])
        except SizingError:
            return Named(plain, size.start(), size.end(), size[0])
    return Named(plain.upper(), size.start(), size.end(), size[0], others)


def _suffixes(words: str) -> list[str]:
    """Ends of a run of words, the longest first: a family may stand behind other words."""
    if re.search(r"[\u4e00-\u9fff]", words):
        return [words[i:] for i in range(len(words) - 1)]
    parts = re.split(r"[\s\-_]+", words.strip(" -_"))
    return [" ".join(parts[i:]) for i in range(len(parts))]
