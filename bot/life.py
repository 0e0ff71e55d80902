"""The life of one alert: pure functions from what was and what is found to what is, and what there is to tell.

    quiet ──found──▶ pending ──held for as long as the rule says──▶ firing ──▶ reminded, until acknowledged
      ▲                 │ not found, or grey                          │  └──worse, and held──▶ escalated
      │                 ▼                                             │
      └───────────── forgotten            over ◀── not found for as long as the rule says ──┘
                                           └──found again──▶ pending, under a new number

found     a rule's word at this poll, and not grey
grey      between clear and fire: keeps a firing alert up, starts none, carries no pending one on
unseen    neither found nor seen to be well: everything stays as it is
event     happened once: fires and is over in the same breath, and is never told again
explained found, but the cause is known (`Finding.last`): stays pending, for /why
flapping  the FLAPS-th change within WINDOW: told once; then it stays up, silent but where it gets worse, for QUIET, and
          whatever it is at the end is its state, and said. Still flapping by then: QUIET again, without a word

How long something was found or missed grows by min(step of the monotonic clock, two polls): a clock that jumps and a
machine that slept neither fire nor clear anything. Repeats and quiet times are points in time; one that lies too far
ahead, because the clock was set back, is drawn near again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.clock import AHEAD
from bot.model import Alert, Finding, News, NewsKind, Phase, Severity

HOUR, DAY = 3600.0, 86400.0
REPEAT = {Severity.CRITICAL: 4 * HOUR, Severity.WARNING: DAY}
"""Seconds from one word about an open alert to the next, until it is acknowledged; info is not repeated."""
DOUBLING = frozenset({"replication"})
"""Rules whose repeats come after 1, 2, 4 and 8 days."""
FLAPS = 5
WINDOW = 15 * 60.0  # s
QUIET = 30 * 60.0  # s
REFRESH = 300.0
"""Seconds between two edits of a card for nothing but figures that moved."""
MATTER = ("affected", "cures", "last", "loud", "quiet")
"""Fields of a finding that a card shows anew at once. A severity that falls may rise at the next poll: it can wait."""


class Figures(Protocol):
    """Of rules.Limit, what a life depends on."""

    @property
    def on(self) -> bool: ...
    @property
    def severity(self) -> Severity | None: ...
    @property
    def hold(self) -> float: ...
    @property
    def clear(self) -> float: ...
    @property
    def polls(self) -> int: ...
    @property
    def more(self) -> Mapping[str, float]: ...


class Row(Protocol):
    """Of rules.Rule."""

    @property
    def key(self) -> str: ...
    @property
    def slow(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Poll:
    limit: Figures
    rule: Row
    grown: float  # s that what is found or missed has grown by
    now: datetime
    scale: float
    confirmed: bool

    def later(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds * self.scale)


def step(
    alert: Alert | None,
    finding: Finding | None,
    *,
    seen: bool,
    limit: Figures,
    rule: Row,
    step: float,
    poll: float,
    now: datetime,
    number: Callable[[], int],
    scale: float = 1.0,
    confirmed: bool = True,
) -> tuple[Alert | None, News | None]:
    """`alert` (None: none, or the last one is forgotten) after a poll that found `finding`, or nothing.

    step       s of the monotonic clock since the poll before
    number     gives a number that was never used
    scale      TIME_SCALE, of repeats and quiet times; the limits have it already
    confirmed  False: what has to be looked up before it may fire could not be
    """
    at = _Poll(limit=limit, rule=rule, grown=_grown(step, poll), now=now, scale=scale, confirmed=confirmed)
    finding = bounded(finding, limit, rule) if finding is not None and limit.on else None
    seen = seen or not limit.on
    if alert is None or alert.phase is Phase.OVER:
        if finding is None or finding.grey or (alert is not None and finding.event):
            return alert, None
        lately = recent(alert.changes, now, scale) if alert is not None else ()
        return _ripen(_begin(finding, now, number(), lately), at)
    if alert.phase is Phase.PENDING:
        return _pending(alert, finding, seen, at)
    kind: NewsKind | None = None
    if finding is not None:
        alert, kind = _found(alert, finding, at)
    elif seen:
        alert, kind = _missed(alert, at)
    if alert.phase is Phase.FIRING and kind is None:
        alert, kind = _later(alert, at)
    return alert, News(kind=kind, alert=alert) if kind is not None else None


def ripe(alert: Alert | None, finding: Finding, limit: Figures, rule: Row, step: float, poll: float) -> bool:
    """Would this finding fire, or escalate, now? Then it is looked up first, where the rule wants that."""
    if not limit.on or finding.grey or finding.last is not None:
        return False
    if alert is None or alert.phase is Phase.OVER:
        return not (alert is not None and finding.event) and _enough(0.0, 1, finding, limit)
    if alert.phase is Phase.FIRING and bounded(finding, limit, rule).severity <= alert.severity:
        return False
    return _enough(alert.held + (_grown(step, poll) if alert.polls else 0.0), alert.polls + 1, finding, limit)


def opened(finding: Finding, limit: Figures, rule: Row, now: datetime, number: int) -> tuple[Alert, News]:
    """Found at the first poll after a start: it was so before, and is told in the summary, without a hold."""
    return _fire(replace(_begin(bounded(finding, limit, rule), now, number, ()), summary=True), now, 1.0)


def acknowledge(alert: Alert, by: str, now: datetime) -> Alert | None:
    """None where there is nothing to acknowledge: not open, or somebody did."""
    if alert.phase is not Phase.FIRING or alert.acked is not None:
        return None
    return replace(alert, acked=now, acked_by=by)


def bounded(finding: Finding, limit: Figures, rule: Row) -> Finding:
    """No worse than the limit lets it be; slow where all of the rule is."""
    severity = finding.severity if limit.severity is None else min(finding.severity, limit.severity)
    slow = finding.slow or rule.slow
    same = (severity, slow) == (finding.severity, finding.slow)
    return finding if same else replace(finding, severity=severity, slow=slow)


def recent(changes: tuple[datetime, ...], now: datetime, scale: float) -> tuple[datetime, ...]:
    """Of the last quarter of an hour; what lies ahead, since the clock was set back, is of no use."""
    since = now - timedelta(seconds=WINDOW * scale)
    return tuple(at for at in changes if since < at <= now)[-FLAPS * 2 :]


def repeat(alert: Alert, limit: Figures, rule: Row, scale: float) -> float | None:
    """Seconds from the last word to the next; None: never. `repeat_seconds` of a limit (scaled by then) wins."""
    if "repeat_seconds" in limit.more:
        return limit.more["repeat_seconds"]
    if alert.severity is Severity.INFO:
        return None
    if rule.key in DOUBLING:
        return float(DAY * min(2**alert.reminders, 8)) * scale
    return (DAY if alert.finding.slow else REPEAT[alert.severity]) * scale


# -- pending -------------------------------------------------------------------------------------------------------


def _begin(finding: Finding, now: datetime, number: int, changes: tuple[datetime, ...]) -> Alert:
    polls = 0 if finding.last is not None else 1
    return Alert(
        number=number, finding=finding, phase=Phase.PENDING, found=now, polls=polls, severity=finding.severity,
        changes=changes,
    )  # fmt: skip


def _pending(alert: Alert, finding: Finding | None, seen: bool, at: _Poll) -> tuple[Alert | None, News | None]:
    if finding is None:
        return (None, None) if seen else (alert, None)
    if finding.grey:
        return None, None
    if finding.last is not None:  # nobody is told: it does not ripen either
        same = finding == alert.finding and not alert.polls
        return (alert if same else replace(alert, finding=finding, held=0.0, polls=0)), None
    grown = at.grown if alert.polls else 0.0  # no longer explained: it begins now
    held, polls = alert.held + grown, alert.polls + 1
    return _ripen(replace(alert, finding=finding, severity=finding.severity, held=held, polls=polls), at)


def _ripen(alert: Alert, at: _Poll) -> tuple[Alert, News | None]:
    if at.confirmed and alert.finding.last is None and _enough(alert.held, alert.polls, alert.finding, at.limit):
        return _fire(alert, at.now, at.scale)
    return alert, None


def _enough(held: float, polls: int, finding: Finding, limit: Figures) -> bool:
    hold = limit.hold if finding.hold is None else finding.hold
    return held >= hold and (polls >= limit.polls or finding.hold == 0)


def _grown(step: float, poll: float) -> float:
    return min(max(step, 0.0), 2 * poll)


def _fire(alert: Alert, now: datetime, scale: float) -> tuple[Alert, News]:
    alert = replace(alert, phase=Phase.FIRING, fired=now, reminded=now, held=0.0, polls=0, misses=0, missed=0.0)
    alert = replace(alert, headline=alert.finding.said, worse=None, first=None)
    if alert.finding.event:
        alert = replace(alert, phase=Phase.OVER, over=now)
        return alert, News(kind=NewsKind.FIRED, alert=alert)
    alert = replace(alert, changes=(*recent(alert.changes, now, scale), now))
    if len(alert.changes) < FLAPS:
        return alert, News(kind=NewsKind.FIRED, alert=alert)
    alert = replace(alert, flapping=now + timedelta(seconds=QUIET * scale))
    return alert, News(kind=NewsKind.FLAPPING, alert=alert)


# -- firing --------------------------------------------------------------------------------------------------------


def _found(alert: Alert, finding: Finding, at: _Poll) -> tuple[Alert, NewsKind | None]:
    alert = _up(alert, at)
    if finding.grey:
        return replace(alert, held=0.0, polls=0) if alert.polls else alert, None
    if finding.severity > (alert.finding if finding.anew else alert).severity and finding.last is None:
        alert = replace(alert, held=alert.held + (at.grown if alert.polls else 0.0), polls=alert.polls + 1)
        if not at.confirmed or not _enough(alert.held, alert.polls, finding, at.limit):
            return alert, None
        first = alert.severity if alert.first is None else alert.first
        alert = replace(alert, worse=at.now, first=first)
        alert = replace(alert, finding=finding, severity=finding.severity, headline=finding.said)
        return replace(alert, acked=None, acked_by="", reminded=at.now, reminders=0), NewsKind.ESCALATED
    if alert.polls:
        alert = replace(alert, held=0.0, polls=0)
    matters = any(getattr(finding, name) != getattr(alert.finding, name) for name in MATTER)
    if finding == alert.finding or not (matters or _due(alert, at)):
        return alert, None
    return replace(alert, finding=finding), NewsKind.CHANGED


def _due(alert: Alert, at: _Poll) -> bool:
    """Figures are brought up to date every five minutes, each alert at another moment of them."""
    every = max(REFRESH * at.scale, 1.0)
    moment = at.now.timestamp() + alert.number * 37 % every
    return moment // every != (moment - at.grown) // every


def _up(alert: Alert, at: _Poll) -> Alert:
    """It is there. A flapping one that had been gone for long enough has changed once more."""
    if not alert.misses:
        return alert
    changed = alert.flapping is not None and _gone(alert, at.limit)
    changes = (*recent(alert.changes, at.now, at.scale), at.now) if changed else alert.changes
    return replace(alert, misses=0, missed=0.0, changes=changes)


def _gone(alert: Alert, limit: Figures) -> bool:
    return alert.misses >= max(1, limit.polls) and alert.missed >= limit.clear


def _missed(alert: Alert, at: _Poll) -> tuple[Alert, NewsKind | None]:
    was_gone = _gone(alert, at.limit)
    missed = alert.missed + (at.grown if alert.misses else 0.0)
    alert = replace(alert, misses=alert.misses + 1, missed=missed, held=0.0, polls=0)
    if not _gone(alert, at.limit) and at.limit.on:
        return alert, None
    if not was_gone:
        alert = replace(alert, changes=(*recent(alert.changes, at.now, at.scale), at.now))
    if at.limit.on and _quiet(alert, at):
        return alert, None
    alert = replace(alert, phase=Phase.OVER, over=at.now, flapping=None)
    return alert, NewsKind.RESOLVED if alert.told else NewsKind.BACK


def _quiet(alert: Alert, at: _Poll) -> bool:
    """Is a flapping alert to stay as it is: its quiet time lasts, or it flaps still?"""
    if alert.flapping is None:
        return False
    return at.now < alert.flapping or len(recent(alert.changes, at.now, at.scale)) >= FLAPS


def _later(alert: Alert, at: _Poll) -> tuple[Alert, NewsKind | None]:
    """What time alone brings: the end of a quiet time, a reminder."""
    if alert.fired is not None and alert.fired - at.now > AHEAD:  # the clock was set back
        alert = replace(alert, fired=at.now)
    if alert.flapping is not None:
        if at.now < alert.flapping <= at.later(QUIET):
            return alert, None
        if _quiet(alert, at):  # it flaps still, or the clock was set back
            return replace(alert, flapping=at.later(QUIET)), None
        alert = replace(alert, flapping=None)
        known = alert.reminded is None or alert.acked is not None or alert.finding.last is not None
        if known or alert.misses or alert.severity is Severity.INFO:
            return alert, NewsKind.CHANGED
        return replace(alert, reminded=at.now), NewsKind.STEADY
    if alert.reminded is None or alert.acked is not None or alert.finding.last is not None or alert.misses:
        return alert, None  # nobody is reminded of what is perhaps over
    if alert.reminded > at.now:
        return replace(alert, reminded=at.now), None
    every = repeat(alert, at.limit, at.rule, at.scale)
    if every is None or (at.now - alert.reminded).total_seconds() < every:
        return alert, None
    return replace(alert, reminded=at.now, reminders=alert.reminders + 1), NewsKind.REMINDED
