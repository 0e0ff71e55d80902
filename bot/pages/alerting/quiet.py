"""/quiet and /zone: the hours in which only what is critical sounds in this chat, and whose hours those are."""

import asyncio
import difflib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

from bot.access import Asker, Role
from bot.errors import NotFound, Stale
from bot.model import Habits
from bot.pages.alerting.watched import hour, manages, managing, watch, zone_of
from bot.pages.page import Enquiry, Page
from bot.pages.parts import pairs
from bot.screen import Button, Open, Row, Screen
from bot.text import Said, bold, code, lines, say

EXAMPLES = ("Europe/Berlin", "America/New_York")
"""Of zones: the first that is not the chat's own."""
OFFERED = ("22:00-08:00", "23:00-07:00", "20:00-09:00")
NEAREST = 6
"""Zones that are offered for a name that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    habits: Habits
    changed: bool
    mine: bool  # may be changed by the asker
    now: datetime


async def load(ask: Enquiry, arg: str) -> Data:
    """`22:00-08:00`, `off`, or nothing: as it stands. Raises: Stale for anything else; Denied."""
    text = arg.strip().lower().replace("–", "-")
    habits = watch(ask).habits(ask.place.chat)
    if not text:
        return _data(ask, habits, changed=False)
    if text == "off":
        new = replace(habits, quiet_from=None, quiet_to=None)
    else:
        begin, dash, end = text.replace(" ", "").partition("-")
        first, last = hour(begin), hour(end)
        if not dash or first is None or last is None or first == last:
            raise Stale(say("Quiet when? From one hour to another: {command}", command=code("/quiet 22:00-08:00")))
        new = replace(habits, quiet_from=first, quiet_to=last)
    manages(ask)
    ask.fresh()
    await watch(ask).set_habits(new)
    return _data(ask, new, changed=True)


def _data(ask: Enquiry, habits: Habits, *, changed: bool) -> Data:
    return Data(habits=habits, changed=changed, mine=ask.private or ask.asker.role >= Role.OPERATOR, now=ask.now)


def draw(data: Data, asker: Asker) -> Screen:
    habits = data.habits
    if habits.quiet_from is None or habits.quiet_to is None:
        state: Said = say("🔔 There are no quiet hours here: warnings sound at any time.")
    else:
        begin, end = f"{habits.quiet_from:%H:%M}", f"{habits.quiet_to:%H:%M}"
        state = lines(
            say("🌙 Quiet hours here: {begin} to {end}.", begin=begin, end=end),
            say("Only what is critical sounds then; the rest comes as one message when they end."),
        )
    rows: tuple[Row, ...] = ()
    if data.mine:
        offered = [Button(say("{hours}", hours=one), Open("quiet", one)) for one in OFFERED]
        off = (Button(say("Off"), Open("quiet", "off")),) if habits.quiet_from is not None else ()
        rows = pairs([*offered, *off])
    return Screen(text=lines(state, zone_said(data)), rows=(*rows, (Button(say("Time zone"), Open("zone")), _back())))


def zone_said(data: Data) -> Said:
    """`It is 15:02 here (Europe/Berlin).`"""
    name = data.habits.zone
    zone = zone_of(name)
    here = bold(f"{data.now.astimezone(zone):%H:%M}")
    if not name:
        return say("It is {now} here, by the clock of the machine I run on.", now=here)
    if zone is None:
        return say("⚠️ This machine knows no zone {zone}: its own clock counts, {now}.", zone=name, now=here)
    return say("It is {now} here ({zone}).", now=here, zone=name)


def _back() -> Button:
    return Button(say("‹ Alerts"), Open("alerts"))


# -- zone ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    data: Data
    offered: tuple[str, ...] = ()


async def load_zone(ask: Enquiry, arg: str) -> Zone:
    """An IANA name, or a city that one ends in. Raises: NotFound where nothing is like it; Denied."""
    text = arg.strip()[:64].replace(" ", "_")
    habits = watch(ask).habits(ask.place.chat)
    if not text:
        return Zone(data=_data(ask, habits, changed=False))
    if text.lower() in {"off", "machine"}:
        name = ""
    else:
        zones = await asyncio.to_thread(_zones)
        found = nearest(text, zones)
        if not found:
            raise NotFound(
                say("I know no time zone like {text}. An example: {zone}", text=text, zone=code("Europe/Berlin"))
            )
        if len(found) > 1:
            return Zone(data=_data(ask, habits, changed=False), offered=found)
        name = found[0]
    manages(ask)
    ask.fresh()
    new = replace(habits, zone=name)
    await watch(ask).set_habits(new)
    return Zone(data=_data(ask, new, changed=True))


@cache
def _zones() -> frozenset[str]:
    """Reads the machine's own list: some hundred files."""
    return frozenset(available_timezones())


def nearest(text: str, zones: frozenset[str]) -> tuple[str, ...]:
    """One where it is meant without doubt, else some that are like it. Pure."""
    folded = {name.lower(): name for name in sorted(zones)}
    wanted = text.lower()
    if wanted in folded:
        return (folded[wanted],)
    ends = [name for low, name in folded.items() if low.rpartition("/")[2] == wanted]
    if ends:
        return tuple(ends[:NEAREST])
    if len(wanted) < 3:
        return ()
    cities = {low.rpartition("/")[2]: name for low, name in folded.items()}
    close = difflib.get_close_matches(wanted, folded, NEAREST, 0.7)
    near = difflib.get_close_matches(wanted, cities, NEAREST, 0.7)
    found = dict.fromkeys([*(cities[one] for one in near), *(folded[one] for one in close)])
    offered = tuple(found)[:NEAREST]
    return (offered[0], "UTC") if len(offered) == 1 else offered  # a guess is offered, never taken


def draw_zone(zone: Zone, asker: Asker) -> Screen:
    data = zone.data
    if zone.offered:
        buttons = [Button(say("{zone}", zone=one), Open("zone", one)) for one in zone.offered]
        return Screen(
            text=say("There is no such time zone. Did you mean one of these?"), rows=(*pairs(buttons), (_back(),))
        )
    other = next(name for name in EXAMPLES if name != data.habits.zone)
    typed = say("Another: {command}", command=code(f"/zone {other}")) if data.mine else None
    return Screen(text=lines(zone_said(data), typed), rows=((Button(say("Quiet hours"), Open("quiet")), _back()),))


PAGE = Page(
    key="quiet",
    help="Hours in which only what is critical sounds: /quiet 22:00-08:00",
    role=Role.VIEWER,
    command=True,
    load=load,
    draw=draw,
    changes=True,
    change=managing,
)
ZONE = Page(
    key="zone",
    help="The time zone of this chat: /zone Europe/Berlin",
    role=Role.VIEWER,
    command=True,
    load=load_zone,
    draw=draw_zone,
    changes=True,
    change=managing,
)
