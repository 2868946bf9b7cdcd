"""Quality: the last evaluation, and for maintainers a button that runs another one."""

from __future__ import annotations

from typing import Any

import gradio as gr

from channels.page.quality_job import Controls
from channels.page.quality_view import progress_html, quality_html, read_last
from channels.page.safe import escape
from channels.page.visitors import user_of
from channels.page.words import loading_html
from kb.errors import AdvisorError

_POLL_S = 1.5
_QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def quality_tab(controls: Controls, words: gr.I18n, tab: gr.Tab) -> None:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_id="quality-row"):
        progress = gr.HTML("", elem_id="quality-progress", padding=False, visible=False)
        start = gr.Button(words("q_run"), visible=False, size="sm", elem_id="quality-run")
        stop = gr.Button(words("q_stop"), visible=False, size="sm", elem_id="quality-stop")
    report = gr.HTML(loading_html(), elem_id="quality", padding=False)
    timer = gr.Timer(_POLL_S, active=False)
    outputs = [progress, start, stop, timer]

    def states(request: gr.Request) -> tuple[Any, ...]:
        state, allowed = controls.job.state(), controls.may_run(user_of(request))
        running = state.running
        buttons = gr.Button(visible=allowed and not running), gr.Button(visible=allowed and running)
        said = progress_html(state)
        return gr.HTML(said, visible=bool(said)), *buttons, gr.Timer(active=running)

    def show(request: gr.Request) -> str:
        try:
            return quality_html(read_last(controls.job.folder / "last"), controls.may_run(user_of(request)))
        except AdvisorError as error:
            return f'<p class="adv-notice" role="alert">{escape(str(error))}</p>'

    def run(request: gr.Request) -> tuple[Any, ...]:
        controls.start(user_of(request))
        return states(request)

    def end(request: gr.Request) -> tuple[Any, ...]:
        controls.stop(user_of(request))
        return states(request)

    def poll(request: gr.Request) -> tuple[Any, ...]:
        now = states(request)
        return (*now, gr.skip() if controls.job.state().running else show(request))

    for handler in (states, show, run, end, poll):
        handler.__annotations__["request"] = gr.Request  # the framework reads real types, and these annotations are strings
    tab.select(states, None, outputs, **_QUICK)
    tab.select(show, None, report, **_QUICK)
    start.click(run, None, outputs, **_QUICK)
    stop.click(end, None, outputs, **_QUICK)
    timer.tick(poll, None, [*outputs, report], **_QUICK)
