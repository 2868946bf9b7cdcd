"""The catalog as the rest of the program sees it: entities, the claims about them, and the registry of fields.

Read-only and complete: whatever files and documents it came from, a claim carries its origin and its place with it.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from kb.catalog.schema import Claim, ConditionRecord, Entity, FieldRecord, VendorRecord
from kb.errors import CatalogError

T = TypeVar("T")
_SEPARATORS = re.compile(r"[\s\-_·•‐-―]+")


def name_key(name: str) -> str:
    """A name as it is compared: NFKC, case folded, without spaces and hyphens. `Doubao - 1.5` and `doubao1.5` are one."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name)).casefold()


@dataclass(frozen=True)
class Catalog:
    """Entities by id, fields by id in registry order, vendors by id.

    `warnings` are things that are allowed and probably not meant (one alias for two entities). `fingerprint` changes when
    anything that was loaded changes, so that what is derived from a catalog can be cached by it.
    """

    entities: Mapping[str, Entity]
    fields: Mapping[str, FieldRecord]
    vendors: Mapping[str, VendorRecord]
    conditions: Mapping[str, ConditionRecord] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""
    files: tuple[str, ...] = ()

    def derived(self, name: str, make: Callable[[Catalog], T]) -> T:
        """What is worked out from this catalog, once: the same `name` must always come with the same `make`."""
        kept: dict[str, Any] = self.__dict__.setdefault("_derived", {})
        if name not in kept:
            kept[name] = make(self)
        made: T = kept[name]
        return made

    def entity(self, entity_id: str) -> Entity:
        """The entity of this id; raises `CatalogError` that names the nearest ids."""
        try:
            return self.entities[entity_id]
        except KeyError:
            near = difflib.get_close_matches(entity_id, self.entities, n=3)
            hint = f"did you mean {', '.join(near)}?" if near else "`advisor catalog list` shows them all"
            raise CatalogError(f"no entity {entity_id!r} in the catalog; {hint}") from None

    def claims(self, entity_id: str, field_id: str | None = None) -> tuple[Claim, ...]:
        """The claims about one field of an entity, or all of them, in file order. No claim is an empty tuple."""
        claims = self.entity(entity_id).claims
        if field_id is not None:
            return claims.get(field_id, ())
        return tuple(claim for group in claims.values() for claim in group)

    @cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """`name_key` of every name, alias and id -> ids of the entities that go by it."""
        found: dict[str, list[str]] = {}
        for entity in self.entities.values():
            for name in (entity.name, *entity.aliases, entity.id):
                ids = found.setdefault(name_key(name), [])
                if entity.id not in ids:
                    ids.append(entity.id)
        return {key: tuple(ids) for key, ids in found.items()}

    def find(self, name: str) -> tuple[Entity, ...]:
        """Entities that go by exactly this name, up to case, spaces and hyphens."""
        return tuple(self.entities[entity_id] for entity_id in self.names.get(name_key(name), ()))

    @cached_property
    def families(self) -> Mapping[str, tuple[Entity, ...]]:
        """Entities by family: versions and siblings of each other."""
        found: dict[str, list[Entity]] = {}
        for entity in self.entities.values():
            if entity.family:
                found.setdefault(entity.family, []).append(entity)
        return {family: tuple(members) for family, members in found.items()}
