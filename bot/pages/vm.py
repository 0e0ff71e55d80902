"""/vm X: a guest's card, found by name, id or tag; `vmmore` is the same card with its harsher actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.access import Asker, Role
from bot.errors import NotFound
from bot.model import Fleet, Guest, Snapshot, guest_id
from bot.pages import card, vms
from bot.pages.alerting.watched import sleeping
from bot.pages.card import Card
from bot.pages.page import Enquiry, Page
from bot.pages.parts import age, emoji, pairs
from bot.pages.query import Query, exact, search
from bot.screen import Button, Open, Screen
from bot.text import EMPTY, cut, lines, say

FEW = 8
"""Hits that are offered as buttons; more become a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Several guests answer to what was typed."""

    fleet: Fleet
    guests: tuple[Guest, ...]
    text: str
    now: datetime


Data = Card | Choice | vms.Data


async def load(ask: Enquiry, arg: str) -> Data:
    """A button's `cluster/vmid` opens that card; what people type is looked for, in what was read last if it is there.

    Raises: NotFound when nothing is called so.
    """
    text = arg.strip()[:64]
    if not text:
        return await vms.load(ask, "")
    if _is_target(ask, text):
        return await _card(ask, text)
    known = ask.known()
    found = exact(known, text) if known is not None else ()
    if known is not None and len(found) == 1:  # only what is meant without doubt is taken from an old list
        return await card.read(ask, found[0], _home(known, found[0]), fetched=False)
    fleet = await ask.fleet()
    found = search(fleet, text)
    if not found:
        raise NotFound(say("No guest is called {text}, has that id or that tag. /vms lists them.", text=text))
    if len(found) == 1:
        fetched = known is None or fleet.taken > known.taken
        return await card.read(ask, found[0], _home(fleet, found[0]), fetched=fetched)
    if len(found) <= FEW:
        return Choice(fleet=fleet, guests=tuple(found), text=text, now=ask.now)
    return vms.Data(fleet=fleet, query=Query.parse(text), now=ask.now, sleeping=sleeping(ask))


async def load_more(ask: Enquiry, arg: str) -> Card:
    return await _card(ask, arg, more=True)


async def _card(ask: Enquiry, target: str, *, more: bool = False) -> Card:
    found = await ask.locate(target)
    return await card.read(ask, found.guest, found.snapshot, fetched=found.fetched, more=more)


def _is_target(ask: Enquiry, text: str) -> bool:
    named = guest_id(text)
    return named is not None and named[0] in ask.env.clusters


def _home(fleet: Fleet, guest: Guest) -> Snapshot:
    return next(snapshot for snapshot in fleet if snapshot.cluster == guest.cluster)


def draw(data: Data, asker: Asker) -> Screen:
    match data:
        case Card():
            return card.draw(data)
        case vms.Data():
            return vms.draw(data, asker)
        case Choice():
            text = lines(
                say("{n} guests for {text}", n=len(data.guests), text=data.text),
                *vms.rows(data.fleet, data.guests),
                EMPTY,
                age(data.fleet.taken, data.now),
            )
            return Screen(text=text, rows=(*pairs(_buttons(data.guests)), (Button(say("‹ Guests"), Open("vms")),)))


def _buttons(guests: Sequence[Guest]) -> list[Button]:
    return [
        Button(say("{emoji} {name}", emoji=emoji(guest), name=cut(guest.name, 18)), Open("vm", guest.target))
        for guest in guests
    ]


PAGE = Page(
    key="vm",
    help="One guest, by name, id or tag: /vm web",
    role=Role.VIEWER,
    command=True,
    load=load,
    draw=draw,
    aliases=("ct", "guest"),
)
MORE = Page(key="vmmore", help="", role=Role.VIEWER, load=load_more, draw=draw)
