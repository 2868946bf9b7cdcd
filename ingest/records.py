"""Catalog entities as readable records, so that a search finds what only the catalog says."""

from __future__ import annotations

import hashlib
from pathlib import PurePath

from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import claim_text
from kb.types import Block, Chunk, Document, Place


def record_documents(catalog: Catalog) -> list[tuple[Document, list[Chunk]]]:
    """One document a catalog file, one `record` chunk an entity; its section is the entity's name.

    Only reviewed claims (shipped or the user's own) become records: what was drafted from a document is in that document.
    """
    files: dict[str, list[tuple[Entity, list[Claim]]]] = {}
    for entity in catalog.entities.values():
        by_file: dict[str, list[Claim]] = {}
        for claims in entity.claims.values():
            for claim in claims:
                if claim.origin != "extracted":
                    by_file.setdefault(_source(claim), []).append(claim)
        for source, kept in by_file.items():
            files.setdefault(source, []).append((entity, kept))
    return [_document(catalog, source, members) for source, members in sorted(files.items())]


def record_text(catalog: Catalog, entity: Entity, claims: list[Claim]) -> str:
    """An entity's claims in both languages, one line a claim, each with its conditions and source."""
    vendor = catalog.vendors.get(entity.vendor)
    lines = [entity.name + (f" ({', '.join(entity.aliases)})" if entity.aliases else "")]
    if vendor:
        lines.append(f"厂商 / vendor: {vendor.name}")
    for claim in claims:
        label = catalog.fields[claim.field].label
        english = claim_text(claim, catalog, "en", with_source=False)
        chinese = claim_text(claim, catalog, "zh")
        both = f"{english} | {chinese}" if not chinese.startswith(english + " [") else chinese
        lines.append(f"{label.zh} / {label.en}: {both}")
    return "\n".join(lines)


def _source(claim: Claim) -> str:
    name = PurePath(claim.file).name
    return f"catalog/own/{name}" if claim.origin == "overlay" else f"catalog/{name}"


def _document(catalog: Catalog, source: str, members: list[tuple[Entity, list[Claim]]]) -> tuple[Document, list[Chunk]]:
    blocks: list[Block] = []
    chunks: list[Chunk] = []
    for ordinal, (entity, claims) in enumerate(members):
        text = record_text(catalog, entity, claims)
        lines = [claim.line for claim in claims]
        place = Place((min(lines), max(lines)))
        blocks.append(Block("list", text, (entity.name,), place))
        identity = hashlib.sha256(f"{source}\0{entity.id}\0{text}".encode()).hexdigest()[:24]
        context = "目录 / catalog"
        chunks.append(Chunk(identity, source, ordinal, "record", text, context, (entity.name,), place, title="catalog"))
    digest = hashlib.sha256("\0".join(chunk.text for chunk in chunks).encode()).hexdigest()
    return Document(source, "catalog", digest, tuple(blocks), {"kind": "catalog"}), chunks
