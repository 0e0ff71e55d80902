"""Pieces that several screens share: states, ages, rows of buttons, and sentences for what could not be read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import quote, urlsplit

from bot.errors import in_words
from bot.model import Gap, Guest, Snapshot, Status, Unseen
from bot.pveum import VIEW_ROLE, grant, joined, to_mend
from bot.screen import Button, Copy, Link, Open, Row
from bot.text import Said, Value, bold, clock, cut, lines, raw, say, say_n, span

T = TypeVar("T")

PER_PAGE = 8
"""Rows a page: what a phone shows with its buttons."""
LABEL = 20
"""Columns of a name on a button, two a row."""
STALE = 60
"""Seconds after which the age of what is shown is a warning."""

EMOJI: Mapping[Status, str] = {
    Status.RUNNING: "🟢",
    Status.STOPPED: "🔴",
    Status.PAUSED: "🟡",
    Status.HIBERNATED: "🟡",
    Status.PRELAUNCH: "🟡",
    Status.IO_ERROR: "🟠",
    Status.INTERNAL_ERROR: "🟠",
    Status.GUEST_PANICKED: "🟠",
    Status.UNKNOWN: "⚪",
}
WORDS: Mapping[Status, Said] = {
    Status.RUNNING: say("running"),
    Status.STOPPED: say("stopped"),
    Status.PAUSED: say("paused"),
    Status.HIBERNATED: say("hibernated"),
    Status.PRELAUNCH: say("starting"),
    Status.IO_ERROR: say("I/O error"),
    Status.INTERNAL_ERROR: say("QEMU error"),
    Status.GUEST_PANICKED: say("panicked"),
    Status.UNKNOWN: say("unknown"),
}


def emoji(guest: Guest) -> str:
    return "🔵" if guest.template else EMOJI[guest.status]


def word(guest: Guest) -> Said:
    return say("template") if guest.template else WORDS[guest.status]


def age(taken: datetime, now: datetime) -> Said:
    """`as of 14:02:31 (4 s ago)`; a warning once it is old. A clock that jumped back shows no negative age."""
    seconds = max(0.0, (now - taken).total_seconds())
    if seconds < 1:
        return say("as of {clock} (just now)", clock=clock(taken))
    if seconds > STALE:
        return say("⚠️ old: as of {clock} ({span} ago)", clock=clock(taken), span=span(seconds))
    return say("as of {clock} ({span} ago)", clock=clock(taken), span=span(seconds))


def heading(snapshot: Snapshot, several: bool) -> Said | None:
    """The cluster's name above its part, where there are several."""
    return bold(snapshot.name) if several else None


# -- buttons -------------------------------------------------------------------------------------------------------


def refresh(page: str, arg: str = "") -> Button:
    return Button(say("↻"), Open(page, arg))


def name_button(name: str, page: str, arg: str) -> Button:
    """Telegram refuses a button without a word: a blank name is shown as `?`."""
    return Button(raw(cut(name, LABEL).strip() or "?"), Open(page, arg))


def pairs(buttons: Sequence[Button], a_row: int = 2) -> tuple[Row, ...]:
    """Two a row, in the list's order."""
    return tuple(tuple(buttons[i : i + a_row]) for i in range(0, len(buttons), a_row))


def page_of(items: Sequence[T], number: int, size: int = PER_PAGE) -> tuple[Sequence[T], int, int]:
    """The items of page `number`, that number brought into range, and how many pages there are (at least one)."""
    pages = max(1, -(-len(items) // size))
    number = min(max(1, number), pages)
    return items[(number - 1) * size : number * size], number, pages


def pager(page: str, arg: Callable[[int], str], number: int, pages: int) -> tuple[Row, ...]:
    """`[‹] [2/6] [›]`; it goes round at the ends. Nothing where there is one page."""
    if pages < 2:
        return ()
    before, after = (number - 2) % pages + 1, number % pages + 1
    return (
        (
            Button(say("‹"), Open(page, arg(before))),
            Button(say("{number}/{pages}", number=number, pages=pages), Open(page, arg(number))),
            Button(say("›"), Open(page, arg(after))),
        ),
    )


def web_button(web: str, rid: str) -> Row:
    """A link into the web interface: `rid` is its own name of a thing, qemu/101 or node/pve1. One button, or none.

    SRC pve-manager, www/manager6/StateProvider.js: `#v1:` and the view (0 = server), then `=` and the quoted rid.
    Telegram takes no link without a dot in the host; a loopback address is nowhere on a phone.
    """
    parts = urlsplit(web)
    host = parts.hostname or ""
    if parts.scheme != "https" or ("." not in host and ":" not in host) or host.endswith(".localhost"):
        return ()
    try:
        if ip_address(host).is_loopback:
            return ()
    except ValueError:
        pass  # a name
    return (Button(say("Web UI ↗"), Link(f"{web.rstrip('/')}/#v1:0:={quote(rid, safe='')}")),)


# -- what is missing -----------------------------------------------------------------------------------------------


def gaps(unseen: Iterable[Unseen], sleeping: frozenset[str] = frozenset()) -> list[Said]:
    """A sentence for each thing that could not be read, the mend with it where a command mends it. `sleeping`: nodes
    that may be off."""
    said: list[Said] = []
    bare: list[str] = []
    for gap in unseen:
        match gap.gap:
            case Gap.NODE_OFFLINE:
                said.append(_asleep(gap) if gap.subject in sleeping else _offline(gap))
            case Gap.NO_GUESTS_VISIBLE:
                said.append(_no_guests(gap))
            case Gap.NODE_BARE:
                bare.append(gap.subject)
            case Gap.STATUS_FORBIDDEN:
                said.append(say("⚠️ Quorum is not known: the view token lacks Sys.Audit on /."))
            case Gap.STATUS_FAILED:
                said.append(say("⚠️ Quorum is not known: {detail}", detail=in_words(gap.detail or gap.gap.value)))
            case Gap.ROWS_DROPPED:
                said.append(
                    say_n(
                        gap.count,
                        one="⚠️ {n} row was not understood and is not shown.",
                        many="⚠️ {n} rows were not understood and are not shown.",
                    )
                )
            case Gap.UNREACHABLE:
                said.append(_unreachable(gap))
    if len(bare) == 1:
        said.append(say("⚠️ No figures of {node}: the view token lacks Sys.Audit on /nodes/{node}.", node=bare[0]))
    elif bare:
        said.append(say("⚠️ No figures of {n} nodes: the view token lacks Sys.Audit on /nodes.", n=len(bare)))
    return said


def _offline(gap: Unseen) -> Said:
    if not gap.count:
        return say("⚪ {node} is offline.", node=gap.subject)
    return say_n(
        gap.count,
        one="⚪ {node} is offline: {n} guest there, state unknown.",
        many="⚪ {node} is offline: {n} guests there, state unknown.",
        node=gap.subject,
    )


def _asleep(gap: Unseen) -> Said:
    if not gap.count:
        return say("🌙 {node} is asleep.", node=gap.subject)
    return say_n(
        gap.count,
        one="🌙 {node} is asleep: {n} guest there, state unknown.",
        many="🌙 {node} is asleep: {n} guests there, state unknown.",
        node=gap.subject,
    )


def _unreachable(gap: Unseen) -> Said:
    values: dict[str, Value] = {"name": gap.subject, "detail": in_words(gap.detail)}
    if gap.said is not None and not gap.answered:
        sentence = (
            "⚠️ {name} cannot be reached, shown is what was last seen:" if gap.count else "⚠️ {name} cannot be reached:"
        )
        return lines(say(sentence, **values), gap.said)
    if gap.said is not None:
        sentence = (
            "⚠️ {name} could not be read, shown is what was last seen." if gap.count else "⚠️ {name} could not be read."
        )
        return lines(say(sentence, **values), gap.said)
    if gap.count:
        return say("⚠️ {name} cannot be reached: {detail}. Shown is what was last seen.", **values)
    return say("⚠️ {name} cannot be reached: {detail}.", **values)


def why(gap: Unseen) -> Said:
    """The reason alone, for a screen whose head says already that it is not reached."""
    return gap.said if gap.said is not None else say("{detail}", detail=in_words(gap.detail))


def _no_guests(gap: Unseen) -> Said:
    if not gap.subject:
        return say("⚠️ No guest is visible to the view token. telemox check says why.")
    return lines(
        say("⚠️ No guest is visible to the view token."),
        to_mend(grant("/", gap.subject, VIEW_ROLE)),
    )


def mends(unseen: Iterable[Unseen]) -> tuple[Row, ...]:
    """Buttons that copy the commands of `gaps`."""
    commands = dict.fromkeys(
        joined(grant("/", gap.subject, VIEW_ROLE))
        for gap in unseen
        if gap.gap in {Gap.NO_GUESTS_VISIBLE, Gap.STATUS_FORBIDDEN} and gap.subject
    )
    return tuple((Button(say("Copy the pveum line"), Copy(command)),) for command in commands if len(command) <= 256)
