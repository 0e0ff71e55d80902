"""What the pages share that list something of the fleet, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.model import Alert, Fleet, Snapshot
from bot.pages.alerting.watched import sleeping, standing
from bot.pages.page import Enquiry


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    fleet: Fleet
    number: int  # page
    now: datetime
    alerts: Mapping[str, Sequence[Alert]] = field(default_factory=dict)  # that stand, by cluster
    sleeping: frozenset[str] = frozenset()  # what may be off

    def of(self, snapshot: Snapshot) -> Sequence[Alert]:
        return self.alerts.get(snapshot.cluster, ())


async def load(ask: Enquiry, arg: str) -> Listing:
    """`arg` is the number of the page; anything else is the first."""
    return Listing(
        fleet=await ask.fleet(),
        number=int(arg) if arg.isdecimal() and len(arg) < 5 else 1,
        now=ask.now,
        alerts=standing(ask),
        sleeping=sleeping(ask),
    )
