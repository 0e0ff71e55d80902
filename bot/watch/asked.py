"""What pages and taps ask of the watch, the reads of `ports.Watching`: from memory. What they change: changing.py."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.model import Alert, Blind, Card, Habits, News, Phase, Record, Route, Silence, Subject
from bot.pages.alerting.alertwords import ends
from bot.ports import Changes, Claims, Clock, Explanation, Ledger, Pulse, Vitals
from bot.rules import Limit, Rule
from bot.screen import Message
from bot.text import Said, say
from bot.watch.delivering import Delivering
from bot.watch.post import Post
from bot.watch.reasons import reason
from bot.watch.table import Table, record
from bot.watch.why import why


class Asked:
    """`claims`: what is done once, and whose it is."""

    def __init__(
        self,
        ledger: Ledger,
        deliverer: Delivering,
        clock: Clock,
        rules: Mapping[str, Rule],
        poll: float,
        deaf: Callable[[], float],
        met: Callable[[], bool],
    ) -> None:
        self.claims = Claims()
        self._ledger = ledger
        self._deliverer = deliverer
        self._clock = clock
        self._rules = rules
        self._poll = poll
        self._deaf, self._met = deaf, met
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

    def mends(self, chat: int, action: str, target: str) -> bool:
        return self._deliverer.mends(chat, action, target)

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

    def why(self, number: int, chat: int) -> Explanation | None:
        alert, now = self.alert(number), self._clock.now()
        if alert is None:
            return None
        silence = self._table.silences.get(alert.silenced)
        silenced = (
            say("Silenced by {name} until {time}.", name=silence.by, time=ends(silence.until, now)) if silence else None
        )
        rule = self._rules.get(alert.finding.rule)
        told = self._deliverer.told(alert, chat)
        return why(alert, rule.help if rule is not None else None, told, silenced, self._hold(alert))

    def fires_in(self, number: int) -> float | None:
        """Seconds for which a pending alert has still to be found; None where it is not pending, or not to be told."""
        alert = self._table.get(number)
        if alert is None or alert.phase is not Phase.PENDING or alert.finding.last is not None:
            return None
        polls = 0 if alert.finding.hold == 0 else self._limit_of(alert).polls
        return max(0.0, self._hold(alert) - alert.held, (polls - alert.polls) * self._poll)

    def _hold(self, alert: Alert) -> float:
        return self._limit_of(alert).hold if alert.finding.hold is None else alert.finding.hold

    def reasons(self, subject: Subject, rules: Sequence[str]) -> Mapping[str, Said]:
        post = self._posts.get(subject.cluster)
        view = post.seen if post is not None else None
        if view is None:
            return {}
        of = self._table.of[subject.cluster].values()
        alerts = {alert.finding.rule: alert for alert in of if _about(alert, subject)}
        silences, now = self.silences(), self._clock.now()
        found: dict[str, Said] = {}
        for rule in (self._rules[key] for key in rules if key in self._rules):
            alert, limit = alerts.get(rule.key), self._limit(rule, subject)
            hold = self._hold(alert) if alert is not None else 0.0
            why_not = reason(rule, limit, view, subject, alert, silences, hold=hold, now=now)
            if why_not is not None:
                found[rule.key] = why_not
        return found

    async def history(self, limit: int = 50, since: datetime | None = None) -> Sequence[Record]:
        """Also of what is open still, and what is over and not written down as history yet. Raises: StoreFailed."""
        told = self._deliverer.accepted()
        mine = [
            record(replace(one, told=one.told or one.number in told))
            for one in self._table.all().values()
            if one.fired is not None
        ]
        kept = await self._ledger.history(limit, since)
        known = {one.number for one in kept}
        fresh = [one for one in mine if one.number not in known and (since is None or one.fired >= since)]
        return sorted((*fresh, *kept), key=lambda one: (one.fired, one.number), reverse=True)[:limit]

    def _hanging(self) -> frozenset[int]:
        """Pending ones that hang on another that stands, where the watch knows."""
        return frozenset()

    def _limit(self, rule: Rule | None, subject: Subject) -> Limit:
        """As the settings have it for this subject, where the watch knows them."""
        return rule.limit if rule is not None else Limit()

    def _limit_of(self, alert: Alert) -> Limit:
        return self._limit(self._rules.get(alert.finding.rule), alert.finding.subject)

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
            met=self._met(),
            unheard=of.unheard,
        )


def _about(alert: Alert, subject: Subject) -> bool:
    return alert.finding.subject.key == subject.key and alert.phase is not Phase.OVER


def _newness(alert: Alert) -> float:
    return (alert.fired or alert.found).timestamp()
