"""GPUs and model architectures: `gpus.yaml` and `architectures.yaml`, which have record shapes of their own.

As everywhere in the catalog, what a record holds are claims. One block of `claims` is what one source says about several
fields; each becomes a `Claim` with its source and line. The first claim about a field is the one calculated with, later ones
are there to be compared. A user's own two files of the same names in the overlay folder add records, or put their claims
before the shipped ones where the id is the same; prices (`rent_per_hour`, `purchase_price`) exist only there, and are dated.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kb.catalog.schema import Claim, Origin
from kb.errors import CatalogError
from kb.settings import get_settings

GPU_FILE = "gpus.yaml"
ARCHITECTURE_FILE = "architectures.yaml"
HARDWARE_FILES = frozenset({GPU_FILE, ARCHITECTURE_FILE})

GPU_FIELDS: dict[str, str] = {
    "memory_gb": "GB",
    "memory_gib": "GiB",
    "visible_memory_gib": "GiB",
    "shared_memory": "",
    "memory_bandwidth_gbps": "GB/s",
    "dense_bf16_tflops": "TFLOPS",
    "dense_fp8_tflops": "TFLOPS",
    "dense_int8_tops": "TOPS",
    "power_w": "W",
    "interconnect": "",
    "interconnect_gbps": "GB/s",
    "rent_per_hour": "",
    "purchase_price": "",
}
"""Field -> unit. Rates are dense (no sparsity); `visible_memory_gib` is what the runtime reports; money carries its currency."""

ARCHITECTURE_FACTS: dict[str, str] = {
    "stated_parameters": "parameter",
    "stated_active_parameters": "parameter",
    "exact_parameters": "parameter",
    "checkpoint_bytes": "byte",
    "checkpoint_dtype": "",
    "max_context_tokens": "token",
    "extended_context_tokens": "token",
    "licence": "",
}
"""Facts beside the shape itself -> unit. `stated_parameters` are what the publisher says, `exact_parameters` a counted total."""

ARCHITECTURE_SHAPE: frozenset[str] = frozenset(
    "num_hidden_layers hidden_size num_attention_heads num_key_value_heads head_dim intermediate_size vocab_size tie_word_embeddings"
    " gated_mlp attention_bias mlp_bias qk_norm norms_per_layer layer_norm_bias attention_sinks window mla moe extra_parameters".split()
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClaimBlock(_Strict):
    """What one source says about several fields."""

    source: str
    section: str = ""
    as_of: str = ""
    note: str = ""
    currency: str = Field(default="", description="of prices in this block")
    fields: dict[str, Any]

    @field_validator("as_of", mode="before")
    @classmethod
    def _date(cls, value: Any) -> Any:
        """A date written without quotes is a date to YAML."""
        return value.isoformat() if isinstance(value, date) else value


class GpuRecord(_Strict):
    """An accelerator as one buys or rents it: one memory size, one form factor."""

    id: str
    name: str
    vendor: str
    aliases: list[str] = Field(default_factory=list)
    claims: list[ClaimBlock]


class ArchitectureRecord(_Strict):
    """An open-weight checkpoint. `like` takes over the shape of another record; own claims come first.

    `reference`: stands in for a model of which only the size is known ("a 70B"), as the usual shape of that size.
    """

    id: str
    name: str
    vendor: str = ""
    family: str = ""
    aliases: list[str] = Field(default_factory=list)
    like: str = ""
    reference: bool = False
    claims: list[ClaimBlock] = Field(default_factory=list)


class HardwareFile(_Strict):
    """One YAML file; it holds either list or both."""

    gpus: list[GpuRecord] = Field(default_factory=list)
    architectures: list[ArchitectureRecord] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HardwareEntry:
    """A GPU or an architecture with its claims by field; nested fields are claims too (`moe.num_experts`)."""

    id: str
    kind: Literal["gpu", "architecture"]
    name: str
    vendor: str
    family: str
    aliases: tuple[str, ...]
    claims: Mapping[str, tuple[Claim, ...]]
    shape: Mapping[str, Any]
    """The first-claimed value of every field, nested as in the file: what the calculators read."""
    reference: bool = False

    def claim(self, field: str) -> Claim | None:
        """The claim that is calculated with, None if nobody says anything."""
        found = self.claims.get(field, ())
        return found[0] if found else None

    @property
    def names(self) -> tuple[str, ...]:
        """Everything it goes by."""
        return (self.name, self.id, *self.aliases)


@dataclass(frozen=True, eq=False)
class Hardware:
    """Both lists by id. Compared by identity, so that what is derived from it can be kept by it."""

    gpus: Mapping[str, HardwareEntry]
    architectures: Mapping[str, HardwareEntry]

    def disagreements(self) -> tuple[tuple[Claim, ...], ...]:
        """Fields about which claims differ, each with all its claims."""
        entries: Iterable[HardwareEntry] = (*self.gpus.values(), *self.architectures.values())
        return tuple(group for entry in entries for group in entry.claims.values() if len({claim.value for claim in group}) > 1)


class _Lined(dict[str, Any]):
    """A mapping that knows its line in the file."""

    line = 1


_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]
    """Safe YAML in which mappings keep their lines."""


def _construct_mapping(loader: Any, node: Any) -> _Lined:
    keys = [str(key.value) for key, _ in node.value]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise CatalogError(f"line {node.value[index][0].start_mark.line + 1}: the key {key!r} is given twice; keep one")
    found = _Lined(loader.construct_mapping(node, deep=True))
    found.line = node.start_mark.line + 1
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def _read(path: Path) -> tuple[HardwareFile, dict[str, int]]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) or {}  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise CatalogError(f"{path}:{mark.line + 1 if mark else 1}: not valid YAML ({error.__class__.__name__}); fix the syntax") from None
    except CatalogError as error:
        raise CatalogError(f"{path}:{str(error).removeprefix('line ')}") from None
    lines: dict[str, int] = {}
    if isinstance(data, dict):
        for kind in ("gpus", "architectures"):
            for record in data.get(kind) or []:
                if isinstance(record, _Lined):
                    lines[f"{kind}/{record.get('id')}"] = record.line
                    for index, block in enumerate(record.get("claims") or []):
                        lines[f"{kind}/{record.get('id')}/{index}"] = getattr(block, "line", record.line)
    try:
        return HardwareFile.model_validate(data), lines
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        line = 1
        if len(place) > 1 and isinstance(data, dict):
            record = data[place[0]][int(place[1])]
            line = getattr(record, "line", 1)
            if len(place) > 3 and place[2] == "claims":
                line = getattr(record["claims"][int(place[3])], "line", line)
        raise CatalogError(f"{path}:{line}: {'.'.join(place)}: {first['msg']} (found {str(first.get('input'))[:60]!r})") from None


def _scalar(value: Any, where: str) -> str | Decimal | bool | tuple[str, ...]:
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return Decimal(repr(value))
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    raise CatalogError(f"{where}: found {value!r}; expected a number, text, true or false")


def _claims(
    entity: str, blocks: Iterable[tuple[ClaimBlock, int, str, Origin]], units: Mapping[str, str]
) -> tuple[dict[str, tuple[Claim, ...]], dict[str, Any]]:
    found: dict[str, list[Claim]] = {}
    shape: dict[str, Any] = {}
    for block, line, file, origin in blocks:
        for field, value in block.fields.items():
            where = f"{file}:{line}"
            if field not in units:
                raise CatalogError(f"{where}: {entity}: unknown field {field!r}; expected one of: {', '.join(units)}")
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
                raise CatalogError(f"{where}: {entity}.{field} is {value}; expected a number that is not negative")
            shape.setdefault(field, value)
            parts = {f"{field}.{key}": item for key, item in value.items()} if isinstance(value, dict) else {field: value}
            for name, item in parts.items():
                unit = block.currency if field in ("rent_per_hour", "purchase_price") else units[field]
                if field == "rent_per_hour":
                    unit += "/h"
                if field in ("rent_per_hour", "purchase_price") and not (block.currency and block.as_of):
                    raise CatalogError(f"{where}: {entity}.{field}: a price needs `currency` and `as_of` in its block")
                found.setdefault(name, []).append(
                    Claim(
                        entity=entity, field=name, value=_scalar(item if item is not None else "", where), unit=unit, source=block.source,
                        section=block.section, as_of=block.as_of, note=block.note, origin=origin, file=file, line=line,
                    )
                )  # fmt: skip
    return {name: tuple(group) for name, group in found.items()}, shape


def load_hardware(overlay: Path | None = None) -> Hardware:
    """The shipped lists, with the two files of the folder `overlay` over them where they exist.

    Raises `CatalogError` (`file:line: what; expected`).
    """
    stamps = []
    for origin, folder in (("catalog", Path(__file__).parent), ("overlay", overlay)):
        for name in (GPU_FILE, ARCHITECTURE_FILE):
            if folder is not None and (folder / name).is_file():
                path = folder / name
                stamps.append((origin, str(path), path.stat().st_mtime_ns, path.stat().st_size))
    return _load(tuple(stamps))


def default_hardware() -> Hardware:
    """The lists that are active in this process: shipped, with the user's own folder over them."""
    return load_hardware(get_settings().home / "catalog")


_Blocks = list[tuple[ClaimBlock, int, str, Origin]]


@lru_cache(maxsize=8)
def _load(stamps: tuple[tuple[Origin, str, int, int], ...]) -> Hardware:
    gpus: dict[str, tuple[GpuRecord, _Blocks]] = {}
    archs: dict[str, tuple[ArchitectureRecord, _Blocks]] = {}
    for origin, file, _, _ in stamps:
        content, lines = _read(Path(file))
        short = Path(file).name
        seen: set[str] = set()
        for kind, records in (("gpus", content.gpus), ("architectures", content.architectures)):
            for record in records:
                key = f"{kind}/{record.id}"
                if key in seen:
                    raise CatalogError(f"{file}:{lines.get(key, 1)}: the id {record.id!r} is given twice; give the second another id")
                seen.add(key)
                blocks: _Blocks = [(block, lines.get(f"{key}/{i}", 1), short, origin) for i, block in enumerate(record.claims)]
                if isinstance(record, GpuRecord):
                    older = gpus.get(record.id)
                    gpus[record.id] = (record, blocks + (older[1] if older else []))
                else:
                    before = archs.get(record.id)
                    kept = record if before is None or record.like else record.model_copy(update={"like": before[0].like})
                    archs[record.id] = (kept, blocks + (before[1] if before else []))
    return Hardware(
        {key: _entry("gpu", record, blocks, GPU_FIELDS) for key, (record, blocks) in gpus.items()},
        {
            key: _entry("architecture", record, _inherited(record, blocks, archs), _ARCHITECTURE_UNITS)
            for key, (record, blocks) in archs.items()
        },
    )


_ARCHITECTURE_UNITS: dict[str, str] = {**dict.fromkeys(sorted(ARCHITECTURE_SHAPE), ""), **ARCHITECTURE_FACTS}


def _inherited(record: ArchitectureRecord, own: _Blocks, all_records: Mapping[str, tuple[ArchitectureRecord, _Blocks]]) -> _Blocks:
    """Own blocks, then the shape (not the facts) of the record it is like."""
    if not record.like:
        return own
    if record.like not in all_records or all_records[record.like][0].like:
        line = own[0][1] if own else 1
        raise CatalogError(
            f"{ARCHITECTURE_FILE}:{line}: {record.id} is like {record.like!r}; expected the id of a record that has its own shape"
        )
    own_fields = {field for block, *_ in own for field in block.fields}
    taken: _Blocks = []
    for block, line, file, origin in all_records[record.like][1]:
        shape = {field: value for field, value in block.fields.items() if field in ARCHITECTURE_SHAPE and field not in own_fields}
        if shape:
            taken.append((block.model_copy(update={"fields": shape}), line, file, origin))
    return own + taken


def _entry(
    kind: Literal["gpu", "architecture"], record: GpuRecord | ArchitectureRecord, blocks: _Blocks, units: Mapping[str, str]
) -> HardwareEntry:
    claims, shape = _claims(record.id, blocks, units)
    family, reference = (record.family, record.reference) if isinstance(record, ArchitectureRecord) else ("", False)
    return HardwareEntry(record.id, kind, record.name, record.vendor, family, tuple(record.aliases), claims, shape, reference)


def hardware_key(name: str) -> str:
    """A name as it is compared: NFKC, lower case, letters and digits only."""
    return "".join(char for char in unicodedata.normalize("NFKC", name).casefold() if char.isalnum() or char == ".")
