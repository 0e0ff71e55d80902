"""Alerts as they stand in a chat: their card, and the short replies beside it. All pure.

🔴 ct-mail stopped by itself                the headline; over: 🟢, and for how long it lasted
nobody ordered it in Proxmox                details, and what goes down with it
fired 14:02 · acked by Ana 14:05            the timeline
[▶️ Start](s) [Ack] [Silence ▾] [Open]      cures first; once it is over [Open] alone

Nothing here says an age that grows by itself: a card is edited when something happened, not because time went by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.access import Role
from bot.model import Alert, Card, CardHead, NewsKind, Phase
from bot.pages.alerting.alertwords import (
    dotted,
    emoji,
    ended,
    ends,
    head,
    mended,
    named,
    place,
    standing,
    stays,
    timeline,
    with_it,
    worse,
    worst,
    worst_first,
    wrong,
)
from bot.pages.alerting.cures import cures, every, hushes, reminds, rows
from bot.pages.parts import pairs
from bot.screen import Ack, Ask, Button, Open, Row, Screen
from bot.text import MESSAGE_LIMIT, Reader, Said, Value, bold, lasting, lines, plain, raw, say, say_n, span

ROOM = MESSAGE_LIMIT - 400
"""Characters of lines on a card with many: its head, its last line and what a longer name would add are kept free."""
CURES = 6  # on a card with many, two a row


def draw(
    card: Card,
    alerts: Sequence[Alert],
    *,
    role: Role | None,
    acts: bool,
    clusters: Mapping[str, str],
    now: datetime,
) -> Screen:
    """The card of `alerts`: those of `card.alerts` are shown, what they inhibit among the others is listed with them.

    `role` is the most that anybody in the chat could press, `acts` whether anything can be done at all; `clusters`
    are names by key, all that are watched.
    """
    numbers = frozenset(card.alerts)
    shown = [alert for alert in alerts if alert.number in numbers] or list(alerts)
    under = [alert for alert in alerts if alert.parent]
    if not shown:
        return Screen(text=say("This alert is over, and no longer kept."), rows=((every(),),))
    if card.head is CardHead.FLAPPING:
        shown = [_named(alert, now) for alert in shown]
    if card.head is CardHead.FLAPPING and len(shown) == 1:
        return _flapping(shown[0], role=role, clusters=clusters, now=now)
    if len(shown) == 1 and (
        card.head is not CardHead.START or shown[0].finding.event
    ):  # an event is no problem that is open
        return _single(shown[0], under, role=role, acts=acts, clusters=clusters, now=now)
    return _many(card, shown, under, role=role, acts=acts, clusters=clusters, now=now)


def _single(
    alert: Alert, under: Sequence[Alert], *, role: Role | None, acts: bool, clusters: Mapping[str, str], now: datetime
) -> Screen:
    over = mended(alert)
    text = lines(
        head(alert, clusters),
        place(alert.finding.subject),
        *(
            (say("it was: {said}", said=alert.headline or alert.finding.said),)
            if over and alert.finding.over is not None
            else ()
        ),
        *(() if over else (*alert.finding.details, *with_it(alert, under, detailed=True))),
        timeline(alert, now),
    )
    return Screen(text=text, rows=rows(alert, role=role, acts=acts))


# -- many in one message ---------------------------------------------------------------------------------------------


def _many(
    card: Card,
    shown: Sequence[Alert],
    under: Sequence[Alert],
    *,
    role: Role | None,
    acts: bool,
    clusters: Mapping[str, str],
    now: datetime,
) -> Screen:
    alerts = worst_first(shown)
    told: list[Said] = []
    room = ROOM
    for alert in alerts:
        line = lines(one_line(alert, clusters, now), *(() if mended(alert) else with_it(alert, under)))
        room -= len(plain(line, Reader())) + 1
        if room < 0:
            break
        told.append(line)
    left = len(alerts) - len(told)
    text = lines(_title(card, alerts, clusters), *told, say("and {n} more", n=left) if left else None)
    left_open = [alert for alert in alerts if not mended(alert)]
    buttons = [
        button
        for alert in left_open
        for button in cures(alert, role=role, acts=acts, name=alert.finding.subject.name or alert.finding.subject.id)
        if isinstance(button.tap, Ask)
    ][:CURES]
    return Screen(text=text, rows=(*pairs(buttons), *_of_many(card, left_open, role)))


def reads(alert: Alert) -> bool:
    """Is there more to read of it than its line, and no page that says how it stands?"""
    return bool(alert.finding.event and alert.finding.details) and not mended(alert)


def one_line(alert: Alert, clusters: Mapping[str, str], now: datetime) -> Said:
    values: dict[str, Value] = {"emoji": emoji(alert), "said": standing(alert, now)}
    if len(clusters) > 1:
        cluster = alert.finding.subject.cluster
        return say("{emoji} {cluster} · {said}", cluster=raw(clusters.get(cluster, cluster)), **values)
    return say("{emoji} {said}", **values)


def _title(card: Card, alerts: Sequence[Alert], clusters: Mapping[str, str]) -> Said:
    """Where, how many, how bad: a lock screen shows just this line."""
    values: dict[str, Value] = {
        "emoji": "🔁" if card.head is CardHead.FLAPPING else worst(alerts),
        "count": bold(_counted(card, alerts)),
    }
    if len(clusters) < 2:
        return say("{emoji} {count}", **values)
    keys = dict.fromkeys(alert.finding.subject.cluster for alert in alerts)
    return say("{emoji} {names} · {count}", names=named([clusters.get(key, key) for key in keys]), **values)


def _wrong(alert: Alert) -> bool:
    """Is it open, and trouble? That the bot has started is neither."""
    return not mended(alert) and not (alert.finding.rule == "bot" and bool(alert.finding.event))


def _counted(card: Card, alerts: Sequence[Alert]) -> Said:
    n, left = len(alerts), sum(1 for alert in wrong(alerts) if _wrong(alert))
    if card.head is CardHead.FLAPPING:
        return say("{n} alerts come and go: quiet for a while", n=n)
    over = sum(1 for alert in alerts if mended(alert))
    if not left and not over:
        return say_n(n, one="{n} event", many="{n} events")  # it happened: there is nothing that could be over
    if (over or card.head is CardHead.START) and any(stays(alert) for alert in alerts):
        return _apart(alerts, over)
    if card.head is CardHead.START:
        if not left:
            return say_n(
                n,
                one="the problem from before the bot started is over",
                many="all {n} from before the bot started are over",
            )
        return say_n(
            left,
            one="{n} problem open since before the bot started",
            many="{n} problems open since before the bot started",
        )
    if not left:
        return say("all {n} are over", n=n)
    if card.head is CardHead.AGAIN and left == n:
        return say("{n} alerts still open, or worse", n=n)
    return say_n(n, one="{n} alert", many="{n} alerts") if left == n else say("{m} of {n} alerts open", m=left, n=n)


def _apart(alerts: Sequence[Alert], over: int) -> Said:
    """`3 events · 2 alerts over`, `1 open · 3 events · 2 over`: what happened is not over because something else is."""
    left = sum(1 for alert in alerts if not mended(alert) and alert.phase is not Phase.OVER)
    events = say_n(len(alerts) - over - left, one="{n} event", many="{n} events")
    if left:
        return dotted([say("{n} open", n=left), events, *([say("{n} over", n=over)] if over else [])])
    return dotted([events, say_n(over, one="{n} alert over", many="{n} alerts over")])


def _of_many(card: Card, wrong: Sequence[Alert], role: Role | None) -> tuple[Row, ...]:
    if role is None:
        return ()
    row: list[Button] = []
    if role >= Role.OPERATOR:
        if any(reminds(alert) for alert in wrong):
            row.append(Button(say("Ack all"), Ack(f"c{card.id}")))
        if any(hushes(alert) for alert in wrong):
            row.append(Button(say("Silence ▾"), Open("hush", f"c{card.id}")))
    more = Button(say("Details ▾"), Open("alert", f"c{card.id}"))
    if not any(reads(alert) for alert in wrong):
        return ((*row, every()),)
    return pairs([*row, more, every()], 3 if len(row) < 2 else 2)


def _named(alert: Alert, now: datetime) -> Alert:
    """While it comes and goes it is called by the trouble that it was told with, however it stands; what would mend
    that now, is of no use in a moment."""
    if alert.headline is None or alert.flapping is None or alert.flapping <= now or mended(alert):
        return alert
    return replace(alert, finding=replace(alert.finding, said=alert.headline, cures=()))


def _flapping(alert: Alert, *, role: Role | None, clusters: Mapping[str, str], now: datetime) -> Screen:
    """One message for what comes and goes; then quiet, then how it stands.

    While it is quiet nothing in it moves, with each coming and going or with the time: the day stands by the hour where
    it is another than that on which it was told.
    """
    n = len(alert.changes)
    first = min(alert.changes, default=alert.fired or alert.found)
    within = (max(alert.changes, default=first) - first).total_seconds()
    quiet = alert.flapping is not None and alert.flapping > now
    changed = say_n(n, one="changed {n} time", many="changed {n} times in {span}", span=span(max(60, within)))
    if quiet and max(alert.changes, default=first) > (alert.fired or first):
        changed = say("it comes and goes")  # a count would grow
    text = lines(
        head(alert, clusters, "🔁") if quiet or not mended(alert) else head(alert, clusters),
        changed if n else None,
        say("Quiet until {when}, then I say how it stands.", when=ends(alert.flapping, alert.fired or first))
        if quiet and alert.flapping is not None
        else None,
        timeline(alert, now),
    )
    return Screen(text=text, rows=rows(alert, role=role, acts=False))


# -- short replies ---------------------------------------------------------------------------------------------------


def news(alert: Alert, kind: NewsKind, *, clusters: Mapping[str, str], now: datetime) -> Said:
    """What is said beside the card, once: a reminder, an escalation, a recovery."""
    match kind:
        case NewsKind.REMINDED:
            passed = max(0.0, (now - alert.began).total_seconds())
            return say("{head} · still, for {span}", head=head(alert, clusters), span=lasting(passed))
        case NewsKind.ESCALATED:
            return lines(worse(alert, clusters, now), *alert.finding.details[:1])
        case NewsKind.STEADY:
            return say("{head} · and stays so now", head=head(alert, clusters))
        case NewsKind.FLAPPING:
            return say("{head} · comes and goes", head=head(alert, clusters, "🔁"))
        case NewsKind.RESOLVED | NewsKind.BACK if mended(alert):
            return ended(alert, clusters)
        case NewsKind.FIRED | NewsKind.RESOLVED | NewsKind.CHANGED | NewsKind.BACK:
            return head(alert, clusters)
