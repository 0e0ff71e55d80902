"""What is opened beside a card: no more than a chat can bear, whoever taps. No I/O, no clock.

A tap on a card never edits it, so that each is a new message; a group takes some twenty a minute, and the alerts come
first (limiter.py).
"""

from collections import deque

from bot.screen import Message

MOST = 6
"""Messages that one card opens within WITHIN."""
WITHIN = 60.0  # s
CARDS = 256
"""Cards remembered at a time; beyond that the one not tapped for longest is forgotten."""


class Beside:
    def __init__(self) -> None:
        self._opened: dict[tuple[int, int], deque[float]] = {}  # by chat and message: monotonic seconds

    def enter(self, message: Message, now: float) -> bool:
        """May one more be opened? Then it counts."""
        key = (message.place.chat, message.id)
        times = self._opened.pop(key, None) or deque()
        while times and now - times[0] >= WITHIN:
            times.popleft()
        self._opened[key] = times
        if len(self._opened) > CARDS:
            del self._opened[next(iter(self._opened))]
        if len(times) >= MOST:
            return False
        times.append(now)
        return True
