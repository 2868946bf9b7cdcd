"""Settings: language, colours, mode and the weights of choices, kept in the visitor's browser; and what the server is set to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from agent.events import Language
from channels.page.backend import Backend, active_catalog
from channels.page.safe import escape
from channels.page.settings_view import MODES, choices_of, looks_html, server_html, shares, weighable_fields, weights_html, who_html
from channels.page.visitors import KEY_PREFIX, user_of
from channels.page.words import LOCALES, both_spans, loading_html, word

_OBSCURED_WITH = "advisor-settings"
_QUICK: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}


class Choices:
    """A visitor's settings as the chat uses them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def read(self, kept: object) -> tuple[str, dict[str, float]]:
        """(mode, share by field) of what the browser kept."""
        mode, weights = choices_of(kept, weighable_fields(active_catalog()))
        return mode, shares(weights)

    def facts(self) -> dict[str, dict[Language, str]]:
        """What the server is set to; no secret is among it."""
        settings = self._backend.settings
        model = settings.llm_model or "–"
        is_builtin = settings.embed_model == "builtin"
        where = urlsplit(settings.llm_base_url).hostname or settings.llm_base_url
        said: dict[str, dict[Language, str]] = {
            "set_model": {
                language: f"{model} ({where})" if settings.llm_base_url else word("set_no_model", language) for language in LOCALES
            },
            "set_embedder": {language: word("set_builtin", language) if is_builtin else settings.embed_model for language in LOCALES},
        }
        if self._backend.has_accounts or self._backend.keys:
            rate = settings.rate_per_minute
            said["set_rate"] = {
                language: word("set_rate_of", language, rate) if rate else word("set_rate_none", language) for language in LOCALES
            }
        return said


def kept_settings() -> gr.BrowserState:
    """Where the visitor's browser keeps them."""
    return gr.BrowserState({"mode": MODES[0], "weights": {}}, storage_key="advisor-settings", secret=_OBSCURED_WITH)


def settings_tab(backend: Backend, words: gr.I18n, tab: gr.Tab, kept: gr.BrowserState) -> None:
    """Build the tab inside the page that is being built."""
    choices, fields = Choices(backend), weighable_fields(active_catalog())
    who = gr.HTML("", elem_id="who", padding=False)
    gr.HTML(looks_html(), padding=False)
    with_model = bool(backend.settings.llm_base_url)
    mode = gr.Radio(
        [(words(f"set_mode_{name}"), name) for name in MODES],
        value=MODES[0] if with_model else "offline",
        label=words("set_mode"),
        interactive=with_model,
        elem_id="mode",
    )
    server = gr.HTML(loading_html(), elem_id="server", padding=False)
    with gr.Column(elem_id="weights"):
        gr.HTML(_title("weights", "weights_more"), padding=False)
        with gr.Row():
            sliders = [gr.Slider(0, 100, value=0, step=5, label=words(f"weight_{name}"), min_width=220, buttons=[]) for name in fields]
        weighed = gr.HTML("", padding=False, elem_id="weighed")

    def show(stored: object, request: gr.Request) -> tuple[Any, ...]:
        chosen, weights = choices_of(stored, fields)
        user = user_of(request)
        is_person = user is not None and not user.startswith(KEY_PREFIX)
        role = "maintainer" if backend.is_maintainer(user) else "reader"
        values = [weights.get(name, 0) for name in fields]
        shown_mode = chosen if with_model else "offline"
        facts = server_html(choices.facts())
        return who_html(user if is_person else None, role), shown_mode, facts, weights_html(weights, active_catalog()), *values

    def keep(chosen: str, *values: Any) -> tuple[Any, str]:
        given = {"mode": chosen, "weights": dict(zip(fields, values, strict=True))}
        mode_, weights = choices_of(given, fields)
        return {"mode": mode_, "weights": weights}, weights_html(weights, active_catalog())

    show.__annotations__["request"] = gr.Request  # the framework reads real types, and these annotations are strings
    tab.select(show, [kept], [who, mode, server, weighed, *sliders], **_QUICK)
    gr.on([mode.input, *(slider.release for slider in sliders)], keep, [mode, *sliders], [kept, weighed], **_QUICK)


def _title(key: str, more: str) -> str:
    def words(name: str) -> str:
        return both_spans(lambda language: escape(word(name, language)))

    return f'<div class="adv-set"><h2>{words(key)}</h2><p>{words(more)}</p></div>'
