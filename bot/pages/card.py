"""The guest card: its head, its figures, its buttons; for the page `vm` and for the runner, which ends on one.

head(guest)                     🟢 web · 101 · VM · pve1
figures(guest, addresses)       cpu, mem, disk, ip, HA as columns
rows(guest, actions, web)       [🔄 Reboot] [📴 Shutdown] [More ▾] · [Tasks] [Web UI ↗] [↻] · [‹ Guests]
read(ask, guest, snapshot, …)   what a card shows, in at most two calls
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.access import Role
from bot.actions import Action
from bot.errors import PveError
from bot.model import Guest, Snapshot, Status
from bot.pages.alerting.watched import sleeping
from bot.pages.page import Enquiry
from bot.pages.parts import WORDS, age, emoji, web_button, word
from bot.pages.problems import Rank, guest_problem
from bot.screen import Ask, Button, Open, Row, Screen
from bot.text import (
    EMPTY,
    Moment,
    Said,
    Value,
    bar,
    bold,
    cut,
    lines,
    raw,
    say,
    say_n,
    share,
    size,
    size_pair,
    span,
    table,
)

MAIN = ("start", "resume", "reboot", "shutdown")
"""Actions on the card itself, in this order; every other one is behind More."""
NAME = 48
"""Columns of a name in the head: Proxmox takes longer ones."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    guest: Guest
    actions: tuple[Action, ...]
    addresses: tuple[str, ...]
    taken: datetime  # when the figures were true
    now: datetime
    web: str  # address of the web interface
    cluster: str  # its name where there are several, else ''
    trouble: Said | None = None  # why the figures are not fresh, or the buttons not there
    asleep: bool = False  # that is since its node is off, as it may be
    more: bool = False  # the harsher actions are asked for
    last: Status | None = None  # as last seen, where nobody can tell how it is now
    quorate: bool | None = None  # its cluster, when that was last looked at


async def read(ask: Enquiry, guest: Guest, snapshot: Snapshot, *, fetched: bool, more: bool = False) -> Card:
    """What the card of `guest` shows. At most two calls in all: after a `fetched` snapshot, which cost two, none.

    A guest whose node is gone is shown as it was last known, its state unknown, and not asked for. So is one that
    was asked for and did not say: whatever the reason, nobody knows how it is now.
    """
    pve = ask.pve(guest.cluster)
    taken = snapshot.taken
    trouble: Said | None = None
    last: Status | None = None
    asleep = False
    addresses: tuple[str, ...] = ()
    home = snapshot.by_node.get(guest.node)
    if home is not None and home.online is False:
        last, guest = guest.status, replace(guest, status=Status.UNKNOWN)
        asleep = guest.node in sleeping(ask)
        words = (
            "{node} is asleep: this is what was last known."
            if asleep
            else "{node} is offline: this is what was last known."
        )
        trouble = say(words, node=guest.node)
    elif not fetched:
        wanted = (pve.guest(guest), pve.addresses(guest)) if guest.status.up else (pve.guest(guest),)
        live, *rest = await asyncio.gather(*wanted, return_exceptions=True)
        if isinstance(live, Guest):
            guest, taken = live, ask.now
        elif isinstance(live, PveError):
            trouble = live.said()
            last, guest = guest.status, replace(guest, status=Status.UNKNOWN)
        elif isinstance(live, BaseException):
            raise live
        addresses = next((found for found in rest if isinstance(found, tuple)), ())
    actions: tuple[Action, ...] = ()
    if trouble is None:  # on a state that is not known nothing is offered
        if ask.env.store.frozen and ask.asker.role > Role.VIEWER:
            trouble = say("Writes are frozen until an admin sends /thaw.")
        try:
            actions = await ask.offers(guest)
        except PveError as error:
            trouble = error.said()
    return Card(
        guest=guest,
        actions=actions,
        addresses=addresses,
        taken=taken,
        now=ask.now,
        web=pve.web,
        cluster=snapshot.name if len(ask.env.clusters) > 1 else "",
        trouble=trouble,
        asleep=asleep,
        more=more,
        last=last if last is not Status.UNKNOWN and not guest.template else None,
        quorate=snapshot.quorate,
    )


def draw(card: Card) -> Screen:
    guest = card.guest
    known = figures(guest, card.addresses)
    text = lines(
        head(guest, card.cluster),
        state(guest) if card.last is None else _last(guest, card.last, card.taken, card.now),
        say("⚠️ No quorum: the cluster can start and change nothing.") if card.quorate is False else None,
        *((EMPTY, known) if known is not None else ()),
        _trouble(card.trouble, asleep=card.asleep) if card.trouble is not None else None,
        EMPTY,
        age(card.taken, card.now),
    )
    return Screen(text=text, rows=rows(guest, card.actions, card.web, more=card.more))


def _trouble(trouble: Said, *, asleep: bool) -> Said:
    return say("🌙 {trouble}" if asleep else "⚠️ {trouble}", trouble=trouble)


def head(guest: Guest, cluster: str = "") -> Said:
    """`🟢 web · 101 · VM · pve1`, with the cluster's name where one is given."""
    values: dict[str, Value] = {
        "emoji": emoji(guest),
        "name": bold(cut(guest.name, NAME)),
        "vmid": guest.vmid,
        "kind": guest.kind.short,
        "node": guest.node,
    }
    if cluster:
        return say("{emoji} {name} · {vmid} · {kind} · {node} · {cluster}", **values, cluster=cluster)
    return say("{emoji} {name} · {vmid} · {kind} · {node}", **values)


def state(guest: Guest) -> Said:
    """`running 12 d 4 h · tags prod, edge`, and under it what is wrong where the state does not say it itself."""
    problem = guest_problem(guest)
    if problem is None or problem[0] in {Rank.PAUSED, Rank.LOCKED} or problem[2] == word(guest):
        return _state(guest)
    return lines(_state(guest), say("⚠️ {word}", word=problem[2]))


def _state(guest: Guest) -> Said:
    """How long it runs stands by `running` alone: nobody counts for how long it has been paused."""
    parts: dict[str, Value] = {"word": word(guest)}
    if guest.uptime and guest.status.up:
        parts["span"] = span(guest.uptime)
        pattern = "{word} {span}" if guest.status is Status.RUNNING else "{word} · up {span}"
        return _tagged(guest, say(pattern, **parts))
    return _tagged(guest, word(guest))


def _last(guest: Guest, status: Status, taken: datetime, now: datetime) -> Said:
    """`last seen running 14:02`, with the day where that is not today's."""
    when = Moment(taken, "%H:%M" if now - taken < DAY else "%d %b %H:%M")
    return _tagged(guest, say("last seen {word} {when}", word=WORDS[status], when=when))


def _tagged(guest: Guest, said: Said) -> Said:
    return say("{said} · tags {tags}", said=said, tags=", ".join(guest.tags)) if guest.tags else said


def figures(guest: Guest, addresses: Sequence[str] = ()) -> Said | None:
    """What is known, a line each; what Proxmox does not tell is left out, never shown as zero. None: nothing is."""
    rows: list[tuple[Value, Value]] = []
    up = guest.status.up
    if up and guest.cpu is not None:
        cpu = say("{bar} {share}", bar=bar(guest.cpu), share=f"{share(guest.cpu):>3}")
        of = say("{cpu} of {n}", cpu=cpu, n=f"{guest.cpus:g}") if guest.cpus else cpu
        rows.append((say("cpu"), of))
    elif guest.cpus:
        cores = int(guest.cpus) if guest.cpus == int(guest.cpus) else 2  # a container may have a part of one
        rows.append((say("cpu"), say_n(cores, one="{of} core", many="{of} cores", of=f"{guest.cpus:g}")))
    if up and guest.mem is not None and guest.maxmem:
        used = guest.mem / guest.maxmem
        pair = size_pair(guest.mem, guest.maxmem)
        rows.append((say("mem"), say("{bar} {share} {pair}", bar=bar(used), share=f"{share(used):>3}", pair=pair)))
    elif guest.maxmem:
        rows.append((say("mem"), size(guest.maxmem)))
    if guest.disk and guest.maxdisk:
        used = guest.disk / guest.maxdisk
        pair = size_pair(guest.disk, guest.maxdisk)
        rows.append((say("disk"), say("{bar} {share} {pair}", bar=bar(used), share=f"{share(used):>3}", pair=pair)))
    elif guest.maxdisk:
        rows.append((say("disk"), size(guest.maxdisk)))
    if up and guest.netin is not None and guest.netout is not None:
        rows.append((say("net"), say("↓{got} ↑{sent}", got=size(guest.netin), sent=size(guest.netout))))
    if guest.status is not Status.RUNNING:
        addresses = ()  # nobody answers there
    rows.extend((say("ip") if not index else "", address) for index, address in enumerate(addresses[:4]))
    if len(addresses) > 4:
        rows.append(("", say("and {n} more", n=len(addresses) - 4)))
    if guest.pool:
        rows.append((say("pool"), raw(guest.pool)))
    if guest.ha_managed:
        rows.append((say("HA"), raw(guest.hastate)))
    if guest.lock:
        rows.append((say("lock"), raw(guest.lock)))
    return table(rows, align="<<", flex=1) if rows else None


def rows(guest: Guest, actions: Sequence[Action], web: str = "", *, more: bool = False) -> tuple[Row, ...]:
    """The card's buttons. `actions` are what `ask.offers(guest)` gave: nothing else is drawn; `web` is `pve.web`."""
    main = sorted((action for action in actions if action.key in MAIN), key=lambda action: MAIN.index(action.key))
    others = [action for action in actions if action.key not in MAIN]
    out: list[Row] = []
    if more and others:
        buttons = [_button(action, guest) for action in others]
        out.extend(tuple(buttons[i : i + 2]) for i in range(0, len(buttons), 2))
        out.append((Button(say("‹ Back"), Open("vm", guest.target)),))
        return tuple(out)
    first = [_button(action, guest) for action in main[:2]]
    if others:
        first.append(Button(say("More ▾"), Open("vmmore", guest.target)))
    if first:
        out.append(tuple(first))
    tasks = Button(say("Tasks"), Open("tasks", f"vm:{guest.target}"))
    out.append(
        (tasks, *web_button(web, f"{guest.kind.value}/{guest.vmid}"), Button(say("↻"), Open("vm", guest.target)))
    )
    out.append((Button(say("‹ Guests"), Open("vms")),))
    return tuple(out)


def _button(action: Action, guest: Guest) -> Button:
    label = say("{emoji} {label}", emoji=action.emoji, label=say(action.label))
    tap = Ask(action.key, guest.target)
    if action.harsh:
        return Button(label, tap, "danger")
    return Button(label, tap) if action.question else Button(label, tap, "success")
