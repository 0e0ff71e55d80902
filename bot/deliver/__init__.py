"""What is told and where: each card made equal to what is wanted, and the outbox sent, at least once.

    watch ── take(alerts, news, pulse) ──▶ Changes ── saved with the watch's, in one transaction ──▶ wake()
                                                                                                      │
    Telegram ◀── courier ◀── sender.py: each chat on its own, drawn at sending ◀──────────────────────┘

hours      quiet hours and the digest's hour, in a chat's zone         queue    what is sent next
plan       who is told of what, how loud: pure                         draw     what a card looks like, does it sound
planning   take(): cards from what is open, letters from news          live     the pinned line
digests    what is told later                                          sender   the loop, and what Telegram says
desk       all of it in memory                                         trouble  waiting, parking
unwritten  what of it the store lacks                                  words    /why, the audit's notes
unsent     what waits, and need not be sent any more                   saying   how letters are said
replies    letters that sound beside a card, until their end           trial    test alerts
today      what the digests would say now
"""

import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import tzinfo
from typing import Any

from bot.access import Asker, Role
from bot.deliver import today, words
from bot.deliver.desk import Desk
from bot.deliver.draw import Artist
from bot.deliver.live import Live
from bot.deliver.plan import Why, why
from bot.deliver.planning import Planner
from bot.deliver.sender import Sender
from bot.deliver.trial import acked, trial_alert
from bot.deliver.unwritten import Dirty
from bot.errors import StoreFailed
from bot.model import Alert, Card, Fleet, Habits, LetterKind, NeverSent, News, Route
from bot.ports import Audit, Changes, Clock, Courier, Kept, Ledger, Pulse, Spawner
from bot.screen import Message, Place, Screen
from bot.text import Said

__all__ = ["Deliverer"]

log = logging.getLogger(__name__)


class Deliverer:
    def __init__(
        self,
        ledger: Ledger,
        courier: Courier,
        clock: Clock,
        spawn: Spawner,
        *,
        ceiling: Callable[[int], Role | None],
        routes: Iterable[Route] = (),
        acts: Callable[[], bool] = lambda: True,
        clusters: Mapping[str, str] | None = None,
        tell: Callable[[Said], Coroutine[Any, Any, None]] | None = None,
        fleet: Callable[[], Fleet | None] = lambda: None,
        zone: tzinfo | None = None,
        scale: float = 1.0,
    ) -> None:
        """`ceiling`: the most that anybody could press in a chat. `routes`: from the settings. `acts`: can anything be
        done (a power token, no freeze)? `clusters`: names by key; pulses bring them up to date. `tell`: a line to the
        admins. `fleet`: as last read, for names. `zone`: the machine's. `scale`: TIME_SCALE.
        """
        self._ledger, self._clock, self._spawn, self._fleet = ledger, clock, spawn, fleet
        self._names = dict(clusters or {})
        self._taken: deque[Dirty] = deque()  # what take() gave, and is not known to be durable
        self._ceiling = ceiling
        self._desk = Desk(replace(route, settings=True) for route in routes)
        self._planner = Planner(self._desk, self._names, zone, scale)
        artist = Artist(self._desk, self._planner, clock, ceiling, acts)
        self._live = Live(self._desk, self._planner, ledger, courier, clock)
        self._sender = Sender(
            self._desk,
            ledger,
            courier,
            clock,
            spawn,
            artist,
            self._live,
            flying=self._planner.flying,
            resting=self._planner.resting,
            tell=tell,
        )

    # -- the watch's side --------------------------------------------------------------------------------------------

    def load(self, kept: Kept) -> None:
        """At start, before anything else."""
        self._desk.load(kept)
        self._planner.begin(self._clock.now(), self._clock.monotonic())

    async def forsake(self) -> None:
        """At start, once the roles are known: who has none any more is told nothing. Where that cannot be
        written down, it is with the first poll that can."""
        if lost := self._desk.forsake(self._ceiling):
            log.info("told no more, since they have no role: %s", ", ".join(map(str, sorted(lost))))
        await self._followed(None)

    def take(self, alerts: Mapping[int, Alert], news: Sequence[News], pulse: Sequence[Pulse] = ()) -> Changes:
        """After each tick: all alerts of all clusters as they are now, and what is new. No I/O.

        The Changes are to be saved together with the watch's own; then `wake()`. Their `alerts` are those of `alerts`
        that somebody has been told of since (`Alert.told`): the watch goes on with these.
        """
        if pulse:
            self._live.pulse = tuple(pulse)
            self._names.update({one.cluster: one.name for one in pulse})
        self._planner.take(alerts, news, self._clock.now(), self._clock.monotonic())
        known = self._desk.accepted()
        told = [replace(alert, told=True) for alert in alerts.values() if not alert.told and alert.number in known]
        batch = self._desk.unwritten.hand()
        self._taken.append(batch)
        return self._desk.written(batch, told)

    def wake(self, saved: bool = True) -> None:
        """What the first take() gave that had no answer yet is durable or, where it was not `saved`, has to be sent
        before it is: it is given again."""
        if self._taken:
            batch = self._taken.popleft()
            (self._desk.unwritten.saved if saved else self._desk.unwritten.failed)(batch)
        self._sender.wake()

    async def run(self) -> None:
        """Sends, for ever."""
        await self._sender.run()

    def heard(self, chat: int, speaks: bool) -> None:
        """A sign of life of a chat; `speaks`: and the bot can surely speak there. What waits for it is tried."""
        self._sender.heard(chat, speaks)

    def moved(self, old: int, new: int) -> None:
        """The group `old` is the supergroup `new`, as was heard now or by a former process."""
        self._sender.moved(old, new)
        self._spawn(self._flush(None), "a group moved")

    def returned(self) -> None:
        """Telegram answers again, after it had not: what waits is sent."""
        self._sender.returned()

    async def drain(self, chat: int) -> float:
        """Sends what waits in one chat, once; seconds until it is to be tried again, 0: nothing is left."""
        return await self._sender.drain(chat)

    def chats(self) -> set[int]:
        """Where something may have to be sent, or edited."""
        return self._sender.queue.waiting()

    def accepted(self) -> frozenset[int]:
        """Numbers of alerts of which Telegram has taken a message somewhere."""
        return self._desk.accepted()

    def needed(self, numbers: Iterable[int]) -> set[int]:
        """Those, of alerts that are over, still to be shown somewhere: the watch keeps them, and hands them on."""
        known = self._desk.alerts
        return self._planner.needed([known[number] for number in numbers if number in known], self._clock.now())

    @property
    def depth(self) -> int:
        """Messages that wait to be sent."""
        return self._sender.queue.depth

    @property
    def behind(self) -> float:
        """Seconds for which the oldest message waits that could be sent."""
        return self._sender.queue.behind(self._clock.now())

    @property
    def unheard(self) -> bool:
        """Can no chat that is to be told be written to? Where none is to be, nobody is missing."""
        chats = {route.chat for route in self._desk.routes()}
        return bool(chats) and chats <= self._desk.parked

    @property
    def counts(self) -> Mapping[str, int]:
        """Since the start: posted, edited, and what went wrong, by the value of Lost."""
        return self._sender.counts

    # -- what the pages ask ------------------------------------------------------------------------------------------

    def alert(self, number: int) -> Alert | None:
        return self._desk.alerts.get(number)

    def card(self, id_: int) -> Card | None:
        return self._desk.cards.get(id_)

    def owns(self, message: Message) -> bool:
        return self._desk.owns(message)

    def mends(self, chat: int, action: str, target: str) -> bool:
        return self._desk.mends(chat, action, target)

    def routes(self) -> Sequence[Route]:
        return self._desk.routes()

    def habits(self, chat: int) -> Habits:
        return self._desk.habit(chat)

    def told(self, alert: Alert, chat: int) -> Said:
        return words.told(alert, chat, self._planner, self._clock.now(), self._clock.monotonic())

    async def digest(self, chat: int) -> Screen:
        """What the digests would say now."""
        return today.digest(self._planner, chat, self._clock.now(), self._clock.monotonic())

    # -- what the pages change: durable when it returns ----------------------------------------------------------------

    async def subscribe(self, route: Route) -> None:
        """What is open now is shown there at once, without a sound. Raises: StoreFailed; then all is as it was."""
        place, route = Place(chat=route.chat, topic=route.topic), replace(route, settings=False)
        await self._ledger.save(Changes(routes=(route,)))
        new = place not in self._desk.places()
        self._desk.put_route(route)
        if new:
            self._introduce(place)
        await self._followed(route.chat)

    def _introduce(self, place: Place) -> None:
        now, desk = self._clock.now(), self._desk
        scene = replace(self._planner.scene(place, desk.places()[place], now), quiet=False)
        parents, found = self._planner.parents(), list(desk.alerts.values())
        late = float("inf")  # nothing of it has to wait
        due = [one for one in found if why(one, scene, parents, late) is Why.DUE]
        if past := [alert.number for alert in due if not alert.open]:
            self._planner.show(place, past, now, told=NeverSent.ELSEWHERE)
        if open_ := [alert.number for alert in due if alert.open]:
            self._planner.show(place, open_, now, silent=True)

    async def unsubscribe(self, place: Place) -> bool:
        """False where it was not subscribed, or is by the settings. Raises: StoreFailed; then it is still."""
        if (place.chat, place.topic) not in self._desk.own:
            return False
        await self._ledger.save(Changes(routes_gone=((place.chat, place.topic),)))
        self._desk.drop_route(place.chat, place.topic)
        await self._followed(place.chat)
        return True

    async def set_habits(self, habits: Habits) -> None:
        """Raises: StoreFailed; then they are what they were."""
        before = self._desk.habit(habits.chat)
        await self._ledger.save(Changes(habits=(habits,)))
        mine = {
            one.name: new for one in fields(habits) if (new := getattr(habits, one.name)) != getattr(before, one.name)
        }
        habits = replace(self._desk.habit(habits.chat), **mine)  # somebody may have changed others meanwhile
        self._planner.changed(habits, self._clock.now(), self._clock.monotonic())
        self._desk.put_habits(habits)
        await self._followed(habits.chat)

    async def pin(self, place: Place) -> bool:
        self._sender.unpark(place.chat)
        return await self._live.begin(place)

    async def unpin(self, place: Place) -> bool:
        return await self._live.end(place)

    async def test(self, place: Place, by: Asker) -> None:
        """A test alert there, told like any other, over by itself after a minute: on a full disk too."""
        now, number = self._clock.now(), -self._desk.number()
        alert = trial_alert(number, by, now)
        self._desk.know({**self._desk.alerts, number: alert})
        self._planner.show(place, (number,), now)
        await self._followed(place.chat)

    def ack(self, numbers: Sequence[int], by: str) -> Sequence[Alert]:
        """Test alerts are acknowledged here: the watch knows none of them."""
        done = acked(self._desk.alerts, numbers, by, self._clock.now())
        self._desk.know({**self._desk.alerts, **{alert.number: alert for alert in done}})
        if done:
            self._sender.wake()
        return done

    async def audited(self, audit: Audit) -> None:
        """A write was asked for, or has ended: one silent note where a chat wants the audit. Raises: StoreFailed."""
        now, end, fleet = self._clock.now(), audit.ended is not None, self._fleet()
        self._planner.ordered.heard(audit, now)
        said = words.ended(audit, fleet) if end else words.asked(audit, fleet)
        chats = [habits for habits in self._desk.habits.values() if habits.audit]
        for habits in chats:
            place = Place(chat=habits.chat, topic=habits.audit_topic)
            if end:
                self._planner.unwrite(place, LetterKind.AUDIT, audit.id)
            self._planner.write(place, LetterKind.AUDIT, said, now, alert=audit.id, n=int(end))
        if chats:
            await self._flush(None)

    async def _followed(self, chat: int | None) -> None:
        """What follows of what is durable: where it cannot be written, it is with the next poll."""
        with suppress(StoreFailed):
            await self._flush(chat)

    async def _flush(self, chat: int | None) -> None:
        if chat is not None:
            self._sender.unpark(chat)
        await self._desk.save(self._ledger)
        self._sender.wake()
