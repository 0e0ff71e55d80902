"""What a digest says: of a night that was quiet, or of a day. Pure.

🌙 Night 22:00-08:00: 1 critical (told) · 1 warning over · 1 still open
⚠️ nas 91 % full · 23:32                        what is not over first, the worst of it first
🟢 02:10 ct-mail runs again · after 7 min       what is over last, folded where it is much
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.model import Alert, Phase, Severity
from bot.pages.alerting.alertcard import ROOM, one_line
from bot.pages.alerting.alertwords import dotted, emoji, mended, standing, when, worst_first
from bot.text import Moment, Reader, Said, Value, bold, folded, lines, plain, raw, say, say_n

HANDFUL = 5
"""Lines of what is over that a digest shows unfolded."""


def digest(
    alerts: Iterable[Alert], *, begin: datetime, end: datetime, night: bool, clusters: Mapping[str, str], now: datetime
) -> Said:
    """`🌙 Night 22:00-08:00: 1 critical (told) · 3 warnings over · 1 still open`, and a line each, worst first; those
    that are over last, folded where they are many.

    `night`: what the quiet hours kept; else the daily one. `alerts` may be none: then it says so.
    """
    found = worst_first(alert for alert in alerts if alert.phase is not Phase.PENDING)
    wrong: list[Said] = []
    over: list[Said] = []
    room = ROOM
    for alert in found:
        line = _over_line(alert, clusters, now) if mended(alert) else one_line(alert, clusters, now)
        room -= len(plain(line, Reader())) + 1
        if room < 0:
            break
        (over if mended(alert) else wrong).append(line)
    left = len(found) - len(wrong) - len(over)
    return lines(
        bold(_summed(found, begin=begin, end=end, night=night)),
        *wrong,
        *([folded(lines(*over))] if len(over) > HANDFUL else over),
        say("and {n} more", n=left) if left else None,
    )


def _over_line(alert: Alert, clusters: Mapping[str, str], now: datetime) -> Said:
    """`🟢 02:10 ct-mail runs again · after 7 min`: nobody may have heard of it before."""
    began = when(alert.began, now)
    values: dict[str, Value] = {"emoji": emoji(alert), "when": began, "said": standing(alert, now)}
    if len(clusters) > 1:
        cluster = alert.finding.subject.cluster
        return say("{emoji} {when} {cluster} · {said}", cluster=raw(clusters.get(cluster, cluster)), **values)
    return say("{emoji} {when} {said}", **values)


def _summed(alerts: Sequence[Alert], *, begin: datetime, end: datetime, night: bool) -> Said:
    loud = [alert for alert in alerts if alert.severity is Severity.CRITICAL and alert.told]
    over = [alert for alert in alerts if mended(alert) and alert not in loud]
    wrong = [alert for alert in alerts if not mended(alert)]
    still = [alert for alert in wrong if alert.open]
    happened = len(wrong) - len(still)
    parts: list[Value] = []
    if loud:
        parts.append(say("{n} critical (told)", n=len(loud)))
    if over and all(alert.severity is Severity.WARNING for alert in over):
        parts.append(say_n(len(over), one="{n} warning over", many="{n} warnings over"))
    elif over:
        parts.append(say("{n} over", n=len(over)))
    if still:
        parts.append(say("{n} still open", n=len(still)))
    if happened:
        parts.append(say_n(happened, one="{n} event", many="{n} events"))
    said = dotted(parts) if parts else say("nothing to tell")
    values: dict[str, Value] = {"begin": Moment(begin, "%H:%M"), "end": Moment(end, "%H:%M"), "said": said}
    if night:
        return say("🌙 Night {begin}-{end}: {said}", **values)
    return say("📋 Since {begin}: {said}", **{**values, "begin": when(begin, end)})
