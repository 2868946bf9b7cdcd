"""The chat: question box, conversation, steps, thumbs, examples and history, wired to the visitor's session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.context import Context

from agent.events import Language
from channels.page.backend import Backend
from channels.page.chat_events import Asking, Opinions, Repaint, parallel_answers
from channels.page.history import History
from channels.page.history_view import HEAD_SCRIPT, LIST_SCRIPT
from channels.page.words import LOCALES, examples, word

MAX_QUESTION_CHARS = 20_000
_OBSCURED_WITH = "advisor-conversation"
"""The framework obscures what it keeps in the browser; a fixed word lets it be read again after a restart. It is no secret: what
protects a conversation is its owner."""
_HIDE = "() => ({ __type__: 'update', visible: false })"
_QUICK: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}


@dataclass(frozen=True)
class Widgets:
    """The tab's parts that events read or repaint. `opinion` remembers the thumb whose reason is being asked for."""

    token: gr.BrowserState
    settings: gr.BrowserState
    chatbot: gr.Chatbot
    box: gr.Textbox
    new_chat: gr.Button
    search: gr.Textbox
    history: gr.HTML
    head: gr.HTML
    reason_row: gr.Column
    reason: gr.Textbox
    send_reason: gr.Button
    opinion: gr.State


def both(key: str, tag: str = "span") -> str:
    """One text in both languages; the style sheet shows the visitor's."""
    return "".join(f'<{tag} class="adv-{language}" lang="{LOCALES[language]}">{word(key, language)}</{tag}>' for language in LOCALES)


def chat_tab(backend: Backend, words: gr.I18n, settings: gr.BrowserState) -> gr.Textbox:
    """Build the tab inside the page that is being built; its question box is returned. `settings` are the visitor's own."""
    token = gr.BrowserState("", storage_key="advisor-conversation", secret=_OBSCURED_WITH)
    opinion = gr.State(None)
    with gr.Row(equal_height=False, elem_id="chat-row"):
        with gr.Column(scale=1, min_width=0, elem_id="history"):
            with gr.Row(elem_id="history-bar"):
                new_chat = gr.Button(words("new_chat"), size="md", variant="secondary", elem_id="new-chat", min_width=0)
                gr.HTML(f'<button type="button" class="adv-unfold" aria-expanded="false">{both("history")}</button>', elem_id="unfold")
            search = gr.Textbox(
                label=words("history_search"), show_label=False, placeholder=words("history_search"), max_lines=1, max_length=200,
                container=False, elem_id="history-search",
            )  # fmt: skip
            history = gr.HTML("", js_on_load=LIST_SCRIPT, elem_id="history-list")
        with gr.Column(scale=5, min_width=0, elem_id="talk"):
            head = gr.HTML("", js_on_load=HEAD_SCRIPT, elem_id="talk-head")
            chatbot = _chatbot(words)
            with gr.Column(visible=False, elem_id="reason") as reason_row, gr.Row(equal_height=True):
                reason = gr.Textbox(label=words("feedback_question"), max_length=2000, lines=1, max_lines=4, scale=5)
                send_reason = gr.Button(words("feedback_send"), size="sm", scale=1, min_width=90)
            with gr.Column(elem_id="examples"):
                offers = [offer for language in LOCALES for offer in _example_buttons(language)]
            box = gr.Textbox(
                elem_id="question",
                label=words("ask_label"),
                show_label=False,
                placeholder=words("ask_placeholder"),
                lines=1,
                max_lines=8,
                autofocus=True,
                submit_btn=True,
                stop_btn=False,
                max_length=MAX_QUESTION_CHARS,
                container=False,
            )
    widgets = Widgets(token, settings, chatbot, box, new_chat, search, history, head, reason_row, reason, send_reason, opinion)
    past = History(backend)
    _wire(Asking(backend, past), past, widgets, offers, parallel_answers(backend.settings))
    _wire_opinions(Opinions(backend), widgets)
    return box


def _chatbot(words: gr.I18n) -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="chat",
        label=words("conversation"),
        show_label=False,
        height="auto",
        min_height=300,
        scale=1,
        layout="bubble",
        buttons=[],
        editable="user",
        sanitize_html=True,
        allow_tags=False,
        latex_delimiters=[],
        line_breaks=False,
        feedback_options=["Like", "Dislike"],
        group_consecutive_messages=True,
        allow_file_downloads=False,
        placeholder=f'<div class="adv-welcome">{both("welcome", "h2")}{both("welcome_more", "p")}</div>',
    )


def _example_buttons(language: Language) -> list[tuple[gr.Button, str]]:
    with gr.Row(elem_classes=["adv-examples", f"adv-{language}"]):
        return [(gr.Button(text, size="sm", variant="secondary", min_width=240), text) for text in examples(language)]


def _wire(events: Asking, history: History, w: Widgets, offers: list[tuple[gr.Button, str]], parallel: int) -> None:
    repainted, lists = [w.token, w.chatbot, w.box], [w.history, w.head]
    listed: dict[str, Any] = {"inputs": [w.token, w.search], "outputs": lists, **_QUICK}
    opened: dict[str, Any] = {"inputs": [w.token, w.search], "outputs": [*repainted, w.reason_row, *lists], **_QUICK}
    asked: dict[str, Any] = {
        "inputs": [w.token, w.settings, w.search],
        "outputs": [*repainted, *lists],
        "concurrency_limit": parallel,
        "concurrency_id": "answer",
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    asks = [w.box.submit, w.chatbot.retry, w.chatbot.edit, w.chatbot.option_select, *(button.click for button, _ in offers)]
    gr.on(asks, None, None, [w.reason_row], js=_HIDE, **_QUICK)
    runs: list[Any] = [w.box.submit(events.ask, **{**asked, "inputs": [w.token, w.settings, w.search, w.box]}, trigger_mode="multiple")]
    runs += [button.click(_offer(events, text), **asked) for button, text in offers]
    runs.append(w.chatbot.retry(events.retry, **asked))
    runs.append(w.chatbot.edit(events.edit, **asked))
    runs.append(w.chatbot.option_select(events.follow, **asked))
    w.box.stop(events.stopped, [w.token], [w.chatbot, w.box], cancels=runs, **_QUICK).then(history.shown, **listed)
    # What is being answered in a conversation that is left goes on no longer: its text so far is kept.
    leave: dict[str, Any] = {"inputs": [w.token], "outputs": [w.chatbot, w.box], "cancels": runs, **_QUICK}
    w.new_chat.click(events.stopped, **leave).then(events.start, None, [*repainted, w.reason_row], **_QUICK).then(history.shown, **listed)
    w.history.click(history.open, **opened)
    w.head.submit(history.rename, **listed)
    w.head.click(history.remove, **{**opened, "cancels": runs})
    w.search.change(history.shown, **listed, trigger_mode="always_last")
    page = Context.root_block
    assert page is not None  # a tab is built inside a page
    page.load(events.resume, [w.token], [w.chatbot], **_QUICK).then(history.shown, **listed)


def _offer(events: Asking, text: str) -> Repaint:
    def offered(token: str, settings: object, query: str, request: gr.Request) -> Any:
        yield from events.ask(token, settings, query, text, request)

    return offered


def _wire_opinions(events: Opinions, w: Widgets) -> None:
    w.chatbot.like(events.opine, [w.token], [w.opinion, w.reason_row, w.reason], **_QUICK)
    given: dict[str, Any] = {"inputs": [w.token, w.opinion, w.reason], "outputs": [w.reason_row, w.reason]}
    # A notice to the visitor travels with the queue only.
    told: dict[str, Any] = {**_QUICK, "queue": True, "concurrency_id": "opinion"}
    w.send_reason.click(events.explain, **given, **told)
    w.reason.submit(events.explain, **given, **told)
