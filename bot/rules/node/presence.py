"""A node: is it there, did it boot by itself?

3 node_offline · 4 node_reset
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from bot.model import Finding, Guest, Node, Severity, Snapshot, Status
from bot.model.view import View
from bot.rules.grades import more
from bot.rules.guest.causes import BOOT, HA_BUSY, Cause, reaches
from bot.rules.node import homecoming
from bot.rules.node.boots import LAG, booted_at, rebooted
from bot.rules.node.orders import of_node
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import (
    remembered,
    seen,
    sees_node,
    sees_uptime,
)
from bot.rules.subjects import (
    guests_there,
    named,
    node_key,
    node_page,
    node_subject,
    tasks_of_node,
)
from bot.text import Moment, Said, Value, clock, from_epoch, say, span

ORDERED = 900.0
"""Seconds before a node went away in which an order explains it."""
GRACE = 1200.0
"""Seconds that it is then given to come back."""
OFFLINE = 45.0
"""Seconds of an absence from which on it is told as such, and not as a reset: the hold of node_offline."""
FENCED = 3600.0
"""Seconds from a fence in which it explains that the node has booted."""


# -- 3 node_offline ------------------------------------------------------------------------------------------------


def node_offline(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None:
        return
    for node in snapshot.nodes:
        if view.asleep(node.name):
            continue
        limit = limits.of(node_key(node))
        if not limit.on:
            continue
        if node.online is False:
            yield _offline(view, snapshot, node, limit)
        elif node.online and (back := homecoming.finding(view, node)) is not None:
            yield back


def _offline(view: View, snapshot: Snapshot, node: Node, limit: Limit) -> Finding:
    was = view.before.nodes.get(node.name)
    since = was.changed if was is not None and was.online is False else None
    gone = (view.at - since).total_seconds() if since is not None else 0.0
    cause = of_node(view, node.name, since or view.at, timedelta(seconds=more(limit, "ordered_seconds", ORDERED)))
    grace = more(limit, "grace_seconds", GRACE)
    upkeep = node.name in view.maintenance
    if upkeep:  # whatever was ordered in it
        cause = Cause(by="maintenance", ordered=False)
    ended = remembered(view, f"maintained/{node.name}") is not None and not upkeep  # and so is the time for what was
    explained = upkeep or (cause is not None and gone < grace and not ended)
    guests = [guest for guest in snapshot.guests if guest.node == node.name and not guest.template]
    known = any(guest.vmid in view.before.guests for guest in guests)  # an install may find it offline
    up = [guest for guest in guests if homecoming.ran(view, guest, since or view.at)]
    down = [guest for guest in guests if guest not in up]
    details = [
        *_waits(cause, (since or view.at) + timedelta(seconds=grace), explained=explained, upkeep=upkeep, ended=ended),
        *_with_it(snapshot, node, guests),
        *_elsewhere(view, snapshot, since),
    ]
    return Finding(
        rule="node_offline",
        subject=node_subject(node),
        severity=Severity.INFO if explained else Severity.CRITICAL,
        said=say("{name} is offline · maintenance is over", name=node.name)
        if ended
        else _said(node, cause, explained=explained, gone=gone, hold=limit.hold),
        over=say("{name} is back", name=node.name),
        details=tuple(details),
        because=say("its row says offline") if since is None else say("online until {at}", at=clock(since)),
        cures=(guests_there(node, snapshot),) if guests else (),
        quiet=explained,
        anew=not explained and (ended or cause is not None),
        hold=0.0 if not explained and (ended or cause is not None) and gone >= limit.hold else None,
        since=since,
        affected=tuple(guest.name for guest in (*up, *down)),
        ran=len(up) if known else None,
    )


def _said(node: Node, cause: Cause | None, *, explained: bool, gone: float, hold: float) -> Said:
    """`gone`: s for which it has been offline. Its guests are down before it leaves the cluster: after `hold` it is
    off."""
    values: dict[str, Value] = {"name": node.name}
    if cause is None or (cause.ordered and cause.at is None):
        return say("{name} is offline", **values)
    if not cause.ordered or cause.at is None:
        return say("{name} is offline, under {maintenance}", maintenance=cause.by, **values)
    values["at"] = Moment(cause.at, "%H:%M")
    if not explained:
        return say("{name} has not come back, ordered down {at}", **values)
    if gone < hold:
        return say("{name} is shutting down, ordered {at}", **values)
    if cause.by:
        return say("{name} is off, shut down by {by} {at}", by=cause.by, **values)
    return say("{name} is off, shut down in order {at}", **values)


def _waits(cause: Cause | None, until: datetime, *, explained: bool, upkeep: bool, ended: bool) -> Iterator[Said]:
    """What happens next, where it is awaited; and who ordered it, where that is not said yet."""
    by = cause.by if cause is not None and cause.ordered and not explained else ""
    if explained and not upkeep:
        yield say("sounds if it is not back by {at}", at=Moment(until, "%H:%M"))
    elif by and ended and cause is not None and cause.at is not None:
        yield say("shut down by {by} {at}", by=by, at=Moment(cause.at, "%H:%M"))
    elif by:
        yield say("by {by}", by=by)


def _with_it(snapshot: Snapshot, node: Node, guests: Sequence[Guest]) -> Iterator[Said]:
    moving = [guest.name for guest in guests if guest.hastate and guest.hastate in HA_BUSY - {"freeze"} | {"started"}]
    if moving:
        yield say("HA starts elsewhere: {names}", names=named(moving))
    local = [storage.name for storage in snapshot.storages if storage.node == node.name and not storage.shared]
    if local:
        yield say("storage with it: {names}", names=", ".join(local[:4]))


def _elsewhere(view: View, snapshot: Snapshot, since: datetime | None) -> Iterator[Said]:
    """What HA has started since: its process is younger than that."""
    gone = (view.at - since).total_seconds() if since is not None else 0.0
    started = [
        guest.name
        for guest in snapshot.guests
        if guest.ha_managed and guest.status is Status.RUNNING and 0 < (guest.uptime or 0) < gone
    ]
    if started:
        yield say("HA started elsewhere: {names}", names=named(started))


# -- 4 node_reset --------------------------------------------------------------------------------------------------


def node_reset(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None:
        return
    for node in snapshot.nodes:
        was = view.before.nodes.get(node.name)
        if was is None or node.uptime is None or not node.online or not rebooted(view, was, node):
            continue
        limit = limits.of(node_key(node))
        if limit.on and not _told_as_absence(view, node, more(limit, "offline_seconds", OFFLINE)):
            yield _reset(view, node, was.uptime or 0)


def _told_as_absence(view: View, node: Node, hold: float) -> bool:
    """Was it seen offline for so long (s) before it came back with this boot, that node_offline tells of it?"""
    offline, away = remembered(view, f"offline/{node.name}"), remembered(view, f"away/{node.name}")
    was, booted = view.before.nodes.get(node.name), booted_at(view, node.name)
    if offline is None or away is None or was is None or booted is None or view.asleep(node.name):
        return False
    back = was.changed if was.online and was.changed is not None else view.at
    return away - offline >= hold and booted <= back.timestamp() + LAG


def _reset(view: View, node: Node, before: int) -> Finding:
    booted = from_epoch(booted_at(view, node.name) or view.at.timestamp())
    offline = remembered(view, f"offline/{node.name}")
    went = from_epoch(min(offline, booted.timestamp())) if offline is not None else booted
    cause = of_node(view, node.name, min(went, booted), BOOT)
    fence = remembered(view, f"fence/{node.name}")
    fenced = fence is not None and abs(booted.timestamp() - fence) < FENCED
    because = say("its uptime fell from {before} to {now}", before=span(before), now=span(node.uptime or 0))
    subject = node_subject(node)
    details: tuple[Said, ...]
    event = f"{node.name}-{round(booted.timestamp() / 300)}"
    if fenced or cause is not None or view.asleep(node.name):
        details = ()
        if fenced:
            details = (say("fenced by HA"),)
        elif cause is not None and not cause.ordered:
            details = (say("under {maintenance}", maintenance=cause.by),)
        elif cause is not None and cause.at is not None:
            details = (say("ordered {at} by {by}", at=clock(cause.at), by=cause.by or "?"),)
        return Finding(
            rule="node_reset",
            subject=subject,
            severity=Severity.INFO,
            said=say("{name} has rebooted", name=node.name),
            details=details,
            because=because,
            event=event,
            quiet=True,
            since=booted,
        )
    known = view.tasks is not None and (not view.first or reaches(view, (node.name,), booted - BOOT))
    details = (say("nobody ordered it in Proxmox"), say("(power, watchdog or panic)"))
    if not known:
        away = view.tasks is not None
        details = (
            say("cause unknown: the bot was away") if away else say("cause unknown: the tasks are not to be seen"),
        )
    return Finding(
        rule="node_reset",
        subject=subject,
        severity=Severity.WARNING,
        said=say("{name} was reset by itself", name=node.name) if known else say("{name} has rebooted", name=node.name),
        details=details,
        because=because,
        cures=(node_page(node), tasks_of_node(node)),
        event=event,
        loud=known,
        since=booted,
    )


RULES: tuple[Rule, ...] = (
    Rule(
        number=3,
        key="node_offline",
        kind=Kind.STATE,
        help="A node is offline. Silent for grace_seconds where it was ordered in the ordered_seconds before, or its"
        " guests were still shutting down then; silent under maintenance, and told once that is over.",
        severity=Severity.CRITICAL,
        limit=Limit(
            hold=45,
            clear=45,
            more={"ordered_seconds": ORDERED, "grace_seconds": GRACE},
        ),
        find=node_offline,
        sees=sees_node,
    ),
    Rule(
        number=4,
        key="node_reset",
        kind=Kind.EVENT,
        help="A node has booted that nobody told to. One that was offline for offline_seconds before is told by"
        " node_offline alone.",
        severity=Severity.WARNING,
        limit=Limit(more={"offline_seconds": OFFLINE}),
        find=node_reset,
        sees=sees_uptime,
    ),
)
