"""What HA says of a node. Is it fenced, and is it back since? What the manager says, and what Proxmox VE pushed, may be
older than that. Is it under maintenance?"""

from datetime import datetime
from enum import Enum

from bot.model import Node
from bot.model.feeds import HA
from bot.model.view import View
from bot.rules.sight import remembered, seen

BEFORE = 900.0
"""Seconds before a node went in which HA may have called it under maintenance."""
AHEAD = 60.0
"""Seconds by which a fence may be told before a poll sees that its node is gone."""
PLAIN = frozenset({"online", "fence"})
"""States of a node that are the end of its maintenance, whatever it was before."""
SAID = 3600.0
"""Seconds for which it counts that HA called a node under maintenance, while it cannot be read."""


class Fence(Enum):
    """Who says that HA fences a node."""

    SAID = "said"  # the HA manager
    PUSHED = "pushed"  # a notification of Proxmox VE


def returned(view: View, node: Node) -> datetime | None:
    """Since when a node is online that was away lately; None where it is not, or was not."""
    if not node.online or remembered(view, f"offline/{node.name}") is None:
        return None
    was = view.before.nodes.get(node.name)
    return was.changed if was is not None and was.online and was.changed is not None else view.at


def fenced(view: View, node: Node) -> Fence | None:
    """Does HA fence it, as far as this poll knows? Of one that has returned, what was said before says nothing, and
    nor does the manager, which may be a little behind."""
    back = returned(view, node)
    ha = view.feeds.fresh(HA)
    if back is None and ha is not None and ha.nodes.get(node.name) == "fence":
        return Fence.SAID
    pushed = (push for push in view.pushes if push.kind == "fencing" and push.host == node.name)
    return Fence.PUSHED if any(back is None or push.at > back for push in pushed) else None


def maintained(view: View, name: str) -> bool:
    """Does HA say that a node is under maintenance? Where HA is not read, as for a minute after a start: said it so
    lately? Of a node that is gone it may say no more than that (`unknown`): then what it said in the time before
    counts, as long as it does not fence it (pve-ha-manager, NodeStatus.pm, update)."""
    snapshot, was, ha = seen(view), view.before.nodes.get(name), view.feeds.fresh(HA)
    node = snapshot.by_node.get(name) if snapshot is not None else None
    said = remembered(view, f"ha_maintenance/{name}")
    state = ha.nodes.get(name, "") if ha is not None else ""
    if node is None or node.online is not False:
        return state == "maintenance" or (ha is None and said is not None and 0 <= view.at.timestamp() - said < SAID)
    since = was.changed if was is not None and was.online is False and was.changed is not None else view.at
    given_up = remembered(view, f"fence/{name}")
    if fenced(view, node) is not None or (given_up is not None and given_up >= since.timestamp() - AHEAD):
        return False
    if state == "maintenance":
        return True
    return state not in PLAIN and said is not None and said >= since.timestamp() - BEFORE
