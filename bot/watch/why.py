"""One alert explained: what was seen against which threshold, its timeline, and who was told. Pure."""

from datetime import datetime

from bot.model import Alert, Phase
from bot.ports import Explanation
from bot.text import Said, lines, say, span

KNOWN_NO_MORE = "A rule of an earlier version."


def why(alert: Alert, rule_help: str | None, told: Said, silenced: Said | None, hold: float) -> Explanation:
    """`told`: what the deliverer says of one chat, `silenced` the silence that covers it; `hold`: s for which it has
    to be found before it fires."""
    finding = alert.finding
    if finding.last is not None and alert.fired is None:
        told = say("Nobody is told: {why}.", why=finding.last)
    elif finding.last is not None:
        told = lines(told, say("Nobody is reminded: {why}.", why=finding.last))
    elif alert.parent:
        told = say("It goes down with something else, and is listed there.")
    elif alert.phase is Phase.PENDING:
        told = say("Nobody was told yet: {held}.", held=held(alert, hold))
    if silenced is not None:
        told = lines(told, silenced)
    return Explanation(
        alert=alert,
        rule_help=rule_help or KNOWN_NO_MORE,
        because=finding.because,
        told=told,
        steps=timeline(alert),
    )


def held(alert: Alert, hold: float) -> Said:
    """`held 3 of 5 min`: what lasts too little so far is pending."""
    if hold <= 0:
        return say("it fires at one of the next polls")
    return say("it has lasted {time} of {hold}", time=span(min(alert.held, hold)), hold=span(hold))


def timeline(alert: Alert) -> tuple[tuple[datetime, Said], ...]:
    """Oldest first."""
    steps: list[tuple[datetime, Said]] = [(alert.found, say("First seen."))]
    if alert.finding.since is not None and alert.finding.since < alert.found:
        steps.insert(0, (alert.finding.since, say("It began.")))
    if alert.fired is not None:
        first = alert.severity if alert.first is None else alert.first
        steps.append((alert.fired, say("Fired as {severity}.", severity=first.word)))
    if alert.worse is not None:
        steps.append((alert.worse, say("Worse: {severity}.", severity=alert.severity.word)))
    if alert.acked is not None:
        steps.append((alert.acked, say("Acknowledged by {name}.", name=alert.acked_by)))
    last = alert.worse or alert.fired
    if alert.reminded is not None and last is not None and alert.reminded > last:
        told = say("Told again, {n} times by now.", n=alert.reminders) if alert.reminders else say("Told, later.")
        steps.append((alert.reminded, told))
    if alert.flapping is not None:
        steps.append((alert.flapping, say("Flapping: quiet until then.")))
    if alert.over is not None and not alert.finding.event:
        steps.append((alert.over, say("Over.")))
    return tuple(sorted(steps, key=lambda step: step[0]))
