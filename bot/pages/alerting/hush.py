"""The menu of Silence ▾: what of an alert, and for how long. Its buttons are taps that silence at once.

It outlives its alert: then it says so, and still silences, so that the next one is not told. What happened once is kept
in the history alone as soon as it was told: its buttons are those of /silence, which need no alert. `cancel()` is the
way out of every menu that silences.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.access import Asker, Role
from bot.errors import Stale
from bot.model import About, Alert
from bot.pages.alerting.alertwords import emoji, mended, standing, thing
from bot.pages.alerting.been import found, of_card
from bot.pages.alerting.cures import hushes, labelled
from bot.pages.alerting.watched import MORNING, watch, wide
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
    kept: bool  # as an alert: its buttons find it again
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
    """`a7` its subject, `n7` its node, `r7` its rule, `7` what of them is meant first; `c12` the alerts of a card,
    `c12 2` the second page.

    `x` nothing: it was cancelled; `old`: its alert is forgotten.
    """
    if (left := LEFT.get(arg)) is not None:
        return left
    if arg[:1] == "c":
        return await _choice(ask, arg[1:])
    kind, number = (arg[0], arg[1:]) if arg[:1] in {*KINDS} else ("", arg)
    alert = await found(ask, number)
    if alert.number < 0:
        raise Stale(say("That is a test alert: there is nothing to silence. It is over by itself in a minute."))
    return _of(ask, alert, kind)


def _of(ask: Enquiry, alert: Alert, kind: str = "") -> Data | Left:
    """What happened on a node is silenced by its rule, if nothing else is chosen: a mail that comes every half hour is
    no reason to hear nothing of the node itself."""
    rules = wide(ask.asker.scope)
    kept = not alert.finding.event and watch(ask).alert(alert.number) is not None
    data = Data(alert=alert, kind="a", wide=rules, kept=kept, now=ask.now)
    about, event = alert.finding.subject.owner.about, bool(alert.finding.event)
    narrow = kept or about in {About.GUEST, About.STORAGE} or (about is About.NODE and not event)
    first = "a" if narrow else "r"
    offered = [key for key, _ in _choices(data)]
    if not offered:
        return Left(said=say("Your scope here is too narrow for that."))
    return replace(data, kind=next((key for key in (kind, first, "r") if key in offered), offered[0]))


def _choices(data: Data) -> list[tuple[str, Said]]:
    """What of it can be silenced."""
    subject = data.alert.finding.subject
    choices: list[tuple[str, Said]] = []
    lasts = data.kept and not subject.parts  # the next one of several is another thing
    if lasts or subject.owner.about in {About.GUEST, About.NODE, About.STORAGE}:
        choices.append(("a", raw(cut(subject.name or "it", 14))))
    if subject.node:
        choices.append(("n", say("{node} + guests", node=cut(subject.node, 10))))
    if data.wide:
        choices.append(("r", say("this rule")))
    return choices


def _tap(data: Data, span: str) -> Hush | Open:
    subject = data.alert.finding.subject
    if data.kept:
        return Hush(f"{data.kind}{data.alert.number}", span)
    if data.kind == "n":
        return Open("maintenance", f"node {subject.cluster}/{subject.node} {span}")
    if data.kind == "r":
        return Open("silence", f"rule {data.alert.finding.rule} {span}")
    owner = subject.owner
    return Open("silence", f"{owner.about.value} {owner.cluster}/{owner.id} {span}")


async def _choice(ask: Enquiry, arg: str) -> Data | Choice | Left:
    id_, _, page = arg.partition(" ")
    card, shown = await of_card(ask, id_)
    alerts = tuple(alert for alert in shown if hushes(alert))
    if len(alerts) == 1:
        return _of(ask, alerts[0])
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
    others: Row = tuple(
        Button(label, Open("hush", f"{key}{alert.number}")) for key, label in _choices(data) if key != kind
    )
    lengths = ((say("1 h"), "1h"), (say("4 h"), "4h"), (say("24 h"), "24h"))
    spans: Row = tuple(Button(label, _tap(data, span)) for label, span in lengths)
    morning = Button(say("until 08:00"), _tap(data, MORNING))
    text = lines(
        say("{emoji} {said}", emoji=emoji(alert), said=standing(alert, data.now)),
        say("That alert is over; a silence would be for the next.")
        if mended(alert)
        else say("That has happened; a silence is for the next.")
        if alert.finding.event
        else None,
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
    return thing(subject.owner)


PAGE = Page(key="hush", help="", role=Role.OPERATOR, load=load, draw=draw, deed="silencing")
