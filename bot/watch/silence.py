"""Silences: what they match, and what of the news is left to tell. Pure.

An alert that is silenced, or inhibited, lives on; what was withheld of it is told once nothing withholds it any more,
if it still stands. Whether it was ever put into words says `Alert.reminded`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from bot.model import About, Alert, News, NewsKind, Phase, Silence, Subject


def concerns(silence: Silence, subject: Subject, rule: str) -> bool:
    """about  guest: it and what is its own: its jobs, tasks, backups · tag: the same of guests that bear it ·
    storage, other: that one · node: it and what is on it, but nothing of guests, under maintenance that too · rule ·
    cluster · all. What is of several, as one thing: `covering` asks of each of them."""
    if silence.cluster and silence.cluster != subject.cluster:
        return False
    match silence.about:
        case "all":
            return True
        case "cluster":
            return silence.value in {"", subject.cluster}
        case "rule":
            return silence.value == rule
        case about if about == subject.about.value and silence.value == subject.id:
            return True
        case "node" if silence.maintenance and silence.value == subject.node:
            return True
        case "guest":
            return subject.of == f"{subject.cluster}/{About.GUEST.value}/{silence.value}"
        case "tag":
            return silence.value in subject.tags
        case "node":
            there = silence.value in {subject.node, subject.id if subject.about is About.NODE else None}
            return there and not (subject.about is About.GUEST or subject.of or subject.parts)
        case _:
            return False


def covering(silences: Sequence[Silence], alert: Alert, now: datetime) -> int:
    """Id of the one that lasts longest of those that cover it; 0: none does. What is of several may be covered by as
    many: then that of the first of them that is covered no more."""
    subject, rule = alert.finding.subject, alert.finding.rule
    lasting = [silence for silence in silences if silence.until > now]
    whole = _longest(lasting, subject, rule)
    if whole is not None or not subject.parts or not lasting:
        return whole.id if whole is not None else 0
    found = [_longest(lasting, part, rule) for part in subject.each]
    each = [silence for silence in found if silence is not None]
    return min(each, key=lambda silence: silence.until).id if len(each) == len(found) else 0


def _longest(silences: Iterable[Silence], subject: Subject, rule: str) -> Silence | None:
    concerned = (silence for silence in silences if concerns(silence, subject, rule))
    return max(concerned, key=lambda silence: silence.until, default=None)


def maintained(silences: Iterable[Silence], cluster: str, now: datetime) -> frozenset[str]:
    """Nodes under maintenance."""
    return frozenset(
        silence.value
        for silence in silences
        if silence.maintenance and silence.about == "node" and silence.cluster in {"", cluster} and silence.until > now
    )


def voice(was: Alert | None, alert: Alert, news: News | None, now: datetime) -> tuple[Alert, NewsKind | None]:
    """What there is to say of `alert` now; `was` is what it was before this poll, `news` what step() made of it."""
    withheld = bool(alert.parent or alert.silenced)
    kind = news.kind if news is not None else None
    if not withheld:
        stands = alert.phase is Phase.FIRING and not alert.misses and alert.finding.last is None
        if stands and alert.reminded is None and kind not in {NewsKind.FIRED, NewsKind.FLAPPING}:
            return replace(alert, reminded=now), NewsKind.FIRED
        return alert, kind
    match kind:
        case NewsKind.FIRED | NewsKind.FLAPPING:
            return replace(alert, reminded=None), None
        case NewsKind.ESCALATED if was is not None:
            if was.reminded is None:  # nothing was told yet: once it is, it is told as bad as it is
                return replace(alert, reminded=None), None
            if alert.finding.anew:  # by what was found before it is judged whether that is worse: it is not told yet
                alert = replace(alert, finding=was.finding, headline=was.headline)
            shown = NewsKind.CHANGED if alert.finding != was.finding else None
            return replace(alert, severity=was.severity, reminded=was.reminded, reminders=was.reminders,
                           acked=was.acked, acked_by=was.acked_by), shown  # fmt: skip
        case NewsKind.REMINDED if was is not None:
            return replace(alert, reminded=was.reminded, reminders=was.reminders), None
        case NewsKind.STEADY if was is not None:
            return replace(alert, reminded=was.reminded, flapping=was.flapping), None  # it is said at a poll after it
        case _:
            return alert, kind
