"""The filters of /vms as buttons: first by what, then which, with how many guests each leaves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.access import Asker, Role
from bot.model import Fleet, Guest, Kind
from bot.pages.page import Enquiry, Page
from bot.pages.parts import WORDS, age, page_of, pager, pairs
from bot.pages.query import KEYS, Query, select
from bot.pages.vms import guests_in
from bot.screen import Button, Open, Row, Screen
from bot.text import Said, cut, lines, raw, say, say_n

CHOICES = 14
"""Two a row, with the arrows: a screen."""
LABELS: dict[str, Said] = {
    "status": say("Status"),
    "type": say("Type"),
    "node": say("Node"),
    "pool": say("Pool"),
    "tag": say("Tag"),
    "cluster": say("Cluster"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    fleet: Fleet
    by: str  # one of KEYS; '' = by what?
    query: Query  # its page is this screen's
    now: datetime


async def load(ask: Enquiry, arg: str) -> Data:
    """`by:tag node:pve1 page:2`."""
    head, _, rest = arg.partition(" ")
    by = head.removeprefix("by:") if head.startswith("by:") else ""
    query = Query.parse(rest if by else arg)
    return Data(fleet=await ask.fleet(), by=by if by in KEYS else "", query=query, now=ask.now)


def draw(data: Data, asker: Asker) -> Screen:
    base = data.query.without(data.by) if data.by and data.by != "tag" else data.query
    guests = select(data.fleet, base)
    if not data.by:
        buttons = [
            Button(say("{label} ({n})", label=LABELS[key], n=len(counted)), Open("filter", _arg(key, data.query)))
            for key in KEYS
            if (counted := _count(data.fleet, guests, key))
        ]
        text: Said = say_n(guests_in(guests), one="Narrow {n} guest by what?", many="Narrow {n} guests by what?")
        rows: tuple[Row, ...] = pairs(buttons, 3)
    else:
        choices = [
            (value, n) for value, n in _count(data.fleet, guests, data.by).items() if not base.has(data.by, value)
        ]
        shown, number, pages = page_of(choices, data.query.page, CHOICES)
        buttons = [
            Button(
                say("{value} ({n})", value=_label(data.by, value), n=n),
                Open("vms", base.with_(data.by, value).arg()),
            )
            for value, n in shown
        ]
        text = say("{label}: which? Guests with it in brackets.", label=LABELS[data.by])
        turn = pager("filter", lambda page: _arg(data.by, replace(data.query, page=page)), number, pages)
        rows = (*pairs(buttons), *turn)
    now = say("Now: {filter}", filter=data.query.text) if data.query else None
    typed = say("Or type it: /vms tag:prod node:pve1 web")
    back = (Button(say("‹ Guests"), Open("vms", data.query.text)),)
    return Screen(text=lines(text, now, typed, age(data.fleet.taken, data.now)), rows=(*rows, back))


def _arg(by: str, query: Query) -> str:
    return f"by:{by} {query.arg(query.page)}".strip()


def _label(by: str, value: str) -> Said:
    if by == "status":
        return next((word for status, word in WORDS.items() if status.value == value), raw(value))
    if by == "type":
        return {"vm": say("VMs"), "ct": say("containers"), "template": say("templates")}[value]
    return raw(cut(value, 18))


def _count(fleet: Fleet, guests: Sequence[Guest], key: str) -> dict[str, int]:
    """The values that would narrow, with the number of guests, templates by themselves alone: most first, then by
    name."""
    counts: Counter[str] = Counter()
    for guest in guests:
        one = int(not guest.template)  # a value that nothing but a template has is a choice, too
        match key:
            case "status":
                counts["template" if guest.template else guest.status.value] += 1
            case "type":
                counts["vm" if guest.kind is Kind.QEMU else "ct"] += one
                if guest.template:
                    counts["template"] += 1
            case "node":
                counts[guest.node] += one
            case "pool":
                if guest.pool:
                    counts[guest.pool] += one
            case "tag":
                for tag in guest.tags:
                    counts[tag] += one
            case _:
                counts[guest.cluster] += one
    if key in {"node", "cluster"} and len(counts) < 2:
        return {}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


PAGE = Page(key="filter", help="", role=Role.VIEWER, load=load, draw=draw)
