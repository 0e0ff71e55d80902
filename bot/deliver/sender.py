"""The sending: each chat on its own, in order, so that one bad chat stops no other.

    what waits in a chat      unsent cards and letters by their number ─▶ cards that have changed ─▶ the live line
    Telegram took it          the row is closed at once: killed before that, it is sent again (at least once)
    LATER, UNKNOWN            this chat waits, longer each time, never less than Telegram wants; then it is sent again,
                              once for each answer that was lost. The waits end when Telegram answers again
    MISSING                   a new message, silently
    CHAT                      parked: the admins are told once; tried again in an hour, when something is heard from
                              there, and at once when the bot was let in again or an answer was taken there
    REFUSED                   dropped, with a line in the log and a note to the admins: nothing that we know would help

A message is drawn when it is sent: what came meanwhile stands in it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from bot.deliver.desk import Desk
from bot.deliver.draw import Artist
from bot.deliver.live import Live
from bot.deliver.queue import Queue
from bot.deliver.replies import Replies
from bot.deliver.trouble import SIGN, Line, Trouble
from bot.deliver.unwritten import Dirty
from bot.errors import StoreFailed
from bot.model import Alert, Card, Outgoing
from bot.ports import Clock, Courier, Ledger, Lost, Spawner, Undelivered
from bot.screen import Message, Place
from bot.text import Said

log = logging.getLogger(__name__)

STEP = 1.0
"""Seconds between looks whether a chat's time has come."""


class Sender:
    def __init__(
        self,
        desk: Desk,
        ledger: Ledger,
        courier: Courier,
        clock: Clock,
        spawn: Spawner,
        artist: Artist,
        live: Live,
        *,
        flying: set[int],
        resting: set[int],
        tell: Callable[[Said], Coroutine[Any, Any, None]] | None,
    ) -> None:
        self.counts: Counter[str] = Counter()  # posted, edited, and by the value of Lost
        self._desk = desk
        self._ledger = ledger
        self._courier = courier
        self._clock = clock
        self._spawn = spawn
        self._artist = artist
        self._live = live
        self._flying = flying
        self._resting = resting
        self._trouble = Trouble(desk, clock, spawn, tell, self.counts)
        self._chats: dict[int, Line] = {}
        self._woken = asyncio.Event()
        self.queue = Queue(desk, artist)
        self._replies = Replies(desk, artist, courier, self.counts)
        self._drawn: dict[int, tuple[Alert, ...]] = {}  # card -> what it was last compared with

    # -- the loop ----------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        wanted = {card.id for card in self._desk.cards.values() if not card.closed}
        self._drawn = {id_: alerts for id_, alerts in self._drawn.items() if id_ in wanted}
        self.queue.refused.keep(wanted)
        self._replies.keep(wanted)
        self._resting.intersection_update(wanted)
        self._woken.set()

    async def run(self) -> None:
        """For ever. What fails in one chat is in the log, and tried again with the next wake."""
        await asyncio.gather(self._dispatch(), self._ring())

    async def _dispatch(self) -> None:
        while True:
            self._woken.clear()
            now = self._clock.monotonic()
            for chat in self.queue.waiting():
                state = self._of(chat)
                if not state.working and now >= max(state.resume, state.alarm):
                    state.working = True
                    self._spawn(self._work(chat, state), f"delivery to {chat}")
            await self._woken.wait()

    async def _ring(self) -> None:
        """Wakes who waits for its time. Nobody sleeps in work of its own: a stop would wait for that."""
        while True:
            await self._clock.sleep(STEP)
            now = self._clock.monotonic()
            if any(0 < max(state.resume, state.alarm) <= now and not state.working for state in self._chats.values()):
                self._woken.set()

    async def _work(self, chat: int, state: Line) -> None:
        try:
            pause = await self.drain(chat)
            state.alarm = self._clock.monotonic() + pause if pause > 0 else 0.0
            if not pause and chat not in self._desk.parked:
                state.resume = 0.0
        finally:
            state.working = False

    async def drain(self, chat: int) -> float:
        """Sends what waits; gives the seconds until it is to be tried again, 0 where nothing is left for now."""
        state = self._of(chat)
        while True:
            now = self._clock.monotonic()
            if chat in self._desk.parked:
                if now < state.resume:
                    return 0.0
            elif now < state.resume:
                return state.resume - now
            job = self._job(chat, state)
            if job is None:
                return 0.0
            if isinstance(job, float):
                return job
            sent = await job
            if isinstance(sent, Undelivered):
                await self._failed(chat, state, sent)
            else:
                state.failures = 0
                if chat in self._desk.parked:
                    self._desk.park(chat, False)
                    await self._write(Dirty(parked={chat}))

    def unpark(self, chat: int) -> None:
        """Somebody asks for something there: it is worth a try."""
        self._of(chat).resume = 0.0

    def heard(self, chat: int, speaks: bool) -> None:
        """A sign of life of a chat; `speaks`: and the bot can surely speak there."""
        if chat not in self._desk.parked:
            return
        state, now = self._of(chat), self._clock.monotonic()
        state.resume = min(state.resume, now if speaks else max(now, state.failed + SIGN))
        self._woken.set()

    def moved(self, old: int, new: int) -> None:
        """The group `old` is the supergroup `new`. Its `Line` stays its own: somebody may be at work there."""
        log.info("alerts of group %d go to the supergroup %d", old, new)
        self._of(new).posts.extend(self._of(old).posts)
        self._desk.move(old, new)

    def returned(self) -> None:
        """Telegram answers again: nobody waits longer than Telegram itself wants, or than is good: what was perhaps
        shown is not hurried."""
        now = self._clock.monotonic()
        for chat, state in self._chats.items():
            if state.failures and chat not in self._desk.parked:
                state.resume = state.alarm = min(state.resume, max(now, state.soonest))
        self._woken.set()

    def _of(self, chat: int) -> Line:
        return self._chats.setdefault(chat, Line())

    # -- what is next ------------------------------------------------------------------------------------------------

    def _job(self, chat: int, state: Line) -> "Awaitable[Message | Undelivered | None] | float | None":
        """The next thing to do; seconds where the rate is used up; None: nothing."""
        post = self.queue.next(chat, self._clock.now())
        if post is not None:
            if (pause := state.pause(chat, self._clock.monotonic())) > 0:
                return pause
            return self._post_card(post, state) if isinstance(post, Card) else self._post_letters(post, state)
        resting, now = self.queue.refused.rests, self._clock.now()
        for card in self._desk.cards.values():
            if card.chat == chat and card.message is not None and not card.closed and not resting(card.id, now):
                alerts = self._artist.alerts(card)
                stale = self._drawn.get(card.id) != alerts
                if not stale and (job := self._replies.job(card)) is not None:
                    return job
                if stale or self._artist.over(card):
                    return self._edit(card, alerts)
        return self._live.job(chat)

    # -- sending -----------------------------------------------------------------------------------------------------

    async def _post_card(self, card: Card, state: Line) -> Message | Undelivered | None:
        alerts = self._artist.alerts(card)
        screen, mark = self._artist.draw(card, alerts)
        over = self._replies.closes(card)
        silent = card.silent or not self._artist.sounds(card)
        self._flying.add(card.id)
        try:
            sent = await self._courier.post(Place(chat=card.chat, topic=card.topic), screen, silent=silent)
            if isinstance(sent, Undelivered):
                if sent.why is Lost.REFUSED:
                    await self._refused(card, mark, sent)
                    return None
                self._desk.untell(card.id)
                return sent
            self.queue.refused.taken(card.id)
            await self._arrived(card.chat, sent, state)
            self._drawn[card.id] = alerts
            current = self._desk.cards.get(card.id, card)
            await self._keep(replace(current, message=sent.id, told=mark, closed=over))  # as it was when it was drawn
            return sent
        finally:
            self._flying.discard(card.id)
            if self.queue.refused.rests(card.id, self._clock.now()):
                self._resting.add(card.id)
            else:
                self._resting.discard(card.id)

    async def _post_letters(self, letters: Sequence[Outgoing], state: Line) -> Message | Undelivered | None:
        first = letters[0]
        sent = await self._replies.say(letters)
        dirty = Dirty(letters={letter.id for letter in letters})
        if isinstance(sent, Undelivered):
            if sent.why is not Lost.REFUSED:
                return sent
            self._trouble.dropped(first.chat, sent)
        else:
            await self._arrived(first.chat, sent, state)
            dirty.cards = self._replies.sent(letters, sent)
        for id_ in dirty.letters:
            self._desk.drop_letter(id_)
        await self._write(dirty)
        return sent if isinstance(sent, Message) else None

    async def _edit(self, card: Card, alerts: tuple[Alert, ...]) -> Message | Undelivered | None:
        screen, mark = self._artist.draw(card, alerts)
        over = self._replies.closes(card)
        if mark == card.told and not over:
            self._drawn[card.id] = alerts
            return None
        if mark != card.told and card.message is not None:
            place = Place(chat=card.chat, topic=card.topic)
            shown = await self._courier.revise(Message(place=place, id=card.message), screen)
            if isinstance(shown, Undelivered):
                if shown.why is Lost.MISSING:
                    self.counts["missing"] += 1
                    self._desk.missed(card)
                    await self._write(Dirty(cards={card.id}))
                    return None
                if shown.why is not Lost.REFUSED:
                    return shown
                if self.queue.refused.again(card.id, self._clock.now()):
                    if self.queue.refused.first(card.id):
                        self._trouble.dropped(card.chat, shown)
                    return None
            else:
                self.queue.refused.taken(card.id)
                self.counts["edited"] += 1
        self._drawn[card.id] = alerts
        current = self._desk.cards.get(card.id)
        if current is not None and current.message == card.message:
            await self._keep(replace(current, told=mark, closed=over))
        return None

    async def _arrived(self, asked: int, sent: Message, state: Line) -> None:
        """Elsewhere than asked for: the group has become a supergroup."""
        state.posts.append(self._clock.monotonic())
        self.counts["posted"] += 1
        new = sent.place.chat
        if new != asked:
            self.moved(asked, new)
            await self._write(None)

    # -- what went wrong ---------------------------------------------------------------------------------------------

    async def _failed(self, chat: int, state: Line, why: Undelivered) -> None:
        if self._trouble.failed(chat, state, why):
            self._desk.park(chat, True)
            await self._write(Dirty(parked={chat}))

    async def _refused(self, card: Card, mark: str, why: Undelivered) -> None:
        """Tried again for some hours: words that nobody knows may be about something that passes."""
        again = self.queue.refused.again(card.id, self._clock.now())
        if self.queue.refused.first(card.id):
            self._trouble.dropped(card.chat, why)
        if again:
            return
        await self._keep(replace(self._desk.cards.get(card.id, card), told=mark, closed=True))

    # -- the store ---------------------------------------------------------------------------------------------------

    async def _keep(self, card: Card) -> None:
        self._desk.put_card(card)
        await self._write(Dirty(cards={card.id}))

    async def _write(self, dirty: Dirty | None) -> None:
        """`dirty` None: all that changed. Where it fails it is saved with the next tick."""
        try:
            await self._desk.save(self._ledger, dirty)
        except StoreFailed as error:
            log.error("what Telegram has taken could not be written down yet: %s", error)
