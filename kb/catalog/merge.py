"""Several catalog files -> one catalog: ids joined, values typed, every problem collected with its `file:line`."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kb.catalog.catalog import Catalog, name_key
from kb.catalog.compiled import read_compiled
from kb.catalog.read import Lines, line_of
from kb.catalog.rules import with_ruled_prices
from kb.catalog.schema import (
    CatalogFile,
    Claim,
    ClaimRecord,
    ConditionRecord,
    Entity,
    EntityRecord,
    FieldRecord,
    Origin,
    VendorRecord,
)
from kb.catalog.values import ValueProblem, typed_value

_NOT_IN_ID = re.compile(r"[\s/\\:#?&'\"()（）,，]+")


def slug(name: str) -> str:
    """An id made from a name: NFKC, lower case, spaces as hyphens; Chinese characters stay."""
    return _NOT_IN_ID.sub("-", unicodedata.normalize("NFKC", name).casefold()).strip("-")


@dataclass
class _Item:
    """A record with where it stands."""

    record: EntityRecord
    origin: Origin
    file: str
    lines: Lines
    index: int

    def line(self, *path: str | int) -> int:
        return line_of(self.lines, ("entities", self.index, *path)) if self.lines else 0


@dataclass
class _Group:
    """Everything said about one entity, over all files."""

    items: list[_Item] = field(default_factory=list)


class Merger:
    """Collects files in order (the later over the earlier), then makes the catalog. `problems` is complete after `finish`."""

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache
        self.problems: list[str] = []
        self._fields: dict[str, FieldRecord] = {}
        self._conditions: dict[str, ConditionRecord] = {}
        self._vendors: dict[str, VendorRecord] = {}
        self._items: list[_Item] = []
        self._extracted: list[tuple[str, CatalogFile]] = []
        self._files: list[str] = []
        self._replaces = False
        self._names: list[EntityRecord] = []
        self._name_vendors: dict[str, VendorRecord] = {}
        self._seen: dict[tuple[str, Origin, str], str] = {}

    def add_file(self, path: Path, origin: Origin, *, fields_only: bool = False) -> None:
        """Reads one YAML file; its problems are noted and what is sound of it is kept."""
        record, lines, problems = read_compiled(path, self._cache)
        self.problems += problems
        self._files.append(str(path))
        if record is not None:
            self._add(record, lines, str(path), origin, fields_only)

    def add_names(self, path: Path) -> None:
        """Learns names only (aliases, families, vendors) for entities that other files or documents speak of; no claim is taken."""
        record, _, _ = read_compiled(path, self._cache)
        if record is not None:
            self._names += record.entities
            self._name_vendors.update({item.id: item for item in record.vendors})

    def add_extracted(self, files: Iterable[tuple[str, CatalogFile]]) -> None:
        """Drafts by source; they join entities by name, and never change what reviewed files say about them."""
        self._extracted += files

    def _add(self, record: CatalogFile, lines: Lines, file: str, origin: Origin, fields_only: bool) -> None:
        self._replaces = self._replaces or (record.extends is False and origin == "overlay")
        ids = {
            "fields": [one.id for one in record.fields],
            "conditions": [one.id for one in record.conditions],
            "vendors": [one.id for one in record.vendors],
        }
        for kind, kind_ids in ids.items():
            for index, kind_id in enumerate(kind_ids):
                self._once(kind, kind_id, origin, f"{file}:{line_of(lines, (kind, index))}")
        self._fields.update({item.id: item for item in record.fields})
        self._conditions.update({item.id: item for item in record.conditions})
        self._vendors.update({item.id: item for item in record.vendors})
        if fields_only:
            return
        for index, entity in enumerate(record.entities):
            item = _Item(entity, origin, file, lines, index)
            self._once("entities", entity.id, origin, f"{file}:{item.line()}")
            self._items.append(item)

    def _once(self, kind: str, item_id: str, origin: Origin, place: str) -> None:
        earlier = self._seen.setdefault((kind, origin, item_id), place)
        if earlier != place:
            self.problems.append(f"{place}: {kind} id {item_id!r} is already used at {earlier}; expected once; rename or merge the two")

    def finish(self, fingerprint: str) -> Catalog:
        """The catalog of all that was added."""
        groups: dict[str, _Group] = {}
        for item in self._items:
            if not (self._replaces and item.origin == "catalog"):
                groups.setdefault(item.record.id, _Group()).items.append(item)
        vendors = dict(self._vendors)
        self._join_extracted(groups, vendors)
        self._adopt_names(groups, vendors)
        entities = {entity_id: self._entity(entity_id, group, vendors) for entity_id, group in groups.items()}
        entities = _with_input_ids(entities)
        entities = {entity_id: with_ruled_prices(entity) for entity_id, entity in entities.items()}
        used = {entity.vendor for entity in entities.values()}
        if self._replaces:
            vendors = {vendor_id: vendor for vendor_id, vendor in vendors.items() if vendor_id in used}
        catalog = Catalog(entities, dict(self._fields), vendors, dict(self._conditions), (), fingerprint, tuple(self._files))
        clashes = _clashes(catalog)
        return Catalog(entities, catalog.fields, vendors, catalog.conditions, clashes, fingerprint, catalog.files)

    def _join_extracted(self, groups: dict[str, _Group], vendors: dict[str, VendorRecord]) -> None:
        by_name: dict[str, str] = {}
        for entity_id, group in groups.items():
            for item in group.items:
                by_name.setdefault(name_key(item.record.name), entity_id)
        for entity_id, group in groups.items():
            for item in group.items:
                for name in item.record.aliases:
                    by_name.setdefault(name_key(name), entity_id)
        numbers = {entity_id: _numbers(group.items[0].record.name) for entity_id, group in groups.items()}
        taken = {
            by_name[name_key(record.name)]
            for _, drafts in self._extracted
            for record in drafts.entities
            if name_key(record.name) in by_name
        }
        taken = {
            entity_id for entity_id in taken if any(name_key(item.record.name) in self._draft_names() for item in groups[entity_id].items)
        }
        main_names = {name_key(record.name) for _, drafts in self._extracted for record in drafts.entities}
        families = {name_key(item.record.family): item.record.family for item in self._items if item.record.family}
        for source, drafts in self._extracted:
            own_vendors = {vendor.id: vendor for vendor in drafts.vendors}
            for index, record in enumerate(drafts.entities):
                known = by_name.get(name_key(record.name))
                other_version = known in numbers and numbers[known or ""] != _numbers(record.name)
                if known in taken and other_version:
                    known = None  # "Claude" beside "Claude 4.5" in the user's documents is not Claude 4.5
                aliases = [name for name in record.aliases if name_key(name) not in main_names]
                entity_id = known or (record.id if record.id not in groups else f"{record.id}-{slug(source)}")
                if known is None:
                    for name in (record.name, *aliases):
                        by_name.setdefault(name_key(name), entity_id)
                vendor = _known_vendor(own_vendors.get(record.vendor), record.vendor, vendors, self._name_vendors)
                family = families.get(name_key(record.family), record.family)
                joined = record.model_copy(update={"vendor": vendor, "family": family, "aliases": aliases})
                groups.setdefault(entity_id, _Group()).items.append(_Item(joined, "extracted", source, {}, index))

    def _draft_names(self) -> set[str]:
        return {name_key(record.name) for _, drafts in self._extracted for record in drafts.entities}

    def _adopt_names(self, groups: dict[str, _Group], vendors: dict[str, VendorRecord]) -> None:
        """Aliases, family and vendor of a known name for the entity that goes by it; the main name decides before aliases do."""
        own = {name_key(item.record.name): entity_id for entity_id, group in groups.items() for item in group.items}
        for record in self._names:
            keys = [name_key(record.name), *(name_key(alias) for alias in record.aliases)]
            entity_id = next((own[key] for key in keys if key in own), None)
            if entity_id is None or (record.id in groups and record.id != entity_id):
                continue
            item = groups[entity_id].items[0]
            if item.record.kind != record.kind:
                continue
            free = [name for name in (record.name, *record.aliases) if own.get(name_key(name), entity_id) == entity_id]
            known = {"aliases": list(dict.fromkeys([*item.record.aliases, *free])), "family": record.family or item.record.family}
            known |= {"version": record.version or item.record.version}
            if record.vendor and record.vendor in self._name_vendors:
                vendors.setdefault(record.vendor, self._name_vendors[record.vendor])
                known["vendor"] = record.vendor
            item.record = item.record.model_copy(update=known)

    def _entity(self, entity_id: str, group: _Group, vendors: dict[str, VendorRecord]) -> Entity:
        first = group.items[0].record
        reviewed = [item.record for item in group.items if item.origin != "extracted"] or [first]
        latest = reviewed[-1]
        names = [name for item in group.items for name in (item.record.name, *item.record.aliases)]
        aliases = tuple(name for name in dict.fromkeys(names) if name != latest.name)
        claims: dict[str, list[Claim]] = {}
        for item in group.items:
            for field_id, records in item.record.claims.items():
                for position, record in enumerate(records):
                    claim = self._claim(entity_id, field_id, record, item, position)
                    if claim is not None:
                        _put(claims.setdefault(field_id, []), claim)
        vendor = _last(record.vendor for record in reviewed) or _last(item.record.vendor for item in group.items)
        if vendor:
            vendor = _known_vendor(None, vendor, vendors)
        return Entity(
            id=entity_id,
            kind=latest.kind,
            name=latest.name,
            vendor=vendor,
            family=_last(record.family for record in reviewed) or first.family,
            version=_last(record.version for record in reviewed) or first.version,
            aliases=aliases,
            claims={field_id: tuple(group_) for field_id, group_ in claims.items()},
        )

    def _claim(self, entity_id: str, field_id: str, record: ClaimRecord, item: _Item, position: int) -> Claim | None:
        line = item.line("claims", field_id, position)
        field_record = self._fields.get(field_id)
        if field_record is None:
            near = difflib.get_close_matches(field_id, self._fields, n=1)
            fix = f"did you mean {near[0]!r}?" if near else "add it under `fields`, or use one of the registry"
            place = f"{item.file}:{item.line('claims', field_id)}"
            problem = f"{place}: unknown field {field_id!r} of {entity_id!r}; expected one of the field registry; {fix}"
            if problem not in self.problems:
                self.problems.append(problem)
            return None
        try:
            typed = typed_value(field_record, record)
        except ValueProblem as error:
            self.problems.append(f"{item.file}:{item.line('claims', field_id, position, 'value')}: {error}")
            return None
        return Claim(
            entity=entity_id,
            field=field_id,
            value=typed.value,
            unit=typed.unit,
            source=record.source,
            section=record.section,
            when=record.when,
            about=record.about,
            as_of=record.as_of,
            approx=record.approx,
            note=record.note,
            note_en=record.note_en,
            en=typed.en,
            formula=record.formula,
            inputs=record.inputs,
            origin=item.origin,
            file=item.file,
            line=line or record.source_line,
            quote=record.quote,
            as_written=record.as_written,
            source_line=record.source_line,
        )


def _put(claims: list[Claim], claim: Claim) -> None:
    """An overlay's claim takes the place of what the shipped files have from the same place under the same conditions."""
    if claim.origin == "overlay":
        same = (claim.source, claim.section, dict(claim.when), claim.about)
        claims[:] = [c for c in claims if c.origin != "catalog" or (c.source, c.section, dict(c.when), c.about) != same]
    if claim.origin == "extracted" and any(c.origin == "overlay" and _same_statement(c, claim) for c in claims):
        return
    claims.append(claim)


def _same_statement(a: Claim, b: Claim) -> bool:
    """The same words of the same source, once reviewed and once drafted: the reviewed one counts."""
    if a.source != b.source or dict(a.when) != dict(b.when):
        return False
    return (a.value, a.unit) == (b.value, b.unit) or bool(a.quote and a.quote == b.quote)


def _with_input_ids(entities: dict[str, Entity]) -> dict[str, Entity]:
    """Inputs of formulas name models by their ids, however the source writes them."""
    by_name = {name_key(name): entity.id for entity in reversed(entities.values()) for name in (*entity.aliases, entity.name)}
    result = {}
    for entity_id, entity in entities.items():
        claims = {field: tuple(_with_input_id(claim, entities, by_name) for claim in group) for field, group in entity.claims.items()}
        result[entity_id] = replace(entity, claims=claims)
    return result


def _with_input_id(claim: Claim, entities: Mapping[str, Entity], by_name: Mapping[str, str]) -> Claim:
    model = claim.inputs.get("model")
    if not isinstance(model, str) or model in entities or name_key(model) not in by_name:
        return claim
    return replace(claim, inputs={**claim.inputs, "model": by_name[name_key(model)]})


def _numbers(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\d+(?:\.\d+)?", name))


def _last(values: Iterable[str]) -> str:
    return next((value for value in reversed(list(values)) if value), "")


def _known_vendor(
    own: VendorRecord | None, name: str, vendors: dict[str, VendorRecord], known_names: Mapping[str, VendorRecord] | None = None
) -> str:
    """The id of the vendor that goes by this name; one that nobody listed is added under its own name."""
    if not name or name in vendors:
        return name
    wanted = {name_key(text) for text in ([own.name, *own.aliases] if own else [name])}
    for vendor in (*vendors.values(), *(known_names or {}).values()):
        if wanted & {name_key(text) for text in (vendor.id, vendor.name, *vendor.aliases)}:
            return vendors.setdefault(vendor.id, vendor).id
    vendors[name] = own or VendorRecord(id=name, name=name)
    return name


def _clashes(catalog: Catalog) -> tuple[str, ...]:
    warnings = []
    entities: Mapping[str, Entity] = catalog.entities
    for key, ids in catalog.names.items():
        if len(ids) > 1:
            who = ", ".join(f"{entities[entity_id].name} ({entity_id})" for entity_id in ids)
            warnings.append(f"the name {key!r} stands for {len(ids)} entities: {who}; expected one; drop the alias from all but one")
    return tuple(warnings)
