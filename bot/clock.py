"""Clocks. Everything that waits or asks the time gets one by argument (`ports.Clock`)."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

FOLLOWED = 60.0
"""Seconds by which the wall clock may step and is believed at once."""
STEP = 1.0
"""Seconds of a step from which on what was measured before it is of no use."""
AHEAD = timedelta(minutes=2)
"""What was written down with a time further ahead than this was by a clock that was wrong: it counts as of now."""
PATIENCE = 900.0
"""Seconds after which a wall clock that jumped is believed, where nobody can say whether it is right."""


class Ticking(Protocol):
    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251 - the clock itself

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SteadyClock:
    """A wall clock that does not jump because the machine's did.

    It goes on by the monotonic clock until the nodes' clocks say that the new time is right (`hear`; after a machine
    slept it is), or nobody has said otherwise for PATIENCE. Steps of up to a minute, as of NTP, are followed at once.

    doubt    s by which the machine's wall clock is ahead of this one; 0 while it is believed
    doubted  since when, by this clock
    since    monotonic: what was measured before that, was by another time
    sure     the nodes say, after the jump, that this clock is right
    """

    def __init__(self, clock: Ticking) -> None:
        self._clock = clock
        self._base = clock.now() - timedelta(seconds=clock.monotonic())  # the wall at a monotonic 0
        self._heard = 0.0  # monotonic: when the doubt began, or was last confirmed
        self.doubt = 0.0
        self.doubted: datetime | None = None
        self.since = float("-inf")
        self.sure = True

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def now(self) -> datetime:
        before, wall, mono = self._clock.monotonic(), self._clock.now(), self._clock.monotonic()
        ours = self._base + timedelta(seconds=mono)
        off, between = (wall - ours).total_seconds(), mono - before  # one may be kept waiting between the two
        if abs(off) <= FOLLOWED + between:
            self._follow(wall, mono, off, between)
            return wall
        if not self.doubt or abs(off - self.doubt) > FOLLOWED + between:
            self.doubt, self.doubted, self.sure = off, ours, False
            self.since = self._heard = mono
        elif mono - self._heard >= PATIENCE:
            self._follow(wall, mono, off, between)
            return wall
        return ours

    def hear(self, ahead: float) -> None:
        """The nodes' clocks, read after `since`, are so many seconds ahead of this one."""
        if not self.doubt:
            return
        mono = self._clock.monotonic()
        if abs(ahead - self.doubt) < abs(ahead):
            self._follow(self._base + timedelta(seconds=mono + self.doubt), mono, self.doubt, 0.0)
        else:
            self._heard, self.sure = mono, True

    def _follow(self, wall: datetime, mono: float, off: float, between: float) -> None:
        if abs(off) > STEP + between:
            self.since = mono
        self._base = wall - timedelta(seconds=mono)
        self.doubt, self.doubted, self.sure = 0.0, None, True
