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
from contextlib import suppress
from dataclasses import dataclass

from bot import rules
from bot.access import Asker, Role
from bot.errors import Denied, NotFound, Stale
from bot.model import Fleet
from bot.pages.alerting import silences
from bot.pages.alerting.hush import cancel
from bot.pages.alerting.watched import SPANS, recorded, until, wide
from bot.pages.page import Enquiry, Page
from bot.pages.parts import name_button, page_of, pager, pairs
from bot.pages.query import exact
from bot.screen import Button, Open, Row, Screen
from bot.text import Said, bold, code, cut, fold, lines, say, span

KINDS = ("guest", "node", "storage", "tag", "rule", "all")
ALIAS = {
    "vm": "guest", "ct": "guest", "guests": "guest", "nodes": "node", "tags": "tag", "rules": "rule",
    "everything": "all",
}  # fmt: skip
ENDS = frozenset({"off", "end", "stop"})
ANY = ("guest", "node", "storage", "rule", "tag")
"""Kinds that a name alone may be of, in the order in which they are offered."""
CHOICES = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a silence is of. `word` is how it is typed, so that a button finds the same again."""

    about: str
    cluster: str
    value: str
    name: str

    @property
    def word(self) -> str:
        return f"{self.cluster}/{self.value}" if self.cluster else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Something is missing."""

    page: str  # silence | maintenance
    kind: str = ""  # '': which kind? or, with targets, of several kinds
    targets: tuple[Target, ...] = ()  # which one?
    target: Target | None = None  # for how long?
    number: int = 1
    rest: str = ""  # of several kinds: what was typed after the name


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
        found = await called(ask, words[0])
        if len({one.about for one in found}) > 1:
            return Menu(page="silence", targets=tuple(found), number=number, rest=" ".join(words[1:]))
        kind = found[0].about
    if kind == "all":
        words = ["", *words]
    return await settle(ask, kind, words, number, page="silence", maintenance=False)


async def called(ask: Enquiry, text: str) -> list[Target]:
    """What is called so, of whatever kind. Raises: NotFound."""
    found: list[Target] = []
    for kind in ANY:
        with suppress(NotFound, Denied):
            found += await find(ask, kind, text)
    if found:
        return found
    raise NotFound(say("Nothing here is called {text}. /silence alone lists what there is.", text=text[:40]))


async def settle(ask: Enquiry, kind: str, words: Sequence[str], number: int, *, page: str, maintenance: bool) -> Data:
    targets = await find(ask, kind, words[0] if words else "", page)
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
    made = await recorded(ask).silence(
        target.about, target.cluster, target.value, end, ask.asker, reason=reason, maintenance=maintenance
    )
    return silences.made(ask, made)


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


def page_word(words: list[str]) -> int:
    """Takes `page:2` off the end."""
    if words and words[-1].startswith("page:") and words[-1][5:].isdecimal() and len(words[-1]) < 10:
        return max(1, int(words.pop()[5:]))
    return 1


async def find(ask: Enquiry, kind: str, text: str, page: str = "silence") -> list[Target]:
    """What is called so; all there is of the kind where nothing is typed. Raises: NotFound, Denied."""
    if kind in {"rule", "all"} and not wide(ask.asker.scope):
        raise Denied(say("Your scope here is too narrow for that: it would silence what you do not see."))
    if kind == "all":
        return [Target(about="all", cluster="", value="", name="everything")]
    if kind == "rule":
        known = [Target(about="rule", cluster="", value=key, name=key) for key in sorted(rules.BY_KEY)]
        return _chosen(kind, text, known, page)
    fleet = await ask.fleet(max_age=float("inf"))
    cluster, slash, rest = text.partition("/")
    if slash and cluster in {snapshot.cluster for snapshot in fleet}:
        fleet, text = Fleet(snapshots=tuple(one for one in fleet if one.cluster == cluster)), rest
    if kind == "guest":
        if not text:
            return []
        guests = exact(fleet, text)
        return _chosen(
            kind,
            text,
            [Target(about=kind, cluster=one.cluster, value=str(one.vmid), name=one.name) for one in guests],
            page,
            found=True,
        )
    scope = ask.asker.scope
    narrow = bool(scope.pools or scope.tags or scope.vmids)  # to guests: nodes, storages and other tags hold others'
    if kind == "tag":
        tags = sorted({tag for guest in fleet.guests for tag in guest.tags if wide(scope) or tag in scope.tags})
        return _chosen(kind, text, [Target(about=kind, cluster="", value=tag, name=tag) for tag in tags], page)
    if kind == "node":
        nodes = [
            Target(about=kind, cluster=one.cluster, value=one.name, name=one.name) for one in fleet.nodes if not narrow
        ]
        return _chosen(kind, text, nodes, page)
    storages = [
        Target(about=kind, cluster=one.cluster, value=one.id, name=one.name) for one in fleet.storages if not narrow
    ]
    return _chosen(kind, text, storages, page)


def _chosen(kind: str, text: str, targets: list[Target], page: str, *, found: bool = False) -> list[Target]:
    """Raises: NotFound."""
    if not text or found:
        chosen = targets
    else:
        wanted = fold(text)
        chosen = [one for one in targets if fold(one.value) == wanted] or [
            one for one in targets if fold(one.name) == wanted
        ]
    if chosen or not text:
        return chosen
    raise NotFound(
        say("There is no {kind} {text}. /{page} alone lists what there is.", kind=kind, text=text[:40], page=page)
    )


def draw(data: Data, asker: Asker) -> Screen:
    if isinstance(data, silences.One):
        return silences.draw_one(data, asker)
    if isinstance(data, silences.Data):
        return silences.draw(data, asker)
    back = (cancel(), Button(say("Silences"), Open("silences")), Button(say("‹ Alerts"), Open("alerts")))
    if data.target is not None:
        word = f"{data.kind} {data.target.word}" if data.kind != "all" else "all"
        buttons = [
            Button(span(length.total_seconds()), Open(data.page, f"{word} {key}")) for key, length in SPANS.items()
        ]
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
    head = "" if data.page == "maintenance" else f"{data.kind} "
    names = Counter((one.about, one.name) for one in data.targets)
    buttons: list[Button] = []
    for one in shown:
        name = one.word if names[one.about, one.name] > 1 else one.name
        arg = f"{one.about} {one.word} {data.rest}".strip() if mixed else f"{head}{one.word}"
        buttons.append(name_button(f"{one.about} {name}" if mixed else name, data.page, arg))
    turn = pager(data.page, lambda page: f"{head}page:{page}", number, pages)
    text = (
        say("Which of these?")
        if mixed
        else say("Which {kind}?", kind=data.kind)
        if shown
        else say("There is no {kind}.", kind=data.kind)
    )
    back: Row = (cancel(), Button(say("‹ Back"), Open("silence")), Button(say("‹ Alerts"), Open("alerts")))
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
