"""What happens with the visitor's list of conversations: search, open, rename, delete. Every call is about the visitor's own."""

from __future__ import annotations

from typing import Any

import gradio as gr

from channels.page.backend import Backend
from channels.page.history_view import head_html, list_html
from channels.page.session import CHANNEL
from channels.page.view import all_messages
from channels.page.visitors import owner_of
from kb.errors import AdvisorError

LISTED = 100
Update = tuple[Any, ...]


class History:
    """Handlers. `token` is the conversation that is open, `query` what the list is searched for."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def shown(self, token: str, query: str, request: gr.Request) -> Update:
        """The list and the open conversation's head as they are now."""
        owner = owner_of(request)
        if not owner:
            return list_html([], "", "", kept=False), ""
        talks = self._backend.state.conversations
        rows = talks.listed(owner, channel=CHANNEL, query=str(query or "")[:200], limit=LISTED)
        is_id = isinstance(token, str) and token
        current = next((row for row in rows if row.id == token), None) or (talks.find(token, owner) if is_id else None)
        return list_html(rows, token if is_id else "", query or "", kept=True), head_html(current)

    def open(self, token: str, query: str, event: gr.EventData, request: gr.Request) -> Update:
        """Another conversation in place of the one that is open: token, messages, box, reason row, list, head."""
        wanted = str(getattr(event, "open", ""))
        session = self._backend.sessions.find(wanted, owner_of(request))
        if session is None:
            return (*([gr.skip()] * 4), *self.shown(token, query, request))
        box, hidden = gr.update(value="", submit_btn=not session.running, stop_btn=session.running), gr.update(visible=False)
        return wanted, all_messages(session.turns), box, hidden, *self.shown(wanted, query, request)

    def rename(self, token: str, query: str, event: gr.EventData, request: gr.Request) -> Update:
        """List and head under the new title."""
        owner = owner_of(request)
        try:
            if owner:
                self._backend.state.conversations.rename(token, owner, str(getattr(event, "title", "")))
        except AdvisorError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return self.shown(token, query, request)

    def remove(self, token: str, query: str, request: gr.Request) -> Update:
        """Delete the open conversation and start a new one: token, messages, box, reason row, list, head."""
        owner = owner_of(request)
        if owner:
            self._backend.state.conversations.remove(token, owner)
        self._backend.sessions.forget(token, owner)
        fresh, _ = self._backend.sessions.open(owner)
        box = gr.update(value="", submit_btn=True, stop_btn=False)
        return fresh, [], box, gr.update(visible=False), *self.shown(fresh, query, request)
