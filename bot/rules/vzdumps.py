"""Runs of backup jobs, as far as they can be seen.

    tasks of type vzdump ───┐  same user, begun within a minute ─▶ Run ─▶ the guests of it that failed
    results from their logs ┘

The list of tasks says at once that a job failed; the logs (feeds.BACKUPS) say which guests, and why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Outcome, Task, Upid
from bot.model.feeds import BACKUPS, FAILED, GuestBackup
from bot.model.view import View
from bot.rules.readings import per_node
from bot.rules.sight import memo

TOGETHER = timedelta(seconds=60)
"""From the first to the last task of one job: the scheduler of each node starts its own."""
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


def _minute(at: datetime) -> datetime:
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0)


# -- what is known -------------------------------------------------------------------------------------------------


def results(view: View) -> tuple[GuestBackup, ...]:
    """From logs, newest first; what a log said does not grow stale."""
    reading = view.feeds.get(BACKUPS)
    return reading.value.runs if reading is not None and reading.value is not None else ()


@memo
def vzdumps(view: View) -> Mapping[str, Task]:
    """Tasks by UPID: from the cluster's list, and those that failed from the nodes' own, which reach further back."""
    lists = (view.tasks or (), *(tasks for _, tasks in per_node(view, FAILED)))
    return {task.upid.text: task for tasks in lists for task in tasks if task.upid.type == "vzdump"}


@memo
def runs(view: View) -> list[Run]:
    """All that can be seen, oldest first."""
    tasks, logs = vzdumps(view), results(view)
    upids = {text: task.upid for text, task in tasks.items()}
    for one in logs:
        if one.upid and one.upid not in upids and (upid := _upid(one.upid)) is not None:
            upids[one.upid] = upid
    found: list[Run] = []
    latest: dict[str, Run] = {}
    of: dict[str, Run] = {}
    for text, upid in sorted(upids.items(), key=lambda item: (item[1].start, item[0])):
        run = latest.get(upid.user)
        if run is None or upid.start - run.start > TOGETHER:
            run = Run(user=upid.user, start=upid.start)
            latest[upid.user] = run
            found.append(run)
        run.tasks[text] = upid
        of[text] = run
        task = tasks.get(text)
        if task is not None and task.end is not None:
            run.ended[text] = task.end
        if task is not None and task.outcome is Outcome.ERROR and not task.exitstatus.startswith(STOPPED):
            run.failed[text] = task.exitstatus
    for one in logs:
        if (run := of.get(one.upid)) is not None:
            run.told.add(one.upid)
            run.ended[one.upid] = max(one.ended, run.ended.get(one.upid, one.ended))
            stopped = one.upid in tasks and tasks[one.upid].exitstatus.startswith(STOPPED)
            if not one.good and not stopped:
                run.guests.setdefault(one.vmid, one)  # the newest comes first
                run.failed.setdefault(one.upid, "")
                run.blamed.add(one.upid)
    for run in found:
        _single(run)
    return found


def _upid(text: str) -> Upid | None:
    try:
        return Upid.parse(text)
    except ValueError:
        return None


def _single(run: Run) -> None:
    """A task for one guest names it."""
    for text, exitstatus in run.failed.items():
        subject = run.tasks[text].subject
        if text not in run.told | run.blamed and subject.isascii() and subject.isdecimal():
            ended = run.ended.get(text, run.start)
            run.blamed.add(text)
            run.guests[int(subject)] = GuestBackup(
                vmid=int(subject), ended=ended, good=False, upid=text, line=exitstatus
            )
