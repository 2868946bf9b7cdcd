"""Enumerations of open or closed models: names that stand nowhere else, and what the enumeration says of each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ingest.draft_lines import LABEL, lines_of
from ingest.draft_names import NO_MODEL, EntityDraft, Names, clean_name, name_strength
from ingest.draft_values import MAX_SENTENCE, openness_of
from ingest.draft_words import Lexicon, plain
from kb.types import Block

_KIND_ZH = r"(?P<kind>开源|闭源)[\u4e00-\u9fff]{0,6}?(?:模型|大模型)"
_KIND_EN = r"(?P<kind_en>open[- ]source|open[- ]weight|open|closed[- ]source|closed|proprietary) (?:language |weight )?models?"
_ENUMERATION = re.compile(
    rf"(?:{_KIND_ZH}|{_KIND_EN})\s*"
    r"(?:[(（]\s*(?:如|例如|包括|e\.g\.,?|such as|like)?\s*|(?:如|例如|包括|有|include|includes|such as)\s*:?\s*)"
    r"(?P<names>[^()（）。；;]{2,120})",
    re.IGNORECASE,
)
_INTRODUCES = re.compile(rf"(?:{_KIND_ZH}|{_KIND_EN})[^。；;]{{0,12}}(?:包括|如下|有|include|are|following)?\s*[:：]$", re.IGNORECASE)
_CAMP = re.compile(
    r"(?:[\u4e00-\u9fff]{0,4}(?:开源|闭源)(?:大?模型|阵营|力量|浪潮|革命|先锋|巨头|代表|一派|派|路线)?"
    r"|(?:open|closed)(?:[- ](?:source|weights?))?(?: (?:models?|camp|wave|side|pioneers?|leaders?))|proprietary models?)",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?:^|[\u4e00-\u9fff]\s?)(?P<name>[A-Z][A-Za-z]*(?:[- ]?\d+(?:\.\d+)*[A-Za-z]?|-[A-Z][A-Za-z0-9]*)*)"
    r"(?P<series>\s?系列|\s(?:series|family))?(?:开源版|闭源版|版)?\s*(?:[(（]|$|等|\.)"
)
_SIZE = re.compile(r"(?<![A-Za-z\d.])\d+(?:\.\d+)?(?:x\d+(?:\.\d+)?)?[BM](?![A-Za-z\d])", re.IGNORECASE)
_PARTS = re.compile(r"、|,|，|\sand\s|和|/(?=[A-Z])")
_ENDS = re.compile(r"等(?:模型|大模型)?|\s(?:lower|lowers|are|have|make)\s|[。；;.]")


@dataclass(frozen=True, slots=True)
class Enumerated:
    """A model that an enumeration calls open or closed, with the words that do and the form of the model that they mean."""

    entity: EntityDraft
    openness: str
    block: Block
    offset: int
    words: str
    about: str = ""
    sizes: tuple[str, ...] = ()


class Enumerations:
    """`开源模型（如 Phi-3、Mistral-7B）`, `Open-weight models include Falcon-X and Mistral 7B`, and lists under such a line."""

    def __init__(self, names: Names, words: Lexicon, vendors: Collection[str]) -> None:
        self.names = names
        self.words = words
        self._vendors = {vendor.lower() for vendor in vendors}
        self._found: list[Enumerated] = []

    def read(self, blocks: Sequence[Block]) -> list[Enumerated]:
        """What all enumerations of a document say; names that are new become entities."""
        introduced = ""
        for block in blocks:
            if block.table is not None:
                introduced = ""
                continue
            for offset, line in lines_of(block):
                shown = plain(line)
                if len(shown) <= MAX_SENTENCE:
                    self._line((block, offset), shown, introduced if block.kind == "list" else "")
            last = plain(block.text.split("\n")[-1])
            found = _INTRODUCES.search(last) if block.kind == "paragraph" else None
            introduced = (found["kind"] or found["kind_en"]) if found else ""
        return self._found

    def _line(self, place: tuple[Block, int], shown: str, introduced: str) -> None:
        for match in _ENUMERATION.finditer(shown):
            self._names_of(place, match["names"], match["kind"] or match["kind_en"])
        labelled = LABEL.match(shown)
        if introduced:
            known = self.names.find(clean_name(labelled["label"])) if labelled else None
            if known is not None and labelled is not None:
                self._add(known, openness_of(introduced, self.words), place, labelled["label"])
            else:
                self._names_of(place, shown.split("：")[-1].split(":")[-1], introduced)
        elif labelled and _CAMP.fullmatch(clean_name(labelled["label"])):
            self._camp(place, labelled["rest"], clean_name(labelled["label"]))

    def _camp(self, place: tuple[Block, int], rest: str, label: str) -> None:
        """`开源革命：LLaMA、Baichuan等模型降低门槛`: the known models of a list of at least two that the line begins with."""
        parts = [part.strip() for part in _PARTS.split(_ENDS.split(rest)[0])]
        if len(parts) < 2 or not all(self.names.find(part) or name_strength(part, self.words) for part in parts):
            return
        for part in parts:
            known = self.names.find(part)
            if known is not None:
                self._add(known, openness_of(label, self.words), place, part)

    def _names_of(self, place: tuple[Block, int], names: str, kind: str) -> None:
        value = openness_of(kind, self.words)
        for part in _parts(names):
            match = _NAME.search(part)
            name = match["name"].strip() if match else part
            series = match is not None and bool(match["series"])
            sizes = tuple(dict.fromkeys(_SIZE.findall(part[match.end() - 1 :]))) if match is not None and series else ()
            known = self.names.find(name)
            if known is not None:
                self._add(known, value, place, part, sizes=sizes)
            if match is None or NO_MODEL.match(name) or not name_strength(name, self.words) or name.lower() in self._vendors:
                continue
            if known is None:
                family = [one for one in self.names.entities if one.family == name.lower() and not one.elsewhere]
                if not family:
                    self._add(self.names.add(name), value, place, part, sizes=sizes)
                elif series and len(family) == 1:
                    self._add(family[0], value, place, part, about=re.split(r"[(（]", part)[0].strip())
            if len(sizes) > 1:
                for size in sizes:
                    self._add(self.names.add(f"{name} {size}"), value, place, part)

    def _add(
        self, entity: EntityDraft, value: str, place: tuple[Block, int], words: str, *, about: str = "", sizes: tuple[str, ...] = ()
    ) -> None:  # fmt: skip
        if value in ("open", "closed"):
            entity.elsewhere = False
            self._found.append(Enumerated(entity, value, *place, words.strip(), about, sizes))


def _parts(names: str) -> Iterator[str]:
    """The items of an enumeration; separators inside brackets divide nothing."""
    depth, start = 0, 0
    marks = {match.start(): match.end() for match in _PARTS.finditer(names)}
    for index, char in enumerate(names):
        depth += (char in "(（") - (char in ")）")
        if index in marks and depth <= 0 and index >= start:
            yield names[start:index].strip(" -*+•")
            start = marks[index]
    yield names[start:].strip(" -*+•")
