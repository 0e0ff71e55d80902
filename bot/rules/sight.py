"""Could this poll tell that a subject is well? The `sees` of the rules, and what else they must not be deceived by.

What cannot be seen holds its state: a node that is gone takes the sight of its guests with it, a hung pvestatd that of
everything on its node, a row that was not understood that of whatever is missing. What is missing from a list that is
whole is gone, and so is what was wrong with it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from bot.model import Gap, Guest, Node, Snapshot, Status, Storage, Subject
from bot.model.feeds import Feed
from bot.model.memo import memo
from bot.model.view import View

T = TypeVar("T")
Sees = Callable[[View, Subject], bool]

STILL = 60.0
"""Seconds for which a node's figures stand still before they are called old: pvestatd renews them every 10."""
_HOLES = frozenset({Gap.ROWS_DROPPED, Gap.NO_GUESTS_VISIBLE, Gap.UNREACHABLE})


def seen(view: View) -> Snapshot | None:
    """The cluster as this poll read it; None where it could not."""
    return view.snapshot if view.fresh else None


def whole(snapshot: Snapshot) -> bool:
    """Is what is missing from it really gone?"""
    return not any(gap.gap in _HOLES for gap in snapshot.unseen)


def remembered(view: View, key: str) -> float | None:
    """A time that is remembered (Memory.figures), epoch s; what is no time is not remembered."""
    at = view.before.figures.get(key)
    return at if at is not None and 0 <= at < 2**33 else None


def lately(view: View, key: str, within: float) -> bool:
    """Is such a time remembered, of the last `within` seconds?"""
    at = remembered(view, key)
    return at is not None and 0 <= view.at.timestamp() - at < within


@memo
def blind(view: View) -> frozenset[str]:
    """Nodes about whose guests and storages nothing new is known: not online, or their figures stand still."""
    snapshot = seen(view)
    if snapshot is None:
        return frozenset()
    return frozenset(node.name for node in snapshot.nodes if node.online is not True or still(view, node))


def still(view: View, node: Node) -> bool:
    """Have its figures stood still for so long that they are old?"""
    was = view.before.nodes.get(node.name)
    if was is None or was.uptime is None or was.moved is None or node.uptime != was.uptime:
        return False
    return (view.at - was.moved).total_seconds() > max(STILL, 2 * view.poll)


def in_sight(view: View, guest: Guest) -> bool:
    """Is what its row says of it new?"""
    snapshot = seen(view)
    return (
        snapshot is not None
        and guest.status is not Status.UNKNOWN
        and guest.node in snapshot.by_node
        and guest.node not in blind(view)
    )


# -- sees ----------------------------------------------------------------------------------------------------------


def sees_always(view: View, subject: Subject) -> bool:
    return True


def sees_quorum(view: View, subject: Subject) -> bool:
    snapshot = seen(view)
    return snapshot is not None and snapshot.quorate is not None


def sees_guest(view: View, subject: Subject) -> bool:
    snapshot = seen(view)
    if snapshot is None or not subject.id.isdecimal():
        return False
    guest = snapshot.by_vmid.get(int(subject.id))
    if guest is None:
        return whole(snapshot)
    return in_sight(view, guest)


def sees_running(view: View, subject: Subject) -> bool:
    """The same, and not while its VM is in prelaunch: whether it is to run, or only its backup reads its disks, is
    still to be seen."""
    snapshot = seen(view)
    if snapshot is None or not sees_guest(view, subject):
        return False
    guest = snapshot.by_vmid.get(int(subject.id))
    return guest is None or guest.status is not Status.PRELAUNCH


def sees_hastate(view: View, subject: Subject) -> bool:
    """It is told by the cluster, even of a guest whose node is gone."""
    snapshot = seen(view)
    if snapshot is None or not subject.id.isdecimal():
        return False
    return int(subject.id) in snapshot.by_vmid or whole(snapshot)


def sees_node(view: View, subject: Subject) -> bool:
    snapshot = seen(view)
    if snapshot is None:
        return False
    node = snapshot.by_node.get(subject.id)
    if node is None:
        return whole(snapshot) and not any(gap.gap is Gap.STATUS_FAILED for gap in snapshot.unseen)
    return node.online is not None


def sees_uptime(view: View, subject: Subject) -> bool:
    """Of a node that is online, and whose figures the token may see."""
    snapshot = seen(view)
    if snapshot is None:
        return False
    node = snapshot.by_node.get(subject.id)
    if node is None:
        return sees_node(view, subject)
    return node.online is True and node.uptime is not None


def sees_figures(view: View, subject: Subject) -> bool:
    """The same, and the figures are new."""
    if not sees_uptime(view, subject):
        return False
    snapshot = seen(view)
    return snapshot is not None and (subject.id not in snapshot.by_node or subject.id not in blind(view))


def sees_row(told: Callable[[Node], bool]) -> Sees:
    """The same, and its row tells of it."""

    def sees(view: View, subject: Subject) -> bool:
        snapshot = seen(view)
        node = snapshot.by_node.get(subject.id) if snapshot is not None else None
        return sees_figures(view, subject) and (node is None or told(node))

    return sees


def storage_of(snapshot: Snapshot, id_: str) -> Storage | None:
    return next((storage for storage in snapshot.storages if storage.id == id_), None)


def sees_storage(view: View, subject: Subject) -> bool:
    snapshot = seen(view)
    if snapshot is None:
        return False
    storage = storage_of(snapshot, subject.id)
    if storage is None:
        return whole(snapshot)
    return storage.available is not None and storage.node in snapshot.by_node and storage.node not in blind(view)


def sees_feed(*feeds: Feed[Any]) -> Sees:
    """All of these were read just now, of the subject's node where they are per node. A node that is no longer in the
    cluster has nothing wrong with it."""

    def sees(view: View, subject: Subject) -> bool:
        node = subject.node or subject.id.partition("/")[0]
        snapshot = seen(view)
        per_node = any(feed.per_node for feed in feeds)
        if snapshot is not None and per_node and subject.node and node not in snapshot.by_node and whole(snapshot):
            return True
        return all(view.feeds.fresh(feed, node if feed.per_node else "") is not None for feed in feeds)

    return sees


def both(*parts: Sees) -> Sees:
    """All of them see it."""

    def sees(view: View, subject: Subject) -> bool:
        return all(part(view, subject) for part in parts)

    return sees
