"""What pages and taps change, of `ports.Watching`: durable on return. The reads: asked.py.

What somebody wants is written first, and only then so: whoever reads that it failed can rely on it that all is as it
was. What follows of it (which card says so, what is told now) is written after that or, where it fails, with the next
poll.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from bot import life
from bot.access import Asker
from bot.errors import StoreFailed
from bot.model import Alert, Habits, News, NewsKind, Route, Silence
from bot.ports import Changes
from bot.screen import Place, Screen
from bot.watch.asked import Asked
from bot.watch.table import merge
from bot.watch.tick import speak


class Changing(Asked):
    async def ack(self, numbers: Sequence[int], by: Asker) -> Sequence[Alert]:
        """Those that this acknowledged: open and not acknowledged before.

        Raises: StoreFailed; then none is.
        """
        now = self._clock.now()
        if wanted := self._acked(numbers, by, now):
            await self._durably(Changes(alerts=wanted, facts=self._table.facts))
        acked = self._acked([alert.number for alert in wanted], by, now)  # a poll may have changed them meanwhile
        tests = self._deliverer.ack([number for number in numbers if self._table.get(number) is None], by.name)
        if acked:
            self._table.put(acked)
            news = [News(kind=NewsKind.CHANGED, alert=alert) for alert in acked]
            with suppress(StoreFailed):
                await self._settle(Changes(alerts=acked), news)
        return [*acked, *tests]

    def _acked(self, numbers: Sequence[int], by: Asker, now: datetime) -> list[Alert]:
        """As those are once they are acknowledged that can be."""
        known = (self._table.get(number) for number in dict.fromkeys(numbers))
        return [new for alert in known if alert and (new := life.acknowledge(alert, by.name, now)) is not None]

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
        """Raises: StoreFailed; then there is none."""
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
        await self._durably(Changes(silences=[silence], facts=self._table.facts))
        self._table.silences[silence.id] = silence
        await self._hush()
        return silence

    async def unsilence(self, id_: int, by: Asker) -> bool:
        """False where it is in force no more. What it withheld, and what stands still, is told: at once, or by the next
        poll, which comes soon, where the rules have to look at it without the maintenance first.

        Raises: StoreFailed; then it is in force.
        """
        if id_ not in self._table.silences:
            return False
        await self._durably(Changes(silences_gone=[id_]))
        silence = self._table.silences.pop(id_, None)
        if silence is None:
            return False
        if not silence.maintenance:
            await self._hush()
            return True
        for post in self._posts.values():
            post.hurried = True
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

    async def _hush(self) -> None:
        """After a silence began or ended: at once, not at the next poll."""
        before = self._table.all()
        after = dict(before)
        news = list(speak(before, after, {}, self.silences(), self._clock.now()))
        changed = [alert for number, alert in after.items() if before[number] is not alert]
        self._table.put(changed)
        with suppress(StoreFailed):
            await self._settle(Changes(alerts=changed), news)

    async def _durably(self, changes: Changes) -> None:
        """Raises: StoreFailed. What still waits to be written counts as before it, and does not undo it."""
        await self._ledger.save(changes)
        self._unsaved = merge(self._unsaved, changes)

    async def _settle(self, changes: Changes, news: Sequence[News]) -> None:
        """Has the deliverer plan, writes all of it down in one transaction, and lets it send.

        Raises: StoreFailed. What was not written is written with the next, each by whose it is: what was planned may be
        sent, and done with, by then. It is told all the same: a full disk is no reason to be silent.
        """
        self._unsaved = merge(self._unsaved, changes)
        again, self._untold = self._untold, list(news)
        planned = self._deliverer.take(self._table.all(), [*again, *news], self.pulse())
        self._untold = []
        self._table.put(planned.alerts)
        mine, self._unsaved, saved = merge(self._unsaved, Changes(alerts=planned.alerts)), Changes(), False
        try:
            if changes := merge(mine, planned):
                await self._ledger.save(changes)
            saved = True
        except StoreFailed:
            self._unsaved = merge(mine, self._unsaved)
            raise
        finally:
            self._deliverer.wake(saved)
