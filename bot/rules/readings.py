"""What the rules of the slower feeds share: which readings may be judged, and how figures are said.

A subject is judged only where its feed's reading is fresh and its node is online; what is forbidden, silent, stale or
absent is held as it was. What stands on a node that is no member any more is over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from bot.model import About, Cure, Guest, Severity, Subject, alert_key
from bot.model.feeds import DAY, HOUR, Feed
from bot.model.view import View
from bot.rules.grades import graded
from bot.rules.rule import Limit
from bot.rules.sight import Sees, seen, whole
from bot.rules.subjects import cluster_subject, guest_key
from bot.text import Said, say, say_n

T = TypeVar("T")
SHOWN = 6
"""Lines of one kind in a message; the rest is counted."""


def is_online(view: View, node: str) -> bool:
    snapshot = seen(view)
    found = snapshot.by_node.get(node) if snapshot is not None else None
    return found is not None and found.online is True


def per_node(view: View, feed: Feed[T]) -> Iterator[tuple[str, T]]:
    """Node and its fresh value, by name, of nodes that are online."""
    values = view.feeds.nodes(feed) if seen(view) is not None else {}
    for node in sorted(values):
        if is_online(view, node):
            yield node, values[node]


def of_cluster(view: View, feed: Feed[T]) -> T | None:
    return view.feeds.fresh(feed) if seen(view) is not None else None


def sees_reading(feed: Feed[Any]) -> Sees:
    """Of subjects that one reading tells about: of their node, or of the cluster.

    A reading is called fresh for a while after its node went down: it tells nothing of what became of it.
    """

    def sees(view: View, subject: Subject) -> bool:
        snapshot = seen(view)
        if snapshot is None:
            return False
        if not feed.per_node:
            return view.feeds.fresh(feed) is not None
        if subject.node not in snapshot.by_node:
            return bool(snapshot.nodes) and whole(snapshot)
        return is_online(view, subject.node) and view.feeds.fresh(feed, subject.node) is not None

    return sees


def sees_nothing(view: View, subject: Subject) -> bool:
    """Of events: they are over once they are told."""
    return False


def sinking(value: float, limit: Limit) -> tuple[Severity, bool] | None:
    """How bad, where less is worse, and whether it is only grey; None: well."""

    def turned(figure: float | None) -> float | None:
        return -figure if figure is not None else None

    return graded(
        -value,
        replace(
            limit,
            warning=turned(limit.warning),
            warning_clear=turned(limit.warning_clear),
            critical=turned(limit.critical),
            critical_clear=turned(limit.critical_clear),
        ),
    )


# -- subjects ------------------------------------------------------------------------------------------------------


def of_other(view: View, path: str, name: str, node: str = "", guest: Guest | None = None) -> Subject:
    """Something on a node, or of a guest: whose tags and pool it has, for routes and silences, and whose limits."""
    return Subject(
        about=About.OTHER,
        cluster=view.cluster,
        id=path,
        name=name,
        node=node,
        tags=guest.tags if guest is not None else (),
        pool=guest.pool if guest is not None else "",
        of=guest_key(guest) if guest is not None else "",
    )


def of_node(view: View, node: str) -> Subject:
    return Subject(about=About.NODE, cluster=view.cluster, id=node, name=node, node=node)


def guest_named(view: View, vmid: int | str) -> Guest | None:
    """By its vmid, also as a UPID has it."""
    if view.snapshot is None:
        return None
    number = int(vmid) if isinstance(vmid, int) or (vmid.isascii() and vmid.isdecimal()) else 0
    return view.snapshot.by_vmid.get(number)


def name_of(view: View, vmid: int) -> str:
    guest = guest_named(view, vmid)
    return guest.name if guest is not None else str(vmid)


def page_of_node(view: View, node: str) -> Cure:
    return Cure(label=say("Node"), verb="open", key="node", arg=f"{view.cluster}/{node}")


# -- words ---------------------------------------------------------------------------------------------------------


def percent(value: float) -> str:
    """A share as `87 %`; `95.4 %` where it matters."""
    return f"{value * 100:.0f} %" if value < 0.95 else f"{value * 100:.1f}".removesuffix(".0") + " %"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """What is told of all guests once a week; of those that came since, once, as soon as they are found."""

    vmids: tuple[int, ...]  # to be told now
    event: str  # its week and its guests: what it tells is known by it
    more: bool  # others were told this week


def weekly(view: View, rule: str, found: Iterable[int]) -> Weekly:
    """`found`: all, told or not."""
    event = week(view.at)
    prefix = f"{alert_key(rule, cluster_subject(view), event)} "
    told = {name for key in view.before.events if key.startswith(prefix) for name in key[len(prefix) :].split()}
    new = tuple(sorted(vmid for vmid in found if str(vmid) not in told))
    return Weekly(vmids=new, event=" ".join([event, *map(str, new)]), more=bool(told))
