"""A vzdump task's log, guest by guest: pure.

    INFO: starting new backup job: vzdump 100 101 --storage nas --mode snapshot
    INFO: Starting Backup of VM 100 (qemu)
    INFO: Finished Backup of VM 100 (00:00:04)
    INFO: Starting Backup of VM 101 (lxc)
    ERROR: Backup of VM 101 failed - command 'mount …' failed: exit code 32
    INFO: Backup job finished with errors
    TASK ERROR: job errors

Source: pve-manager, VZDump.pm, exec_backup_task and exec_backup; pve-guest-common, VZDump/Plugin.pm, debugmsg: each
line of a message gets its level in front. A container is called VM as well. The times in a log are of the node's own
zone, which the log does not name: they tell how long before the task's end a guest had ended. Not how long after its
begin, for a job may wait for another one first.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from bot.model.readings import GuestBackup
from bot.model.tasks import Outcome, Task

_LEVEL = re.compile(r"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} )?(?P<level>INFO|ERROR|WARN|WARNING): (?P<text>.*)$")
_BEGIN = re.compile(r"Starting Backup of (?:VM|CT) (?P<vmid>[1-9][0-9]{0,8})\b")
_DONE = re.compile(r"Finished Backup of (?:VM|CT) (?P<vmid>[1-9][0-9]{0,8})\b")
_FAILED = re.compile(r"Backup of (?:VM|CT) (?P<vmid>[1-9][0-9]{0,8}) failed(?: - (?P<why>.*))?$")
_CLOCK = re.compile(r"(?:Backup started|Backup finished|Failed) at (?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8})$")
_JOB = re.compile(r"starting new backup job: vzdump (?P<line>.*)$")
_WHOLE = re.compile(r"(?:Backup job failed - |TASK ERROR: )(?P<why>.*)$")
LONGEST = 200
"""Characters of a line that are kept."""
STOPPED = ("interrupted by signal", "received interrupt")
"""How a task ends that somebody stopped: that is the line of the guest which it was at."""


@dataclass(slots=True)
class _Run:
    """What the lines so far say."""

    storage: str = ""
    open: int | None = None  # guest that is being backed up
    line: str = ""  # its last ERROR; what is INFO says how far it was, not why it failed
    clocks: list[datetime] = field(default_factory=list)  # by the node's own zone, hence naive
    ended: dict[int, tuple[bool, str, datetime | None]] = field(default_factory=dict)  # good, line, when (as above)
    failure: str = ""  # of the whole job

    def end(self, vmid: int, good: bool, line: str) -> None:
        self.ended[vmid] = (good, line[:LONGEST], self.clocks[-1] if self.clocks else None)
        if self.open == vmid:
            self.open, self.line = None, ""


def guests(log_lines: Iterable[str], task: Task) -> tuple[GuestBackup, ...]:
    """Every guest whose backup the log of this vzdump task tells of, in its order; of one that is told of twice, the
    last word. Never raises.

    Where the task has ended, what was begun and not ended has failed: of an ERROR, else as the task's end says. A task
    for one guest that failed before it began (a storage that is not there, a lock) has failed for that guest. A task
    that runs tells of those that ended.
    """
    run = _Run()
    for raw in log_lines:
        _take(run, raw.rstrip("\n"))
    over = task.outcome is not Outcome.RUNNING
    if over and run.open is not None:
        stopped = task.exitstatus if task.exitstatus.startswith(STOPPED) else ""
        run.end(run.open, False, stopped or run.line or run.failure or task.exitstatus)
    if over and not run.ended and task.outcome is Outcome.ERROR and task.upid.subject.isdecimal():
        run.ended[int(task.upid.subject)] = (False, (run.failure or task.exitstatus)[:LONGEST], None)
    return tuple(_backups(run, task))


def _take(run: _Run, raw: str) -> None:
    whole = _WHOLE.search(raw)
    if whole is not None and (not run.failure or run.failure == "job errors"):
        run.failure = whole["why"].strip()
    found = _LEVEL.match(raw)
    if found is None:
        return
    level, text = found["level"], found["text"].strip()
    if (job := _JOB.match(text)) is not None:
        run.storage = _option(job["line"], "--storage")
    elif (at := _CLOCK.match(text)) is not None:
        _clock(run, at["at"])
    elif (begun := _BEGIN.match(text)) is not None:
        if run.open is not None:  # nothing said how it ended
            run.end(run.open, False, run.line)
        run.open = int(begun["vmid"])
    elif (done := _DONE.match(text)) is not None:
        run.end(int(done["vmid"]), True, "")
    elif level == "ERROR" and (failed := _FAILED.match(text)) is not None:
        run.end(int(failed["vmid"]), False, (failed["why"] or "").strip() or text)
    elif run.open is not None and text and level == "ERROR":
        run.line = text


def _clock(run: _Run, text: str) -> None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return
    run.clocks.append(at)
    for vmid, (good, line, _) in reversed(run.ended.items()):  # it follows the line that it dates
        if run.open is None:
            run.ended[vmid] = (good, line, at)
        return


def _option(line: str, name: str) -> str:
    try:
        words = shlex.split(line)
    except ValueError:  # a quote that is not closed
        words = line.split()
    return next((value for word, value in pairwise(words) if word == name), "")


def _backups(run: _Run, task: Task) -> Iterator[GuestBackup]:
    start, end = task.upid.start, task.end
    for vmid, (good, line, at) in run.ended.items():
        ended = end or start
        if at is not None:
            ended = end - (run.clocks[-1] - at) if end is not None else start + (at - run.clocks[0])
        yield GuestBackup(
            vmid=vmid,
            ended=max(start, min(ended, end) if end is not None else ended),
            good=good,
            upid=task.upid.text,
            line=line,
            storage=run.storage,
        )
