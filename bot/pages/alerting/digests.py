"""/digest: what this chat's digest would say now, and when it comes; /auditlog: where each write is told, silently.

/digest 7:30 · /digest off · /digest here (into this topic)
/auditlog here · /auditlog off
"""

from dataclasses import dataclass, replace

from bot.access import Asker, Role
from bot.errors import Stale
from bot.model import Habits
from bot.pages.alerting.watched import hour, manages, managing, seen, watch
from bot.pages.page import Enquiry, Page
from bot.screen import Button, Open, Row, Screen
from bot.text import EMPTY, Said, code, lines, say, say_n

HOURS = ("6:00", "8:00", "20:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    habits: Habits
    shown: Screen | None  # the digest as it would be now; None: just changed
    mine: bool
    topic: int | None  # where it was asked
    into: int | None = None  # the topic that it comes into; None: General, or the chat has none
    told: bool = True  # is anything told in this chat by itself? If not, no digest comes
    changed: bool = False
    open: int = 0  # alerts that stand now, where none comes


async def load(ask: Enquiry, arg: str) -> Data:
    """Raises: Stale for what cannot be understood; Denied."""
    text = arg.strip().lower()
    habits = watch(ask).habits(ask.place.chat)
    if not text:
        return _data(ask, habits, await watch(ask).digest(ask.place.chat))
    if text == "off":
        new = replace(habits, digest=None)
    elif text == "here":
        new = replace(habits, digest_topic=ask.place.topic)
    elif (at := hour(text)) is not None:
        new = replace(habits, digest=at)
    else:
        raise Stale(say("The digest when? {example} or off.", example=code("/digest 7:30")))
    manages(ask)
    ask.fresh()
    await watch(ask).set_habits(new)
    return _data(ask, new, None)


def _data(ask: Enquiry, habits: Habits, shown: Screen | None) -> Data:
    mine = ask.private or ask.asker.role >= Role.OPERATOR
    here = [route.topic for route in watch(ask).routes() if route.chat == ask.place.chat]
    return Data(
        habits=habits,
        shown=shown if here else None,
        mine=mine,
        topic=ask.place.topic,
        into=habits.digest_topic if habits.digest_topic is not None else next(iter(here), None),
        told=bool(here),
        changed=shown is None,
        open=sum(1 for alert in seen(ask) if alert.open and not alert.parent),
    )


def draw(data: Data, asker: Asker) -> Screen:
    if not data.told and not data.changed:
        return _untold(data)
    habits = data.habits
    at = f"{habits.digest:%H:%M}" if habits.digest is not None else ""
    when: Said = say("The digest comes daily at {at}.", at=at) if at else say("No daily digest comes here.")
    here = data.topic == data.into
    if at and (data.topic, data.into) != (None, None):
        when = lines(when, _where(data, here))
    if not data.told:
        when = lines(when, say("So far nothing is told here by itself: /subscribe, or none comes."))
    rows: list[Row] = []
    if data.mine:
        hours: Row = tuple(Button(say("{at}", at=one), Open("digest", one)) for one in HOURS)
        rows.append(hours)
        off = (Button(say("Off"), Open("digest", "off")),) if at else ()
        here_button = () if data.topic is None or here else (Button(say("Into this topic"), Open("digest", "here")),)
        if off or here_button:
            rows.append((*off, *here_button))
    rows.append((Button(say("‹ Alerts"), Open("alerts")),))
    text = lines(data.shown.text, EMPTY, when) if data.shown is not None else when
    return Screen(text=text, rows=tuple(rows))


def _where(data: Data, here: bool) -> Said:
    if here:
        return say("It comes into this topic.")
    return say("It comes into General.") if data.into is None else say("It comes into another topic of this chat.")


def _untold(data: Data) -> Screen:
    """Of a chat that hears of nothing by itself."""
    open_ = say_n(data.open, one="{n} alert is open now.", many="{n} alerts are open now.") if data.open else None
    text = lines(say("Nothing is told here by itself, so no digest comes either."), open_)
    subscribe = (Button(say("Subscribe …"), Open("subscribe")),) if data.mine else ()
    return Screen(text=text, rows=((*subscribe, Button(say("‹ Alerts"), Open("alerts"))),))


# -- the audit's topic -----------------------------------------------------------------------------------------------


async def load_audit(ask: Enquiry, arg: str) -> Data:
    """Raises: Stale for what cannot be understood."""
    text = arg.strip().lower()
    habits = watch(ask).habits(ask.place.chat)
    if text in {"here", "off"}:
        ask.fresh()
        habits = replace(habits, audit=text == "here", audit_topic=ask.place.topic if text == "here" else None)
        await watch(ask).set_habits(habits)
    elif text:
        raise Stale(
            say("Each write is told {here}, or not: {off}", here=code("/auditlog here"), off=code("/auditlog off"))
        )
    return Data(habits=habits, shown=None, mine=True, topic=ask.place.topic)


def draw_audit(data: Data, asker: Asker) -> Screen:
    here = data.habits.audit and data.habits.audit_topic == data.topic
    if here:
        text = say("📝 Each write is told here, without a sound.")
    elif data.habits.audit:
        text = say("📝 Each write is told in another topic of this chat, without a sound.")
    else:
        text = say("Writes are not told in this chat. /audit lists them.")
    buttons: list[Button] = []
    if not here:
        buttons.append(Button(say("Tell them here"), Open("auditlog", "here")))
    if data.habits.audit:
        buttons.append(Button(say("Off"), Open("auditlog", "off")))
    return Screen(text=text, rows=(tuple(buttons), (Button(say("Audit"), Open("audit")),)))


PAGE = Page(
    key="digest",
    help="The digest as it would be now, and its hour: /digest 7:30",
    role=Role.VIEWER,
    command=True,
    load=load,
    draw=draw,
    changes=True,
    change=managing,
)
AUDIT = Page(
    key="auditlog",
    help="Tell each write here, or not: /auditlog here",
    role=Role.ADMIN,
    command=True,
    load=load_audit,
    draw=draw_audit,
    changes=True,
)
