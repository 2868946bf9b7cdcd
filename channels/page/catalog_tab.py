"""The catalog: a table of all models to filter and sort, and some of them side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from channels.page.catalog_view import MAX_COMPARED, compared, models_best_known_first, overview
from channels.page.words import loading_html
from kb.catalog.catalog import Catalog

_QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def catalog_tab(catalog: Callable[[], Catalog], words: gr.I18n, tab: gr.Tab) -> None:
    """Build the tab inside the page that is being built. The catalog is read anew when the tab is opened."""
    names = [entity.name for entity in models_best_known_first(catalog())]
    with gr.Tabs():
        with gr.Tab(words("tab_all_models")):
            table = gr.HTML(loading_html(), elem_id="overview", padding=False)
        with gr.Tab(words("tab_compare")):
            chosen = gr.Dropdown(
                names, value=names[:2], label=words("compare_label"), multiselect=True, max_choices=MAX_COMPARED, elem_id="compare"
            )
            side_by_side = gr.HTML(loading_html(), elem_id="compared", padding=False)

    def show(picked: list[str]) -> str:
        return compared(catalog(), picked)

    def show_all() -> str:
        return overview(catalog())

    gr.on([tab.select, chosen.change], show, chosen, side_by_side, trigger_mode="always_last", **_QUICK)
    tab.select(show_all, None, table, **_QUICK)
