"""The calculators' forms: results follow what is typed, and a form can be handed over to the chat as a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from channels.page.calculators import MAX_MODELS, ChoiceList, Form, FormField, forms, question, results_html
from channels.page.words import LOCALES, loading_html

Choices = Mapping[ChoiceList, Sequence[str]]
_QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def calculators_tab(choices: Choices, words: gr.I18n, tabs: gr.Tabs, tab: gr.Tab, box: gr.Textbox) -> None:
    """Build the tab inside the page that is being built. `box` is the chat's question box."""
    with gr.Tabs(elem_id="calculators"):
        for form in forms():
            with gr.Tab(words(f"form_{form.id}"), id=form.id):
                _form(form, choices, words, tabs, tab, box)


def _form(form: Form, choices: Choices, words: gr.I18n, tabs: gr.Tabs, tab: gr.Tab, box: gr.Textbox) -> None:
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=260, elem_classes=["adv-form"]):
            widgets = [_widget(form, field, choices, words) for field in form.fields]
            ask_rows = [gr.Button(words("calc_ask"), elem_classes=[f"adv-{language}"], size="md") for language in LOCALES]
        with gr.Column(scale=3, min_width=300):
            results = gr.HTML(loading_html(), elem_id=f"results-{form.id}", padding=False)

    names = [field.name for field in form.fields]

    def show(*values: Any) -> str:
        return results_html(form, dict(zip(names, values, strict=True)))

    gr.on([tab.select, *(widget.change for widget in widgets)], show, widgets, results, trigger_mode="always_last", **_QUICK)
    for button, language in zip(ask_rows, LOCALES, strict=True):

        def hand_over(*values: Any, language: Any = language) -> tuple[Any, Any]:
            return question(form, dict(zip(names, values, strict=True)), language), gr.Tabs(selected="chat")

        button.click(hand_over, widgets, [box, tabs], **_QUICK)


def _widget(form: Form, field: FormField, choices: Choices, words: gr.I18n) -> gr.Textbox | gr.Dropdown:
    label = words(f"field_{form.id}_{field.name}")
    if field.choices is None:
        return gr.Textbox(value=field.value, label=label, max_lines=1, max_length=200)
    offered = list(choices[field.choices]) if isinstance(field.choices, str) else list(field.choices)
    if field.many:
        return gr.Dropdown(offered, value=offered[:3], label=label, multiselect=True, max_choices=MAX_MODELS, allow_custom_value=True)
    value = field.value or (offered[0] if offered else None)
    return gr.Dropdown(offered, value=value, label=label, allow_custom_value=True)
