"""The pinned line of a chat: edited when what it says has changed, made anew when somebody deleted it."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace

from bot.deliver.desk import Desk, Dirty
from bot.deliver.plan import wanted
from bot.deliver.planning import Planner
from bot.model import Alert
from bot.pages.alerting import liveline
from bot.ports import Clock, Courier, Ledger, Lost, Pulse, Undelivered
from bot.screen import Message, Place, Screen
from bot.text import Said, code, say

EVERY = 30.0
"""Seconds between two edits of one line."""


class Live:
    def __init__(self, desk: Desk, planner: Planner, ledger: Ledger, courier: Courier, clock: Clock) -> None:
        self._desk = desk
        self._planner = planner
        self._ledger = ledger
        self._courier = courier
        self._clock = clock
        self._shown: dict[int, Screen] = {}
        self._edited: dict[int, float] = {}  # chat -> monotonic seconds
        self.pulse: Sequence[Pulse] = ()

    def job(self, chat: int) -> "Awaitable[Message | Undelivered | None] | None":
        """An edit, where there is something to edit."""
        habits = self._desk.habits.get(chat)
        if habits is None or habits.pinned is None:
            return None
        now = self._clock.monotonic()
        if now - self._edited.get(chat, now - EVERY) < EVERY * min(1.0, self._planner.scale):
            return None
        screen = self._draw(chat)
        if self._shown.get(chat) == screen:
            return None
        return self._edit(Message(place=Place(chat=chat, topic=habits.pinned_topic), id=habits.pinned), screen)

    async def begin(self, place: Place) -> bool:
        """A new line, pinned; the one before says that it is none any more. False where Telegram did not take it."""
        before = self._desk.habits.get(place.chat)
        screen = self._draw(place.chat)
        sent = await self._courier.post(place, screen, silent=True)
        if isinstance(sent, Undelivered):
            return False
        chat = sent.place.chat
        await self._courier.pin(sent)
        self._desk.put_habits(replace(self._desk.habit(chat), pinned=sent.id, pinned_topic=sent.place.topic))
        self._note(chat, screen)
        await self._save(chat)
        if before is not None and before.pinned is not None and chat == place.chat:
            await self._let_go(Message(place=Place(chat=chat, topic=before.pinned_topic), id=before.pinned), _MOVED)
        return True

    async def end(self, place: Place) -> bool:
        habits = self._desk.habits.get(place.chat)
        if habits is None or habits.pinned is None:
            return False
        self._desk.put_habits(replace(habits, pinned=None, pinned_topic=None))
        self._shown.pop(place.chat, None)
        await self._save(place.chat)
        await self._let_go(Message(place=Place(chat=place.chat, topic=habits.pinned_topic), id=habits.pinned), _ENDED)
        return True

    def _draw(self, chat: int) -> Screen:
        routes = [route for route in self._desk.routes() if route.chat == chat]
        alerts: list[Alert] = [
            alert for alert in self._desk.alerts.values() if alert.open and (not routes or wanted(routes, alert))
        ]
        return liveline.live_line(alerts, self.pulse, clusters=self._planner.names, now=self._clock.now())

    async def _edit(self, message: Message, screen: Screen) -> Message | Undelivered | None:
        chat = message.place.chat
        shown = await self._courier.revise(message, screen)
        if not isinstance(shown, Undelivered) or shown.why is Lost.REFUSED:
            self._note(chat, screen)
            return None
        if shown.why is Lost.MISSING:
            sent = await self._courier.post(message.place, screen, silent=True)
            if isinstance(sent, Undelivered):
                return sent
            await self._courier.pin(sent)
            self._desk.put_habits(replace(self._desk.habit(chat), pinned=sent.id))
            self._note(chat, screen)
            await self._save(chat)
            return None
        return shown

    def _note(self, chat: int, screen: Screen) -> None:
        self._shown[chat] = screen
        self._edited[chat] = self._clock.monotonic()

    async def _let_go(self, message: Message, said: Said) -> None:
        """Says that it says nothing any more: nobody is to take it for how things stand."""
        await self._courier.revise(message, Screen(text=said))
        unpin = getattr(self._courier, "unpin", None)
        if unpin is not None:
            await unpin(message)

    async def _save(self, chat: int) -> None:
        """Raises: StoreFailed; it is saved with the next tick, then."""
        dirty = Dirty(habits={chat})
        await self._ledger.save(self._desk.written(dirty))
        self._desk.pending.less(dirty)


_MOVED = say("📌 This line is not kept up any more: there is a newer one in this chat.")
_ENDED = say("📌 This line is not kept up any more. For a new one: {command}", command=code("/pin"))
