"""What a cell, or the text behind a label, says about one field: the same reading for tables, lists and headings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from ingest.draft_lengths import Length, lengths_in
from ingest.draft_names import EntityDraft, Names
from ingest.draft_prices import PriceWriter
from ingest.draft_values import (
    PriceUnit,
    country_in,
    date_in,
    enum_value,
    is_empty,
    items_of,
    licences_in,
    modalities_in,
    openness_of,
    statements_of,
    yes_or_no,
)
from ingest.draft_words import Label, Lexicon, Wording, plain
from kb.catalog.schema import ClaimRecord, FieldRecord
from kb.catalog.units import UnitError, parse_quantity_unit
from kb.quantities import find_quantities

_OPEN_LICENCE = re.compile(r"^(?:Apache|MIT|BSD|GPL|LGPL|AGPL|MPL)", re.IGNORECASE)
_PARAMETERS = re.compile(r"(\d+(?:\.\d+)?)\s*(B|M|T|亿|万亿|billion|million|trillion)(?![A-Za-z])", re.IGNORECASE)
_PARAMETER_SCALE = {
    "b": 10**9,
    "m": 10**6,
    "t": 10**12,
    "亿": 10**8,
    "万亿": 10**12,
    "billion": 10**9,
    "million": 10**6,
    "trillion": 10**12,
}
_BOUND = re.compile(r"[<≤>≥]|不超过|以内|低于|小于|under|below|less than|up to", re.IGNORECASE)
MAX_TEXT = 240


@dataclass(frozen=True)
class Spot:
    """Where a claim stands: what every claim from one cell or sentence has in common."""

    source: str
    section: str
    line: int
    when: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    as_of: str = ""

    def with_(self, *, when: Mapping[str, str] | None = None, about: str | None = None, line: int | None = None) -> Spot:
        """The same place under further conditions, or about another name."""
        return replace(
            self,
            when={**self.when, **when} if when else self.when,
            about=self.about if about is None else about,
            line=self.line if line is None else line,
        )


class Scribe:
    """Writes claims into entity drafts, for one registry of fields."""

    def __init__(self, fields: Mapping[str, FieldRecord], words: Lexicon, names: Names) -> None:
        self.fields = fields
        self.words = words
        self.names = names
        self.prices = PriceWriter(self)
        self.wording = Wording("")
        """The block that is being read, for quotes."""

    def write(
        self,
        entity: EntityDraft,
        field_id: str,
        value: str | list[str],
        spot: Spot,
        quote: str,
        *,
        unit: str = "",
        approx: bool = False,
        written: str = "",
        note: str = "",
        note_en: str = "",
        formula: str = "",
        inputs: Mapping[str, object] | None = None,
    ) -> None:
        """Adds one claim; a field that the registry does not have is left out."""
        if field_id not in self.fields:
            return
        if self.fields[field_id].type in ("text", "list"):
            value = self._as_written_words(value)
        record = ClaimRecord(
            value=value, unit=unit, source=spot.source, section=spot.section, when=dict(spot.when), about=spot.about, as_of=spot.as_of,
            approx=approx, as_written=self.wording.quote(written, MAX_TEXT) if written else "", note=note, note_en=note_en, formula=formula,
            inputs=dict(inputs or {}),
            quote=self.wording.quote(quote, MAX_TEXT), source_line=spot.line,
        )  # fmt: skip
        entity.add(field_id, record)

    def _as_written_words(self, value: str | list[str]) -> str | list[str]:
        """Words with the source's own punctuation, without what only ends a sentence."""
        if isinstance(value, list):
            return [self.wording.quote(item, MAX_TEXT) for item in value]
        return self.wording.quote(value, MAX_TEXT).rstrip("。；; ")

    def cell(self, entity: EntityDraft, label: Label, text: str, spot: Spot, unit: PriceUnit) -> bool:
        """Reads the text of a cell under a label. Returns whether the label is one that this reads."""
        shown = plain(text)
        if is_empty(shown):
            return True
        role = label.role
        if role in ("input_price", "output_price", "price", "direction"):
            if not label.other_price:
                self.prices.cell(entity, label, shown, spot, unit)
            return True
        reader = {
            "openness": self._openness, "self_host": self._permission, "distillation": self._permission, "license": self._license,
            "country": self._country, "rank": self._rank, "parameters": self._parameters, "released_on": self._date,
            "modalities": self._modalities, "benchmark": self._benchmark, "vendor": self._vendor, "context_window": self._length,
            "max_output": self._length,
        }.get(role)  # fmt: skip
        if reader is not None:
            reader(entity, label, shown, spot)
            return True
        record = self.fields.get(role)
        if record is None:
            return False
        self._by_type(entity, record, shown, spot)
        return True

    def partly(self, entity: EntityDraft, spot: Spot) -> None:
        """What is allowed for the open versions and not for the closed ones is partly allowed of the model as a whole."""
        for field_id in ("self_host", "distillation"):
            said = {
                (str(claim.value), claim.when.get("variant", "")): claim
                for claim in entity.claims.get(field_id, [])
                if claim.source == spot.source and claim.section == spot.section
            }
            allowed, refused = said.get(("yes", "open_versions")), said.get(("no", "closed_versions"))
            if allowed and refused and field_id in self.fields and "partly" in self.fields[field_id].values:
                self.write(
                    entity, field_id, "partly", replace(spot, when={}, line=allowed.source_line), allowed.quote,
                    note="开源版本可以，闭源版本不可以", note_en="the open versions may, the closed ones may not",
                )  # fmt: skip

    # -- other fields ------------------------------------------------------------------------------------------

    def _length(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        factor = 1
        if re.fullmatch(r"\d+(?:\.\d+)?", text):
            bracket = re.search(r"[(（\[]?\s*(k|m|千|万|百万)\s*(?:tokens?|词元)?\s*[)）\]]", label.text, re.IGNORECASE)
            if bracket:
                factor = {"k": 10**3, "千": 10**3, "万": 10**4, "m": 10**6, "百万": 10**6}[bracket[1].lower()]
        lengths = [one for one in lengths_in(text) if one.unit in ("token", "character") and (one.value * factor >= 256 or one.has_unit)]
        lengths = [one for one in lengths if one.has_unit or len(text) <= 24]
        if len(lengths) == 1 or (lengths and len({(one.value, one.unit) for one in lengths}) == 1):
            unit = lengths[0].unit
            if not lengths[0].has_unit and re.search(r"字|character|chars", label.text, re.IGNORECASE):
                unit = "character"
            self.length(entity, label.role, replace(lengths[0], value=lengths[0].value * factor, unit=unit), spot, text)
        elif lengths:
            # "128K (up to 1M on request)": the first is the plain statement, the rest is told in its words.
            self.length(entity, label.role, lengths[0], spot, text, note=text)

    def length(self, entity: EntityDraft, field_id: str, length: Length, spot: Spot, quote: str, note: str = "") -> None:
        """Writes a text length."""
        written = length.written if not re.fullmatch(r"[\d,]+", length.written) else ""
        self.write(
            entity,
            field_id,
            f"{length.value.normalize():f}",
            spot,
            quote,
            unit=length.unit,
            approx=length.approx,
            written=written,
            note=note,
        )

    def _openness(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        bare = re.match(r"(open|closed)(?=\s*(?:$|[(（,/]))", text, re.IGNORECASE)
        value = bare[1].lower() if bare else ""
        value = value or openness_of(re.sub(r"[(（][^()（）]*[)）]", " ", text), self.words) or openness_of(text, self.words)
        if not value:
            named = openness_of(label.text, self.words) or ("open" if "权重" in label.text or "weight" in label.text.lower() else "")
            said = yes_or_no(text, self.words)
            value = {"yes": "open", "no": "closed", "partly": "mixed"}.get(said, "") if named in ("open", "mixed") else ""
            if named == "closed" and said in ("yes", "no"):
                value = "closed" if said == "yes" else "open"
        if value:
            self.write(entity, "openness", value, spot, text)
        for licence in licences_in(text):
            self.write(entity, "license", licence, spot, text)

    def _permission(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        record = self.fields.get(label.role)
        if record is None:
            return
        value = yes_or_no(text, self.words)
        if value == "restricted" and value not in record.values:
            value = ""
        if value:
            note = text if len(text) > 12 else ""
            self.write(entity, label.role, value, spot, text, note=note)

    def _license(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        if re.fullmatch(r"not available|unavailable", text, re.IGNORECASE):
            return
        if len(text) <= 12 and openness_of(text, self.words) == "closed" and re.match(r"不|未|非|not\b", text, re.IGNORECASE):
            self.openness_from_licence(entity, text, spot)
            return
        if re.fullmatch(r"(?:yes|no|y|n|[是否无有]|不?可以?|不?支持|不?允许|禁止|[✓✔✗✘√×])", text, re.IGNORECASE):
            value = f"{label.text}：{text}" if re.search(r"[\u4e00-\u9fff]", label.text) else f"{label.text}: {text}"
            self.write(entity, "license", value, spot, text)
            return
        self.write(entity, "license", text[:MAX_TEXT], spot, text)
        self.openness_from_licence(entity, text, spot)

    def openness_from_licence(self, entity: EntityDraft, text: str, spot: Spot) -> None:
        """A licence cell that says open or closed, or names a licence of free software, says so of the model."""
        value = openness_of(text, self.words)
        if value:
            self.write(entity, "openness", value, spot, text)
        elif licences_in(text) and _OPEN_LICENCE.match(licences_in(text)[0]):
            self.write(
                entity,
                "openness",
                "open",
                spot,
                text,
                note=f"据许可证 {licences_in(text)[0]}",
                note_en=f"by its licence, {licences_in(text)[0]}",
            )

    def _country(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        code = country_in(text, self.fields.get("country"))
        if code:
            self.write(entity, "country", code, spot, text)

    def _rank(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        match = re.fullmatch(r"(?:第|no\.?\s*|#|top\s*)?(\d{1,4})(?:名|位|st|nd|rd|th)?", text, re.IGNORECASE)
        if match:
            self.write(entity, "rank", match[1], spot, text)

    def _parameters(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        found = list(_PARAMETERS.finditer(text))
        if (
            not found
            and (bare := re.fullmatch(r"\d+(?:\.\d+)?", text))
            and (scale := re.search(r"[(（]\s*(B|M|亿|billion)", label.text, re.I))
        ):
            value = Decimal(bare[0]) * _PARAMETER_SCALE[scale[1].lower()]
            self.write(entity, "parameters", f"{value.normalize():f}", spot, text, unit="parameter", written=f"{text}{scale[1]}")
        elif len(found) == 1 or (found and re.search(r"moe|激活|active|总", text, re.I)):
            value = Decimal(found[0][1]) * _PARAMETER_SCALE[found[0][2].lower()]
            note = text if len(text) > len(found[0][0]) + 3 else ""
            self.write(entity, "parameters", f"{value.normalize():f}", spot, text, unit="parameter", written=found[0][0], note=note)
        elif found:
            self.write(entity, "sizes", [match[0].replace(" ", "") for match in found], spot, text)

    def _date(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        value = date_in(text)
        if value:
            self.write(entity, "released_on", value, spot, text)

    def _modalities(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        found = modalities_in(text, self.words.data["modalities"])
        if found:
            self.write(entity, "modalities", found, spot, text)
        elif yes_or_no(text, self.words) == "":
            self.write(entity, "modalities", items_of(text), spot, text)

    def _benchmark(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        named = re.compile(
            "|".join(re.escape(name) for name in sorted(self.words.data["benchmarks"], key=len, reverse=True)), re.IGNORECASE
        )
        here = named.search(text) or named.search(label.text)
        number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|分|points?)?", text) or re.search(
            r"(?<![A-Za-z\d._-])(\d+(?:\.\d+)?)\s*(%|分|points?)?\s*$", text
        )
        if number is None or _BOUND.search(text):
            self.write(entity, "strengths", [text], spot, text)
            return
        name = here[0] if here else text[: number.start()].strip(" :：") or label.text
        unit = "percent" if number[2] == "%" else "point"
        self.write(entity, "benchmark", number[1], spot.with_(when={"benchmark": name}), text, unit=unit)

    def _vendor(self, entity: EntityDraft, label: Label, text: str, spot: Spot) -> None:
        self.vendor(entity, text)

    def vendor(self, entity: EntityDraft, text: str) -> None:
        """`阿里 通义千问` is the vendor and the name of its product; a link is left out."""
        cleaned = re.sub(r"\s*[(（]?\s*(?:https?://|www\.)\S*", "", plain(text)).strip(" /")
        parts = cleaned.split(" ")
        if (
            len(parts) == 2
            and re.match(r"[\u4e00-\u9fff]", parts[0])
            and not re.fullmatch(r"(?:AI|集团|公司|科技|实验室|研究院)", parts[1], re.IGNORECASE)
        ):
            self.names.alias(entity, parts[1])
            cleaned = parts[0]
        cleaned = re.sub(r"\s*[(（].*[)）]\s*$", "", cleaned) or cleaned
        if cleaned and len(cleaned) <= 40 and not entity.vendor and re.match(r"[^\W\d_]", cleaned):
            entity.vendor = cleaned

    def _by_type(self, entity: EntityDraft, record: FieldRecord, text: str, spot: Spot) -> None:
        if record.type == "list":
            text = re.split(r"。(?=\s*\S)", text)[0] if record.id == "scenarios" else text
            items = statements_of(text) if record.id in ("strengths", "integrations") else items_of(text)
            if record.id == "channels":
                items = [re.sub(r"\s+only$", "", item) for item in items if self.is_platform(item)]
            if items and all(len(item) <= 80 for item in items):
                self.write(entity, record.id, items, spot, text)
        elif record.type == "text":
            said = yes_or_no(text, self.words) if len(text) <= 4 else ""
            if said in ("yes", "no"):
                chinese = bool(re.search(r"[\u4e00-\u9fff]", spot.section)) or bool(re.search(r"[\u4e00-\u9fff]", text))
                value = {"yes": ("支持", "supported"), "no": ("不支持", "not supported")}[said][0 if chinese else 1]
                self.write(entity, record.id, value, spot, text)
            else:
                self.write(entity, record.id, text[:MAX_TEXT], spot, text)
        elif record.type == "quantity":
            self.quantity(entity, record, text, spot)
        elif record.type == "enum":
            value = enum_value(record, text)
            if value:
                self.write(entity, record.id, value, spot, text)
        elif record.type == "date":
            value = date_in(text)
            if value:
                self.write(entity, record.id, value, spot, text)

    def is_platform(self, item: str) -> bool:
        """Whether an item of a list under "deployment" names a place to get the model, and is not a statement about it."""
        lower = item.lower()
        if self.words.patterns["private_phrases"].search(lower) or self.words.patterns["self_host_phrases"].search(lower):
            return False
        if re.search(r"\d\s*(?:张|块|卡|[x×*]\s)|\d\s*GB\b|(?<![A-Za-z])GPUs?(?![A-Za-z])|(?<![A-Za-z])[AHL]\d{2,3}(?!\w)", item):
            return False
        return not re.match(r"(?:不|仅|只|需|须|支持|可|允许|无|通过|no\b|not\b|only\b|requires?\b|needs?\b|yes\b|via\b)", lower) and bool(
            re.search(r"\w", item)
        )

    def quantity(self, entity: EntityDraft, record: FieldRecord, text: str, spot: Spot) -> None:
        """The one quantity of a cell that is of the field's kind; several or none are left out."""
        found = []
        for quantity in find_quantities(text):
            unit = {"second": "s", "minute": "min", "tokens_per_second": "token/s", "char": "character", "gb": "GB"}.get(
                quantity.unit, quantity.unit
            )
            try:
                name, _ = parse_quantity_unit(unit or record.unit, record.unit)
            except UnitError:
                continue
            if not quantity.is_money and quantity.high is None:
                found.append((quantity, name))
        if len(found) == 1:
            quantity, name = found[0]
            written = text if _BOUND.search(text) and len(text) <= 24 else ""
            bounded = bool(_BOUND.search(text))
            self.write(entity, record.id, f"{quantity.value:f}", spot, text, unit=name, written=written, approx=bounded)
