"""The documents: what is indexed, and a search that shows why each passage was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import gradio as gr

from channels.page.documents_view import documents_html, hits_html
from kb.manifest import DocumentRow
from kb.types import SearchHit

HITS = 8
_QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


class Documents(Protocol):
    """What the tab needs of the index (kb/index.py)."""

    def search(self, query: str, k: int = 10) -> list[SearchHit]: ...
    def confidence(self, query: str, hits: Sequence[SearchHit]) -> float: ...
    def documents(self) -> Sequence[DocumentRow]: ...


def documents_tab(library: Callable[[], Documents], words: gr.I18n, tab: gr.Tab) -> None:
    """Build the tab inside the page that is being built."""
    box = gr.Textbox(
        label=words("search_label"), placeholder=words("search_placeholder"), submit_btn=True, max_length=2000, lines=1, elem_id="search"
    )
    found = gr.HTML("", elem_id="hits", padding=False)
    listing = gr.HTML("", elem_id="documents", padding=False)

    def search(query: str) -> str:
        hits = library().search(query, HITS)
        return hits_html(query, hits, library().confidence(query, hits))

    def show() -> str:
        return documents_html(library().documents())

    box.submit(search, box, found, **_QUICK)
    tab.select(show, None, listing, **_QUICK)
