"""What was ordered in a chat lately: that it came about is no news there of its own."""

from datetime import datetime, timedelta

from bot.model import Alert
from bot.ports import Audit

LATELY = timedelta(days=1)
"""For so long an order is awaited: a backup takes its time."""
SETTLED = timedelta(minutes=30)
"""For so long after its end an alert may need to see it."""


class Ordered:
    """Since the start: a recovery that is told though it was ordered before costs one silent line."""

    def __init__(self) -> None:
        self._until: dict[tuple[int, str, str], datetime] = {}  # chat, action, target

    def heard(self, audit: Audit, now: datetime) -> None:
        """It was asked for, or has ended."""
        self._until = {key: until for key, until in self._until.items() if until > now}
        key = (audit.chat, audit.action, audit.target)
        if audit.ended is None:
            self._until[key] = now + LATELY
        elif audit.outcome.startswith("ok"):
            self._until[key] = now + SETTLED
        else:
            self._until.pop(key, None)

    def mended(self, alert: Alert, chat: int, now: datetime) -> bool:
        """Did somebody there order what the alert's own message offers?"""
        return any(
            cure.verb == "ask" and (until := self._until.get((chat, cure.key, cure.arg))) is not None and until > now
            for cure in alert.finding.cures
        )
