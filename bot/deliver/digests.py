"""The digests: what the quiet hours kept, told when they end, and the infos of a day.

Both are one letter where they are due together. What a digest tells that can still be acted on gets its card as well,
without a sound of its own; events, and what is over, need none, and are noted as told by a card that is never sent.
Every warning of a night is in its digest, also one that was over before anybody heard of it; of infos those that stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from bot.clock import AHEAD
from bot.deliver.desk import Desk, read_time
from bot.deliver.hours import last_digest, last_night, monday, night
from bot.deliver.plan import GROUP_WAIT, Scene, Why, digested, level, same, sounds, wanted, why
from bot.model import Alert, Card, CardHead, Habits, LetterKind, NeverSent, Outgoing, Phase, Route, Severity
from bot.pages.alerting import digestcard
from bot.screen import Place
from bot.text import EMPTY, Said, lines

DUE = ("deliver.night.", "deliver.digest.", "deliver.since.")
"""Facts that hold a time, each of one chat."""


class Digests:
    """What is told apart from the moment it happens; and the rows that planning.py writes, too."""

    def __init__(self, desk: Desk, names: Mapping[str, str], zone: tzinfo | None, scale: float) -> None:
        self.desk = desk
        self.names = names
        self.zone = zone
        self.scale = scale
        self._seen: dict[int, float] = {}  # number -> monotonic seconds at which it was first seen to be told
        self._hushed: set[int] = set()  # chats whose digest has just sounded

    def parents(self) -> dict[str, Alert]:
        """What others hang on, by key: the one that is open or, where none is, the latest."""
        alerts = self.desk.alerts.values()
        keys = {alert.parent for alert in alerts if alert.parent}
        found = (
            sorted((one for one in alerts if one.key in keys), key=lambda one: (one.open, one.number)) if keys else ()
        )
        return {alert.key: alert for alert in found}

    def scene(self, place: Place, routes: Sequence[Route], now: datetime) -> Scene:
        quiet = night(self.desk.habit(place.chat), now, self.zone) is not None
        return Scene(place=place, routes=routes, covered=self.desk.covered(place), quiet=quiet)

    def why(self, alert: Alert, scene: Scene, parents: Mapping[str, Alert], monotonic: float) -> Why:
        waited = monotonic - self._seen.get(alert.number, monotonic)
        return why(alert, scene, parents, waited, GROUP_WAIT * self.scale)

    def write(
        self,
        place: Place,
        kind: LetterKind,
        said: Said,
        now: datetime,
        *,
        alert: int = 0,
        n: int = 0,
        card: int = 0,
        silent: bool = True,
        after: datetime | None = None,
    ) -> None:
        """A letter, unless the same waits already."""
        letter = Outgoing(
            id=0, chat=place.chat, topic=place.topic, alert=alert, kind=kind, n=n, card=card, said=said,
            silent=silent, made=now, after=after,
        )  # fmt: skip
        if not any(same(letter, other) for other in self.desk.outbox.values()):
            self.desk.put_letter(replace(letter, id=self.desk.number()))

    def unwrite(self, place: Place, kind: LetterKind, alert: int) -> None:
        """Letters of this that were not sent yet: what follows says all of it."""
        for letter in list(self.desk.outbox.values()):
            if (letter.chat, letter.topic, letter.kind, letter.alert) == (place.chat, place.topic, kind, alert):
                self.desk.drop_letter(letter.id)

    def show(
        self, place: Place, numbers: Iterable[int], now: datetime, *, head: CardHead = CardHead.PLAIN,
        silent: bool = False, told: NeverSent | None = None,
    ) -> Card:  # fmt: skip
        """A card. `told`: how these were told in another way, and need none: it is never sent."""
        card = Card(
            id=self.desk.number(), chat=place.chat, topic=place.topic, alerts=tuple(numbers), made=now, head=head,
            silent=silent, closed=bool(told), told=told or "",
        )  # fmt: skip
        self.desk.put_card(card)
        return card

    # -- digests ---------------------------------------------------------------------------------------------------

    def right(self, now: datetime) -> None:
        """What was written down while the clock was ahead counts as of now: no digest waits for that date."""
        for key, value in list(self.desk.facts.items()):
            if key.startswith(DUE) and (at := read_time(value)) is not None and at - now > AHEAD:
                self.desk.fact(key, now.isoformat())

    def digests(self, now: datetime, monotonic: float) -> None:
        by_chat: dict[int, list[Place]] = {}
        for place in self.desk.places():
            by_chat.setdefault(place.chat, []).append(place)
        for chat, places in by_chat.items():
            parts = (self._night(chat, places, now, monotonic), self._daily(chat, places, now))
            said = [part for part, _ in filter(None, parts)]
            if not said:
                continue
            loud = any(sound for _, sound in filter(None, parts))
            whole = said[0] if len(said) == 1 else lines(said[0], EMPTY, said[1])
            place, n = self._digest_place(chat, places), int(now.timestamp())
            self.write(place, LetterKind.DIGEST, whole, now, n=n, silent=not loud)
            if loud:
                self._hushed.add(chat)

    def _passed(self, key: str, due: datetime | None, now: datetime) -> datetime | None:
        """When it was passed before, where `due` is passed for the first time; kept for the next time."""
        if due is None:
            return None
        before = read_time(self.desk.facts.get(key))
        if before is not None and before >= due:
            return None
        self.desk.fact(key, (now if before is None else due).isoformat())
        return before

    def _night(self, chat: int, places: Sequence[Place], now: datetime, monotonic: float) -> tuple[Said, bool] | None:
        span = last_night(self.desk.habit(chat), now, self.zone)
        if span is None or self._passed(f"deliver.night.{chat}", span[1], now) is None:
            return None
        found = self.of_night(chat, places, span, now, monotonic)
        if not found:
            return None
        self._note(places, found, now)
        begin, end = span
        said = digestcard.digest(found, begin=begin, end=end, night=True, clusters=self.names, now=now)
        known = self.desk.accepted()
        return said, any(sounds(alert, quiet=False) and alert.number not in known for alert in found)

    def untold(self, chat: int, now: datetime) -> tuple[datetime, datetime] | None:
        """The quiet hours that last, or whose digest is still to be made."""
        habits = self.desk.habit(chat)
        if (lasting := night(habits, now, self.zone)) is not None:
            return lasting
        span = last_night(habits, now, self.zone)
        made = read_time(self.desk.facts.get(f"deliver.night.{chat}"))
        return span if span is not None and made is not None and made < span[1] else None

    def of_night(
        self, chat: int, places: Sequence[Place], span: tuple[datetime, datetime], now: datetime, monotonic: float
    ) -> list[Alert]:
        """What the quiet hours kept, and what became of what was told; of infos a pair is left out."""
        begin, end = span
        parents = self.parents()
        routes = self.desk.places()
        found: dict[int, Alert] = {}
        for place in places:
            day = replace(self.scene(place, routes[place], now), quiet=False)
            above = self._above(day)
            for number, alert in self.desk.alerts.items():
                if alert.fired is None or not wanted(day.routes, alert):
                    continue
                shown = number in day.covered
                kept = self.why(alert, day, parents, monotonic) in (Why.DUE, Why.WAITING) and alert.fired < end
                told = shown and begin <= alert.fired < end and level(alert) is Severity.CRITICAL
                over = shown and alert.over is not None and begin <= alert.over < end and not alert.finding.event
                if kept or told or over or self._missed(alert, day, above, span):
                    found[number] = replace(alert, told=shown)
        return list(found.values())

    def missed(self, alert: Alert, scene: Scene, span: tuple[datetime, datetime]) -> bool:
        """Has it passed in these quiet hours, and nobody was told? Their digest tells it."""
        return self._missed(alert, scene, self._above(scene), span)

    def _missed(self, alert: Alert, scene: Scene, above: frozenset[str], span: tuple[datetime, datetime]) -> bool:
        """A warning, or worse, that is over, and by day would have been told. `above`: keys of what could list it."""
        if alert.phase is not Phase.OVER or alert.finding.event or alert.number in scene.covered:
            return False
        if alert.fired is None or alert.over is None or not (alert.fired < span[1] and alert.over >= span[0]):
            return False
        if level(alert) < Severity.WARNING or alert.silenced or alert.finding.last is not None:
            return False
        if not wanted(scene.routes, alert) or (alert.parent != alert.key and alert.parent in above):
            return False
        lasted = (alert.over - alert.fired).total_seconds()
        return lasted >= GROUP_WAIT * self.scale or level(alert) is Severity.CRITICAL

    def _above(self, scene: Scene) -> frozenset[str]:
        return frozenset(alert.key for alert in self.desk.alerts.values() if wanted(scene.routes, alert))

    def cut_short(self, habits: Habits, now: datetime, monotonic: float) -> None:
        """A chat is about to change its quiet hours to `habits`. Where they end with that, so does what they kept:
        what is over is told now, without a sound; the rest gets its cards."""
        span = self.untold(habits.chat, now)
        places = [place for place in self.desk.places() if place.chat == habits.chat]
        if span is None or not places or night(habits, now, self.zone) is not None:
            return
        begin, end = span[0], min(span[1], now)
        found = [
            one for one in self.of_night(habits.chat, places, (begin, end), now, monotonic) if one.over is not None
        ]
        found = [one for one in found if not one.told and not one.finding.event]
        if found:
            said = digestcard.digest(found, begin=begin, end=end, night=True, clusters=self.names, now=now)
            self.write(self._digest_place(habits.chat, places), LetterKind.DIGEST, said, now, n=int(now.timestamp()))
            self._note(places, found, now)

    def _digest_place(self, chat: int, places: Sequence[Place]) -> Place:
        topic = self.desk.habit(chat).digest_topic
        return Place(chat=chat, topic=topic) if topic is not None else places[0]

    def _daily(self, chat: int, places: Sequence[Place], now: datetime) -> tuple[Said, bool] | None:
        habits = self.desk.habit(chat)
        due, since = last_digest(habits, now, self.zone), self.since(chat)
        before = self._passed(f"deliver.digest.{chat}", due, now)
        if due is None or before is None:
            return None
        if self.desk.facts.get(f"deliver.since.{chat}"):
            self.desk.fact(f"deliver.since.{chat}", "")
        before = since or before
        found = self.of_day(places, before, whole=monday(habits, due, self.zone))
        if not found:
            return None
        said = digestcard.digest(found, begin=before, end=due, night=False, clusters=self.names, now=now)
        self._note(places, found, now)
        return said, False

    def since(self, chat: int) -> datetime | None:
        """From when on the next daily digest tells; None: there was none before."""
        facts = self.desk.facts
        return read_time(facts.get(f"deliver.since.{chat}")) or read_time(facts.get(f"deliver.digest.{chat}"))

    def changed(self, habits: Habits, now: datetime, monotonic: float) -> None:
        """Before these are taken over: what the old ones kept."""
        before = self.desk.habit(habits.chat)
        if (before.quiet_from, before.quiet_to, before.zone) != (habits.quiet_from, habits.quiet_to, habits.zone):
            self.cut_short(habits, now, monotonic)
            self.desk.fact(f"deliver.night.{habits.chat}", now.isoformat())  # the night that is over was none
        if (before.digest, before.zone) == (habits.digest, habits.zone):
            return
        if before.digest is not None:
            self._postpone(habits.chat, now)
        else:
            self.desk.fact(f"deliver.digest.{habits.chat}", now.isoformat())
            self.desk.fact(f"deliver.since.{habits.chat}", "")

    def _postpone(self, chat: int, now: datetime) -> None:
        """The hour of the daily digest is another from now on: none comes at once, and the next tells what this one
        would have."""
        if (since := self.since(chat)) is not None:
            self.desk.fact(f"deliver.since.{chat}", since.isoformat())
        self.desk.fact(f"deliver.digest.{chat}", now.isoformat())

    def _note(self, places: Sequence[Place], found: Sequence[Alert], now: datetime) -> None:
        """What a digest tells for good."""
        for place in places:
            covered = self.desk.covered(place)
            told = [one.number for one in found if one.phase is Phase.OVER and one.number not in covered]
            if told:
                self.show(place, told, now, told=NeverSent.DIGEST)

    def of_day(self, places: Sequence[Place], since: datetime, *, whole: bool) -> list[Alert]:
        """What is for the daily digest: what came since, and once a week what is still open."""
        routes = self.desk.places()
        return [
            alert
            for alert in self.desk.alerts.values()
            if digested(alert)
            and not alert.silenced
            and alert.fired is not None
            and (alert.fired >= since or (whole and alert.open))
            and (alert.open or alert.finding.event)
            and any(wanted(routes.get(place, ()), alert) for place in places)
        ]
