"""Does the machine's wall clock, or the nodes' clocks, say what time it is, after it jumped?"""

from statistics import median

from bot.clock import SteadyClock
from bot.model.feeds import TIME, Feeds


def hear(clock: SteadyClock, feeds: Feeds) -> None:
    """While it is in doubt: the nodes' word, of the times read since it jumped."""
    if not clock.doubt:
        return
    times = feeds.nodes(TIME).values()
    if ahead := [time.offset for time in times if time.taken is not None and time.taken >= clock.since]:
        clock.hear(median(ahead))
