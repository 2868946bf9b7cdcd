"""Catalog files in a form that loads quickly: parsing YAML is most of the time a catalog takes.

A cache by content, never a source: what cannot be read or written is done again from the YAML.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from pydantic import ValidationError

from kb.catalog.read import Lines, Path_, read_catalog_file
from kb.catalog.schema import CatalogFile

_FORM = b"1" + json.dumps(CatalogFile.model_json_schema(), sort_keys=True).encode()


def read_compiled(path: Path, cache: Path | None) -> tuple[CatalogFile | None, Lines, list[str]]:
    """As `read_catalog_file`, out of the folder `cache` where it has this very content. Files with problems are not cached."""
    if cache is None:
        return read_catalog_file(path)
    try:
        content = path.read_bytes()
    except OSError:
        return read_catalog_file(path)
    kept = cache / (hashlib.sha256(_FORM + content).hexdigest()[:32] + ".json")
    try:
        stored = json.loads(kept.read_text(encoding="utf-8"))
        lines: dict[Path_, int] = {tuple(place): line for place, line in stored["lines"]}
        return CatalogFile.model_validate(stored["file"]), lines, []
    except (OSError, ValueError, KeyError, ValidationError):
        pass
    record, lines_read, problems = read_catalog_file(path)
    if record is not None and not problems:
        # Deeper places are only needed to explain problems of values, and a file that has any is not cached for long.
        places = [(list(place), line) for place, line in lines_read.items() if len(place) <= 5]
        _write(kept, json.dumps({"file": record.model_dump(mode="json", exclude_defaults=True), "lines": places}, ensure_ascii=False))
    return record, lines_read, problems


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
