"""One alert explained: what was seen against which threshold, its timeline, and who was told. Pure."""

from datetime import datetime

from bot.model import Alert, Phase
from bot.ports import Why
from bot.text import Said, say, span

KNOWN_NO_MORE = "A rule of an earlier version."


def why(alert: Alert, rule_help: str | None, told: Said, silenced: Said | None, now: datetime) -> Why:
    """`told`: what the deliverer says of one chat; `silenced` wins where a silence covers it."""
    finding = alert.finding
    if finding.last is not None:
        told = finding.last
    elif alert.parent:
        told = say("It goes down with something else, and is listed there.")
    elif silenced is not None:
        told = silenced
    elif alert.phase is Phase.PENDING:
        told = say("Nobody was told yet: it has been so for {time}, not long enough.", time=span(alert.held))
    return Why(
        alert=alert,
        rule_help=rule_help or KNOWN_NO_MORE,
        because=finding.because,
        told=told,
        steps=timeline(alert),
    )


def timeline(alert: Alert) -> tuple[tuple[datetime, Said], ...]:
    """Oldest first."""
    steps: list[tuple[datetime, Said]] = [(alert.found, say("First seen."))]
    if alert.finding.since is not None and alert.finding.since < alert.found:
        steps.insert(0, (alert.finding.since, say("It began.")))
    if alert.fired is not None:
        steps.append((alert.fired, say("Fired as {severity}.", severity=alert.severity.word)))
    if alert.acked is not None:
        steps.append((alert.acked, say("Acknowledged by {name}.", name=alert.acked_by)))
    if alert.reminded is not None and alert.fired is not None and alert.reminded > alert.fired:
        told = say("Told again, {n} times by now.", n=alert.reminders) if alert.reminders else say("Told, later.")
        steps.append((alert.reminded, told))
    if alert.flapping is not None:
        steps.append((alert.flapping, say("Flapping: quiet until then.")))
    if alert.over is not None and not alert.finding.event:
        steps.append((alert.over, say("Over.")))
    return tuple(sorted(steps, key=lambda step: step[0]))
