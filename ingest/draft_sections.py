"""Which section, record or line of a document is about which entity, and what prices stand for there.

Names are declared before anything is read, from the surest place to the least sure: tables, headings, the title, list
labels, records, sentences.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ingest.draft_enumerated import Enumerated, Enumerations
from ingest.draft_headings import openness_heading
from ingest.draft_lines import LABEL, lines_of
from ingest.draft_names import NO_MODEL, EntityDraft, Names, clean_name, is_variant_word, name_and_aside, name_strength
from ingest.draft_rights import states_rights
from ingest.draft_segments import leading_name
from ingest.draft_spoken import SAYS, declare_lines, declare_spoken
from ingest.draft_tables import TableReader
from ingest.draft_text import EDITION_NAME, NAME
from ingest.draft_values import MAX_SENTENCE, PriceUnit, licences_in, price_unit, rates_in, sentences, stated_unit
from ingest.draft_words import Lexicon, plain
from kb.types import Block, Document

STRONG_FIELDS = frozenset(
    {"price", "input_price", "output_price", "direction", "context_window", "license", "openness", "self_host", "distillation", "channels",
     "parameters", "private_deployment", "max_output", "scenarios", "strengths", "modalities"}
)  # fmt: skip
"""Roles of labels that only stand beside a model."""

_LEADING_NAME = re.compile(r"(?P<name>[A-Z][\w.]*(?:[- ][A-Z]?[\w.]*\d[\w.]*)+|[A-Z][A-Za-z]*-?\d[\w.]*)\s*(?P<rest>\D*)$")
_COUNTED = re.compile(
    r"\d[\d.,]{0,15}\s*(?:[kKmM万]\s*)?(?:tokens?|上下文)|(?:每|per|/)\s*(?:百万|千|million|1k|1M|thousand)",
    re.IGNORECASE,
)
_FACT = re.compile(
    r"[$¥€£]\s?\d|\d\s*(?:元|美元|USD|EUR|CNY|tokens?|[kKmM]\b)|开源|闭源|open|licen[sc]e|许可|上下文|context", re.IGNORECASE
)
_CONTEXT_STATED = re.compile(
    r"\d\s*(?:[kKmM]|million|thousand)?\s*-?tokens?\b.*context|\d\s*[kKmM]\b.{0,14}context|context.*\d|上下文.*\d|\d.{0,12}上下文"
)
_NAME_FIRST = re.compile(
    r"(?:[-*•]\s*)?(?P<name>[A-Z\u4e00-\u9fff][^$¥€£₹₩,，:：|。;；]{1,40}?)\s*(?:[-–—:：|]\s*)?(?=(?:US|A|C|HK|S)?[$¥€£₹₩]|[A-Z]{3}\s\d)"
)
"""A line that begins with a name and goes on with a price."""
_MARK = re.compile(r"^\s*(?:[-*+•]|\d+[.)、])\s+")
_LEADS = re.compile(r"(?:^|[;；,，]|\b(?:while|and|whereas|but|the|for)|而|和|[:：])\s*$", re.IGNORECASE)


class Sections:
    """The entities of a document's sections and records. `declare` first, then ask."""

    def __init__(
        self, document: Document, words: Lexicon, names: Names, tables: TableReader, about_models: bool, vendors: Collection[str]
    ) -> None:
        self.document = document
        self.words = words
        self.names = names
        self.tables = tables
        self.about_models = about_models
        self.title_entity: EntityDraft | None = None
        self.enumerated: list[Enumerated] = []
        """Models that an enumeration of open or closed models names."""
        self._vendors = vendors
        self._owners: dict[tuple[str, ...], tuple[EntityDraft | None, tuple[str, ...]]] = {}
        self._units: dict[tuple[str, ...], PriceUnit] = {}
        self._records: dict[int, list[tuple[int, EntityDraft]]] = {}

    def declare(self, blocks: Sequence[Block]) -> None:
        """Makes every entity of the document known to `names`."""
        self._collect_units(blocks)
        tables = [(block, block.table) for block in blocks if block.table is not None]
        for block, table in tables:
            if self.tables.model_column(table, self.unit(block.headings)) is not None:
                self.tables.declare(table, self.unit(block.headings))
        self._declare_headings(blocks)
        self._declare_title(blocks)
        for block, table in tables:
            self.tables.declare(table, self.unit(block.headings), self.owner(block.headings)[0])
        self._declare_labels(blocks)
        if self.title_entity is None:
            self._declare_title(blocks)
        self._declare_records(blocks)
        self._declare_sentences(blocks)
        self.complete_names()
        if self.about_models:
            self.enumerated = Enumerations(self.names, self.words, self._vendors).read(blocks)

    def owner(self, headings: tuple[str, ...]) -> tuple[EntityDraft | None, tuple[str, ...]]:
        """The entity of a section, and the headings below the one that names it."""
        known = self._owners.get(headings)
        if known is not None:
            return known
        result: tuple[EntityDraft | None, tuple[str, ...]] = (self.title_entity, headings)
        for depth in range(len(headings), 0, -1):
            found = self.names.of_heading(headings[depth - 1])
            if found is not None:
                rest = (found[1],) if found[1] else ()
                result = (found[0], (*rest, *headings[depth:]))
                break
        self._owners[headings] = result
        return result

    def record_at(self, block: Block, offset: int) -> EntityDraft | None:
        """The entity of the record that a line of a block belongs to."""
        return next((entity for start, entity in reversed(self._records.get(id(block), [])) if start <= offset), None)

    def complete_names(self) -> None:
        """Shorter names that people use: without the vendor in front, the Latin part, what a price heading calls the model."""
        vendors = set(self._vendors) | {one.vendor for one in self.names.entities if one.vendor}
        for entity in self.names.entities:
            if entity.kind != "model":
                continue
            for vendor in sorted(vendors, key=len, reverse=True):
                rest = entity.name[len(vendor) :]
                apart = not (vendor[-1].isascii() and rest[:1].isascii() and rest[:1].isalnum())
                if entity.name.lower().startswith(vendor.lower()) and apart and len(rest.strip(" -·")) > 1:
                    entity.vendor = entity.vendor or vendor
                    self.names.alias(entity, rest.strip(" -·"))
                    break
            for alias in list(entity.aliases):
                if alias.lower() in {vendor.lower() for vendor in vendors}:
                    entity.aliases.remove(alias)
                    entity.vendor = entity.vendor or alias
            mixed = re.fullmatch(r"[\u4e00-\u9fff]{2,8}(?:AI)?\s+([A-Za-z][\w .-]+)", entity.name)
            if mixed and not is_variant_word(mixed[1]):
                self.names.alias(entity, mixed[1].strip())
            for claim in entity.claims.get("input_price", []):
                if claim.about and self.names.find(claim.about) is None:
                    self.names.alias(entity, claim.about)

    def is_in_record(self, block: Block) -> bool:
        """Whether a block belongs to a record."""
        return id(block) in self._records

    def unit(self, headings: tuple[str, ...]) -> PriceUnit:
        unit = PriceUnit()
        for depth in range(len(headings), -1, -1):
            unit = unit.filled(self._units.get(headings[:depth], PriceUnit()))
            if depth and self.words.label(headings[depth - 1]).role in ("price", "input_price", "output_price"):
                unit = unit.filled(price_unit(headings[depth - 1]))
        return unit

    def roles(self, block: Block) -> set[str]:
        if block.table is not None:
            cells = [*block.table.header, *(row[0] for row in block.table.rows if row)]
            return {label.role or ("direction" if label.direction else "") for label in map(self.words.label, cells[:60])}
        roles = set()
        for line in (line[:MAX_SENTENCE] for line in block.text.split("\n")[:40]):
            match = LABEL.match(line)
            if match:
                roles.add(self.words.label(match["label"]).role)
            if _COUNTED.search(line):
                roles.add("price" if re.search(r"[$¥€£元]|USD|EUR|CNY", line) else "context_window")
        return roles

    def _collect_units(self, blocks: Sequence[Block]) -> None:
        whole: set[PriceUnit] = set()
        for block in blocks:
            unit = PriceUnit()
            if block.table is None:
                for line in (line for line in block.text.split("\n") if len(line) <= MAX_SENTENCE):
                    unit = unit.filled(stated_unit(line, self.words))
            if unit != PriceUnit():
                self._units[block.headings] = self._units.get(block.headings, PriceUnit()).filled(unit)
                whole.add(unit)
        if len(whole) == 1:
            self._units.setdefault((), whole.pop())

    def _declare_headings(self, blocks: Sequence[Block]) -> None:
        evidence: dict[tuple[str, ...], set[str]] = {}
        for block in blocks:
            names_others = block.table is not None and (
                self.tables.model_column(block.table, self.unit(block.headings)) is not None or self.tables.model_columns(block.table)
            )
            roles = set() if names_others else self.roles(block)
            for depth in range(1, len(block.headings) + 1):
                path = block.headings[:depth]
                found = evidence.setdefault(path, set())
                found |= roles
                found |= {self.words.label(heading).role for heading in block.headings[depth:]}
        spoken = self._spoken_of(blocks)
        for path, roles in evidence.items():
            cleaned = clean_name(path[-1])
            known = self.names.find(cleaned)
            if known is not None:
                known.prefer(name_and_aside(cleaned)[0])
                continue
            if self.names.of_heading(cleaned):
                continue
            name, _ = name_and_aside(cleaned)
            strength = name_strength(name, self.words)
            facts = roles & STRONG_FIELDS
            perhaps = strength == 1 and len(facts) >= 2 and self.about_models and path not in spoken and not self._inside_entity(path)
            if strength == 2 and facts or perhaps:
                self.names.add(cleaned)
            elif not strength and facts:
                self._declare_leading_name(cleaned)
        if self.about_models:
            declare_spoken(blocks, self.names)

    def _spoken_of(self, blocks: Sequence[Block]) -> set[tuple[str, ...]]:
        """Sections most of whose lines name models of the document's tables: they are about those, and their headings name none."""
        lines: dict[tuple[str, ...], list[bool]] = {}
        for block in blocks:
            for _, line in lines_of(block) if block.table is None else ():
                if len(line) <= MAX_SENTENCE:
                    named = bool(self.names.mentions(plain(line)))
                    for depth in range(1, len(block.headings) + 1):
                        lines.setdefault(block.headings[:depth], []).append(named)
        return {path for path, named in lines.items() if sum(named) * 2 > len(named)}

    def _inside_entity(self, path: tuple[str, ...]) -> bool:
        return any(self.names.find(clean_name(heading)) for heading in path[:-1])

    def _declare_leading_name(self, heading: str) -> None:
        """`Aurora-7 pricing` where nothing else has named Aurora-7."""
        match = _LEADING_NAME.match(heading)
        if match and name_strength(match["name"].strip(), self.words) == 2 and match["rest"]:
            label = self.words.label(match["rest"])
            if label.role or re.search(r"介绍|简介|overview|profile|guide|datasheet|model|模型", match["rest"], re.IGNORECASE):
                self.names.add(match["name"].strip())

    def _declare_labels(self, blocks: Sequence[Block]) -> None:
        """List items that begin with a name: `- Yi-34B：409K 长文本`."""
        for block in blocks:
            if block.kind != "list" or not self.about_models:
                continue
            matches = [match for line in block.text.split("\n") if (match := LABEL.match(line)) and match["mark"].strip()]
            labels = [clean_name(match["label"]) for match in matches]
            strengths = [name_strength(name_and_aside(label)[0], self.words) for label in labels]
            named = [label for label, strength in zip(labels, strengths, strict=True) if strength and re.search(r"[A-Za-z]", label)]
            facts = openness_heading(block.headings, self.tables.scribe)[0] or any(s == 2 for s in strengths)
            if named and facts and len(named) == len(labels) and len(labels) > 1:
                for label in named:
                    if not self._in_owned_section(block):
                        self.names.add(label)
            elif not self._in_owned_section(block):
                for match, label, strength in zip(matches, labels, strengths, strict=True):
                    # "Triage on Alfa 1: ..." is a line about Alfa 1 and no model of that name.
                    longer = self.names.mentions(label) and self.names.find(name_and_aside(label)[0]) is None
                    if strength == 2 and not longer and _FACT.search(match["rest"]):
                        self.names.add(label)

    def _in_owned_section(self, block: Block) -> bool:
        return self.owner(block.headings)[0] is not None

    def _declare_title(self, blocks: Sequence[Block]) -> None:
        """A document that is about one model as a whole: its title names it, and no heading or table names another."""
        title = clean_name(self.document.title)
        heading = self.names.of_heading(title)
        if heading is not None:
            self.title_entity = heading[0]
            self._owners.clear()
            return
        if any(not entity.elsewhere for entity in self.names.entities):
            return
        facts = set().union(*(self.roles(block) | {self.words.label(h).role for h in block.headings} for block in blocks)) & STRONG_FIELDS
        if not facts:
            return
        title = self.names.without_beside(title)
        name, _ = name_and_aside(title)
        strength = name_strength(name, self.words)
        often = sum(plain(block.text).count(name) for block in blocks) >= 2
        if strength == 2 or (
            strength == 1 and len(facts) >= 2 and self.about_models and (often or title != clean_name(self.document.title))
        ):
            self.title_entity = self.names.add(title)
        else:
            self._declare_leading_name(title)
            self.title_entity = next((entity for entity in self.names.entities if not entity.elsewhere), None)
        self._owners.clear()

    def _declare_records(self, blocks: Sequence[Block]) -> None:
        """`Model: Quokka-3` above lines of other fields: a record; it ends where the next begins or the section does."""
        current: EntityDraft | None = None
        section: tuple[str, ...] = ()
        for block in blocks:
            if block.headings != section:
                current, section = None, block.headings
            if block.table is not None:
                if self.tables.model_column(block.table, self.unit(block.headings)) is not None or self.tables.model_columns(block.table):
                    current = None
                continue
            if current is not None:
                self._records.setdefault(id(block), []).append((0, current))
            for offset, text in lines_of(block):
                match = LABEL.match(text)
                if self.owner(block.headings)[0] not in (None, self.title_entity):
                    continue
                bare = clean_name(text)
                known = self.names.find(bare) or self.names.find(name_and_aside(bare)[0])
                if match is None and known is not None and text == block.text.strip():
                    current = self.names.add(bare)
                    self._records.setdefault(id(block), []).append((offset, current))
                    continue
                if match is None:
                    # A line that is only a name, with lines of fields under it, heads a record as well.
                    if (
                        len(bare) <= 40
                        and name_strength(name_and_aside(bare)[0], self.words) == 2
                        and self._heads_record(blocks, block, offset)
                    ):
                        current = self.names.add(bare)
                        self._records.setdefault(id(block), []).append((offset, current))
                    continue
                label = self.words.label(clean_name(match["label"]))
                name, facts = _first_part(clean_name(match["rest"]))
                if (
                    label.role == "model"
                    and len(label.text) <= 12
                    and name_strength(name_and_aside(name)[0], self.words)
                    and (self._is_record(block) or bool(_FACT.search(facts)))
                ):
                    current = self.names.add(name)
                    self._records.setdefault(id(block), []).append((offset, current))

    def _heads_record(self, blocks: Sequence[Block], block: Block, offset: int) -> bool:
        lines = [line for start, line in lines_of(block) if start > offset]
        if not lines:
            position = blocks.index(block)
            following = blocks[position + 1] if position + 1 < len(blocks) else None
            if following is None or following.headings != block.headings or following.table is not None:
                return False
            lines = [line for _, line in lines_of(following)]
        labels = [self.words.label(match["label"]) for line in lines[:6] if (match := LABEL.match(line))]
        return len({label.role or label.direction for label in labels if label.role in STRONG_FIELDS or label.direction}) >= 2

    def _is_record(self, block: Block) -> bool:
        labels = [self.words.label(match["label"]).role for _, line in lines_of(block) if (match := LABEL.match(line))]
        return len({role for role in labels if role in STRONG_FIELDS or role == "vendor"}) >= 2

    def _declare_price_lines(self, block: Block) -> None:
        """`Firefly 2   $0.25 / $1.00 per 1M tokens`: names before the prices of a block's lines."""
        names: list[str] = []
        for _, line in lines_of(block):
            shown = plain(line)
            match = _NAME_FIRST.match(shown) if len(shown) <= MAX_SENTENCE else None
            if match and rates_in(shown[match.end() :], PriceUnit()) and self.owner(block.headings)[0] in (None, self.title_entity):
                names.append(clean_name(match["name"]))
            elif (
                match is None
                and (name := leading_name(self.tables.scribe, line))
                and self.owner(block.headings)[0] in (None, self.title_entity)
            ):
                names.append(clean_name(name))
        strengths = [name_strength(name_and_aside(name)[0], self.words) for name in names]
        if all(strengths) and 2 in strengths:
            for name in names:
                if not NO_MODEL.match(name):
                    self.names.add(name)

    def _declare_sentences(self, blocks: Sequence[Block]) -> None:
        """Names that begin a sentence with a price or a context length in it: `Zephyr-9B costs $0.20 per million input tokens`."""
        if not self.about_models:
            return
        for block in blocks:
            if block.table is not None or not re.search(r"\d", block.text):
                continue
            self._declare_price_lines(block)
            if block.kind != "list" and self.owner(block.headings)[0] in (None, self.title_entity):
                declare_lines(block, self.names)
            texts = [_MARK.sub("", line) for _, line in lines_of(block)] if block.kind == "list" else [block.text]
            for sentence in (sentence for text in texts for sentence in sentences(plain(text))):
                if len(sentence) > MAX_SENTENCE or not (
                    rates_in(sentence, PriceUnit()) or _CONTEXT_STATED.search(sentence) or states_rights(sentence, self.words)
                ):
                    continue
                for match in NAME.finditer(sentence):
                    name, before, after = match[0].strip(), sentence[: match.start()], sentence[match.end() :]
                    leads = _LEADS.search(before)
                    says = SAYS.match(after)
                    if (
                        leads
                        and says
                        and (name_strength(name, self.words) == 2 or (EDITION_NAME.search(name) and name_strength(name, self.words)))
                        and not NO_MODEL.match(name)
                        and self.names.find(name) is None
                        and not any(name in licence for licence in licences_in(sentence))
                    ):
                        self.names.add(name)


def _first_part(text: str) -> tuple[str, str]:
    """What stands before the first full stop or comma, and the rest: `Hinode Large. ¥400 per 1M tokens`."""
    parts = re.split(r"\.\s+|[,，;；。]\s*", text, maxsplit=1)
    return parts[0].strip(), parts[1] if len(parts) > 1 else ""
