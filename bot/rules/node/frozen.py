"""A node that is online, and yet tells nothing: its figures stand still, its API does not answer.

38 stats_frozen · 43 node_api_down
"""

from collections.abc import Iterator
from datetime import datetime

from bot.model import Finding, Severity, Subject
from bot.model.feeds import FEEDS, NODE_STATUS, STORAGES, Reading
from bot.model.view import NodeWas, View
from bot.rules.rule import Kind, Limit, Limits, Rule
from bot.rules.sight import seen, sees_node, sees_uptime, still
from bot.rules.subjects import node_key, node_page, node_subject, opens
from bot.text import say, span

STOOD, TURN = 30.0, 12.0
"""Seconds, whatever the scale, for which figures stand still before that means anything, and from then on before it
is told: pvestatd renews them every 10."""

# -- 38 stats_frozen -----------------------------------------------------------------------------------------------


def stats_frozen(view: View, limits: Limits) -> Iterator[Finding]:
    """Each poll that sees an uptime that has stood still for a while; the rest of the hold makes it a fault."""
    snapshot = seen(view)
    if snapshot is None or view.first:
        return
    for node in snapshot.nodes:
        was = view.before.nodes.get(node.name)
        if was is None or not node.online or node.uptime is None or node.uptime != was.uptime:
            continue
        limit, since = limits.of(node_key(node)), _stands_since(was)
        if not limit.on or since is None or (view.at - since).total_seconds() < STOOD:
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
            hold=max(limit.hold - STOOD, TURN),
            since=since,
            affected=tuple(guest.name for guest in snapshot.guests if guest.node == node.name and not guest.template)
            if still(view, node)
            else (),
        )


def _stands_since(was: NodeWas) -> datetime | None:
    """Of one that has just come back its figures of before are shown for a moment: it counts from its return."""
    if not was.online or was.moved is None:
        return None
    return was.moved if was.changed is None else max(was.moved, was.changed)


def _moves(view: View, subject: Subject) -> bool:
    """At the first poll after a start it is not looked for: one that stands where it stood is not well for that."""
    snapshot, was = seen(view), view.before.nodes.get(subject.id)
    node = snapshot.by_node.get(subject.id) if snapshot is not None else None
    stands = node is not None and was is not None and node.uptime == was.uptime
    return sees_uptime(view, subject) and not (view.first and stands)


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
        number=38,
        key="stats_frozen",
        kind=Kind.STATE,
        help="A node is online and its figures stand still: pvestatd hangs.",
        severity=Severity.WARNING,
        limit=Limit(hold=90),
        find=stats_frozen,
        sees=_moves,
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
