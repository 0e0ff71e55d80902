"""What HA has started again by itself: an event of ha_error, worth a line and no more.

    down when last seen, runs now                       as each poll sees it
    ran when last seen, runs elsewhere, or anew, now    while the bot was away: told with what is told at the start

Of a guest that went down with its node it is told in that node's message, and not by itself: one dead host is one
message. Over a restart it is told only where the memory is young, and what else would explain it can be seen still.
"""

from collections.abc import Iterator, Set
from datetime import datetime, timedelta

from bot.model import Finding, Guest, Severity, Snapshot, Status
from bot.model.view import GuestWas, View
from bot.rules.guest.backing import SLACK
from bot.rules.guest.causes import of_restart, reaches
from bot.rules.node.boots import LAG, booted_at, node_restarted, polled
from bot.rules.node.orders import of_node
from bot.rules.node.presence import ORDERED
from bot.rules.rule import Limits
from bot.rules.scan import recall
from bot.rules.sight import remembered
from bot.rules.subjects import guest_key, guest_subject
from bot.text import Said, clock, say

YOUNG = timedelta(hours=1)
"""For so long the bot may have been away, and still be sure of what it remembers."""


def restarted(view: View, snapshot: Snapshot, limits: Limits) -> Iterator[Finding]:
    """HA brought a guest up again that nobody had stopped."""
    last = polled(view) if view.first else None
    if view.first and (last is None or view.at - last > YOUNG):
        return
    for vmid, was in recall(view).away.items():
        guest = snapshot.by_vmid.get(vmid)
        if guest is None or not _managed(guest) or was.stopped_by or was.ran is None:
            continue
        if (was.status.up and was.node == guest.node) or of_restart(view, guest) is not None:
            continue
        if last is not None and not reaches(view, _online(snapshot, was, guest), last):
            continue
        if last is None and _with_its_node(view, snapshot, guest, was, was.ran):
            continue
        if limits.of(guest_key(guest)).on and not _ordered(view, snapshot, was.ran, was.ran, {was.node, guest.node}):
            yield _finding(guest, was, was.ran, say("stopped without an order, and HA wants it to run"))
    if last is not None:
        yield from _while_away(view, snapshot, last, limits)


def _while_away(view: View, snapshot: Snapshot, last: datetime, limits: Limits) -> Iterator[Finding]:
    """Of guests that ran at the `last` poll of the process before, and whose process is younger than that."""
    for vmid, was in view.before.guests.items():
        guest = snapshot.by_vmid.get(vmid)
        if guest is None or not _managed(guest) or was.status is not Status.RUNNING or was.ran is not None:
            continue
        if guest.uptime is None or guest.uptime + LAG >= (view.at - last).total_seconds():
            continue
        if was.node == guest.node and (node_restarted(view, guest, was) or not _started(view, guest, last)):
            continue
        if of_restart(view, guest) is not None or not reaches(view, _online(snapshot, was, guest), last):
            continue
        if limits.of(guest_key(guest)).on and not _ordered(view, snapshot, last, view.at, {was.node, guest.node}):
            yield _finding(guest, was, last, say("its process began while the bot was away, and nobody ordered it"))


def _with_its_node(view: View, snapshot: Snapshot, guest: Guest, was: GuestWas, ran: datetime) -> bool:
    """Did a node go away, or its own boot, as it was last seen running? HA may have put it on another since."""
    away = (remembered(view, f"offline/{node.name}") for node in snapshot.nodes)
    near = SLACK.total_seconds() + 2 * view.poll
    if any(at is not None and abs(at - ran.timestamp()) <= near for at in away):
        return True
    booted = booted_at(view, guest.node) if was.node == guest.node else None
    return booted is not None and booted > ran.timestamp()


def _managed(guest: Guest) -> bool:
    return guest.ha_managed and guest.status is Status.RUNNING and not guest.template


def _online(snapshot: Snapshot, was: GuestWas, guest: Guest) -> list[str]:
    """Where it was and is. Of a node that is gone no tasks are to be had: what is on it was started elsewhere."""
    known = (snapshot.by_node.get(name) for name in {was.node, guest.node})
    return [node.name for node in known if node is not None and node.online]


def _started(view: View, guest: Guest, last: datetime) -> bool:
    """Was it started by HA's own hand since? A container that reboots from inside begins anew without."""
    return any(
        task.upid.type in {"qmstart", "vzstart"} and task.upid.user == "root@pam" and task.upid.start > last - SLACK
        for task in view.tasks_of.get(str(guest.vmid), ())
    )


def _ordered(view: View, snapshot: Snapshot, ran: datetime, until: datetime, nodes: Set[str]) -> bool:
    """Was a node ordered down, or under maintenance, between when the guest was last seen running and `until`? Then HA
    did as it was told: `nodes` are those that it was and is on; between them it may have been moved from another, that
    is off."""
    off = {node.name for node in snapshot.nodes if not node.online}
    causes = (of_node(view, name, ran, timedelta(seconds=ORDERED)) for name in nodes | off)
    return any(cause is not None and (not cause.ordered or (cause.at or ran) <= until + SLACK) for cause in causes)


def _finding(guest: Guest, was: GuestWas, ran: datetime, because: Said) -> Finding:
    moved = was.node != guest.node
    return Finding(
        rule="ha_error",
        subject=guest_subject(guest),
        severity=Severity.INFO,
        said=say("HA started {name} on {node}", name=guest.name, node=guest.node)
        if moved
        else say("HA restarted {name}", name=guest.name),
        details=(
            say("last seen running {at} on {node}", at=clock(ran), node=was.node)
            if moved
            else say("last seen running {at}", at=clock(ran)),
        ),
        because=because,
        event=f"up-{ran.isoformat(timespec='seconds')}",
        quiet=True,
        hold=0.0,
    )
