"""The pinned line of a chat: edited when what it says has changed, made anew when somebody deleted it.

It names the time at which the data was last seen, and the reader's phone counts from there. While nothing else changes
that time is renewed now and then, out of what the rates have to spare: no alert waits for it, and none is put off by
what Telegram says to it.
"""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from bot.deliver.desk import Desk
from bot.deliver.plan import wanted
from bot.deliver.planning import Planner
from bot.deliver.unwritten import Dirty
from bot.errors import StoreFailed
from bot.model import Alert, Habits
from bot.pages.alerting import liveline
from bot.pages.alerting.subscribe import told_alone
from bot.ports import Changes, Clock, Courier, Ledger, Lost, Pulse, Undelivered
from bot.screen import Message, Place, Screen
from bot.text import Said, code, say

EVERY = 30.0
"""Seconds between two edits of one line."""
RENEWED = 300.0
"""Seconds after which the time is renewed that a line names."""


@dataclass(slots=True)
class _Line:
    """One as its chat has it."""

    says: Screen  # the time left out
    seen: datetime | None  # that time
    shown: float  # monotonic seconds at which it was taken
    tried: float  # monotonic seconds


class Live:
    def __init__(self, desk: Desk, planner: Planner, ledger: Ledger, courier: Courier, clock: Clock) -> None:
        self._desk = desk
        self._planner = planner
        self._ledger = ledger
        self._courier = courier
        self._clock = clock
        self._lines: dict[int, _Line] = {}  # by chat
        self.pulse: Sequence[Pulse] = ()

    def job(self, chat: int) -> "Awaitable[Message | Undelivered | None] | None":
        """An edit, where there is something to edit."""
        habits = self._desk.habits.get(chat)
        if habits is None or habits.pinned is None:
            return None
        now, line = self._clock.monotonic(), self._lines.get(chat)
        if line is not None and now - line.tried < EVERY * self._scale:
            return None
        message = Message(place=Place(chat=chat, topic=habits.pinned_topic), id=habits.pinned)
        if line is None or line.says != self._draw(chat, None):
            return self._edit(message)
        seen = liveline.last_seen(self.pulse)
        due = now - line.shown >= RENEWED * self._scale and seen not in (None, line.seen)
        return self._renew(message, line) if due and chat not in self._desk.parked else None

    @property
    def _scale(self) -> float:
        return min(1.0, self._planner.scale)

    async def begin(self, place: Place) -> bool:
        """A new line, pinned; the one before says that it is none any more. False where Telegram did not take it.

        Raises: StoreFailed; then the one before is kept up.
        """
        before = self._desk.habits.get(place.chat)
        try:
            sent = await self._post(place)
        except StoreFailed:
            await self._undo(place.chat, before)
            raise
        if isinstance(sent, Undelivered):
            return False
        chat = sent.place.chat
        if before is not None and before.pinned is not None and chat == place.chat:
            await self._let_go(Message(place=Place(chat=chat, topic=before.pinned_topic), id=before.pinned), _MOVED)
        return True

    async def _undo(self, chat: int, before: Habits | None) -> None:
        """The line that was just made is none."""
        now = self._desk.habit(chat)
        kept = before if before is not None else Habits(chat=chat)
        self._desk.put_habits(replace(now, pinned=kept.pinned, pinned_topic=kept.pinned_topic))
        self._lines.pop(chat, None)
        if now.pinned is not None and now.pinned != kept.pinned:
            await self._let_go(Message(place=Place(chat=chat, topic=now.pinned_topic), id=now.pinned), _ENDED)

    async def end(self, place: Place) -> bool:
        """Raises: StoreFailed; then it is kept up."""
        habits = self._desk.habits.get(place.chat)
        if habits is None or habits.pinned is None:
            return False
        await self._ledger.save(Changes(habits=(replace(habits, pinned=None, pinned_topic=None),)))
        self._desk.put_habits(replace(self._desk.habit(place.chat), pinned=None, pinned_topic=None))
        self._lines.pop(place.chat, None)
        with suppress(StoreFailed):
            await self._save(place.chat)
        await self._let_go(Message(place=Place(chat=place.chat, topic=habits.pinned_topic), id=habits.pinned), _ENDED)
        return True

    def _draw(self, chat: int, seen: datetime | None) -> Screen:
        routes = [route for route in self._desk.routes() if route.chat == chat]
        alerts: list[Alert] = [
            alert
            for alert in self._desk.alerts.values()
            if alert.open and alert.number > 0 and (not routes or wanted(routes, alert))  # a test is no alert
        ]
        return liveline.live_line(
            alerts,
            self.pulse,
            clusters=self._planner.names,
            now=self._clock.now(),
            seen=seen,
            renewed=RENEWED * self._scale,
            told=told_alone(routes),
        )

    def _now(self, chat: int) -> tuple[Screen, _Line]:
        """The line as it should be."""
        seen, now = liveline.last_seen(self.pulse), self._clock.monotonic()
        return self._draw(chat, seen), _Line(says=self._draw(chat, None), seen=seen, shown=now, tried=now)

    async def _post(self, place: Place) -> Message | Undelivered:
        """A new one, pinned."""
        screen, line = self._now(place.chat)
        sent = await self._courier.post(place, screen, silent=True)
        if isinstance(sent, Undelivered):
            return sent
        chat = sent.place.chat
        await self._courier.pin(sent)
        self._desk.put_habits(replace(self._desk.habit(chat), pinned=sent.id, pinned_topic=sent.place.topic))
        self._lines[chat] = line
        await self._save(chat)
        return sent

    async def _edit(self, message: Message) -> Message | Undelivered | None:
        chat = message.place.chat
        screen, line = self._now(chat)
        shown = await self._courier.revise(message, screen)
        if not isinstance(shown, Undelivered) or shown.why is Lost.REFUSED:
            self._lines[chat] = line
            return None
        return await self._lost(message, shown)

    async def _renew(self, message: Message, old: _Line) -> Undelivered | None:
        """Where that fails in passing nothing is put off: the next one is as good."""
        chat = message.place.chat
        screen, line = self._now(chat)
        old.tried = line.tried
        shown = await self._courier.revise(message, screen, spare=True)
        if not isinstance(shown, Undelivered) or shown.why is Lost.REFUSED:
            self._lines[chat] = line
            return None
        return await self._lost(message, shown) if shown.why in (Lost.MISSING, Lost.CHAT) else None

    async def _lost(self, message: Message, shown: Undelivered) -> Undelivered | None:
        """Somebody deleted it: there is a new one. Anything else is the sender's."""
        if shown.why is not Lost.MISSING:
            return shown
        sent = await self._post(message.place)
        return sent if isinstance(sent, Undelivered) else None

    async def _let_go(self, message: Message, said: Said) -> None:
        """Says that it says nothing any more: nobody is to take it for how things stand."""
        await self._courier.revise(message, Screen(text=said))
        unpin = getattr(self._courier, "unpin", None)
        if unpin is not None:
            await unpin(message)

    async def _save(self, chat: int) -> None:
        """Raises: StoreFailed; it is saved with the next tick, then."""
        await self._desk.save(self._ledger, Dirty(habits={chat}))


_MOVED = say("📌 This line is not kept up any more: there is a newer one in this chat.")
_ENDED = say("📌 This line is not kept up any more. For a new one: {command}", command=code("/pin"))
