"""Guests in trouble: halted, paused, restarting again and again, locked.

9 guest_io_error · 10 guest_paused · 11 restart_loop · 12 lock_stuck
"""

from collections.abc import Iterator
from datetime import timedelta

from bot.model import Cure, Finding, Guest, Kind, Outcome, Severity, Status, Subject
from bot.model.view import View
from bot.rules.guest.causes import OF_NODE, of_down, took_down
from bot.rules.guest.endings import paused, running
from bot.rules.guest.expected import CRITICAL
from bot.rules.rule import Confirm, Limit, Limits, Rule
from bot.rules.rule import Kind as Lasts
from bot.rules.scan import recall, scan
from bot.rules.sight import in_sight, seen, sees_guest
from bot.rules.subjects import HOLD_DISKS, guest_key, guest_subject, opens, resume, storage_subject, tasks_of_guest
from bot.rules.tasks import CONSOLES
from bot.text import Said, clock, day_clock, say

ROOM = 0.9
"""Share used below which a storage is not full: a file system keeps some for root, so that 95 % may be all."""

# -- 9 guest_io_error ----------------------------------------------------------------------------------------------


def guest_io_error(view: View, limits: Limits) -> Iterator[Finding]:
    for guest in scan(view).halted:
        if not limits.of(guest_key(guest)).on:
            continue
        cures: tuple[Cure, ...] = (opens(say("Storage"), "storage"),)
        if guest.status is Status.IO_ERROR:
            said = say("{name} is halted: its storage fails", name=guest.name)
            details: tuple[Said, ...] = (say("usually a storage that is full"),)
            cures = (resume(guest), *cures)
        elif guest.status is Status.GUEST_PANICKED:
            said, details = say("{name}: its kernel has panicked", name=guest.name), ()
            cures = (tasks_of_guest(guest),)
        else:
            said, details = say("{name} is halted: internal error of QEMU", name=guest.name), ()
            cures = (tasks_of_guest(guest),)
        yield Finding(
            rule="guest_io_error",
            subject=guest_subject(guest),
            severity=Severity.CRITICAL,
            said=said,
            over=say("{name} runs again", name=guest.name),
            details=details,
            because=say("its state is {state}", state=guest.status.value),
            cures=cures,
            explains=_full(view, guest) if guest.status is Status.IO_ERROR else (),
        )


def _full(view: View, guest: Guest) -> tuple[str, ...]:
    """Keys of the storages that may have halted it by being full: they can hold its disks, and none was seen to have
    room since."""
    snapshot, was = seen(view), view.before.guests.get(guest.vmid)
    halted = was.changed if was is not None and was.status is guest.status else None
    since = (halted or view.at).timestamp()
    keys: list[str] = []
    for storage in snapshot.storages if snapshot is not None else ():
        if not HOLD_DISKS & set(storage.content) or (storage.node != guest.node and not storage.shared):
            continue
        before = view.before.storages.get(storage.id)
        used = [disk for at, disk in (before.samples if before is not None else ()) if at >= since]
        used += [storage.disk] if storage.disk is not None else []
        if all(disk >= ROOM * (storage.maxdisk or 0) for disk in used):
            keys.append(storage_subject(storage).key)
    return tuple(sorted(keys))


# -- 10 guest_paused -----------------------------------------------------------------------------------------------


def guest_paused(view: View, limits: Limits) -> Iterator[Finding]:
    for guest in scan(view).paused:
        limit = limits.of(guest_key(guest))
        if not limit.on or view.asleep(guest.node):
            continue
        was = view.before.guests.get(guest.vmid)
        if was is not None and of_down(view, guest, was) is not None:
            continue
        if was is None and paused_last(view, guest):
            continue
        known = view.tasks is not None
        loud = known and CRITICAL in guest.tags
        after = took_down(view, guest, was) if was is not None and not guest.ha_managed else None
        yield Finding(
            rule="guest_paused",
            subject=guest_subject(guest),
            severity=Severity.WARNING if known else Severity.INFO,
            said=say("{name} is paused", name=guest.name),
            over=say("{name} runs again", name=guest.name),
            details=(say("after: {by}", by=after.by),)
            if after is not None
            else (say("nobody paused it in Proxmox"),)
            if known
            else (say("cause unknown: the tasks are not to be seen"),),
            because=say("its state is paused, without a task or a backup that explains it"),
            cures=(resume(guest),) if guest.kind is Kind.QEMU else (),
            grey=bool(guest.lock) or backed_up(view, guest),
            loud=loud,
            since=was.changed if was is not None and was.status is Status.PAUSED else None,
            unsure=not known,
        )


def paused_last(view: View, guest: Guest) -> str:
    """Who paused it, by its last task; '' where that was none that pauses."""
    last = view.tasks_of.get(str(guest.vmid), ())[:1]
    return next((task.upid.user for task in last if task.upid.type in {"qmpause", "qmsuspend"}), "")


def backed_up(view: View, guest: Guest) -> bool:
    return any(
        task.upid.type == "vzdump" and task.outcome is Outcome.RUNNING and task.upid.subject in {"", str(guest.vmid)}
        for task in view.tasks_on.get(guest.node, ())
    )


RESETS, RESETS_FOR = 100, timedelta(days=1)
"""So many restarts of a guest are remembered, for so long."""

# -- 11 restart_loop -----------------------------------------------------------------------------------------------


def restart_loop(view: View, limits: Limits) -> Iterator[Finding]:
    """A reboot inside a VM keeps its process, and so its uptime: only containers and guests of HA show it."""
    snapshot = seen(view)
    if snapshot is None:
        return
    for vmid, was in recall(view).reset.items():
        guest = snapshot.by_vmid.get(vmid)
        if guest is None or guest.template or not in_sight(view, guest):
            continue
        limit = limits.of(guest_key(guest))
        count = min(limit.count or 3, RESETS)
        since = view.at - timedelta(seconds=limit.within)
        lately = [at for at in was.resets if since < at <= view.at]
        if not limit.on or len(lately) < count:
            continue
        yield Finding(
            rule="restart_loop",
            subject=guest_subject(guest),
            severity=Severity.WARNING,
            said=say("{name} restarts again and again", name=guest.name),
            over=say("{name} has calmed down", name=guest.name),
            details=(
                say("{n} times since {at}, without a task", n=len(lately), at=clock(lately[0]))
                if view.tasks is not None
                else say("{n} times since {at}; the tasks are not to be seen", n=len(lately), at=clock(lately[0])),
            ),
            because=say(
                "its uptime began anew {n} times in {span} min, the limit is {limit}",
                n=len(lately),
                span=round(limit.within / 60),
                limit=count,
            ),
            cures=(tasks_of_guest(guest),),
            loud=CRITICAL in guest.tags,
        )


# -- 12 lock_stuck -------------------------------------------------------------------------------------------------


def lock_stuck(view: View, limits: Limits) -> Iterator[Finding]:
    if view.tasks is None:  # a lock is stuck when no task holds it
        return
    for guest in scan(view).locked:
        if guest.lock in {"suspended"} or not limits.of(guest_key(guest)).on:
            continue
        was = view.before.guests.get(guest.vmid)
        since = was.locked if was is not None and was.lock == guest.lock else None
        yield Finding(
            rule="lock_stuck",
            subject=guest_subject(guest),
            severity=Severity.WARNING,
            said=say("{name} is locked: {lock}", name=guest.name, lock=guest.lock),
            over=say("{name} is not locked any more", name=guest.name),
            details=(
                say("no task holds the lock"),
                *((say("locked since {at}", at=day_clock(since)),) if since is not None else ()),
                say("{tool} unlock {vmid}", tool="qm" if guest.kind is Kind.QEMU else "pct", vmid=str(guest.vmid)),
            ),
            because=say("locked ({lock}), and no task of it runs", lock=guest.lock),
            cures=(tasks_of_guest(guest),),
            grey=_held(view, guest),
            since=since,
        )


def _held(view: View, guest: Guest) -> bool:
    """Does a task run that may hold it: of the guest, or of all on its node? A console holds none, however long it is
    open."""
    return any(
        task.outcome is Outcome.RUNNING and task.upid.type not in CONSOLES
        for task in view.tasks_of.get(str(guest.vmid), ())
    ) or any(
        task.outcome is Outcome.RUNNING and not task.upid.subject and task.upid.type in OF_NODE
        for task in view.tasks_on.get(guest.node, ())
    )


def _sees_lock(view: View, subject: Subject) -> bool:
    return view.tasks is not None and sees_guest(view, subject)


RULES: tuple[Rule, ...] = (
    Rule(
        number=9,
        key="guest_io_error",
        kind=Lasts.STATE,
        help="A VM is halted: its storage fails (io-error), QEMU has an internal error, its kernel has panicked.",
        severity=Severity.CRITICAL,
        limit=Limit(),
        find=guest_io_error,
        sees=sees_guest,
        ending=running,
    ),
    Rule(
        number=10,
        key="guest_paused",
        kind=Lasts.STATE,
        help="A guest is paused, and no task, backup or order explains it.",
        severity=Severity.WARNING,
        limit=Limit(hold=600),
        find=guest_paused,
        sees=sees_guest,
        ending=paused,
        confirm=Confirm.GUEST_TASKS,
    ),
    Rule(
        number=11,
        key="restart_loop",
        kind=Lasts.STATE,
        help="A container, or a guest of HA, began anew `count` times `within` so many seconds, without a task: a"
        " hundred times, and a day, at the most.",
        severity=Severity.WARNING,
        limit=Limit(count=3, within=900, clear=1800),
        find=restart_loop,
        sees=sees_guest,
        ending=running,
    ),
    Rule(
        number=12,
        key="lock_stuck",
        kind=Lasts.STATE,
        help="A guest is locked, and no task runs that would hold the lock.",
        severity=Severity.WARNING,
        limit=Limit(hold=6 * 3600),
        find=lock_stuck,
        sees=_sees_lock,
    ),
)
