"""What goes down with something else is told with it: an alert's parent, over all alerts of a cluster. Pure.

An inhibited alert is told nowhere; its parent's message lists it. A parent that is still pending holds its children
back too: it may be told before them. When a parent is over, its children wait a little longer (`wait`): what came
down with it comes up with it. Those that still stand then are told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model import Alert, Finding, Phase

Inhibits = Callable[[Finding, Finding], bool]
"""(parent, child): rules/inhibits.py"""


def inhibit(
    alerts: Iterable[Alert],
    inhibits: Inhibits,
    order: Mapping[str, int],
    now: datetime,
    wait: float,
) -> list[Alert]:
    """Those whose parent is another than before, with the new one.

    order  rules that can be a parent -> the smaller, the more it explains: with several parents, the first counts
    wait   s for which the children of a parent that is over are still held back
    """
    every = list(alerts)
    parents = sorted(
        (alert for alert in every if alert.finding.rule in order and _stands(alert, now, wait)),
        key=lambda alert: (order[alert.finding.rule], alert.number),
    )
    changed: list[Alert] = []
    for alert in every:
        if alert.phase is Phase.OVER and alert.reminded is not None:
            continue  # told, or over: its story is told to the end
        parent = _parent(alert, parents, inhibits)
        if alert.parent != parent:
            changed.append(replace(alert, parent=parent))
    return changed


def children(parent: Alert, alerts: Iterable[Alert]) -> list[Alert]:
    """What its message lists."""
    return [alert for alert in alerts if alert.parent == parent.key and alert.phase is not Phase.PENDING]


def _stands(alert: Alert, now: datetime, wait: float) -> bool:
    if alert.phase is not Phase.OVER:
        return not alert.finding.grey
    return alert.over is not None and timedelta() <= now - alert.over < timedelta(seconds=wait)


def _parent(alert: Alert, parents: Sequence[Alert], inhibits: Inhibits) -> str:
    for parent in parents:
        if parent.number != alert.number and parent.key != alert.key and inhibits(parent.finding, alert.finding):
            return parent.key
    return ""
