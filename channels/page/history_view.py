"""The visitor's conversations as HTML: the list to choose from, and what can be done with the open one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from channels.page.safe import escape
from channels.page.words import LOCALES, both_spans, word
from channels.state.conversations import MAX_TITLE_CHARS, ConversationRow

LIST_SCRIPT = """
element.addEventListener('click', (event) => {
  const row = event.target.closest('button[data-open]');
  if (row) trigger('click', { open: row.dataset.open });
});
"""
"""Runs in the browser: a click on a row becomes an event that names the conversation."""

HEAD_SCRIPT = """
element.addEventListener('submit', (event) => {
  event.preventDefault();
  const title = new FormData(event.target).get('title');
  if (title !== null) trigger('submit', { title });
});
element.addEventListener('click', (event) => {
  if (event.target.closest('button[data-remove]')) trigger('click', { remove: true });
});
"""


def list_html(rows: Sequence[ConversationRow], current: str, query: str, *, kept: bool) -> str:
    """The list, the open conversation marked; where there is none, why."""
    if not rows:
        key = "history_not_kept" if not kept else "history_none_found" if query.strip() else "history_empty"
        return f'<p class="adv-history-note">{both_spans(lambda language: escape(word(key, language)))}</p>'
    items = "".join(_row(row, row.id == current) for row in rows)
    labels = f"{word('history', 'zh')} / {word('history', 'en')}"
    return f'<nav aria-label="{escape(labels)}"><ul class="adv-history">{items}</ul></nav>'


def _row(row: ConversationRow, is_open: bool) -> str:
    when = datetime.fromtimestamp(row.updated_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    mark = ' aria-current="true"' if is_open else ""
    return f'<li><button type="button" data-open="{escape(row.id)}" title="{when}"{mark}>{escape(row.title)}</button></li>'


def head_html(row: ConversationRow | None) -> str:
    """The open conversation's title, and behind a menu: rename, export, delete. Empty for one that is not stored yet."""
    if row is None:
        return ""

    def words(key: str) -> str:
        return both_spans(lambda language: escape(word(key, language)))

    labels = {key: " / ".join(word(key, language) for language in LOCALES) for key in ("history_menu", "history_title")}
    file = f"conversation/{escape(row.id)}"
    exports = "".join(f'<a href="{file}.{kind}" download>{words(f"export_{kind}")}</a>' for kind in ("md", "json"))
    rename = (
        f'<form><input name="title" maxlength="{MAX_TITLE_CHARS}" required aria-label="{escape(labels["history_title"])}" '
        f'value="{escape(row.title)}"><button>{words("history_rename")}</button></form>'
    )
    remove = (
        f"<details><summary>{words('history_remove')}</summary>"
        f'<button type="button" class="adv-danger" data-remove="1">{words("history_remove_really")}</button></details>'
    )
    menu = f'<summary aria-label="{escape(labels["history_menu"])}"><span aria-hidden="true">⋯</span></summary>'
    actions = f'<details class="adv-menu">{menu}<div>{rename}{exports}{remove}</div></details>'
    return f'<div class="adv-talk"><h2>{escape(row.title)}</h2>{actions}</div>'
