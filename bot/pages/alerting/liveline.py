"""The pinned live line: its first line is all that the bar above a chat shows. Pure.

🔴 homelab 14:02 · 2 alerts: pve2 is offline  numbers and colour as /alerts has them; when it was last seen
⚠️ ct-mail stopped by itself · acked by Ana
🔕 1 silenced                                 does not count
Told here: tag infra                          where the chat is not told everything: that alone counts
seen 3 minutes ago, renewed every 5 min       counted by the reader's phone: it goes on counting when the bot is dead
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.model import Alert
from bot.pages.alerting.alertcard import one_line
from bot.pages.alerting.alertwords import dotted, headline, short, when, worst_first
from bot.pages.alerting.cures import every
from bot.pages.alerting.tallied import Group, Tally, group, tally
from bot.ports import Pulse
from bot.screen import Button, Open, Screen
from bot.text import Moment, Said, Value, ago, bold, cut, lines, say, say_n, span

SHOWN = 5
"""Alerts named in the live line."""
LATE = 3
"""Polls without an answer after which the live line says so."""
EVEN = (60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)  # s
"""Ages of failing polls that the live line says, so that it is edited a few times in a long outage."""


def last_seen(pulse: Iterable[Pulse]) -> datetime | None:
    """When the data was last seen, of the clusters that are polled as they should be the oldest; None where none is."""
    return min((one.polled for one in pulse if not _late(one) and one.polled is not None), default=None)


def live_line(
    alerts: Iterable[Alert],
    pulse: Sequence[Pulse],
    *,
    clusters: Mapping[str, str],
    now: datetime,
    seen: datetime | None,
    renewed: float,
    told: Said | None = None,
) -> Screen:
    """The pinned message. `alerts`: the open ones that are told here. `seen`: the time that it names, `last_seen`'s;
    with None it names none, which shows whether it says anything else than before. `renewed`: seconds after which
    `seen` is brought up to date where nothing else changes. `told`: what the chat is told alone, where it is narrowed.
    """
    found = [alert for alert in alerts if alert.open and not alert.parent]
    counts = tally(found)
    shown = sorted(worst_first(alert for alert in found if group(alert) <= Group.ACKED), key=group)
    late = [one for one in pulse if _late(one)]
    at = seen or min((one.polled for one in late if one.polled is not None), default=None)
    named = dotted([cut(one.name, 20) for one in pulse]) if pulse else say("nothing is watched")
    names = say("{names} {at}", names=named, at=when(at, now)) if at is not None else named
    first = _first(names, counts, shown, known=bool(pulse) and not late, narrowed=told is not None)
    rest = [one_line(alert, clusters, now) for alert in shown[1:SHOWN]]
    left = len(shown) - 1 - len(rest)
    text = lines(
        first,
        *rest,
        say("and {n} more", n=left) if left > 0 else None,
        say("🔕 {n} silenced", n=counts.silenced) if counts.silenced else None,
        say("Told here: {what}", what=told) if told is not None else None,
        *map(_stale, late),
        _polled(pulse, seen, late=bool(late), renewed=renewed),
    )
    return Screen(text=text, rows=((every(), Button(say("Status"), Open("status"))),))


def _first(names: Said, counts: Tally, shown: Sequence[Alert], *, known: bool, narrowed: bool) -> Said:
    """`known`: everything is seen as it should be. `narrowed`: what is told here counts, not everything."""
    values: dict[str, Value] = {"names": names, "emoji": counts.emoji}
    if shown:
        values["said"] = short(headline(shown[0]))
        if not counts.new:
            return say("{emoji} {names} · {n} acknowledged: {said}", n=counts.acked, **values)
        one, many = "{emoji} {names} · {n} alert: {said}", "{emoji} {names} · {n} alerts: {said}"
        if narrowed:
            one, many = "{emoji} {names} · {n} alert told here: {said}", "{emoji} {names} · {n} told here: {said}"
        return say_n(counts.new, one=one, many=many, **values)
    if not known:
        return say("⚪ {names} · not known", names=names)
    if counts.silenced:
        return say("{emoji} {names} · nothing else wrong", **values)
    return (
        say("{emoji} {names} · nothing told here", **values)
        if narrowed
        else say("{emoji} {names} · all well", **values)
    )


def _polled(pulse: Sequence[Pulse], seen: datetime | None, *, late: bool, renewed: float) -> Said | None:
    """How old the data is, and how old it should be at most."""
    if late:
        return say("the others: seen {ago}", ago=ago(seen)) if seen is not None else None
    if not pulse:
        return None
    if seen is None:
        return say("renewed every {renewed}", renewed=span(renewed))
    return say("seen {ago}, renewed every {renewed}", ago=ago(seen), renewed=span(renewed))


def _late(pulse: Pulse) -> bool:
    return pulse.age is None or pulse.age > LATE * pulse.poll


def _stale(pulse: Pulse) -> Said:
    name = bold(cut(pulse.name, 20))
    if pulse.polled is None or pulse.age is None:
        return say("⚠️ {name} has not been seen since the start", name=name)
    step = max((even for even in EVEN if even <= pulse.age), default=0)
    values: dict[str, Value] = {"name": name, "when": Moment(pulse.polled, "%d %b %H:%M")}  # the day: it may stay
    if not step:
        return say("⚠️ {name}: last seen {when}", **values)
    return say("⚠️ {name}: last seen {when}, over {span} ago", span=span(step), **values)
