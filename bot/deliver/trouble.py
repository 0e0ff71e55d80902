"""How it goes with each chat, and what is done where it goes wrong: waiting, parking, and words about it."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.deliver.desk import Desk
from bot.ports import Clock, Lost, Spawner, Undelivered
from bot.text import Said, say

log = logging.getLogger(__name__)

FIRST, LONGEST = 2.0, 300.0
"""Seconds before a chat is tried again, doubled each time up to the longest."""
AWAY = 20.0
"""The longest where nothing was shown: a try then costs nobody anything, and finds out that Telegram is back."""
HOUR = 3600.0
"""Seconds until a chat that could not be written to is tried again."""
SIGN = 60.0
"""Seconds until it is tried again where something was heard from it: the bot may hear where it may not speak."""
A_MINUTE = 15
"""Messages a minute into a group; what is over that is joined."""


REFUSED = (60.0, 300.0, 1800.0, *(3600.0,) * 9)
"""Seconds until a card is tried again that Telegram takes in no form, in words that nobody knows: it may pass."""


class Refusals:
    """Cards that Telegram has refused: how often, and until when they rest."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[int, datetime]] = {}

    def again(self, card: int, now: datetime) -> bool:
        """Refused once more: is it to be tried again?"""
        count = self._of.get(card, (0, now))[0]
        if count >= len(REFUSED):
            return False
        self._of[card] = (count + 1, now + timedelta(seconds=REFUSED[count]))
        return True

    def first(self, card: int) -> bool:
        return self._of.get(card, (0, None))[0] == 1

    def rests(self, card: int, now: datetime) -> bool:
        count, until = self._of.get(card, (0, now))
        return now < until <= now + timedelta(seconds=REFUSED[count - 1])  # no longer where the clock was set back

    def keep(self, cards: Collection[int]) -> None:
        """Of others nothing is sent any more."""
        self._of = {card: of for card, of in self._of.items() if card in cards}

    def taken(self, card: int) -> None:
        self._of.pop(card, None)


@dataclass(slots=True)
class Line:
    """How it goes with one chat."""

    resume: float = 0.0  # monotonic seconds before which it is not tried
    alarm: float = 0.0  # monotonic seconds at which it is to be tried; 0: with the next wake
    failures: int = 0  # in a row
    soonest: float = 0.0  # monotonic seconds before which it is not tried, even if Telegram answers again
    failed: float = 0.0  # monotonic seconds at which it could last not be written to
    posts: deque[float] = field(default_factory=lambda: deque(maxlen=A_MINUTE))  # monotonic seconds
    working: bool = False

    def pause(self, chat: int, now: float) -> float:
        """Seconds until one more message may go there; a group takes so many a minute."""
        if chat > 0 or len(self.posts) < A_MINUTE:
            return 0.0
        return self.posts[0] + 60.0 - now


class Trouble:
    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        spawn: Spawner,
        tell: Callable[[Said], Coroutine[Any, Any, None]] | None,
        counts: Counter[str],
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._spawn = spawn
        self._tell = tell
        self._counts = counts

    def failed(self, chat: int, state: Line, why: Undelivered) -> bool:
        """Puts the chat off; is it to be parked?"""
        self._counts[why.why.value] += 1
        now = self._clock.monotonic()
        if why.why is Lost.CHAT:
            state.resume, state.failed = now + HOUR, now
            if chat in self._desk.parked:
                return False
            log.warning("alerts to chat %d wait: it cannot be written to (%s)", chat, why.detail)
            self._note(
                say(
                    "Alerts to chat {chat} cannot be delivered ({reason}). They wait until it lets me in again; "
                    "I try every hour.",
                    chat=_called(chat, why),
                    reason=why.detail or "no reason given",
                )
            )
            return True
        state.failures += 1
        longest = AWAY if why.why is Lost.LATER else LONGEST
        doubled = min(longest, FIRST * 2 ** min(state.failures - 1, 10))
        state.resume = now + (why.after or doubled)  # Telegram knows best how long it wants nothing
        state.soonest = now + max(why.after, FIRST) if why.why is Lost.LATER else state.resume
        if state.failures == 1 or why.why is Lost.UNKNOWN:
            pause = state.resume - now
            log.warning("alerts to chat %d: %s (%s), again in %.0f s", chat, why.why.value, why.detail, pause)
        return False

    def dropped(self, chat: int, why: Undelivered) -> None:
        self._counts["refused"] += 1
        log.error("a message to chat %d is given up, Telegram takes it in no form: %s", chat, why.detail)
        self._note(
            say(
                "Telegram took an alert for chat {chat} in no form ({reason}). It stands in {page}.",
                chat=_called(chat, why),
                reason=why.detail or "no reason given",
                page="/alerts",
            )
        )

    def _note(self, said: Said) -> None:
        if self._tell is not None:
            self._spawn(self._tell(said), "note to the admins")


def _called(chat: int, why: Undelivered) -> str:
    return f"{why.chat} ({chat})" if why.chat else str(chat)
