"""Everything that is wrong, worst first, each a tap away: what problems.py finds, and what alerts know besides."""

from collections.abc import Sequence

from bot.access import Asker, Role
from bot.model import Gap, Snapshot
from bot.pages import cut
from bot.pages.alerting.tallied import KNOWN
from bot.pages.listing import Listing, load
from bot.pages.page import Page
from bot.pages.parts import age, gaps, name_button, page_of, pager, pairs, refresh
from bot.pages.problems import Problem
from bot.pages.wrong import counted, everything, mark, unreached
from bot.screen import Button, Open, Screen
from bot.text import EMPTY, Said, bold, lines, say, say_n

BY_COLOUR = ("🔴", "⚠️", "🔵", KNOWN)
"""Marks, the worst first."""


def draw(data: Listing, asker: Asker) -> Screen:
    several = len(data.fleet.snapshots) > 1
    wrong = [
        (snapshot, problem)
        for snapshot in data.fleet
        for problem in everything(snapshot, data.of(snapshot), data.sleeping)
    ]
    shown, number, pages = page_of(wrong, data.number)
    missing = gaps(gap for gap in data.fleet.unseen if gap.gap not in {Gap.NODE_OFFLINE, Gap.UNREACHABLE})
    n = sum(counted(snapshot, data.of(snapshot), data.sleeping) for snapshot in data.fleet)
    away = [(snapshot, gap) for snapshot in data.fleet if (gap := unreached(snapshot)) is not None]
    marks = [cut.mark(data.of(snapshot)) for snapshot, _ in away]
    parts: list[Said] = [_title([problem for _, problem in wrong], marks, n, bool(missing))]
    for snapshot, gap in away if number == 1 else ():
        parts += cut.told(snapshot, gap, data.of(snapshot), data.now)
    above = ""
    for snapshot, problem in shown:
        if snapshot.cluster != above:
            above = snapshot.cluster
            parts += _above(snapshot, several)
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


def _title(wrong: Sequence[Problem], marks: Sequence[str], n: int, blind: bool) -> Said:
    """`marks`: of the clusters that are not reached: each is a problem, and nothing is known to be well there.

    What else could not be read may hide anything: with `blind` no problem seen is no health.
    """
    if not wrong and not marks:
        return say("⚪ No problem in what could be read.") if blind else say("🟢 No problem.")
    first = min(wrong, key=lambda problem: (problem.known is not None, problem.rank), default=None)  # of all clusters
    found = [*marks, mark([first])] if first is not None else marks
    worst = min(found, key=lambda one: BY_COLOUR.index(one) if one in BY_COLOUR else 0)
    return say_n(n, one="{emoji} {n} problem", many="{emoji} {n} problems · worst first", emoji=worst)


def _above(snapshot: Snapshot, several: bool) -> list[Said]:
    """The cluster, where there are several; and that what follows is no state, where it is not reached."""
    if unreached(snapshot) is None:
        return [bold(snapshot.name)] if several else []
    return [say("{name}, wrong when last seen:", name=bold(snapshot.name)) if several else say("Wrong when last seen:")]


def _button(problem: Problem) -> Button:
    if problem.opens.page in {"storage", "nodes"}:
        return Button(say("Storages") if problem.opens.page == "storage" else say("Nodes"), problem.opens)
    return name_button(problem.name, problem.opens.page, problem.opens.arg)


PAGE = Page(key="problems", help="What is wrong, worst first", role=Role.VIEWER, command=True, load=load, draw=draw)
