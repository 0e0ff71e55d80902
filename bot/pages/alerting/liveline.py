"""The pinned live line: its first line is all that the bar above a chat shows. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.model import Alert
from bot.pages.alerting.alertcard import one_line
from bot.pages.alerting.alertwords import dotted, headline, short, when, worst, worst_first
from bot.pages.alerting.cures import every
from bot.ports import Pulse
from bot.screen import Button, Open, Screen
from bot.text import Said, Value, bold, cut, lines, say, say_n, span

SHOWN = 5
"""Alerts named in the live line."""
LATE = 3
"""Polls without an answer after which the live line says so."""
EVEN = (60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)  # s
"""Ages that the live line says, so that it is edited a few times in a long outage."""


def live_line(alerts: Iterable[Alert], pulse: Sequence[Pulse], *, clusters: Mapping[str, str], now: datetime) -> Screen:
    """The pinned message: its first line is all that the bar above the chat shows. `alerts`: the open ones told here.

    It is edited when an alert comes or goes, and when the polls fail: of those the age is said, in few steps.
    """
    found = worst_first(alert for alert in alerts if alert.open and not alert.parent)
    late = [one for one in pulse if one.age is None or one.age > LATE * one.poll]
    names = dotted([cut(one.name, 20) for one in pulse]) if pulse else say("nothing is watched")
    values: dict[str, Value] = {"names": names, "n": len(found)}
    if found:
        mark = worst(found)
        one, many = "{emoji} {names} · {n} alert: {said}", "{emoji} {names} · {n} alerts: {said}"
        first = say_n(len(found), one=one, many=many, emoji=mark, names=names, said=short(headline(found[0])))
    elif late or not pulse:
        first = say("⚪ {names} · not known", **values)
    else:
        first = say("🟢 {names} · all well", **values)
    rest = [one_line(alert, clusters, now) for alert in found[1:SHOWN]]
    left = len(found) - 1 - len(rest)
    text = lines(
        first,
        *rest,
        say("and {n} more", n=left) if left > 0 else None,
        *(_late(one, now) for one in late),
        *(say("polled every {span}", span=span(one.poll)) for one in pulse[:1] if not late),
    )
    return Screen(text=text, rows=((every(), Button(say("Status"), Open("status"))),))


def _late(pulse: Pulse, now: datetime) -> Said:
    name = bold(cut(pulse.name, 20))
    if pulse.polled is None or pulse.age is None:
        return say("⚠️ {name} has not been seen since the start", name=name)
    step = max((even for even in EVEN if even <= pulse.age), default=0)
    values: dict[str, Value] = {"name": name, "when": when(pulse.polled, now)}
    if not step:
        return say("⚠️ {name}: last seen {when}", **values)
    return say("⚠️ {name}: last seen {when}, over {span} ago", span=span(step), **values)
