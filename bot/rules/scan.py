"""One pass over all guests and one over all that is remembered of them, shared by the rules of one poll.

Ten thousand guests are looked at every few seconds, and nearly all of them run in peace: those are passed over at the
first glance, and the rules see the others only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model import Guest, Kind, Status
from bot.model.memo import memo
from bot.model.view import GuestWas, View
from bot.rules.guest.causes import HA_STARTED
from bot.rules.sight import blind, seen

CALM = HA_STARTED | {"", "ignored"}
"""States of HA in which a guest that runs is of no interest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Templates, and guests of nodes about which nothing new is known, are in none of them but `ha`."""

    stopped: tuple[Guest, ...] = ()
    halted: tuple[Guest, ...] = ()  # io-error, internal-error, guest-panicked
    paused: tuple[Guest, ...] = ()
    locked: tuple[Guest, ...] = ()
    ha: tuple[Guest, ...] = ()  # state neither calm nor stopped; also of nodes that are gone


@memo
def scan(view: View) -> Scan:
    snapshot = seen(view)
    if snapshot is None:
        return Scan()
    dark = blind(view)
    lists: Mapping[Status, list[Guest]] = {status: [] for status in Status}
    locked: list[Guest] = []
    ha: list[Guest] = []
    running, calm = Status.RUNNING, CALM
    for guest in snapshot.guests:
        if guest.status is running and not guest.lock and guest.hastate in calm:
            continue
        if guest.template:
            continue
        if guest.hastate not in calm:
            ha.append(guest)
        if guest.node in dark or guest.node not in snapshot.by_node:
            continue
        lists[guest.status].append(guest)
        if guest.lock:
            locked.append(guest)
    return Scan(
        stopped=tuple(lists[Status.STOPPED]),
        halted=tuple(guest for status in Status if status.troubled for guest in lists[status]),
        paused=tuple(lists[Status.PAUSED]),
        locked=tuple(locked),
        ha=tuple(ha),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Of the poll before, as far as it is of interest now."""

    reset: Mapping[int, GuestWas] = field(default_factory=dict)  # whose uptime fell lately
    away: Mapping[int, GuestWas] = field(default_factory=dict)  # that ran, and did not, or was not seen


@memo
def recall(view: View) -> Recall:
    reset: dict[int, GuestWas] = {}
    away: dict[int, GuestWas] = {}
    for vmid, was in view.before.guests.items():
        if was.resets:
            reset[vmid] = was
        if was.ran is not None:
            away[vmid] = was
    return Recall(reset=reset, away=away)


@memo
def containers(view: View) -> tuple[Guest, ...]:
    """Those with figures: one that has just begun has none yet."""
    snapshot = seen(view)
    if snapshot is None:
        return ()
    lxc = Kind.LXC
    return tuple([guest for guest in snapshot.guests if guest.kind is lxc and guest.uptime])
