"""One poll of one cluster: what could be read, and why not where it could not. Three calls whatever its size.

The snapshot is the one that `/status` shows: whoever asks within a few seconds of a poll costs no call.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.access import Role
from bot.errors import PveError, PveForbidden, PveGarbled, PvePinMismatch, PveRefused, PveUnauthorized, PveUnreachable
from bot.model import Snapshot, Task
from bot.model.view import Cut
from bot.ports import Watched
from bot.text import Said, say, span

log = logging.getLogger(__name__)

FRESH = 2.0
"""Seconds that a snapshot somebody has just asked for may be old."""
TASKS_KEPT = timedelta(minutes=2)
"""For so long the last task list stands in for one that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    snapshot: Snapshot | None = None  # None: not read
    tasks: tuple[Task, ...] | None = None
    cut: Cut | None = None
    trouble: Said | None = None


async def look(pve: Watched, patience: float) -> Look:
    """`patience`: s that the whole may take; afterwards it counts as not reached, and what is under way goes on."""
    try:
        async with asyncio.timeout(patience):
            snapshot, tasks = await asyncio.gather(pve.snapshot(FRESH), _tasks(pve), return_exceptions=True)
    except TimeoutError:
        return Look(cut=Cut.NETWORK, trouble=say("Proxmox VE did not answer within {time}.", time=span(patience)))
    if isinstance(snapshot, PveError):
        return Look(cut=cause(snapshot), trouble=_why(snapshot))
    for odd in (snapshot, tasks):
        if isinstance(odd, BaseException) and not isinstance(odd, Exception):
            raise odd
    if isinstance(snapshot, BaseException):  # a fault of ours, in reading what it said: told, like any other
        log.error("what %s answered cannot be read", pve.key, exc_info=snapshot)
        return Look(cut=Cut.GARBLED, trouble=_odd(snapshot))
    if isinstance(tasks, BaseException):
        if not isinstance(tasks, PveError):
            log.error("the tasks of %s cannot be read", pve.key, exc_info=tasks)
        return Look(snapshot=snapshot)
    return Look(snapshot=snapshot, tasks=tasks)


def _why(error: PveError) -> Said:
    """Under a headline that says already that it is not reached."""
    return error.why() if type(error) is PveUnreachable else error.said()


def _odd(error: BaseException) -> Said:
    return say(
        "I cannot read what it answers ({error}): a fault of mine, the log has more.", error=type(error).__name__
    )


def cause(error: PveError) -> Cut:
    match error:
        case PvePinMismatch():
            return Cut.PIN
        case PveUnreachable() if error.closed:
            return Cut.CLOSED
        case PveUnreachable() if error.untrusted:
            return Cut.TRUST
        case PveUnauthorized():
            return Cut.REFUSED
        case PveForbidden():
            return Cut.FORBIDDEN
        case PveGarbled() | PveRefused():
            return Cut.GARBLED
        case _:
            return Cut.NETWORK


async def _tasks(pve: Watched) -> tuple[Task, ...] | None:
    """None: the token sees none but its own. An empty list would say that nobody ordered anything."""
    may = await pve.permissions(Role.VIEWER)
    if may is None:
        return None
    if not may.allows("Sys.Audit", "/"):
        known = pve.latest()
        nodes = [node.name for node in known.nodes] if known is not None else []
        if not nodes or not all(may.allows("Sys.Audit", f"/nodes/{node}") for node in nodes):
            return None
    return await pve.tasks()


class LastTasks:
    """The last list that was read, while it is young."""

    def __init__(self) -> None:
        self._tasks: tuple[Task, ...] | None = None
        self._at: datetime | None = None

    def or_last(self, tasks: tuple[Task, ...] | None, now: datetime) -> tuple[Task, ...] | None:
        if tasks is not None:
            self._tasks, self._at = tasks, now
            return tasks
        young = self._at is not None and timedelta() <= now - self._at < TASKS_KEPT
        return self._tasks if young else None
