"""How backups that run now are made: View.backup_modes, by UPID, where it is of interest.

It decides whether a guest that stopped meanwhile was stopped by its backup (rules/guest/backing.py), and stands in the
head of the task's log alone. So that is read where a guest has gone down on a node that makes a backup: once a task.
"""

import asyncio
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from bot.access import Role
from bot.errors import PveError
from bot.model import Outcome, Task
from bot.model.view import View
from bot.ports import Watched
from bot.rules.guest.backing import BACKUP, MAYBE, VZDUMP, went_down
from bot.rules.scan import scan

HEAD = 60
"""Lines: the job's own, and those of its first guest."""
AT_ONCE = 4
"""Logs that are read at one poll."""
AGAIN = 60.0
"""Seconds until a log is read once more that could not be, or of a job that waits for another one."""
KEPT = 500
"""Tasks of which it is remembered."""
_BEGUN = re.compile(r"INFO: starting new backup job: vzdump (?P<line>.*)$")
_MODES = frozenset({"snapshot", "suspend", "stop"})
_OF_GUEST = re.compile(r"INFO: backup mode: (?P<mode>snapshot|suspend|stop)$")
_RUNS = re.compile(r"INFO: status = running$")


def mode_of(log: Iterable[str]) -> str | None:
    """As the job was called or, where that does not say, as the first guest that ran was saved; '' of one that waits
    for another to end, and saves nothing yet; None: it is not said."""
    begun = runs = False
    for line in map(str.rstrip, log):
        if (job := _BEGUN.search(line)) is not None:
            begun = True
            if (mode := _called(job["line"])) is not None:
                return mode
        elif _RUNS.search(line) is not None:
            runs = True
        elif runs and (said := _OF_GUEST.search(line)) is not None:
            return said["mode"]
    return None if begun else ""


def _called(line: str) -> str | None:
    """By its own option: what stands in a quoted note is none, whoever wrote it."""
    try:
        words = shlex.split(line)
    except ValueError:  # a quote that is not closed: nothing of it is sure
        return None
    options = [value for word, value in pairwise(words) if word in {"--mode", "-mode"}]
    options += [word.partition("=")[2] for word in words if word.startswith(("--mode=", "-mode="))]
    return options[0] if len(options) == 1 and options[0] in _MODES else None


@dataclass(frozen=True, slots=True)
class Look:
    at: float  # monotonic
    mode: str | None  # as mode_of says; None also where it could not be read


class Modes:
    def __init__(self, pve: Watched) -> None:
        self._pve = pve
        self._known: dict[str, Look] = {}

    async def look(self, view: View, now: float, patience: float) -> View:
        """`view`, with what is known. `now`: monotonic."""
        wanted = _wanted(view)
        due = [task for task in wanted if self._due(task, now)][:AT_ONCE]
        for task, mode in zip(due, await asyncio.gather(*(self._read(task, patience) for task in due)), strict=True):
            self._known.pop(task.upid.text, None)
            self._known[task.upid.text] = Look(now, mode)
        while len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        known = {text: look.mode for text, look in self._known.items() if look.mode is not None}
        return replace(view, backup_modes=known) if known else view

    def _due(self, task: Task, now: float) -> bool:
        look = self._known.get(task.upid.text)
        return look is None or (not look.mode and not 0 <= now - look.at < AGAIN)

    async def _read(self, task: Task, patience: float) -> str | None:
        try:
            async with asyncio.timeout(patience):
                log = await self._pve.log(task.upid, role=Role.VIEWER, limit=HEAD)
        except (PveError, TimeoutError):
            return None
        return mode_of(log.lines)


def _wanted(view: View) -> list[Task]:
    """Backups of nodes on which a guest has gone down while it was locked for one, or a moment ago."""
    at_work = [
        task
        for task in view.tasks or ()
        if task.upid.type == VZDUMP
        and (task.outcome is Outcome.RUNNING or (task.end is not None and view.at - task.end < MAYBE))
    ]
    if not at_work:
        return []
    nodes = set()
    for guest in scan(view).stopped:
        was = view.before.guests.get(guest.vmid)
        if was is None or not (was.ran or was.status.up or was.status.troubled):
            continue
        if guest.lock == BACKUP or abs(view.at - went_down(view, guest, was)) < MAYBE:
            nodes.add(guest.node)
    return [task for task in at_work if task.upid.node in nodes]
