"""What holds a guest, in words, and which actions Proxmox VE does all the same.

A lock in a guest's configuration says what is being done with it; nearly everything else has to wait. Each action's
row names the locks that do not stand in its way (Action.despite). That is asked before anything is sent, for three
reasons: the task would fail; of a container, reboot would stop it and not start it again (pve-container, LXC.pm,
vm_reboot: stopped without a look at the lock, started with one); and HA, asked to stop or start what is locked, gives
up on it (pve-ha-manager, Manager.pm: the service goes into `error`).

    held(action, guest)      why it has to wait; None where no lock is in its way
    since(guest, lock)       that it met a lock after it was sent
    holder(ask, pve, guest)  the running task that holds it
    left(guest)              that nothing holds it any more, and what takes it away
"""

from collections.abc import Iterable, Mapping

from bot.access import Role
from bot.actions import Action
from bot.errors import PveError
from bot.model import Guest, Kind, Outcome, Status, Task
from bot.pages.page import Enquiry
from bot.ports import Pve
from bot.text import Said, code, say

WHY: Mapping[str, str] = {
    "backup": "it is being backed up",
    "clone": "it is being made, as a clone",
    "create": "it is being created or restored",
    "destroyed": "it is being deleted",
    "disk": "a disk of it is being moved, copied or resized",
    "fstrim": "its file systems are being trimmed",
    "migrate": "it is being moved to another node",
    "rollback": "it is being rolled back to a snapshot",
    "snapshot": "a snapshot of it is being taken",
    "snapshot-delete": "a snapshot of it is being deleted",
    "suspending": "it is being hibernated",
}
"""By lock. SRC qemu-server QemuServer.pm and pve-container LXC/Config.pm, `lock`: with `mounted` below, and
`suspended` of what is hibernated, these are all."""
TASKS: Mapping[str, tuple[str, ...]] = {
    "backup": ("vzdump",),
    "migrate": ("qmigrate", "vzmigrate"),
    "rollback": ("qmrollback", "vzrollback"),
    "snapshot": ("qmsnapshot", "vzsnapshot"),
    "snapshot-delete": ("qmdelsnapshot", "vzdelsnapshot"),
    "suspending": ("qmsuspend",),
}
"""What takes a lock and runs as a task of that very guest for as long as it has it. The others may be held by a task of
another guest (the one that is cloned), or by a command on the node, which is no task."""
SETTLED = frozenset({Status.RUNNING, Status.STOPPED, Status.HIBERNATED})
"""States that speak for themselves: what is running cannot be started, whatever holds it. Any other one may be but a
moment of what holds it: a VM stands still while a snapshot of its memory is taken."""


def held(action: Action, guest: Guest) -> Said | None:
    """Why this has to wait, of a guest whose kind has the action; None where no lock is in its way, or its state is
    reason enough."""
    lock = guest.lock
    if not lock or guest.template or _goes(action, guest):
        return None
    if not action.offered(guest) and guest.status in SETTLED:
        return None
    name, label = guest.name, say(action.label)
    if lock == "backup" and action.key == "backup":
        return say("A backup of {name} is running already.", name=name)
    if lock == "mounted":
        words = "{name} is locked (mounted): its file system is open on {node}. “{label}” is possible after {command}."
        return say(words, name=name, node=guest.node, label=label, command=code(f"pct unmount {guest.vmid}"))
    if (why := WHY.get(lock)) is None:
        return say("{name} is locked ({lock}): “{label}” has to wait for its end.", name=name, lock=lock, label=label)
    words = "{name} is locked ({lock}): {why}. “{label}” has to wait until that is done."
    return say(words, name=name, lock=lock, why=say(why), label=label)


def since(guest: Guest, lock: str) -> Said:
    """For what was sent, and met a lock that was not there a moment before."""
    if (why := WHY.get(lock)) is None:
        return say("{name} is locked ({lock}) since a moment ago.", name=guest.name, lock=lock)
    return say("{name} is locked ({lock}) since a moment ago: {why}.", name=guest.name, lock=lock, why=say(why))


def _goes(action: Action, guest: Guest) -> bool:
    """Does Proxmox VE do it all the same? Under a backup's lock what it lets go on is a QEMU that is there: what has
    ended stays down until the backup has ended too (qemu-server, QemuServer.pm, vm_start)."""
    return (guest.kind, guest.lock) in action.despite and (guest.lock != "backup" or guest.status.up)


async def holder(ask: Enquiry, pve: Pve, guest: Guest) -> tuple[Task | None, bool]:
    """The running task that holds it, as far as this asker may see tasks; and whether it is certain that none does."""
    try:
        tasks = await pve.node_tasks(guest.node, role=Role.VIEWER)
        permissions = await pve.permissions(Role.VIEWER)
    except PveError:
        return None, False
    found = of_tasks(tasks, guest)
    if found is not None:
        return (found, False) if ask.sees_task(pve.key, found.upid) else (None, False)
    # without Sys.Audit a node lists but the token's own tasks
    every = permissions is not None and permissions.allows("Sys.Audit", f"/nodes/{guest.node}")
    return None, every and guest.lock in TASKS


def of_tasks(tasks: Iterable[Task], guest: Guest) -> Task | None:
    """Of a node's tasks the one that holds a guest: of one guest its UPID names that one, a backup of several none.

    Backups on a node wait for each other (pve-manager, VZDump.pm, getlock): of several the first is at work.
    """
    running = [task for task in tasks if task.outcome is Outcome.RUNNING]
    types = TASKS.get(guest.lock, ())
    mine = [task for task in running if task.upid.type in types and _names(task, guest)]
    return min(mine, key=lambda task: task.upid.start, default=None)


def _names(task: Task, guest: Guest) -> bool:
    subject = task.upid.subject
    return subject == str(guest.vmid) or (not subject and task.upid.type == "vzdump")


def left(guest: Guest) -> Said:
    """For where no task holds it: something broke off, and left its lock behind."""
    tool = "qm" if guest.kind is Kind.QEMU else "pct"
    words = (
        "{name} is locked ({lock}), and no task runs that would hold it: the lock may be left over. "
        "On {node}: {command}"
    )
    command = code(f"{tool} unlock {guest.vmid}")
    return say(words, name=guest.name, lock=guest.lock, node=guest.node, command=command)
