"""Filters by source and kind over a manifest that is too large to list: as conditions in SQL, and for Milvus."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from kb.manifest import Manifest
from kb.milvus import is_place

FEW_CHUNKS = 2_000
"""Up to so many passing chunks are named to Milvus one by one."""

_MARKS = "*?["


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Sources by name, by folder (ending in `/`) and by pattern; a source is `in` it if any of them means it."""

    names: frozenset[str]
    folders: tuple[str, ...]
    patterns: tuple[str, ...]

    @classmethod
    def of(cls, asked: Collection[str], manifest: Manifest, generation: int) -> SourceFilter:
        """A name that is indexed as it stands is no pattern, whatever marks are in it."""
        plain = sorted({name for name in asked if not name.endswith("/")})
        query = f"SELECT source FROM document_rows WHERE generation = ? AND source IN ({','.join('?' * len(plain))})"
        there = {row[0] for row in manifest.connection.execute(query, (generation, *plain))} if plain else set()
        patterns = tuple(name for name in plain if name not in there and any(mark in name for mark in _MARKS))
        return cls(frozenset(there), tuple(sorted({name for name in asked if name.endswith("/")})), patterns)

    def __contains__(self, source: object) -> bool:
        name = str(source)
        return name in self.names or name.startswith(self.folders) or any(fnmatch.fnmatchcase(name, p) for p in self.patterns)

    def condition(self) -> tuple[str, list[Any]]:
        """The same in SQL, over `d.source`."""
        parts, values = ["d.source = ANY(?)"], [sorted(self.names)]
        for folder in self.folders:
            parts.append("starts_with(d.source, ?)")
            values.append(folder)  # type: ignore[arg-type]
        for pattern in self.patterns:
            parts.append("d.source ~ ?")
            values.append(_regex(pattern))  # type: ignore[arg-type]
        return f"({' OR '.join(parts)})", values

    def expression(self) -> str | None:
        """The same for Milvus, None where its fields cannot say it."""
        places = [*sorted(self.names), *self.folders]
        if self.patterns or not all(is_place(place) for place in places):
            return None
        return f"array_contains_any(places, {json.dumps(places, ensure_ascii=False)})"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A filter as both sides need it: `where` for Milvus, `ids` where few chunks pass. Where it `is_exact`, `where` says all of it."""

    where: str = ""
    ids: tuple[str, ...] | None = None
    is_exact: bool = True
    sources: SourceFilter | None = None

    def passing(self, manifest: Manifest, generation: int, ids: Sequence[str]) -> set[str]:
        """Those of the ids that the manifest knows and that pass."""
        if not ids:
            return set()
        condition, values = "", list[Any]()
        if self.sources is not None:
            said, values = self.sources.condition()
            condition = f"""AND EXISTS (SELECT 1 FROM document_rows d
                            WHERE d.generation = c.generation AND d.content = c.content AND {said})"""
        query = f"SELECT c.id FROM chunk_rows c WHERE c.generation = ? AND c.id = ANY(?) {condition}"
        return {row[0] for row in manifest.connection.execute(query, (generation, list(ids), *values))}


def narrow(manifest: Manifest, generation: int, sources: SourceFilter | None, kinds: Collection[str] | None) -> Narrowed:
    """The filter over the chunks of a generation."""
    expressions = [] if kinds is None else [f"kind in {json.dumps(sorted(kinds))}"]
    if sources is None:
        return Narrowed(" and ".join(expressions))
    said, values = sources.condition()
    of_kind = "" if kinds is None else "AND c.kind = ANY(?)"
    query = f"""SELECT DISTINCT c.id FROM document_rows d JOIN chunk_rows c ON c.generation = d.generation AND c.content = d.content
                WHERE d.generation = ? AND {said} {of_kind} LIMIT {FEW_CHUNKS + 1}"""
    more = [] if kinds is None else [sorted(kinds)]
    ids = tuple(row[0] for row in manifest.connection.execute(query, (generation, *values, *more)))
    if len(ids) <= FEW_CHUNKS:
        return Narrowed(f"id in {json.dumps(ids)}", ids, sources=sources)
    expression = sources.expression()
    if expression is not None:
        expressions.append(expression)
    return Narrowed(" and ".join(expressions), None, expression is not None, sources)


def _regex(pattern: str) -> str:
    """A shell pattern as a regular expression of PostgreSQL."""
    parts = re.findall(r"\[!?\]?[^\]]*\]|.", pattern, re.DOTALL)
    shown = {"*": ".*", "?": "."}
    return "^" + "".join(_set(part) if len(part) > 1 else shown.get(part) or _literal(part) for part in parts) + "$"


def _set(part: str) -> str:
    inner = part[1:-1]
    negated, inner = inner.startswith("!"), inner.removeprefix("!")
    return f"[{'^' if negated else ''}{inner}]".replace("\\", "\\\\")


def _literal(character: str) -> str:
    return character if character.isalnum() or ord(character) > 127 else f"\\{character}"
