"""A task watched to its end, and what it was for looked at afterwards.

    find      a task whose UPID never arrived, in the task lists: by type, guest, token and time
    follow    its status every 1 s, later 3 s, then 10 s; a look that fails ends nothing
    verify    from status/current, until it is as it should be or `settle` seconds are over

An HA guest's task only files the request and ends at once: verifying is what waits for it, also where it moves.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.actions import Action
from bot.errors import PveError, PveRefused, Stale, StoreFailed, TelemoxError
from bot.model import Guest, Outcome, Task, Upid
from bot.ports import Env, Pve
from bot.runner import words
from bot.runner.sheet import Sheet
from bot.runner.words import End, Ending
from bot.text import Said, say

log = logging.getLogger(__name__)

SKEW = timedelta(seconds=30)
"""How far a node's clock may be behind ours for its task to be known again."""
LATEST = timedelta(seconds=120)
"""A task that began later than this after the order is not its own: a write takes 30 s at most, and clocks differ."""
LOOKS = 3
"""Complete looks through the task lists before a task counts as not there; one may lag behind the start."""
BETWEEN = 3.0
"""Seconds between them."""
HA_SETTLE = 60.0
"""Seconds more for an HA guest: its managers come round every 10 s, each in turn (pve-ha-manager, CRM.pm, LRM.pm)."""
LOG_FROM = 5.0
"""Seconds after which a task's log is read for a percentage: what ends sooner needs none."""


def pace(seconds: float) -> float:
    """Seconds to the next look, after so many of the run."""
    if seconds < 10:
        return 1.0
    return 3.0 if seconds < 60 else 10.0


@dataclass(kw_only=True)
class Watch:
    """One order being watched. `began` is monotonic; before the bot's own start, where the order is older."""

    env: Env
    pve: Pve
    action: Action
    guest: Guest  # as it was before; `uptime` None where that is not known
    token: str
    sheet: Sheet
    began: float
    until: float  # monotonic: no longer watched after that

    @property
    def seconds(self) -> float:
        return self.env.clock.monotonic() - self.began

    async def find(self, order: int, asked: datetime, nodes: Sequence[str], patience: float) -> Upid | None:
        """The task that the order started, tied to it in the store; None where there is none, or nobody could tell.

        `patience`: seconds for nodes that do not answer.
        """
        until = self.env.clock.monotonic() + patience
        looks = 0
        while True:
            complete = True
            for node in nodes:
                try:
                    tasks = await self.pve.node_tasks(
                        node, role=self.action.role, vmid=self.guest.vmid, since=asked - SKEW
                    )
                except PveError:
                    complete = False
                    continue
                for upid in sorted((task.upid for task in tasks), key=lambda upid: upid.start):
                    if self._is_mine(upid, asked) and await self._tie(order, upid):
                        return upid
            looks += complete
            if looks >= LOOKS or self.env.clock.monotonic() >= until:
                return None
            await self.env.clock.sleep(BETWEEN)

    def _is_mine(self, upid: Upid, asked: datetime) -> bool:
        return (
            upid.type in self.action.tasks.get(self.guest.kind, ())
            and upid.subject == str(self.guest.vmid)
            and upid.user == self.token
            and asked - SKEW <= upid.start <= asked + LATEST
        )

    async def _tie(self, order: int, upid: Upid) -> bool:
        try:
            await self.env.store.started(order, str(upid))
        except Stale:
            return False  # an earlier order's
        except StoreFailed as error:
            log.error("%s: not written down: %s", upid, error)
        return True

    async def follow(self, upid: Upid) -> Ending:
        again = False  # an end that was not written down may be seen for a moment as the worker exits: read it twice
        while True:
            await self.env.clock.sleep(pace(self.seconds))
            task, note = await self._look(upid)
            if task is not None and task.outcome is not Outcome.RUNNING:
                if task.outcome is not Outcome.UNKNOWN or again:
                    return await self._judge(upid, task)
                again = True
                continue
            if self.env.clock.monotonic() >= self.until:
                details = () if note is None else (note,)
                return Ending(end=End.LEFT, outcome="still running", details=details, upid=upid)
            share = None
            if task is not None and self.seconds >= LOG_FROM:
                share, note = await self._goes(upid)
            await self.progress(task=upid.type, percent=share, note=note)

    async def _look(self, upid: Upid) -> tuple[Task | None, Said | None]:
        try:
            return await self.pve.task(upid, role=self.action.role), None
        except PveRefused as error:
            if error.status != 400:  # 400: the node does not know this task (any more)
                return None, words.away(self.guest, error)
            return Task(cluster=self.pve.key, upid=upid, outcome=Outcome.UNKNOWN, exitstatus=error.reason), None
        except PveError as error:
            return None, words.away(self.guest, error)

    async def _goes(self, upid: Upid) -> tuple[int | None, Said | None]:
        """By its log: how far it is, and what it waits for."""
        try:
            tail = await self.pve.log(upid, role=self.action.role, start=-5, limit=5)
        except PveError:
            return None, None
        if words.queued(tail.lines):
            return None, say("Another backup runs on {node}: this one waits for it.", node=upid.node)
        return words.percent(tail.lines), None

    async def _judge(self, upid: Upid, task: Task) -> Ending:
        """The task has ended: is it as it should be?"""
        if task.outcome is Outcome.ERROR:
            return Ending(
                end=End.FAILED,
                outcome=f"failed: {task.exitstatus}",
                details=(words.failure(task.exitstatus, self.guest),),
                guest=await self.now(),
                upid=upid,
            )
        return await self.verify(upid, task)

    async def verify(self, upid: Upid | None, task: Task | None) -> Ending:
        """Raises nothing: what could not be confirmed is said as that."""
        true, now, note = await self._wait_for_it(upid)
        outcome = task.outcome if task else Outcome.OK
        if not true:
            details: list[Said] = []
            if task is not None and task.outcome is not Outcome.OK:
                details.append(say("Its task: {exit}", exit=task.exitstatus))
            details += [note] if note is not None else []
            state = now.status.value if now is not None else "not seen"
            return Ending(
                end=End.UNCONFIRMED, outcome=f"unconfirmed: {state}", details=tuple(details), guest=now, upid=upid
            )
        if outcome is Outcome.WARNINGS:
            exit_ = task.exitstatus if task else ""
            warned = say("With warnings: {exit}", exit=exit_)
            return Ending(end=End.WARNED, outcome=f"ok: {exit_}", details=(warned,), guest=now, upid=upid)
        if outcome is Outcome.UNKNOWN:
            unwritten = say("How its task ended was not written down.")
            return Ending(end=End.DONE, outcome="ok, by its state", details=(unwritten,), guest=now, upid=upid)
        return Ending(end=End.DONE, outcome="ok", guest=now, upid=upid)

    async def _wait_for_it(self, upid: Upid | None) -> tuple[bool, Guest | None, Said | None]:
        """Does it hold; how the guest stands; why it could not be seen, where that is so."""
        until = self.env.clock.monotonic() + self.action.settle + (HA_SETTLE if self.guest.ha_managed else 0)
        now: Guest | None = None
        while True:
            note: Said | None = None
            try:
                now = await self.pve.guest(now or self.guest)
            except PveError as error:
                note = say("Its state could not be read: {reason}.", reason=error.reason)
            except TelemoxError as error:  # it is on no node any more
                return False, None, error.said()
            else:
                if self.action.verify(self._before(), now):
                    return True, now, None
                if now.hastate == "error" and self.guest.hastate != "error":
                    return False, now, say("HA gave up on it: its state there is “error”.")
            if self.env.clock.monotonic() >= until:
                return False, now if note is None else None, note
            await self.progress(task=upid.type if upid else "", note=note)
            await self.env.clock.sleep(pace(self.seconds))

    def _before(self) -> Guest:
        """The guest as it was, its uptime at least the time since: what has run no longer than that began anew."""
        return replace(self.guest, uptime=max(self.guest.uptime or 0, int(self.seconds)))

    async def now(self) -> Guest | None:
        try:
            return await self.pve.guest(self.guest)
        except TelemoxError:
            return None

    async def progress(self, *, task: str = "", percent: int | None = None, note: Said | None = None) -> None:
        screen = words.progress(self.action, self.guest, self.seconds, task=task, percent=percent, note=note)
        await self.sheet.progress(screen)
