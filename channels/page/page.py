"""The framework's page, with what it keeps of a visitor bounded by what is on the screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr

OPEN_PAGES = 200
"""Open pages that the framework remembers, 0.4 MB each; the one unused for longest goes first. It is met as new when it is used
again, and loses nothing but a thumb whose reason was still being typed: what else a page has is in the browser or the database."""


class Page(gr.Blocks):
    """A page whose visitor may ask all day.

    The framework makes a new component wherever an event updates one and keeps it for the visitor under the old one's number,
    but the new one carries a number of its own, under which the next event that reads or fills it keeps it once more, for as long
    as the visitor's page is remembered: three components and their contents a question (gradio 6.31, `Blocks.preprocess_data` and
    `Blocks.postprocess_data`). Here a component takes over the number of the one it replaces.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.state_session_capacity = OPEN_PAGES

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> list[Any]:
        """As the framework's."""
        _renumber(block_fn.inputs, state)
        made: list[Any] = await super().preprocess_data(block_fn, inputs, state, explicit_call)
        return made

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """As the framework's."""
        _renumber(block_fn.outputs, state)
        made: list[Any] = await super().postprocess_data(block_fn, predictions, state)
        return made


def _renumber(components: Iterable[Any], state: Any) -> None:
    held = state.blocks_config.blocks if state is not None else {}
    for component in components:
        if component._id in held:
            held[component._id]._id = component._id
