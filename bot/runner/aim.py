"""Where a guest's backup goes: as its job has it, else as it went the last time. Never a guess.

A job names storage and mode in GET /cluster/backup. Where that may not be read, or no job covers the guest, the newest
vzdump task of its node that took it says so in the first line of its log:

    INFO: starting new backup job: vzdump 100 101 --storage nas --mode snapshot
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from bot.access import Role
from bot.errors import PveError, Stale
from bot.model import Guest, Outcome, Task
from bot.model.readings import BackupJob
from bot.ports import Pve
from bot.text import say

MODES = frozenset({"snapshot", "suspend", "stop"})
RUNS = 8
"""Logs of which the first lines are read, the newest first."""
TASKS = 500
_JOB = re.compile(r"starting new backup job: vzdump (?P<line>.*)$")
_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    storage: str
    mode: str = "snapshot"  # snapshot | suspend | stop

    def __str__(self) -> str:
        return f"{self.storage} {self.mode}"

    @property
    def params(self) -> Mapping[str, str]:
        return {"storage": self.storage, "mode": self.mode}


async def find(pve: Pve, guest: Guest) -> Aim:
    """Raises: Stale where nothing says where its backups go; PveError."""
    try:
        jobs: Sequence[BackupJob] = await pve.backup_jobs()
    except PveError:  # 403, mostly: the logs of the last runs may say it
        jobs = ()
    found = of_jobs(jobs, guest) or await _of_logs(pve, guest)
    if found is None:
        raise Stale(
            say(
                "Nothing says where backups of {name} go: no job of the cluster covers it, and no run of late did. "
                "A backup in the web interface shows me the way.",
                name=guest.name,
            )
        )
    return found


def of_jobs(jobs: Iterable[BackupJob], guest: Guest) -> Aim | None:
    """Of those that cover it: an enabled one, then the next to run."""
    mine = [job for job in jobs if job.storage and _covers(job, guest)]
    if not mine:
        return None
    job = min(mine, key=lambda job: (not job.enabled, job.next_run or _FAR, job.id))
    return Aim(storage=job.storage, mode=job.mode if job.mode in MODES else "snapshot")


def _covers(job: BackupJob, guest: Guest) -> bool:
    if (job.node and job.node != guest.node) or guest.vmid in job.excluded:
        return False
    return job.everything or guest.vmid in job.vmids or bool(job.pool and job.pool == guest.pool)


async def _of_logs(pve: Pve, guest: Guest) -> Aim | None:
    """Raises: PveError of the task list; a log that cannot be read is passed over."""
    tasks = await pve.node_tasks(guest.node, role=Role.VIEWER, limit=TASKS)
    for task in [task for task in tasks if _may_be(task, guest)][:RUNS]:
        try:
            head = await pve.log(task.upid, role=Role.VIEWER, limit=5)
        except PveError:
            continue
        if (found := of_log(head.lines, guest)) is not None:
            return found
    return None


def _may_be(task: Task, guest: Guest) -> bool:
    """Of one guest its UPID names that one, of several none."""
    ended = task.outcome is not Outcome.RUNNING
    return ended and task.upid.type == "vzdump" and task.upid.subject in {"", str(guest.vmid)}


def of_log(lines: Iterable[str], guest: Guest) -> Aim | None:
    """From the command line in a log, where that took the guest and names a storage."""
    command = next((found["line"] for line in lines if (found := _JOB.search(line)) is not None), "")
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    options = dict(pairwise(words))
    storage, mode = options.get("--storage", ""), options.get("--mode", "snapshot")
    vmids = set()
    for word in words:
        if not word.isdecimal():
            break
        vmids.add(word)
    excluded = re.split(r"[,;\s]+", options.get("--exclude", ""))
    took = str(guest.vmid) in vmids or (
        str(guest.vmid) not in excluded
        and (options.get("--all") == "1" or bool(guest.pool and options.get("--pool") == guest.pool))
    )
    if not took or not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", storage) or mode not in MODES:
        return None
    return Aim(storage=storage, mode=mode)
