"""What pages and taps ask of the watch: `ports.Watching`. Reads are from memory, changes durable on return."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from bot import life
from bot.access import Asker
from bot.errors import StoreFailed
from bot.model import Alert, Blind, Card, Habits, News, NewsKind, Phase, Record, Route, Silence
from bot.pages.alerting.alertwords import when
from bot.ports import Changes, Clock, Kept, Ledger, Pulse, Vitals, Why
from bot.rules import Limit, Rule
from bot.screen import Message, Place, Screen
from bot.text import Said, say
from bot.watch.post import Post
from bot.watch.table import Table, merge, record
from bot.watch.tick import speak
from bot.watch.why import why


class Delivering(Protocol):
    """deliver/: what is told, and where."""

    def load(self, kept: Kept) -> None: ...
    def take(self, alerts: Mapping[int, Alert], news: Sequence[News], pulse: Sequence[Pulse]) -> Changes: ...
    def wake(self) -> None: ...
    def needs(self, number: int) -> bool:
        """Has an alert that is over still to be shown somewhere?"""
        ...

    def accepted(self) -> frozenset[int]:
        """Numbers of alerts of which Telegram has taken a message somewhere."""
        ...

    def ack(self, numbers: Sequence[int], by: str) -> Sequence[Alert]:
        """Of its own alerts, the tests."""
        ...

    def told(self, alert: Alert, chat: int) -> Said: ...
    def alert(self, number: int) -> Alert | None: ...
    @property
    def depth(self) -> int: ...
    @property
    def behind(self) -> float: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    def card(self, id_: int) -> Card | None: ...
    def owns(self, message: Message) -> bool: ...
    def routes(self) -> Sequence[Route]: ...
    def habits(self, chat: int) -> Habits: ...
    async def subscribe(self, route: Route) -> None: ...
    async def unsubscribe(self, place: Place) -> bool: ...
    async def set_habits(self, habits: Habits) -> None: ...
    async def pin(self, place: Place) -> bool: ...
    async def unpin(self, place: Place) -> bool: ...
    async def test(self, place: Place, by: Asker) -> None: ...
    async def digest(self, chat: int) -> Screen: ...


class Asked:
    def __init__(
        self,
        ledger: Ledger,
        deliverer: Delivering,
        clock: Clock,
        rules: Mapping[str, Rule],
        poll: float,
        deaf: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._deliverer = deliverer
        self._clock = clock
        self._rules = rules
        self._poll = poll
        self._deaf = deaf
        self._table = Table()
        self._posts: dict[str, Post] = {}
        self._unsaved = Changes()
        self._untold: list[News] = []  # what the deliverer failed at, for one more try

    # -- reads ---------------------------------------------------------------------------------------------------------

    def alerts(self) -> Sequence[Alert]:
        """Open and pending ones, worst first, then newest. What is explained, or waits for what becomes of another, is
        not among them; `alert()` gives it."""
        hanging = self._hanging()
        standing = [
            alert
            for number, alert in self._table.all().items()
            if alert.phase is not Phase.OVER and alert.finding.last is None and number not in hanging
        ]
        return sorted(standing, key=lambda alert: (not alert.open, -alert.severity, -_newness(alert), -alert.number))

    def explained(self) -> Sequence[Alert]:
        """Newest first."""
        every = self._table.all().values()
        found = [alert for alert in every if alert.phase is Phase.PENDING and alert.finding.last is not None]
        return sorted(found, key=lambda alert: (-_newness(alert), -alert.number))

    def alert(self, number: int) -> Alert | None:
        return self._table.get(number) or self._deliverer.alert(number)

    def card(self, id_: int) -> Card | None:
        return self._deliverer.card(id_)

    def owns(self, message: Message) -> bool:
        return self._deliverer.owns(message)

    def blind(self) -> Sequence[Blind]:
        return [blind for post in self._posts.values() for blind in post.blind(self._rules.values())]

    def pulse(self) -> Sequence[Pulse]:
        mono = self._clock.monotonic()
        return [post.pulse(mono, self._poll) for post in self._posts.values()]

    def silences(self) -> Sequence[Silence]:
        """Those in force, the one that ends first first."""
        now = self._clock.now()
        return sorted((s for s in self._table.silences.values() if s.until > now), key=lambda s: (s.until, s.id))

    def routes(self) -> Sequence[Route]:
        return self._deliverer.routes()

    def habits(self, chat: int) -> Habits:
        return self._deliverer.habits(chat)

    def why(self, number: int, chat: int) -> Why | None:
        alert, now = self.alert(number), self._clock.now()
        if alert is None:
            return None
        silence = self._table.silences.get(alert.silenced)
        silenced = (
            say("Silenced by {name} until {time}.", name=silence.by, time=when(silence.until, now)) if silence else None
        )
        rule = self._rules.get(alert.finding.rule)
        told = self._deliverer.told(alert, chat)
        return why(alert, rule.help if rule is not None else None, told, silenced, now)

    def fires_in(self, number: int) -> float | None:
        """Seconds for which a pending alert has still to be found; None where it is not pending, or not to be told."""
        alert = self._table.get(number)
        if alert is None or alert.phase is not Phase.PENDING or alert.finding.last is not None:
            return None
        limit = self._limit(alert)
        hold = limit.hold if alert.finding.hold is None else alert.finding.hold
        polls = 0 if alert.finding.hold == 0 else limit.polls
        return max(0.0, hold - alert.held, (polls - alert.polls) * self._poll)

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        """Also of what is over, and is not written down as history yet. Raises: StoreFailed."""
        told = self._deliverer.accepted()
        over = [
            record(replace(one, told=one.told or one.number in told))
            for one in self._table.all().values()
            if one.phase is Phase.OVER and one.fired is not None
        ]
        kept = await self._ledger.history(limit, since)
        known = {one.number for one in kept}
        fresh = [one for one in over if one.number not in known and (since is None or one.fired >= since)]
        return sorted((*fresh, *kept), key=lambda one: (one.fired, one.number), reverse=True)[:limit]

    def _hanging(self) -> frozenset[int]:
        """Pending ones that hang on another that stands, where the watch knows."""
        return frozenset()

    def _limit(self, alert: Alert) -> Limit:
        """As the settings have it for this subject, where the watch knows them."""
        rule = self._rules.get(alert.finding.rule)
        return rule.limit if rule is not None else Limit()

    def vitals(self) -> Vitals:
        """For /healthz and /metrics: of the watch here, of delivery by the deliverer."""
        of = self._deliverer
        counts = {word: count for word, count in of.counts.items() if word not in {"posted", "edited"}}
        states = Counter((alert.phase.value, alert.severity.word) for alert in self._table.all().values())
        posts = self._posts
        return Vitals(
            pulse=self.pulse(),
            polls={key: post.polls for key, post in posts.items()},
            failures={key: post.failures for key, post in posts.items()},
            took={key: post.took for key, post in posts.items()},
            ticks={key: post.ticked for key, post in posts.items()},
            alerts=states,
            told=of.counts.get("posted", 0),
            lost=counts,
            outbox=of.depth,
            waiting=of.behind,
            deaf=self._deaf(),
        )

    # -- changes -------------------------------------------------------------------------------------------------------

    async def ack(self, numbers: Sequence[int], by: Asker) -> Sequence[Alert]:
        """Those that this acknowledged: open and not acknowledged before.

        Raises: StoreFailed; it is acknowledged all the same, until a restart.
        """
        now = self._clock.now()
        known = (self._table.get(number) for number in dict.fromkeys(numbers))
        acked = [new for alert in known if alert and (new := life.acknowledge(alert, by.name, now)) is not None]
        tests = self._deliverer.ack([number for number in numbers if self._table.get(number) is None], by.name)
        if acked:
            self._table.put(acked)
            news = [News(kind=NewsKind.CHANGED, alert=alert) for alert in acked]
            await self._settle(Changes(alerts=acked), news)
        return [*acked, *tests]

    async def silence(
        self,
        about: str,
        cluster: str,
        value: str,
        until: datetime,
        by: Asker,
        *,
        reason: str = "",
        maintenance: bool = False,
    ) -> Silence:
        """Raises: StoreFailed; it is in force all the same, until a restart."""
        silence = Silence(
            id=self._table.silence_id(),
            about=about,
            cluster=cluster,
            value=value,
            until=until,
            made=self._clock.now(),
            by=by.name,
            reason=reason,
            maintenance=maintenance,
        )
        self._table.silences[silence.id] = silence
        await self._hush(Changes(silences=[silence], facts=self._table.facts))
        return silence

    async def unsilence(self, id_: int, by: Asker) -> bool:
        """False where it is in force no more. What it withheld, and what stands still, is told.

        Raises: StoreFailed; it is lifted all the same, until a restart.
        """
        if self._table.silences.pop(id_, None) is None:
            return False
        await self._hush(Changes(silences_gone=[id_]))
        return True

    async def subscribe(self, route: Route) -> None:
        await self._deliverer.subscribe(route)

    async def unsubscribe(self, place: Place) -> bool:
        return await self._deliverer.unsubscribe(place)

    async def set_habits(self, habits: Habits) -> None:
        await self._deliverer.set_habits(habits)

    async def pin(self, place: Place) -> bool:
        return await self._deliverer.pin(place)

    async def unpin(self, place: Place) -> bool:
        return await self._deliverer.unpin(place)

    async def test(self, place: Place, by: Asker) -> None:
        await self._deliverer.test(place, by)

    async def digest(self, chat: int) -> Screen:
        return await self._deliverer.digest(chat)

    # -- what both have in common with the loop ------------------------------------------------------------------------

    async def _hush(self, changes: Changes) -> None:
        """After a silence began or ended: at once, not at the next poll."""
        before = self._table.all()
        after = dict(before)
        news = list(speak(before, after, {}, self.silences(), self._clock.now()))
        changed = [alert for number, alert in after.items() if before[number] is not alert]
        self._table.put(changed)
        await self._settle(merge(changes, Changes(alerts=changed)), news)

    async def _settle(self, changes: Changes, news: Sequence[News]) -> None:
        """Has the deliverer plan, writes all of it down in one transaction, and lets it send.

        Raises: StoreFailed. What was not written is written with the next; it is told all the same: a full disk is no
        reason to be silent.
        """
        self._unsaved = merge(self._unsaved, changes)
        cards = [self._deliverer.card(card.id) or card for card in self._unsaved.cards]
        self._unsaved = replace(self._unsaved, cards=cards)  # as they are by now, where an earlier save failed
        again, self._untold = self._untold, list(news)
        planned = self._deliverer.take(self._table.all(), [*again, *news], self.pulse())
        self._untold = []
        self._table.put(planned.alerts)
        changes, self._unsaved = merge(self._unsaved, planned), Changes()
        try:
            if changes:
                await self._ledger.save(changes)
        except StoreFailed:
            self._unsaved = merge(changes, self._unsaved)
            raise
        finally:
            self._deliverer.wake()


def _newness(alert: Alert) -> float:
    return (alert.fired or alert.found).timestamp()
