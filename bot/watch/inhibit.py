"""What goes down with something else is told with it: which alert explains a finding. Pure.

parent pending   its children do not fire yet: it may be told before them
parent firing    its children fire, and are told nowhere: its message lists them
parent over      what came down with it comes up with it: for `wait` s more its children do not fire, and those
                 that had fired untold are pending again. What stands then, fires then.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model import Alert, Finding, Phase
from bot.rules import Limit

Inhibits = Callable[[Finding, Finding], bool]
"""(parent, child): rules/inhibits.py"""


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
        self._standing: list[Alert] = []

    def rank(self, rule: str) -> int:
        return self._ranks.get(rule, _LAST)

    def add(self, alert: Alert) -> None:
        if alert.finding.rule in self._ranks and (alert.phase is not Phase.OVER or self.lingers(alert)):
            self._standing.append(alert)

    def of(self, finding: Finding) -> Alert | None:
        """One that stands, before one that is over."""
        key = finding.key
        over: Alert | None = None
        for parent in self._standing:
            if parent.key != key and self._inhibits(parent.finding, finding):
                if parent.phase is not Phase.OVER:
                    return parent
                over = over or parent
        return over

    def lingers(self, alert: Alert) -> bool:
        """Over for a short while."""
        return alert.over is not None and timedelta() <= self._now - alert.over < self._wait


def released(alert: Alert, parent: Alert | None, limit: Limit) -> Alert:
    """As it goes on under `parent`: a child whose parent is over, and of which nobody heard, has yet to fire."""
    untold = alert.phase is Phase.FIRING and alert.reminded is None and bool(alert.parent)
    if parent is None or parent.phase is not Phase.OVER or not untold:
        return alert
    return replace(
        alert,
        phase=Phase.PENDING,
        fired=None,
        parent="",
        held=limit.hold,
        polls=max(1, limit.polls),
        misses=0,
        missed=0.0,
    )
