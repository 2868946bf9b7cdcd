"""One turn as the page shows it: answer events are folded in, chat messages come out. Nothing of the framework is imported."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.events import AnswerDone, AnswerEvent, AnswerFailed, Language, TextDelta, ToolFinished, ToolStarted, Understood
from channels.page.cards import PassageOf, cards_html, source_id
from channels.page.safe import safe_markdown
from channels.page.words import tool_title, word

if TYPE_CHECKING:
    from channels.state.conversations import StoredTurn

VISIBLE_TURNS = 40
"""Turns of a conversation that are shown: each repaint carries them all."""
Message = dict[str, Any]
"""A chat message in the framework's own shape: role, content, and metadata for a collapsible step."""


@dataclass
class TurnView:
    """A question and what has been seen of its answer. `fold` takes the events in order; `messages` may be asked at any time."""

    question: str
    language: Language = "zh"
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    understood: Understood | None = None
    tools: list[ToolStarted | ToolFinished] = field(default_factory=list)
    text: str = ""
    done: AnswerDone | None = None
    failed: AnswerFailed | None = None
    stopped: bool = False
    cards: str = ""
    kept: bool = False
    """Whether the turn has been handed to the database."""

    @classmethod
    def restored(cls, stored: StoredTurn, passage_of: PassageOf | None) -> TurnView:
        """A turn as it was stored; without `passage_of` no cards are made for it."""
        turn = cls(stored.question, id=stored.id, understood=stored.understood, text=stored.answer, kept=True)
        turn.language = stored.understood.language if stored.understood else language_of(stored.question)
        turn.done, turn.failed = stored.done, stored.failed
        turn.stopped = turn.done is None and turn.failed is None
        if stored.done is not None:
            turn.language, turn.text, turn.tools = stored.done.language, stored.done.answer, list(stored.done.tools)
            if passage_of is not None:
                turn.cards = cards_html(stored.done, turn.id, passage_of)
        return turn

    def stored(self) -> StoredTurn:
        """The turn as the database keeps it."""
        from channels.state.conversations import StoredTurn

        return StoredTurn(self.id, self.question, self.text, self.done, self.understood, self.failed)

    @property
    def finished(self) -> bool:
        return self.done is not None or self.failed is not None or self.stopped

    def fold(self, event: AnswerEvent, passage_of: PassageOf) -> None:
        """Take in the next event. Passages are looked up once, when the answer is done."""
        match event:
            case Understood():
                self.understood, self.language = event, event.language
            case ToolStarted():
                self.tools.append(event)
            case ToolFinished():
                self._finish_tool(event)
            case TextDelta():
                self.text += event.text
            case AnswerDone():
                self.done, self.text, self.language = event, event.answer, event.language
                self.cards = cards_html(event, self.id, passage_of)
            case AnswerFailed():
                self.failed = event

    def _finish_tool(self, event: ToolFinished) -> None:
        for i, tool in enumerate(self.tools):
            if isinstance(tool, ToolStarted) and tool.name == event.name:
                self.tools[i] = event
                return
        self.tools.append(event)

    def messages(self) -> list[Message]:
        """The question, the steps, the answer and its cards."""
        out: list[Message] = [{"role": "user", "content": safe_markdown(self.question)}]
        out += self._steps()
        parts: list[Any] = []
        if self.text:
            parts.append(_text(safe_markdown(self.text, self._citation_link)))
        if self.stopped:
            parts.append(_text(f"*{word('stopped', self.language)}*"))
        if self.failed is not None:
            parts.append(_text(_failure(self.failed, self.language)))
        if self.cards:
            parts.append(_html(self.cards))
        if parts:
            # One message: the framework puts thumbs and retry under each.
            out.append({"role": "assistant", "content": parts})
            if self.done is not None and self.done.follow_ups:
                out[-1]["options"] = [{"value": text, "label": text} for text in self.done.follow_ups]
        return out

    def _citation_link(self, number: int) -> str | None:
        if self.done is None or not 1 <= number <= len(self.done.citations):
            return None
        return f"#{source_id(self.id, number)}"

    def _steps(self) -> list[Message]:
        if self.understood is None and not self.tools:
            return [] if self.finished else [_step(word("working", self.language), "", "pending", f"{self.id}-0")]
        seconds = sum(tool.seconds for tool in self.tools if isinstance(tool, ToolFinished))
        parent = f"{self.id}-0"
        title = word("steps", self.language) if self.finished else word("working", self.language)
        took = self.done.ms / 1000 if self.done else seconds
        steps = [_step(title, self._summary(), "done" if self.finished else "pending", parent, took)]
        for i, tool in enumerate(self.tools, 1):
            steps.append(_tool_step(tool, self.language, f"{self.id}-{i}", parent))
        return steps

    def _summary(self) -> str:
        if self.understood is None:
            return ""
        return f"**{word('understood', self.language)}** {safe_markdown(self.understood.summary)}"


def _text(markdown: str) -> Message:
    return {"type": "text", "text": markdown}


def _step(title: str, content: str, status: str, step_id: str, seconds: float | None = None, parent: str | None = None) -> Message:
    metadata: dict[str, Any] = {"title": title, "status": status, "id": step_id}
    if seconds is not None:
        metadata["duration"] = round(seconds, 3)
    if parent is not None:
        metadata["parent_id"] = parent
    return {"role": "assistant", "content": content, "metadata": metadata}


def _tool_step(tool: ToolStarted | ToolFinished, language: Language, step_id: str, parent: str) -> Message:
    title = tool_title(tool.name, language)
    lines = _fields(word("input", language), tool.input)
    if isinstance(tool, ToolStarted):
        return _step(title, "\n".join(lines), "pending", step_id, None, parent)
    lines += _fields(word("output", language), tool.output)
    return _step(title, "\n".join(lines), "done", step_id, tool.seconds, parent)


def _fields(title: str, values: Mapping[str, Any]) -> list[str]:
    if not values:
        return []
    return [f"**{title}**", "", *(f"- {safe_markdown(name)}: {safe_markdown(_brief(value))}" for name, value in values.items()), ""]


def _brief(value: Any, limit: int = 300) -> str:
    """One line of a tool's input or output; long ones are cut, and say so."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,})"


def _failure(failed: AnswerFailed, language: Language) -> str:
    reference = f"\n\n{word('reference', language)}: `{failed.reference}`" if failed.reference else ""
    return f"**{word('failed', language)}** {safe_markdown(failed.public_text)}{reference}"


def _html(value: str) -> Message:
    """A component message that holds our own HTML, built without instantiating a component on every repaint."""
    props = {"padding": False, "container": False}
    return {"type": "component", "component": "html", "value": value, "constructor_args": {}, "props": props}


def language_of(text: str) -> Language:
    """Chinese if there is a Chinese character in it."""
    return "zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"


def all_messages(turns: Sequence[TurnView], visible: int = VISIBLE_TURNS) -> list[Message]:
    """The messages of a conversation, its last turns only when it is long: each repaint carries them all."""
    return [message for turn in turns[-visible:] for message in turn.messages()]


def turn_of_message(turns: Sequence[TurnView], index: int, visible: int = VISIBLE_TURNS) -> int | None:
    """Which turn (index into `turns`) the message at `index` of `all_messages` belongs to."""
    first = max(0, len(turns) - visible)
    for number, turn in enumerate(turns[first:], first):
        index -= len(turn.messages())
        if index < 0:
            return number
    return None
