"""take(): from what is open now, and what is new, to the rows of what is to be sent. No I/O.

Cards are not planned from news but from what is open and stands on no card yet, so that a restart, a lost tick, or a
route made in between loses nothing. Letters (an escalation, a reminder, a recovery) come from news, which the watch
gives in the same transaction as the alert that it is about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from bot.deliver.desk import Desk
from bot.deliver.digests import Digests
from bot.deliver.hours import night
from bot.deliver.ordered import Ordered
from bot.deliver.plan import GROUP_WAIT, Scene, Why, above, digested, heads, level, sounds, urgent, wanted
from bot.deliver.trial import TEST_LASTS
from bot.deliver.unsent import OF_OPEN, forget, withhold
from bot.model import Alert, LetterKind, NeverSent, News, NewsKind, Phase, Severity
from bot.pages.alerting import alertcard
from bot.screen import Place

KINDS = {
    NewsKind.ESCALATED: LetterKind.ESCALATE,
    NewsKind.REMINDED: LetterKind.REMIND,
    NewsKind.STEADY: LetterKind.STEADY,
    NewsKind.RESOLVED: LetterKind.RECOVER,
    NewsKind.BACK: LetterKind.RECOVER,  # Telegram may have taken its card since the watch last knew
}


class Planner(Digests):
    def __init__(self, desk: Desk, names: Mapping[str, str], zone: tzinfo | None = None, scale: float = 1.0) -> None:
        """`names` of clusters, by key. `zone`: the machine's, where a chat names none; None is what the system says."""
        super().__init__(desk, names, zone, scale)
        self.flying: set[int] = set()  # ids of cards that are being sent
        self.resting: set[int] = set()  # and of those that Telegram has refused: nothing joins them
        self.ordered = Ordered()
        self._under: set[int] = set()  # numbers of alerts that were inhibited at the last tick
        self._waiting: dict[Place, frozenset[int]] = {}  # numbers of alerts that were to be told after the last tick

    def begin(self, now: datetime, monotonic: float) -> None:
        """After load(): what fired before the restart has waited since then."""
        self.right(now)
        for alert in self.desk.alerts.values():
            if alert.fired is not None:
                waited = min(max(0.0, (now - alert.fired).total_seconds()), GROUP_WAIT * self.scale)
                self._seen[alert.number] = monotonic - waited
        parents = self.parents()
        for place, routes in self.desk.places().items():
            self._waiting[place] = self._kept_back(self.scene(place, routes, now), parents, monotonic)

    def take(self, alerts: Mapping[int, Alert], news: Sequence[News], now: datetime, monotonic: float) -> None:
        self._merge(alerts, now)
        self.right(now)
        parents = self.parents()
        for number, alert in self.desk.alerts.items():
            if alert.fired is not None:
                self._seen.setdefault(number, monotonic)
        self._seen = {number: at for number, at in self._seen.items() if number in self.desk.alerts}
        under = {alert.number for alert in self.desk.alerts.values() if above(alert, parents) is not None}
        for number in self._under - under:  # it waits anew: it may go with its parent
            self._seen[number] = monotonic
        self._under = under
        self._hushed.clear()
        for item in news:
            self._letters(item, now)
        self.digests(now, monotonic)
        for place in self.desk.places():
            self._cards(place, parents, now, monotonic)
        forget(self.desk, self.flying, now)
        withhold(self.desk, now, self.zone)

    def needed(self, alerts: Iterable[Alert], now: datetime) -> set[int]:
        """Numbers of those, all over, that are still to be shown somewhere."""
        desk = self.desk
        waits = {
            letter.chat for letter in desk.outbox.values() if letter.kind is LetterKind.DIGEST
        }  # not known before it is sent
        found = {letter.alert for letter in desk.outbox.values()}
        for card in desk.cards.values():
            if not card.closed or card.chat in waits:
                found.update(card.alerts)
        needed = {alert.number for alert in alerts if alert.number in found}
        left = [alert for alert in alerts if alert.number not in found and alert.fired is not None]
        for place, routes in desk.places().items() if left else ():
            quiet, covered = self.untold(place.chat, now), desk.covered(place)
            for alert in left:
                late = quiet is not None and alert.over is not None and alert.over >= quiet[0]
                event = alert.finding.event and not alert.silenced and alert.number not in covered
                if (late or (event and self._awaits(alert, place.chat))) and wanted(routes, alert):
                    needed.add(alert.number)
        return needed

    def _awaits(self, alert: Alert, chat: int) -> bool:
        """Will something tell of an event that nothing has told yet? A daily digest, only where one comes."""
        if not digested(alert):
            return True
        since = self.since(chat)
        return self.desk.habit(chat).digest is not None and (since is None or (alert.fired or alert.found) >= since)

    # -- steps of take() -------------------------------------------------------------------------------------------

    def _merge(self, alerts: Mapping[int, Alert], now: datetime) -> None:
        """What the watch no longer has is kept for as long as an open card shows it, and is over: nothing else would
        ever end it there."""
        shown = {number for card in self.desk.cards.values() if not card.closed for number in card.alerts}
        left = {number: alert for number, alert in self.desk.alerts.items() if number in shown and number not in alerts}
        for number, alert in left.items():
            lasts = number < 0 and (now - alert.found).total_seconds() < TEST_LASTS * self.scale
            if alert.phase is not Phase.OVER and not lasts:
                left[number] = replace(alert, phase=Phase.OVER, over=now)
        self.desk.know({**left, **alerts})

    def _letters(self, item: News, now: datetime) -> None:
        alert = item.alert
        kind = KINDS.get(item.kind)
        over = kind is LetterKind.RECOVER
        if kind is None or alert.silenced:
            return
        if alert.flapping is not None and alert.flapping > now and item.kind is not NewsKind.ESCALATED:
            return
        if alert.parent and not over:
            return  # what was told by itself is over by itself, whatever it hangs on by now
        if over and (alert.acked is not None or level(alert) is not Severity.CRITICAL):
            return  # the card turns green, and that is enough
        if over and alert.finding.unwell is not None:
            return  # no good news: what is wrong now tells of itself
        for place, routes in self.desk.places().items():
            card = self.desk.card_of(place, alert.number)
            if card is None or not wanted(routes, alert):
                continue
            if card.message is None and card.id not in self.flying:
                if item.kind is NewsKind.ESCALATED and card.closed and card.told not in tuple(NeverSent):
                    self.desk.put_card(
                        replace(card, closed=False, told="", silent=False)
                    )  # Telegram took it in no form
                continue  # its card tells it, which is still to be sent
            if over and self.ordered.mended(alert, place.chat, now):
                continue  # the end of the order tells it
            quiet = night(self.desk.habit(place.chat), now, self.zone)
            after: datetime | None = None
            if quiet is not None and not urgent(alert):
                if over:
                    continue
                after = quiet[1]
            loud = not over and sounds(alert, quiet=quiet is not None and after is None)
            n = alert.reminders if item.kind is NewsKind.REMINDED else int((alert.fired or alert.found).timestamp())
            if item.kind is NewsKind.ESCALATED:
                n += alert.severity
            elif item.kind is NewsKind.STEADY:
                n = int(now.timestamp())
            for older in OF_OPEN if not over else ():  # it waits still, and this says more
                self.unwrite(place, older, alert.number)
            said = alertcard.news(alert, item.kind, clusters=self.names, now=now)
            self.write(place, kind, said, now, alert=alert.number, n=n, card=card.id, silent=not loud, after=after)

    def _cards(self, place: Place, parents: Mapping[str, Alert], now: datetime, monotonic: float) -> None:
        scene = self.scene(place, self.desk.places()[place], now)
        scene = replace(scene, owed=self._owed(place))
        due = [
            alert
            for alert in self.desk.alerts.values()
            if alert.fired is not None and self.why(alert, scene, parents, monotonic) is Why.DUE
        ]
        self._waiting[place] = self._kept_back(scene, parents, monotonic)
        if not due:
            return
        waits = [
            card
            for card in self.desk.cards.values()
            if (card.chat, card.topic) == (place.chat, place.topic) and card.message is None and not card.closed
        ]
        apart = self.flying | self.resting
        for head, found in heads(due, now).items():
            numbers = tuple(alert.number for alert in found)
            silent = place.chat in self._hushed and not any(urgent(alert) for alert in found)
            alike = (card for card in waits if (card.head, card.silent) == (head, silent) and card.id not in apart)
            joined = next(alike, None)
            if joined is not None and not joined.told:
                self.desk.put_card(replace(joined, alerts=(*joined.alerts, *numbers)))
            else:
                self.show(place, numbers, now, head=head, silent=silent)

    def _kept_back(self, scene: Scene, parents: Mapping[str, Alert], monotonic: float) -> frozenset[int]:
        return frozenset(
            alert.number
            for alert in self.desk.alerts.values()
            if alert.fired is not None and self.why(alert, scene, parents, monotonic) in (Why.WAITING, Why.DUE)
        )

    def _owed(self, place: Place) -> frozenset[int]:
        """Over by now, but not within the wait: the process, or the machine, was away in between."""
        wait = timedelta(seconds=GROUP_WAIT * self.scale)
        return frozenset(
            number
            for number in self._waiting.get(place, ())
            if (alert := self.desk.alerts.get(number)) is not None
            and alert.phase is Phase.OVER
            and alert.fired is not None
            and alert.over is not None
            and alert.over - alert.fired > wait
        )
