"""Cause-aware quiet: what explains that a guest stopped, paused or restarted. Of a node: node/orders.py.

    of_down(view, guest, was)       a lock, a move, its node's restart, a task, an order of this bot    → Cause | None
    of_restart(view, guest)         the same for a process that began anew
    reaches(view, nodes, since)     may what explains it have left the lists?
    ordered_down(view, guest, was)  did somebody want it down? Then it is not expected up either

Tasks leave the list: some 25 finished ones a node are kept (pve-cluster, status.c). What was found is therefore
remembered (GuestWas.stopped_by, Memory.figures), and not looked for again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from bot.model import Guest, Outcome, Status, Task
from bot.model.feeds import HA
from bot.model.view import GuestWas, View
from bot.rules.guest.backing import BACKUP, SLACK, by_backup, leaves_running, stops, went_down
from bot.rules.guest.passing import LOCKED, MOVED, passing, under_way
from bot.rules.node.boots import booted_at, node_restarted, polled
from bot.text import Moment, Said, say

ROWS = 20
"""Finished tasks of a node from which on older ones may be missing from the list."""
BOOT = timedelta(minutes=35)
"""From an order to the node's next boot: every guest is given time to shut down, and firmware takes its own."""

STOPS = frozenset({"qmstop", "qmshutdown", "vzstop", "vzshutdown", "hastop", "qmsuspend", "vzsuspend", "qmdestroy",
                   "vzdestroy"})  # fmt: skip
"""Types of task by which somebody wants it down."""
PASSING = frozenset({"qmreboot", "vzreboot", "qmigrate", "vzmigrate", "qmrollback", "vzrollback", "vzdump",
                     "qmrestore", "vzrestore", "qmtemplate", "vztemplate", "vzclone"})  # fmt: skip
"""Types that take it down for a while."""
PAUSES = frozenset({"qmpause", "qmsuspend", "vzsuspend", "vzdump", "qmigrate", "qmsnapshot", "qmrollback"})
RESTARTS = STOPS | PASSING | {"qmstart", "vzstart", "qmreset", "qmresume", "vzresume"}
STARTS = frozenset({"qmstart", "vzstart", "qmresume", "vzresume", "hastart", "qmreboot", "vzreboot"})
STOPALL = "stopall"
OF_NODE = frozenset({STOPALL, "startall", "suspendall", "migrateall", "vzdump"})
"""Types that name no guest, and concern all of a node."""
DOWN_ORDERS = frozenset({"stop", "shutdown", "hibernate"})
PAUSE_ORDERS = frozenset({"pause", "hibernate"})
DOWN = frozenset({Status.STOPPED, Status.HIBERNATED})
HA_STARTED = frozenset({"started", "request_start", "request_start_balance"})
HA_BUSY = frozenset({"fence", "recovery", "relocate", "migrate", "freeze"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """`by` is remembered: a user where somebody wanted just this, else words."""

    by: str
    at: datetime | None = None
    until: datetime | None = None  # when what was ordered was last under way: guests may take their time to shut down
    ordered: bool = True  # False: nobody ordered it, but somebody works on it

    @property
    def final(self) -> bool:
        """Did somebody want it down, and not just for a while?"""
        return " " not in self.by

    def said(self, now: datetime, *, paused: bool = False) -> Said:
        """`stopped by ana@pve 14:02`, with the day where that is long ago."""
        final = ("paused by {by}" if paused else "stopped by {by}") if self.final else "cause: {by}"
        if self.at is None:
            return _said(final, self.by, None)
        at = Moment(self.at, "%H:%M" if abs(now - self.at) < timedelta(days=1) else "%d %b %H:%M")
        return _said(f"{final} {{at}}" if self.final else f"{final}, {{at}}", self.by, at)


@lru_cache(maxsize=256)
def _said(pattern: str, by: str, at: Moment | None) -> Said:
    """Kept: one cause explains thousands of guests, poll after poll."""
    return say(pattern, by=by) if at is None else say(pattern, by=by, at=at)


# -- guests --------------------------------------------------------------------------------------------------------


def last_ran(view: View, was: GuestWas) -> datetime | None:
    """When it was last seen running, as far as that is known."""
    if was.status is not Status.RUNNING:
        return was.ran
    return was.ran or polled(view) or was.changed


def of_down(view: View, guest: Guest, was: GuestWas) -> Cause | None:
    """What explains that it ran and does not: `guest` as it is, `was` as it was at the poll before.

    What takes it down for a while explains it for as long as that is under way, and a little longer. What HA means to
    run, HA stops, moves and starts as it sees fit: no task explains that it is down for long.
    """
    if guest.ha_managed:
        cause = took_down(view, guest, was) if ha_wants(view, guest) is not True else None
        return cause if cause is not None and cause.final else None
    cause = took_down(view, guest, was)
    over = cause is not None and passing(cause.by) and not under_way(view, guest, was, cause.by)
    return None if over else cause


def took_down(view: View, guest: Guest, was: GuestWas) -> Cause | None:
    known = guest.status is was.status or was.status in {*DOWN, Status.PRELAUNCH}
    down = went_down(view, guest, was)
    crashed = guest.status is Status.STOPPED and leaves_running(view, guest, down)  # whatever its backup is about
    if was.stopped_by and known and not (crashed and by_backup(was.stopped_by)):
        return Cause(by=was.stopped_by, at=was.changed)
    locked = guest.lock and not (crashed and guest.lock == BACKUP)
    if locked and _under_lock(view, guest, was) and not guest.ha_managed:
        return Cause(by=f"{LOCKED}{guest.lock}")
    if was.node != guest.node and not guest.ha_managed:
        return Cause(by=MOVED)
    if node_restarted(view, guest, was) and not guest.ha_managed:
        return Cause(by="restart of its node")
    ran = last_ran(view, was)
    paused = guest.status is Status.PAUSED
    types = PAUSES if paused else STOPS | PASSING
    task = _task(view, guest, was.node, types, ran, down)
    if task is None or task.upid.user in view.tokens:  # of the bot's own: it knows for whom
        order = _order(view, guest, PAUSE_ORDERS if paused else DOWN_ORDERS | {"reboot"}, ran, down)
        if order is not None or task is None:
            return order
    return Cause(by=_by(task), at=task.upid.start)


def _under_lock(view: View, guest: Guest, was: GuestWas) -> bool:
    """Was the lock there as it went down? A backup, hours later, locks what is down too."""
    if guest.status is not was.status and was.status not in DOWN:
        return True
    locked = was.locked if guest.lock == was.lock else view.at
    return locked is not None and was.changed is not None and locked <= was.changed + SLACK


def of_restart(view: View, guest: Guest) -> Cause | None:
    """What explains that its process began anew since the poll before. What HA starts by itself, root@pam starts."""
    if guest.lock:
        return Cause(by=f"its lock: {guest.lock}")
    before = polled(view)
    for task in _between(_of(view, guest), before, view.at):
        by_ha = guest.ha_managed and task.upid.type in {"qmstart", "vzstart"} and task.upid.user == "root@pam"
        if (task.upid.type in RESTARTS and not by_ha) or task.upid.type.startswith("ha"):
            return Cause(by=_by(task), at=task.upid.start)
    for task in _between(view.tasks_on.get(guest.node, ()), before, view.at):
        if not task.upid.subject and task.upid.type in OF_NODE:
            return Cause(by=_by(task), at=task.upid.start)
    return _order(view, guest, None, before, view.at)


def ordered_down(view: View, guest: Guest, was: GuestWas | None) -> Cause | None:
    """Who wanted it down: remembered, or by the last task that started or stopped it."""
    if was is not None and was.status is not Status.RUNNING and was.stopped_by:
        cause = Cause(by=was.stopped_by, at=was.changed)
        if cause.by.startswith(f"{STOPALL} by ") and not _booted_since(view, guest, was):
            return Cause(by=cause.by.removeprefix(f"{STOPALL} by "), at=cause.at)  # all there were wanted down
        return cause if cause.final else None
    for task in _of(view, guest):
        if task.upid.type in STOPS:
            if _stopall_of(view, task) is not None and _booted(view, guest) > task.upid.start.timestamp():
                return None
            own = _wanted(view, guest) if task.upid.user in view.tokens else None
            return own or Cause(by=task.upid.user, at=task.upid.start)
        if task.upid.type in STARTS:
            return None
    return _wanted(view, guest)


def _wanted(view: View, guest: Guest) -> Cause | None:
    """Who told this bot lately to take it down."""
    order = _order(view, guest, DOWN_ORDERS, None, view.at)
    return order if order is not None and order.final else None


def _booted(view: View, guest: Guest) -> float:
    return booted_at(view, guest.node) or 0.0


def _booted_since(view: View, guest: Guest, was: GuestWas) -> bool:
    """Has its node booted since it went down? What was stopped for that is meant to run again."""
    return was.changed is not None and _booted(view, guest) > was.changed.timestamp()


def reaches(view: View, nodes: Iterable[str], since: datetime) -> bool:
    """Do the lists of all these nodes still hold what was done there since then? What left them explains nothing."""
    if view.tasks is None:
        return False
    for name in nodes:
        over = [task for task in view.tasks_on.get(name, ()) if task.outcome is not Outcome.RUNNING]
        if len(over) >= ROWS and min(task.upid.start for task in over) > since:
            return False
    return True


def ha_wants(view: View, guest: Guest) -> bool | None:
    """Does HA mean it to run? None: nobody says."""
    ha = view.feeds.fresh(HA)
    for service in ha.services if ha is not None else ():
        if service.vmid == guest.vmid and service.requested:
            return service.requested in HA_STARTED
    if guest.hastate in HA_STARTED:
        return True
    return False if guest.hastate in {"stopped", "request_stop", "disabled"} else None


def _of(view: View, guest: Guest) -> tuple[Task, ...]:
    return view.tasks_of.get(str(guest.vmid), ())


def _task(
    view: View, guest: Guest, node: str, types: frozenset[str], since: datetime | None, until: datetime
) -> Task | None:
    """The newest that was under way between `since` and `until`: of the guest, or of all on its node."""
    for task in _apt(view, guest, _of(view, guest), since, until):
        if task.upid.type in types or (task.upid.type.startswith("ha") and task.upid.type != "hastart"):
            return _stopall_of(view, task) or task
    for name in dict.fromkeys((guest.node, node)):
        for task in _apt(view, guest, view.tasks_on.get(name, ()), since, until):
            if not task.upid.subject and task.upid.type in OF_NODE:
                return task
    return None


def _apt(view: View, guest: Guest, tasks: Iterable[Task], since: datetime | None, until: datetime) -> Iterator[Task]:
    """Without backups that stop nothing, where it is stopped."""
    stopped = guest.status is Status.STOPPED
    return (task for task in _between(tasks, since, until) if not (stopped and stops(view, task) is False))


def _stopall_of(view: View, task: Task) -> Task | None:
    """The stopall that began it, with one such task for each guest: it was all of the node that was wanted down."""
    for other in view.tasks_on.get(task.upid.node, ()) if task.upid.type in STOPS else ():
        began = other.upid.type == STOPALL and other.upid.start <= task.upid.start
        if began and other.upid.user == task.upid.user and (other.end is None or task.upid.start <= other.end):
            return other
    return None


def _between(tasks: Iterable[Task], since: datetime | None, until: datetime) -> Iterator[Task]:
    for task in tasks:
        if task.upid.start > until + SLACK:
            continue
        if task.outcome is Outcome.RUNNING or since is None or (task.end or task.upid.start) >= since - SLACK:
            yield task


def _by(task: Task) -> str:
    """The user, where somebody wanted just this; else what it was, and whose."""
    if task.upid.type in STOPS | {"qmpause"}:
        return task.upid.user
    return f"{task.upid.type} by {task.upid.user}"


def _order(
    view: View, guest: Guest, actions: frozenset[str] | None, since: datetime | None, until: datetime
) -> Cause | None:
    """By this bot: of the guest, or of its node."""
    home = f"{guest.cluster}/{guest.node}"
    for order in sorted(view.orders, key=lambda one: one.at, reverse=True):
        if order.at > until + SLACK or (since is not None and order.at < since - timedelta(minutes=15)):
            continue
        if order.target == guest.target and (actions is None or order.action in actions):
            final = order.action in DOWN_ORDERS or order.action in PAUSE_ORDERS
            name = order.by.replace(" ", "\u00a0")  # a name, not words
            return Cause(by=name if final else f"{order.action} by {order.by}", at=order.at)
        if order.target == home:
            return Cause(by=f"{order.action} of {guest.node} by {order.by}", at=order.at)
    return None
