"""Everything that is wrong, worst first, each a tap away: what problems.py finds, and what alerts know besides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.access import Asker, Role
from bot.model import Alert, Gap, Snapshot
from bot.pages import listing
from bot.pages.alerting.watched import open_alerts
from bot.pages.listing import Listing
from bot.pages.page import Enquiry, Page
from bot.pages.parts import age, gaps, name_button, page_of, pager, pairs, refresh
from bot.pages.problems import Problem, counted, everything, mark
from bot.screen import Button, Open, Screen
from bot.text import EMPTY, Said, bold, lines, say, say_n


@dataclass(frozen=True, slots=True, kw_only=True)
class Data(Listing):
    alerts: Mapping[str, Sequence[Alert]] = field(default_factory=dict)  # open ones by cluster

    def of(self, snapshot: Snapshot) -> Sequence[Alert]:
        return self.alerts.get(snapshot.cluster, ())


async def load(ask: Enquiry, arg: str) -> Data:
    """`arg` is the number of the page; anything else is the first."""
    found = await listing.load(ask, arg)
    return Data(fleet=found.fleet, number=found.number, now=found.now, alerts=open_alerts(ask))


def draw(data: Data, asker: Asker) -> Screen:
    several = len(data.fleet.snapshots) > 1
    wrong = [(snapshot, problem) for snapshot in data.fleet for problem in everything(snapshot, data.of(snapshot))]
    shown, number, pages = page_of(wrong, data.number)
    missing = gaps(gap for gap in data.fleet.unseen if gap.gap is not Gap.NODE_OFFLINE)
    n = sum(counted(snapshot, data.of(snapshot)) for snapshot in data.fleet)
    parts: list[Said] = [_title([problem for _, problem in wrong], n, bool(missing))]
    above = ""
    for snapshot, problem in shown:
        if several and snapshot.cluster != above:
            above = snapshot.cluster
            parts.append(bold(snapshot.name))
        parts.append(problem.line)
    buttons = {problem.opens: _button(problem) for _, problem in shown}  # one page of storages, one button
    return Screen(
        text=lines(*parts, *missing, EMPTY, age(data.fleet.taken, data.now)),
        rows=(
            *pairs(list(buttons.values())),
            *pager("problems", str, number, pages),
            (Button(say("‹ Status"), Open("status")), refresh("problems", str(number) if number > 1 else "")),
        ),
    )


def _title(wrong: Sequence[Problem], n: int, blind: bool) -> Said:
    """What could not be read may hide anything: with `blind` no problem seen is no health."""
    if not wrong:
        return say("⚪ No problem in what could be read.") if blind else say("🟢 No problem.")
    first = min(wrong, key=lambda problem: (problem.known is not None, problem.rank))  # of several clusters
    return say_n(n, one="{emoji} {n} problem", many="{emoji} {n} problems · worst first", emoji=mark([first]))


def _button(problem: Problem) -> Button:
    if problem.opens.page in {"storage", "nodes"}:
        return Button(say("Storages") if problem.opens.page == "storage" else say("Nodes"), problem.opens)
    return name_button(problem.name, problem.opens.page, problem.opens.arg)


PAGE = Page(key="problems", help="What is wrong, worst first", role=Role.VIEWER, command=True, load=load, draw=draw)
