"""TABLE: what goes down with what. The child is told in its parent's message, and nowhere else.

1 api_unreachable            everything of that cluster
2 quorum_lost                everything of it but 1
3 node_offline               guests, storages, services, replication, Ceph of the node, its API, and its fence
38 stats_frozen              the same but API and fence; Ceph only where it is the node's: it may be why pvestatd hangs
6 ha_error                   7 and 8 of the same guest
7 guest_stopped_by_itself    8 of the same guest
30 store_overdue             30 of the guests it names
9 guest_io_error             22 of the storages that may hold its disks, and have had no room since
"""

from collections.abc import Mapping

from bot.model import About, Finding

PARENTS: Mapping[str, int] = {
    key: rank
    for rank, key in enumerate(
        (
            "api_unreachable",
            "quorum_lost",
            "node_offline",
            "stats_frozen",
            "ha_error",
            "guest_stopped_by_itself",
            "guest_io_error",
            "store_overdue",
        )
    )
}
"""Rules that have children; of several parents the first explains it best."""
COUNTED: Mapping[str, frozenset[str]] = {"node_offline": frozenset({"node_reset"})}
"""Events of the same thing that are part of its coming and going, and are not told by themselves while it flaps."""
TOLD_FIRST = frozenset({"guest_stopped_by_itself"})
"""Of these one that is explained before it was told is told to nobody: it tells for no other either. One that was told
goes on to, whatever becomes known of it."""
BOTS_OWN = frozenset({"bot", "token_expiry", "subscription", "system_mail"})
"""What no outage of a cluster explains."""
_OF_NODE = frozenset({"service_down", "replication", "ceph", "node_api_down", "zfs", "thin_metadata"})
_DOWN = frozenset({"guest_stopped_by_itself", "guest_expected_down"})


def inhibits(parent: Finding, child: Finding) -> bool:
    """Does `parent` explain `child`? Asked of any two findings, of any clusters."""
    above, below = parent.subject, child.subject
    if parent.rule not in PARENTS or above.cluster != below.cluster or parent.key == child.key:
        return False
    match parent.rule:
        case "api_unreachable":
            return child.rule != parent.rule and child.rule not in BOTS_OWN
        case "quorum_lost":
            return child.rule not in {parent.rule, "api_unreachable"} and child.rule not in BOTS_OWN
        case "node_offline" | "stats_frozen":
            return _of_node(parent, child)
        case "ha_error":
            return not parent.event and child.rule in _DOWN and above.key == below.key
        case "guest_stopped_by_itself":
            return child.rule == "guest_expected_down" and above.key == below.key
        case "store_overdue":
            return child.rule == "backup_overdue" and below.key in parent.explains
        case "guest_io_error":
            return child.rule == "storage_full" and below.key in parent.explains
        case _:
            return False


def _of_node(parent: Finding, child: Finding) -> bool:
    node, below = parent.subject.id, child.subject
    offline = parent.rule == "node_offline"
    if child.rule == "ceph" and offline:
        return True
    if not node or below.node != node:
        return False
    if below.about in {About.GUEST, About.STORAGE}:
        return True
    if child.rule == "node_fenced":  # HA's answer to it: one dead host is one message
        return offline
    return child.rule in _OF_NODE and (offline or child.rule != "node_api_down")
