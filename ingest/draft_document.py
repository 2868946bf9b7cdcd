"""One pass over one parsed document: every block read for the entity that it is about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ingest.draft_cells import Scribe, Spot
from ingest.draft_costs import stated_costs
from ingest.draft_headings import country_heading, openness_heading
from ingest.draft_lines import LABEL, line_number, lines_of, wording_of
from ingest.draft_mentions import read_mentions
from ingest.draft_names import EntityDraft, Names, clean_name, name_and_aside, name_strength, split_name, without_zero
from ingest.draft_sections import STRONG_FIELDS, Sections
from ingest.draft_segments import field_segments, leading_name, read_segments
from ingest.draft_tables import TablePlace, TableReader
from ingest.draft_text import Surroundings, TextReader
from ingest.draft_values import MAX_SENTENCE, date_in, price_unit, sentences, statements
from ingest.draft_vendors import Makers
from ingest.draft_words import Wording, lexicon, plain
from kb.catalog.schema import FieldRecord
from kb.types import Block, Document

MAX_CHARS = 1_000_000
MAX_ROWS = 2000
"""How much of a document is drafted from: far more than any price book has."""

_CAPTION_NAME = re.compile(
    r"(?:^|[为是:：]\s*|prices? (?:of|for) |for )"
    r"(?P<name>(?:[A-Z][A-Za-z]*|(?:(?![为是表下上以各的])[\u4e00-\u9fff]){2,6})[- ]?\d+(?:\.\d+)*(?:[- ]?[A-Za-z]+)?)"
    r"\s*(?:的|价|API|模型|计费|pricing|prices?|\(|,|，|$)"
)
_POSTED = re.compile(
    r"^(?:[-*]\s*)?(?:发表于|发布于|发布时间|发布日期|日期|published(?: on)?|posted(?: on)?|date)\s*[:：]?\s*(?P<date>.{6,30})$",
    re.IGNORECASE,
)
_MARK = re.compile(r"^\s*(?:[-*+•]|\d+[.)、])\s+")
_VALUE_CHARS = {
    60: ("openness", "self_host", "distillation", "context_window", "max_output", "parameters", "country", "rank", "released_on", "latency",
         "throughput"),
    80: ("license", "channels", "modalities", "benchmark", "integrations", "hardware"),
    40: ("vendor",),
    10_000: ("price", "input_price", "output_price", "direction", "scenarios"),
}  # fmt: skip
"""How long the text behind a label may be to be a value of the field and not a sentence about it."""


_HARD_FIELDS = frozenset(
    {"input_price", "output_price", "pricing_note", "context_window", "max_output", "license", "openness", "self_host", "distillation",
     "parameters", "rank", "country", "benchmark", "released_on", "latency", "throughput", "modalities", "recommended_for", "sizes"}
)  # fmt: skip


class DocumentDrafter:
    """Drafts one document. `vendors` and `known` (names with aliases) are what other documents and the catalog name."""

    def __init__(
        self,
        document: Document,
        fields: Mapping[str, FieldRecord],
        about_models: bool,
        vendors: Collection[str] = (),
        known: Iterable[tuple[str, Sequence[str]]] = (),
    ) -> None:
        self.document = document
        self.limits: list[str] = []
        """What was left out because the document is larger than what is drafted from; empty as a rule."""
        self.words = lexicon(fields)
        self.names = Names(self.words)
        for name, aliases in known:
            self.names.add_known(name, aliases)
        self.scribe = Scribe(fields, self.words, self.names)
        self.text = TextReader(self.scribe)
        self.tables = TableReader(self.scribe, self.text, about_models)
        self.sections = Sections(document, self.words, self.names, self.tables, about_models, vendors)

    def run(self) -> list[EntityDraft]:
        """Every entity with a claim, in the order in which they are named; the document itself last, if it is dated."""
        blocks = [block for block in self._first_blocks() if block.kind != "code" and not self._is_front_matter(block)]
        self.sections.declare(blocks)
        # Sheets and captions may still name a model, so tables are read even where nothing is named yet.
        named = bool(self.names.entities)
        for block in blocks:
            if named or block.table is not None:
                self._read(block)
        for block in blocks if self.names.entities else ():
            if block.table is None:
                self._read_loose(block)
        for one in self.sections.enumerated:
            self.scribe.wording = wording_of(one.block)
            spot = self._spot(one.block, line_number(one.block, one.offset)).with_(about=one.about)
            self.scribe.write(one.entity, "openness", one.openness, spot, one.words)
            if one.sizes:
                self.scribe.write(one.entity, "sizes", list(one.sizes), spot, one.words)
        if self.names.entities:
            Makers(self.scribe).read([(block, self._spot(block)) for block in blocks], self.document.title)
        self.sections.complete_names()
        drafts = [entity for entity in self.names.entities if entity.claims and self._is_surely_something(entity)]
        dates = self._dates(blocks, bool(drafts))
        return drafts + ([dates] if dates else [])

    def _is_surely_something(self, entity: EntityDraft) -> bool:
        """A name that only looks like one, with nothing but words of praise under it, is the heading of something else."""
        hard = _HARD_FIELDS & entity.claims.keys()
        return (
            bool(hard) or entity.kind != "model" or name_strength(entity.name, self.words) == 2 or entity.elsewhere or bool(entity.vendor)
        )

    def _first_blocks(self) -> list[Block]:
        """The document up to `MAX_CHARS`."""
        kept: list[Block] = []
        size = 0
        lines = (line for block in self.document.blocks if block.table is None for _, line in lines_of(block))
        if long := sum(len(sentence) > MAX_SENTENCE for line in lines if len(line) > MAX_SENTENCE for sentence in sentences(plain(line))):
            self.limits.append(f"{long} sentences of more than {MAX_SENTENCE} characters are left out")
        for block in self.document.blocks:
            if block.table is not None and len(block.table.rows) > MAX_ROWS:
                left = len(block.table.rows) - MAX_ROWS
                self.limits.append(f"{left} rows of the table in line {block.place.lines[0]} are left out (at most {MAX_ROWS} are read)")
                table = replace(block.table, rows=block.table.rows[:MAX_ROWS], row_lines=block.table.row_lines[:MAX_ROWS])
                block = replace(block, table=table)
            size += len(block.text) + sum(len(cell) for row in (block.table.rows if block.table else ()) for cell in row)
            if size > MAX_CHARS:
                self.limits.append(f"everything from line {block.place.lines[0]} on is left out (at most {MAX_CHARS} characters are read)")
                break
            kept.append(block)
        return kept

    def _is_front_matter(self, block: Block) -> bool:
        """The fields of the front matter, shown as text, speak of the document and not of a model."""
        return not block.headings and block.place.lines[0] == 1 and any(f"({key})" in block.text for key in self.document.metadata)

    def _spot(self, block: Block, line: int | None = None) -> Spot:
        section = " > ".join(block.headings) or self.document.title
        return Spot(self.document.source, section, line if line is not None else block.place.lines[0])

    def _read(self, block: Block) -> None:
        owner, below = self.sections.owner(block.headings)
        owner = owner if owner is None or owner.kind == "model" else None
        sheet = self._sheet_entity(block)
        if sheet is not None and owner in (None, self.sections.title_entity):
            owner = sheet
        about = self._about(owner, below)
        self.scribe.wording = wording_of(block)
        if block.table is not None:
            openness = openness_heading(block.headings, self.tables.scribe)
            spot = self._spot(block).with_(about=about)
            self.tables.read(
                block.table,
                TablePlace(spot, owner, self.sections.unit(block.headings), openness, country_heading(block.headings, self.tables.scribe)),
            )
            if owner is not None:
                for note in (*block.table.notes, block.table.caption):
                    if note:
                        self.text.read(
                            owner,
                            note,
                            spot.with_(line=block.place.lines[1]),
                            Surroundings("price", "", self.sections.unit(block.headings)),
                        )
            else:
                for note in block.table.notes:
                    read_mentions(self.scribe, self.text, note, spot.with_(line=block.place.lines[1]))
            return
        if block.kind == "list":
            self._read_list(block, owner, below, about)
        for offset, text in lines_of(block):
            owner = self.sections.record_at(block, offset) or owner
            self._read_line(block, offset, text, owner, below, about)

    def _read_list(self, block: Block, owner: EntityDraft | None, below: tuple[str, ...], about: str) -> None:
        """A plain list under a heading like "Use cases" or "Platforms": its items are the field's."""
        role = self.words.label(below[-1]).role if below else ""
        field = self.scribe.fields.get(role)
        if owner is None or field is None or field.type != "list" or self.sections.is_in_record(block):
            return
        lines = [_MARK.sub("", line).rstrip("。.;；") for _, line in lines_of(block)]
        if any(re.search(r"[:：]\s|：|[。；]|\.\s", line) or len(line) > 60 for line in lines):
            return
        if role == "channels":
            lines = [line for line in lines if not self.words.patterns["private_phrases"].search(line.lower())]
        if lines:
            self.scribe.write(owner, role, lines, self._spot(block).with_(about=about), lines[0])

    def _sheet_entity(self, block: Block) -> EntityDraft | None:
        caption = _CAPTION_NAME.search(plain(block.table.caption)) if block.table else None
        for name in (caption["name"] if caption else "", block.place.sheet or "", block.table.caption if block.table else ""):
            found = self.names.of_heading(name) if name else None
            if found is not None:
                return found[0]
            cleaned = clean_name(name)
            if name and block.table is not None and name_strength(cleaned, self.words) == 2 and self.sections.roles(block) & STRONG_FIELDS:
                return self.names.add(cleaned)
        return None

    def _about(self, owner: EntityDraft | None, below: Sequence[str]) -> str:
        """The model that a heading inside an entity's section names instead: `费用分析 (API - ERNIE 4.0)`."""
        if owner is None:
            return ""
        for heading in reversed(below):
            for aside in name_and_aside(plain(heading))[1]:
                name = re.split(r"\s+[-–—:：]\s*|\s*[:：]\s*", aside)[-1].strip()
                if name_strength(name, self.words) and re.search(r"[A-Z]|\d", name) and self._is_another_name(owner, name):
                    return name
            tail = re.split(r"\s+[-–—]\s+|[:：]\s*", name_and_aside(plain(heading))[0])[-1].strip()
            if tail != plain(heading) and name_strength(tail, self.words) == 2 and self._is_another_name(owner, tail):
                return tail
        return ""

    def _is_another_name(self, owner: EntityDraft, name: str) -> bool:
        """Whether a name is not only another way to write the owner's: nobody's yet, or one with a version of its own."""
        if self.names.find(name) is not owner:
            return True
        version = split_name(name, owner.vendor)[1]
        return bool(version) and without_zero(version) != without_zero(owner.version)

    def _read_line(self, block: Block, offset: int, text: str, owner: EntityDraft | None, below: tuple[str, ...], about: str) -> None:
        line = line_number(block, offset)
        spot = self._spot(block, line).with_(about=about)
        match = LABEL.match(text)
        label_text = clean_name(match["label"]) if match else ""
        named = self.names.find(label_text) or self.names.find(name_and_aside(label_text)[0]) if match else None
        section = self.words.label(below[-1]) if below else self.words.label("")
        unit = self.sections.unit(block.headings)
        if match and named is not None and named is not owner:
            openness, words = openness_heading(block.headings, self.tables.scribe)
            around = Surroundings(section.role, "", unit)
            self.text.read(named, match["rest"], spot, around)
            read_segments(self.scribe, named, match["rest"], spot, unit)
            self._features(named, match["rest"], spot)
            if openness and "openness" not in named.claims:
                self.scribe.write(named, "openness", openness, spot, label_text, note=words)
            country, words = country_heading(block.headings, self.tables.scribe)
            if country and "country" not in named.claims:
                self.scribe.write(named, "country", country, spot, label_text, note=words)
            return
        if owner is None:
            return
        for sentence in (
            statements(plain(_MARK.sub("", text))) if not match or re.search(r"[.。;；]\s*[^.。;；]{2,30}[:：]", match["rest"]) else ()
        ):
            if LABEL.match(sentence):
                read_segments(self.scribe, owner, sentence, spot, unit)
        if match:
            label = self.words.label(label_text)
            rest = match["rest"]
            # "输入: $5" under a heading about prices; a sentence that happens to have a colon is read as a sentence.
            if label.role and label.role not in ("model", "index", "notes") and len(label_text) <= 24:
                self.scribe.cell(owner, label, rest, spot, price_unit(label_text).filled(unit)) if self._fits(label.role, rest) else None
            elif label.direction and not label.role:
                directed = self.tables.row_label(label_text)
                self.scribe.cell(owner, directed, rest, spot, price_unit(label_text).filled(unit))
            around = Surroundings(label.role or section.role, label_text, unit)
            self.text.label(owner, label_text, spot)
            self.text.read(owner, rest, spot, around)
            return
        self.text.read(owner, _MARK.sub("", text), spot, Surroundings(section.role, "", unit))

    def _fits(self, role: str, rest: str) -> bool:
        """Whether the text behind a label is a value, not a sentence."""
        longest = next((chars for chars, roles in _VALUE_CHARS.items() if role in roles), 160)
        return len(rest) <= longest and not (longest == 80 and re.search(r"。\s*\S|\.\s+\S", rest))

    def _features(self, entity: EntityDraft, text: str, spot: Spot) -> None:
        if "strengths" in self.scribe.fields and len(text) <= 120:
            if any(True for _ in field_segments(self.scribe, text)):
                return  # a line of fields, not of praise
            items = [part.strip(" 。.") for part in re.split(r"[，,；;。]", text) if part.strip(" 。.")]
            items = [item for item in items if not self.text.rights.is_term(item)]
            if items:
                self.scribe.write(entity, "strengths", items, spot, text)

    def _read_loose(self, block: Block) -> None:
        """Statements about known entities outside their own sections."""
        owner = self.sections.owner(block.headings)[0]
        self.scribe.wording = wording_of(block)
        topic: EntityDraft | None = None
        for offset, text in lines_of(block):
            line = line_number(block, offset)
            spot = self._spot(block, line)
            stated_costs(self.scribe, text, spot, owner)
            if owner is None:
                self._read_bare_fields(block, text, spot)
                told = block.kind == "paragraph" and not LABEL.match(text) and not self.sections.is_in_record(block)
                topic = read_mentions(self.scribe, self.text, text, spot, topic if told else None)

    def _read_bare_fields(self, block: Block, text: str, spot: Spot) -> None:
        """A line that is a model's name and figures with their fields' names."""
        named = self.names.find(clean_name(leading_name(self.scribe, text)))
        if named is not None:
            read_segments(self.scribe, named, text, spot, self.sections.unit(block.headings))

    def _dates(self, blocks: Sequence[Block], about_models: bool) -> EntityDraft | None:
        """The document itself, if it says when it was published."""
        draft = EntityDraft(self.document.title, kind="document")
        self.scribe.wording = Wording("")
        front = date_in(self.document.metadata.get("date", ""))
        posted = [
            (date_in(match["date"]), block, line)
            for block in blocks[:12]
            if block.table is None and not block.headings
            for line in block.text.split("\n")
            if (match := _POSTED.match(plain(line))) and date_in(match["date"])
        ]
        others = {value for value, _, _ in posted if value != front}
        short = re.split(r"[:：]", self.document.title)[0].strip()
        if len(short) >= 4:
            draft.add_alias(short)
        if not (front or posted) or not (about_models or (front and others)):
            return None
        if front and blocks:
            self.scribe.write(draft, "published_on", front, self._spot(self.document.blocks[0], 1), self.document.metadata["date"])
        for value, block, line in posted:
            self.scribe.write(draft, "published_on", value, self._spot(block), line)
        return draft
