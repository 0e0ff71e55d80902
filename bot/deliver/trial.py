"""Test alerts: the deliverer's own, of which the watch knows nothing. Their numbers are below 0."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.access import Asker
from bot.model import About, Alert, Finding, Phase, Severity, Subject
from bot.text import say

TEST = "test"
"""Rule of a test alert."""
TEST_LASTS = 60.0
"""Seconds."""


def trial_alert(number: int, by: Asker, now: datetime) -> Alert:
    finding = Finding(
        rule=TEST,
        subject=Subject(about=About.OTHER, cluster="", id=str(-number)),
        severity=Severity.WARNING,
        said=say("This is a test alert, asked for by {name}", name=by.name),
        over=say("The test alert is over"),
        details=(say("So it looks, and sounds, when something is wrong."),),
    )
    return Alert(number=number, finding=finding, phase=Phase.FIRING, found=now, fired=now)


def acked(alerts: Mapping[int, Alert], numbers: Iterable[int], by: str, now: datetime) -> list[Alert]:
    """Of these the tests that were open and not acknowledged, as they are now."""
    known = (alerts.get(number) for number in numbers if number < 0)
    return [replace(one, acked=now, acked_by=by) for one in known if one is not None and one.open and one.acked is None]
