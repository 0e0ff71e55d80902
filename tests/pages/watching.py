"""A watch from memory (`ports.Watching`): what the pages and the taps of alerts ask, and what they change."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.access import Asker
from bot.model import Alert, Blind, Card, Habits, Phase, Record, Route, Silence, Subject
from bot.pages.alerting.alertwords import worst_first
from bot.pages.alerting.digestcard import digest
from bot.ports import Claims, Explanation, Pulse
from bot.screen import Message, Place, Screen
from bot.text import Said, say
from bot.watch.why import why
from tests.pages.fleets import NOW

PULSE = Pulse(cluster="main", name="homelab", polled=NOW, age=6.0, poll=15.0)


class Watch:
    def __init__(self, *alerts: Alert, now: datetime = NOW) -> None:
        self.now = now
        self.claims = Claims()
        self.sleeping: frozenset[str] = frozenset()
        self.silent: dict[str, Said] = {}  # why a rule tells nothing
        self.kept = {alert.number: alert for alert in alerts}
        self.cards: dict[int, Card] = {}
        self.owned: set[tuple[int, int]] = set()
        self.mended: set[tuple[int, str, str]] = set()  # chat, action, target
        self.blinds: list[Blind] = []
        self.pulses = [PULSE]
        self.quiet: list[Silence] = []
        self.told: list[Route] = []
        self.ways: dict[int, Habits] = {}
        self.records: list[Record] = []
        self.looked: list[str] = []  # who had all read again
        self.pinned: list[Place] = []
        self.tests: list[tuple[Place, int]] = []
        self.fails: Exception | None = None

    def alerts(self) -> Sequence[Alert]:
        standing = (alert for alert in self.kept.values() if alert.phase is not Phase.OVER)
        return worst_first(alert for alert in standing if alert.finding.last is None)

    def explained(self) -> Sequence[Alert]:
        return [alert for alert in self.kept.values() if alert.phase is Phase.PENDING and alert.finding.last]

    def look_again(self, by: Asker) -> bool:
        self.looked.append(by.name)
        return len(self.looked) == 1

    def alert(self, number: int) -> Alert | None:
        return self.kept.get(number)

    def card(self, id_: int) -> Card | None:
        return self.cards.get(id_)

    def owns(self, message: Message) -> bool:
        return (message.place.chat, message.id) in self.owned

    def mends(self, chat: int, action: str, target: str) -> bool:
        return (chat, action, target) in self.mended

    def blind(self) -> Sequence[Blind]:
        return self.blinds

    def pulse(self) -> Sequence[Pulse]:
        return self.pulses

    def silences(self) -> Sequence[Silence]:
        return self.quiet

    def routes(self) -> Sequence[Route]:
        return self.told

    def habits(self, chat: int) -> Habits:
        return self.ways.get(chat, Habits(chat=chat))

    def why(self, number: int, chat: int) -> Explanation | None:
        alert = self.kept.get(number)
        if alert is None:
            return None
        return why(alert, "a guest stops that nobody has ordered to stop", say("Told here at 14:01."), None, hold=60.0)

    def reasons(self, subject: Subject, rules: Sequence[str]) -> Mapping[str, Said]:
        return {key: why for key, why in self.silent.items() if key in rules}

    def fires_in(self, number: int) -> float | None:
        alert = self.kept.get(number)
        return 30.0 if alert is not None and alert.phase is Phase.PENDING and alert.finding.last is None else None

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        return [one for one in self.records if since is None or one.fired >= since][:limit]

    def _failing(self) -> None:
        if self.fails is not None:
            raise self.fails

    async def ack(self, numbers: Sequence[int], by: Asker) -> Sequence[Alert]:
        self._failing()
        done = [alert for n in numbers if (alert := self.kept.get(n)) is not None and alert.open and not alert.acked]
        for alert in done:
            self.kept[alert.number] = replace(alert, acked=self.now, acked_by=by.name)
        return [self.kept[alert.number] for alert in done]

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
        self._failing()
        made = Silence(
            id=len(self.quiet) + 1,
            about=about,
            cluster=cluster,
            value=value,
            until=until,
            made=self.now,
            by=by.name,
            reason=reason,
            maintenance=maintenance,
        )
        self.quiet.append(made)
        return made

    async def unsilence(self, id_: int, by: Asker) -> bool:
        self._failing()
        before = len(self.quiet)
        self.quiet = [silence for silence in self.quiet if silence.id != id_]
        return len(self.quiet) < before

    async def subscribe(self, route: Route) -> None:
        self._failing()
        self.told = [one for one in self.told if one.settings or (one.chat, one.topic) != (route.chat, route.topic)]
        self.told.append(route)

    async def unsubscribe(self, place: Place) -> bool:
        self._failing()
        before = len(self.told)
        self.told = [one for one in self.told if one.settings or (one.chat, one.topic) != (place.chat, place.topic)]
        return len(self.told) < before

    async def set_habits(self, habits: Habits) -> None:
        self._failing()
        self.ways[habits.chat] = habits

    async def pin(self, place: Place) -> bool:
        self._failing()
        self.pinned.append(place)
        return True

    async def unpin(self, place: Place) -> bool:
        self._failing()
        had = place in self.pinned
        self.pinned = [one for one in self.pinned if one != place]
        return had

    async def test(self, place: Place, by: Asker) -> None:
        self._failing()
        self.tests.append((place, by.id))

    async def digest(self, chat: int) -> Screen:
        said = digest(self.kept.values(), begin=NOW, end=NOW, night=False, clusters={"main": "homelab"}, now=self.now)
        return Screen(text=said)
