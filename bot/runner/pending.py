"""Questions that wait for their Yes.

    issue ──▶ bind ──▶ (the message is edited) ──▶ take: once, within 60 s, by the asker, in its own message
                │          └──▶ move: it became another message
                └──▶ revoke: any other edit of that message ends the question

Kept in memory on purpose: after a restart every open question is closed. Nothing here awaits, so that of two taps on
the same Yes one finds nothing.
"""

import secrets
from dataclasses import replace

from bot.ports import Clock
from bot.screen import Message, Pending

LIFE = 60.0
"""Seconds in which a Yes counts."""
KEPT = 900.0
"""Seconds after which an expired question is forgotten: until then its Cancel still leads back to the card."""


class Questions:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, Pending] = {}

    def issue(self, asker: int, action: str, target: str, detail: str = "") -> Pending:
        now = self._clock.monotonic()
        for nonce in [nonce for nonce, old in self._open.items() if old.expires + KEPT < now]:
            del self._open[nonce]
        pending = Pending(
            nonce=secrets.token_urlsafe(12),
            asker=asker,
            action=action,
            target=target,
            expires=now + LIFE,
            detail=detail,
        )
        self._open[pending.nonce] = pending
        return pending

    def bind(self, nonce: str, message: Message) -> None:
        """The question stands in `message` now, and no other one does."""
        pending = self._open.pop(nonce, None)
        self.revoke(message)
        if pending is not None:
            self._open[nonce] = replace(pending, message=message)

    def move(self, nonce: str, message: Message) -> None:
        """It stands in `message` after all; nothing, where it was answered or closed meanwhile."""
        if nonce in self._open:
            self.bind(nonce, message)

    def drop(self, nonce: str) -> None:
        self._open.pop(nonce, None)

    def revoke(self, message: Message) -> None:
        for nonce in [n for n, p in self._open.items() if p.message is not None and same(p.message, message)]:
            del self._open[nonce]

    def find(self, nonce: str, message: Message) -> Pending | None:
        """The question that stands in `message` under this nonce, expired or not, whoever asked it."""
        pending = self._open.get(nonce)
        if pending is None or pending.message is None or not same(pending.message, message):
            return None
        return pending

    def take(self, nonce: str, asker: int, message: Message) -> Pending | None:
        """The asker's own question, and it is gone with that. It may have expired: ask `expired()`."""
        pending = self.find(nonce, message)
        if pending is None or pending.asker != asker:
            return None
        del self._open[nonce]
        return pending

    def expired(self, pending: Pending) -> bool:
        return self._clock.monotonic() >= pending.expires


def same(one: Message, other: Message) -> bool:
    """By chat and id: a topic adds nothing, and not every update tells it."""
    return (one.place.chat, one.id) == (other.place.chat, other.id)
