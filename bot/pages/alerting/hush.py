"""The menu of Silence ▾: what of an alert, and for how long. Its buttons are taps that silence at once.

It outlives its alert: then it says so, and still silences, so that the next one is not told. `cancel()` is the way out
of every menu that silences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.access import Asker, Role
from bot.errors import NotFound, Stale
from bot.model import About, Alert
from bot.pages.alerting.alertwords import emoji, mended, standing, thing
from bot.pages.alerting.cures import labelled
from bot.pages.alerting.watched import one, visible, watch, wide
from bot.pages.page import Enquiry, Page
from bot.pages.parts import page_of, pager, pairs
from bot.screen import Button, Hush, Open, Row, Screen
from bot.text import Said, bold, cut, lines, raw, say

KINDS = "anr"
"""Of it, its node, its rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    alert: Alert
    kind: str  # one of KINDS: chosen
    wide: bool  # a rule may be silenced
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    alerts: tuple[Alert, ...]
    card: int
    number: int  # page


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Nothing is to be silenced (any more)."""

    said: Said


LEFT: Mapping[str, Left] = {
    "x": Left(said=say("Cancelled: nothing was silenced.")),
    "old": Left(said=say("This menu is over: its alert is not kept any more. /silence takes a name.")),
}


def cancel() -> Button:
    return Button(say("Cancel"), Open("hush", "x"))


async def load(ask: Enquiry, arg: str) -> Data | Choice | Left:
    """`7` or `a7` its subject, `n7` its node, `r7` its rule; `c12` the alerts of a card, `c12 2` the second page.

    `x` nothing: it was cancelled; `old`: its alert is forgotten.
    """
    if (left := LEFT.get(arg)) is not None:
        return left
    if arg[:1] == "c":
        return _choice(ask, arg[1:])
    kind, number = (arg[0], arg[1:]) if arg[:1] in {*KINDS} else ("a", arg)
    alert = one(ask, number)
    if alert.number < 0:
        raise Stale(say("That is a test alert: there is nothing to silence. It is over by itself in a minute."))
    return Data(alert=alert, kind=kind, wide=wide(ask.asker.scope), now=ask.now)


def _choice(ask: Enquiry, arg: str) -> Data | Choice:
    id_, _, page = arg.partition(" ")
    card = watch(ask).card(int(id_)) if id_.isascii() and id_.isdecimal() and len(id_) < 16 else None
    if card is None or card.chat != ask.place.chat:
        raise NotFound(say("That card is not kept any more. /alerts lists what there is."))
    kept = [watch(ask).alert(number) for number in card.alerts]
    alerts = tuple(alert for alert in kept if alert is not None and alert.open and visible(alert, ask.asker.scope))
    if len(alerts) == 1:
        return Data(alert=alerts[0], kind="a", wide=wide(ask.asker.scope), now=ask.now)
    number = int(page) if page.isascii() and page.isdecimal() and len(page) < 5 else 1
    return Choice(alerts=alerts, card=card.id, number=number)


def draw(data: Data | Choice | Left, asker: Asker) -> Screen:
    back = Button(say("‹ Alerts"), Open("alerts"))
    if isinstance(data, Left):
        return Screen(text=data.said, rows=((back,),))
    if isinstance(data, Choice):
        if not data.alerts:
            return Screen(text=say("Nothing of this is open any more."), rows=((back,),))
        shown, number, pages = page_of(data.alerts, data.number)
        buttons = labelled(shown, "hush")
        turn = pager("hush", lambda page: f"c{data.card} {page}", number, pages)
        return Screen(text=say("Silence which?"), rows=(*pairs(buttons), *turn, (cancel(), back)))
    alert, kind = data.alert, data.kind
    node = alert.finding.subject.node
    choices: list[tuple[str, Said]] = [("a", raw(cut(alert.finding.subject.name or "it", 14)))]
    if node:
        choices.append(("n", say("{node} + guests", node=cut(node, 10))))
    if data.wide:
        choices.append(("r", say("this rule")))
    others: Row = tuple(Button(label, Open("hush", f"{key}{alert.number}")) for key, label in choices if key != kind)
    spans: Row = tuple(
        Button(label, Hush(f"{kind}{alert.number}", span))
        for label, span in ((say("1 h"), "1h"), (say("4 h"), "4h"), (say("24 h"), "24h"))
    )
    morning = Button(say("until 08:00"), Hush(f"{kind}{alert.number}", "8am"))
    text = lines(
        say("{emoji} {said}", emoji=emoji(alert), said=standing(alert, data.now)),
        say("That alert is over; a silence would be for the next.") if mended(alert) else None,
        say("🔇 Silence {what} for how long?", what=_what(alert, kind, node)),
    )
    return Screen(text=text, rows=(spans, (morning, cancel()), *((others,) if others else ())))


def _what(alert: Alert, kind: str, node: str) -> Said:
    subject = alert.finding.subject
    if kind == "n" and node:
        return say("{node} and all on it, its guests too,", node=bold(cut(node, 32)))
    if kind == "r" or subject.about is About.CLUSTER:
        return say("the rule {rule}, everywhere,", rule=bold(alert.finding.rule))
    if subject.about is About.NODE:
        return say("{node} itself, not its guests,", node=thing(subject))
    return thing(subject)


PAGE = Page(key="hush", help="", role=Role.OPERATOR, load=load, draw=draw, deed="silencing")
