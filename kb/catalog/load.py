"""Loads the catalogs that are active: shipped, the user's own over it, and what ingested documents say by themselves.

Which are active: the shipped entities if the default corpus is in this home or nothing was ingested yet; the user's
`ADVISOR_HOME/catalog/*.yaml` always, extending the shipped ones unless a file says `extends: false`; drafts from the user's
documents always. Fields and hardware of the shipped catalog hold in every case, and so do the names that it knows: a model
that only the user's documents speak of is still found by the aliases and under the vendor that people use for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from kb.catalog.catalog import Catalog
from kb.catalog.extracted import drafts_stamp, read_extracted, shipped_corpus_is_active
from kb.catalog.merge import Merger
from kb.catalog.schema import Origin
from kb.errors import CatalogError
from kb.settings import Settings, get_settings

SHIPPED_FOLDER = Path(__file__).parent
HARDWARE_FILES = frozenset({"gpus.yaml", "architectures.yaml"})
_FIELDS_FILE = "fields.yaml"


def catalog_files(folder: Path) -> tuple[Path, ...]:
    """The YAML files of a folder that hold entities, vendors or fields, in name order. A missing folder has none."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.glob("*.y*ml") if path.suffix in (".yaml", ".yml") and path.name not in HARDWARE_FILES))


def overlay_folder(settings: Settings | None = None) -> Path:
    """Where the user's own catalog files live."""
    return (settings or get_settings()).home / "catalog"


def load_catalog(settings: Settings | None = None, *, folders: Sequence[Path] | None = None) -> Catalog:
    """The active catalog; with `folders`, exactly theirs (the later over the earlier) on the shipped field registry.

    Raises `CatalogError` with every problem found, one `file:line: found; expected; fix` a line. Cheap to call again: the
    result is kept until a file or the store of drafts changes.
    """
    if folders is not None:
        for folder in folders:
            if not folder.is_dir():
                raise CatalogError(f"{folder}:1: no such folder; expected a folder of catalog YAML; check the path")
        groups: list[tuple[Origin, tuple[Path, ...]]] = [
            ("catalog" if folder.resolve() == SHIPPED_FOLDER.resolve() else "overlay", catalog_files(folder)) for folder in folders
        ]
        return _load(_stamp(groups), None, None)
    chosen = settings or get_settings()
    drafts = _Drafts.of(chosen)
    with_shipped = drafts is None or _is_shipped(drafts)
    shipped = catalog_files(SHIPPED_FOLDER) if with_shipped else ()
    stamps = _stamp([("catalog", shipped), ("overlay", catalog_files(overlay_folder(chosen)))])
    names = () if with_shipped else tuple(str(path) for path in catalog_files(SHIPPED_FOLDER))
    return _load(stamps, drafts, chosen.home / "cache" / "catalog", names)


def check_files(paths: Iterable[Path]) -> tuple[list[str], list[str]]:
    """Problems and warnings of catalog files on their own, over the shipped field registry."""
    merger = Merger()
    merger.add_file(SHIPPED_FOLDER / _FIELDS_FILE, "catalog", fields_only=True)
    for path in paths:
        if path.resolve() != (SHIPPED_FOLDER / _FIELDS_FILE).resolve():
            merger.add_file(path, "overlay")
    catalog = merger.finish("")
    return merger.problems, list(catalog.warnings)


_Stamp = tuple[tuple[Origin, str, int, int], ...]


class _Drafts:
    """The store of drafts, compared by the state of its file."""

    def __init__(self, settings: Settings, stamp: tuple[int, int, int]) -> None:
        self.settings = settings
        self.stamp = stamp
        self._identity = settings.home, settings.milvus_url, settings.database_url, settings.store_name, stamp

    @classmethod
    def of(cls, settings: Settings) -> _Drafts | None:
        stamp = drafts_stamp(settings)
        return cls(settings, stamp) if stamp is not None else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Drafts) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)


@lru_cache(maxsize=8)
def _is_shipped(drafts: _Drafts) -> bool:
    return shipped_corpus_is_active(drafts.settings)


def _stamp(groups: Iterable[tuple[Origin, Iterable[Path]]]) -> _Stamp:
    fields = SHIPPED_FOLDER / _FIELDS_FILE
    stamps: list[tuple[Origin, str, int, int]] = []
    for origin, path in [("catalog", fields), *((origin, path) for origin, paths in groups for path in paths if path != fields)]:
        state = path.stat()
        stamps.append((origin, str(path), state.st_mtime_ns, state.st_size))
    return tuple(stamps)


@lru_cache(maxsize=8)
def _load(stamps: _Stamp, drafts: _Drafts | None, cache: Path | None, names: tuple[str, ...] = ()) -> Catalog:
    merger = Merger(cache)
    for name in names:
        merger.add_names(Path(name))
    for origin, name, _, _ in stamps:
        merger.add_file(Path(name), origin)
    if drafts is not None:
        merger.add_extracted(read_extracted(drafts.settings))
    fingerprint = hashlib.sha256(repr((stamps, drafts.stamp if drafts else None)).encode()).hexdigest()[:16]
    catalog = merger.finish(fingerprint)
    if merger.problems:
        raise CatalogError("\n".join(merger.problems))
    return catalog
