"""/vms: guests, eight a page, those with a problem first; narrowed by filters and words (query.py)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from bot.access import Asker, Role
from bot.model import Fleet, Gap, Guest, Snapshot, Status
from bot.pages.alerting.alertwords import dotted
from bot.pages.alerting.watched import sleeping
from bot.pages.page import Enquiry, Page
from bot.pages.parts import PER_PAGE, age, emoji, gaps, heading, name_button, page_of, pager, pairs, refresh, word
from bot.pages.problems import by_vmid
from bot.pages.query import Query, select
from bot.screen import Button, Open, Row, Screen
from bot.text import EMPTY, WIDTH, Said, Value, columns, cut, lines, raw, say, say_n, share, size_short, table

GAPS = frozenset({Gap.NODE_OFFLINE, Gap.NO_GUESTS_VISIBLE, Gap.ROWS_DROPPED, Gap.UNREACHABLE})
"""What makes a list of guests shorter or older than it looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    fleet: Fleet
    query: Query
    now: datetime
    sleeping: frozenset[str] = frozenset()  # nodes that may be off


async def load(ask: Enquiry, arg: str) -> Data:
    return Data(fleet=await ask.fleet(), query=Query.parse(arg), now=ask.now, sleeping=sleeping(ask))


def draw(data: Data, asker: Asker) -> Screen:
    found = select(data.fleet, data.query)
    shown, number, pages = page_of(found, data.query.page)
    query = replace(data.query, page=number)
    buttons = [name_button(guest.name, "vm", guest.target) for guest in shown]
    return Screen(
        text=lines(
            title(query, found, shown, number),
            *rows(data.fleet, shown),
            EMPTY,
            *gaps((gap for gap in data.fleet.unseen if gap.gap in GAPS), data.sleeping),
            age(data.fleet.taken, data.now),
        ),
        rows=(*pairs(buttons), *pager("vms", query.arg, number, pages), *_below(query)),
    )


def title(query: Query, found: Sequence[Guest], shown: Sequence[Guest], number: int) -> Said:
    """`Guests 1-8 of 44 · 1 template`: templates are listed, and counted by themselves."""
    if not found:
        return say("No guest matches {filter}.", filter=query.text) if query else say("There is no guest to show.")
    total, here = guests_in(found), guests_in(shown)
    first = guests_in(found[: (number - 1) * PER_PAGE]) + 1
    parts: list[Value] = []
    if here:
        parts.append(say("Guests {first}-{last} of {total}", first=first, last=first + here - 1, total=total))
    elif total:  # the last page, with nothing but templates
        parts.append(say_n(total, one="{n} guest", many="{n} guests"))
    if templates := len(found) - total:
        parts.append(say_n(templates, one="{n} template", many="{n} templates"))
    if query:
        parts.append(query.text)
    elif not templates:
        parts.append(say("problems first"))
    return dotted(parts)


def guests_in(listed: Sequence[Guest]) -> int:
    """As `Snapshot.total` counts."""
    return sum(not guest.template for guest in listed)


def rows(fleet: Fleet, guests: Sequence[Guest]) -> list[Said]:
    """A table for each run of guests of one cluster, its name above where there are several."""
    several = len(fleet.snapshots) > 1
    clusters = {snapshot.cluster: snapshot for snapshot in fleet}
    parts: list[Said] = []
    for cluster, group in groupby(guests, key=lambda guest: guest.cluster):
        snapshot = clusters[cluster]
        if (name := heading(snapshot, several)) is not None:
            parts.append(name)
        parts.append(_table(snapshot, list(group)))
    return parts


def _table(snapshot: Snapshot, guests: list[Guest]) -> Said:
    """`🟢 web 101 VM pve1  9% 1.2G`. The node gives way where names would become too short to tell apart."""
    wrong = by_vmid(snapshot)
    nodes = [cut(guest.node, 6) for guest in guests]
    ends = [wrong[guest.vmid].word if guest.vmid in wrong else _end(guest) for guest in guests]
    longest = max(columns(guest.name) for guest in guests)
    # emoji, kind, the longest id and end, and the blanks between
    taken = 2 + 2 + max(len(str(guest.vmid)) for guest in guests) + 10 + 4
    with_node = len(snapshot.nodes) > 1 and WIDTH - taken - 1 - max(map(columns, nodes)) >= min(longest, 8)
    out: list[tuple[Value, ...]] = []
    for guest, node, end in zip(guests, nodes, ends, strict=True):
        cells: tuple[Value, ...] = (emoji(guest), guest.name, guest.vmid, guest.kind.short)
        out.append((*cells, node, end) if with_node else (*cells, end))
    return table(out, align="<<><<<" if with_node else "<<><<", flex=1)


def _end(guest: Guest) -> Said:
    """What it takes while it runs; what holds it where something does, its state in a word otherwise."""
    if guest.status is Status.RUNNING and guest.lock:
        return raw(guest.lock)
    if guest.status is Status.RUNNING and guest.cpu is not None and guest.mem is not None:
        return say("{cpu} {mem}", cpu=f"{share(guest.cpu):>3}", mem=size_short(guest.mem))
    return word(guest)


def _below(query: Query) -> tuple[Row, ...]:
    """`[Running] [Stopped] [Filter ▾]`; what narrows already is taken off again by the same button."""
    states = []
    for label, value in ((say("Running"), "running"), (say("Stopped"), "stopped")):
        if query.has("status", value):
            states.append(Button(say("✕ {label}", label=label), Open("vms", query.without("status").arg())))
        else:
            states.append(Button(label, Open("vms", query.with_("status", value).arg())))
    last: list[Button] = [Button(say("‹ Status"), Open("status")), refresh("vms", query.arg(query.page))]
    if query:
        last.insert(1, Button(say("✕ All guests"), Open("vms")))
    return ((*states, Button(say("Filter ▾"), Open("filter", query.text))), tuple(last))


PAGE = Page(
    key="vms",
    help="All guests; narrow by tag: node: status: type: pool: or words",
    role=Role.VIEWER,
    command=True,
    load=load,
    draw=draw,
    aliases=("guests", "list"),
)
