"""Drafts across documents: a model that one document names is recognised in the others, whatever order they came in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from ingest.draft import KnownNames, extract_json
from ingest.draft_words import plain
from kb.types import Document
from kb.writer import IndexWriter

_KEY = "draft_names"


def known_names(drafts: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Names and aliases of all models in drafts (JSON), each name once, in a fixed order."""
    names: dict[str, set[str]] = {}
    for draft in drafts:
        for entity in json.loads(draft).get("entities", []):
            if entity.get("kind", "model") == "model" and len(entity["name"]) >= 2:
                names.setdefault(entity["name"], set()).update(entity.get("aliases", []))
    return [(name, tuple(sorted(aliases))) for name, aliases in sorted(names.items())]


def mentions_any(document: Document, names: KnownNames, own: str) -> bool:
    """Whether a document says a name that its own draft does not have."""
    drafted = {entity["name"] for entity in json.loads(own).get("entities", [])} if own else set()
    wanted = [name.lower() for name, _ in names if name not in drafted]
    if not wanted:
        return False
    cells = (cell for block in document.blocks if block.table for row in block.table.rows for cell in row)
    text = plain(" ".join([document.title, *(block.text for block in document.blocks), *cells])).lower()
    return any(name in text for name in wanted)


def redraft(writer: IndexWriter) -> int:
    """Drafts again what speaks of models that other documents name; returns how many drafts changed.

    Does nothing, at the cost of one query, where neither the documents nor the names have changed since the last time.
    """
    query = "SELECT source, content, draft FROM document_rows WHERE generation = ? AND corpus = 'user' ORDER BY source"
    rows: Sequence[tuple[str, str, str]] = writer.manifest.connection.execute(query, (writer.generation,)).fetchall()
    if not any(draft for _, _, draft in rows):
        return 0
    names = known_names(draft for _, _, draft in rows if draft)
    if writer.manifest.meta(_KEY) == _stamp(rows, names):
        return 0
    changed = 0
    again = []
    for source, content, draft in rows:
        document = writer.parsed(source, writer.generation)
        new = draft
        if document is not None and mentions_any(document, names, draft):
            new = extract_json(document, names)
        if new != draft:
            writer.set_draft(source, new)
            changed += 1
        again.append((source, content, new))
    writer.set_meta(_KEY, _stamp(again, known_names(draft for _, _, draft in again if draft)), visible=False)
    return changed


def _stamp(rows: Iterable[tuple[str, str, str]], names: KnownNames) -> str:
    """Of the drafts too: a rebuild makes each of them anew from its own document alone."""
    known = json.dumps(list(rows)) + json.dumps(names, ensure_ascii=False)
    return hashlib.blake2b(known.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
