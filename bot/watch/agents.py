"""Which guests are expected to have an agent, and what that makes of the readings of agents."""

from collections.abc import Iterable, Sequence

from bot.model import Guest
from bot.model.readings import EXPECT_AGENT, AgentPings
from bot.watch.line import FeedLine


class Agents:
    def __init__(self) -> None:
        self.asked = False  # is any guest that runs expected to have one?
        self._tagged: frozenset[int] = frozenset()

    def look(self, guests: Sequence[Guest], lines: Iterable[FeedLine], now: float) -> None:
        """At each poll. `lines`: the readings of agents. They are due at once where a guest is newly tagged; and what
        was read before nobody was asked any more is none: disks may have been emptied meanwhile."""
        asked, tagged = self.asked, self._tagged
        self.asked = any(map(AgentPings.about, guests))
        self._tagged = frozenset(guest.vmid for guest in guests if EXPECT_AGENT in guest.tags)
        for line in lines:
            if self.asked and not asked:
                line.forget(now)
            elif self._tagged - tagged:
                line.soon(now)
