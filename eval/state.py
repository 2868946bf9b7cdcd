"""What decides an answer beside the question: digests that change with code, catalog and index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from kb.errors import IndexMissingError
from kb.settings import Settings, get_settings
from kb.store import store_for

ROOT = Path(__file__).parents[1]
READING = ("ingest", "kb", "kb/catalog")
"""Folders whose code and data decide what an index and the catalog drafted with it hold."""

ANSWERING = (*READING, "agent", "agent/answers", "agent/sizing", "agent/tools", "agent/understand", "eval")


def code_state(folders: Iterable[str]) -> str:
    """Changes with any file of these folders of the project."""
    return _digest(path for folder in folders for path in (ROOT / folder).glob("*.*"))


def run_state(settings: Settings, mode: str) -> dict[str, Any]:
    """The conditions of a run, as the report shows them; a run that was broken off goes on under the same ones only."""
    kept = {"mode": mode, "embed_model": settings.embed_model, "llm_model": settings.llm_model if mode == "llm" else ""}
    return kept | {"code": code_state(ANSWERING), "index": _index_state(settings), "own catalog": _own_catalog(settings.home)}


def _index_state(settings: Settings) -> str:
    try:
        with closing(store_for(settings).open()) as manifest:
            return f"{manifest.document_count()} documents, {manifest.chunk_count()} chunks, change {manifest.change_counter}"
    except IndexMissingError:
        return "none"


def holds_other_documents(home: Path) -> bool:
    """Whether a data folder has an index, and the shipped documents are not in it."""
    try:
        with closing(store_for(get_settings().model_copy(update={"home": home})).open()) as manifest:
            return manifest.meta("shipped") != "1" and manifest.document_count() > 0
    except IndexMissingError:
        return False


def _own_catalog(home: Path) -> str:
    files = sorted((home / "catalog").glob("*.y*ml"))
    return f"{len(files)} files, {_digest(files)}" if files else "none"


def _digest(paths: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()[:12]
