"""Runs of backup jobs, as far as they can be seen.

    tasks of type vzdump ───┐  same user, begun within a minute ─▶ Run ─▶ the guests of it that failed
    results from their logs ┘

The list of tasks says at once that a job failed; the logs (feeds.BACKUPS) say which guests, and why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Outcome, Task, Upid
from bot.model.feeds import BACKUPS, DAY, FAILED
from bot.model.memo import memo
from bot.model.readings import Backups, GuestBackup
from bot.model.view import View
from bot.rules.readings import per_node

TOGETHER = timedelta(seconds=60)
"""From the first to the last task of one job: the scheduler of each node starts its own."""
SHOWN_FOR = 7 * DAY
"""Seconds after which a run that nothing followed is no news any more; then backup_overdue has the word."""
STOPPED = ("interrupted by signal", "received interrupt")
"""How a task ends that somebody stopped."""


@dataclass(slots=True)
class Run:
    """One job, once."""

    user: str
    start: datetime  # of its first task
    tasks: dict[str, Upid] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)  # by UPID
    failed: dict[str, str] = field(default_factory=dict)  # UPID of a task that failed -> its exit status
    guests: dict[int, GuestBackup] = field(default_factory=dict)  # those that failed
    told: set[str] = field(default_factory=set)  # UPIDs of which the log is known
    blamed: set[str] = field(default_factory=set)  # UPIDs that failed for a guest that is known

    @property
    def id(self) -> str:
        """The same when its first task has left the list: the scheduler works by the minute."""
        return f"vzdump/{self.user}/{_minute(self.start):%Y%m%d%H%M}"

    @property
    def end(self) -> datetime:
        return max(self.ended.values(), default=self.start)


def began(id_: str) -> datetime | None:
    """When a run began, by its id, to the minute."""
    try:
        return datetime.strptime(f"{id_.rpartition('/')[2]}+0000", "%Y%m%d%H%M%z")
    except ValueError:
        return None


def _minute(at: datetime) -> datetime:
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0)


# -- what is known -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Logs:
    """What one reading of feeds.BACKUPS holds, as it is asked for."""

    by_vmid: Mapping[int, tuple[GuestBackup, ...]] = field(default_factory=dict)  # newest first
    good: Mapping[int, datetime] = field(default_factory=dict)  # end of the newest good one
    upids: Mapping[str, Upid] = field(default_factory=dict)
    ended: Mapping[str, datetime] = field(default_factory=dict)  # by UPID: its last guest
    bad: Mapping[str, tuple[GuestBackup, ...]] = field(default_factory=dict)  # by UPID, newest first


_read: dict[int, tuple[Backups, Logs]] = {}
"""By identity: a reading is looked at for hours, and holds a result for each of thousands of guests."""
READINGS = 16


def logs(view: View) -> Logs:
    """What a log said does not grow stale."""
    reading = view.feeds.get(BACKUPS)
    value = reading.value if reading is not None else None
    if value is None:
        return Logs()
    kept = _read.get(id(value))
    if kept is None or kept[0] is not value:
        while len(_read) >= READINGS:
            del _read[next(iter(_read))]
        kept = _read[id(value)] = (value, _index(value))
    return kept[1]


def _index(value: Backups) -> Logs:
    results = sorted(value.runs, key=lambda one: one.ended, reverse=True)
    by_vmid: dict[int, list[GuestBackup]] = {}
    upids: dict[str, Upid] = {}
    ended: dict[str, datetime] = {}
    bad: dict[str, list[GuestBackup]] = {}
    good: dict[int, datetime] = {}
    for one in results:
        stopped = not one.good and one.line.startswith(STOPPED)  # neither a failure nor another try
        if not stopped:
            by_vmid.setdefault(one.vmid, []).append(one)
        if one.good:
            good.setdefault(one.vmid, one.ended)
        if one.upid not in upids and (upid := _upid(one.upid)) is not None:
            upids[one.upid] = upid
        if one.upid in upids:
            ended.setdefault(one.upid, one.ended)
            if not one.good and not stopped:
                bad.setdefault(one.upid, []).append(one)
    return Logs(
        by_vmid={vmid: tuple(found) for vmid, found in by_vmid.items()},
        good=good,
        upids=upids,
        ended=ended,
        bad={text: tuple(found) for text, found in bad.items()},
    )


def _upid(text: str) -> Upid | None:
    try:
        return Upid.parse(text)
    except ValueError:
        return None


@memo
def vzdumps(view: View) -> Mapping[str, Task]:
    """Tasks by UPID: from the cluster's list, and those that failed from the nodes' own, which reach further back."""
    lists = (view.tasks or (), *(tasks for _, tasks in per_node(view, FAILED)))
    return {task.upid.text: task for tasks in lists for task in tasks if task.upid.type == "vzdump"}


def upid_of(view: View, text: str) -> Upid | None:
    """Of a run that a log or a list of tasks tells of."""
    task = vzdumps(view).get(text)
    return task.upid if task is not None else logs(view).upids.get(text)


def bad(task: Task) -> bool:
    """Has it failed, or ended without a word, as a node's end takes its tasks with it? Of one that a list shows without
    an end, nobody knows how it stands."""
    return task.outcome is Outcome.ERROR or (task.outcome is Outcome.UNKNOWN and task.end is not None)


def _over(task: Task) -> bool:
    """Has it ended by itself, one way or the other? Then it was another try, and is told where it failed."""
    known = task.outcome in {Outcome.OK, Outcome.WARNINGS} or bad(task)
    return known and not task.exitstatus.startswith(STOPPED)


@memo
def alone(view: View) -> Mapping[str, tuple[Task, ...]]:
    """Of one guest, by its vmid; those that have ended, and nobody stopped."""
    found: dict[str, list[Task]] = {}
    for task in vzdumps(view).values():
        if task.upid.subject and _over(task):
            found.setdefault(task.upid.subject, []).append(task)
    return {subject: tuple(tasks) for subject, tasks in found.items()}


@memo
def latest(view: View) -> Mapping[tuple[str, str], datetime]:
    """When the last task began, of those that ended by themselves, by user and node."""
    found: dict[tuple[str, str], datetime] = {}
    for task in vzdumps(view).values():
        key = task.upid.user, task.upid.node
        if not _over(task):
            continue
        if key not in found or task.upid.start > found[key]:
            found[key] = task.upid.start
    return found


@memo
def runs(view: View) -> list[Run]:
    """All that can be seen, oldest first."""
    tasks, read = vzdumps(view), logs(view)
    upids = {**read.upids, **{text: task.upid for text, task in tasks.items()}}
    found: list[Run] = []
    last: dict[str, Run] = {}
    for text, upid in sorted(upids.items(), key=lambda item: (item[1].start, item[0])):
        run = last.get(upid.user)
        if run is None or upid.start - run.start > TOGETHER:
            run = last[upid.user] = Run(user=upid.user, start=upid.start)
            found.append(run)
        run.tasks[text] = upid
        _take(run, text, tasks.get(text), read)
    return found


def _take(run: Run, text: str, task: Task | None, read: Logs) -> None:
    ends = [end for end in (task.end if task is not None else None, read.ended.get(text)) if end is not None]
    if ends:
        run.ended[text] = max(ends)
    if text in read.ended:
        run.told.add(text)
    if task is not None and task.exitstatus.startswith(STOPPED):
        return
    for one in read.bad.get(text, ()):
        other = run.guests.get(one.vmid)
        run.guests[one.vmid] = one if other is None or one.ended > other.ended else other
        run.failed.setdefault(text, "")
        run.blamed.add(text)
    if task is not None and bad(task):
        run.failed[text] = task.exitstatus
        subject = run.tasks[text].subject
        if text not in run.told and subject.isascii() and subject.isdecimal():  # a task for one guest names it
            end = run.ended.get(text, run.start)
            run.blamed.add(text)
            run.guests[int(subject)] = GuestBackup(
                vmid=int(subject), ended=end, good=False, upid=text, line=task.exitstatus
            )
