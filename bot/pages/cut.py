"""A cluster that is not reached now: that it is not, how it was when it was, and why. The same wherever it is said.

🔴 homelab is not reached, since 14:02
last seen 14:01: 3/3 nodes, 38 of 44 guests ran
connection refused by all 3 hosts
"""

from collections.abc import Sequence
from datetime import datetime

from bot.model import Alert, Snapshot, Status, Unseen
from bot.pages.alerting.alertwords import when
from bot.pages.alerting.tallied import tally
from bot.pages.parts import why
from bot.pages.wrong import CUT
from bot.text import Said, Value, bold, say, say_n


def mark(alerts: Sequence[Alert]) -> str:
    """Its colour: that of its alert, where there is one. What is not seen may be the worst there is."""
    alert = _alert(alerts)
    return tally([alert]).emoji if alert is not None else "🔴"


def told(snapshot: Snapshot, cut: Unseen, alerts: Sequence[Alert], now: datetime) -> list[Said]:
    """What was last seen is no state: it is said as that. `alerts`: the open ones of that cluster."""
    alert = _alert(alerts)
    since = alert.finding.since if alert is not None else None
    values: dict[str, Value] = {"emoji": mark(alerts), "name": bold(snapshot.name)}
    if cut.answered:
        head: Said = say("{emoji} {name} could not be read", **values)
    elif since is not None:
        head = say("{emoji} {name} is not reached, since {at}", at=when(since, now), **values)
    else:
        head = say("{emoji} {name} is not reached", **values)
    return [head, *_last(snapshot, now), why(cut)]


def _alert(alerts: Sequence[Alert]) -> Alert | None:
    return next((alert for alert in alerts if alert.open and alert.finding.rule == CUT[1]), None)


def _last(snapshot: Snapshot, now: datetime) -> list[Said]:
    if not snapshot.nodes:
        return []
    seen: dict[str, Value] = {
        "at": when(snapshot.taken, now),
        "up": sum(1 for node in snapshot.nodes if node.online),
        "all": len(snapshot.nodes),
        "running": snapshot.counts[Status.RUNNING],
    }
    if not (total := snapshot.total):
        return [say("last seen {at}: {up}/{all} nodes", **seen)]
    one = "last seen {at}: {up}/{all} nodes, {running} of {n} guest ran"
    return [say_n(total, one=one, many="last seen {at}: {up}/{all} nodes, {running} of {n} guests ran", **seen)]
