"""Drafts for a person to review: YAML with the source's words beside each claim, and a diff against the active catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ingest.draft import as_catalog_file
from ingest.draft_names import name_and_aside
from ingest.draft_words import plain
from kb.catalog.catalog import Catalog, name_key
from kb.catalog.export import dump_yaml
from kb.catalog.schema import CatalogFile, Claim, ClaimRecord, Entity, EntityRecord
from kb.catalog.values import ValueProblem, typed_value
from kb.types import Document


@dataclass(frozen=True, slots=True)
class Change:
    """One drafted claim against the catalog: `new` entity or claim, `same`, or `differs` from what the catalog says."""

    kind: str
    entity: str
    field: str
    value: str
    known: str
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what the catalog says about one field a draft says as well; `missed` as (entity, value, source)."""

    field: str
    found: int
    total: int
    missed: tuple[tuple[str, str, str], ...]


def merge_drafts(files: Iterable[CatalogFile]) -> CatalogFile | None:
    """Drafts of several documents as one: entities of one name are one, with the claims of all."""
    entities: dict[str, EntityRecord] = {}
    vendors: dict[str, Any] = {}
    for file in files:
        vendors |= {vendor.id: vendor for vendor in file.vendors}
        for record in file.entities:
            names = [name_key(name) for name in (record.name, *record.aliases)]
            key = next((name for name in names[:1] if name in entities), None)
            if key is None:
                entities[names[0]] = record
                continue
            entities[key] = _joined(entities[key], record)
    if not entities:
        return None
    used = {record.vendor for record in entities.values()}
    return CatalogFile(vendors=[vendor for vendor in vendors.values() if vendor.id in used], entities=list(entities.values()))


def _joined(first: EntityRecord, second: EntityRecord) -> EntityRecord:
    claims: dict[str, list[ClaimRecord]] = {field: list(records) for field, records in first.claims.items()}
    for field, records in second.claims.items():
        claims.setdefault(field, []).extend(record for record in records if record not in claims.get(field, []))
    aliases = list(dict.fromkeys([*first.aliases, *second.aliases]))
    return first.model_copy(update={"claims": claims, "aliases": aliases, "vendor": first.vendor or second.vendor})


def onto_catalog(file: CatalogFile, catalog: Catalog) -> CatalogFile:
    """The draft with the ids of entities that the catalog already has under the same name."""
    taken = {entity.id for record in file.entities if (entity := _by_main_name(record, catalog)) is not None}
    records = []
    for record in file.entities:
        known = _by_main_name(record, catalog) or next((one for one in catalog.find(record.name) if one.id not in taken), None)
        if known is not None:
            taken.add(known.id)
            record = record.model_copy(update={"id": known.id, "name": known.name, "vendor": known.vendor})
        elif record.id in catalog.entities:
            record = record.model_copy(update={"id": f"{record.id}-drafted"})
        records.append(record)
    return file.model_copy(update={"entities": records})


def _by_main_name(record: EntityRecord, catalog: Catalog) -> Entity | None:
    """The entity of this very name, apart from what a catalog says in brackets to tell namesakes apart."""
    return next((one for one in catalog.entities.values() if name_key(name_and_aside(one.name)[0]) == name_key(record.name)), None)


def to_yaml(file: CatalogFile, title: str) -> str:
    """The draft as catalog YAML, with a head that says what to do with it."""
    data: dict[str, Any] = {}
    if file.vendors:
        data["vendors"] = [vendor.model_dump(mode="json", exclude_defaults=True) for vendor in file.vendors]
    data["entities"] = [entity.model_dump(mode="json", exclude_defaults=True) | {"name": entity.name} for entity in file.entities]
    head = f"# Drafted from {title}. Review each claim against its quote; delete what is wrong.\n"
    return head + dump_yaml(data)


def changes(file: CatalogFile, catalog: Catalog) -> list[Change]:
    """What accepting the draft would change, claim by claim."""
    found = []
    for record in file.entities:
        known = catalog.entities.get(record.id)
        for field, records in record.claims.items():
            for claim in records:
                found.append(_change(record, field, claim, known, catalog))
    return found


def _change(record: EntityRecord, field: str, claim: ClaimRecord, known: Entity | None, catalog: Catalog) -> Change:
    shown = _shown(claim)
    if known is None or field not in known.claims:
        return Change("new", record.name, field, shown, "", claim.source, claim.source_line)
    try:
        typed = typed_value(catalog.fields[field], claim)
    except (ValueProblem, KeyError):
        return Change("new", record.name, field, shown, "", claim.source, claim.source_line)
    comparable = [one for one in known.claims[field] if dict(one.when) == claim.when]
    if any(_equal(one, typed.value, typed.unit) for one in known.claims[field]):
        return Change("same", record.name, field, shown, shown, claim.source, claim.source_line)
    if comparable and not catalog.fields[field].multiple:
        known_text = " / ".join(dict.fromkeys(_text(one) for one in comparable))
        return Change("differs", record.name, field, shown, known_text, claim.source, claim.source_line)
    return Change("new", record.name, field, shown, "", claim.source, claim.source_line)


def coverage(file: CatalogFile, catalog: Catalog) -> list[Coverage]:
    """The catalog's own claims against a draft made onto it, field by field in registry order.

    A statement that the catalog takes from several places counts once. A draft may name further conditions. Fields of free
    words (text, lists) are left out: the same statement can be worded in many ways.
    """
    drafted: dict[str, list[EntityRecord]] = {}
    for record in file.entities:
        for key in {record.id, *(one.id for one in catalog.find(record.name)[:1])}:
            drafted.setdefault(key, []).append(record)
    found = []
    for field, kind in catalog.fields.items():
        if kind.type in ("text", "list"):
            continue
        said: dict[tuple[object, ...], tuple[bool, tuple[str, str, str]]] = {}
        for entity in catalog.entities.values():
            records = [claim for record in drafted.get(entity.id, []) for claim in record.claims.get(field, [])]
            for claim in entity.claims.get(field, ()):
                if claim.origin != "extracted":
                    statement = (entity.id, claim.value, claim.unit, *sorted(claim.when.items()))
                    hit = any(_says(catalog, field, record, claim) for record in records)
                    said.setdefault(statement, (hit, (entity.name, _text(claim), claim.source)))
        if said:
            missed = tuple(what for hit, what in said.values() if not hit)
            found.append(Coverage(field, len(said) - len(missed), len(said), missed))
    return found


def _says(catalog: Catalog, field: str, record: ClaimRecord, claim: Claim) -> bool:
    try:
        typed = typed_value(catalog.fields[field], record)
    except ValueProblem:
        return False
    same = (name_key(record.when.get(key, "")) == name_key(value) for key, value in claim.when.items())
    return _equal(claim, typed.value, typed.unit) and all(same)


def _equal(claim: Claim, value: object, unit: str) -> bool:
    return claim.value == value and claim.unit == unit


def _text(claim: Claim) -> str:
    if isinstance(claim.value, Decimal):
        return f"{claim.value:f} {claim.unit}".strip()
    return ", ".join(claim.value) if isinstance(claim.value, tuple) else str(claim.value)


def _shown(claim: ClaimRecord) -> str:
    value = ", ".join(claim.value) if isinstance(claim.value, list) else str(claim.value)
    when = ", ".join(f"{key} {text}" for key, text in claim.when.items())
    about = f" about {claim.about}" if claim.about else ""
    return plain(f"{value} {claim.unit}{f' ({when})' if when else ''}{about}")


def draft_files(paths: Sequence[Path], root_of: dict[Path, str]) -> tuple[list[CatalogFile], list[tuple[str, str]], int]:
    """Drafts of files: (drafts, failures as (source, error), number of documents read)."""
    from ingest.draft import draft_claims
    from ingest.parse import parse_file
    from kb.errors import AdvisorError

    documents: list[Document] = []
    failed: list[tuple[str, str]] = []
    for path in paths:
        source = root_of[path]
        try:
            documents.append(parse_file(path, source))
        except AdvisorError as error:
            failed.append((source, str(error)))
    first = [draft_claims(document) for document in documents]
    known = [(one.name, one.aliases) for entities in first for one in entities if one.kind == "model"]
    second = (draft_claims(document, known=known) for document in documents) if len(documents) > 1 else first
    return [file for entities in second if (file := as_catalog_file(entities)) is not None], failed, len(documents)
