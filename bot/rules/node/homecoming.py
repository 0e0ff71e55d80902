"""A node is back: how its guests come up again, as one summary with the alert of its absence.

The alert stays up, quiet, while they start; once they run, or its startall has ended, or SETTLE has passed, the last
word is what its end says: "pve2 is back after 6 min, 11 of 12 guests, not started: ct-mail".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model import Finding, Guest, Node, Outcome, Severity, Snapshot, Status
from bot.model.feeds import ONBOOT
from bot.model.view import NodeWas, View
from bot.rules.sight import remembered, seen
from bot.rules.subjects import ask, node_subject, opens
from bot.text import Value, cut, from_epoch, lasting, say

SETTLE = timedelta(minutes=5)
"""For so long the guests of a node that is back may take to start."""
LAG = timedelta(seconds=20)
"""What a startall did is in the cluster's list so much later."""
RAN = timedelta(minutes=15)
"""A guest that was seen running in so long a time before its node went away was stopped for that, or with it."""
BUTTONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Homecoming:
    up: int
    missing: tuple[Guest, ...]  # ran before, and do not yet
    settled: bool  # nothing more is to be waited for
    fresh: bool  # the figures are of after its return
    back: datetime


def homecoming(view: View, snapshot: Snapshot, node: Node) -> Homecoming | None:
    """None where the node was not away lately."""
    was = view.before.nodes.get(node.name)
    offline = remembered(view, f"offline/{node.name}")
    if was is None or offline is None or node.online is not True:
        return None
    back = was.changed if was.online and was.changed is not None else view.at
    away = from_epoch(offline)
    if not timedelta() <= view.at - back < SETTLE + timedelta(seconds=2 * view.poll):
        return None
    up = 0
    missing: list[Guest] = []
    for guest in snapshot.guests:
        if guest.node != node.name or guest.template:
            continue
        if guest.status.up:
            up += 1
            continue
        if ran(view, guest, away):
            missing.append(guest)
    started = _startall(view, node, away)
    fresh = _fresh(node, was, away, back)
    late = view.at - back >= SETTLE
    settled = (late or (fresh and (not missing or (started is not None and view.at - started >= LAG)))) and not any(
        guest.status is Status.UNKNOWN for guest in missing
    )
    return Homecoming(up=up, missing=tuple(missing), settled=settled, back=back, fresh=fresh or late)


def _fresh(node: Node, was: NodeWas, away: datetime, back: datetime) -> bool:
    """Has its pvestatd told anything since? Until then the rows of what is on it are of before: all of it runs, as long
    as they are younger than five minutes (pve-cluster, status.c; pve-manager, API2Tools.pm). The last that was told
    before it went may be seen only now."""
    if node.uptime is None or was.uptime is None:
        return True
    if not 0 <= node.uptime - was.uptime <= LAG.total_seconds():
        return True
    if was.online and (node.uptime != was.uptime or (was.booted is not None and was.booted > away.timestamp())):
        return True
    return was.moved is not None and was.moved > back


def ran(view: View, guest: Guest, away: datetime) -> bool:
    """Did it run on its node until that went `away`? What somebody had stopped did not."""
    before = view.before.guests.get(guest.vmid)
    if before is None or before.node != guest.node:
        return False
    if guest.status is Status.UNKNOWN and before.status.up:
        return True
    lately = before.status.up or (before.ran is not None and before.ran >= away - RAN)
    return lately and (not before.stopped_by or " " in before.stopped_by)


def finding(view: View, node: Node) -> Finding | None:
    """Of node_offline, from the node's return until everything has settled; it keeps that alert, and fires none."""
    snapshot = seen(view)
    offline = remembered(view, f"offline/{node.name}")
    if snapshot is None or offline is None or f"settled/{node.name}" in view.before.figures:
        return None
    home = homecoming(view, snapshot, node)
    if home is None:
        return None
    total = home.up + len(home.missing)
    names = ", ".join(cut(guest.name, 20) for guest in home.missing[:4])
    away = max(1.0, (home.back - from_epoch(offline)).total_seconds())
    values: dict[str, Value] = {"name": node.name, "up": home.up, "of": total}
    values["span"] = lasting(away)
    if not total:
        over = say("{name} is back after {span}", **values)
    elif not home.missing:
        over = say("{name} is back after {span}, {up} of {of} guests run", **values)
    elif len(home.missing) <= 4:
        over = say("{name} is back after {span}, {up} of {of} guests, not started: {names}", names=names, **values)
    else:
        over = say(
            "{name} is back after {span}, {up} of {of} guests, not started: {names} and {n} more",
            names=names,
            n=len(home.missing) - 4,
            **values,
        )
    starts = tuple(
        ask(say("▶️ Start {name}", name=cut(guest.name, 16)), "start", guest)
        for guest in home.missing[:BUTTONS]
        if guest.status is Status.STOPPED and (home.settled or _left_down(view, guest))
    )
    if len(home.missing) > len(starts) > 0:
        there = f"node:{node.name} cluster:{node.cluster} status:stopped"
        starts = (*starts, opens(say("All that are stopped"), "vms", there))
    return Finding(
        rule="node_offline",
        subject=node_subject(node),
        severity=Severity.INFO,
        said=say("{name} is back, its guests start: {up} of {of}", **values)
        if total and home.fresh
        else say("{name} is back", name=node.name)
        if total
        else over,
        over=over,
        timed=True,
        because=say("online again, {up} of {of} guests that ran before run", up=home.up, of=total)
        if total
        else say("online again, and none of its guests ran before"),
        cures=starts,
        after=starts,
        quiet=True,
        affected=tuple(guest.name for guest in home.missing),
        last=say("it is back; its guests are given time to start"),
        since=from_epoch(offline),
        until=home.back,
    )


def _left_down(view: View, guest: Guest) -> bool:
    """Is it known that neither its node nor HA starts it?"""
    notes = view.feeds.fresh(ONBOOT)
    return notes is not None and guest.vmid in notes.read - notes.onboot and not guest.ha_managed


def _startall(view: View, node: Node, away: datetime) -> datetime | None:
    """When the startall of this boot ended; None where it has not, or is not to be seen."""
    for task in view.tasks_on.get(node.name, ()):
        if task.upid.type == "startall" and task.upid.start >= away and task.outcome is not Outcome.RUNNING:
            return task.end
    return None
