"""/why: one alert explained: what was seen when, against which threshold, and why this chat was told or not."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from bot.access import Asker, Role
from bot.errors import NotFound
from bot.model import Alert, Phase
from bot.pages.alerting.alertwords import ends, head, mended, short, when
from bot.pages.alerting.known import Known, in_short, known
from bot.pages.alerting.known import draw as draw_known
from bot.pages.alerting.naming import ANY, Target, nearest, unknown
from bot.pages.alerting.watched import explained, names, one, seen, watch
from bot.pages.page import Enquiry, Page
from bot.pages.parts import name_button, pairs
from bot.ports import Explanation
from bot.screen import Button, Open, Screen
from bot.text import Moment, Said, fold, lasting, lines, say

MOST = 8
"""Alerts to choose from."""
DETAILS = 4
"""Lines of its card."""
STEPS = 20
"""Of a timeline: the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    alerts: tuple[Alert, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Nothing is called `text`: these nearly are."""

    text: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    why: Explanation
    above: Alert | None = None  # that it goes down with
    clusters: Mapping[str, str]
    now: datetime


async def load(ask: Enquiry, arg: str) -> Data | Choice | Known | Near:
    """`arg` is a number, or what the alert is about. Raises: NotFound."""
    text = arg.strip()
    standing, quiet = seen(ask), explained(ask)
    found = [*standing, *quiet]
    if not (text.isascii() and text.isdecimal()) or not any(str(alert.number) == text for alert in found):
        named = [alert for alert in found if _is(alert, fold(text))]
        keys = {alert.key for alert in named}
        named = [alert for alert in named if alert.parent not in keys]  # what hangs on another of them, that explains
        if len(named) == 1:
            text = str(named[0].number)
        elif named or not text:
            return Choice(alerts=tuple(named or standing), text=text)
        elif not (text.isascii() and text.isdecimal()):
            return await _known(ask, text)
    try:
        alert = one(ask, text)
    except NotFound:
        with suppress(NotFound):  # perhaps it was a guest's id
            return await known(ask, text)
        raise
    why = watch(ask).why(alert.number, ask.place.chat)
    if why is None:
        raise NotFound(say("There is no alert {number} (any more). /history lists what was.", number=text[:16]))
    above = next((one for one in standing if alert.parent and one.key == alert.parent), None)
    return Data(why=why, above=above, clusters=names(ask), now=ask.now)


async def _known(ask: Enquiry, text: str) -> Known | Near:
    """Raises: NotFound where nothing is even nearly called so."""
    try:
        return await known(ask, text)
    except NotFound:
        if not (near := await nearest(ask, text, [kind for kind in ANY if kind != "tag"])):
            raise
        return Near(text=text, targets=tuple(near))


def _is(alert: Alert, wanted: str) -> bool:
    subject = alert.finding.subject
    return bool(wanted) and wanted in {fold(subject.name), fold(subject.id), fold(alert.finding.rule)}


def draw(data: Data | Choice | Known | Near, asker: Asker) -> Screen:
    if isinstance(data, Known):
        return draw_known(data)
    back = Button(say("‹ Alerts"), Open("alerts"))
    if isinstance(data, Near):
        buttons = [name_button(f"{one.about} {one.name}", "why", one.word) for one in data.targets]
        return Screen(text=unknown(data.text), rows=(*pairs(buttons), (back,)))
    if isinstance(data, Choice):
        shown = data.alerts[:MOST]
        buttons = [_button(alert) for alert in shown]
        text = say("Which one?") if shown else say("There is no alert to explain.")
        more = len(data.alerts) - len(shown)
        rest = say("and {n} more: /why and its name", n=more) if more else None
        listed = [say("{n} · {said}", n=alert.number, said=short(alert.finding.said)) for alert in shown]
        return Screen(text=lines(text, *listed, rest), rows=(*pairs(buttons), (back,)))
    why, alert = data.why, data.why.alert
    steps: list[Said] = [
        say("{when} {said}", when=_at(at, data.now), said=short(said)) for at, said in list(why.steps)[-STEPS:]
    ]
    explained = lines(
        head(alert, data.clusters),
        why.told,
        say("It is told with this: {said}", said=head(data.above, data.clusters)) if data.above is not None else None,
        *_shown(alert, why),
        why.because,
        _so_far(alert, data.now),
        *steps,
        say("Rule {rule}: {help}", rule=alert.finding.rule, help=in_short(why.rule_help)),
    )
    above = (Button(say("That alert"), Open("alert", str(data.above.number))),) if data.above is not None else ()
    return Screen(text=explained, rows=((Button(say("‹ Alert"), Open("alert", str(alert.number))), *above, back),))


def _shown(alert: Alert, why: Explanation) -> list[Said]:
    """What its card says below its headline: by whom it was ordered, when it will sound."""
    said = {why.because, alert.finding.last}
    return [] if mended(alert) else [short(one) for one in alert.finding.details[:DETAILS] if one not in said]


def _at(at: datetime, now: datetime) -> Moment:
    return ends(at, now) if at > now else when(at, now)


def _so_far(alert: Alert, now: datetime) -> Said | None:
    """Of what lasts; counted now, while what its rule says may be some minutes old."""
    if alert.phase is Phase.OVER or alert.finding.event or (alert.fired is None and alert.finding.since is None):
        return None
    seconds = (now - alert.began).total_seconds()
    return say("It has lasted {span} so far.", span=lasting(seconds)) if seconds >= 1 else None


def _button(alert: Alert) -> Button:
    subject = alert.finding.subject
    return name_button(f"{alert.number} {subject.name or subject.id or subject.cluster}", "why", str(alert.number))


PAGE = Page(
    key="why",
    help="Why I told of something, or did not: /why web",
    role=Role.VIEWER,
    command=True,
    load=load,
    draw=draw,
)
