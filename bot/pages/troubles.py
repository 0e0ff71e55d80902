"""Everything that is wrong, worst first, each a tap away: the page of what problems.py finds."""

from collections.abc import Sequence

from bot.access import Asker, Role
from bot.model import Gap
from bot.pages.listing import Listing, load
from bot.pages.page import Page
from bot.pages.parts import age, gaps, name_button, page_of, pager, pairs, refresh
from bot.pages.problems import Problem, problems
from bot.screen import Button, Open, Screen
from bot.text import EMPTY, Said, bold, lines, say, say_n


def draw(data: Listing, asker: Asker) -> Screen:
    several = len(data.fleet.snapshots) > 1
    wrong = [(snapshot, problem) for snapshot in data.fleet for problem in problems(snapshot)]
    shown, number, pages = page_of(wrong, data.number)
    missing = gaps(gap for gap in data.fleet.unseen if gap.gap is not Gap.NODE_OFFLINE)
    parts: list[Said] = [_title([problem for _, problem in wrong], bool(missing))]
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


def _title(wrong: Sequence[Problem], blind: bool) -> Said:
    """What could not be read may hide anything: with `blind` no problem seen is no health."""
    if not wrong:
        return say("⚪ No problem in what could be read.") if blind else say("🟢 No problem.")
    worst = min(problem.rank for problem in wrong)
    return say_n(len(wrong), one="{emoji} {n} problem", many="{emoji} {n} problems · worst first", emoji=worst.emoji)


def _button(problem: Problem) -> Button:
    if problem.opens.page in {"storage", "nodes"}:
        return Button(say("Storages") if problem.opens.page == "storage" else say("Nodes"), problem.opens)
    return name_button(problem.name, problem.opens.page, problem.opens.arg)


PAGE = Page(key="problems", help="What is wrong, worst first", role=Role.VIEWER, command=True, load=load, draw=draw)
