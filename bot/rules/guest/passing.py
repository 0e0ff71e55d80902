"""What takes a guest down for a while only, by the words in which a cause is remembered, and whether it lasts still.

A reboot, a migration, a backup: it is to run again by itself. A rollback leaves it stopped, and a node that is shut
down, or boots, starts what starts with it: these explain for good that it is down.
"""

from bot.model import Guest, Outcome, Status
from bot.model.view import GuestWas, View
from bot.rules.guest.backing import UP_AGAIN, by_backup, still_explains, went_down

LOCKED, MOVED = "its lock: ", "it was moved"
REBOOTS = frozenset({"qmreboot", "vzreboot"})
RETURNS = REBOOTS | {"qmigrate", "vzmigrate", "vzdump", "vzclone", "qmsnapshot", "migrateall", "startall"}
"""Types of task after which it runs again by itself."""
AT_WORK = RETURNS | {
    "qmsuspend",
    "vzsuspend",
    "qmrollback",
    "vzrollback",
    "qmdelsnapshot",
    "vzsnapshot",
    "vzdelsnapshot",
}
"""Types that lock or move it."""


def passing(by: str) -> bool:
    """Is it to run again by itself once this is over?"""
    if by == MOVED or by.startswith("reboot by "):
        return True
    if by.startswith(LOCKED):
        return by != f"{LOCKED}rollback"
    return " " in by and (by.startswith("ha") or by.partition(" ")[0] in RETURNS)


def under_way(view: View, guest: Guest, was: GuestWas, by: str) -> bool:
    """Does it last, or was it over a moment ago? `was` the guest at the poll before. Where no task is to be seen
    nobody knows."""
    if by_backup(by) and guest.status is Status.STOPPED:
        return still_explains(view, guest, was)
    down = went_down(view, guest, was)
    if abs(view.at - down) < UP_AGAIN or view.tasks is None:
        return True
    if by.startswith(LOCKED) and guest.lock:
        return True
    kind = by.partition(" ")[0]
    types = REBOOTS if kind == "reboot" else {kind} if kind in RETURNS or kind.startswith("ha") else AT_WORK
    here = (task for task in view.tasks_on.get(guest.node, ()) if not task.upid.subject)
    moves = (task for task in view.tasks_of.get("", ()) if task.upid.type == "migrateall")  # from wherever it was
    return any(
        task.upid.type in types
        and (task.outcome is Outcome.RUNNING or view.at - (task.end or task.upid.start) < UP_AGAIN)
        for task in (*view.tasks_of.get(str(guest.vmid), ()), *here, *moves)
    )
