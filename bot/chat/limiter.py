"""When a request may go out. Delays, and never retries: whoever sends decides what a failure means.

Three lanes. An answer goes first: somebody waits for it, so it is paced by what Telegram says (RetryAfter), and by
guess only when far over the overall rate. An alert waits for its turn within the rates. Progress never waits: without a
slot to spare it is dropped, since a newer one follows. All three count against the same rates, so that what nobody
waits for gives way.

Telegram's rates (its bots FAQ; exact ones are undocumented): 30 messages a second overall, 20 a minute to a group, one
a second to a private chat, with bursts. A RetryAfter stops the chat it came from, and no other.
"""

import asyncio
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
class _Chat:
    bucket: Bucket
    alerts: Bucket
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
        if rate_limit_args is Lane.ANSWER:
            await self._answer(chat)
        elif rate_limit_args is Lane.ALERT:
            await self._alert(chat)
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

    async def _answer(self, chat: int) -> None:
        of_chat = self._chat(chat)
        now = self._clock.monotonic()
        pause = max(of_chat.stopped - now, self._all.wait(now, 1 - OVERDRAFT))
        if pause > PATIENCE:
            raise Wait(timedelta(seconds=pause))
        self._take(of_chat, now)
        if pause > 0:
            await self._clock.sleep(pause)

    async def _alert(self, chat: int) -> None:
        of_chat = self._chat(chat)
        async with of_chat.turn:
            while True:
                now = self._clock.monotonic()
                pause = max(
                    of_chat.stopped - now,
                    of_chat.alerts.wait(now, 1),
                    of_chat.bucket.wait(now, 1),
                    self._all.wait(now, 1),
                )
                if pause <= 0:
                    of_chat.alerts.take(now)
                    self._take(of_chat, now)
                    return
                await self._clock.sleep(pause)

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
        made = _Chat(
            bucket=Bucket(burst / 60 if chat < 0 else 1.0, burst, burst, burst, now),
            alerts=Bucket(alerts / 60 if chat < 0 else 1.0, alerts, alerts, alerts, now),
        )
        self._chats[chat] = made
        return made


def _burst(chat: int) -> float:
    """Messages at once: a group's minute, a private chat's patience with bursts."""
    return 20.0 if chat < 0 else 10.0


def seconds(error: RetryAfter) -> float:
    wanted = error.retry_after
    return wanted.total_seconds() if isinstance(wanted, timedelta) else float(wanted)
