"""/silences: what is not told for now, and until when, each with its end; `silenced` is one of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.access import Asker, Role, Scope, may
from bot.errors import NotFound
from bot.model import Alert, Silence, guest_id
from bot.pages.alerting.alertwords import NAME, dotted, emoji, ends, mended, standing, when
from bot.pages.alerting.watched import id_of, names, needs, recorded, visible, watch, wide
from bot.pages.page import Change, Enquiry, Page
from bot.pages.parts import page_of, pager, pairs, refresh
from bot.ports import Claim
from bot.screen import Button, Open, Screen
from bot.text import Said, Value, bold, cut, lines, say, say_n

ENDING = Change(role=Role.OPERATOR, what="ending a silence")
OVER = say("That silence is over already.")
REASON = 100
"""Characters of a reason that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A silence, and what it is of as people call it."""

    silence: Silence
    name: str
    cluster: str  # its name where there are several, else ''


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    silences: tuple[Named, ...]
    number: int
    now: datetime
    ended: tuple[Named, ...] = ()  # what was just ended
    by: Claim | None = None  # who did, and when
    late: bool = False  # it was not the asker
    over: bool = False  # what was to be ended is over by itself
    still: Named | None = None  # what covers that all the same, and lasts longest


async def load(ask: Enquiry, arg: str) -> Data:
    """`arg` is a page, or `end 3`."""
    if arg.startswith("end "):
        needs(ask, ENDING.role, ENDING.what)
        found = _find(ask, arg[4:])
        if found is None:
            return _late(ask, recorded(ask).ended(id_of(arg[4:])))
        return await end(ask, [found.silence])
    return as_they_stand(ask, arg)


async def end(ask: Enquiry, silences: Sequence[Silence]) -> Data:
    """Ends those; what they were of may be covered by another."""
    done, now = recorded(ask), ask.now
    ended = [silence for silence in silences if await done.unsilence(silence, ask.asker, now)]
    if not ended:
        return _late(ask, next((by for one in silences if (by := done.ended(one.id)) is not None), None))
    return _ended(ask, ended, Claim(by=ask.asker.name, at=now))


def _late(ask: Enquiry, by: Claim | None) -> Data:
    """Somebody else has ended it; or it is over by itself."""
    if by is None or by.silence is None or not _exists(ask, by.silence):
        return replace(as_they_stand(ask, ""), over=True)
    return replace(_ended(ask, [by.silence], by), late=True)


def _ended(ask: Enquiry, ended: Sequence[Silence], by: Claim) -> Data:
    still = [one for one in in_force(ask) if any(_covers(ask, one, silence) for silence in ended)]
    longest = max(still, key=lambda one: one.until, default=None)
    return replace(
        as_they_stand(ask, ""),
        ended=tuple(_named(ask, silence) for silence in ended),
        by=by,
        still=_named(ask, longest) if longest is not None else None,
    )


def _covers(ask: Enquiry, one: Silence, ended: Silence) -> bool:
    """Is all that `ended` was of silenced by `one` as well?"""
    if one.cluster and one.cluster != ended.cluster:
        return False
    if one.about in {"all", "cluster"}:
        return True
    if (one.about, one.value) == (ended.about, ended.value):
        return one.maintenance or not ended.maintenance
    if ended.about != "guest" or not ended.value.isdecimal():
        return False
    guest = ask.guest(ended.cluster, int(ended.value[:9]))
    if guest is None:
        return False
    on_its_node = one.about == "node" and one.maintenance and one.value == guest.node
    return on_its_node or (one.about == "tag" and one.value in guest.tags)


def as_they_stand(ask: Enquiry, arg: str) -> Data:
    kept = [_named(ask, silence) for silence in in_force(ask)]
    return Data(
        silences=tuple(sorted(kept, key=lambda one: one.silence.until)),
        number=int(arg) if arg.isascii() and arg.isdecimal() and len(arg) < 5 else 1,
        now=ask.now,
    )


def in_force(ask: Enquiry) -> list[Silence]:
    """Those that exist for the asker."""
    return [silence for silence in watch(ask).silences() if _exists(ask, silence)]


def _exists(ask: Enquiry, silence: Silence) -> bool:
    if silence.until <= ask.now:
        return False
    scope = ask.asker.scope
    if scope.clusters and silence.cluster and silence.cluster not in scope.clusters:
        return False
    return wide(scope) or _narrow(ask, silence, scope)


def _narrow(ask: Enquiry, silence: Silence, scope: Scope) -> bool:
    match silence.about:
        case "guest":
            return bool(silence.value.isdecimal()) and ask.guest(silence.cluster, int(silence.value[:9])) is not None
        case "node":
            own = not (scope.pools or scope.tags or scope.vmids)
            return own and scope.has_node(silence.cluster, silence.value)
        case "tag":
            return silence.value in scope.tags
        case _:
            return False


def _find(ask: Enquiry, text: str) -> Named | None:
    wanted = id_of(text)
    return next((_named(ask, silence) for silence in in_force(ask) if silence.id == wanted), None)


def _named(ask: Enquiry, silence: Silence) -> Named:
    clusters = names(ask)
    cluster = clusters.get(silence.cluster, silence.cluster) if len(clusters) > 1 else ""
    name = silence.value or clusters.get(silence.cluster, silence.cluster)
    if silence.about == "guest" and (found := guest_id(f"{silence.cluster}/{silence.value}")) is not None:
        guest = ask.guest(*found)
        name = f"{guest.name} ({guest.vmid})" if guest is not None else silence.value
    return Named(silence=silence, name=name, cluster=cluster)


def said(named: Named) -> Said:
    """`web (101)`, `pve2 and its guests`, `tag lab`."""
    silence = named.silence
    name = bold(cut(named.name, NAME))
    match silence.about:
        case "guest" | "other":
            told: Said = name
        case "node":
            told = say("{name} and its guests", name=name) if silence.maintenance else name
        case "storage":
            told = say("storage {name}", name=name)
        case "tag":
            told = say("tag {name}", name=name)
        case "rule":
            told = say("rule {name}", name=name)
        case "cluster":
            told = say("all of {name}", name=name)
        case _:
            told = say("everything")
    return say("{told} on {cluster}", told=told, cluster=named.cluster) if named.cluster else told


def described(named: Named, now: datetime) -> Said:
    """`🔇 web (101) · until 18:02 · by Ana · reason`."""
    silence = named.silence
    parts: list[Value] = [said(named), say("until {when}", when=ends(silence.until, now))]
    parts.append(say("by {name}", name=cut(silence.by, NAME) or "?"))
    if silence.reason:
        parts.append(silence.reason[:REASON])
    return say("{emoji} {said}", emoji="🛠" if silence.maintenance else "🔇", said=dotted(parts))


def draw(data: Data, asker: Asker) -> Screen:
    shown, number, pages = page_of(data.silences, data.number)
    parts = _just_ended(data)
    if shown:
        parts.append(say_n(len(data.silences), one="{n} silence", many="{n} silences · the first to end first"))
    else:
        parts.append(say("Nothing is silenced."))
    parts += [described(one, data.now) for one in shown]
    buttons = [_end(one, shown, data.now) for one in shown] if may(asker, Role.OPERATOR) else []
    more = (Button(say("Silence …"), Open("silence")),) if may(asker, Role.OPERATOR) else ()
    return Screen(
        text=lines(*parts),
        rows=(
            *pairs(buttons),
            *pager("silences", str, number, pages),
            (Button(say("‹ Alerts"), Open("alerts")), *more, refresh("silences")),
        ),
        toast=_toast(data),
    )


def _toast(data: Data) -> Said | None:
    if data.over:
        return OVER
    if data.by is None:
        return None
    if data.late:
        return say("{name} has ended it already, {when}.", name=data.by.by or "?", when=when(data.by.at, data.now))
    return say("Ended.")


def _just_ended(data: Data) -> list[Said]:
    if data.over:
        return [OVER]
    if not data.ended or data.by is None:
        return []
    ender, at = cut(data.by.by, NAME) or "?", when(data.by.at, data.now)
    if data.still is None:
        what = said(data.ended[0])
        return [say("🔔 Told again: {what} · ended by {name} {when}", what=what, name=ender, when=at)]
    by, until = cut(data.still.silence.by, NAME) or "?", ends(data.still.silence.until, data.now)
    what = said(data.still)
    return [
        say("{what}: ended by {ender} {when}", what=said(data.ended[0]), ender=ender, when=at),
        say("Still silent until {until}, by {name}: {what}", until=until, name=by, what=what),
    ]


def _end(one: Named, others: Sequence[Named], now: datetime) -> Button:
    """Of the same name told apart by their ends."""
    name = cut(one.name, 14) or "?"
    tap = Open("silences", f"end {one.silence.id}")
    if sum(other.name == one.name for other in others) < 2:
        return Button(say("End {name}", name=name), tap)
    return Button(say("End {when} {name}", when=ends(one.silence.until, now), name=cut(name, 11)), tap)


# -- one -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    named: Named
    over: Alert | None = None  # the alert at which it was chosen, where that is over
    now: datetime


async def load_one(ask: Enquiry, arg: str) -> One:
    """`3`, or `3 7`: chosen at that alert."""
    text, _, number = arg.partition(" ")
    named = _find(ask, text)
    if named is None:
        raise NotFound(say("That silence is over. /silences lists what there is."))
    alert = watch(ask).alert(id_of(number))
    over = alert if alert is not None and mended(alert) and visible(alert, ask.asker.scope) else None
    return One(named=named, over=over, now=ask.now)


def made(ask: Enquiry, silence: Silence) -> One:
    """For the page on which it was made."""
    return One(named=_named(ask, silence), now=ask.now)


def draw_one(data: One, asker: Asker) -> Screen:
    end = (
        (Button(say("End it"), Open("silences", f"end {data.named.silence.id}")),) if may(asker, Role.OPERATOR) else ()
    )
    return Screen(
        text=lines(
            described(data.named, data.now),
            say("{emoji} {said}", emoji=emoji(data.over), said=standing(data.over, data.now)) if data.over else None,
            say("Its alerts go on, but no chat is told of them.")
            if data.over is None
            else say("No chat is told of the next."),
        ),
        rows=((*end, Button(say("Silences"), Open("silences")), Button(say("‹ Alerts"), Open("alerts"))),),
    )


PAGE = Page(
    key="silences",
    help="What is not told for now",
    role=Role.VIEWER,
    command=True,
    load=load,
    draw=draw,
    changes=True,
    change=lambda arg: ENDING if arg.startswith("end ") else None,
)
ONE = Page(key="silenced", help="", role=Role.VIEWER, load=load_one, draw=draw_one)
