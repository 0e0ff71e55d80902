"""When a request may go out. Delays, and never retries: whoever sends decides what a failure means.

Three lanes. An answer goes first: somebody waits for it, so it is paced by what Telegram says (RetryAfter), and by
guess only when far over the overall rate. An alert waits for its turn within the rates. Progress never waits: without a
slot to spare it is dropped, since a newer one follows. All three count against the same rates, so that what nobody
waits for gives way. Of what a group takes in a minute a share is kept for alerts, whatever is asked there: answers over
theirs wait, or are given up (handlers.py drops what would be asked in vain).

Telegram's rates (its bots FAQ; exact ones are undocumented): 30 messages a second overall, 20 a minute to a group, one
a second to a private chat, with bursts. A RetryAfter stops the chat it came from, and no other.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Any

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.ports import Clock

OVERALL = 30.0
"""Messages a second."""
OVERDRAFT = 600.0
"""Messages by which answers may run ahead of the overall rate (20 s of it) before they too are paced."""
PATIENCE = 30.0
"""Seconds an answer waits for a chat that Telegram has stopped; longer, and it is given up."""
ALERTS = 15.0
"""Alerts a minute into a group, edits of their cards among them: the rest of its minute is left to answers."""
A_MINUTE, KEPT = 20, 5
"""New messages a minute into a group, by Telegram's count; and how many of them are kept for alerts."""
MINUTE = 60.0  # s
SLIGHT = 1e-6
"""Seconds that are none: what is left of sums of fractions."""
MANY = 2000
"""Chats remembered; beyond that those that are idle are forgotten."""


class Lane(IntEnum):
    ANSWER = 1
    ALERT = 2
    PROGRESS = 3


class Wait(RetryAfter):
    """PTB's, without the DeprecationWarning (22.2) that reading its own `retry_after` gives."""

    @property
    def retry_after(self) -> timedelta:
        return self._retry_after


@dataclass(slots=True)
class Bucket:
    """Slots that refill at `rate` a second up to `burst`. May be overdrawn by up to `depth`."""

    rate: float
    burst: float
    depth: float
    level: float = 0.0
    at: float = 0.0  # monotonic seconds of the last refill

    def wait(self, now: float, needed: float) -> float:
        """Seconds until `needed` slots are there; 0 if they are."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        return max(0.0, (needed - self.level) / self.rate)

    def take(self, now: float) -> None:
        self.wait(now, 0)
        self.level = max(-self.depth, self.level - 1)


@dataclass(slots=True)
class Window:
    """At most `size` in any minute, as Telegram counts; 0: no bound."""

    size: int
    times: deque[float] = field(default_factory=deque)  # monotonic seconds, some of them ahead

    def wait(self, now: float) -> float:
        """Seconds until there is room for one; 0 if there is."""
        while self.times and now - self.times[0] >= MINUTE:
            self.times.popleft()
        over = len(self.times) - self.size
        return max(0.0, self.times[over] + MINUTE - now) if self.size and over >= 0 else 0.0

    def take(self, at: float) -> None:
        if self.size:
            self.times.append(at)


@dataclass(slots=True)
class _Chat:
    bucket: Bucket
    alerts: Bucket
    posts: Window  # new messages of all lanes
    answers: Window  # new messages for which somebody waits
    kept: Window  # new messages that are alerts
    stopped: float = 0.0  # monotonic seconds until which Telegram wants nothing for this chat
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # alerts to one chat, one after another


class Limiter(BaseRateLimiter[Lane]):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all = Bucket(OVERALL, OVERALL, OVERDRAFT, OVERALL, clock.monotonic())
        self._chats: dict[int, _Chat] = {}

    async def initialize(self) -> None:
        """Nothing to set up."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def rest(self, seconds: float) -> None:
        """Between a fault of Telegram's and the next try."""
        await self._clock.sleep(seconds)

    def stopped(self, chat: int) -> float:
        """Seconds for which Telegram wants nothing for this chat; 0: it may be written to."""
        known = self._chats.get(chat)
        return 0.0 if known is None else max(0.0, known.stopped - self._clock.monotonic())

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, bool | dict[str, Any] | list[dict[str, Any]]]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Lane | None,
    ) -> bool | dict[str, Any] | list[dict[str, Any]]:
        """Calls `callback` when its lane may. Without a lane (getMe, answerCallbackQuery, setMyCommands): at once.

        Raises: RetryAfter, without a call, where an answer would wait longer than `PATIENCE`.
        """
        if rate_limit_args is None:
            return await callback(*args, **kwargs)
        chat = int(data["chat_id"])
        new = endpoint.startswith("send")
        if rate_limit_args is Lane.ANSWER:
            await self._answer(chat, new)
        elif rate_limit_args is Lane.ALERT:
            await self._alert(chat, new)
        # progress took its slot with `spare()`
        try:
            return await callback(*args, **kwargs)
        except RetryAfter as error:
            self._chat(chat).stopped = self._clock.monotonic() + seconds(error)
            raise

    def spare(self, chat: int) -> bool:
        """Is there a slot that no answer and no alert will miss? Taken, if so: for progress."""
        now, of_chat = self._clock.monotonic(), self._chat(chat)
        if of_chat.stopped > now or self._all.wait(now, OVERALL / 2) or of_chat.bucket.wait(now, 0.5 * _burst(chat)):
            return False
        self._take(of_chat, now)
        return True

    async def _answer(self, chat: int, new: bool) -> None:
        of_chat = self._chat(chat)
        now = self._clock.monotonic()
        pause = max(of_chat.stopped - now, self._all.wait(now, 1 - OVERDRAFT))
        if new:
            pause = max(pause, of_chat.answers.wait(now), of_chat.posts.wait(now))
        if pause > PATIENCE:
            raise Wait(timedelta(seconds=pause))
        self._take(of_chat, now)
        if new:
            at = now + max(0.0, pause)
            of_chat.answers.take(at)
            of_chat.posts.take(at)
        if pause > SLIGHT:
            await self._clock.sleep(pause)

    async def _alert(self, chat: int, new: bool) -> None:
        of_chat = self._chat(chat)
        async with of_chat.turn:
            while True:
                now = self._clock.monotonic()
                pause = max(of_chat.stopped - now, self._all.wait(now, 1), self._room(of_chat, now, new))
                if pause <= SLIGHT:
                    of_chat.alerts.take(now)
                    self._take(of_chat, now)
                    if new:
                        of_chat.posts.take(now)
                        of_chat.kept.take(now)
                    return
                await self._clock.sleep(pause)

    def _room(self, of_chat: _Chat, now: float, new: bool) -> float:
        """Seconds until an alert, new or an edit, has its place in this chat."""
        if not of_chat.kept.size:
            return max(of_chat.alerts.wait(now, 1), of_chat.bucket.wait(now, 1))
        if not new:
            return of_chat.alerts.wait(now, 1)
        if of_chat.kept.wait(now) <= 0:
            return 0.0
        return max(of_chat.alerts.wait(now, 1), of_chat.posts.wait(now))

    def _take(self, of_chat: _Chat, now: float) -> None:
        self._all.take(now)
        of_chat.bucket.take(now)

    def _chat(self, chat: int) -> _Chat:
        if (known := self._chats.get(chat)) is not None:
            return known
        now = self._clock.monotonic()
        if len(self._chats) >= MANY:
            self._chats = {
                key: value
                for key, value in self._chats.items()
                if value.turn.locked() or value.stopped > now or value.bucket.wait(now, value.bucket.burst) > 0
            }
        burst = _burst(chat)
        alerts = ALERTS if chat < 0 else burst
        posts, kept = (A_MINUTE, KEPT) if chat < 0 else (0, 0)
        made = _Chat(
            bucket=Bucket(burst / 60 if chat < 0 else 1.0, burst, burst, burst, now),
            alerts=Bucket(alerts / 60 if chat < 0 else 1.0, alerts, alerts, alerts, now),
            posts=Window(posts),
            answers=Window(posts - kept),
            kept=Window(kept),
        )
        self._chats[chat] = made
        return made


def _burst(chat: int) -> float:
    """Messages at once: a group's minute, a private chat's patience with bursts."""
    return 20.0 if chat < 0 else 10.0


def seconds(error: RetryAfter) -> float:
    wanted = error.retry_after
    return wanted.total_seconds() if isinstance(wanted, timedelta) else float(wanted)
