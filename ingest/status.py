"""What the index holds, what failed last, and who is writing: read-only, loads no model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.progress import named, one_line
from kb.errors import IndexMissingError
from kb.manifest import DocumentRow
from kb.settings import Settings
from kb.store import store_for


@dataclass(slots=True)
class Status:
    """The state of one data folder. `pending` chunks are being written, or a writer died and the next one repairs them."""

    home: Path
    documents: list[DocumentRow] = field(default_factory=list)
    records: int = 0
    chunks: int = 0
    generation: int = 0
    unfinished_rebuild: bool = False
    embedder: str = ""
    chunker: str = ""
    manifest_bytes: int = 0
    pending: int = 0
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    writer: str = ""

    def as_json(self, everything: bool = False) -> dict[str, Any]:
        """For scripts; `everything` adds a line a document."""
        shown: dict[str, Any] = {
            "home": str(self.home),
            "documents": len(self.documents),
            "records": self.records,
            "chunks": self.chunks,
            "generation": self.generation,
            "unfinished_rebuild": self.unfinished_rebuild,
            "embedder": self.embedder,
            "chunker": self.chunker,
            "manifest_bytes": self.manifest_bytes,
            "pending_chunks": self.pending,
            "writer": self.writer or None,
            "failed": [{"source": source, "error": error, "at": at} for source, error, at in self.failures],
        }
        if everything:
            shown["sources"] = [{"source": d.source, "path": d.path, "chunks": d.chunk_count, "at": d.ingested_at} for d in self.documents]
        return shown

    def lines(self, everything: bool = False) -> list[str]:
        """For people."""
        if not self.generation:
            return [f"nothing indexed in {self.home} yet; run `advisor ingest`", *self._writer_line()]
        by_corpus: dict[str, int] = {}
        for document in self.documents:
            by_corpus[document.corpus] = by_corpus.get(document.corpus, 0) + 1
        corpora = ", ".join(f"{count} {corpus}" for corpus, count in sorted(by_corpus.items())) or "none"
        shown = [
            f"data folder   {self.home}",
            f"documents     {len(self.documents)} ({corpora})",
            f"chunks        {self.chunks}, {self.records} catalog record files",
            f"index         generation {self.generation}, {self.manifest_bytes / 1e6:.1f} MB",
            f"made with     embedder {self.embedder}, chunker {self.chunker}",
            *self._writer_line(),
        ]
        if self.unfinished_rebuild:
            shown.append("rebuild       begun and not finished; `advisor ingest --rebuild` goes on with it")
        if self.pending and not self.writer:
            shown.append(f"repair        a writer died; {self.pending} chunks are checked at the next `advisor ingest`")
        if everything:
            shown += [f"  {d.chunk_count:5} chunks  {d.ingested_at}  {one_line(d.source)}" for d in self.documents]
        if self.failures:
            shown.append(f"failed        {len(self.failures)} at the last attempt:")
            shown += [f"  {named(source, error)}" for source, error, _ in self.failures]
        return shown

    def _writer_line(self) -> list[str]:
        return [f"writing now   {self.writer}"] if self.writer else []


def index_status(settings: Settings) -> Status:
    """Everything `advisor ingest status` shows; a folder without an index is a state, not an error."""
    store = store_for(settings)
    status = Status(settings.home, writer=store.writer())
    try:
        manifest = store.open()
    except IndexMissingError:
        return status
    try:
        everything = manifest.documents()
        status.documents = [document for document in everything if document.corpus != "record"]
        status.records = len(everything) - len(status.documents)
        status.chunks, status.generation = manifest.chunk_count(), manifest.generation
        status.unfinished_rebuild = any(number > status.generation for number in manifest.generations())
        status.embedder, status.chunker = manifest.fingerprints()
        status.manifest_bytes = manifest.size_bytes()
        status.pending = len(manifest.pending())
        status.failures = manifest.failures()
    finally:
        manifest.close()
    return status
