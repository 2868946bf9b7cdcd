"""Takes a question out of the inbox, answers it, and leaves the answer in the outbox: all in one transaction, so exactly once."""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from agent.events import AnswerDone, AnswerEvent, AnswerFailed, Chart, Language, TextDelta
from agent.session import Advisor, Conversation
from channels.core.adapter import Adapter, ChannelError, RetryLater
from channels.core.commands import Commands, command_in
from channels.core.compose import answer_payloads, notice_payloads, preview
from channels.core.inbox import MAX_ATTEMPTS, Claimed, Inbox
from channels.core.memory import Memory, Thread, turn_id_of
from channels.core.message import InboundMessage, Thumb
from channels.core.outbox import Outbox
from channels.core.settings import ChannelSettings
from channels.core.transaction import begin
from channels.core.turn import Turn
from channels.core.words import language_of, say
from channels.state.limits import Limits, Rate
from kb.errors import AdvisorError

log = logging.getLogger("advisor.channels")
_TICK_S = 0.2
_PAUSE_S = 5.0


@dataclass
class Worker:
    """What the worker threads share."""

    adapters: Mapping[str, Adapter]
    inbox: Inbox
    outbox: Outbox
    memory: Memory
    limits: Limits
    settings: ChannelSettings
    advisor: Callable[[], Advisor]
    can_draw: Callable[[Chart], bool]
    clock: Callable[[], float]
    sent: Callable[[], None]
    """Called when something is in the outbox."""
    stopping: threading.Event = field(default_factory=threading.Event)
    working: set[int] = field(default_factory=set)
    """Rows of this process whose leases are to be renewed."""

    def step(self) -> bool:
        """Work on one row; False if there was none."""
        claimed = self.inbox.claim([*self.adapters])
        if claimed is None:
            return False
        self.working.add(claimed.id)
        try:
            self._work(claimed)
        except Exception:
            # Most likely the database. The lease runs out and the row is taken again, at most `MAX_ATTEMPTS` times.
            log.exception("%s row %d was not finished, reference %s", claimed.item.channel, claimed.id, uuid.uuid4().hex[:8])
        finally:
            self.working.discard(claimed.id)
        return True

    def _work(self, claimed: Claimed) -> None:
        item = claimed.item
        if isinstance(item, Thumb):
            known = self.memory.rate(item.turn_id, item.channel, item.tenant, item.sender_id, item.rating, item.reason)
            self._close(claimed, "done" if known else "dropped")
        elif self.clock() - item.created_at > self.settings.channel_stale_s:
            log.warning("%s: a message that is too old was dropped", item.channel)
            self._close(claimed, "dropped")
        elif claimed.attempts > MAX_ATTEMPTS:
            self._fail(claimed, item, "failed", "the process ended during each attempt")
        else:
            self._message(claimed, item)

    def _message(self, claimed: Claimed, message: InboundMessage) -> None:
        text = message.text.strip()
        language = language_of(text, message.locale)
        command = command_in(text)
        if not text and message.attachments:
            return self._reply(claimed, message, say("attachment_only", language), language)
        if not text or (command is not None and command.name == "help"):
            return self._reply(claimed, message, f"{say('help', 'zh')}\n\n---\n\n{say('help', 'en')}", language)
        wait_s = self._must_wait(message) if claimed.attempts == 1 else 0.0
        if wait_s:
            return self._reply(claimed, message, say("slow_down", language, max(1, round(wait_s))), language)
        try:
            if command is not None:
                said, language = Commands(self.memory, self.advisor, self.inbox.waiting).run(command, message)
                return self._reply(claimed, message, said, language)
            self._answer(claimed, message, text)
        except AdvisorError as error:
            self._fail(claimed, message, "not_ready", str(error))

    def _must_wait(self, message: InboundMessage) -> float:
        """Seconds until the person, or the chat, may ask again; 0 for now."""
        place = f"{message.channel}/{message.tenant}"
        user, chat = self.settings.channel_user_per_minute, self.settings.channel_chat_per_minute
        wait_s = self.limits.take(f"user:{place}/{message.sender_id}", Rate(user, user))
        if wait_s or message.chat_kind == "dm":
            return wait_s
        return self.limits.take(f"chat:{place}/{message.chat_id}", Rate(chat, chat))

    def _answer(self, claimed: Claimed, message: InboundMessage, text: str) -> None:
        adapter, language = self.adapters[message.channel], language_of(text, message.locale)
        started = self.clock()
        live = LiveReply(adapter, message, claimed, self.settings.channel_edit_interval_s, self.clock)
        live.open(self.inbox, say("working", language))
        advisor = self.advisor()
        thread = self.memory.thread(message)
        held: list[Conversation] = []

        def make() -> Iterator[AnswerEvent]:
            held.append(self.memory.conversation(thread, advisor))
            yield from advisor.answer(text, held[0])

        turn = Turn(make)
        try:
            last = self._follow(turn, live, started + self.settings.channel_deadline_s)
        except TimeoutError:
            self._fail(claimed, message, "deadline", f"no answer within {self.settings.channel_deadline_s:g} s")
            turn.abandon()
            self.working.discard(claimed.id)
            # The slot stays taken until the advisor gives up: answers that hang do not pile up.
            while not turn.wait(0.5) and not self.stopping.is_set():
                pass
            return
        if isinstance(last, AnswerDone):
            self._deliver(claimed, message, thread, text, last, held[0])
        else:
            reference = last.reference if last is not None else uuid.uuid4().hex[:8]
            self._reply(claimed, message, say("failed", language, reference), language)

    def _follow(self, turn: Turn, live: LiveReply, until: float) -> AnswerDone | AnswerFailed | None:
        """Show the answer as it grows, and return how it ended.

        Raises:
            TimeoutError: it has not ended in time.
        """
        while True:
            left_s = until - self.clock()
            if left_s <= 0:
                raise TimeoutError
            try:
                event = turn.next(min(_TICK_S, left_s))
            except queue.Empty:
                live.show()
                continue
            except AdvisorError:
                raise
            except Exception:
                reference = uuid.uuid4().hex[:8]
                log.exception("%s: a turn failed, reference %s", live.message.channel, reference)
                return AnswerFailed("", reference)
            if event is None or isinstance(event, (AnswerDone, AnswerFailed)):
                return event
            if isinstance(event, TextDelta):
                live.text += event.text
                live.show()

    def _deliver(
        self, claimed: Claimed, message: InboundMessage, thread: Thread, question: str, done: AnswerDone, conversation: Conversation
    ) -> None:
        adapter, turn_id = self.adapters[message.channel], turn_id_of(message)
        payloads = answer_payloads(done, adapter, turn_id, self.can_draw)
        with begin(self.inbox.engine) as connection:
            if not self.inbox.finish(connection, claimed.id):
                log.warning("%s row %d belongs to another process by now; its answer is not sent twice", message.channel, claimed.id)
                return
            self.outbox.put(connection, claimed.id, message.channel, payloads)
            self.memory.append(connection, thread, turn_id, question, done)
        self.memory.keep(thread, conversation)
        self.sent()

    def _fail(self, claimed: Claimed, message: InboundMessage, key: str, reason: str) -> None:
        """Tell the chat that there is no answer, with a reference that finds the reason in the log."""
        reference, language = uuid.uuid4().hex[:8], language_of(message.text, message.locale)
        log.error("%s row %d: %s, reference %s", message.channel, claimed.id, reason, reference)
        self._reply(claimed, message, say(key, language, reference), language)

    def _reply(self, claimed: Claimed, message: InboundMessage, markdown: str, language: Language) -> None:
        payloads = notice_payloads(markdown, self.adapters[message.channel], language)
        with begin(self.inbox.engine) as connection:
            if self.inbox.finish(connection, claimed.id):
                self.outbox.put(connection, claimed.id, message.channel, payloads)
        self.sent()

    def _close(self, claimed: Claimed, state: str) -> None:
        with begin(self.inbox.engine) as connection:
            self.inbox.finish(connection, claimed.id, state)


class LiveReply:
    """The reply on the screen while its answer grows: edited now and then, never more often than allowed. It may fail freely; the
    finished answer goes through the outbox in any case."""

    def __init__(self, adapter: Adapter, message: InboundMessage, claimed: Claimed, interval_s: float, clock: Callable[[], float]) -> None:
        self.adapter = adapter
        self.message = message
        self.claimed = claimed
        self.interval_s = max(interval_s, adapter.caps.edit_interval_s)
        self.clock = clock
        self.text = ""
        self._shown = ""
        self._next_at = 0.0

    def open(self, inbox: Inbox, hint: str) -> None:
        """Give a first sign of life, unless an earlier attempt at this question has."""
        if self.claimed.handle:
            return
        try:
            self.claimed.handle = self.adapter.open_reply(self.message, self.claimed.id, hint)
        except ChannelError as error:
            log.warning("%s: no first sign of life (%s)", self.message.channel, error)
            self._next_at = float("inf")
            return
        if self.claimed.handle:
            inbox.save_handle(self.claimed.id, self.claimed.handle)

    def show(self) -> None:
        """Bring the screen up to date if the time for it has come."""
        if not self.adapter.caps.streaming or self.clock() < self._next_at or not self.text:
            return
        shown = preview(self.text, self.adapter)
        if not shown.strip() or shown == self._shown:
            return
        self._next_at = self.clock() + self.interval_s
        try:
            self.adapter.update_reply(self.message, self.claimed.handle, shown)
            self._shown = shown
        except RetryLater as error:
            self._next_at = self.clock() + (error.after_s or _PAUSE_S)
        except ChannelError as error:
            log.warning("%s: the growing answer cannot be shown (%s)", self.message.channel, error)
            self._next_at = float("inf")
