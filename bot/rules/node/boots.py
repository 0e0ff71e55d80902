"""When a node booted, and whether it has since: by its uptime, which no clock of the bot's moves."""

from datetime import datetime, timedelta

from bot.model import Guest, Node
from bot.model.view import GuestWas, NodeWas, View
from bot.rules.sight import remembered, seen
from bot.text import from_epoch

LAG = 30.0
"""Seconds by which two looks at the same start of a process may differ."""
FALLEN = 30
"""Seconds by which an uptime must have fallen: another host's copy of the list may be a little older."""
STARTS_WITHIN = 600.0
"""Seconds from a node's boot to its startall, and what its clock may differ by."""


def polled(view: View) -> datetime | None:
    """When the poll before was, that could read the cluster; None where nobody knows."""
    figure = remembered(view, "polled")
    if figure is not None:
        return min(from_epoch(figure), view.at)
    return view.at - timedelta(seconds=view.step) if view.step > 0 else None


def booted_at(view: View, name: str) -> float | None:
    """Epoch s at which the node booted; None where that is not known."""
    was = view.before.nodes.get(name)
    snapshot = seen(view)
    node = snapshot.by_node.get(name) if snapshot is not None else None
    if node is None or node.uptime is None:
        return was.booted if was is not None else None
    if was is None or was.booted is None or rebooted(view, was, node):
        return view.at.timestamp() - node.uptime
    return was.booted


def rebooted(view: View, was: NodeWas, node: Node) -> bool:
    """Does its uptime begin anew? While the bot was away it may have outgrown what it was: then the startall of that
    boot tells, which is dated by the node, so that no clock of the bot's makes one."""
    if node.uptime is None or was.uptime is None:
        return False
    if node.uptime < was.uptime - FALLEN:
        return True
    away = polled(view) if view.first else None
    if away is None:
        return False
    booted = view.at.timestamp() - node.uptime
    return any(
        task.upid.type == "startall"
        and task.upid.user == "root@pam"
        and task.upid.start > away
        and abs(task.upid.start.timestamp() - booted) < STARTS_WITHIN
        for task in view.tasks_on.get(node.name, ())
    )


def node_restarted(view: View, guest: Guest, was: GuestWas) -> bool:
    """Has its node booted since its process began?"""
    booted = booted_at(view, guest.node)
    return was.booted is not None and booted is not None and booted > was.booted + LAG
