"""Drafts across documents: a model that one document names is recognised in the others, whatever order they came in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from functools import lru_cache
from importlib.resources import files

from ingest.draft import KnownNames, extract_json
from ingest.draft_words import plain
from kb.types import Document
from kb.writer import IndexWriter

_KEY = "draft_names"
_RULES_KEY = "draft_rules"
_RULE_FILES = ("ingest", "draft*.py"), ("ingest", "draft*.yaml"), ("kb.catalog", "fields.yaml"), ("kb", "rates.py"), ("kb", "quantities.py")


@lru_cache(maxsize=1)
def rules() -> str:
    """What drafts are made by: changes with every rule, so that documents drafted by former ones are drafted again."""
    digest = hashlib.blake2b(digest_size=16)
    for package, pattern in _RULE_FILES:
        folder = files(package)
        for item in sorted(folder.iterdir(), key=lambda one: one.name):
            if fnmatch(item.name, pattern):
                digest.update(item.name.encode())
                digest.update(item.read_bytes())
    return digest.hexdigest()


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
    """Drafts again what speaks of models that other documents name, and all documents where the drafter has new rules.

    Returns how many drafts changed. Does nothing, at the cost of one query, where neither the documents, the names nor the rules
    have changed since the last time.
    """
    query = "SELECT source, content, draft FROM document_rows WHERE generation = ? AND corpus = 'user' ORDER BY source"
    rows: Sequence[tuple[str, str, str]] = writer.manifest.connection.execute(query, (writer.generation,)).fetchall()
    stored = {source: draft for source, _, draft in rows}
    anew = writer.manifest.meta(_RULES_KEY, rules() if not writer.manifest.meta(_KEY) else "") != rules()
    if anew:
        rows = [(source, content, _alone(writer, source, draft)) for source, content, draft in rows]
    changed = 0
    if any(draft for _, _, draft in rows) or anew:
        names = known_names(draft for _, _, draft in rows if draft)
        if not anew and writer.manifest.meta(_KEY) == _stamp(rows, names):
            return 0
        again = []
        for source, content, draft in rows:
            document = writer.parsed(source, writer.generation)
            new = draft
            if document is not None and mentions_any(document, names, draft):
                new = extract_json(document, names)
            if new != stored[source]:
                writer.set_draft(source, new)
                changed += 1
            again.append((source, content, new))
        writer.set_meta(_KEY, _stamp(again, known_names(draft for _, _, draft in again if draft)), visible=False)
    writer.set_meta(_RULES_KEY, rules(), visible=False)
    return changed


def _alone(writer: IndexWriter, source: str, draft: str) -> str:
    """A document's draft by today's rules, from itself alone; what is kept where its parsed form is not."""
    document = writer.parsed(source, writer.generation)
    return extract_json(document) if document is not None else draft


def _stamp(rows: Iterable[tuple[str, str, str]], names: KnownNames) -> str:
    """Of the drafts too: a rebuild makes each of them anew from its own document alone."""
    known = json.dumps(list(rows)) + json.dumps(names, ensure_ascii=False)
    return hashlib.blake2b(known.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
