"""/subscribe and /unsubscribe: what this chat, or this topic of it, is told.

/subscribe                          as it stands, with buttons
/subscribe warning                  warnings and worse, of everything
/subscribe tag:prod pool:web node:pve1 critical     of these alone: one match is enough
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.access import EVERYTHING, Asker, Role, Scope
from bot.errors import Denied, PveError, Stale
from bot.model import Route, Severity
from bot.pages.alerting.alertwords import dotted
from bot.pages.alerting.watched import MANAGING, manages, watch
from bot.pages.page import Change, Enquiry, Page
from bot.pages.parts import name_button, page_of, pager, pairs
from bot.screen import Button, Open, Place, Screen
from bot.text import Said, Value, bold, code, cut, lines, say

LEAST = {
    "all": Severity.INFO,
    "info": Severity.INFO,
    "warning": Severity.WARNING,
    "warnings": Severity.WARNING,
    "critical": Severity.CRITICAL,
}
KINDS = ("tag", "pool", "node")
MOST = 20
"""Tags, pools and nodes of one subscription."""
CHOICES = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    route: Route | None
    place: Place
    changed: bool = False
    before: Route | None = None  # what the new one has replaced
    unknown: tuple[str, ...] = ()  # of its tags, pools and nodes: what nothing here has now
    by: str = ""  # a menu of the tags, pools or nodes there are
    values: tuple[str, ...] = ()
    number: int = 1
    private: bool = False


async def load(ask: Enquiry, arg: str) -> Data:
    """Raises: Stale for what cannot be understood; Denied."""
    text = arg.strip()
    if text.startswith("by:"):
        by, _, page = text[3:].partition(" page:")
        number = int(page) if page.isascii() and page.isdecimal() and len(page) < 5 else 1
        if by in KINDS:
            return replace(_as_it_stands(ask), by=by, values=await _values(ask, by), number=number)
        text = ""
    if not text:
        return _as_it_stands(ask)
    route = parse(text, ask.place)
    manages(ask)
    route = within(route, ask.asker.scope)
    ask.fresh()
    if (before := current(ask)) is not None and before.settings:
        raise Denied(say("What is told here stands in the settings (TELEMOX_ALERT_CHATS), and is changed there."))
    unknown = await _unknown(ask, route)
    await watch(ask).subscribe(route)
    return replace(
        _as_it_stands(ask), route=route, changed=True, before=before if before != route else None, unknown=unknown
    )


async def _unknown(ask: Enquiry, route: Route) -> tuple[str, ...]:
    """`tag nosuch`: it may come one day, or be a slip. Empty where nothing can be read."""
    found: list[str] = []
    try:
        for kind, wanted in (("tag", route.tags), ("pool", route.pools), ("node", route.nodes)):
            if wanted:
                found += _each(kind, wanted - {*await _values(ask, kind)})
    except PveError:
        return ()
    return tuple(found)


def changing(arg: str) -> Change | None:
    """A menu of what there is changes nothing."""
    return MANAGING if arg.strip() and not arg.strip().startswith("by:") else None


def _as_it_stands(ask: Enquiry) -> Data:
    return Data(route=current(ask), place=ask.place, private=ask.private)


def current(ask: Enquiry) -> Route | None:
    """Of this chat and topic; what the settings say counts first."""
    here = [one for one in watch(ask).routes() if (one.chat, one.topic) == (ask.place.chat, ask.place.topic)]
    return min(here, key=lambda one: not one.settings, default=None)


async def _values(ask: Enquiry, by: str) -> tuple[str, ...]:
    fleet = await ask.fleet(max_age=float("inf"))
    if by == "node":
        return tuple(sorted({node.name for node in fleet.nodes}))
    if by == "pool":
        return tuple(sorted({guest.pool for guest in fleet.guests if guest.pool}))
    return tuple(sorted({tag for guest in fleet.guests for tag in guest.tags}))


def parse(text: str, place: Place) -> Route:
    """Raises: Stale."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    least = Severity.INFO
    for word in text.split():
        kind, colon, value = word.partition(":")
        if colon and kind.lower() in found and value:
            found[kind.lower()].add(value)
        elif (level := LEAST.get(word.lower().rstrip("+"))) is not None:
            least = level
        else:
            known = "all, warning, critical, tag:…, pool:…, node:…"
            raise Stale(say("I do not know {word}. I know {known}.", word=word[:30], known=known))
    if (n := sum(map(len, found.values()))) > MOST:
        words = "These are {n} tags, pools and nodes; a subscription holds at most {most}. Nothing was changed."
        raise Stale(say(words, n=n, most=MOST))
    return Route(
        chat=place.chat,
        topic=place.topic,
        least=least,
        tags=frozenset(found["tag"]),
        pools=frozenset(found["pool"]),
        nodes=frozenset(found["node"]),
    )


def within(route: Route, scope: Scope) -> Route:
    """The route for somebody with that scope: no more than exists for them. Raises: Denied."""
    if scope == EVERYTHING:
        return route
    narrowed = Denied(say("Your scope here is narrower than a subscription can be; an admin can set one up for you."))
    if scope.clusters or scope.vmids or (scope.nodes and (scope.tags or scope.pools)):
        raise narrowed
    if not (route.tags or route.pools or route.nodes):
        return replace(route, tags=scope.tags, pools=scope.pools, nodes=scope.nodes)
    if route.tags <= scope.tags and route.pools <= scope.pools and route.nodes <= scope.nodes:
        return route
    raise narrowed


def told(route: Route | None) -> Said:
    if route is None:
        return say("Nothing is told here by itself.")
    words = {
        Severity.INFO: say("Everything is told here"),
        Severity.WARNING: say("Warnings and worse are told here"),
        Severity.CRITICAL: say("Only what is critical is told here"),
    }[route.least]
    parts = [*_each("tag", route.tags), *_each("pool", route.pools), *_each("node", route.nodes)]
    if not parts:
        return say("{words}.", words=words)
    return say("{words}, of {what}.", words=words, what=", ".join(parts))


def told_alone(routes: Sequence[Route]) -> Said | None:
    """`tag infra · critical`: what the routes of a chat tell, each in its words; None where one tells everything, or
    there is none."""
    found: list[Value] = []
    for route in routes:
        parts = [*_each("tag", route.tags), *_each("pool", route.pools), *_each("node", route.nodes)]
        least = {Severity.INFO: [], Severity.WARNING: ["warnings and worse"], Severity.CRITICAL: ["what is critical"]}
        if not parts and route.least is Severity.INFO:
            return None
        what = ", ".join(parts[:3]) + (" …" if len(parts) > 3 else "")
        words = least[route.least]
        if parts and words:
            found.append(say("{least} of {what}", least=words[0], what=what))
        else:
            found.append(words[0] if words else what)
    return dotted(list(dict.fromkeys(found))[:3]) if found else None


def _each(kind: str, values: Iterable[str]) -> list[str]:
    return [f"{kind} {cut(value, 24)}" for value in sorted(values)][:MOST]


def draw(data: Data, asker: Asker) -> Screen:
    back = Button(say("‹ Alerts"), Open("alerts"))
    if data.by:
        return _choose(data, back)
    route = data.route
    text = lines(
        say("🔔 Subscribed.") if data.changed else None,
        told(route),
        say("⚠️ Nothing here has this now: {names}", names=", ".join(data.unknown)) if data.unknown else None,
        say("Before: {said}", said=told(data.before)) if data.before is not None else None,
        say("That is this topic alone.") if data.place.topic is not None else None,
        say("It stands in the settings, and is changed there.") if route is not None and route.settings else None,
        say("Or type it: {command}", command=code("/subscribe tag:prod warning"))
        if route is None or not route.settings
        else None,
    )
    if route is not None and route.settings:
        return Screen(text=text, rows=((back,),))
    if not data.private and asker.role < Role.OPERATOR:
        return Screen(text=lines(told(route), say("An operator can change that.")), rows=((back,),))
    ending = (Button(say("🔕 Unsubscribe"), Open("unsubscribe", "now")),) if route is not None else ()
    return Screen(
        text=text,
        rows=(
            (
                Button(say("All"), Open("subscribe", "all")),
                Button(say("Warning+"), Open("subscribe", "warning")),
                Button(say("Critical"), Open("subscribe", "critical")),
            ),
            tuple(
                Button(label, Open("subscribe", f"by:{kind}"))
                for kind, label in (("tag", say("By tag")), ("pool", say("By pool")), ("node", say("By node")))
            ),
            (*ending, back),
        ),
    )


def _choose(data: Data, back: Button) -> Screen:
    shown, number, pages = page_of(data.values, data.number, CHOICES)
    buttons = [name_button(value, "subscribe", f"{data.by}:{value} warning") for value in shown]
    turn = pager("subscribe", lambda page: f"by:{data.by} page:{page}", number, pages)
    name = bold(data.by)
    text = say("Warnings and worse of which {kind}?", kind=name) if shown else say("There is no {kind}.", kind=name)
    return Screen(text=text, rows=(*pairs(buttons), *turn, (Button(say("‹ Back"), Open("subscribe")), back)))


# -- and its end -----------------------------------------------------------------------------------------------------


async def load_end(ask: Enquiry, arg: str) -> Data:
    """At once: nothing is lost by it that /subscribe does not bring back."""
    manages(ask)
    ask.fresh()
    before = current(ask)
    if before is not None and before.settings:
        raise Denied(say("What is told here stands in the settings (TELEMOX_ALERT_CHATS), and is changed there."))
    changed = await watch(ask).unsubscribe(ask.place)
    return replace(_as_it_stands(ask), route=None, changed=changed)


def draw_end(data: Data, asker: Asker) -> Screen:
    text = say("🔕 Nothing is told here by itself any more.") if data.changed else say("Nothing was told here anyway.")
    return Screen(
        text=text, rows=((Button(say("Subscribe …"), Open("subscribe")), Button(say("‹ Alerts"), Open("alerts"))),)
    )


PAGE = Page(
    key="subscribe",
    help="What this chat is told: /subscribe tag:prod warning",
    role=Role.VIEWER,
    command=True,
    load=load,
    draw=draw,
    changes=True,
    change=changing,
)
END = Page(
    key="unsubscribe",
    help="Tell nothing here by itself",
    role=Role.VIEWER,
    command=True,
    load=load_end,
    draw=draw_end,
    changes=True,
    change=lambda arg: MANAGING,
)
