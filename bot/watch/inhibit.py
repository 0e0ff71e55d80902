"""What goes down with something else is told with it: which alert explains a finding. Pure.

parent pending   its children do not fire yet: it may be told before them
parent firing    its children fire, and are told nowhere: its message lists them
parent over      what came down with it comes up with it: for `wait` s more its children do not fire, and those
                 that had fired untold are pending again. What stands then, fires then. A child that some place was
                 told of, since it does not hear of the parent, fires on, and for `wait` s more is told nowhere else.

No child is what was told before: it stays a message of its own. Nor, of an outage, what was found well before it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum

from bot.model import About, Alert, Finding, Phase
from bot.rules import Limit
from bot.rules.inhibits import COUNTED, TOLD_FIRST

Inhibits = Callable[[Finding, Finding], bool]
"""(parent, child): rules/inhibits.py"""


OUTAGES = frozenset({About.CLUSTER, About.NODE})
EARLY = 2
"""Of an outage is what was found at most so many `wait` before it: not all of it shows in the same second."""
_LAST = 1_000_000
"""The rank of what is no parent."""


class Parents:
    """Filled in the order of `ranks`, so that a parent's own parent is known before it."""

    def __init__(self, inhibits: Inhibits, ranks: Mapping[str, int], now: datetime, wait: float) -> None:
        """`ranks`: rules that can be a parent; of several parents the one with the least explains most."""
        self._inhibits = inhibits
        self._ranks = ranks
        self._now = now
        self._wait = timedelta(seconds=wait)
        self._early = timedelta(seconds=EARLY * wait)
        self._standing: list[tuple[str, Alert]] = []  # by their keys

    def rank(self, rule: str) -> int:
        return self._ranks.get(rule, _LAST)

    def add(self, alert: Alert) -> None:
        if alert.finding.rule not in self._ranks or (alert.phase is Phase.OVER and not self.lingers(alert)):
            return
        if alert.finding.rule in TOLD_FIRST and alert.phase is Phase.PENDING and alert.finding.last is not None:
            return
        self._standing.append((alert.key, alert))

    def of(self, finding: Finding, alert: Alert | None = None) -> Alert | None:
        """One that fires, before one that may come to, before one that is over: what is told in a message that stands
        is not told anew because something else begins. `alert`: what is known of `finding` so far."""
        if not self._standing:
            return None
        key = finding.key
        alert = None if alert is not None and alert.phase is Phase.OVER else alert
        if alert is not None and alert.open and alert.reminded is not None:
            return None
        others: dict[Phase, Alert] = {}
        for other, parent in self._standing:
            if other == key or parent.phase in others or self._was_before(parent, alert):
                continue
            if self._inhibits(parent.finding, finding) or _counts(parent, finding):
                if parent.phase is Phase.FIRING:
                    return parent
                others[parent.phase] = parent
        return others.get(Phase.PENDING) or others.get(Phase.OVER)

    def _was_before(self, parent: Alert, alert: Alert | None) -> bool:
        """Was it found well before the outage that `parent` is of?"""
        if alert is None or parent.finding.subject.about not in OUTAGES:
            return False
        began = parent.found if parent.finding.since is None else min(parent.found, parent.finding.since)
        return alert.found < began - self._early

    def lingers(self, alert: Alert) -> bool:
        """Over for a short while."""
        return alert.over is not None and timedelta() <= self._now - alert.over < self._wait


def _counts(parent: Alert, finding: Finding) -> bool:
    """Is it part of what comes and goes?"""
    counted = COUNTED.get(parent.finding.rule, ())
    return parent.flapping is not None and finding.rule in counted and finding.subject.key == parent.finding.subject.key


def hanging(alerts: Iterable[Alert], parents: Parents) -> frozenset[int]:
    """Of the alerts of one cluster, the pending ones that hang on another that stands: they will not be told beside it.

    `parents`: an empty one.
    """
    standing = [alert for alert in alerts if alert.phase is not Phase.OVER]
    for alert in standing:
        parents.add(alert)
    return frozenset(
        alert.number
        for alert in standing
        if alert.phase is Phase.PENDING and parents.of(alert.finding, alert) is not None
    )


class Tie(Enum):
    """What its parent means to a finding at one poll."""

    NONE = "none"  # it has none, or goes its own way
    LISTED = "listed"  # the parent fires: so may it, and stands in the parent's message
    WAITS = "waits"  # the parent has yet to fire, or is just over: it does not fire now


def tied(parent: Alert | None, finding: Finding, *, first: bool) -> Tie:
    """`first`: at the first good poll, of which all is told in the summary. An event is found once, and cannot wait for
    what becomes of its parent."""
    if parent is None:
        return Tie.NONE
    if parent.open:
        return Tie.LISTED
    if finding.event or (first and parent.phase is Phase.OVER):
        return Tie.NONE
    return Tie.WAITS


def withheld(alert: Alert, parent: Alert | None, tie: Tie) -> str:
    """Key of the parent in whose message it stands, or stood until a moment ago; '': of none."""
    if parent is None or alert.fired is None:
        return ""
    return parent.key if tie is Tie.LISTED or (tie is Tie.WAITS and alert.parent) else ""


def released(alert: Alert, parent: Alert | None, limit: Limit) -> Alert:
    """As a child goes on that waits: one that had fired, and of which nobody heard, has yet to fire."""
    if alert.phase is not Phase.FIRING or alert.reminded is not None or not alert.parent or alert.told:
        return alert
    of_cluster = parent is not None and parent.finding.subject.about is About.CLUSTER
    return replace(
        alert,
        phase=Phase.PENDING,
        fired=None,
        stood=alert.fired if of_cluster else None,
        parent="",
        held=limit.hold,
        polls=max(1, limit.polls),
        misses=0,
        missed=0.0,
    )


def ended_with(alert: Alert, now: datetime) -> Alert | None:
    """What stood in the message of a cluster's outage and ended with it, for the history: there, too, a node was off.
    None of what was but a part of its parent, or never fired."""
    return replace(alert, phase=Phase.OVER, fired=alert.stood, over=now) if alert.stood is not None else None
