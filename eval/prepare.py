"""Indexes of the suites' own corpora: each in a data folder of its own, made again where documents or the code that reads them changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from eval.corpora import load_corpora, write_corpus
from eval.state import READING, code_state
from kb.errors import AdvisorError
from kb.settings import Settings

_STAMP = "ingested-by"


@dataclass(frozen=True, slots=True)
class Folder:
    """A corpus as files and the data folder that holds its index."""

    name: str
    documents: Path
    home: Path

    def is_current(self, state: str) -> bool:
        stamp = self.home / _STAMP
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == state


def prepare(suite: Path, settings: Settings, note: Callable[[str], None]) -> dict[str, Path]:
    """Corpus name -> data folder with an up-to-date index, for the corpora beside `suite`.

    Indexes are kept under ADVISOR_HOME/eval/corpora by content, vectors of passages are kept too: what was seen is not embedded again.
    Raises `AdvisorError` naming the corpus and the document that could not be ingested.
    """
    under = settings.home / "eval" / "corpora"
    folders = [Folder(name, *write_corpus(corpus, suite.parent, under)) for name, corpus in load_corpora(suite).items()]
    state = f"{code_state(READING)} {settings.embed_model}"
    stale = [folder for folder in folders if not folder.is_current(state)]
    if stale:
        note(f"indexing {len(stale)} small corpora: {', '.join(folder.name for folder in stale)}")
        # A process of its own, so that the memory of the embedding model is given back before questions are asked.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            for folder, failures in zip(stale, pool.submit(_ingest, stale, settings, under).result(), strict=True):
                if failures:
                    raise AdvisorError(f"corpus {folder.name} could not be ingested: {failures[0]}; its documents: {folder.documents}")
                (folder.home / _STAMP).write_text(state, encoding="utf-8")
    return {folder.name: folder.home for folder in folders}


def _ingest(folders: Sequence[Folder], settings: Settings, under: Path) -> list[list[str]]:
    """Failures of each folder. Runs in a process of its own."""
    return [list(failures) for failures in _ingested(folders, settings, under)]


def _ingested(folders: Sequence[Folder], settings: Settings, under: Path) -> Iterator[Iterator[str]]:
    from eval.bench.vector_cache import CachedEmbedder
    from ingest.progress import SilentReporter
    from ingest.session import Request, ingest

    embedder = CachedEmbedder(settings, under)  # corpora share most of their documents
    for folder in folders:
        own = settings.model_copy(update={"home": folder.home})
        request = Request((str(folder.documents),), rebuild=(folder.home / _STAMP).is_file())
        report = ingest(own, request, SilentReporter(), embedder=embedder)
        yield (f"{failure.source or failure.path}: {failure.error}" for failure in report.failed)

