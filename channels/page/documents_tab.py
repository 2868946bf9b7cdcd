"""The documents: what is indexed and of what passages, a search that shows why each was found; maintainers add and remove."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from channels.page.documents_view import LISTING_SCRIPT, change_html, documents_html, hits_html, passages_html
from channels.page.library_job import Change, LibraryJob, Refused
from channels.page.upload_view import ERRORS, UPLOAD_SCRIPT, uploader_html
from channels.page.uploads import MAX_FILES
from channels.page.visitors import user_of
from channels.page.words import loading_html
from kb.errors import AdvisorError
from kb.manifest import DocumentRow
from kb.types import Chunk, SearchHit

HITS = 8
POLL_S = 0.25
_QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


class Documents(Protocol):
    """What the tab needs of the index (kb/index.py)."""

    manifest: Any

    def search(self, query: str, k: int = 10) -> list[SearchHit]: ...
    def confidence(self, query: str, hits: Sequence[SearchHit]) -> float: ...
    def documents(self) -> Sequence[DocumentRow]: ...
    def chunks_of(self, source: str) -> Sequence[Chunk]: ...


class Shelf:
    """Handlers of the tab. Who may not change what is indexed sees no way to, and is refused here as well."""

    def __init__(self, library: Callable[[], Documents], job: LibraryJob | None, may_change: Callable[[str | None], bool]) -> None:
        self._library, self._job, self._may_change = library, job, may_change

    def _allowed(self, request: gr.Request) -> bool:
        return self._job is not None and self._may_change(user_of(request))

    def search(self, query: str) -> str:
        """Hits and why."""
        library = self._library()
        hits = library.search(query, HITS)
        return hits_html(query, hits, library.confidence(query, hits))

    def show(self, request: gr.Request) -> tuple[Any, str]:
        """Whether documents can be sent, and what there is."""
        library, allowed = self._library(), self._allowed(request)
        failures = library.manifest.failures() if allowed else ()
        return gr.update(visible=allowed), documents_html(library.documents(), failures, may_change=allowed)

    def add(self, event: gr.EventData, request: gr.Request) -> Iterator[tuple[str, Any, Any]]:
        """Index what was sent; how far it is, then what there is."""
        if self._job is None or not self._allowed(request):
            raise gr.Error("only maintainers may add documents", print_exception=False)
        waiting: list[Path] = []
        refused: list[Refused] = []
        for item in list(getattr(event, "files", []))[: 10 * MAX_FILES]:
            path = self._job.uploads.collect(item.get("ticket")) if len(waiting) < MAX_FILES else None
            if path is not None:
                waiting.append(path)
            else:
                refused.append(_refused(item))
        yield from self._follow(self._job.add(waiting, refused), request)

    def click(self, event: gr.EventData, request: gr.Request) -> Iterator[tuple[Any, Any, Any]]:
        """Show a document's passages, or take it out of the index."""
        source = str(getattr(event, "remove", ""))
        if source and self._job is not None and self._allowed(request):
            row = next((row for row in self._library().documents() if row.source == source), None)
            if row is not None:
                yield from self._follow(self._job.remove(row.source, row.path), request)
            return
        source = str(getattr(event, "passages", ""))
        if source:
            yield gr.skip(), gr.skip(), passages_html(source, self._library().chunks_of(source))

    def _follow(self, change: Change, request: gr.Request) -> Iterator[tuple[str, Any, Any]]:
        while not change.finished.wait(POLL_S):
            yield change_html(change), gr.skip(), gr.skip()
        yield change_html(change), self.show(request)[1], ""


def _refused(item: Mapping[str, Any]) -> Refused:
    """What the browser says of a document that did not get through; only our own wordings are taken from it."""
    key = str(item.get("key"))
    count = ERRORS.get(key)
    values = tuple(str(value)[:500] for value in item.get("values") or ())
    known = count is not None and len(values) == count
    return Refused(str(item.get("name"))[:200], key if known else "upload_broken", values if known else ())


def documents_tab(
    library: Callable[[], Documents],
    words: gr.I18n,
    tab: gr.Tab,
    job: LibraryJob | None = None,
    may_change: Callable[[str | None], bool] | None = None,
) -> None:
    """Build the tab inside the page that is being built. Without a job nothing can be changed from the page."""
    shelf = Shelf(library, job, may_change or (lambda _user: False))
    box = gr.Textbox(
        label=words("search_label"), placeholder=words("search_placeholder"), submit_btn=True, max_length=2000, lines=1, elem_id="search"
    )
    found = gr.HTML("", elem_id="hits", padding=False)
    sender = uploader_html(job.uploads.max_bytes, MAX_FILES, sorted(job.uploads.suffixes)) if job is not None else ""
    upload = gr.HTML(sender, js_on_load=UPLOAD_SCRIPT, visible=False, elem_id="upload")
    change = gr.HTML("", elem_id="change", padding=False)
    passages = gr.HTML("", elem_id="passages", padding=False)
    listing = gr.HTML(loading_html(), js_on_load=LISTING_SCRIPT, elem_id="documents", padding=False)
    followed: dict[str, Any] = {"outputs": [change, listing, passages], "concurrency_id": "library", "concurrency_limit": 4, **_QUICK}

    box.submit(_told(shelf.search), box, found, **_QUICK)
    tab.select(shelf.show, None, [upload, listing], **_QUICK)
    upload.upload(shelf.add, None, **followed)
    listing.click(shelf.click, None, **followed)


def _told(search: Callable[[str], str]) -> Callable[[str], str]:
    """An expected failure as a notice rather than as an empty result."""

    def told(query: str) -> str:
        try:
            return search(query)
        except AdvisorError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return told
