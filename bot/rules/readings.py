"""What the rules of the slower feeds share: which readings may be judged, thresholds, and what their subjects are
called.

A subject is judged only where its feed's reading is fresh and its node is online; what is forbidden, silent, stale or
absent is held as it was. What stands on a node that is no member any more is over.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from bot.model import About, Gap, Guest, Severity, Snapshot, Storage, Subject
from bot.model.feeds import Feed
from bot.model.view import View
from bot.rules.rule import Limit
from bot.text import Said, say, say_n

T = TypeVar("T")
HOUR, DAY = 3600.0, 86400.0
SHOWN = 6
"""Lines of one kind in a message; the rest is counted."""


def ready(view: View) -> Snapshot | None:
    """What this poll read; None where it read nothing."""
    return view.snapshot if view.fresh else None


def online(view: View, node: str) -> bool:
    snapshot = ready(view)
    found = snapshot.by_node.get(node) if snapshot is not None else None
    return found is not None and found.online is True


def per_node(view: View, feed: Feed[T]) -> Iterator[tuple[str, T]]:
    """Node and its fresh value, by name, of nodes that are online."""
    values = view.feeds.nodes(feed) if ready(view) is not None else {}
    for node in sorted(values):
        if online(view, node):
            yield node, values[node]


def of_cluster(view: View, feed: Feed[T]) -> T | None:
    return view.feeds.fresh(feed) if ready(view) is not None else None


def gone(view: View, subject: Subject) -> bool:
    """Does it stand on a node that is no member any more? Never where rows were dropped."""
    snapshot = ready(view)
    if snapshot is None or not snapshot.nodes or not subject.node or subject.node in snapshot.by_node:
        return False
    return all(gap.gap is not Gap.ROWS_DROPPED for gap in snapshot.unseen)


def sees_node(feed: Feed[Any]) -> Callable[[View, Subject], bool]:
    """Of subjects that one reading of their node tells about."""

    def sees(view: View, subject: Subject) -> bool:
        read = view.feeds.fresh(feed, subject.node) is not None and online(view, subject.node)
        return read or gone(view, subject)

    return sees


def sees_cluster(feed: Feed[Any]) -> Callable[[View, Subject], bool]:
    """Of subjects that one reading of the cluster tells about."""

    def sees(view: View, subject: Subject) -> bool:
        return of_cluster(view, feed) is not None

    return sees


def sees_nothing(view: View, subject: Subject) -> bool:
    """Of events: they are over when they are told."""
    return False


def grade(value: float, limit: Limit, *, falling: bool = False) -> tuple[Severity, bool] | None:
    """Severity and whether it is grey; None where all is well. `falling`: less is worse.

    >>> grade(0.87, Limit(warning=0.85, warning_clear=0.80))
    (<Severity.WARNING: 2>, False)
    """

    def reaches(bound: float | None) -> bool:
        return bound is not None and (value <= bound if falling else value >= bound)

    def above(bound: float | None) -> bool:
        return bound is not None and (value < bound if falling else value > bound)

    if reaches(limit.critical):
        return Severity.CRITICAL, False
    if reaches(limit.warning):
        return Severity.WARNING, False
    if above(limit.warning_clear if limit.warning is not None else limit.critical_clear):
        return Severity.WARNING, True
    return None


# -- subjects ------------------------------------------------------------------------------------------------------


def of_guest(guest: Guest) -> Subject:
    return Subject(
        about=About.GUEST,
        cluster=guest.cluster,
        id=str(guest.vmid),
        name=guest.name,
        node=guest.node,
        tags=guest.tags,
        pool=guest.pool,
    )


def of_node(view: View, node: str) -> Subject:
    return Subject(about=About.NODE, cluster=view.cluster, id=node, name=node, node=node)


def of_storage(storage: Storage) -> Subject:
    """A shared one is on no node."""
    return Subject(
        about=About.STORAGE,
        cluster=storage.cluster,
        id=storage.id,
        name=storage.id,
        node="" if storage.shared else storage.node,
    )


def of_all(view: View) -> Subject:
    return Subject(about=About.CLUSTER, cluster=view.cluster, name=view.name)


def of_other(view: View, path: str, name: str, node: str = "", guest: Guest | None = None) -> Subject:
    """Something on a node, or of a guest: whose tags and pool it has for routes and silences."""
    return Subject(
        about=About.OTHER,
        cluster=view.cluster,
        id=path,
        name=name,
        node=node,
        tags=guest.tags if guest is not None else (),
        pool=guest.pool if guest is not None else "",
    )


def guest_named(view: View, vmid: int | str) -> Guest | None:
    """By its vmid, also as a UPID has it."""
    if view.snapshot is None:
        return None
    number = int(vmid) if isinstance(vmid, int) or (vmid.isascii() and vmid.isdecimal()) else 0
    return view.snapshot.by_vmid.get(number)


def name_of(view: View, vmid: int) -> str:
    guest = guest_named(view, vmid)
    return guest.name if guest is not None else str(vmid)


# -- words ---------------------------------------------------------------------------------------------------------


def percent(value: float) -> str:
    """A share as `87 %`; `95.4 %` where it matters."""
    return f"{value * 100:.0f} %" if value < 0.95 else f"{value * 100:.1f} %"


def passed(seconds: float) -> Said:
    """As a person says it: hours, then days."""
    if seconds < 2 * DAY:
        return say_n(max(1, round(seconds / HOUR)), one="{n} hour", many="{n} hours")
    return say_n(round(seconds / DAY), one="{n} day", many="{n} days")


def listed(parts: list[Said]) -> tuple[Said, ...]:
    """The first few, the rest counted."""
    if len(parts) <= SHOWN + 1:
        return tuple(parts)
    return (*parts[:SHOWN], say("and {n} more", n=len(parts) - SHOWN))


def week(at: datetime) -> str:
    """2026-W48: ISO week, UTC."""
    year, number, _ = at.isocalendar()
    return f"{year}-W{number:02d}"
