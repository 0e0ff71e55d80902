"""/alerts: what is wrong as the watch has it, worst first, and what it cannot see; `alert` is one of them; `again` has
all read again that is read at its own pace, for somebody who has just mended something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.access import Asker, Role
from bot.model import Alert, Blind, Phase
from bot.pages.alerting.alertcard import reads
from bot.pages.alerting.alertwords import (
    dotted,
    emoji,
    head,
    headline,
    place,
    short,
    standing,
    timeline,
    with_it,
    worst_first,
)
from bot.pages.alerting.been import found, of_card
from bot.pages.alerting.cures import labelled, rows
from bot.pages.alerting.tallied import group, tally
from bot.pages.alerting.watched import acts, names, seen, watch, wide
from bot.pages.page import Enquiry, Page
from bot.pages.parts import STALE, page_of, pager, pairs, refresh
from bot.ports import Pulse
from bot.pveum import joined, to_mend
from bot.screen import Button, Copy, Open, Row, Screen
from bot.text import EMPTY, Said, Value, bold, lines, say, say_n, span

BLIND = 5
"""Rules that cannot see are said so far; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    shown: tuple[Alert, ...]  # in the order of the list: open, acknowledged, silenced, pending
    under: int  # inhibited: listed with what they hang on
    fires: Mapping[int, float | None]  # s until a pending one is told
    blind: tuple[Blind, ...]
    pulse: tuple[Pulse, ...]
    clusters: Mapping[str, str]
    number: int  # page
    now: datetime


async def load(ask: Enquiry, arg: str) -> Data:
    found = seen(ask)
    shown = sorted((alert for alert in found if not alert.parent), key=group)  # stable: worst first within each
    scope = ask.asker.scope
    return Data(
        shown=tuple(shown),
        under=sum(1 for alert in found if alert.parent),
        fires={alert.number: watch(ask).fires_in(alert.number) for alert in shown if alert.phase is Phase.PENDING},
        blind=tuple(watch(ask).blind()) if wide(scope) else (),
        pulse=tuple(each for each in watch(ask).pulse() if not scope.clusters or each.cluster in scope.clusters),
        clusters=names(ask),
        number=int(arg) if arg.isascii() and arg.isdecimal() and len(arg) < 5 else 1,
        now=ask.now,
    )


def draw(data: Data, asker: Asker) -> Screen:
    shown, number, pages = page_of(data.shown, data.number)
    buttons = labelled(shown, "alert")
    mends, commands = _blind(data.blind)
    return Screen(
        text=lines(
            _title(data),
            *(_line(alert, data) for alert in shown),
            say_n(data.under, one="{n} more hangs on these", many="{n} more hang on these") if data.under else None,
            EMPTY,
            *(_age(pulse, len(data.pulse) > 1) for pulse in data.pulse),
            *mends,
        ),
        rows=(
            *pairs(buttons),
            *pager("alerts", str, number, pages),
            *commands,
            (Button(say("History"), Open("history")), Button(say("Silences"), Open("silences"))),
            *([(Button(say("Read all again"), Open("again")),)] if asker.role >= Role.OPERATOR else []),
            (Button(say("‹ Status"), Open("status")), refresh("alerts", str(number) if number > 1 else "")),
        ),
    )


def _title(data: Data) -> Said:
    if not data.shown and not data.under:
        if not data.pulse or any(late(pulse) for pulse in data.pulse):
            return say("⚪ No alert in what could be read.")
        return say("🟢 No alert.")
    counts = tally(data.shown)
    return say("{emoji} {parts}", emoji=counts.emoji, parts=bold(counts.said))


def _line(alert: Alert, data: Data) -> Said:
    said = standing(alert, data.now) if alert.phase is not Phase.PENDING else _pending(alert, data)
    if len(data.clusters) > 1:
        cluster = alert.finding.subject.cluster
        return say(
            "{emoji} {cluster} · {said}", emoji=emoji(alert), cluster=data.clusters.get(cluster, cluster), said=said
        )
    return say("{emoji} {said}", emoji=emoji(alert), said=said)


def _pending(alert: Alert, data: Data) -> Said:
    said = short(headline(alert))
    if alert.finding.last is not None:
        return say("{said} · not told: {why}", said=said, why=short(alert.finding.last))
    left = data.fires.get(alert.number)
    return dotted([said, say("pending") if left is None else _fires(left)])


def _fires(left: float) -> Said:
    """What is ripe and not told yet waits for a look at the cluster, or for what comes with the next poll."""
    return say("fires in {span}", span=span(left)) if left >= 1 else say("fires at one of the next polls")


def late(pulse: Pulse) -> bool:
    return pulse.age is None or pulse.age > max(STALE, 3 * pulse.poll)


def _age(pulse: Pulse, several: bool) -> Said:
    if pulse.age is None:
        return say("⚠️ {name} has not been seen since the start", name=pulse.name)
    values: dict[str, Value] = {"name": pulse.name, "span": span(pulse.age)}
    if late(pulse):
        return say("⚠️ {name}: last seen {span} ago", **values)
    return say("{name}: seen {span} ago", **values) if several else say("seen {span} ago", **values)


def _blind(blind: Sequence[Blind]) -> tuple[list[Said], tuple[Row, ...]]:
    """What is not known and how to mend it, each command once; and the buttons that copy them."""
    said: list[Said] = []
    commands: dict[tuple[str, ...], None] = {}
    for index, unseeing in enumerate(blind[:BLIND]):
        said.append(say("⚠️ {said}", said=short(unseeing.said)))
        after = blind[index + 1].mend if index + 1 < min(len(blind), BLIND) else ()
        if unseeing.mend and unseeing.mend != after:
            said.append(to_mend(unseeing.mend))
            commands[unseeing.mend] = None
    if len(blind) > BLIND:
        said.append(say("⚠️ {n} more rules cannot see", n=len(blind) - BLIND))
    copies = [joined(command) for command in commands if 0 < len(joined(command)) <= 256]
    return said, tuple((Button(say("Copy the command"), Copy(command)),) for command in copies[:2])


# -- one -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    alert: Alert
    kept: bool  # else it is as the history has it
    under: tuple[Alert, ...]
    fires: float | None
    acts: bool
    clusters: Mapping[str, str]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    alerts: tuple[Alert, ...]
    card: int
    number: int  # page


async def load_one(ask: Enquiry, arg: str) -> One | Choice:
    """`7` one; `c12` what happened on that card, to choose from, `c12 2` the second page."""
    if arg[:1] != "c":
        return _one(ask, await found(ask, arg))
    id_, _, page = arg[1:].partition(" ")
    card, shown = await of_card(ask, id_)
    alerts = tuple(worst_first(alert for alert in shown if reads(alert)))
    if len(alerts) == 1:
        return _one(ask, alerts[0])
    number = int(page) if page.isascii() and page.isdecimal() and len(page) < 5 else 1
    return Choice(alerts=alerts, card=card.id, number=number)


def _one(ask: Enquiry, alert: Alert) -> One:
    return One(
        alert=alert,
        kept=watch(ask).alert(alert.number) is not None,
        under=tuple(each for each in seen(ask) if each.parent == alert.key),
        fires=watch(ask).fires_in(alert.number),
        acts=acts(ask, alert.finding.subject.cluster),
        clusters=names(ask),
        now=ask.now,
    )


def draw_one(data: One | Choice, asker: Asker) -> Screen:
    back = Button(say("‹ Alerts"), Open("alerts"))
    if isinstance(data, Choice):
        shown, page, pages = page_of(data.alerts, data.number)
        turn = pager("alert", lambda to: f"c{data.card} {to}", page, pages)
        said = say("Details of which?") if shown else say("Nothing more is kept of this. /history has its lines.")
        return Screen(text=said, rows=(*pairs(labelled(shown, "alert")), *turn, (back,)))
    alert, last = data.alert, data.alert.finding.last
    text = lines(
        head(alert, data.clusters),
        place(alert.finding.subject),
        *(one for one in alert.finding.details if one != last),
        *with_it(alert, data.under, detailed=True),
        timeline(alert, data.now),
        _fires(data.fires) if data.fires is not None else None,
        say("not told: {why}" if alert.fired is None else "nobody is reminded: {why}", why=last)
        if last is not None
        else None,
    )
    number = str(alert.number)
    more: Row = (Button(say("Why"), Open("why", number)),) if alert.number > 0 and data.kept else ()  # no test
    buttons = [row for row in rows(alert, role=asker.role, acts=data.acts, more=more) if row]
    buttons = [tuple(button for button in row if button.tap != Open("alert", number)) for row in buttons]
    return Screen(
        text=text,
        rows=(*(row for row in buttons if row), (back, refresh("alert", number))),
    )


# -- again -----------------------------------------------------------------------------------------------------------


async def load_again(ask: Enquiry, arg: str) -> bool:
    """Is it read now? Not where it just was."""
    ask.fresh()
    return watch(ask).look_again(ask.asker)


def draw_again(begun: bool, asker: Asker) -> Screen:
    now = say("Everything is read again now: disks, pools, backups, certificates and the rest.")
    soon = say("What was mended is over within a minute or two, some of it only once it has stayed so for a while.")
    just = say("All of it was read again less than half a minute ago.")
    return Screen(text=lines(now, soon) if begun else just, rows=((Button(say("‹ Alerts"), Open("alerts")),),))


PAGE = Page(key="alerts", help="What is wrong now", role=Role.VIEWER, command=True, load=load, draw=draw)
ONE = Page(key="alert", help="", role=Role.VIEWER, load=load_one, draw=draw_one)
AGAIN = Page(
    key="again", help="", role=Role.OPERATOR, load=load_again, draw=draw_again, changes=True, deed="reading all again"
)
