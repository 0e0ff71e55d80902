"""What a backup explains of a guest that is stopped. All of it is by how vzdump works (pve-manager, VZDump.pm,
exec_backup_task; qemu-server and pve-container, VZDump/QemuServer.pm and LXC.pm).

    every mode          the guest is locked for as long as its own backup takes
    snapshot, suspend   it runs on: one that stops meanwhile has stopped by itself
    stop, a VM          it is shut down, and started again as soon as the backup has begun: minutes, not hours
    stop, a container   it is down until its copy is made

The mode is said by the task's log alone (watch/modes.py): View.backup_modes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.model import Guest, Kind, Outcome, Task
from bot.model.view import GuestWas, View

BACKUP = "backup"
LOCK = f"its lock: {BACKUP}"
VZDUMP = "vzdump"
STOP = "stop"
UP_AGAIN = timedelta(minutes=5)
"""From the end of what took it down until the guest is to run again; and as long may a VM be down for its backup."""
MAYBE = timedelta(hours=1)
"""For so long a container may be down where nobody knows whether its backup stops it."""
SLACK = timedelta(seconds=60)
"""The cluster's list lags by some 20 s, and the clocks of nodes and bot differ a little."""


def by_backup(by: str) -> bool:
    """Of Cause.by."""
    return by == LOCK or by.startswith(f"{VZDUMP} by ")


def backups(view: View, guest: Guest, down: datetime) -> Iterator[Task]:
    """That were under way when it went down: its own, or of several guests of its node."""
    for task in view.tasks_on.get(guest.node, ()):
        if task.upid.type != VZDUMP or task.upid.subject not in {"", str(guest.vmid)}:
            continue
        lasted = task.outcome is Outcome.RUNNING or (task.end or task.upid.start) >= down - SLACK
        if lasted and task.upid.start <= down + SLACK:
            yield task


def stops(view: View, task: Task) -> bool | None:
    """Does this backup stop what it saves? None: nobody knows."""
    mode = view.backup_modes.get(task.upid.text)
    return mode == STOP if mode is not None else None


def leaves_running(view: View, guest: Guest, down: datetime) -> bool:
    """Is it known that none of them has stopped it?"""
    known = [stops(view, task) for task in backups(view, guest, down)]
    return bool(known) and all(one is False for one in known)


def went_down(view: View, guest: Guest, was: GuestWas) -> datetime:
    return was.changed if guest.status is was.status and was.changed is not None else view.at


def still_explains(view: View, guest: Guest, was: GuestWas) -> bool:
    """Does a backup explain that it is stopped, and still? While the guest is not locked none is at work on it. Where
    no task is to be seen nobody knows."""
    down = went_down(view, guest, was)
    if leaves_running(view, guest, down):
        return False
    if _lately(view, down) or view.tasks is None:
        return True
    if guest.lock != BACKUP:
        freed = view.at if was.lock else was.locked
        return freed is not None and _lately(view, freed)
    if guest.kind is not Kind.LXC:
        return False
    tasks = [task for task in backups(view, guest, down) if task.outcome is Outcome.RUNNING or _lately(view, task.end)]
    if not tasks:  # what had locked it is no more, and nobody has unlocked it
        return False
    if all(stops(view, task) is not None for task in tasks):
        return True
    return abs(view.at - down) < MAYBE


def _lately(view: View, at: datetime | None) -> bool:
    return at is not None and abs(view.at - at) < UP_AGAIN
