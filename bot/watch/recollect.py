"""What is remembered of guests, and how the remembered is brought up to date: the greater part of memory.py."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.model import Guest, Kind, Snapshot, Status
from bot.model.view import GuestWas, NodeWas, View
from bot.rules.guest.causes import DOWN, last_ran, of_restart, reaches, took_down
from bot.rules.guest.troubled import RESETS, RESETS_FOR
from bot.rules.node.boots import LAG, node_restarted, polled
from bot.rules.sight import blind, whole

K = TypeVar("K")
V = TypeVar("V")

GONE = 3600.0
"""Seconds for which something that is gone is remembered."""
LATE = timedelta(minutes=10)
"""For so long after a stop its cause is looked for: a task may be listed a little later."""
PIECE = 200
"""Guests after which somebody else may be answered."""
FELL = 30.0
"""Seconds: a process that began after the poll before is younger than the time since, and this."""
CYCLE = 12.0
"""Seconds by which two looks at the same young process may differ: pvestatd tells of its node and of it each 10 s, one
after the other."""


def merged(before: Mapping[K, V], changed: Mapping[K, V], forgotten: Iterable[K]) -> Mapping[K, V]:
    gone = set(forgotten)
    if not changed and not gone:
        return before
    return {key: value for key, value in {**before, **changed}.items() if key not in gone}


def forgotten_of(
    about: str, missing: Iterable[object], view: View, snapshot: Snapshot, figures: dict[str, float]
) -> list[str]:
    """Of what is missing from the list, that which has been for long enough; all times are brought up to date."""
    now = view.at.timestamp()
    prefix = f"gone/{about}/"
    names = {str(name) for name in missing} if whole(snapshot) else None
    known = {key for key in figures if key.startswith(prefix)}
    if names is None:
        return []
    for key in known:
        if key.removeprefix(prefix) not in names:
            del figures[key]
    gone: list[str] = []
    for name in names:
        since = figures.setdefault(prefix + name, now)
        if since > now:  # the clock was set back
            figures[prefix + name] = now
        elif now - since >= GONE:
            del figures[prefix + name]
            gone.append(name)
    return gone


# -- guests --------------------------------------------------------------------------------------------------------


def guests_of(
    view: View, snapshot: Snapshot, nodes: Mapping[str, NodeWas], figures: dict[str, float]
) -> Generator[None, None, Mapping[int, GuestWas]]:
    """Step by step: of a node that comes back thousands are other than they were."""
    before = view.before.guests
    dark = blind(view)
    zero = {  # when each node's uptime was 0
        node.name: nodes[node.name].booted
        if nodes.get(node.name) is not None and nodes[node.name].booted is not None
        else view.at.timestamp() - node.uptime
        for node in snapshot.nodes
        if node.uptime is not None
    }
    now = {node.name: (zero[node.name] or 0.0) + node.uptime for node in snapshot.nodes if node.uptime is not None}
    changed: dict[int, GuestWas] = {}
    at = view.at.timestamp()
    unknown = Status.UNKNOWN
    for count, guest in enumerate(snapshot.guests):
        if count % PIECE == 0:
            yield
        was = before.get(guest.vmid)
        status, node, uptime = guest.status, guest.node, guest.uptime
        if status is unknown or node in dark:
            if was is not None and was.ran is None and was.status is Status.RUNNING and status is unknown:
                changed[guest.vmid] = replace(was, ran=polled(view) or was.changed)
            continue
        booted = now.get(node, at) - uptime if uptime is not None else None
        if was is None:
            changed[guest.vmid] = _new(view, guest, booted)
            continue
        if (
            status is was.status
            and node == was.node
            and guest.lock == was.lock
            and not was.resets
            and (
                was.booted is booted
                or (booted is not None and was.booted is not None and -LAG <= booted - was.booted <= CYCLE)
            )
            and (was.ran is None or (was.stopped_by and status is not Status.RUNNING))
        ):
            continue
        new = _guest(view, guest, was, booted)
        if new != was:
            changed[guest.vmid] = new
    missing = [vmid for vmid in before if vmid not in snapshot.by_vmid]
    forgotten = {int(name) for name in forgotten_of("guest", missing, view, snapshot, figures)}
    return merged(before, changed, forgotten)


def _new(view: View, guest: Guest, booted: float | None) -> GuestWas:
    return GuestWas(
        status=guest.status,
        node=guest.node,
        booted=booted,
        changed=view.at,
        lock=guest.lock,
        locked=view.at if guest.lock else None,
    )


def _guest(view: View, guest: Guest, was: GuestWas, booted: float | None) -> GuestWas:
    """`was`, brought up to date with a guest that was seen. A VM in prelaunch that was down is down still: its backup
    starts QEMU to read its disks, and a start may come to nothing."""
    if guest.status is Status.PRELAUNCH and was.status in DOWN:
        guest = replace(guest, status=was.status)
        booted = None
    changes = was
    if guest.lock != was.lock:
        changes = replace(changes, lock=guest.lock, locked=view.at)
    if was.resets:
        recent = tuple(at for at in was.resets if timedelta() <= view.at - at < RESETS_FOR)
        changes = replace(changes, resets=recent) if recent != was.resets else changes
    if guest.status is Status.RUNNING:
        changes = replace(changes, ran=None, stopped_by="")
        if (began := _began_anew(view, guest, was, booted)) is not None and of_restart(view, guest) is None:
            changes = replace(changes, resets=(*changes.resets, began)[-RESETS:])
    else:
        changes = _down(view, guest, was, changes)
    if guest.status is not was.status:
        changes = replace(changes, status=guest.status, changed=view.at)
    if guest.node != was.node:
        changes = replace(changes, node=guest.node)
    if booted is None:
        return replace(changes, booted=None)
    if was.booted is None or abs(booted - was.booted) > LAG or _young(view, guest, was, booted):
        changes = replace(changes, booted=booted)
    return changes


def _began_anew(view: View, guest: Guest, was: GuestWas, booted: float | None) -> datetime | None:
    """When its process began, where it was up at both polls, and that was between them. A VM that nobody watches over
    keeps its process. While the bot was away it counts only where what would explain it can be seen still."""
    if not was.status.up or was.booted is None or booted is None or guest.uptime is None:
        return None
    if guest.kind is not Kind.LXC and not guest.ha_managed:
        return None
    if was.node != guest.node:
        return None
    if _young(view, guest, was, booted):
        return view.at
    if booted <= was.booted + LAG:
        return None
    if guest.uptime <= view.step + FELL:
        return view.at
    last = polled(view) if view.first else None
    if last is None or not reaches(view, (guest.node,), last) or node_restarted(view, guest, was):
        return None
    began = view.at - timedelta(seconds=guest.uptime)
    return began if began >= last - timedelta(seconds=FELL) else None


def _young(view: View, guest: Guest, was: GuestWas, booted: float) -> bool:
    """Is its process so young that it began since the poll before, and after the one that was seen then?"""
    if was.booted is None or guest.uptime is None:
        return False
    return guest.uptime <= view.step + CYCLE and booted > was.booted + CYCLE


def _down(view: View, guest: Guest, was: GuestWas, changes: GuestWas) -> GuestWas:
    """It does not run: when it last did, and why, as soon as that is known."""
    ran = last_ran(view, was)
    if ran is None:  # it was not seen running
        return changes
    changes = replace(changes, ran=ran)
    since = view.at if guest.status is not was.status or was.changed is None else was.changed
    soon = abs(view.at - since) < LATE or guest.vmid in view.looked_up
    if (was.stopped_by and guest.status is was.status) or not soon:
        return changes
    cause = took_down(view, guest, was)
    return replace(changes, stopped_by=cause.by if cause is not None else "")
