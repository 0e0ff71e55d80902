"""What changes nothing in the cluster, but what people hear of it, stands in the audit like any other order.

Its line is written first: a silence of which nobody could tell who made it is made by nobody. Targets name the kind
(`guest main/101`), so that none is taken for an order to the cluster.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from bot.access import Asker
from bot.errors import StoreFailed
from bot.model import Alert, Silence
from bot.ports import Audit, Claim, Store, Watching
from bot.screen import Message, Place
from bot.text import Reader, Said, code, cut, day_clock, plain, say

T = TypeVar("T")

HEADLINE = 60
"""Columns of an alert's headline in the audit."""
NUMBERS = 10
_LASTS = re.compile(r"until (?P<at>[-0-9]{10} [:0-9]{5}) UTC(?:: (?P<reason>.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The changes of `Watching`, each with its line in the audit. Each raises StoreFailed; then all is as it
    was."""

    watch: Watching
    store: Store
    place: Place  # where it was asked

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
        return await self._written(
            by,
            "maintenance" if maintenance else "silence",
            target(about, cluster, value),
            lambda: self.watch.silence(about, cluster, value, until, by, reason=reason, maintenance=maintenance),
            lambda made: lasts(made.until, reason),
        )

    async def unsilence(self, silence: Silence, by: Asker, now: datetime) -> bool:
        """False where it is in force no more, or somebody ends it in this moment: `ended()` says who."""
        what = f"unsilence {silence.id}"
        if not self.watch.claims.claim(what, Claim(by=by.name, at=now, silence=silence)):
            return False
        done = False
        try:
            done = await self._written(
                by,
                "maintained" if silence.maintenance else "unsilence",
                target(silence.about, silence.cluster, silence.value),
                lambda: self.watch.unsilence(silence.id, by),
                lambda ended: "ok" if ended else "it was over",
            )
        finally:
            if not done:
                self.watch.claims.drop(what)
        return done

    def ended(self, id_: int) -> Claim | None:
        """Who ended that silence before its time, as far as that is known since the start."""
        return self.watch.claims.of(f"unsilence {id_}")

    async def ack(self, numbers: Sequence[int], by: Asker) -> Sequence[Alert]:
        """Those that this acknowledged. Where nothing is left to acknowledge, nothing is written of it."""
        known = (self.watch.alert(number) for number in numbers)
        numbers = [alert.number for alert in known if alert is not None and alert.open and alert.acked is None]
        if not numbers:
            return ()
        return await self._written(
            by,
            "ack",
            self._alerts(numbers),
            lambda: self.watch.ack(numbers, by),
            lambda acked: f"{len(acked)} acknowledged" if len(numbers) > 1 else "ok" if acked else "nothing left to do",
        )

    def _alerts(self, numbers: Sequence[int]) -> str:
        alert = self.watch.alert(numbers[0]) if len(numbers) == 1 else None
        if alert is not None:
            return f"alert {alert.number}: {cut(plain(alert.finding.said, Reader()), HEADLINE)}"
        more = f" and {len(numbers) - NUMBERS} more" if len(numbers) > NUMBERS else ""
        return f"alerts {', '.join(map(str, numbers[:NUMBERS]))}{more}"

    async def _written(
        self, by: Asker, action: str, target: str, change: Callable[[], Awaitable[T]], outcome: Callable[[T], str]
    ) -> T:
        order = await self.store.asked(by, Message(place=self.place, id=0), action, target, "")
        try:
            done = await change()
        except BaseException:
            with suppress(StoreFailed):
                await self.store.ended(order, "failed")
            raise
        with suppress(StoreFailed):  # it is done, and who asked for it stands there: nobody is told that it failed
            await self.store.ended(order, outcome(done))
        return done


def lasts(until: datetime, reason: str) -> str:
    """As the audit, and the file that it is given as, keep it: in UTC."""
    end = f"until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{end}: {reason}" if reason else end


def outcome_of(audit: Audit) -> Said:
    """As a chat reads it: what `lasts()` has kept by the chat's own clock, like the rest of its entry."""
    found = _LASTS.fullmatch(audit.outcome)
    try:
        until = datetime.strptime(found["at"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC) if found else None
    except ValueError:
        until = None
    if found is None or until is None or not 1 < until.year < 9999:  # in no zone may it leave the calendar
        return code(audit.outcome)
    reason = found["reason"]
    end = say("until {when}", when=day_clock(until))
    return say("{end}: {reason}", end=end, reason=code(reason)) if reason else end


def target(about: str, cluster: str, value: str) -> str:
    """`guest main/101`, `tag lab`, `everything`."""
    if about == "all":
        return "everything"
    return f"{about} {cluster}/{value}" if cluster and value else f"{about} {cluster or value}"
