"""The shape of catalog YAML, and the frozen values it becomes.

A field of an entity holds *claims*, never a bare value: who says it, where, since when. Two claims that disagree are
found by code; nobody writes a list of conflicts. A claim that can be recomputed carries `formula` and `inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FieldType = Literal["rate", "money", "quantity", "enum", "text", "list", "rank", "date", "flag"]
EntityKind = Literal["model", "plan", "document", "market", "vendor", "tool"]
Origin = Literal["catalog", "overlay", "extracted"]
ClaimValue = str | Decimal | bool | tuple[str, ...]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Strict):
    """The same thing said in both languages."""

    zh: str
    en: str


class EnumValue(_Strict):
    """One allowed value of an enum field, its labels and the words that mean it in a question or a document."""

    label: Words
    words: list[str] = Field(default_factory=list)
    covers: list[str] = Field(default_factory=list, description="values that it does not contradict: partly open covers open")
    opposite: list[str] = Field(default_factory=list, description="words that mean any other value: foreign, beside domestic")


class FieldRecord(_Strict):
    """A kind of fact. Adding one to a YAML file is all it takes for the agent to look it up, compare and filter by it."""

    id: str
    type: FieldType
    label: Words
    words: list[str] = Field(default_factory=list, description="how people ask for it, any language")
    unit: str = ""
    better: Literal["high", "low", ""] = ""
    values: dict[str, EnumValue] = Field(default_factory=dict)
    """Of an enum: all that is allowed. Of a list: a vocabulary, by whose words items and questions meet; other items are allowed."""
    multiple: bool = False
    """Several different values are several facts (strengths, scenarios), not a disagreement."""


class ConditionRecord(_Strict):
    """A key of a claim's `when`, how to name it, and for coded values (`third_party`) their labels and the words that mean them.

    Keys and values without a record are shown as they are written.
    """

    id: str
    label: Words
    words: list[str] = Field(default_factory=list)
    values: dict[str, EnumValue] = Field(default_factory=dict)


class ClaimRecord(_Strict):
    """One statement of one source about one field of one entity, as authored."""

    value: str | int | float | bool | list[str]
    as_written: str = Field(default="", description="the value in the source's own form: 百万级, <300ms, 15.6万")
    en: str | list[str] | None = Field(default=None, description="the value in English where `value` is Chinese words")
    unit: str = ""
    source: str
    section: str
    when: dict[str, str] = Field(default_factory=dict, description="conditions: context_tokens '<=128000', channel third_party, about 70B")
    about: str = Field(default="", description="the name that the source itself uses where it is not the entity's: 'ERNIE 4.0', 'GPT-4o'")
    as_of: str = ""
    approx: bool = False
    note: str = ""
    note_en: str = ""
    formula: str = Field(default="", description="how a stated figure can be recomputed, e.g. api_cost")
    inputs: dict[str, Any] = Field(default_factory=dict)
    quote: str = Field(default="", description="the source's own words, where a drafter took the claim from a document")
    source_line: int = Field(default=0, description="the line of the source document that says so; 0 if not known")


class EntityRecord(_Strict):
    """A thing that claims are about."""

    id: str
    kind: EntityKind = "model"
    name: str
    vendor: str = ""
    family: str = Field(default="", description="entities of one family are versions or siblings of each other")
    version: str = ""
    aliases: list[str] = Field(default_factory=list)
    claims: dict[str, list[ClaimRecord]] = Field(default_factory=dict)


class VendorRecord(_Strict):
    """A maker of models, with the names people use for it ("百度那个", "OpenAI")."""

    id: str
    name: str
    aliases: list[str] = Field(default_factory=list)
    country: str = ""


class CatalogFile(_Strict):
    """One YAML file; any of the lists may be absent. Field, condition, vendor and entity ids are unique over all files of a folder."""

    fields: list[FieldRecord] = Field(default_factory=list)
    conditions: list[ConditionRecord] = Field(default_factory=list)
    vendors: list[VendorRecord] = Field(default_factory=list)
    entities: list[EntityRecord] = Field(default_factory=list)
    extends: bool | None = Field(default=None, description="in an overlay: false replaces the shipped catalog instead of extending it")

    @model_validator(mode="after")
    def _not_empty(self) -> CatalogFile:
        if not (self.fields or self.conditions or self.vendors or self.entities or self.extends is not None):
            raise ValueError("a catalog file needs at least one of: fields, conditions, vendors, entities, extends")
        return self


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as the agent uses it. Money and quantities are `Decimal`; a rate's unit reads `USD/1M token`."""

    entity: str
    field: str
    value: ClaimValue
    unit: str
    source: str
    section: str
    when: Mapping[str, str] = dataclass_field(default_factory=dict)
    about: str = ""
    as_of: str = ""
    approx: bool = False
    note: str = ""
    en: str | tuple[str, ...] | None = None
    formula: str = ""
    inputs: Mapping[str, Any] = dataclass_field(default_factory=dict)
    origin: Origin = "catalog"
    file: str = ""
    line: int = 0
    quote: str = ""
    """The source's own words, where a drafter took the claim from a document."""
    as_written: str = ""
    note_en: str = ""
    source_line: int = 0
    """The line of the source document that says so, 0 if not known; `file` and `line` are the catalog's own."""


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity with all its claims by field id, in file order."""

    id: str
    kind: EntityKind
    name: str
    vendor: str
    family: str
    version: str
    aliases: tuple[str, ...]
    claims: Mapping[str, tuple[Claim, ...]]
