"""What a card looks like now, and whether it sounds."""

import logging
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from bot.access import Role
from bot.deliver.desk import Desk
from bot.deliver.hours import night
from bot.deliver.plan import GROUP_INTERVAL, news, sounds
from bot.deliver.planning import Planner
from bot.model import Alert, Card, CardHead, Phase
from bot.pages.alerting import alertcard
from bot.ports import Clock
from bot.screen import Screen
from bot.text import lines

log = logging.getLogger(__name__)


class Artist:
    def __init__(
        self,
        desk: Desk,
        planner: Planner,
        clock: Clock,
        ceiling: Callable[[int], Role | None],
        acts: Callable[[], bool],
    ) -> None:
        self._desk = desk
        self._planner = planner
        self._clock = clock
        self._ceiling = ceiling
        self._acts = acts
        self.interval = GROUP_INTERVAL * planner.scale

    def own(self, card: Card) -> tuple[Alert, ...]:
        """Its alerts, as far as they are known still."""
        alerts = self._desk.alerts
        return tuple(alerts[number] for number in card.alerts if number in alerts)

    def alerts(self, card: Card) -> tuple[Alert, ...]:
        """Its alerts, and after them what they inhibit."""
        own, under = self.own(card), self._desk.under
        if not under:
            return own
        keys = dict.fromkeys(alert.key for alert in own if alert.phase is Phase.FIRING)
        return (*own, *(one for key in keys for one in under.get(key, ()) if one.number not in card.alerts))

    def draw(self, card: Card, alerts: tuple[Alert, ...]) -> tuple[Screen, str]:
        """The screen, and its hash."""
        now = self._clock.now()
        try:
            screen = alertcard.draw(
                card,
                alerts,
                role=self._ceiling(card.chat),
                acts=self._acts(),
                clusters=self._planner.names,
                now=now,
            )
        except Exception:  # an alert that cannot be drawn is told plainly: one bad word must not hold up a chat
            log.exception("card %d cannot be drawn and is said plainly", card.id)
            screen = Screen(text=lines(*(alert.finding.said for alert in self.own(card))))
        return screen, sha256(repr(screen).encode(errors="replace")).hexdigest()[:16]

    def alone(self, card: Card, number: int) -> Screen:
        """One alert of it, as a card of its own."""
        alone = replace(card, alerts=(number,), head=CardHead.PLAIN)
        return self.draw(alone, self.alerts(alone))[0]

    def over(self, card: Card) -> bool:
        """Is all over that it shows, and will stay so?"""
        now = self._clock.now()
        return all(alert.phase is Phase.OVER and not alert.renewable(now) for alert in self.own(card))

    def sounds(self, card: Card) -> bool:
        quiet = night(self._desk.habit(card.chat), self._clock.now(), self._planner.zone) is not None
        own = self.own(card)
        if card.head is CardHead.START:  # what was so before is no news, unless it is the worst
            own = tuple(alert for alert in own if alert.severity.name == "CRITICAL")
        return any(news(alert) and sounds(alert, quiet=quiet) for alert in own)
