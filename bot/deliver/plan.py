"""Who is told of what, and how loud. Pure.

routes × severity × tags, pools, nodes      which places want an alert
silenced, inhibited, quiet hours, waiting   why none is told yet: `Why`, in the order in which they are looked at
sound                                       a critical always (a slow rule not at night), a warning by day, info never
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.model import About, Alert, Card, CardHead, Outgoing, Phase, Route, Severity, Subject
from bot.screen import Place

GROUP_WAIT = 30.0
"""Seconds an alert is kept, so that what starts together is one message, and what is soon gone is none; a critical one
is not kept."""
GROUP_INTERVAL = 300.0
"""Seconds between two messages of the same rule in one place, criticals aside: what comes meanwhile joins the next."""
DIGESTED = frozenset({"not_backed_up", "updates", "snapshot_old", "subscription"})
"""Rules whose infos wait for the daily digest."""
ORDERED = frozenset({"guest_expected_down"})
"""The same of what these find and is quiet: a guest that somebody stopped a day ago."""


class Why(Enum):
    """Why an alert is, or is not, told in a place now."""

    DUE = "due"
    COVERED = "covered"  # a message shows it, or is on its way
    NOTHING = "nothing"  # not fired yet, or over before anybody had to know
    UNWANTED = "unwanted"  # by no route
    DIGEST = "digest"  # waits for the daily one
    SILENCED = "silenced"
    INHIBITED = "inhibited"  # stands in its parent's message
    ENDING = "ending"  # nothing withholds it any more, but it seems to be over as well
    QUIET = "quiet"  # quiet hours keep it
    WAITING = "waiting"  # for what starts together with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one place is like at one moment."""

    place: Place
    routes: Sequence[Route]
    covered: frozenset[int]  # numbers of alerts that messages of this place show
    quiet: bool
    owed: frozenset[int] = frozenset()  # numbers of alerts that are over, and were so only after they were due


def level(alert: Alert) -> Severity:
    """How bad: as found now, and never less than it was told once it was critical."""
    return Severity.CRITICAL if alert.severity is Severity.CRITICAL else alert.finding.severity


def matches(route: Route, alert: Alert) -> bool:
    if level(alert) < route.least:
        return False
    if not (route.tags or route.pools or route.nodes):
        return True
    subject = alert.finding.subject
    return _reaches(route, subject) or any(_reaches(route, part) for part in subject.each)


def _reaches(route: Route, subject: Subject) -> bool:
    node = subject.id if subject.about is About.NODE else subject.node
    return not route.tags.isdisjoint(subject.tags) or subject.pool in route.pools or node in route.nodes


def wanted(routes: Iterable[Route], alert: Alert) -> bool:
    return any(matches(route, alert) for route in routes)


def news(alert: Alert) -> bool:
    """Is it something to tell: open, or an event?"""
    return alert.fired is not None and (alert.phase is Phase.FIRING or bool(alert.finding.event))


def digested(alert: Alert) -> bool:
    finding = alert.finding
    waits = finding.rule in DIGESTED or (finding.rule in ORDERED and finding.quiet)
    return waits and level(alert) is Severity.INFO


def urgent(alert: Alert) -> bool:
    """Does it pass quiet hours, and wait for nothing?"""
    return level(alert) is Severity.CRITICAL and not alert.finding.slow


def sounds(alert: Alert, *, quiet: bool) -> bool:
    """Does a message of it make a sound now?"""
    finding, bad = alert.finding, level(alert)
    if finding.quiet or alert.acked is not None or not news(alert):
        return False
    if bad is Severity.CRITICAL:
        return not (quiet and finding.slow)
    return (bad is Severity.WARNING or finding.loud) and not quiet


def above(alert: Alert, parents: Mapping[str, Alert]) -> Alert | None:
    """What it hangs on. Of one that is over, that holds for what is open: it is given the time to end as well."""
    parent = parents.get(alert.parent) if alert.parent else None
    if parent is None or parent.number == alert.number:
        return None
    return parent if parent.open or alert.open else None


def why(alert: Alert, scene: Scene, parents: Mapping[str, Alert], waited: float, wait: float = GROUP_WAIT) -> Why:
    """`parents`: Digests.parents(). `waited`: seconds since it fired, monotonic."""
    if alert.number in scene.covered:
        return Why.COVERED
    if not news(alert) and alert.number not in scene.owed:
        return Why.NOTHING
    if alert.number < 0 or not wanted(scene.routes, alert):  # a test is for who asked for it
        return Why.UNWANTED
    if digested(alert):
        return Why.DIGEST
    if alert.silenced:
        return Why.SILENCED
    parent = above(alert, parents)
    if parent is not None and wanted(scene.routes, parent):
        return Why.INHIBITED
    if alert.open and alert.reminded is None and alert.misses:
        return Why.ENDING
    if scene.quiet and not urgent(alert):
        return Why.QUIET
    if waited < wait and level(alert) is not Severity.CRITICAL and not alert.summary:
        return Why.WAITING
    return Why.DUE


def heads(due: Sequence[Alert], now: datetime) -> dict[CardHead, list[Alert]]:
    """The messages that `due` alerts become, by their head: what was so before the start is told apart."""
    found: dict[CardHead, list[Alert]] = {}
    for alert in due:
        comes_and_goes = alert.flapping is not None and alert.flapping > now
        head = CardHead.FLAPPING if comes_and_goes else CardHead.START if alert.summary else CardHead.PLAIN
        found.setdefault(head, []).append(alert)
    return found


def held(card: Card, alerts: Sequence[Alert], others: Iterable[Card], rules: Mapping[int, str], now: datetime,
         interval: float = GROUP_INTERVAL) -> bool:  # fmt: skip
    """Is an unsent card kept back, since its place was told of the same rule, or of all of its rules, a moment ago?

    `rules`: of all alerts that are known, by number.
    """
    if card.head or any(level(alert) is Severity.CRITICAL for alert in alerts):
        return False
    own = {alert.finding.rule for alert in alerts}
    lately = {
        rules.get(number, "")
        for other in others
        if other.id != card.id
        and other.head is not CardHead.AGAIN
        and other.message is not None
        and other.made is not None
        and (other.chat, other.topic) == (card.chat, card.topic)
        and 0 <= (now - other.made).total_seconds() < interval
        for number in other.alerts
    }
    return bool(own) and own <= lately


def same(one: Outgoing, other: Outgoing) -> bool:
    """The same event in the same place: it is told once."""
    return (one.chat, one.topic, one.alert, one.kind, one.n) == (
        other.chat, other.topic, other.alert, other.kind, other.n)  # fmt: skip
