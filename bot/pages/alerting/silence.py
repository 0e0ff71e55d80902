"""/silence: what shall not be told for a while, typed whole or chosen step by step.

    /silence web 4h new disks            a guest, by name or id
    /silence pve2 24h                    a node and what is on it; its guests too: /maintenance
    /silence nas 8am · tag:lab 2h · storage_full 24h · everything 1h
    /silence node pve2 24h               with the kind, where one name is of several
    /silence web off                     its silences end

What is missing is asked for: the kind, the thing, the span. Nothing is silenced without an end.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.access import Asker, Role
from bot.errors import NotFound, Stale
from bot.model import Silence
from bot.pages.alerting import silences
from bot.pages.alerting.hush import cancel
from bot.pages.alerting.naming import ANY, Target, called, find, nearest, page_word, unknown
from bot.pages.alerting.watched import SPANS, recorded, until
from bot.pages.page import Enquiry, Page
from bot.pages.parts import name_button, page_of, pager, pairs
from bot.screen import Button, Open, Row, Screen
from bot.text import Said, bold, code, cut, lines, say

KINDS = ("guest", "node", "storage", "tag", "rule", "all")
ALIAS = {
    "vm": "guest", "ct": "guest", "guests": "guest", "nodes": "node", "tags": "tag", "rules": "rule",
    "everything": "all",
}  # fmt: skip
ENDS = frozenset({"off", "end", "stop"})
CHOICES = 14
SAME = timedelta(minutes=1)
"""By which the ends of two taps of one button may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Something is missing."""

    page: str  # silence | maintenance
    kind: str = ""  # '': which kind? or, with targets, of several kinds
    targets: tuple[Target, ...] = ()  # which one?
    target: Target | None = None  # for how long?
    number: int = 1
    rest: str = ""  # of several kinds: what was typed after the name
    typed: str = ""  # nothing is called so: the targets nearly are


Data = Menu | silences.One | silences.Data


async def load(ask: Enquiry, arg: str) -> Data:
    """Raises: NotFound, Stale, Denied."""
    words = arg.split()
    number = page_word(words)
    if not words:
        return Menu(page="silence")
    first, colon, rest = words[0].partition(":")
    kind = ALIAS.get(first.lower(), first.lower())
    if kind in KINDS:
        words = [rest, *words[1:]] if colon and rest else words[1:]
    else:
        try:
            found = await called(ask, words[0])
        except NotFound:
            return await _meant(ask, words[0], " ".join(words[1:]), page="silence")
        if len({one.about for one in found}) > 1:
            return Menu(page="silence", targets=tuple(found), number=number, rest=" ".join(words[1:]))
        kind = found[0].about
    if kind == "all":
        words = ["", *words]
    return await settle(ask, kind, words, number, page="silence", maintenance=False)


async def settle(ask: Enquiry, kind: str, words: Sequence[str], number: int, *, page: str, maintenance: bool) -> Data:
    try:
        targets = await find(ask, kind, words[0] if words else "", page)
    except NotFound:
        return await _meant(ask, words[0], " ".join(words[1:]), page=page, kind=kind)
    if len(targets) != 1 or not words:
        return Menu(page=page, kind=kind, targets=tuple(targets), number=number)
    target = targets[0]
    if len(words) < 2:
        return Menu(page=page, kind=kind, target=target)
    if words[1].lower() in ENDS:
        return await _off(ask, target, maintenance)
    end = until(words[1], ask.now, ask.reader.zone)
    if end is None:
        raise Stale(say("For how long? 30m, 4h, 2d, or until 8am: {text} is none of these.", text=words[1][:20]))
    ask.fresh()
    reason = " ".join(words[2:])[: silences.REASON]
    made = _made(ask, target, end, reason, maintenance) or await recorded(ask).silence(
        target.about, target.cluster, target.value, end, ask.asker, reason=reason, maintenance=maintenance
    )
    return silences.made(ask, made)


def _made(ask: Enquiry, target: Target, end: datetime, reason: str, maintenance: bool) -> Silence | None:
    """The asker's own that is just so: whoever tapped twice wants one."""
    wanted = (target.about, target.cluster, target.value, ask.asker.name, reason, maintenance)
    return next(
        (
            one
            for one in silences.in_force(ask)
            if (one.about, one.cluster, one.value, one.by, one.reason, one.maintenance) == wanted
            and abs(one.until - end) <= SAME
        ),
        None,
    )


async def _meant(ask: Enquiry, typed: str, rest: str, *, page: str, kind: str = "") -> Menu:
    """Raises: NotFound where nothing is nearly called so."""
    near = await nearest(ask, typed, (kind,) if kind else ANY)
    if not near and page == "maintenance":
        raise NotFound(say("There is no node {text}. /maintenance alone lists what there is.", text=typed[:40]))
    if not near:
        raise NotFound(say("Nothing here is called {text}. /silence alone lists what there is.", text=typed[:40]))
    return Menu(page=page, targets=tuple(near), rest=rest, typed=typed)


async def _off(ask: Enquiry, target: Target, maintenance: bool) -> Data:
    """Ends what silences just that. Raises: NotFound where nothing does."""
    ask.fresh()
    found = [
        one
        for one in silences.in_force(ask)
        if (one.about, one.value) == (target.about, target.value)
        and target.cluster in {"", one.cluster}
        and (one.maintenance or not maintenance)
    ]
    if not found and maintenance:
        raise NotFound(say("{name} is not under maintenance.", name=target.name))
    if not found:
        raise NotFound(say("Nothing silences just {name}. /silences lists what there is.", name=target.name))
    return await silences.end(ask, found)


def draw(data: Data, asker: Asker) -> Screen:
    if isinstance(data, silences.One):
        return silences.draw_one(data, asker)
    if isinstance(data, silences.Data):
        return silences.draw(data, asker)
    back = (cancel(), Button(say("Silences"), Open("silences")), Button(say("‹ Alerts"), Open("alerts")))
    if data.target is not None:
        word = f"{data.kind} {data.target.word}" if data.kind != "all" else "all"
        buttons = [Button(say("{n} h", n=int(key[:-1])), Open(data.page, f"{word} {key}")) for key in SPANS]
        buttons.append(Button(say("until 08:00"), Open(data.page, f"{word} 8am")))
        return Screen(text=_how_long(data), rows=(*pairs(buttons), back))
    if data.kind == "guest" and not data.targets:
        typed = say("Which guest? Type it: {command}", command=code("/silence web 4h"))
        return Screen(text=typed, rows=((Button(say("‹ Back"), Open(data.page)), cancel()),))
    if data.kind or data.targets:
        return _which(data)
    labels: dict[str, Said] = {
        "guest": say("A guest"),
        "node": say("A node"),
        "storage": say("A storage"),
        "tag": say("A tag"),
        "rule": say("A rule"),
        "all": say("Everything"),
    }
    kinds = [Button(label, Open("silence", kind)) for kind, label in labels.items()]
    text = lines(
        say("Silence what? Or type it whole:"),
        code("/silence web 4h new disks"),
        code("/silence pve2 8am"),
        code("/silence tag:lab 2d"),
    )
    return Screen(text=text, rows=(*pairs(kinds), back))


def _how_long(data: Menu) -> Said:
    name = bold(cut(data.target.name, 32)) if data.target is not None else say("it")
    if data.page == "maintenance":
        return say("🛠 Maintenance of {name} and its guests for how long?", name=name)
    return say("🔇 Silence {name} for how long?", name=name)


def _which(data: Menu) -> Screen:
    shown, number, pages = page_of(data.targets, data.number, CHOICES)
    mixed = not data.kind
    node = data.page == "maintenance"
    head = "" if node else f"{data.kind} "
    names = Counter((one.about, one.name) for one in data.targets)
    buttons: list[Button] = []
    for one in shown:
        name = one.word if names[one.about, one.name] > 1 else one.name
        arg = f"{one.about} {one.word} {data.rest}".strip() if mixed else f"{head}{one.word}"
        buttons.append(name_button(f"{one.about} {name}" if mixed and not node else name, data.page, arg))
    turn = pager(data.page, lambda page: f"{head}page:{page}", number, pages)
    text = (
        unknown(data.typed)
        if data.typed
        else say("Which of these?")
        if mixed
        else say("Which {kind}?", kind=data.kind)
        if shown
        else say("There is no {kind}.", kind=data.kind)
    )
    way = () if node else (Button(say("‹ Back"), Open("silence")),)
    back: Row = (cancel(), *way, Button(say("‹ Alerts"), Open("alerts")))
    return Screen(text=text, rows=(*pairs(buttons), *turn, back))


PAGE = Page(
    key="silence",
    help="Do not tell of something for a while: /silence web 4h",
    role=Role.OPERATOR,
    command=True,
    load=load,
    draw=draw,
    changes=True,
    deed="silencing",
)
