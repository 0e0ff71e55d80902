"""One feed of one node: what was read last, and what became of the last try. Times are monotonic seconds."""

import asyncio
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.errors import PveAbsent, PveError, PveForbidden, PveNodeDown
from bot.model.feeds import HOUR, Feed, Reading
from bot.text import Said
from bot.watch import pace

STALE = 2.5  # paces after which a good reading is old
SOON = 15.0  # s between two tries that something has called for
GRACE = 30.0  # s on top of them: polls come when they come


@dataclass(slots=True)
class FeedLine:
    feed: Feed[Any]
    node: str
    slot: float  # its place in time: it is due a whole number of paces after it
    due: float
    pace: float  # s, scaled
    scale: float
    value: Any = None
    at: datetime | None = None  # UTC, when `value` was read
    read: float | None = None  # the same, monotonic
    tried: float | None = None  # when the last try began
    fails: int = 0
    failed: float = 0.0  # when the first of these ended
    barred: Said | None = None  # why it is not asked at all: what the token lacks
    forbidden: bool = False  # the last try said so
    silent: bool = False
    absent: bool = False
    trouble: Said | None = None
    task: "asyncio.Task[None] | None" = None
    called: bool = False  # something has happened since the last try began: it may not know of it

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()

    @property
    def known(self) -> bool:
        """Is there anything to tell of it?"""
        return self.read is not None or bool(self.fails) or self.barred is not None or self.absent

    def starts(self, now: float) -> None:
        """Whatever becomes of it, it is not due at the next tick."""
        self.tried, self.called = now, False
        self.due = now + pace.again(self.fails + 1, self.pace, self.scale)

    def good(self, value: object, now: float, at: datetime, usual: float) -> None:
        """`usual`: its pace from now on, at a scale of 1."""
        self.value, self.at, self.read = value, at, now
        self.fails, self.trouble = 0, None
        self.forbidden = self.silent = self.absent = False
        self.pace = usual * self.scale
        began = now if self.tried is None else self.tried
        self.due = self.slot + self.pace * math.ceil((began + self.pace / 2 - self.slot) / self.pace)
        if self.called:
            self.soon(now)

    def soon(self, now: float) -> None:
        """Something has happened: due now, or as soon as the reading that is under way has ended. One that was never
        tried, or fails, is left to its own time."""
        self.called = True
        if self.read is not None and not self.fails:
            wait = SOON * min(self.scale, 1.0)
            self.due = min(self.due, max(now, wait + (self.tried or 0.0)))

    def forget(self, now: float) -> None:
        """What was read is not true any more; due now. One that was never read is left to its own time."""
        if self.read is not None:
            self.value = self.at = self.read = None
            self.hurry(now)

    def hurry(self, now: float) -> None:
        """Due now whatever it is, or once the reading that is under way has ended."""
        self.called = self.busy
        self.due = now

    def bad(self, error: PveError, now: float) -> None:
        """The last good value stays; but where there is no such thing, there is none."""
        self.forbidden, self.silent = isinstance(error, PveForbidden), isinstance(error, PveNodeDown)
        self.absent = isinstance(error, PveAbsent)
        self.trouble = error.said()
        if self.absent:
            self.fails, self.value = 0, None
            self.due = now + max(self.pace, HOUR * self.scale)
            return
        self.failed = self.failed if self.fails else now
        self.fails += 1
        self.due = now + (self.pace if self.forbidden else pace.again(self.fails, self.pace, self.scale))

    def reading(self, now: float, there: bool = True) -> Reading[Any]:
        """`there`: its node is online."""
        young = self.read is not None and now - self.read <= STALE * self.pace + GRACE
        spoilt = self.fails or self.barred is not None or self.absent
        return Reading(
            value=self.value,
            at=self.at,
            fresh=young and there and not spoilt,
            fails=self.fails,
            failing=now - self.failed if self.fails else 0.0,
            forbidden=self.forbidden or self.barred is not None,
            silent=self.silent,
            absent=self.absent,
            trouble=self.barred or self.trouble,
        )
