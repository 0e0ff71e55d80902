"""A node: is it there, did it boot by itself, do its figures move, does its API answer?

3 node_offline · 4 node_reset · 38 stats_frozen · 43 node_api_down
"""

from collections.abc import Iterator
from datetime import timedelta

from bot.model import Finding, Node, Severity, Snapshot, Subject
from bot.model.feeds import FEEDS, NODE_STATUS, STORAGES, Reading
from bot.model.view import View
from bot.rules import homecoming
from bot.rules.causes import HA_BUSY, booted_at, fell, of_node
from bot.rules.grades import more
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import (
    remembered,
    seen,
    sees_node,
    sees_uptime,
    still,
)
from bot.rules.subjects import (
    guests_there,
    node_key,
    node_page,
    node_subject,
    opens,
    tasks_of_node,
)
from bot.text import Moment, Said, clock, from_epoch, say, span

ORDERED = 900.0
"""Seconds before a node went away in which an order explains it."""
GRACE = 1200.0
"""Seconds that it is then given to come back."""
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
    explained = cause is not None and gone < more(limit, "grace_seconds", GRACE)
    guests = [guest for guest in snapshot.guests if guest.node == node.name and not guest.template]
    moving = sum(1 for guest in guests if guest.hastate and guest.hastate in HA_BUSY | {"started"})
    details: list[Said] = []
    if moving:
        details.append(say("{n} of {of} guests move by HA", n=moving, of=len(guests)))
    local = [storage.name for storage in snapshot.storages if storage.node == node.name and not storage.shared]
    if local:
        details.append(say("storage with it: {names}", names=", ".join(local[:4])))
    values: dict[str, str | Said] = {"name": node.name}
    if cause is not None and cause.at is not None:
        values |= {"at": Moment(cause.at, "%H:%M")}
        said = (
            say("{name} is shutting down, ordered {at}", **values)
            if explained
            else say("{name} has not come back, ordered down {at}", **values)
        )
        if cause.by:
            details.append(say("by {by}", by=cause.by))
    else:
        said = say("{name} is offline", **values)
    return Finding(
        rule="node_offline",
        subject=node_subject(node),
        severity=Severity.INFO if explained else Severity.CRITICAL,
        said=said,
        over=say("{name} is back", name=node.name),
        details=tuple(details),
        because=say("its row says offline")
        if since is None
        else say("online until {at}, offline for {span}", at=clock(since), span=span(gone)),
        cures=(guests_there(node, len(guests)),) if guests else (),
        quiet=explained,
        since=since,
        affected=tuple(guest.name for guest in guests),
    )


# -- 4 node_reset --------------------------------------------------------------------------------------------------


def node_reset(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None:
        return
    for node in snapshot.nodes:
        was = view.before.nodes.get(node.name)
        if was is None or node.uptime is None or not node.online or not fell(was, node):
            continue
        if limits.of(node_key(node)).on:
            yield _reset(view, node, was.uptime or 0)


def _reset(view: View, node: Node, before: int) -> Finding:
    booted = from_epoch(booted_at(view, node.name) or view.at.timestamp())
    offline = remembered(view, f"offline/{node.name}")
    went = from_epoch(min(offline, booted.timestamp())) if offline is not None else booted
    cause = of_node(view, node.name, min(went, booted), timedelta(minutes=35))
    fence = remembered(view, f"fence/{node.name}")
    fenced = fence is not None and abs(booted.timestamp() - fence) < FENCED
    because = say("its uptime fell from {before} to {now}", before=span(before), now=span(node.uptime or 0))
    subject, over = node_subject(node), None
    event = f"{node.name}-{round(booted.timestamp() / 300)}"
    if fenced or cause is not None or view.asleep(node.name):
        details: tuple[Said, ...] = ()
        if fenced:
            details = (say("fenced by HA"),)
        elif cause is not None and cause.at is not None:
            details = (say("ordered {at} by {by}", at=clock(cause.at), by=cause.by or "?"),)
        return Finding(
            rule="node_reset",
            subject=subject,
            severity=Severity.INFO,
            said=say("{name} has rebooted", name=node.name),
            over=over,
            details=details,
            because=because,
            event=event,
            quiet=True,
            since=booted,
        )
    known = view.tasks is not None
    return Finding(
        rule="node_reset",
        subject=subject,
        severity=Severity.WARNING,
        said=say("{name} was reset by itself", name=node.name) if known else say("{name} has rebooted", name=node.name),
        details=(
            (say("nobody ordered it in Proxmox"), say("(power, watchdog or panic)"))
            if known
            else (say("cause unknown: the tasks are not to be seen"),)
        ),
        because=because,
        cures=(node_page(node), tasks_of_node(node)),
        event=event,
        loud=known,
        since=booted,
    )


# -- 38 stats_frozen -----------------------------------------------------------------------------------------------


def stats_frozen(view: View, limits: Limits) -> Iterator[Finding]:
    """Each poll that sees the same uptime as the one before; the hold makes it a fault."""
    snapshot = seen(view)
    if snapshot is None or view.first:
        return
    for node in snapshot.nodes:
        was = view.before.nodes.get(node.name)
        if was is None or not node.online or node.uptime is None or node.uptime != was.uptime:
            continue
        if not limits.of(node_key(node)).on:
            continue
        yield Finding(
            rule="stats_frozen",
            subject=node_subject(node),
            severity=Severity.WARNING,
            said=say("{name}: figures stand still", name=node.name),
            over=say("{name}: figures move again", name=node.name),
            details=(say("pvestatd hangs, often on a dead NFS or PBS"),),
            because=say("online, and its uptime stands at {uptime}", uptime=span(node.uptime)),
            cures=(node_page(node), opens(say("Storage"), "storage")),
            since=was.moved,
            affected=tuple(guest.name for guest in snapshot.guests if guest.node == node.name and not guest.template)
            if still(view, node)
            else (),
        )


# -- 43 node_api_down ----------------------------------------------------------------------------------------------

_OF_NODE = tuple(feed for feed in FEEDS if feed.per_node and feed not in {NODE_STATUS, STORAGES})
"""Without the storages: one that hangs makes that call alone silent."""


def node_api_down(view: View, limits: Limits) -> Iterator[Finding]:
    snapshot = seen(view)
    if snapshot is None or not view.feeds.readings:
        return
    for node in snapshot.nodes:
        if not node.online or not limits.of(node_key(node)).on or not _silent(view, node.name):
            continue
        yield Finding(
            rule="node_api_down",
            subject=node_subject(node),
            severity=Severity.WARNING,
            said=say("{name}: its API does not answer", name=node.name),
            over=say("{name}: its API answers again", name=node.name),
            details=(say("pveproxy or pvedaemon is down there, or the way to it"),),
            because=say("online, and its own calls end with 595 or 596"),
            cures=(node_page(node),),
        )


def _silent(view: View, node: str) -> bool:
    reading = view.feeds.get(NODE_STATUS, node)
    if reading is not None and not reading.forbidden and not reading.absent:
        return reading.silent
    others = [found for feed in _OF_NODE if (found := view.feeds.get(feed, node)) is not None]
    return any(one.silent for one in others) and not any(one.fresh for one in others)


def _answers(view: View, subject: Subject) -> bool:
    name = subject.id
    snapshot = seen(view)
    if snapshot is None or name not in snapshot.by_node:
        return sees_node(view, subject)
    readings: list[Reading[object]] = [
        found for feed in (NODE_STATUS, *_OF_NODE) if (found := view.feeds.get(feed, name)) is not None
    ]
    return bool(snapshot.by_node[name].online) and any(one.fresh for one in readings)


RULES: tuple[Rule, ...] = (
    Rule(
        number=3,
        key="node_offline",
        kind=Kind.STATE,
        help="A node is offline. Silent for grace_seconds where it was ordered in the ordered_seconds before.",
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
        help="A node has booted that nobody told to.",
        severity=Severity.WARNING,
        limit=Limit(),
        find=node_reset,
        sees=sees_uptime,
    ),
    Rule(
        number=38,
        key="stats_frozen",
        kind=Kind.STATE,
        help="A node is online and its figures stand still: pvestatd hangs.",
        severity=Severity.WARNING,
        limit=Limit(hold=90),
        find=stats_frozen,
        sees=sees_uptime,
    ),
    Rule(
        number=43,
        key="node_api_down",
        kind=Kind.STATE,
        help="A node is online and its own API does not answer.",
        severity=Severity.WARNING,
        limit=Limit(hold=180, polls=2),
        find=node_api_down,
        sees=_answers,
    ),
)
