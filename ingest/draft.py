"""Drafts catalog entries from a parsed document: its tables, sections, lists and sentences, each claim with its place.

General on purpose: columns, headings and labels are matched to the field registry by their words, and names come from the
places where names stand. What could be about something else is left out: a claim that is missing can still be found by
search, a false one would be calculated with.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from ingest.draft_document import MAX_ROWS, DocumentDrafter
from ingest.draft_names import EntityDraft
from kb.catalog.load import SHIPPED_FOLDER, load_catalog
from kb.catalog.merge import slug
from kb.catalog.schema import CatalogFile, EntityRecord, FieldRecord, VendorRecord
from kb.types import Document

_ABOUT_MODELS = re.compile(
    r"大模型|语言模型|模型|(?<![A-Za-z])LLMs?(?![A-Za-z])|language models?|foundation models?|AI models?|GPT|开源|闭源|open[- ]weights?"
    r"|上下文窗口|context window|\d\s*[kKmM]?[ -]?tokens?(?![A-Za-z])|[千万]\s*个?\s*tokens?"
    r"|(?:million|thousand) (?:\w+ )?tokens?|mtok(?![a-z])|input tokens|output tokens",
    re.IGNORECASE,
)
_FACTS = re.compile(
    r"[$¥￥€£]|元|美元|USD|CNY|EUR|RMB|tokens?|上下文|context|开源|闭源|open|proprietary|许可|licen[sc]e|部署|deploy|host|蒸馏|distil"
    r"|模型|model",
    re.IGNORECASE,
)
_log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _shipped_fields() -> Mapping[str, FieldRecord]:
    return load_catalog(folders=[]).fields


@lru_cache(maxsize=1)
def _shipped_vendors() -> frozenset[str]:
    """The names of vendors that the shipped catalog knows: knowledge of names, not of facts."""
    vendors = load_catalog(folders=[SHIPPED_FOLDER]).vendors.values()
    return frozenset(name for vendor in vendors for name in (vendor.name, *vendor.aliases))


KnownNames = Sequence[tuple[str, Sequence[str]]]
"""Names of models, each with its aliases."""


def draft_claims(document: Document, fields: Mapping[str, FieldRecord] | None = None, known: KnownNames = ()) -> list[EntityDraft]:
    """Entities with claims that the document's own tables and sections state, in the order in which they are named.

    `fields` is the registry to draft for (default: the shipped one), `known` what other documents of the corpus name. A
    document that is not about models gives none.
    """
    registry = fields or _shipped_fields()
    tables = [block.table for block in document.blocks if block.table is not None]
    texts = [document.title, *(block.text for block in document.blocks)]
    texts += (" ".join((*table.header, *(cell for row in table.rows[:MAX_ROWS] for cell in row))) for table in tables)
    if not any(_FACTS.search(text) for text in texts):
        return []
    about_models = any(_ABOUT_MODELS.search(text) for text in texts)
    if not about_models and not tables:
        return []
    drafter = DocumentDrafter(document, registry, about_models, _shipped_vendors(), known)
    drafts = drafter.run()
    if drafts and drafter.limits:
        _log.warning("%s: catalog entries are drafted from a part of it: %s", document.source, "; ".join(drafter.limits))
    return drafts


def extract(document: Document, fields: Mapping[str, FieldRecord] | None = None, known: KnownNames = ()) -> CatalogFile | None:
    """The draft of a document as a catalog file; None if it states nothing. Entity ids are made from the names."""
    return as_catalog_file(draft_claims(document, fields, known))


def extract_json(document: Document, known: KnownNames = ()) -> str:
    """The draft as it is kept beside the document in the manifest; empty if the document states nothing.

    Drafting must never cost a document its place in the index: what goes wrong here is logged, and the document is kept.
    """
    try:
        draft = extract(document, known=known)
    except Exception:
        _log.warning("%s: no catalog entries could be drafted from it", document.source, exc_info=True)
        return ""
    return draft.model_dump_json(exclude_defaults=True) if draft is not None else ""


def as_catalog_file(drafts: Sequence[EntityDraft]) -> CatalogFile | None:
    """Drafts in the form in which catalogs are written and kept."""
    kept = [draft for draft in drafts if draft.claims]
    if not kept:
        return None
    vendors = {slug(draft.vendor): draft.vendor for draft in kept if draft.vendor}
    entities: dict[str, EntityRecord] = {}
    for draft in kept:
        entity_id = slug(draft.name) or "entity"
        while entity_id in entities:
            entity_id += "-2"
        model = draft.kind == "model"
        entities[entity_id] = EntityRecord(
            id=entity_id, kind=draft.kind, name=draft.name, vendor=slug(draft.vendor), aliases=draft.aliases,
            family=slug(draft.family) if model else "", version=draft.version if model else "", claims=draft.claims,
        )  # fmt: skip
    return CatalogFile(vendors=[VendorRecord(id=i, name=n) for i, n in vendors.items()], entities=list(entities.values()))
