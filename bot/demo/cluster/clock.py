"""Simulated time, and what is due in it.

Nothing runs in the background: whoever looks at the world first lets it catch up, so that the same looks at the same
simulated times always see the same world.
"""

import heapq
import itertools
from collections.abc import Callable


class Clock:
    """Seconds since 1970, UTC, running `speed` times as fast as `monotonic`."""

    def __init__(self, *, epoch: float, speed: float, monotonic: Callable[[], float]) -> None:
        self._base = epoch
        self._monotonic = monotonic
        self._from = monotonic()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._speed = speed
        self.at = epoch  # the moment being simulated; stands still while a request is answered

    def now(self) -> float:
        return self._base + (self._monotonic() - self._from) * self._speed

    @property
    def speed(self) -> float:
        """Simulated seconds a second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        """From now on; what went by keeps the pace it had."""
        self._base, self._from = self.now(), self._monotonic()
        self._speed = speed

    def advance(self, seconds: float) -> None:
        """Jumps ahead by simulated seconds."""
        self._base += seconds

    def back(self, seconds: float) -> None:
        """Takes back what advance() did; what is still due is due as much later from then as before."""
        self._base -= seconds
        self.at -= seconds
        self._due = [(when - seconds, number, call) for when, number, call in self._due]

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Calls once, simulated `seconds` from the moment being simulated."""
        heapq.heappush(self._due, (self.at + seconds, next(self._count), call))

    def run(self, until: float) -> None:
        """Lets everything that is due until then happen, in order, each at its own moment."""
        while self._due and self._due[0][0] <= until:
            when, _, call = heapq.heappop(self._due)
            self.at = max(self.at, when)
            call()
        self.at = max(self.at, until)
