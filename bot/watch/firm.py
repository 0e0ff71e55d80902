"""A card does not become milder because less is known than when it was told."""

from bot.model import Alert, Finding, Phase
from bot.model.view import View


def firm(alert: Alert | None, finding: Finding, view: View) -> Finding:
    """`finding`; or what it was told with, where that was worse and what decides it is not read yet, as after a
    start: not with the first poll, and not while the rule itself is unsure."""
    if alert is None or alert.phase is not Phase.FIRING or finding.severity >= alert.finding.severity:
        return finding
    return alert.finding if view.first or finding.unsure else finding
