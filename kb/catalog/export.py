"""The catalog as CSV and back: one row a claim, for people who keep prices in a spreadsheet.

Columns: entity, name, vendor, kind, family, version, aliases (separated by ` | `), field, value, unit, when
(`key=value; key=value`), about, as_of, approx, as_written, note, source, section. List values are separated by ` | `.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from kb.catalog.catalog import Catalog
from kb.catalog.merge import slug
from kb.catalog.schema import Claim
from kb.errors import CatalogError

COLUMNS = (
    "entity", "name", "vendor", "kind", "family", "version", "aliases", "field", "value", "unit", "when", "about", "as_of", "approx",
    "as_written", "note", "source", "section",
)  # fmt: skip
_REQUIRED = ("name", "field", "value")
_SEPARATOR = " | "
_LINE_STARTS = ("=", "+", "-", "@", "\t", "\r")


def to_csv(catalog: Catalog, *, entities: Iterable[str] | None = None) -> str:
    """All claims as CSV text. Cells that a spreadsheet would run as a formula are marked with a leading quote."""
    chosen = set(entities) if entities is not None else None
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entity in catalog.entities.values():
        if chosen is not None and entity.id not in chosen:
            continue
        head = (entity.id, entity.name, entity.vendor, entity.kind, entity.family, entity.version, _SEPARATOR.join(entity.aliases))
        for claims in entity.claims.values():
            for claim in claims:
                tail = (claim.about, claim.as_of, "yes" if claim.approx else "", claim.as_written, claim.note, claim.source, claim.section)
                when = "; ".join(f"{key}={value}" for key, value in claim.when.items())
                writer.writerow([_safe(text) for text in (*head, claim.field, value_cell(claim), claim.unit, when, *tail)])
    return stream.getvalue()


def value_cell(claim: Claim) -> str:
    """A claim's value as one cell."""
    if isinstance(claim.value, tuple):
        return _SEPARATOR.join(claim.value)
    if isinstance(claim.value, bool):
        return "yes" if claim.value else "no"
    return f"{claim.value:f}" if isinstance(claim.value, Decimal) else claim.value


def _safe(text: str) -> str:
    return "'" + text if text.startswith(_LINE_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def csv_to_yaml(text: str, source: str) -> str:
    """Catalog YAML from CSV text. `source` names the file in messages and in claims that name no source of their own.

    Raises `CatalogError` with every bad row as `file:line: found; expected; fix`. Values are checked when the YAML is loaded.
    """
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    columns = [column.strip().lower() for column in reader.fieldnames or []]
    missing = [column for column in _REQUIRED if column not in columns]
    unknown = [column for column in columns if column and column not in COLUMNS]
    if missing or unknown:
        what = f"missing columns {missing}" if missing else f"unknown columns {unknown}"
        raise CatalogError(f"{source}:1: {what}; expected the columns {', '.join(COLUMNS)}; `advisor catalog export` writes an example")
    reader.fieldnames = columns
    entities: dict[str, dict[str, Any]] = {}
    problems = []
    for row in reader:
        cells = {key: _plain(value) for key, value in row.items() if isinstance(key, str) and isinstance(value, str)}
        if not any(cells.values()):
            continue
        empty = [column for column in _REQUIRED if not cells.get(column)]
        if empty or None in row:
            found = f"no {', '.join(empty)}" if empty else "more cells than columns"
            problems.append(f"{source}:{reader.line_num}: {found}; expected a cell for each of {', '.join(_REQUIRED)}; complete the row")
            continue
        try:
            _add(entities, cells, source, reader.line_num)
        except ValueError as error:
            problems.append(f"{source}:{reader.line_num}: {error}")
    if problems:
        raise CatalogError("\n".join(problems))
    return dump_yaml({"entities": list(entities.values())})


def _plain(cell: str) -> str:
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_LINE_STARTS) else text


def _add(entities: dict[str, dict[str, Any]], cells: Mapping[str, str], source: str, line: int) -> None:
    entity_id = cells.get("entity") or slug(cells["name"])
    entity = entities.setdefault(entity_id, {"id": entity_id, "name": cells["name"]})
    for key in ("kind", "vendor", "family", "version"):
        if cells.get(key):
            entity[key] = cells[key]
    if cells.get("aliases"):
        entity["aliases"] = _items(cells["aliases"])
    claim: dict[str, Any] = {"value": _items(cells["value"]) if _SEPARATOR.strip() in cells["value"] else cells["value"]}
    for key in ("unit", "about", "as_of", "as_written", "note"):
        if cells.get(key):
            claim[key] = cells[key]
    if cells.get("approx", "").lower() in ("yes", "true", "1", "是"):
        claim["approx"] = True
    if cells.get("when"):
        claim["when"] = _when(cells["when"])
    claim["source"] = cells.get("source") or source
    claim["section"] = cells.get("section") or f"row {line}"
    entity.setdefault("claims", {}).setdefault(cells["field"], []).append(claim)


def _items(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _when(text: str) -> dict[str, str]:
    when = {}
    for part in text.split(";"):
        key, equals, value = part.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ValueError(f"condition {part.strip()!r}; expected key=value, e.g. context_tokens=<=128000; separate several with ;")
        when[key.strip()] = value.strip()
    return when


class _Dumper(yaml.SafeDumper):
    """Block style, keys in the order given, short mappings on one line left to the reader's editor."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def dump_yaml(data: Any) -> str:
    """YAML for people: Chinese as it is, keys in order, lists indented."""
    return str(yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120))


def write_overlay(folder: Path, name: str, text: str) -> Path:
    """Writes a file into the user's catalog folder, complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path
