"""Tables -> claims: a row a model, a column a model, or rows of fields about the model that the table stands under."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.draft_cells import Scribe, Spot
from ingest.draft_names import EntityDraft, clean_name, name_and_aside, name_strength
from ingest.draft_text import Surroundings, TextReader
from ingest.draft_values import PriceUnit, price_unit, rates_in, stated_unit, true_currency
from ingest.draft_words import Label, plain, tier
from kb.catalog.catalog import name_key
from kb.types import Table

MAX_GROUP = 50
_PRICES = frozenset({"input_price", "output_price", "price", "direction"})
_PROSE = frozenset(
    {"strengths", "notes", "scenarios", "enterprise", "benchmark", "context_window", "channels", "private_deployment", "license"}
)
_SIDED = re.compile(
    r"(?P<name>.{2,48}?)\s*[-–—:：(（/,，|]?\s*(?P<side>(?:cached |batch |缓存)?(?:input|output|prompt|completion|输入|输出)"
    r"(?: ?tokens?)?(?: ?(?:price|价格|价|单价))?)\s*[)）]?",
    re.IGNORECASE,
)
_UNIT_HEADER = re.compile(r"(?:计价|计费)?单位|unit|per|billing unit", re.IGNORECASE)
_CURRENCY_HEADER = re.compile(r"币种|货币|\bcurrency\b", re.IGNORECASE)
_TYPE_HEADER = re.compile(
    r"^(?:类型|计费项|项目|类别|方向|计费类型|token类型|type|kind|item|direction|token type|billing item|side)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class TablePlace:
    """Where a table stands: its section, the entity of that section, what the sections say about units, an `about` name."""

    spot: Spot
    owner: EntityDraft | None
    unit: PriceUnit
    openness: tuple[str, str] = ("", "")
    """Openness that the heading gives to everything in the table, with the heading's words."""
    country: tuple[str, str] = ("", "")


class TableReader:
    """Reads tables for a `Scribe`."""

    def __init__(self, scribe: Scribe, text: TextReader, about_models: bool) -> None:
        self.scribe = scribe
        self.text = text
        self.words = scribe.words
        self.names = scribe.names
        self.about_models = about_models

    # -- which entities a table names --------------------------------------------------------------------------

    def model_column(self, table: Table, unit: PriceUnit) -> int | None:
        """The column that names a model a row, if there is one. `unit` is what prices stand for in the table's section."""
        table = self.by_side(table)
        labels = [self.words.label(cell) for cell in table.header]
        roles = [label.role for label in labels]
        per_token = self._table_unit(table).filled(unit).per is not None or any(
            rates_in(cell, PriceUnit()) for row in table.rows[:6] for cell in row
        )
        signs = {role for role in roles if role in self.words.data["model_signs"] or (role == "price" and per_token)}
        signs |= {"price" for label in labels if label.direction and (per_token or label.role)}
        weak = {name_key(str(word)) for word in self.words.data["weak_model_words"]}
        for column, (label, cell) in enumerate(zip(labels, table.header, strict=True)):
            if label.role != "model":
                continue
            is_weak = name_key(clean_name(cell)) in weak
            if signs or (not is_weak and self.about_models):
                cells = [clean_name(row[column]) for row in table.rows]
                if any(self._may_be_name(text, is_weak) for text in cells):
                    return column
        if signs and table.header and roles[0] in ("", "index") and len(table.rows) > 0:
            column = 0 if roles[0] == "" else 1
            cells = [clean_name(row[column]) for row in table.rows if len(row) > column]
            likely = [text for text in cells if self.names.find(text) or name_strength(name_and_aside(text)[0], self.words) == 2]
            if column < len(roles) and roles[column] == "" and cells and len(likely) * 2 > len(cells):
                return column
        return None

    def model_columns(self, table: Table) -> list[int]:
        """The columns that are models, of a table whose rows are fields."""
        if len(table.header) < 2 or not table.rows:
            return []
        known = [self.words.label(row[0]) for row in table.rows if row]
        fields = [label for label in known if label.role and label.role != "index" or label.direction]
        if len(fields) * 2 < len(known) or not fields:
            return []
        strengths: dict[int, int] = {}
        for column in range(1, len(table.header)):
            name = self._column_name(table.header[column])
            proper = bool(re.search(r"[A-Z\d]", name)) or self._first_header_names_models(table)
            strength = 2 if name and self.names.find(name) else name_strength(name_and_aside(name)[0], self.words)
            strengths[column] = strength if proper or strength == 2 else 0
        # Beside a column that surely is a model, or where all may be, a plain capitalised word is a name as well.
        if all(strengths.values()) and (max(strengths.values()) == 2 or (self.about_models and len(strengths) > 1)):
            return list(strengths)
        least = 1 if self._first_header_names_models(table) else 2
        return [column for column, strength in strengths.items() if strength >= least]

    def _first_header_names_models(self, table: Table) -> bool:
        return bool(self.words.patterns["model_words"].search(plain(table.header[0]).lower()))

    def _column_name(self, header: str) -> str:
        """The model that a column is about: `Qwen-Max 单价（RMB / 百万 Tokens）` is about Qwen-Max."""
        name = name_and_aside(clean_name(header))[0]
        priced = re.search(rf"\s*(?:{self.words.patterns['price_words'].pattern}|第三方托管|官方)", name, re.IGNORECASE)
        if priced and priced.start() > 1:
            name = re.sub(r"(?:第三方|托管|官方|API|的|\s)+$", "", name[: priced.start()]).strip()
        return name

    def _may_be_name(self, text: str, is_weak: bool = False) -> bool:
        if self.names.find(text):
            return True
        name = name_and_aside(text)[0]
        if name_strength(name, self.words):
            return True
        if is_weak or (re.search(r"模型|版本|开源|闭源|系列|方案|场景|类型|其他", name) and not re.search(r"[A-Za-z\d]", name)):
            return False
        # A model column says itself that these are names; only sentences, figures and lists are not.
        return 1 < len(name) <= 40 and bool(re.search(r"[A-Za-z\u4e00-\u9fff]", name)) and not re.search(r"[、,，;；。!?？]|^\d+$", name)

    def by_side(self, table: Table) -> Table:
        """A table whose rows are `Garuda-2 input`, `Garuda-2 output`, with the name and the side as columns of their own."""
        if len(table.header) < 2 or self.words.label(table.header[0]).role in ("plan", "price", "index"):
            return table
        split = [_SIDED.fullmatch(clean_name(row[0])) for row in table.rows]
        named = [m for m in split if m and (self.names.find(m["name"]) or name_strength(name_and_aside(m["name"])[0], self.words) == 2)]
        if len(named) < 2 or len(named) * 2 <= len(table.rows):
            return table
        rows = [((m["name"], m["side"]) if m in named else (row[0], "")) + row[1:] for m, row in zip(split, table.rows, strict=True) if m]
        lines = tuple(line for m, line in zip(split, table.row_lines, strict=False) if m)
        return replace(table, header=("model", "type", *table.header[1:]), rows=tuple(rows), row_lines=lines)

    def declare(self, table: Table, unit: PriceUnit, owner: object = None) -> None:
        """Makes the entities that the table names known, before anything is read. Columns under an owner are its own."""
        table = self.by_side(table)
        column = self.model_column(table, unit)
        if column is not None:
            cells = [clean_name(row[column]) for row in table.rows]
            weak = name_key(clean_name(table.header[column])) in {name_key(str(word)) for word in self.words.data["weak_model_words"]}
            stripped = [name_and_aside(cell)[0] for cell in cells]
            by_base: dict[str, set[str]] = {}
            for cell, base in zip(cells, stripped, strict=True):
                by_base.setdefault(base, set()).add(cell)
            for cell, base in zip(cells, stripped, strict=True):
                if self._may_be_name(cell, weak) and not re.fullmatch(r"(?:合计|总计|小计|平均|total|average|sum)", cell, re.IGNORECASE):
                    if len(by_base[base]) > 1:
                        self.names.add_exact(cell)
                    else:
                        self.names.add(cell)
            return
        for column in self.model_columns(table):
            if owner is None:
                self.names.add(self._column_name(table.header[column]))

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self, table: Table, place: TablePlace) -> None:
        """All claims of a table."""
        table = self.by_side(table)
        unit = self._table_unit(table).filled(place.unit)
        column = self.model_column(table, place.unit)
        if column is not None:
            self._rows(table, column, place, unit)
            return
        columns = self.model_columns(table)
        if columns:
            for row, line in zip(table.rows, table.row_lines or (place.spot.line,) * len(table.rows), strict=False):
                label = self.row_label(row[0])
                own = price_unit(row[0]).filled(unit) if label.role in _PRICES else unit
                for index in columns:
                    name = self._column_name(table.header[index])
                    entity = self.names.find(name) or place.owner
                    about = name if entity is place.owner and self.names.find(name) is None else place.spot.about
                    if entity is not None and index < len(row):
                        whole = price_unit(table.header[index]).filled(own) if label.role in _PRICES else own
                        self._cell(entity, label, row[index], place.spot.with_(line=line, about=about), whole)
            return
        if place.owner is not None and not self._variants(table, place.owner, place):
            self._fields(table, place.owner, place, unit)

    def _table_unit(self, table: Table) -> PriceUnit:
        unit = price_unit(table.caption) if table.caption else PriceUnit()
        for note in table.notes:
            unit = unit.filled(stated_unit(note, self.words))
        for cell in table.header:
            label = self.words.label(cell)
            if label.role in _PRICES or label.direction or re.search(r"[$¥€£]|USD|EUR|CNY|RMB", cell):
                unit = unit.filled(price_unit(cell))
        return true_currency(unit, self._words_around(table))

    @staticmethod
    def _words_around(table: Table) -> str:
        return " ".join([table.caption, *table.notes, *table.header])

    def row_label(self, cell: str) -> Label:
        """A label; one that only names a side is a price's."""
        label = self.words.label(cell)
        if not label.role and label.direction:
            return Label("direction", label.direction, label.when, label.text, label.other_price)
        return label

    def _rows(self, table: Table, column: int, place: TablePlace, unit: PriceUnit) -> None:
        labels = [self.row_label(cell) for cell in table.header]
        around = self._words_around(table)
        units = [
            true_currency(price_unit(cell).filled(unit), around) if label.role in _PRICES else unit
            for cell, label in zip(table.header, labels, strict=True)
        ]
        has_prices = any(label.role in _PRICES for label in labels)
        own_units = [
            index for index, cell in enumerate(table.header) if _CURRENCY_HEADER.search(cell) or _UNIT_HEADER.fullmatch(plain(cell))
        ]
        names = [name_key(row[column]) for row in table.rows]
        groups: dict[str, list[tuple[str, ...]]] = {}
        for row in table.rows:
            groups.setdefault(name_key(row[column]), []).append(row)
        repeated = {name for name, count in Counter(names).items() if count > 1}
        for row, line in zip(table.rows, table.row_lines or (place.spot.line,) * len(table.rows), strict=False):
            entity = self.names.find(clean_name(row[column]))
            if entity is None:
                continue
            spot = place.spot.with_(line=line)
            row_units = self._row_units(units, [row[index] for index in own_units if index < len(row)])
            when, side = self._row_conditions(row, labels, column) if has_prices else ({}, "")
            if has_prices and name_key(row[column]) in repeated:
                when = {**when, **self._case(row, labels, column, groups[name_key(row[column])])}
            for index, (label, cell) in enumerate(zip(labels, row, strict=False)):
                if index == column or not cell.strip() or label.role in ("index", "model"):
                    continue
                if label.role in _PRICES:
                    sided = Label(label.role, label.direction or side, {**when, **label.when}, label.text, label.other_price)
                    self._cell(entity, sided, cell, spot, row_units[index])
                elif not (has_prices and self._is_condition(label, cell)):
                    self._cell(entity, label, cell, spot, units[index])
            self._own_about(entity, row[column])
            if place.openness[0] and "openness" not in entity.claims:
                self.scribe.write(entity, "openness", place.openness[0], spot, row[column], note=place.openness[1])
            if place.country[0] and "country" not in entity.claims:
                self.scribe.write(entity, "country", place.country[0], spot, row[column], note=place.country[1])

    @staticmethod
    def _row_units(units: list[PriceUnit], cells: Sequence[str]) -> list[PriceUnit]:
        """The units of a row's prices where cells of its own name the currency or the count of tokens."""
        for cell in cells:
            own, per = price_unit(cell), price_unit("/ " + cell).per
            units = [PriceUnit(own.currency or one.currency, per or one.per) for one in units]
        return units

    def _own_about(self, entity: EntityDraft, cell: str) -> None:
        """A row may write the name in its own way, or with its vendor's before it; the short name is an alias then."""
        name = name_and_aside(clean_name(cell))[0]
        self.names.alias(entity, name)
        if entity.vendor and name.lower().startswith(entity.vendor.lower()):
            short = name[len(entity.vendor) :].strip(" -·")
            if len(short) > 1 and re.search(r"[A-Za-z\u4e00-\u9fff]", short):
                self.names.alias(entity, short)

    def _row_conditions(self, row: Sequence[str], labels: Sequence[Label], column: int) -> tuple[dict[str, str], str]:
        """Conditions that a row's own cells put on its prices (a context tier, a mode), and the side if a cell names it."""
        when: dict[str, str] = {}
        side = ""
        for index, (label, cell) in enumerate(zip(labels, row, strict=False)):
            if index == column:
                when |= tier(cell) if re.search(r"[(（\[]", cell) else {}
                continue
            if self._is_condition(label, cell):
                own = self.words.label(cell)
                when |= own.when or tier(cell)
                if _TYPE_HEADER.match(plain(label.text)) or label.role in ("", "notes"):
                    side = own.direction if own.direction in ("input", "output") else side
        return when, side

    def _case(self, row: Sequence[str], labels: Sequence[Label], column: int, group: Sequence[Sequence[str]]) -> dict[str, str]:
        """What tells this row from the others of its model: a word beside a price (`夜间 4.40`), or a cell of a column without a role."""
        for index, (label, cell) in enumerate(zip(labels, row, strict=False)):
            if index == column or not cell.strip():
                continue
            if label.role in _PRICES:
                beside = re.match(r"([\u4e00-\u9fff]{2,6}|[A-Za-z][A-Za-z-]{2,14})\s*[:：]?\s*(?=[$¥€£\d])", plain(cell))
                if beside and not price_unit(beside[1]).currency and not self.words.patterns["approximate"].search(beside[1].lower()):
                    return {"case": beside[1]}
            elif label.role in ("", "notes", "billing", "channels") and len(cell) <= 24 and not self._is_condition(label, cell):
                others = {other[index] for other in group[:MAX_GROUP] if index < len(other)}
                if len(others) > 1:
                    return {"case": plain(cell)}
        return {}

    def _is_condition(self, label: Label, cell: str) -> bool:
        """Whether a cell limits the prices of its row instead of stating a fact: `≤32K` under "context", `Input` under "type"."""
        text = plain(cell)
        if label.role == "context_window":
            return bool(re.search(r"[<>≤≥]|以内|以上|以下|超过|up to|over|above|\d\s*[kKmM万]?\s*(?:-|–|~|至|到)\s*\d", text)) and bool(
                tier(text)
            )
        if label.role in ("", "notes") and len(text) <= 30:
            own = self.words.label(text)
            if "mode" in own.when and not self.words.is_mode(text):
                return False
            return bool(own.when) or (own.role == "direction" and own.direction in ("input", "output"))
        return False

    def _fields(self, table: Table, owner: EntityDraft, place: TablePlace, unit: PriceUnit) -> None:
        """Rows of fields about one entity: `输入 | $5.00`, also with a column a tier or a platform."""
        if table.header and self.words.label(table.header[0]).role == "plan":
            return  # its rows are plans, whatever their names look like
        header_when = [tier(cell) for cell in table.header]
        corner = header_when[0] if header_when else {}
        header_labels = [self.row_label(cell) for cell in table.header]
        rows = list(zip(table.rows, table.row_lines or (place.spot.line,) * len(table.rows), strict=False))
        first_is_row = not any(header_labels[0:1]) or self._header_is_data(table)
        if first_is_row and len(table.header) > 1:
            rows.insert(0, (table.header, place.spot.line))
            header_labels = [Label("") for _ in table.header]
            header_when = [{} for _ in table.header]
        price_columns = [i for i, label in enumerate(header_labels) if i and label.role in ("input_price", "output_price", "direction")]
        if price_columns:
            self._tiers(table, owner, place, unit, header_labels)
            return
        for row, line in rows:
            label = self.row_label(row[0])
            if not (label.role or label.direction):
                continue
            for index in range(1, len(row)):
                if not row[index].strip() or (index > 1 and self._is_comment(header_labels, index)):
                    continue
                above = table.header[index] if index < len(table.header) and not first_is_row else ""
                when: Mapping[str, str] = {**corner, **(header_when[index] if index < len(header_when) else {}), **self._column_mode(above)}
                own = price_unit(row[0]) if label.role in _PRICES else PriceUnit()
                whole = own.filled(price_unit(above) if above else PriceUnit()).filled(unit)
                self._cell(
                    owner,
                    Label(label.role, label.direction, {**when, **label.when}, label.text, label.other_price),
                    row[index],
                    place.spot.with_(line=line),
                    whole,
                )

    def _variants(self, table: Table, owner: EntityDraft, place: TablePlace) -> bool:
        """`open versions | allowed | allowed`: rows that are kinds of versions of the owner. Returns whether the table is one."""
        kinds = []
        for row in table.rows:
            lower = plain(row[0]).lower()
            kinds.append(next((name for name in ("open_versions", "closed_versions") if self.words.patterns[name].search(lower)), ""))
        if not all(kinds) or not kinds:
            return False
        labels = [self.row_label(cell) for cell in table.header]
        for row, line, kind in zip(table.rows, table.row_lines or (place.spot.line,) * len(table.rows), kinds, strict=False):
            spot = place.spot.with_(line=line, when={"variant": kind})
            for index, label in enumerate(labels):
                if index and index < len(row) and label.role in ("self_host", "distillation", "license", "channels"):
                    self._cell(owner, label, row[index], spot, PriceUnit())
        if len(set(kinds)) == 2:
            self.scribe.write(owner, "openness", "mixed", place.spot, " / ".join(row[0] for row in table.rows))
        self.scribe.partly(owner, place.spot)
        return True

    def _tiers(self, table: Table, owner: EntityDraft, place: TablePlace, unit: PriceUnit, labels: Sequence[Label]) -> None:
        """`context | input | output`, a row a tier."""
        for row, line in zip(table.rows, table.row_lines or (place.spot.line,) * len(table.rows), strict=False):
            own = self.words.label(row[0])
            when = own.when or tier(row[0])
            for index, label in enumerate(labels):
                if index and label.role in _PRICES and index < len(row):
                    sided = Label(label.role, label.direction, {**when, **label.when}, label.text, label.other_price or own.other_price)
                    self._cell(owner, sided, row[index], place.spot.with_(line=line), price_unit(table.header[index]).filled(unit))

    def _header_is_data(self, table: Table) -> bool:
        """A table without header row whose first field was taken for it: `Context | 128K`."""
        label = self.row_label(table.header[0])
        others = [self.words.label(cell) for cell in table.header[1:]]
        return (
            bool(label.role) and label.role not in ("model", "index", "notes", "price") and not any(o.role or o.direction for o in others)
        )

    def _is_comment(self, labels: Sequence[Label], index: int) -> bool:
        return index < len(labels) and labels[index].role in ("notes", "index")

    def _column_mode(self, header: str) -> Mapping[str, str]:
        when = self.words.label(header).when
        return {key: value for key, value in when.items() if key == "mode"}

    def _cell(self, entity: EntityDraft, label: Label, cell: str, spot: Spot, unit: PriceUnit) -> None:
        if label.role in ("price", "direction") and not rates_in(cell, unit) and not re.search(r"免费|free", cell, re.IGNORECASE):
            return
        known = self.scribe.cell(entity, label, cell, spot, unit) if label.role != "notes" else False
        if (not known and label.role in ("notes", "")) or label.role in _PROSE:
            around = Surroundings(label.role if label.role != "notes" else "", label.text, unit)
            if label.role not in ("context_window", "license", "channels") or len(cell) > 24:
                self.text.read(entity, cell, spot, around)
