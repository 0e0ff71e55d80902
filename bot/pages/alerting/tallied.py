"""How many alerts there are of each kind, and the colour of all together: the same on every screen. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from bot.model import Alert, Phase
from bot.pages.alerting.alertwords import dotted, worst
from bot.text import Said, say, say_n

KNOWN = "🟡"
"""Of a headline where all that is wrong is acknowledged or silenced: nothing new, and not well."""


class Group(IntEnum):
    """What a list sets apart, in its order."""

    NEW = 0
    ACKED = 1
    SILENCED = 2  # by a silence, or maintenance: it does not count
    PENDING = 3


def group(alert: Alert) -> Group:
    if alert.phase is Phase.PENDING:
        return Group.PENDING
    return Group.SILENCED if alert.silenced else Group.ACKED if alert.acked is not None else Group.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many there are of each, the same on every screen; and the colour of all together: of the worst that is new,
    else KNOWN where something is open. Green stands over nothing that is."""

    new: int
    acked: int
    silenced: int
    pending: int
    emoji: str

    @property
    def rest(self) -> int:
        """What is no news."""
        return self.acked + self.silenced + self.pending

    @property
    def brief(self) -> Said | None:
        """`2 alerts` or, where all of them are, `2 acknowledged`; None where nothing counts."""
        if self.new:
            return say_n(self.new, one="{n} alert", many="{n} alerts")
        return say("{n} acknowledged", n=self.acked) if self.acked else None

    @property
    def said(self) -> Said:
        """`2 alerts · 1 acknowledged · 1 silenced`."""
        return dotted(
            [
                *([say_n(self.new, one="{n} alert", many="{n} alerts")] if self.new or not self.rest else []),
                *([say("{n} acknowledged", n=self.acked)] if self.acked else []),
                *([say("{n} silenced", n=self.silenced)] if self.silenced else []),
                *([say("{n} pending", n=self.pending)] if self.pending else []),
            ]
        )


def tally(alerts: Iterable[Alert]) -> Tally:
    """Of what is open or pending; what hangs on another is counted with that."""
    found = [(group(alert), alert) for alert in alerts if not alert.parent]
    counts = Counter(kind for kind, _ in found)
    mark = "🟢" if not found else KNOWN if counts[Group.PENDING] < len(found) else "⏳"
    return Tally(
        new=counts[Group.NEW],
        acked=counts[Group.ACKED],
        silenced=counts[Group.SILENCED],
        pending=counts[Group.PENDING],
        emoji=worst([alert for kind, alert in found if kind is Group.NEW]) if counts[Group.NEW] else mark,
    )
